//! The threads on which a coordinator's tasks run: reads that wait, hint files, and passwords, which have threads of their own so
//! that logins never hold up reads.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};

use helenus_cluster::shared::Shared;
use helenus_cluster::task::{Task, TaskDone};
use parking_lot::Mutex;

use crate::environment::ThreadHandle;
use crate::fatal::fatal;
use crate::shell::ThreadInput;

/// Threads for reads.
const READERS: usize = 4;
/// Logins that may wait; further ones are refused at once.
const PASSWORDS_WAITING_MAX: usize = 1024;

/// A task and the coordinator that waits for it.
#[derive(Debug)]
struct Job {
    coordinator: usize,
    task: Task,
}

/// What a pool's threads are at.
#[derive(Debug, Default)]
pub(crate) struct PoolStats {
    /// Tasks that run or wait.
    unfinished: AtomicU64,
    running: AtomicU64,
    completed: AtomicU64,
}

impl PoolStats {
    /// Tasks that run, that wait, and that are done.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let running = self.running.load(Relaxed);
        (running, self.unfinished.load(Relaxed).saturating_sub(running), self.completed.load(Relaxed))
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct TaskPools {
    reads: Sender<Job>,
    passwords: SyncSender<Job>,
    pub(crate) read_stats: Arc<PoolStats>,
    pub(crate) password_stats: Arc<PoolStats>,
    coordinators: Arc<[ThreadHandle]>,
}

impl TaskPools {
    /// Starts the threads.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        coordinators: &Arc<[ThreadHandle]>,
        cores: usize,
    ) -> std::io::Result<Self> {
        let (read_stats, password_stats) = (Arc::<PoolStats>::default(), Arc::<PoolStats>::default());
        let (reads, waiting) = channel();
        start_threads("read", READERS, waiting, &read_stats, shared, coordinators)?;
        let (passwords, waiting) = sync_channel(PASSWORDS_WAITING_MAX);
        start_threads("password", (cores / 4).max(1), waiting, &password_stats, shared, coordinators)?;
        Ok(TaskPools { reads, passwords, read_stats, password_stats, coordinators: Arc::clone(coordinators) })
    }

    /// Has a task run.
    pub(crate) fn run(&self, coordinator: usize, task: Task) {
        let stats = match &task {
            Task::CheckPassword { .. } => &self.password_stats,
            _ => &self.read_stats,
        };
        stats.unfinished.fetch_add(1, Relaxed);
        let job = Job { coordinator, task };
        let unsent = match job.task {
            Task::CheckPassword { .. } => match self.passwords.try_send(job) {
                Ok(()) => return,
                Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => job,
            },
            _ => match self.reads.send(job) {
                Ok(()) => return,
                Err(unsent) => unsent.0,
            },
        };
        stats.unfinished.fetch_sub(1, Relaxed);
        if let Task::CheckPassword { reply, .. } = unsent.task {
            answer(&self.coordinators, coordinator, TaskDone::Password { fits: false, reply });
        }
    }
}

fn answer(coordinators: &[ThreadHandle], coordinator: usize, done: TaskDone) {
    if let Some(thread) = coordinators.get(coordinator) {
        let _stopping = thread.inbox.send(ThreadInput::TaskDone(done));
    }
}

fn start_threads(
    name: &str,
    count: usize,
    waiting: Receiver<Job>,
    stats: &Arc<PoolStats>,
    shared: &Arc<Shared>,
    coordinators: &Arc<[ThreadHandle]>,
) -> std::io::Result<()> {
    let waiting = Arc::new(Mutex::new(waiting));
    for number in 0..count {
        let (waiting, stats) = (Arc::clone(&waiting), Arc::clone(stats));
        let (shared, coordinators) = (Arc::clone(shared), Arc::clone(coordinators));
        let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
        thread.spawn(move || {
            loop {
                let Ok(job) = ({ waiting.lock().recv() }) else { return };
                stats.running.fetch_add(1, Relaxed);
                let done = job.task.run(&shared);
                stats.running.fetch_sub(1, Relaxed);
                stats.unfinished.fetch_sub(1, Relaxed);
                stats.completed.fetch_add(1, Relaxed);
                answer(&coordinators, job.coordinator, done);
            }
        })?;
    }
    Ok(())
}

/// Starts a thread that the node cannot do without.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        fatal(&format!("cannot start thread {name}: {error}"));
    }
}
