//! Work that would stall a coordinator's thread: reads that wait for the disk or are long, counting, password hashing, hint files
//! and their syncs.
//! A coordinator hands out [`Task`]s; whoever runs them gives the [`TaskDone`] back to the same coordinator.

use helenus_engine::cursor::ReadMode;
use helenus_engine::disk::{DiskError, DiskResult};
use helenus_engine::engine::{ViewBuild, ViewWriteError};
use helenus_engine::error::ReadError;
use helenus_model::read::ReadCommand;
use helenus_model::time::Now;
use uuid::Uuid;

use crate::answer::AnswerWriter;
use crate::coordinator::count::{Counted, Increments};
use crate::coordinator::slab::SlotId;
use crate::coordinator::views::{ViewWrite, Viewed};
use crate::hints::{Hint, HintStore};
use crate::scan::{self, Scanned};
use crate::shared::Shared;

/// Who waits for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskReply {
    /// An operation of this coordinator, and which of its parts.
    Operation(SlotId, u32),
    /// A peer's request that came over this link.
    Link {
        /// The link.
        link: u64,
        /// The request's id.
        id: u64,
        /// Only the digest is wanted.
        digest: bool,
    },
    /// A step of a register that waits for its row.
    Register(u64),
}

/// Something to be done elsewhere.
#[derive(Debug)]
pub enum Task {
    /// Execute a read, waiting for the disk where needed.
    Read {
        /// The read.
        command: Box<ReadCommand>,
        /// Who waits.
        reply: TaskReply,
    },
    /// Check a password against a hash; no hash means that the role cannot log in, which takes as long.
    CheckPassword {
        /// bcrypt hash.
        hash: Option<String>,
        /// What the client sent.
        password: String,
        /// Who waits.
        reply: TaskReply,
    },
    /// Remove the hint file that was delivered, if one was, and read the next.
    ReadHints {
        /// The host they are for.
        host: Uuid,
        /// The file that was delivered.
        delivered: Option<u64>,
    },
    /// Give all hints to the kernel, and to the device if so wanted.
    SyncHints {
        /// Wait for the device.
        to_device: bool,
    },
    /// Count, waiting for the disk and for others where needed.
    Count(Box<Increments>),
    /// Apply a write to a table with materialized views, waiting for the disk and for others where needed.
    Views(Box<ViewWrite>),
    /// Take some more rows of a table into a materialized view.
    BuildView(Box<ViewBuild>, Now),
}

/// What came of a task.
#[derive(Debug)]
pub enum TaskDone {
    /// The answer to a read, as [`crate::answer`] encodes it, with the read it answers.
    Read {
        /// The read.
        command: Box<ReadCommand>,
        /// Its answer, and what it passed.
        answer: Result<(Vec<u8>, Scanned), ReadError>,
        /// Who waits.
        reply: TaskReply,
    },
    /// True: the password fits.
    Password {
        /// Whether it does.
        fits: bool,
        /// Who waits.
        reply: TaskReply,
    },
    /// The oldest file of hints for a host.
    Hints {
        /// The host they are for.
        host: Uuid,
        /// The file; None when nothing waits, or when the disk failed.
        file: Option<HintFile>,
    },
    /// The hints kept before the task was begun are where it was to bring them, or nobody can tell.
    HintsSynced(Result<(), DiskError>),
    /// What was counted.
    Counted(Box<Increments>, Counted),
    /// What was written to a table with materialized views.
    ViewsApplied(Box<ViewWrite>, Viewed),
    /// Rows were taken into a materialized view. False: all are.
    ViewBuilt(Box<ViewBuild>, Result<bool, ViewWriteError>),
}

/// A hint file, read.
#[derive(Debug)]
pub struct HintFile {
    /// Its number.
    pub number: u64,
    /// Its hints.
    pub hints: Vec<Hint>,
    /// False when it ends in damage.
    pub sound: bool,
}

/// A hash to spend time on when a role has none, so that it cannot be told from one that has.
const NO_ROLE_HASH: &str = "$2a$10$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtG";

impl Task {
    /// Runs the task to its end on this thread.
    pub fn run(self, shared: &Shared) -> TaskDone {
        match self {
            Task::Read { command, reply } => {
                let answer = read_answer(shared, &command);
                TaskDone::Read { command, answer, reply }
            }
            Task::CheckPassword { hash, password, reply } => {
                let stored = hash.as_deref().unwrap_or(NO_ROLE_HASH);
                let fits = bcrypt::verify(&password, stored).unwrap_or(false) && hash.is_some();
                TaskDone::Password { fits, reply }
            }
            Task::ReadHints { host, delivered } => {
                let file = next_hints(&shared.hints, host, delivered).unwrap_or_else(|error| {
                    // The file stays: it is tried again.
                    tracing::error!(%error, %host, "hints cannot be read");
                    None
                });
                TaskDone::Hints { host, file }
            }
            Task::Count(increments) => {
                let counted = increments.count(shared, ReadMode::UNBOUNDED);
                TaskDone::Counted(increments, counted)
            }
            Task::Views(write) => {
                let applied = write.apply(shared, ReadMode::UNBOUNDED);
                TaskDone::ViewsApplied(write, applied)
            }
            Task::BuildView(mut build, now) => {
                let result = shared.build_view(&mut build, now);
                TaskDone::ViewBuilt(build, result)
            }
            Task::SyncHints { to_device: true } => TaskDone::HintsSynced(shared.hints.sync().map(|_| ())),
            Task::SyncHints { to_device: false } => TaskDone::HintsSynced(shared.hints.flush()),
        }
    }
}

fn next_hints(store: &HintStore, host: Uuid, delivered: Option<u64>) -> DiskResult<Option<HintFile>> {
    if let Some(number) = delivered {
        store.remove_file(host, number)?;
    }
    let Some(number) = store.next_file(host)? else { return Ok(None) };
    let (hints, sound) = store.read_file(host, number)?;
    Ok(Some(HintFile { number, hints, sound }))
}

fn read_answer(shared: &Shared, command: &ReadCommand) -> Result<(Vec<u8>, Scanned), ReadError> {
    let table = shared.table(command.table)?;
    let mut answer = Vec::new();
    let mut writer = AnswerWriter::of_read(&mut answer, command);
    let scanned = scan::read(shared, &table, command, ReadMode::UNBOUNDED, &mut writer)?;
    writer.finish();
    Ok((answer, scanned))
}
