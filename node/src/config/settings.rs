//! The settings a node runs with, typed, with their defaults.
//!
//! Sizes are bytes, rates bytes a second. Where a default differs from the `cassandra.yaml` that Apache
//! Cassandra 5.0 ships, the field says so and why.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use helenus_cluster::guardrail::Guardrails;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// An address as written: this module resolves no names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address; `localhost` counts as 127.0.0.1.
    Ip(IpAddr),
    /// A name for the caller to resolve.
    Name(String),
}

impl Host {
    /// Reads an address or a name.
    pub fn parse(text: &str) -> Host {
        match text.parse() {
            Ok(ip) => Host::Ip(ip),
            Err(_) if text == "localhost" => Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Err(_) => Host::Name(text.to_owned()),
        }
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }

    /// Whether it means "every interface".
    pub fn is_wildcard(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(ip) => write!(out, "{ip}"),
            Host::Name(name) => out.write_str(name),
        }
    }
}

/// A node to ask for the way into the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Where it is.
    pub host: Host,
    /// Its internode port, if it is not this node's `storage_port`.
    pub port: Option<u16>,
}

/// When a write is on the disk's platter, not only in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitLogSync {
    /// Acknowledged from the kernel's memory, synced every `period`; a power cut may lose that much.
    Periodic {
        /// The time between two syncs.
        period: Duration,
    },
    /// Acknowledged after a sync; writes that wait together share one.
    Batch,
    /// Acknowledged after a sync; one sync for all writes of a window.
    Group {
        /// The time between two syncs.
        window: Duration,
    },
}

/// What to do when a data file is damaged or a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFailurePolicy {
    /// Stop serving on any file system error or damage, leaving the node to be inspected.
    Stop,
    /// Stop also for a damage of one SSTable at start.
    StopParanoid,
    /// Stop using the failed disk and answer from the rest.
    BestEffort,
    /// Let the requests fail and go on.
    Ignore,
    /// End the process.
    Die,
}

/// What to do when the commit log cannot be written. Both end the process: there is no JMX to inspect a node by that serves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFailurePolicy {
    /// Stop serving, leaving the node to be inspected.
    Stop,
    /// End the process.
    Die,
}

/// Who may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticator {
    /// Everybody, without a password.
    AllowAll,
    /// Roles with a password.
    Password,
}

/// Who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorizer {
    /// Everybody everything.
    AllowAll,
}

/// How a node knows its data centre and rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snitch {
    /// `datacenter1` and `rack1` for every node.
    Simple,
    /// Each node's own, from the command line or `cassandra-rackdc.properties`, told to the others.
    GossipingPropertyFile,
}

/// How long requests may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `read_request_timeout`: reads of named partitions.
    pub read: Duration,
    /// `range_request_timeout`: scans.
    pub range: Duration,
    /// `write_request_timeout`
    pub write: Duration,
    /// `counter_write_request_timeout`
    pub counter_write: Duration,
    /// `cas_contention_timeout`
    pub cas_contention: Duration,
    /// `truncate_request_timeout`
    pub truncate: Duration,
    /// `slow_query_log_timeout`: a request slower than this is logged; zero is never.
    pub slow_query_log: Duration,
    /// `native_transport_idle_timeout`: a silent client is closed after this; zero is never.
    pub native_transport_idle: Duration,
    /// `internode_tcp_connect_timeout`
    pub internode_connect: Duration,
}

/// Hints: the writes kept for a node that is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// `hinted_handoff_enabled`
    pub enabled: bool,
    /// `hinted_handoff_disabled_datacenters`
    pub disabled_datacenters: Vec<String>,
    /// `max_hint_window`: a node down for longer gets no new hints.
    pub window_max: Duration,
    /// `hinted_handoff_throttle`, bytes a second.
    pub throttle_bytes_per_second: u64,
    /// `max_hints_file_size`, bytes.
    pub file_size_max: u64,
    /// `max_hints_size_per_host`, bytes; zero is no limit.
    pub size_per_host_max: u64,
}

/// What is warned of, and what is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// `tombstone_warn_threshold`: tombstones in one read.
    pub tombstone_warn: u64,
    /// `tombstone_failure_threshold`: tombstones in one read.
    pub tombstone_failure: u64,
    /// `batch_size_warn_threshold`, bytes.
    pub batch_size_warn: u64,
    /// `batch_size_fail_threshold`, bytes.
    pub batch_size_fail: u64,
    /// `unlogged_batch_across_partitions_warn_threshold`: partitions.
    pub unlogged_batch_partitions_warn: u64,
    /// `max_mutation_size`, bytes; half a log segment unless set.
    pub mutation_size_max: u64,
}

