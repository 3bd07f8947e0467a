//! Running the program, in folders and on addresses that no other test has.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program.
pub(crate) fn helenus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helenus"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG").env_remove("HELENUS_PARENT");
    command
}

/// Runs the program to its end.
pub(crate) fn run(words: &[&str]) -> Output {
    helenus().args(words).output().expect("the program runs")
}

/// Runs nodetool against a node and gives back what it prints.
pub(crate) fn nodetool(address: &str, words: &[&str]) -> String {
    let output = run(&[&["nodetool", "-h", address], words].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "nodetool {words:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _absent = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that does not outlive its test.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Running { child: command.spawn().expect("the program starts") }
    }

    /// Sends a signal.
    pub(crate) fn tell(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// Waits for the end; the exit code, if it was not killed.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Starts a node and waits until it answers CQL.
pub(crate) fn node(address: &str, directory: &str, more: &[&str]) -> Running {
    let mut command = helenus();
    command.args(["node", "--address", address, "--data-dir", directory]).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut node = Running::start(&mut command);
    let deadline = Instant::now() + PATIENCE;
    while !answers_cql(address) {
        let ended = node.child.try_wait().expect("a child");
        assert!(ended.is_none(), "the node ended: {ended:?}");
        assert!(Instant::now() < deadline, "the node does not answer");
        std::thread::sleep(Duration::from_millis(5));
    }
    node
}

/// Sends a frame of version 4 and gives back the answer's opcode and body.
pub(crate) fn ask(stream: &mut TcpStream, opcode: u8, body: &[u8]) -> std::io::Result<(u8, Vec<u8>)> {
    let mut frame = vec![4, 0, 0, 1, opcode];
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    stream.write_all(&frame)?;
    let mut header = [0; 9];
    stream.read_exact(&mut header)?;
    let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body)?;
    Ok((header[4], body))
}

pub(crate) const ERROR: u8 = 0;
pub(crate) const STARTUP: u8 = 1;
pub(crate) const READY: u8 = 2;
pub(crate) const OPTIONS: u8 = 5;
pub(crate) const SUPPORTED: u8 = 6;
pub(crate) const QUERY: u8 = 7;
pub(crate) const RESULT: u8 = 8;

/// A connection to a node.
pub(crate) fn connect(address: &str) -> std::io::Result<TcpStream> {
    let address = SocketAddr::new(address.parse().expect("an address"), 9042);
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether a node answers OPTIONS with SUPPORTED.
pub(crate) fn answers_cql(address: &str) -> bool {
    let asked = connect(address).and_then(|mut stream| ask(&mut stream, OPTIONS, &[]));
    asked.is_ok_and(|(opcode, _)| opcode == SUPPORTED)
}

/// A connection that is ready for requests.
pub(crate) fn session(address: &str) -> TcpStream {
    let mut stream = connect(address).expect("a connection");
    let startup = b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0";
    assert_eq!(ask(&mut stream, STARTUP, startup).expect("an answer").0, READY);
    stream
}

/// Runs a statement at consistency ONE; its RESULT.
pub(crate) fn query(stream: &mut TcpStream, text: &str) -> Vec<u8> {
    let mut body = (text.len() as u32).to_be_bytes().to_vec();
    body.extend_from_slice(text.as_bytes());
    body.extend_from_slice(&[0, 1, 0]);
    let (opcode, answer) = ask(stream, QUERY, &body).expect("an answer");
    assert_eq!(opcode, RESULT, "{text}: {}", String::from_utf8_lossy(&answer));
    answer
}
