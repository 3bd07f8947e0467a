//! What the threads of a node share besides the member itself: how they reach one another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use helenus_cluster::control::{ControlEvent, ControlRequest};
use helenus_cluster::link::{Hello, LinkKind};
use helenus_cluster::shared::Shared;
use helenus_cluster::task::Task;
use helenus_engine::log::LogPosition;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::control_thread::ControlInput;
use crate::log_sync::LogSyncer;
use crate::shell::ThreadInput;
use crate::tasks::TaskPools;

/// One coordinator's thread as the others see it.
#[derive(Debug)]
pub(crate) struct ThreadHandle {
    pub(crate) inbox: UnboundedSender<ThreadInput>,
    /// Connections of clients it has.
    pub(crate) clients: AtomicUsize,
    /// It wants to hear of the next sync of the log.
    pub(crate) waits_for_log: AtomicBool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) shared: Arc<Shared>,
    pub(crate) threads: Arc<[ThreadHandle]>,
    pub(crate) control: UnboundedSender<ControlInput>,
    pub(crate) pools: TaskPools,
    pub(crate) log_syncer: LogSyncer,
    /// `native_transport_idle_timeout`, microseconds; zero is never.
    pub(crate) client_idle_micros_max: u64,
    /// Connections of clients by address; kept only where their number is limited.
    pub(crate) clients_by_address: Option<Mutex<BTreeMap<IpAddr, u64>>>,
    /// `internode_tcp_connect_timeout`
    pub(crate) connect_timeout: std::time::Duration,
    /// The thread that gets the next link.
    pub(crate) next_link_thread: AtomicUsize,
}

impl Environment {
    /// Has a task run for coordinator `index`.
    pub(crate) fn run_task(&self, index: usize, task: Task) {
        self.pools.run(index, task);
    }

    /// Asks something of the control part.
    pub(crate) fn ask_control(&self, request: ControlRequest) {
        let _stopping = self.control.send(ControlInput::Request(request));
    }

    /// Tells every coordinator.
    pub(crate) fn broadcast(&self, event: &ControlEvent) {
        for thread in self.threads.iter() {
            let _stopping = thread.inbox.send(ThreadInput::Control(event.clone()));
        }
    }

    /// Tells the control part that a coordinator's links are others now.
    pub(crate) fn links_changed(&self) {
        let _stopping = self.control.send(ControlInput::LinksChanged);
    }

    /// Coordinator `index` waits for the log to be on the device up to `position`; it says so again as long as it does.
    pub(crate) fn wait_for_log(&self, index: usize, position: LogPosition) {
        if let Some(thread) = self.threads.get(index) {
            thread.waits_for_log.store(true, Ordering::Release);
        }
        self.log_syncer.wake(position);
    }

    /// Tells the coordinators that wait how far the log is durable.
    pub(crate) fn log_synced(&self, position: LogPosition) {
        for thread in self.threads.iter().filter(|thread| thread.waits_for_log.swap(false, Ordering::AcqRel)) {
            let _stopping = thread.inbox.send(ThreadInput::Synced(position));
        }
    }

    /// The thread with the fewest clients, which gets one more; None: there are enough from this address.
    pub(crate) fn thread_for_client(&self, address: IpAddr, per_address_max: Option<u64>) -> Option<&ThreadHandle> {
        if let (Some(clients), Some(most)) = (&self.clients_by_address, per_address_max) {
            let mut clients = clients.lock();
            let count = clients.entry(address).or_default();
            if *count >= most {
                return None;
            }
            *count += 1;
        }
        let thread = self.threads.iter().min_by_key(|thread| thread.clients.load(Ordering::Relaxed))?;
        thread.clients.fetch_add(1, Ordering::Relaxed);
        Some(thread)
    }

    /// A client of thread `index` is gone.
    pub(crate) fn client_gone(&self, index: usize, address: IpAddr) {
        if let Some(thread) = self.threads.get(index) {
            thread.clients.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(clients) = &self.clients_by_address {
            let mut clients = clients.lock();
            let left = clients.get_mut(&address).map(|count| {
                *count -= 1;
                *count
            });
            if left == Some(0) {
                clients.remove(&address);
            }
        }
    }

    /// Clients that are connected.
    pub(crate) fn clients(&self) -> usize {
        self.threads.iter().map(|thread| thread.clients.load(Ordering::Relaxed)).sum()
    }

    /// The threads take links in turn.
    pub(crate) fn thread_for_link(&self) -> Option<&ThreadHandle> {
        let next = self.next_link_thread.fetch_add(1, Ordering::Relaxed);
        self.threads.get(next % self.threads.len().max(1))
    }

    /// What this node says first on a link.
    pub(crate) fn hello(&self, kind: LinkKind) -> Hello {
        self.shared.hello(kind)
    }
}