/// The native transport: clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeTransport {
    /// `start_native_transport`
    pub start: bool,
    /// `native_transport_port`
    pub port: u16,
    /// `native_transport_max_frame_size`, bytes.
    pub frame_size_max: u64,
    /// `native_transport_max_concurrent_connections`; `None` is no limit.
    pub connections_max: Option<u64>,
    /// `native_transport_max_concurrent_connections_per_ip`; `None` is no limit.
    pub connections_per_ip_max: Option<u64>,
    /// `native_transport_max_request_data_in_flight`, bytes. Cassandra: a tenth of its heap.
    pub request_data_in_flight_max: u64,
    /// `native_transport_max_request_data_in_flight_per_ip`, bytes. Cassandra: a fortieth of its heap.
    pub request_data_in_flight_per_ip_max: u64,
    /// `native_transport_allow_older_protocols`: v3 and v4 beside v5.
    pub allow_older_protocols: bool,
}

/// Everything a node is told before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `cluster_name`
    pub cluster_name: String,
    /// `num_tokens`: 16, as in the file Cassandra ships.
    pub num_tokens: u32,
    /// `initial_token`: this node's tokens, if they are chosen by hand.
    pub initial_tokens: Vec<i64>,
    /// `seed_provider`'s seeds, in order; the node's own address if none are written.
    pub seeds: Vec<Seed>,
    /// `endpoint_snitch`
    pub snitch: Snitch,
    /// The data centre; `None` until the caller has read `cassandra-rackdc.properties`, if the snitch
    /// wants it.
    pub data_center: Option<String>,
    /// The rack, likewise.
    pub rack: Option<String>,
    /// `listen_address`: for the other nodes.
    pub listen_address: Host,
    /// `broadcast_address`: what the other nodes are told.
    pub broadcast_address: Host,
    /// `rpc_address`: for clients.
    pub rpc_address: Host,
    /// `broadcast_rpc_address`: what clients are told.
    pub broadcast_rpc_address: Host,
    /// `storage_port`
    pub storage_port: u16,
    /// `admin_port`, Helenus's own: nodetool and metrics.
    pub admin_port: u16,
    /// `available_processors`: how many coordinator threads to run; `None` is one a core.
    pub processors: Option<u32>,
    /// `data_file_directories`
    pub data_directories: Vec<PathBuf>,
    /// `commitlog_directory`
    pub commitlog_directory: PathBuf,
    /// `hints_directory`
    pub hints_directory: PathBuf,
    /// Where everything that has no directory of its own lives: the metadata log, the manifest's
    /// stamp, the lock. The parent of the directories above unless the command line names it.
    pub base_directory: PathBuf,
    /// `commitlog_sync` and the keys that go with it.
    pub commitlog_sync: CommitLogSync,
    /// `commitlog_segment_size`, bytes.
    pub commitlog_segment_size: u64,
    /// `commitlog_total_space`, bytes; past it the oldest memtables are flushed.
    pub commitlog_total_space: u64,
    /// `disk_failure_policy`
    pub disk_failure_policy: DiskFailurePolicy,
    /// `commit_failure_policy`
    pub commit_failure_policy: CommitFailurePolicy,
    /// `authenticator`
    pub authenticator: Authenticator,
    /// `authorizer`
    pub authorizer: Authorizer,
    /// Timeouts of requests.
    pub timeouts: Timeouts,
    /// Hints.
    pub hints: Hints,
    /// `batchlog_replay_throttle`, bytes a second.
    pub batchlog_replay_throttle: u64,
    /// `phi_convict_threshold`
    pub phi_convict_threshold: f64,
    /// Warnings and refusals.
    pub thresholds: Thresholds,
    /// Clients.
    pub native_transport: NativeTransport,
    /// `default_keyspace_rf`: the replication factor of a keyspace that names none.
    pub default_keyspace_replication: u32,
    /// `user_defined_functions_enabled`
    pub user_functions_enabled: bool,
    /// `materialized_views_enabled`
    pub materialized_views_enabled: bool,
    /// The keys of guardrails.
    pub guardrails: Guardrails,
    /// `drop_compact_storage_enabled`
    pub drop_compact_storage_enabled: bool,
    /// `memtable_heap_space` plus `memtable_offheap_space`, bytes, for all tables. Cassandra takes half
    /// its heap; Helenus takes 64 MiB, so that a node is small unless told otherwise.
    pub memtable_space: u64,
    /// `column_index_size`, bytes: a partition's rows are indexed once in so many.
    pub column_index_size: u64,
    /// `concurrent_compactors`; `None` is chosen by the number of cores.
    pub concurrent_compactors: Option<u32>,
    /// `compaction_throughput`, bytes a second; zero is no limit.
    pub compaction_throughput: u64,
    /// `file_cache_size`, bytes: decompressed chunks of SSTables. Cassandra: up to 512 MiB.
    pub file_cache_size: u64,
    /// `prepared_statements_cache_size`, bytes.
    pub prepared_statements_cache_size: u64,
    /// `auto_snapshot`: a snapshot before TRUNCATE and DROP TABLE.
    pub auto_snapshot: bool,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            read: Duration::from_secs(5),
            range: Duration::from_secs(10),
            write: Duration::from_secs(2),
            counter_write: Duration::from_secs(5),
            cas_contention: Duration::from_millis(1_800),
            truncate: Duration::from_secs(60),
            slow_query_log: Duration::from_millis(500),
            native_transport_idle: Duration::ZERO,
            internode_connect: Duration::from_secs(2),
        }
    }
}

