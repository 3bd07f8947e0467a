//! The thread that has the commit log made durable: every so often (periodic) and as soon as a conditional write waits for it, as soon as a
//! write waits for it (batch), or at the end of each window in which one did (group).

use std::sync::Arc;
use std::time::Duration;

use helenus_engine::log::LogPosition;
use parking_lot::{Condvar, Mutex};

use crate::config::CommitLogSync;
use crate::environment::Environment;
use crate::fatal::fatal;

#[derive(Debug, Default)]
struct Flags {
    /// How far the log has to be on the device for the writes that wait for it.
    wanted: Option<LogPosition>,
    stopping: bool,
}

impl Flags {
    fn take(&mut self) -> Option<Due> {
        (!self.stopping).then(|| self.wanted.take().map_or(Due::Period, Due::UpTo))
    }
}

/// Why a sync is due.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// A period has ended.
    Period,
    /// Writes up to here wait for the device.
    UpTo(LogPosition),
}

impl Due {
    /// Whether the device has something to do, of a log that is `durable` up to here.
    fn needs_device(&self, durable: LogPosition, log_needs_sync: bool) -> bool {
        match self {
            Due::Period => log_needs_sync,
            // A coordinator tells with each batch how far those go that still wait.
            Due::UpTo(position) => *position > durable && log_needs_sync,
        }
    }
}

/// The thread's bell. Clones ring the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogSyncer {
    bell: Arc<(Mutex<Flags>, Condvar)>,
}

impl LogSyncer {
    /// A write at `position` waits for the device.
    pub(crate) fn wake(&self, position: LogPosition) {
        let (flags, bell) = &*self.bell;
        let mut flags = flags.lock();
        if flags.wanted.is_none() {
            bell.notify_one();
        }
        flags.wanted = flags.wanted.max(Some(position));
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        let (flags, bell) = &*self.bell;
        flags.lock().stopping = true;
        bell.notify_one();
    }

    /// Waits for the next sync to be due; None: there is to be none any more.
    fn wait(&self, mode: CommitLogSync) -> Option<Due> {
        let (flags, bell) = &*self.bell;
        let mut flags = flags.lock();
        if let CommitLogSync::Periodic { period } = mode {
            if !flags.stopping && flags.wanted.is_none() {
                bell.wait_for(&mut flags, period);
            }
            return flags.take();
        }
        while flags.wanted.is_none() && !flags.stopping {
            bell.wait(&mut flags);
        }
        if let CommitLogSync::Group { window } = mode
            && !flags.stopping
        {
            drop(flags);
            std::thread::sleep(window.min(Duration::from_secs(10)));
            flags = self.bell.0.lock();
        }
        flags.take()
    }

    /// Runs the syncs, and tells the coordinators how far the log is durable after each.
    pub(crate) fn run(&self, environment: &Environment, mode: CommitLogSync) {
        let engine = &environment.shared.engine;
        while let Some(due) = self.wait(mode) {
            let durable = engine.log_synced_position();
            if !due.needs_device(durable, engine.log_needs_sync()) {
                environment.log_synced(durable);
                continue;
            }
            let synced = match due {
                Due::Period => engine.log_sync(),
                Due::UpTo(_) => engine.log_sync_awaited(),
            };
            match synced {
                Ok(position) => environment.log_synced(position),
                Err(error) => {
                    fatal(&format!("the commit log cannot be synced, nobody can tell what the device holds: {error}"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_has_nothing_to_do_for_what_is_durable() {
        let position = LogPosition::from_u64;
        for (due, log_needs_sync, expected) in [
            (Due::Period, true, true),
            (Due::Period, false, false),
            (Due::UpTo(position(8)), true, true),
            (Due::UpTo(position(8)), false, false),
            (Due::UpTo(position(7)), true, false),
            (Due::UpTo(position(6)), true, false),
        ] {
            assert_eq!(due.needs_device(position(7), log_needs_sync), expected, "{due:?}, {log_needs_sync}");
        }
    }

    #[test]
    fn a_sync_is_due_up_to_the_last_that_waits() {
        let position = LogPosition::from_u64;
        let syncer = LogSyncer::default();
        for wanted in [5, 7, 3] {
            syncer.wake(position(wanted));
        }
        assert_eq!(syncer.wait(CommitLogSync::Batch), Some(Due::UpTo(position(7))));
        syncer.wake(position(9));
        let period = Duration::from_millis(1);
        assert_eq!(syncer.wait(CommitLogSync::Periodic { period }), Some(Due::UpTo(position(9))));
        assert_eq!(
            syncer.wait(CommitLogSync::Periodic { period }),
            Some(Due::Period),
            "what was asked for once is due once"
        );
        syncer.wake(position(11));
        syncer.stop();
        assert_eq!(syncer.wait(CommitLogSync::Group { window: period }), None);
    }
}
