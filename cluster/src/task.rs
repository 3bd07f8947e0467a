//! Work that would stall a coordinator's thread: reads that wait for the disk or are long, password hashing, hint files.
//! A coordinator hands out [`Task`]s; whoever runs them gives the [`TaskDone`] back to the same coordinator.

use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::Engine;
use helenus_engine::error::ReadError;
use helenus_model::read::ReadCommand;
use uuid::Uuid;

use crate::answer::AnswerWriter;
use crate::coordinator::slab::SlotId;
use crate::hints::Hint;
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
    /// Read a hint file.
    ReadHints {
        /// The host they are for.
        host: Uuid,
        /// The file.
        number: u64,
    },
}

/// What came of a task.
#[derive(Debug)]
pub enum TaskDone {
    /// The answer to a read, as [`crate::answer`] encodes it, with the read it answers.
    Read {
        /// The read.
        command: Box<ReadCommand>,
        /// Its answer.
        answer: Result<Vec<u8>, ReadError>,
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
    /// The hints of a file; empty when it could not be read.
    Hints {
        /// The host they are for.
        host: Uuid,
        /// The file.
        number: u64,
        /// Its hints.
        hints: Vec<Hint>,
        /// False when the file ends in damage.
        sound: bool,
    },
}

/// A hash to spend time on when a role has none, so that it cannot be told from one that has (RELIABILITY 3.8).
const NO_ROLE_HASH: &str = "$2a$10$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtG";

impl Task {
    /// Runs the task to its end on this thread.
    pub fn run(self, shared: &Shared) -> TaskDone {
        match self {
            Task::Read { command, reply } => {
                let answer = read_answer(&shared.engine, &command);
                TaskDone::Read { command, answer, reply }
            }
            Task::CheckPassword { hash, password, reply } => {
                let stored = hash.as_deref().unwrap_or(NO_ROLE_HASH);
                let fits = bcrypt::verify(&password, stored).unwrap_or(false) && hash.is_some();
                TaskDone::Password { fits, reply }
            }
            Task::ReadHints { host, number } => {
                let (hints, sound) = shared.hints.read_file(host, number).unwrap_or_else(|error| {
                    tracing::error!(%error, "a hint file cannot be read");
                    (Vec::new(), false)
                });
                TaskDone::Hints { host, number, hints, sound }
            }
        }
    }
}

fn read_answer(engine: &Engine, command: &ReadCommand) -> Result<Vec<u8>, ReadError> {
    let mut answer = Vec::new();
    let mut writer = AnswerWriter::new(&mut answer);
    engine.read(command, ReadMode::UNBOUNDED, &mut writer)?;
    writer.finish();
    Ok(answer)
}
