//! One node from its start to its end.
//!
//! 1. Everything that can be wrong from outside is looked at before anything is changed: settings, ports, the lock.
//! 2. The member is opened, its parts get their threads, nodes are let in.
//! 3. Once the node is in the ring, clients are let in, and one line says so.
//! 4. SIGTERM or SIGINT: no more clients, requests under way are answered, the other nodes are told, memtables go to disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use helenus_cluster::control::Control;
use helenus_cluster::coordinator::Coordinator;
use helenus_cluster::member::Member;
use helenus_engine::disk::Disk;
use helenus_engine::engine::EngineConfig;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use crate::admin::{self, Admin};
use crate::clock;
use crate::config::{self, CommandLine, CommitLogSync, Config};
use crate::control_thread::{self, ControlInput};
use crate::data_directory::DataDirectory;
use crate::environment::{Environment, ThreadHandle};
use crate::fatal::{abort_on_panic, fatal};
use crate::jobs::Jobs;
use crate::listen::{self, BoundPort};
use crate::log_sync::LogSyncer;
use crate::member_config::{self, Addresses};
use crate::real_disk::{DiskLayout, RealDisk, words};
use crate::say;
use crate::shell::{self, Shell, ThreadInput};
use crate::tasks::{TaskPools, spawn};

/// How long requests under way may take when the node stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the flush of everything may take. What it does not reach is in the commit log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the other nodes' being told may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the other nodes are told how much data this one has.
const LOAD_INTERVAL: Duration = Duration::from_secs(60);

/// What `helenus node` is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeArguments {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// Everything that beats the file.
    pub(crate) command_line: CommandLine,
}

/// The ports of a node, taken but not open.
struct Ports {
    addresses: Addresses,
    internode: BoundPort,
    native: Option<BoundPort>,
    admin: BoundPort,
}

/// The ports as `serve` gets them: other nodes may connect already.
struct OpenPorts {
    addresses: Addresses,
    nodes: std::net::TcpListener,
    native: Option<BoundPort>,
    admin: BoundPort,
}

/// Reads the settings.
pub(crate) fn read_config(arguments: &NodeArguments) -> Result<(Config, Vec<String>), String> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {}", path.display(), words(&error)))
    };
    let text = arguments.config.as_ref().map(read).transpose()?;
    let name = arguments.config.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let file = text.as_deref().map(|text| (name.as_str(), text));
    let loaded = config::load(file, &arguments.command_line).map_err(|error| error.to_string())?;
    let mut config = loaded.config;
    if config.data_center.is_none() || config.rack.is_none() {
        let beside = arguments.config.as_deref().and_then(std::path::Path::parent).unwrap_or(std::path::Path::new("."));
        let path = beside.join("cassandra-rackdc.properties");
        let text = std::fs::read_to_string(&path).ok();
        let name = path.display().to_string();
        let place = text.as_deref().map(|text| (name.as_str(), text));
        config::take_place(&mut config, place).map_err(|error| error.to_string())?;
    }
    Ok((config, loaded.warnings))
}

fn take_ports(config: &Config) -> Result<Ports, String> {
    let addresses = Addresses::of(config)?;
    let native = match config.native_transport.start {
        true => Some(listen::bind(addresses.client_listen, "clients", "native_transport_port")?),
        false => None,
    };
    Ok(Ports {
        addresses,
        internode: listen::bind(addresses.listen, "other nodes", "storage_port")?,
        native,
        admin: listen::bind(addresses.admin, "nodetool and metrics", "admin_port")?,
    })
}

fn threads(config: &Config) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    config.processors.map_or(cores, |count| count as usize).clamp(1, 1024)
}

/// The runtime of one thread.
fn runtime() -> LocalRuntime {
    let built = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
    built.unwrap_or_else(|error| fatal(&format!("cannot start a thread's runtime: {error}")))
}

/// Runs a node until it is told to stop.
///
/// # Errors
/// One line that says why it cannot start.
pub(crate) fn run(arguments: &NodeArguments) -> Result<(), String> {
    let (config, mut warnings) = read_config(arguments)?;
    let directory = DataDirectory::take(&config.base_directory).map_err(|error| error.to_string())?;
    let ports = take_ports(&config)?;
    abort_on_panic();
    let threads = threads(&config);
    let member_config = member_config::member(&config, &ports.addresses, threads, &mut warnings);
    let seeds = member_config.seeds.clone();
    let member = open_member(&config, member_config)?;
    // Only now: what keeps a node from starting is one line, without others before it.
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        threads,
        data = %config.base_directory.display(),
        commit_log = ?config.commitlog_sync,
        ?seeds,
        "starting"
    );
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let token = admin::write_token(directory.path()).map_err(|error| format!("admin token: {}", words(&error)))?;
    // Open before anybody is told of this node: who is told may call back at once.
    let nodes = ports.internode.listen()?;
    let started = start_threads(&config, member, threads)?;
    let runtime = runtime();
    let open = OpenPorts { addresses: ports.addresses, nodes, native: ports.native, admin: ports.admin };
    let result = runtime.block_on(serve(&config, open, started, token));
    // A flush that takes longer than it may is not waited for.
    runtime.shutdown_background();
    result
}

