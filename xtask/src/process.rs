//! Running other programs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end with this process's own output.
///
/// # Errors
/// It cannot be started, or its exit code is not 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command to its end and answers what it printed.
///
/// # Errors
/// It cannot be started, its exit code is not 0, or it printed what is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, message.trim());
    }
    String::from_utf8(output.stdout).context("output that is not UTF-8")
}

/// A process id from its number.
fn pid(number: u32) -> Result<Pid> {
    let number = i32::try_from(number).context("a process id")?;
    Pid::from_raw(number).context("process id 0")
}

/// Whether the process is there.
pub(crate) fn is_alive(number: u32) -> bool {
    pid(number).is_ok_and(|pid| test_kill_process(pid).is_ok())
}

/// Asks a process to end; it may be gone already.
pub(crate) fn terminate(number: u32) {
    if let Ok(pid) = pid(number) {
        let _gone = kill_process(pid, Signal::TERM);
    }
}

/// A child that does not outlive its owner: asked to end, then made to.
pub(crate) struct Owned {
    child: Child,
    grace: Duration,
}

impl Owned {
    /// Starts a command.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: &mut Command, grace: Duration) -> Result<Owned> {
        let child = command.spawn().with_context(|| format!("cannot start {}", shown(command)))?;
        Ok(Owned { child, grace })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it: SIGTERM, and SIGKILL after the grace.
    pub(crate) fn stop(&mut self) {
        if !self.is_running() {
            return;
        }
        terminate(self.child.id());
        let deadline = Instant::now() + self.grace;
        while self.is_running() {
            if Instant::now() > deadline {
                let _gone = self.child.kill();
                let _status = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a server answers the native protocol's OPTIONS with SUPPORTED.
pub(crate) fn answers_cql(address: SocketAddr) -> bool {
    const OPTIONS: [u8; 9] = [4, 0, 0, 0, 5, 0, 0, 0, 0];
    const SUPPORTED: u8 = 6;
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    let limit = Some(Duration::from_secs(1));
    let mut header = [0; 9];
    let answered = stream.set_read_timeout(limit).is_ok()
        && stream.write_all(&OPTIONS).is_ok()
        && stream.read_exact(&mut header).is_ok();
    answered && header[4] == SUPPORTED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes() {
        let table = [("true", true), ("false", false), ("no-such-program-here", false)];
        for (program, expected) in table {
            assert_eq!(run(&mut Command::new(program)).is_ok(), expected, "{program}");
        }
    }

    #[test]
    fn owned_children_end_with_their_owner() {
        let owned =
            Owned::start(Command::new("sleep").arg("600"), Duration::from_secs(5)).expect("sleep is everywhere");
        let id = owned.id();
        assert!(is_alive(id));
        drop(owned);
        assert!(!is_alive(id));
    }
}
