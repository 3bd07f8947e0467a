//! `helenus cluster`: several nodes as processes on this machine, on loopback addresses one after the other.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::PARENT_VARIABLE;
use crate::config::CommandLine;
use crate::listen;
use crate::real_disk::words;
use crate::say;
use crate::start::{self, NodeArguments};

/// Nodes unless told otherwise.
const NODES: usize = 3;
const NODES_MAX: usize = 64;
/// How long the nodes may take to answer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a node may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);
/// How often it is looked whether nodes answer.
const PROBE_INTERVAL: Duration = Duration::from_millis(4);
/// How often it is looked whether nodes are alive.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);
/// Wait before a dead node is started again.
const RESTART_WAIT: Duration = Duration::from_secs(1);
/// Lines of a dead node's log that are shown.
const LAST_WORDS: usize = 5;

/// What `helenus cluster` is told.
#[derive(Clone, Debug)]
pub(crate) struct ClusterArguments {
    pub(crate) nodes: Option<usize>,
    pub(crate) topology: Option<String>,
    pub(crate) directory: PathBuf,
    pub(crate) base_address: IpAddr,
    pub(crate) port: u16,
    pub(crate) set: Vec<String>,
    pub(crate) restart: bool,
}

/// One node that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    address: IpAddr,
    /// Data centre and rack, where they are told.
    place: Option<(String, String)>,
    words: Vec<String>,
    log: PathBuf,
}

/// A node's process.
struct Node {
    plan: Plan,
    child: Child,
    started: Instant,
    is_dead: bool,
}

/// Data centres of the nodes, in order; None: not told.
fn places(arguments: &ClusterArguments) -> Result<Vec<Option<(String, String)>>, String> {
    let Some(topology) = &arguments.topology else {
        let count = arguments.nodes.unwrap_or(NODES);
        if !(1..=NODES_MAX).contains(&count) {
            return Err(format!("--nodes: {count} is not between 1 and {NODES_MAX}"));
        }
        return Ok(vec![None; count]);
    };
    let mut places = Vec::new();
    for part in topology.split(',') {
        let (name, count) = part.split_once(':').ok_or_else(|| format!("--topology: '{part}' is not DC:N"))?;
        let count: usize = count.trim().parse().map_err(|_| format!("--topology: '{count}' is not a number"))?;
        let name = name.trim();
        if name.is_empty() || count == 0 || places.len() + count > NODES_MAX {
            return Err(format!("--topology: '{part}' needs a name and between 1 and {NODES_MAX} nodes"));
        }
        places.extend((0..count).map(|_| Some((name.to_owned(), "rack1".to_owned()))));
    }
    Ok(places)
}

/// The address `offset` behind another.
fn address(base: IpAddr, offset: usize) -> Result<IpAddr, String> {
    let beyond = || format!("--base-address: {base} has no {offset} addresses behind it");
    match base {
        IpAddr::V4(ip) => {
            let number = u32::from(ip).checked_add(offset as u32).ok_or_else(beyond)?;
            Ok(IpAddr::from(number.to_be_bytes()))
        }
        IpAddr::V6(ip) => {
            let number = u128::from(ip).checked_add(offset as u128).ok_or_else(beyond)?;
            Ok(IpAddr::from(number.to_be_bytes()))
        }
    }
}

fn plan(arguments: &ClusterArguments) -> Result<Vec<Plan>, String> {
    let places = places(arguments)?;
    let mut plans = Vec::new();
    for (offset, place) in places.into_iter().enumerate() {
        let address = address(arguments.base_address, offset)?;
        let directory = arguments.directory.join(address.to_string());
        let mut words = vec![
            "node".to_owned(),
            "--address".to_owned(),
            address.to_string(),
            "--seeds".to_owned(),
            arguments.base_address.to_string(),
            "--data-dir".to_owned(),
            directory.display().to_string(),
        ];
        if let Some((datacenter, rack)) = &place {
            words.extend(["--dc".to_owned(), datacenter.clone(), "--rack".to_owned(), rack.clone()]);
        }
        let mut settings = vec!["available_processors=1".to_owned()];
        if arguments.port != 9042 {
            settings.push(format!("native_transport_port={}", arguments.port));
        }
        // What the user says comes last, and counts.
        settings.extend(arguments.set.iter().cloned());
        words.extend(settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]));
        let log = arguments.directory.join(format!("{address}.log"));
        plans.push(Plan { address, place, words, log });
    }
    Ok(plans)
}

