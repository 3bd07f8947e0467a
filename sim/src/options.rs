//! What a run is like: drawn from its seed, so that different seeds try different things (swarm testing).

use std::sync::Arc;

use helenus_cluster::config::{MemberConfig, SyncMode};
use helenus_engine::disk::Disk;
use helenus_engine::disk_memory::MemoryDisk;
use helenus_engine::engine::EngineConfig;
use helenus_model::rng::Rng;

/// Coordinators of a member.
pub const COORDINATORS: usize = 2;
/// Port of the links.
pub const INTERNODE_PORT: u16 = 7000;
/// Port for clients.
pub const NATIVE_PORT: u16 = 9042;

/// A fault planted on purpose, to see whether the checks find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    /// None.
    #[default]
    None,
    /// Answers leave before the log is handed to the operating system.
    AnswerBeforeLog,
    /// The log counts as durable without a sync.
    AnswerBeforeSync,
}

/// Which faults a run has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultKinds {
    /// Messages of a pair of members are late by up to seconds.
    pub delays: bool,
    /// Links break.
    pub breaks: bool,
    /// A member, or a pair, is cut off.
    pub partitions: bool,
    /// One direction is cut.
    pub one_way: bool,
    /// Processes are killed.
    pub kills: bool,
    /// All processes are killed at once.
    pub kills_all: bool,
    /// The power fails; only where the log is synced before an answer.
    pub power_cuts: bool,
}

/// What a run is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed everything follows from.
    pub seed: u64,
    /// Members.
    pub members: usize,
    /// Replication factor of the keyspace.
    pub replication: usize,
    /// Log sync mode.
    pub sync_mode: SyncMode,
    /// How long a sync takes at most, microseconds.
    pub sync_micros_max: u64,
    /// Clients that work at once.
    pub clients: usize,
    /// Requests of the first phase.
    pub operations: usize,
    /// Simulated time in which they are begun, microseconds.
    pub work_micros: u64,
    /// Least time between two faults, microseconds.
    pub fault_pause_micros: u64,
    /// Faults.
    pub faults: FaultKinds,
    /// How long a message takes at least and at most, microseconds.
    pub delay_micros: (u64, u64),
    /// How far the members' wall clocks may be apart, microseconds.
    pub skew_micros: u64,
    /// One in so many reads finds its bytes not in memory; 0 for none.
    pub cold_reads_every: u64,
    /// Bytes of a replica's answer to one read: so few that most reads take several.
    pub answer_bytes_max: u32,
    /// Budgets of the stores.
    pub engine: EngineConfig,
    /// How many of a thousand requests swap a register, beside the others' share.
    pub swaps_of_thousand: u64,
    /// How many of a hundred swaps all clients gather at.
    pub gather_percent: u64,
    /// A planted fault.
    pub sabotage: Sabotage,
    /// Puts something between the members and their disks.
    pub wrap_disk: Option<fn(MemoryDisk) -> Arc<dyn Disk>>,
    /// Lines on standard error.
    pub prints: bool,
}

impl Options {
    /// What `seed` makes of it.
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x6f70_7469_6f6e_7321);
        let sync_mode = if rng.chance(50) { SyncMode::Synced } else { SyncMode::Periodic };
        let mut faults = FaultKinds {
            delays: rng.chance(60),
            breaks: rng.chance(70),
            partitions: rng.chance(60),
            one_way: rng.chance(40),
            kills: rng.chance(60),
            kills_all: rng.chance(25),
            power_cuts: sync_mode == SyncMode::Synced && rng.chance(70),
        };
        if faults == FaultKinds::default() {
            faults.partitions = true;
        }
        let delay_min = rng.between(20, 500);
        Options {
            seed,
            members: 3,
            replication: [3, 3, 3, 3, 2, 1][rng.index(6)],
            sync_mode,
            // Now and then a device so slow that much is not on it when the power goes.
            sync_micros_max: if rng.chance(20) { rng.between(50_000, 400_000) } else { rng.between(100, 10_000) },
            clients: rng.between(3, 8) as usize,
            operations: rng.between(1_200, 2_000) as usize,
            work_micros: rng.between(25, 60) * 1_000_000,
            fault_pause_micros: rng.between(200, 3_000) * 1_000,
            faults,
            delay_micros: (delay_min, delay_min + rng.between(10, 3_000)),
            skew_micros: if rng.chance(50) { 0 } else { rng.between(1, 2_000_000) },
            cold_reads_every: if rng.chance(50) { 0 } else { rng.between(2, 20) },
            answer_bytes_max: 1 << (seed % 8 + 4),
            engine: EngineConfig {
                log_segment_bytes: 1 << rng.between(16, 19),
                log_bytes_max: 1 << rng.between(18, 21),
                memtable_bytes_max: 1 << rng.between(14, 20),
                chunk_cache_bytes: 1 << 20,
                key_cache_bytes: 1 << 16,
                auto_snapshot: true,
                ..EngineConfig::default()
            },
            // Now and then little else is done.
            swaps_of_thousand: [0, 0, 0, 600][rng.index(4)],
            gather_percent: [20, 50, 100][rng.index(3)],
            sabotage: Sabotage::None,
            wrap_disk: None,
            prints: false,
        }
    }

    /// Configuration of a member.
    pub fn member_config(&self, member: usize) -> MemberConfig {
        let address = |member: usize, port| ([10, 0, 0, member as u8 + 1], port).into();
        MemberConfig {
            seeds: (0..self.members.min(2)).map(|seed| address(seed, INTERNODE_PORT)).collect(),
            rack: format!("rack{}", member + 1),
            sync_mode: self.sync_mode,
            answer_bytes_max: self.answer_bytes_max,
            ..MemberConfig::new("sim", address(member, INTERNODE_PORT), address(member, NATIVE_PORT))
        }
    }
}