fn open_member(config: &Config, member_config: helenus_cluster::config::MemberConfig) -> Result<Member, String> {
    let layout = DiskLayout {
        base: config.base_directory.clone(),
        data: config.data_directories.first().cloned().unwrap_or_else(|| config.base_directory.join("data")),
        commitlog: config.commitlog_directory.clone(),
        hints: config.hints_directory.clone(),
    };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(layout).map_err(|error| error.to_string())?);
    let engine_config: EngineConfig = member_config::engine(config);
    let opened = Member::open(member_config, engine_config, disk, clock::now(), clock::seed());
    let member = opened.map_err(|error| error.to_string())?;
    let metadata = member.control.metadata();
    if metadata.epoch > 0 && metadata.cluster_name != config.cluster_name {
        // Cassandra's own words.
        return Err(format!("Saved cluster name {} != configured name {}", metadata.cluster_name, config.cluster_name));
    }
    if member.replay.records > 0 || member.replay.torn_bytes > 0 {
        tracing::info!(
            records = member.replay.records,
            segments = member.replay.segments,
            torn_bytes = member.replay.torn_bytes,
            "the commit log was replayed"
        );
    }
    Ok(member)
}

/// What `serve` needs of the threads.
struct Started {
    environment: Arc<Environment>,
    jobs: Arc<Jobs>,
    ready: oneshot::Receiver<()>,
    log_sync: LogSyncer,
}

fn start_threads(config: &Config, mut member: Member, threads: usize) -> Result<Started, String> {
    let now = clock::now();
    let coordinators: Vec<Coordinator> = (0..threads).map(|number| member.coordinator(number as u16, now)).collect();
    let Member { shared, control, .. } = member;
    let mut inboxes = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..threads {
        let (inbox, waiting) = unbounded_channel();
        handles.push(ThreadHandle { inbox, clients: AtomicUsize::new(0), waits_for_log: AtomicBool::new(false) });
        inboxes.push(waiting);
    }
    let handles: Arc<[ThreadHandle]> = handles.into();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pools = TaskPools::start(&shared, &handles, cores).map_err(|error| format!("cannot start threads: {error}"))?;
    let (control_inbox, control_waiting) = unbounded_channel();
    let log_sync = LogSyncer::default();
    let idle = config.timeouts.native_transport_idle.as_micros();
    let environment = Arc::new(Environment {
        shared: Arc::clone(&shared),
        threads: handles,
        control: control_inbox,
        pools,
        log_syncer: log_sync.clone(),
        client_idle_micros_max: u64::try_from(idle).unwrap_or(u64::MAX),
        clients_by_address: config.native_transport.connections_per_ip_max.map(|_| Mutex::default()),
        connect_timeout: config.timeouts.internode_connect,
        next_link_thread: AtomicUsize::new(0),
    });
    for (index, (coordinator, inbox)) in coordinators.into_iter().zip(inboxes).enumerate() {
        let environment = Arc::clone(&environment);
        spawn(&format!("coordinator-{index}"), move || run_coordinator(index, coordinator, environment, inbox));
    }
    let (tell_ready, ready) = oneshot::channel();
    let of_control = Arc::clone(&environment);
    spawn("control", move || run_control(control, of_control, control_waiting, tell_ready));
    start_log_sync(&environment, &log_sync, config.commitlog_sync);
    let jobs =
        Arc::new(Jobs::new(Arc::clone(&shared.engine), config.disk_failure_policy, config.compaction_throughput));
    jobs.start(config.concurrent_compactors.map_or_else(|| (cores / 2).clamp(1, 4), |count| count.max(1) as usize));
    Ok(Started { environment, jobs, ready, log_sync })
}

fn start_log_sync(environment: &Arc<Environment>, log_sync: &LogSyncer, mode: CommitLogSync) {
    let (environment, log_sync) = (Arc::clone(environment), log_sync.clone());
    spawn("log-sync", move || {
        // In periodic mode conditional writes wait.
        log_sync.run(&environment, mode);
    });
}

fn run_coordinator(
    index: usize,
    coordinator: Coordinator,
    environment: Arc<Environment>,
    inbox: UnboundedReceiver<ThreadInput>,
) {
    runtime().block_on(async move {
        let shell = std::rc::Rc::new(std::cell::RefCell::new(Shell::new(index, coordinator, environment)));
        tokio::task::spawn_local(shell::run_flushes(std::rc::Rc::clone(&shell)));
        tokio::task::spawn_local(shell::run_ticks(std::rc::Rc::clone(&shell)));
        crate::links::follow_view(&shell);
        // As a task: the one that `block_on` runs is looked at more often than it is woken.
        let inbox = tokio::task::spawn_local(shell::run_inbox(shell, inbox));
        let _ended = inbox.await;
    });
}