impl Default for Hints {
    fn default() -> Self {
        Hints {
            enabled: true,
            disabled_datacenters: Vec::new(),
            window_max: Duration::from_secs(3 * 3600),
            throttle_bytes_per_second: 1024 * KIB,
            file_size_max: 128 * MIB,
            size_per_host_max: 0,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            tombstone_warn: 1_000,
            tombstone_failure: 100_000,
            batch_size_warn: 5 * KIB,
            batch_size_fail: 50 * KIB,
            unlogged_batch_partitions_warn: 10,
            mutation_size_max: 16 * MIB,
        }
    }
}

impl Default for NativeTransport {
    fn default() -> Self {
        NativeTransport {
            start: true,
            port: 9042,
            frame_size_max: 16 * MIB,
            connections_max: None,
            connections_per_ip_max: None,
            request_data_in_flight_max: 128 * MIB,
            request_data_in_flight_per_ip_max: 64 * MIB,
            allow_older_protocols: true,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let local = Host::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Config {
            cluster_name: "Test Cluster".to_owned(),
            num_tokens: 16,
            initial_tokens: Vec::new(),
            seeds: Vec::new(),
            snitch: Snitch::Simple,
            data_center: None,
            rack: None,
            listen_address: local.clone(),
            broadcast_address: local.clone(),
            rpc_address: local.clone(),
            broadcast_rpc_address: local,
            storage_port: 7000,
            admin_port: 7199,
            processors: None,
            data_directories: vec![PathBuf::from("helenus-data/data")],
            commitlog_directory: PathBuf::from("helenus-data/commitlog"),
            hints_directory: PathBuf::from("helenus-data/hints"),
            base_directory: PathBuf::from("helenus-data"),
            commitlog_sync: CommitLogSync::Periodic { period: Duration::from_secs(10) },
            commitlog_segment_size: 32 * MIB,
            commitlog_total_space: 8192 * MIB,
            disk_failure_policy: DiskFailurePolicy::Stop,
            commit_failure_policy: CommitFailurePolicy::Stop,
            authenticator: Authenticator::AllowAll,
            authorizer: Authorizer::AllowAll,
            timeouts: Timeouts::default(),
            hints: Hints::default(),
            batchlog_replay_throttle: 1024 * KIB,
            phi_convict_threshold: 8.0,
            thresholds: Thresholds::default(),
            native_transport: NativeTransport::default(),
            default_keyspace_replication: 1,
            user_functions_enabled: false,
            materialized_views_enabled: false,
            guardrails: Guardrails::default(),
            drop_compact_storage_enabled: false,
            memtable_space: 64 * MIB,
            column_index_size: 64 * KIB,
            concurrent_compactors: None,
            compaction_throughput: 64 * MIB,
            file_cache_size: 512 * MIB,
            prepared_statements_cache_size: 10 * MIB,
            auto_snapshot: true,
        }
    }
}
