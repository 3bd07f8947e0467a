//! The shell around one coordinator: sockets on one side, the coordinator's calls on the other. One thread owns it.
//!
//! 1. Tasks of connections, links and the thread's inbox call the coordinator with what happened, and ask for a flush.
//! 2. The flush runs as a task of its own: the first caller of a round puts it at the end of the queue, behind all tasks that the
//!    same poll of the kernel woke. So requests that arrived together share one write to the log and one to each socket.
//! 3. The flush ends the coordinator's batch. If that fails, nothing was acknowledged, and the process ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use helenus_cluster::control::ControlEvent;
use helenus_cluster::coordinator::{Coordinator, LinkId, LinkOutput, SlotId};
use helenus_cluster::link::Hello;
use helenus_cluster::task::TaskDone;
use helenus_engine::log::LogPosition;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::clock;
use crate::environment::Environment;
use crate::fatal::fatal;
use crate::socket::{Socket, Written};

/// A link whose other end takes nothing while so many bytes wait for it is closed.
const LINK_UNSENT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How often the coordinator is told that time passes.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// A connection that never sent a byte is closed after this.
const SILENT_MICROS_MAX: u64 = 60_000_000;

/// What other threads tell a coordinator's thread.
#[derive(Debug)]
pub(crate) enum ThreadInput {
    /// A client has connected.
    Client(std::net::TcpStream, SocketAddr),
    /// Another node's coordinator has opened a link; the handshake is done.
    Link(std::net::TcpStream, Hello),
    /// A task has run.
    TaskDone(TaskDone),
    /// From the control part.
    Control(ControlEvent),
    /// The log is on the device up to here.
    Synced(LogPosition),
    /// Take no more requests; say when those under way are answered.
    Drain(oneshot::Sender<()>),
}

/// A link that this coordinator wants.
#[derive(Debug)]
pub(crate) struct PeerLink {
    pub(crate) address: SocketAddr,
    /// Set while it is open.
    pub(crate) socket: Option<Rc<Socket>>,
    /// Tells the link's task apart from one for an older address.
    pub(crate) number: u64,
    /// Ends the wait before the next attempt.
    pub(crate) hurry: Rc<Notify>,
}

/// See the module.
pub(crate) struct Shell {
    pub(crate) coordinator: Coordinator,
    pub(crate) environment: Arc<Environment>,
    pub(crate) clients: FxHashMap<SlotId, Rc<Socket>>,
    pub(crate) inbound: FxHashMap<LinkId, Rc<Socket>>,
    pub(crate) peers: BTreeMap<Uuid, PeerLink>,
    pub(crate) next_link: LinkId,
    pub(crate) index: usize,
    /// Monotonic microseconds of the batch under way.
    pub(crate) now_micros: u64,
    flush_wanted: bool,
    flusher: Option<Waker>,
    /// Connections that are not read while too much waits: looked at again after each flush.
    pub(crate) paused: Vec<Rc<Socket>>,
    draining: Option<oneshot::Sender<()>>,
    pub(crate) is_draining: bool,
}

/// How the tasks of a thread hold it.
pub(crate) type SharedShell = Rc<RefCell<Shell>>;

impl Shell {
    /// Around the coordinator of thread `index`.
    pub(crate) fn new(index: usize, coordinator: Coordinator, environment: Arc<Environment>) -> Self {
        Shell {
            coordinator,
            environment,
            clients: FxHashMap::default(),
            inbound: FxHashMap::default(),
            peers: BTreeMap::new(),
            next_link: 1,
            index,
            now_micros: clock::now().monotonic_micros,
            flush_wanted: false,
            flusher: None,
            paused: Vec::new(),
            draining: None,
            is_draining: false,
        }
    }

    /// Tells the coordinator the time and has a flush run behind what is ready: called before each call of the coordinator.
    #[inline]
    pub(crate) fn begin(&mut self) {
        let now = clock::now();
        self.now_micros = now.monotonic_micros;
        self.coordinator.set_now(now);
        if !self.flush_wanted {
            self.flush_wanted = true;
            if let Some(flusher) = &self.flusher {
                flusher.wake_by_ref();
            }
        }
    }

    /// Log and hints go to the kernel. Only then may output be sent.
    pub(crate) fn end_batch(&mut self) {
        if let Err(error) = self.coordinator.end_batch() {
            fatal(&format!("the commit log cannot be written, so nothing more may be acknowledged: {error}"));
        }
    }

    fn hand_out(&mut self) {
        for task in self.coordinator.take_tasks() {
            self.environment.run_task(self.index, task);
        }
        for request in self.coordinator.take_requests() {
            self.environment.ask_control(request);
        }
        if let Some(position) = self.coordinator.awaited_sync() {
            self.environment.wait_for_log(self.index, position);
        }
    }
}

/// Ends a batch and sends what is to be sent.
pub(crate) fn flush(shell: &SharedShell) {
    let mut this = shell.borrow_mut();
    this.flush_wanted = false;
    this.end_batch();
    this.hand_out();
    for link in this.coordinator.take_dirty_links() {
        send_link(shell, &mut this, link);
    }
    let dirty = this.coordinator.take_dirty_clients();
    for id in &dirty {
        let Some(socket) = this.clients.get(id).map(Rc::clone) else { continue };
        if !socket.is_writing() {
            send_client(shell, &mut this, *id, &socket);
        }
    }
    this.coordinator.recycle_dirty_clients(dirty);
    for socket in this.paused.drain(..) {
        socket.wake_reader();
    }
}