/// Looks at settings and ports before anything is started: the same for every node.
fn check(arguments: &ClusterArguments, plans: &[Plan]) -> Result<SettingsOfAll, String> {
    let mut ports = SettingsOfAll { native: arguments.port };
    for plan in plans {
        let (datacenter, rack) = plan.place.clone().unzip();
        let mut set = vec![format!("native_transport_port={}", arguments.port)];
        set.extend(arguments.set.iter().cloned());
        let command_line = CommandLine {
            address: Some(plan.address),
            data_directory: Some(arguments.directory.join(plan.address.to_string())),
            seeds: Some(arguments.base_address.to_string()),
            data_center: datacenter,
            rack,
            set,
        };
        let (config, _) = start::read_config(&NodeArguments { config: None, command_line })?;
        ports.native = config.native_transport.port;
        let wanted = [
            (config.native_transport.port, "clients", "--port"),
            (config.storage_port, "other nodes", "storage_port (--set storage_port=…)"),
            (config.admin_port, "nodetool and metrics", "admin_port (--set admin_port=…)"),
        ];
        for (port, purpose, key) in wanted {
            listen::bind(SocketAddr::new(plan.address, port), purpose, key)?;
        }
    }
    Ok(ports)
}

/// What the nodes have in common.
struct SettingsOfAll {
    native: u16,
}

impl Node {
    fn start(plan: Plan, binary: &Path) -> Result<Node, String> {
        let log = File::options().append(true).create(true).open(&plan.log);
        let log = log.map_err(|error| format!("{}: {}", plan.log.display(), words(&error)))?;
        let errors = log.try_clone().map_err(|error| words(&error))?;
        let mut command = Command::new(binary);
        command.args(&plan.words).stdin(Stdio::null()).stdout(log).stderr(errors);
        command.env(PARENT_VARIABLE, std::process::id().to_string());
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("cannot start {}: {}", binary.display(), words(&error)))?;
        say::line(format_args!("{}  pid {}  {} {}", plan.address, child.id(), binary.display(), plan.words.join(" ")));
        Ok(Node { plan, child, started, is_dead: false })
    }

    /// Says so, once, when the process has ended.
    fn notice_death(&mut self) -> bool {
        if self.is_dead {
            return false;
        }
        let Ok(Some(status)) = self.child.try_wait() else { return false };
        self.is_dead = true;
        say::complain(format_args!(
            "{}  pid {} has died: {status}; see {}",
            self.plan.address,
            self.child.id(),
            self.plan.log.display()
        ));
        let log = fs::read_to_string(&self.plan.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_WORDS)..] {
            say::complain(format_args!("    {line}"));
        }
        true
    }

    fn tell(&self, message: Signal) {
        if !self.is_dead {
            let _gone = kill_process(Pid::from_child(&self.child), message);
        }
    }
}

/// Whether a server answers the native protocol's OPTIONS with SUPPORTED.
fn answers_cql(address: SocketAddr) -> bool {
    const OPTIONS: [u8; 9] = [4, 0, 0, 0, 5, 0, 0, 0, 0];
    const SUPPORTED: u8 = 6;
    let limit = Duration::from_millis(500);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, limit) else { return false };
    let mut header = [0; 9];
    let answered = stream.set_read_timeout(Some(limit)).is_ok()
        && stream.write_all(&OPTIONS).is_ok()
        && stream.read_exact(&mut header).is_ok();
    answered && header[4] == SUPPORTED
}

