//! What the admin port answers, as JSON; nodetool makes Cassandra's text of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One node of the ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeAnswer {
    /// Internode address.
    pub(crate) address: SocketAddr,
    pub(crate) host_id: String,
    pub(crate) datacenter: String,
    pub(crate) rack: String,
    pub(crate) is_alive: bool,
    /// Bytes, as far as it has said.
    pub(crate) load: Option<f64>,
    /// Ascending.
    pub(crate) tokens: Vec<i64>,
    pub(crate) schema_version: Option<String>,
    pub(crate) release_version: Option<String>,
}

/// Who owns how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    /// Part of the data by host id, copies counted; 1.0 is everything.
    Effective(BTreeMap<String, f64>),
    /// There is no such figure.
    Meaningless,
    /// There is no such keyspace.
    UnknownKeyspace,
}

/// A keyspace and its replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyspaceAnswer {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) options: BTreeMap<String, String>,
}

/// The cluster as this node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterAnswer {
    pub(crate) name: String,
    pub(crate) snitch: String,
    /// In the order of addresses.
    pub(crate) nodes: Vec<NodeAnswer>,
    pub(crate) keyspaces: Vec<KeyspaceAnswer>,
    pub(crate) ownership: Ownership,
}

/// Hits and misses of a cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheAnswer {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) entries: u64,
    /// Bytes.
    pub(crate) size: u64,
    /// Bytes.
    pub(crate) capacity: u64,
}

/// This node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InfoAnswer {
    pub(crate) host_id: String,
    pub(crate) is_gossip_active: bool,
    pub(crate) is_native_active: bool,
    /// Bytes on disk.
    pub(crate) load: u64,
    /// Bytes before compression.
    pub(crate) uncompressed_load: u64,
    pub(crate) generation: u64,
    pub(crate) uptime_seconds: u64,
    /// Bytes resident.
    pub(crate) resident: u64,
    pub(crate) datacenter: String,
    pub(crate) rack: String,
    pub(crate) tokens: Vec<i64>,
    pub(crate) key_cache: CacheAnswer,
    pub(crate) chunk_cache: CacheAnswer,
    /// Bytes kept in memory for SSTables: filters, summaries, chunk offsets.
    pub(crate) sstable_memory: u64,
    /// There is data that a repair could have marked: copies of it, and none is marked.
    pub(crate) is_unrepaired: bool,
    pub(crate) is_joined: bool,
}

/// One table's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableAnswer {
    pub(crate) keyspace: String,
    pub(crate) name: String,
    pub(crate) sstables: u64,
    pub(crate) live_bytes: u64,
    pub(crate) uncompressed_bytes: u64,
    pub(crate) partitions: u64,
    pub(crate) memtable_bytes: u64,
    pub(crate) sstable_memory_bytes: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) pending_flushes: u64,
    pub(crate) bloom_false_positives: u64,
    pub(crate) bloom_true_positives: u64,
    pub(crate) sstable_bytes_max: u64,
    /// Bytes of all files, those not removed yet included, snapshots not.
    pub(crate) total_bytes: u64,
    pub(crate) snapshot_bytes: u64,
    pub(crate) compressible_bytes: u64,
    pub(crate) compressed_bytes: u64,
    pub(crate) memtable_operations: u64,
    pub(crate) flushes: u64,
    pub(crate) read_nanos: Option<f64>,
    pub(crate) write_nanos: Option<f64>,
    pub(crate) filter_bytes: u64,
    pub(crate) filter_memory: u64,
    pub(crate) summary_memory: u64,
    pub(crate) chunk_memory: u64,
    /// Smallest, largest and mean partition, bytes.
    pub(crate) partition_bytes: (u64, u64, u64),
    pub(crate) droppable_tombstones: f64,
    pub(crate) live_mean: Option<f64>,
    pub(crate) live_max: u64,
    pub(crate) tombstones_mean: Option<f64>,
    pub(crate) tombstones_max: u64,
}

/// A thread pool in Cassandra's words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PoolAnswer {
    pub(crate) name: String,
    pub(crate) active: u64,
    pub(crate) pending: u64,
    pub(crate) completed: u64,
}

/// What `tpstats` tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PoolsAnswer {
    pub(crate) pools: Vec<PoolAnswer>,
    /// Messages given up, by Cassandra's names; those not named were never.
    pub(crate) dropped: BTreeMap<String, u64>,
}

/// Hints for one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HintsAnswer {
    pub(crate) host_id: String,
    pub(crate) files: usize,
    /// Milliseconds since the epoch.
    pub(crate) oldest_millis: i64,
    pub(crate) newest_millis: i64,
}

/// Which tables; all of them when empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TablesRequest {
    pub(crate) keyspace: Option<String>,
    pub(crate) tables: Vec<String>,
}

/// `nodetool import`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImportRequest {
    pub(crate) keyspace: String,
    pub(crate) table: String,
    /// As the node sees them.
    pub(crate) directories: Vec<String>,
    /// The files stay in them.
    pub(crate) copy_data: bool,
    /// Partitions that belong to other nodes are taken, too.
    pub(crate) no_tokens: bool,
}

/// Where nodetool finds the token that calls need which change something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenPlace {
    pub(crate) path: String,
}
