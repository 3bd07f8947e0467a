//! Options of keyspaces and tables, with Cassandra's names and defaults (Cassandra: `KeyspaceParams`, `TableParams`).

use std::collections::BTreeMap;

use super::Storage;

/// Where a keyspace's data goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The next `factor` nodes on the ring.
    Simple {
        /// Copies.
        factor: u32,
    },
    /// In each data centre so many copies, on different racks as far as they go.
    NetworkTopology {
        /// Copies by data centre.
        factors: BTreeMap<String, u32>,
    },
    /// On every node its own: system keyspaces.
    Local,
}

impl Replication {
    /// Copies in all; what QUORUM and ALL are counted from.
    pub fn total_factor(&self) -> u32 {
        match self {
            Replication::Simple { factor } => *factor,
            Replication::NetworkTopology { factors } => factors.values().sum(),
            Replication::Local => 1,
        }
    }

    /// Copies in one data centre; for SimpleStrategy all of them.
    pub fn datacenter_factor(&self, datacenter: &str) -> u32 {
        match self {
            Replication::NetworkTopology { factors } => factors.get(datacenter).copied().unwrap_or(0),
            other => other.total_factor(),
        }
    }

    /// As in `system_schema.keyspaces.replication`: full class name and options.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        let class = match self {
            Replication::Simple { factor } => {
                map.insert("replication_factor".to_owned(), factor.to_string());
                "SimpleStrategy"
            }
            Replication::NetworkTopology { factors } => {
                map.extend(factors.iter().map(|(dc, factor)| (dc.clone(), factor.to_string())));
                "NetworkTopologyStrategy"
            }
            Replication::Local => "LocalStrategy",
        };
        map.insert("class".to_owned(), format!("org.apache.cassandra.locator.{class}"));
        map
    }
}

/// Options of a table, as `system_schema.tables` shows them. The maps hold what DESCRIBE prints, `class` included.
#[derive(Clone, Debug, PartialEq)]
pub struct TableParams {
    /// `additional_write_policy`
    pub additional_write_policy: String,
    /// `allow_auto_snapshot`
    pub allow_auto_snapshot: bool,
    /// `bloom_filter_fp_chance`
    pub bloom_filter_fp_chance: f64,
    /// `caching`: `keys`, `rows_per_partition`
    pub caching: BTreeMap<String, String>,
    /// `cdc`
    pub cdc: bool,
    /// `comment`
    pub comment: String,
    /// `compaction`: `class` (full name) and its options
    pub compaction: BTreeMap<String, String>,
    /// `compression`: `class` (full name), `chunk_length_in_kb` …, or `enabled` = `false`
    pub compression: BTreeMap<String, String>,
    /// `crc_check_chance`: stored and echoed; every block is checked whatever it says
    pub crc_check_chance: f64,
    /// `default_time_to_live`, seconds, 0 for none
    pub default_time_to_live: i32,
    /// `extensions`
    pub extensions: BTreeMap<String, Vec<u8>>,
    /// `gc_grace_seconds`
    pub gc_grace_seconds: i32,
    /// `incremental_backups`
    pub incremental_backups: bool,
    /// `max_index_interval`
    pub max_index_interval: i32,
    /// `memtable`
    pub memtable: String,
    /// `memtable_flush_period_in_ms`
    pub memtable_flush_period_in_ms: i32,
    /// `min_index_interval`
    pub min_index_interval: i32,
    /// `read_repair`: `BLOCKING` or `NONE`
    pub read_repair: String,
    /// `speculative_retry`
    pub speculative_retry: String,
    /// COMPACT STORAGE or not: never altered but by DROP COMPACT STORAGE
    pub storage: Storage,
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

impl Default for TableParams {
    fn default() -> Self {
        TableParams {
            additional_write_policy: "99p".to_owned(),
            allow_auto_snapshot: true,
            bloom_filter_fp_chance: 0.01,
            caching: map(&[("keys", "ALL"), ("rows_per_partition", "NONE")]),
            cdc: false,
            comment: String::new(),
            compaction: map(&[
                ("class", "org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy"),
                ("max_threshold", "32"),
                ("min_threshold", "4"),
            ]),
            compression: map(&[
                ("chunk_length_in_kb", "16"),
                ("class", "org.apache.cassandra.io.compress.LZ4Compressor"),
            ]),
            crc_check_chance: 1.0,
            default_time_to_live: 0,
            extensions: BTreeMap::new(),
            gc_grace_seconds: 864_000,
            incremental_backups: true,
            max_index_interval: 2048,
            memtable: "default".to_owned(),
            memtable_flush_period_in_ms: 0,
            min_index_interval: 128,
            read_repair: "BLOCKING".to_owned(),
            speculative_retry: "99p".to_owned(),
            storage: Storage::Rows,
        }
    }
}