/// Runs the cluster until it is told to stop.
///
/// # Errors
/// One line that says why it cannot start.
pub(crate) fn run(arguments: &ClusterArguments) -> Result<(), String> {
    let plans = plan(arguments)?;
    let ports = check(arguments, &plans)?;
    fs::create_dir_all(&arguments.directory)
        .map_err(|error| format!("{}: {}", arguments.directory.display(), words(&error)))?;
    let binary = std::env::current_exe().map_err(|error| format!("cannot find this program: {}", words(&error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {}", words(&error)))?;
    let mut nodes = Vec::new();
    let started = plans.into_iter().try_for_each(|plan| Node::start(plan, &binary).map(|node| nodes.push(node)));
    // Started and watched on this one thread: the nodes are told when it ends.
    let result = started.and_then(|()| runtime.block_on(watch(arguments, &ports, &binary, &mut nodes)));
    stop(&mut nodes);
    result
}

async fn watch(
    arguments: &ClusterArguments,
    ports: &SettingsOfAll,
    binary: &Path,
    nodes: &mut [Node],
) -> Result<(), String> {
    let watch = |kind| signal(kind).map_err(|error| format!("cannot watch for signals: {}", words(&error)));
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
        ready = wait_until_ready(ports, nodes) => ready?,
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
        }
        for node in nodes.iter_mut() {
            let died = node.notice_death();
            if node.is_dead && arguments.restart && (died || node.started.elapsed() > RESTART_WAIT) {
                tokio::time::sleep(RESTART_WAIT).await;
                *node = Node::start(node.plan.clone(), binary)?;
            }
        }
        if !arguments.restart && nodes.iter().all(|node| node.is_dead) {
            return Err("all nodes have died".to_owned());
        }
    }
}

async fn wait_until_ready(ports: &SettingsOfAll, nodes: &mut [Node]) -> Result<(), String> {
    let started = nodes.iter().map(|node| node.started).min().unwrap_or_else(Instant::now);
    for i in 0..nodes.len() {
        loop {
            let address = SocketAddr::new(nodes[i].plan.address, ports.native);
            if answers_cql(address) {
                break;
            }
            if nodes.iter_mut().any(Node::notice_death) {
                return Err("a node died before the cluster was ready: the others are stopped".to_owned());
            }
            if started.elapsed() > READY_TIMEOUT {
                let log = nodes[i].plan.log.display();
                return Err(format!("{address} does not answer CQL after {READY_TIMEOUT:?}: see {log}"));
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    say::line(format_args!(
        "ready: {} nodes answer CQL on port {} after {seconds:.2} s; Ctrl-C stops them",
        nodes.len(),
        ports.native
    ));
    Ok(())
}

/// Ends all nodes, at the same time.
fn stop(nodes: &mut [Node]) {
    nodes.iter().for_each(|node| node.tell(Signal::TERM));
    let deadline = Instant::now() + STOP_TIMEOUT;
    for node in nodes.iter_mut().filter(|node| !node.is_dead) {
        while matches!(node.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                say::complain(format_args!(
                    "{}  pid {} does not end and is killed",
                    node.plan.address,
                    node.child.id()
                ));
                node.tell(Signal::KILL);
                let _gone = node.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(nodes: Option<usize>, topology: Option<&str>) -> ClusterArguments {
        ClusterArguments {
            nodes,
            topology: topology.map(str::to_owned),
            directory: PathBuf::from("d"),
            base_address: IpAddr::from([127, 0, 0, 1]),
            port: 9042,
            set: vec!["commitlog_sync=batch".to_owned()],
            restart: false,
        }
    }

    #[test]
    fn plans() {
        let words = |nodes, topology| match plan(&arguments(nodes, topology)) {
            Ok(plans) => plans.into_iter().map(|plan| plan.words.join(" ")).collect::<Vec<_>>().join("\n"),
            Err(error) => error,
        };
        let check = |nodes, topology, expected: &str| assert_eq!(words(nodes, topology), expected);
        check(
            Some(2),
            None,
            "node --address 127.0.0.1 --seeds 127.0.0.1 --data-dir d/127.0.0.1 --set available_processors=1 --set commitlog_sync=batch\n\
             node --address 127.0.0.2 --seeds 127.0.0.1 --data-dir d/127.0.0.2 --set available_processors=1 --set commitlog_sync=batch",
        );
        check(
            None,
            Some("us-east:1,eu-west:1"),
            "node --address 127.0.0.1 --seeds 127.0.0.1 --data-dir d/127.0.0.1 --dc us-east --rack rack1 --set available_processors=1 --set commitlog_sync=batch\n\
             node --address 127.0.0.2 --seeds 127.0.0.1 --data-dir d/127.0.0.2 --dc eu-west --rack rack1 --set available_processors=1 --set commitlog_sync=batch",
        );
        check(Some(0), None, "--nodes: 0 is not between 1 and 64");
        check(None, Some("a"), "--topology: 'a' is not DC:N");
        check(None, Some("a:x"), "--topology: 'x' is not a number");
        check(None, Some("a:1,:2"), "--topology: ':2' needs a name and between 1 and 64 nodes");
        check(None, Some("a:65"), "--topology: 'a:65' needs a name and between 1 and 64 nodes");
    }

    #[test]
    fn addresses_follow_one_another() {
        let check = |base: &str, offset, expected: &str| {
            let found = address(base.parse().expect("an address"), offset);
            assert_eq!(found.map_or_else(|error| error, |ip| ip.to_string()), expected);
        };
        check("127.0.0.1", 2, "127.0.0.3");
        check("127.0.0.255", 1, "127.0.1.0");
        check("::1", 1, "::2");
        check("255.255.255.255", 1, "--base-address: 255.255.255.255 has no 1 addresses behind it");
    }
}
