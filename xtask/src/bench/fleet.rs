//! One server, or three of them, as processes, and what the kernel counts of them.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::oracle::{self, Node, Settings};
use crate::process::{self, Owned};
use crate::workspace;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Apache Cassandra.
    Cassandra,
    /// Helenus.
    Helenus,
}

impl Kind {
    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Cassandra => "Cassandra",
            Kind::Helenus => "Helenus",
        }
    }

    fn addresses(self, nodes: u8) -> Vec<IpAddr> {
        let first = match self {
            Kind::Cassandra => 91,
            Kind::Helenus => 1,
        };
        (first..first + nodes).map(|last| IpAddr::from([127, 0, 0, last])).collect()
    }
}

/// Clock ticks a second in `/proc`: 100 on every Linux we run on.
const TICKS_PER_SECOND: f64 = 100.0;
const JMX_PORT: u16 = 7291;
const ADMIN_PORT: u16 = 7199;
/// The same commit log policy for both sides.
const SYNC: [&str; 2] = ["commitlog_sync=periodic", "commitlog_sync_period=10000ms"];

enum Process {
    Cassandra(IpAddr),
    Helenus(Owned),
}

struct Member {
    process: Process,
    pid: u32,
    directory: PathBuf,
}

/// Servers that run until this value is dropped.
pub(crate) struct Fleet {
    kind: Kind,
    /// Their addresses.
    pub(crate) addresses: Vec<IpAddr>,
    members: Vec<Member>,
    /// From exec to the first SUPPORTED, of the last one.
    pub(crate) ready_after: Duration,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for member in &mut self.members {
            match &mut member.process {
                Process::Helenus(owned) => owned.stop(),
                Process::Cassandra(address) => {
                    if let Err(error) = oracle::stop(*address) {
                        eprintln!("{error:#}");
                    }
                }
            }
        }
    }
}

/// The folder of one of the servers.
fn directory(kind: Kind, address: IpAddr) -> PathBuf {
    super::home().join(format!("{}-{address}", kind.name().to_lowercase()))
}