/// Writes a client's output; what the socket does not take is written by a task when it does.
fn send_client(shell: &SharedShell, this: &mut Shell, id: SlotId, socket: &Rc<Socket>) {
    match write_client(&mut this.coordinator, id, socket) {
        Written::All => {
            if this.coordinator.client_is_closing(id) {
                socket.end();
            }
        }
        Written::Failed => socket.end(),
        Written::Blocked => {
            if socket.begin_writing() {
                tokio::task::spawn_local(write_later(Rc::clone(shell), Rc::clone(socket), Some(id)));
            }
        }
    }
}

fn write_client(coordinator: &mut Coordinator, id: SlotId, socket: &Socket) -> Written {
    loop {
        let output = coordinator.client_output(id);
        if output.is_empty() {
            return Written::All;
        }
        match socket.try_write(output) {
            Ok(size) => coordinator.client_sent(id, size),
            Err(ended) => return ended,
        }
    }
}

fn send_link(shell: &SharedShell, this: &mut Shell, link: LinkOutput) {
    let socket = match link {
        LinkOutput::Peer(host) => this.peers.get(&host).and_then(|peer| peer.socket.as_ref().map(Rc::clone)),
        LinkOutput::Inbound(id) => this.inbound.get(&id).map(Rc::clone),
    };
    let Some(socket) = socket else {
        // Closed meanwhile: the frame is taken all the same, so that the coordinator's buffer is empty.
        this.coordinator.link_output(link, &mut Vec::new());
        return;
    };
    this.coordinator.link_output(link, &mut socket.output.borrow_mut().bytes);
    if socket.output_len() > LINK_UNSENT_BYTES_MAX {
        tracing::warn!("a link is closed: its other end takes nothing while {LINK_UNSENT_BYTES_MAX} bytes wait");
        socket.end();
        return;
    }
    if socket.is_writing() {
        return;
    }
    match socket.write_output() {
        Written::All => {}
        Written::Failed => socket.end(),
        Written::Blocked => {
            if socket.begin_writing() {
                tokio::task::spawn_local(write_later(Rc::clone(shell), socket, None));
            }
        }
    }
}

/// Waits until a socket takes bytes again, as often as needed.
async fn write_later(shell: SharedShell, socket: Rc<Socket>, client: Option<SlotId>) {
    let mut written = Written::Blocked;
    while written == Written::Blocked && socket.write.writable().await.is_ok() {
        // What came to a client's output since the last flush may hold acknowledgements of what no file has yet.
        let mut this = shell.borrow_mut();
        this.end_batch();
        written = match client {
            Some(id) => write_client(&mut this.coordinator, id, &socket),
            None => socket.write_output(),
        };
    }
    socket.finish_writing();
    let is_closing = client.is_some_and(|id| shell.borrow_mut().coordinator.client_is_closing(id));
    if written != Written::All || is_closing {
        socket.end();
    } else {
        socket.wake_reader();
    }
}

/// Runs the flushes of a thread.
pub(crate) async fn run_flushes(shell: SharedShell) {
    std::future::poll_fn(|context: &mut Context<'_>| {
        let wanted = {
            let mut this = shell.borrow_mut();
            if !this.flusher.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                this.flusher = Some(context.waker().clone());
            }
            this.flush_wanted
        };
        if wanted {
            flush(&shell);
        }
        Poll::<()>::Pending
    })
    .await;
}

/// Lets time pass.
pub(crate) async fn run_ticks(shell: SharedShell) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut ticks = 0u64;
    loop {
        interval.tick().await;
        ticks += 1;
        let mut this = shell.borrow_mut();
        this.begin();
        this.coordinator.on_tick();
        if ticks.is_multiple_of(100) {
            close_silent_clients(&this);
        }
        if this.draining.is_some() && this.coordinator.pending_operations() == 0 {
            this.end_batch();
            if let Some(done) = this.draining.take() {
                let _nobody_waits = done.send(());
            }
        }
    }
}

fn close_silent_clients(this: &Shell) {
    let idle_max = this.environment.client_idle_micros_max;
    for socket in this.clients.values() {
        let silent = this.now_micros.saturating_sub(socket.last_read.get());
        if (idle_max > 0 && silent > idle_max) || (!socket.has_spoken.get() && silent > SILENT_MICROS_MAX) {
            socket.end();
        }
    }
}

/// Takes what other threads send.
pub(crate) async fn run_inbox(shell: SharedShell, mut inbox: UnboundedReceiver<ThreadInput>) {
    while let Some(input) = inbox.recv().await {
        take_input(&shell, input);
        while let Ok(input) = inbox.try_recv() {
            take_input(&shell, input);
        }
    }
}

fn take_input(shell: &SharedShell, input: ThreadInput) {
    match input {
        ThreadInput::Client(stream, address) => crate::clients::accept(shell, stream, address),
        ThreadInput::Link(stream, hello) => crate::links::accept(shell, stream, &hello),
        ThreadInput::TaskDone(done) => {
            let mut this = shell.borrow_mut();
            this.begin();
            this.coordinator.task_done(done);
        }
        ThreadInput::Control(event) => {
            {
                let mut this = shell.borrow_mut();
                this.begin();
                this.coordinator.on_control_event(&event);
            }
            match event {
                ControlEvent::ViewChanged => crate::links::follow_view(shell),
                ControlEvent::PeerDown(host) => crate::links::close_peer(shell, host),
                ControlEvent::PeerUp(host) => crate::links::try_now(shell, host),
                _ => {}
            }
        }
        ThreadInput::Synced(position) => {
            let mut this = shell.borrow_mut();
            this.begin();
            this.coordinator.log_synced(position);
        }
        ThreadInput::Drain(done) => {
            let mut this = shell.borrow_mut();
            this.is_draining = true;
            this.draining = Some(done);
        }
    }
}