fn run_control(
    control: Control,
    environment: Arc<Environment>,
    inbox: UnboundedReceiver<ControlInput>,
    ready: oneshot::Sender<()>,
) {
    runtime().block_on(control_thread::run(control, environment, inbox, ready));
}

fn open(port: BoundPort) -> Result<TcpListener, String> {
    listener(port.listen()?)
}

fn listener(open: std::net::TcpListener) -> Result<TcpListener, String> {
    TcpListener::from_std(open).map_err(|error| format!("cannot listen: {}", words(&error)))
}

async fn serve(config: &Config, ports: OpenPorts, started: Started, token: String) -> Result<(), String> {
    let Started { environment, jobs, ready, log_sync } = started;
    let watch = |kind| signal(kind).map_err(|error| format!("cannot watch for signals: {}", words(&error)));
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    let nodes = listener(ports.nodes)?;
    tokio::task::spawn_local(listen::accept_nodes(nodes, Arc::clone(&environment)));
    let (drain_wanted, mut drain) = unbounded_channel();
    let admin = Arc::new(Admin {
        environment: Arc::clone(&environment),
        jobs: Arc::clone(&jobs),
        config: config.clone(),
        started: clock::now(),
        token,
        drain_wanted,
        is_native_up: false.into(),
        is_drained: false.into(),
    });
    let admin_listener = open(ports.admin)?;
    tokio::task::spawn_local(admin::serve(admin_listener, Arc::clone(&admin)));
    tokio::task::spawn_local(tell_load(Arc::clone(&environment)));
    let mut clients = None;
    tokio::select! {
        _ = terminate.recv() => return stop(&environment, &log_sync, &admin).await,
        _ = interrupt.recv() => return stop(&environment, &log_sync, &admin).await,
        _ = ready => {}
    }
    if let Some(native) = ports.native {
        let listener = open(native)?;
        let limits = config.native_transport.clone();
        clients = Some(tokio::task::spawn_local(listen::accept_clients(listener, Arc::clone(&environment), limits)));
        let _stopping = environment.control.send(ControlInput::NativeUp(true));
        admin.set_native_up(true);
        say::line(format_args!(
            "Helenus answers CQL on {} (host id {}, data {})",
            ports.addresses.client_listen,
            environment.shared.host_id,
            config.base_directory.display()
        ));
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(done) = drain.recv() => {
                if let Some(clients) = clients.take() {
                    clients.abort();
                }
                drain_node(&environment, &admin).await?;
                admin.set_drained();
                let _gone: Result<(), ()> = oneshot::Sender::send(done, ());
            }
        }
    }
    if let Some(clients) = clients.take() {
        clients.abort();
    }
    stop(&environment, &log_sync, &admin).await
}

/// Ends the node in good order.
async fn stop(environment: &Arc<Environment>, log_sync: &LogSyncer, admin: &Admin) -> Result<(), String> {
    tracing::info!("stopping");
    if !admin.is_drained() {
        drain_node(environment, admin).await?;
    }
    log_sync.stop();
    Ok(())
}

/// No more requests; those under way are answered; the other nodes are told; everything goes to disk.
async fn drain_node(environment: &Arc<Environment>, admin: &Admin) -> Result<(), String> {
    admin.set_native_up(false);
    let mut waiting = Vec::new();
    for thread in environment.threads.iter() {
        let (done, answered) = oneshot::channel();
        if thread.inbox.send(ThreadInput::Drain(done)).is_ok() {
            waiting.push(answered);
        }
    }
    let all_answered = async {
        for answered in waiting {
            let _gone = answered.await;
        }
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, all_answered).await.is_err() {
        tracing::warn!("requests under way are given up");
    }
    let (said, goodbye) = oneshot::channel();
    if environment.control.send(ControlInput::Shutdown(said)).is_ok() {
        let _late = tokio::time::timeout(GOODBYE_TIMEOUT, goodbye).await;
    }
    let shared = Arc::clone(&environment.shared);
    let flush = tokio::task::spawn_blocking(move || {
        if let Err(error) = shared.hints.sync() {
            tracing::error!(%error, "hints may not be on the device");
        }
        shared.engine.drain(clock::now())
    });
    let reason = match tokio::time::timeout(FLUSH_TIMEOUT, flush).await {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => {
            tracing::warn!("not everything is flushed yet: the next start reads it from the commit log");
            return Ok(());
        }
    };
    Err(format!("not everything was flushed (the commit log has it): {reason}"))
}

async fn tell_load(environment: Arc<Environment>) {
    let mut interval = tokio::time::interval(LOAD_INTERVAL);
    loop {
        interval.tick().await;
        let _stopping = environment.control.send(ControlInput::Load(admin::load_bytes(&environment.shared.engine)));
    }
}
