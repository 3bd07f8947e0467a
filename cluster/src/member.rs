//! A member put together from its data directory.

use std::sync::Arc;

use helenus_engine::disk::{Disk, DiskError, DiskErrorKind, DiskResult};
use helenus_engine::engine::{Engine, EngineConfig, OpenError, ReplayReport};
use helenus_model::rng::Rng;
use helenus_model::time::Now;
use thiserror::Error;
use uuid::Uuid;

use crate::config::MemberConfig;
use crate::control::Control;
use crate::control::metadata_log::{MetadataLog, OpenLogError};
use crate::coordinator::Coordinator;
use crate::hints::HintStore;
use crate::shared::Shared;
use crate::system;

/// Version of the layout of the data directory. Another one is refused.
const DIRECTORY_VERSION: &str = "helenus-data 1";
const IDENTITY_PATH: &str = "identity";

/// Why a member cannot start.
#[derive(Debug, Error)]
pub enum MemberError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The data directory is not one of this version.
    #[error("the data directory is stamped \"{found}\", this version of Helenus reads \"{DIRECTORY_VERSION}\"")]
    Version {
        /// Its stamp.
        found: String,
    },
    /// The file `identity` makes no sense.
    #[error("the file identity in the data directory is damaged: {0}")]
    Identity(String),
    /// The metadata log cannot be opened.
    #[error(transparent)]
    Metadata(#[from] OpenLogError),
    /// The engine cannot be opened.
    #[error(transparent)]
    Engine(#[from] OpenError),
    /// A gossip setting cannot work.
    #[error(transparent)]
    Gossip(#[from] helenus_gossip::ConfigError),
}

/// A member: what its coordinators share, and its control part.
#[derive(Debug)]
pub struct Member {
    /// For the coordinators, tasks and jobs.
    pub shared: Arc<Shared>,
    /// The control part.
    pub control: Control,
    /// What the log replay found.
    pub replay: ReplayReport,
    rng: Rng,
}

/// What the file `identity` says, one item a line: the directory's version, the host id, the last gossip generation.
struct Identity {
    host_id: Uuid,
    generation: u32,
}

impl Member {
    /// Opens the data directory, or begins one.
    pub fn open(
        config: MemberConfig,
        engine_config: EngineConfig,
        disk: Arc<dyn Disk>,
        now: Now,
        seed: u64,
    ) -> Result<Member, MemberError> {
        let mut rng = Rng::new(seed);
        let identity = open_identity(&*disk, &mut rng, now)?;
        let log = MetadataLog::open(&*disk, identity.host_id, rng.fork())?;
        let local = system::stored_tables();
        let schema = Arc::clone(&log.metadata().schema);
        let (engine, replay) = Engine::open(Arc::clone(&disk), engine_config, schema, local, now)?;
        let hints = HintStore::open(disk, config.hint_file_bytes_max)?;
        let shared = Arc::new(Shared::new(config, identity.host_id, Arc::new(engine), hints));
        let control = Control::new(Arc::clone(&shared), log, rng.fork(), identity.generation, now)?;
        Ok(Member { shared, control, replay, rng })
    }

    /// One more coordinator.
    pub fn coordinator(&mut self, number: u16, now: Now) -> Coordinator {
        Coordinator::new(number, Arc::clone(&self.shared), self.rng.fork(), now)
    }
}

fn open_identity(disk: &dyn Disk, rng: &mut Rng, now: Now) -> Result<Identity, MemberError> {
    let (host_id, generation) = match disk.open(IDENTITY_PATH) {
        Ok(file) => {
            let mut bytes = vec![0; file.len()?.min(4096) as usize];
            file.read_at(0, &mut bytes)?;
            parse_identity(&bytes)?
        }
        Err(error) if error.kind == DiskErrorKind::NotFound => (rng.uuid(), 0),
        Err(error) => return Err(error.into()),
    };
    // Larger than in any run before, also when the clock went back.
    let generation = (now.seconds().clamp(1, i64::from(u32::MAX)) as u32).max(generation.saturating_add(1));
    let identity = Identity { host_id, generation };
    write_identity(disk, &identity)?;
    Ok(identity)
}

fn parse_identity(bytes: &[u8]) -> Result<(Uuid, u32), MemberError> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if version != DIRECTORY_VERSION {
        return Err(MemberError::Version { found: version.to_owned() });
    }
    let host_id = lines.next().and_then(|line| Uuid::try_parse(line).ok());
    let generation = lines.next().and_then(|line| line.parse().ok());
    host_id.zip(generation).ok_or_else(|| MemberError::Identity(text.clone().into_owned()))
}

fn write_identity(disk: &dyn Disk, identity: &Identity) -> DiskResult<()> {
    let text = format!("{DIRECTORY_VERSION}\n{}\n{}\n", identity.host_id, identity.generation);
    let temporary = format!("{IDENTITY_PATH}.new");
    match disk.remove(&temporary) {
        Err(error) if error.kind != DiskErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&temporary)?;
    file.write_at(0, text.as_bytes())?;
    file.sync()?;
    disk.rename(&temporary, IDENTITY_PATH)?;
    disk.sync_dir("")
}
