//! The thread that has the commit log made durable: every so often (periodic) and as soon as a conditional write waits for it, as soon as a write waits for it (batch), or at the end
//! of each window in which one did (group).

use std::sync::Arc;
use std::time::Duration;

use helenus_engine::engine::Engine;
use helenus_engine::log::LogPosition;
use parking_lot::{Condvar, Mutex};

use crate::config::CommitLogSync;
use crate::fatal::fatal;

#[derive(Debug, Default)]
struct Flags {
    /// A write waits for the device.
    wanted: bool,
    stopping: bool,
}

/// The thread's bell. Clones ring the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogSyncer {
    bell: Arc<(Mutex<Flags>, Condvar)>,
}

impl LogSyncer {
    /// A write waits for the device.
    pub(crate) fn wake(&self) {
        let (flags, bell) = &*self.bell;
        let mut flags = flags.lock();
        if !flags.wanted {
            flags.wanted = true;
            bell.notify_one();
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        let (flags, bell) = &*self.bell;
        flags.lock().stopping = true;
        bell.notify_one();
    }

    /// Waits for the next sync to be due; false: there is to be none any more.
    fn wait(&self, mode: CommitLogSync) -> bool {
        let (flags, bell) = &*self.bell;
        let mut flags = flags.lock();
        if let CommitLogSync::Periodic { period } = mode {
            if !flags.stopping && !flags.wanted {
                bell.wait_for(&mut flags, period);
            }
            flags.wanted = false;
            return !flags.stopping;
        }
        while !flags.wanted && !flags.stopping {
            bell.wait(&mut flags);
        }
        if flags.stopping {
            return false;
        }
        if let CommitLogSync::Group { window } = mode {
            drop(flags);
            std::thread::sleep(window.min(Duration::from_secs(10)));
            flags = self.bell.0.lock();
        }
        flags.wanted = false;
        !flags.stopping
    }

    /// Runs the syncs; `synced` hears how far the log is durable after each.
    pub(crate) fn run(&self, engine: &Engine, mode: CommitLogSync, synced: impl Fn(LogPosition)) {
        while self.wait(mode) {
            if !engine.log_needs_sync() {
                synced(engine.log_synced_position());
                continue;
            }
            match engine.log_sync() {
                Ok(position) => synced(position),
                Err(error) => {
                    fatal(&format!("the commit log cannot be synced, nobody can tell what the device holds: {error}"))
                }
            }
        }
    }
}