/// Removes what an earlier run left.
///
/// # Errors
/// A folder cannot be removed.
pub(crate) fn clean(kind: Kind, nodes: u8) -> Result<()> {
    for address in kind.addresses(nodes) {
        let path = directory(kind, address);
        if path.is_dir() {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn start_cassandra(address: IpAddr, jmx_port: u16, seed: IpAddr, heap: &str) -> Result<(Member, Duration)> {
    let directory = directory(Kind::Cassandra, address);
    fs::create_dir_all(&directory)?;
    let mut settings = Settings::alone(address, jmx_port, heap, directory.clone());
    settings.seeds = Some(seed.to_string());
    let node = Node::start(&settings)?;
    let member = Member { process: Process::Cassandra(address), pid: node.pid, directory };
    Ok((member, node.ready_after))
}

/// A node of Cassandra's gives up where a busy machine lets its seed answer late: it gets a second try.
fn start_patiently(address: IpAddr, jmx_port: u16, seed: IpAddr, heap: &str) -> Result<(Member, Duration)> {
    start_cassandra(address, jmx_port, seed, heap).or_else(|error| {
        println!("once more: {error:#}");
        start_cassandra(address, jmx_port, seed, heap)
    })
}

fn start_helenus(address: IpAddr, seed: IpAddr) -> Result<(Member, Duration)> {
    let directory = directory(Kind::Helenus, address);
    fs::create_dir_all(&directory)?;
    let client_address = SocketAddr::new(address, 9042);
    if process::answers_cql(client_address) {
        bail!("{client_address} is taken: something answers CQL there");
    }
    let log_path = directory.with_extension("log");
    let log = File::create(&log_path).with_context(|| log_path.display().to_string())?;
    let mut command = Command::new(workspace::target().join("release").join("helenus"));
    command.args(["node", "--address", &address.to_string(), "--seeds", &seed.to_string()]);
    command.arg("--data-dir").arg(&directory);
    for setting in SYNC {
        command.args(["--set", setting]);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let started = Instant::now();
    let mut owned = Owned::start(&mut command, Duration::from_secs(15))?;
    while !process::answers_cql(client_address) {
        if !owned.is_running() || started.elapsed() > Duration::from_secs(30) {
            bail!("helenus does not answer CQL on {address}: see {}", log_path.display());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let ready_after = started.elapsed();
    let pid = owned.id();
    Ok((Member { process: Process::Helenus(owned), pid, directory }, ready_after))
}

/// Starts three nodes by one `helenus cluster` on an empty folder and ends them again.
///
/// # Errors
/// They do not come up.
pub(crate) fn cluster_start() -> Result<Duration> {
    let directory = super::home().join("helenus-cluster");
    if directory.is_dir() {
        fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    }
    let addresses = Kind::Helenus.addresses(3);
    let log_path = directory.with_extension("log");
    let log = File::create(&log_path).with_context(|| log_path.display().to_string())?;
    let mut command = Command::new(workspace::target().join("release").join("helenus"));
    command.arg("cluster").arg("--dir").arg(&directory);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let started = Instant::now();
    let mut owned = Owned::start(&mut command, Duration::from_secs(15))?;
    for address in addresses {
        while !process::answers_cql(SocketAddr::new(address, 9042)) {
            if !owned.is_running() || started.elapsed() > Duration::from_secs(30) {
                bail!("helenus cluster does not answer CQL on {address}: see {}", log_path.display());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(started.elapsed())
}

impl Fleet {
    /// Starts `nodes` servers, one after the other, on what their folders hold.
    ///
    /// # Errors
    /// One does not come up.
    pub(crate) fn start(kind: Kind, nodes: u8, heap: &str) -> Result<Fleet> {
        let addresses = kind.addresses(nodes);
        let seed = *addresses.first().context("no node at all")?;
        let mut fleet = Fleet { kind, addresses: addresses.clone(), members: Vec::new(), ready_after: Duration::ZERO };
        for (address, jmx_port) in addresses.into_iter().zip(JMX_PORT..) {
            let (member, ready_after) = match kind {
                Kind::Cassandra => start_patiently(address, jmx_port, seed, heap)?,
                Kind::Helenus => start_helenus(address, seed)?,
            };
            fleet.members.push(member);
            fleet.ready_after = ready_after;
        }
        Ok(fleet)
    }

    /// Runs the first server's nodetool.
    ///
    /// # Errors
    /// It fails.
    pub(crate) fn nodetool(&self, words: &[&str]) -> Result<()> {
        match self.kind {
            Kind::Cassandra => {
                let port = JMX_PORT.to_string();
                oracle::nodetool(&[&["-p", port.as_str()], words].concat())
            }
            Kind::Helenus => {
                let host = self.addresses.first().context("no node at all")?.to_string();
                let mut command = Command::new(workspace::target().join("release").join("helenus"));
                command.args(["nodetool", "-h", &host, "-p", &ADMIN_PORT.to_string()]);
                process::output(command.args(words)).map(|text| print!("{text}"))
            }
        }
    }

    /// The CPU seconds, user and system, all members have used.
    ///
    /// # Errors
    /// One of them is gone.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let mut ticks = 0;
        for member in &self.members {
            let path = format!("/proc/{}/stat", member.pid);
            let text = fs::read_to_string(&path).with_context(|| format!("{path}: a server is gone"))?;
            ticks += cpu_ticks(&text).context(path)?;
        }
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    /// A number of `/proc/PID/status`, summed over the members.
    ///
    /// # Errors
    /// One of them is gone.
    pub(crate) fn status(&self, key: &str) -> Result<u64> {
        let mut sum = 0;
        for member in &self.members {
            let path = format!("/proc/{}/status", member.pid);
            let text = fs::read_to_string(&path).with_context(|| format!("{path}: a server is gone"))?;
            sum += status_number(&text, key).with_context(|| format!("{key} in {path}"))?;
        }
        Ok(sum)
    }

    /// The bytes of all files of a table in the first server's data folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn table_bytes(&self, keyspace: &str, table: &str) -> Result<u64> {
        let member = self.members.first().context("no node at all")?;
        let folder = member.directory.join("data").join(keyspace);
        let mut bytes = 0;
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&format!("{table}-")) {
                bytes += files_bytes(&entry.path())?;
            }
        }
        Ok(bytes)
    }

    /// Waits until the servers are idle, for compactions to end: a minute at most.
    ///
    /// # Errors
    /// One of them is gone.
    pub(crate) fn settle(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let before = self.cpu_seconds()?;
            std::thread::sleep(Duration::from_secs(1));
            if self.cpu_seconds()? - before < 0.1 || Instant::now() > deadline {
                return Ok(());
            }
        }
    }
}

/// The bytes of the files right in a folder, without snapshots and backups.
fn files_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}

/// User and system ticks: fields 14 and 15; the name before them may hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let user: u64 = fields.get(11)?.parse().ok()?;
    let system: u64 = fields.get(12)?.parse().ok()?;
    Some(user + system)
}

fn status_number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files() {
        let stat = "71 (a (b) c) S 1 71 71 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 9 0 12345";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("71 (a"), None);
        let status = "Name:\thelenus\nVmRSS:\t  2048 kB\nThreads:\t9\n";
        let table = [("VmRSS", Some(2048)), ("Threads", Some(9)), ("Vm", None), ("Other", None)];
        for (key, expected) in table {
            assert_eq!(status_number(status, key), expected, "{key}");
        }
    }

    #[test]
    fn this_process_uses_time() {
        let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
        assert!(cpu_ticks(&stat).is_some());
    }
}
