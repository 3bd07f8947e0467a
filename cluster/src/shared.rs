//! What all coordinators and the control part of one member share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use helenus_engine::engine::Engine;
use helenus_engine::error::ReadError;
use helenus_model::schema::Table;
use helenus_model::time::Now;
use helenus_query::system_tables::definitions;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::cas::register::Registers;
use crate::config::{MemberConfig, SyncMode};
use crate::hints::HintStore;
use crate::link::{Hello, LinkKind};
use crate::prepared::PreparedStatements;
use crate::reach::Reach;
use crate::throttle::Throttle;
use crate::view::View;
use crate::views::Outbox;

/// What is known of another node, mostly by gossip.
#[derive(Clone, Debug, Default)]
pub struct PeerStatus {
    /// True while the detector has it alive.
    pub alive: bool,
    /// Bytes of its data, as it says.
    pub load_bytes: Option<f64>,
    /// Its release version.
    pub release_version: Option<String>,
    /// Its schema version.
    pub schema_version: Option<Uuid>,
    /// It has applied the metadata log up to this epoch, as nodes say to each other when a change is through: sooner than gossip.
    pub applied_epoch: u64,
    /// Monotonic ms since which it is down; 0 while it is up.
    pub down_since_millis: u64,
}

/// Counters of one kind of request, for metrics.
#[derive(Debug, Default)]
pub struct RequestStats {
    /// Requests finished.
    pub count: AtomicU64,
    /// Sum of their times, microseconds.
    pub micros: AtomicU64,
    /// Timed out.
    pub timeouts: AtomicU64,
    /// Refused for want of replicas.
    pub unavailables: AtomicU64,
    /// Failed on replicas.
    pub failures: AtomicU64,
    /// Requests by time: bucket i counts those below 2^i microseconds.
    pub buckets: [AtomicU64; 32],
}

impl RequestStats {
    /// Counts a request that took so long.
    #[inline]
    pub fn record(&self, micros: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let bucket = (64 - micros.leading_zeros() as usize).min(self.buckets.len() - 1);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }
}

/// Counters of a member.
#[derive(Debug, Default)]
pub struct MemberStats {
    /// Client reads of named partitions.
    pub reads: RequestStats,
    /// Client scans.
    pub scans: RequestStats,
    /// Client writes.
    pub writes: RequestStats,
    /// Connections of clients that are open.
    pub connections: AtomicU64,
    /// Requests of clients since the start.
    pub requests: AtomicU64,
    /// Statements prepared.
    pub prepared: AtomicU64,
    /// Prepared statements executed.
    pub prepared_executed: AtomicU64,
    /// Unprepared statements executed.
    pub regular_executed: AtomicU64,
    /// Hints written.
    pub hints_written: AtomicU64,
    /// Hints delivered.
    pub hints_delivered: AtomicU64,
    /// Hints given up: too old, damaged, their table gone.
    pub hints_dropped: AtomicU64,
    /// Digest mismatches repaired before the answer.
    pub read_repairs: AtomicU64,
    /// Answers to reads that ended at their limit of bytes.
    pub short_answers: AtomicU64,
    /// Batches replayed.
    pub batches_replayed: AtomicU64,
    /// Logins tried.
    pub logins: AtomicU64,
    /// Writes of other nodes that were given up while they waited for a schema.
    pub dropped_writes: AtomicU64,
    /// Reads of other nodes that were given up so.
    pub dropped_reads: AtomicU64,
    /// Requests that wait for something, by coordinator, renewed every tick.
    pub waiting: RwLock<BTreeMap<u16, u64>>,
    /// Client reads slower than `slow_query_log_timeout`.
    pub slow_reads: AtomicU64,
}

/// Shared by all parts of a member.
#[derive(Debug)]
pub struct Shared {
    /// Settings.
    pub config: MemberConfig,
    /// This node's identity.
    pub host_id: Uuid,
    /// Storage.
    pub engine: Arc<Engine>,
    /// Hints for other nodes.
    pub hints: HintStore,
    /// The epoch that requests see.
    pub view: Arc<ArcSwap<View>>,
    /// Prepared statements.
    pub prepared: PreparedStatements,
    /// What replays of batches may take.
    pub(crate) batch_replay: Throttle,
    /// Other nodes as gossip has them, by internode address.
    pub peers: RwLock<BTreeMap<SocketAddr, PeerStatus>>,
    /// Links between the coordinators of this node and those of others.
    pub reach: Reach,
    /// `nodetool gossipinfo`, renewed with every gossip round.
    pub gossip_info: RwLock<String>,
    /// Generation of this run for gossip: seconds since the epoch.
    pub gossip_generation: AtomicU64,
    /// Counters.
    pub stats: MemberStats,
    /// What views on other nodes are to hear.
    pub(crate) view_updates: Outbox,
    /// Locks of this node's registers of conditional writes.
    pub(crate) registers: Registers,
    last_timestamp: AtomicI64,
}

impl Shared {
    /// Puts the parts together; the view begins empty.
    pub fn new(config: MemberConfig, host_id: Uuid, engine: Arc<Engine>, hints: HintStore) -> Self {
        let view = View::new(Arc::default(), host_id, None);
        if config.sync_mode == SyncMode::Synced {
            engine.track_unsynced();
        }
        Shared {
            prepared: PreparedStatements::new(config.prepared_bytes_max),
            batch_replay: Throttle::default(),
            config,
            host_id,
            engine,
            hints,
            view: Arc::new(ArcSwap::from_pointee(view)),
            peers: RwLock::default(),
            reach: Reach::default(),
            gossip_info: RwLock::default(),
            gossip_generation: AtomicU64::new(0),
            stats: MemberStats::default(),
            view_updates: Outbox::default(),
            registers: Registers::default(),
            last_timestamp: AtomicI64::new(0),
        }
    }

    /// What this node says first on a link.
    pub fn hello(&self, kind: LinkKind) -> Hello {
        let metadata = &self.view.load().metadata;
        Hello {
            kind,
            cluster_id: metadata.cluster_id,
            host_id: self.host_id,
            internode: self.config.internode,
            cluster_name: self.config.cluster_name.clone(),
            epoch: metadata.epoch,
            coordinators: self.reach.coordinators(),
        }
    }

    /// A table by id, as requests see it: of users, or the node's own.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn table(&self, id: Uuid) -> Result<Arc<Table>, ReadError> {
        let view = self.view.load();
        let found = view.schema().table_by_id(id).or_else(|| definitions().table_by_id(id));
        found.cloned().ok_or(ReadError::UnknownTable(id))
    }

    /// A write timestamp: the wall clock, but unique on this node and never going back.
    #[inline]
    pub fn timestamp(&self, now: Now) -> i64 {
        let mut last = self.last_timestamp.load(Ordering::Relaxed);
        loop {
            let next = now.wall_micros.max(last + 1);
            match self.last_timestamp.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(actual) => last = actual,
            }
        }
    }
}
