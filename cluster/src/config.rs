//! What a member is told at its start. The `node` crate fills this from `cassandra.yaml`, the simulator by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use helenus_model::token::Token;
use helenus_query::guardrail::Guardrails;

/// Log sync mode (`commitlog_sync`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// Answers wait for the kernel only; the caller syncs every so often.
    Periodic,
    /// Answers wait for the device; the caller syncs as soon as something waits (batch) or when its window ends (group).
    Synced,
}

/// Settings of one member. Times in milliseconds, sizes in bytes.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// `cluster_name`
    pub cluster_name: String,
    /// Where other nodes reach this one.
    pub internode: SocketAddr,
    /// Where clients reach this one.
    pub native: SocketAddr,
    /// Data centre.
    pub datacenter: String,
    /// Rack.
    pub rack: String,
    /// `endpoint_snitch` without package, for DESCRIBE CLUSTER and nodetool.
    pub snitch: String,
    /// Seeds in order.
    pub seeds: Vec<SocketAddr>,
    /// `num_tokens`
    pub num_tokens: u32,
    /// `initial_token`, or empty.
    pub initial_tokens: Vec<Token>,
    /// `commitlog_sync`
    pub sync_mode: SyncMode,
    /// True when `authenticator` is PasswordAuthenticator.
    pub password_authentication: bool,
    /// `read_request_timeout`
    pub read_timeout_millis: u64,
    /// `range_request_timeout`
    pub range_timeout_millis: u64,
    /// `write_request_timeout`
    pub write_timeout_millis: u64,
    /// `counter_write_request_timeout`
    pub counter_write_timeout_millis: u64,
    /// `cas_contention_timeout`: how long a conditional write tries to come before others.
    pub cas_contention_timeout_millis: u64,
    /// `truncate_request_timeout`
    pub truncate_timeout_millis: u64,
    /// `hinted_handoff_enabled`
    pub hints_enabled: bool,
    /// `max_hint_window`
    pub hint_window_millis: u64,
    /// `hinted_handoff_disabled_datacenters`: their nodes get no hints.
    pub hint_disabled_datacenters: Vec<String>,
    /// `hinted_handoff_throttle`, bytes a second; shared by the nodes that hints go to. 0: no limit.
    pub hint_bytes_per_second: u64,
    /// `max_hints_file_size`
    pub hint_file_bytes_max: u64,
    /// `max_hints_size_per_host`; 0: no limit.
    pub hint_host_bytes_max: u64,
    /// `batchlog_replay_throttle`, bytes a second; shared by the nodes that replay. 0: no limit.
    pub batch_replay_bytes_per_second: u64,
    /// `max_mutation_size`
    pub mutation_bytes_max: usize,
    /// `prepared_statements_cache_size`
    pub prepared_bytes_max: usize,
    /// `slow_query_log_timeout`: slower reads are logged. 0: none.
    pub slow_query_millis: u64,
    /// `default_keyspace_rf`
    pub default_replication_factor: u32,
    /// `user_defined_functions_enabled`
    pub user_functions_enabled: bool,
    /// `materialized_views_enabled`
    pub materialized_views_enabled: bool,
    /// The keys of guardrails.
    pub guardrails: Arc<Guardrails>,
    /// There are guardrails for other statements than those of the schema.
    pub guards_statements: bool,
    /// `drop_compact_storage_enabled`
    pub drop_compact_storage_enabled: bool,
    /// `native_transport_allow_older_protocols`
    pub allow_older_protocols: bool,
    /// `batch_size_warn_threshold`
    pub batch_warn_bytes: usize,
    /// `batch_size_fail_threshold`
    pub batch_fail_bytes: usize,
    /// `unlogged_batch_across_partitions_warn_threshold`, partitions.
    pub unlogged_batch_partitions_warn: usize,
    /// `tombstone_warn_threshold`, tombstones.
    pub tombstone_warn: u64,
    /// `tombstone_failure_threshold`, tombstones.
    pub tombstone_failure: u64,
    /// `phi_convict_threshold`
    pub phi_convict_threshold: f64,
    /// Between two gossip rounds; Cassandra's second unless a test wants it quicker.
    pub gossip_interval_millis: u64,
    /// `native_transport_max_frame_size`
    pub frame_bytes_max: usize,
    /// `native_transport_max_request_data_in_flight` of one coordinator.
    pub in_flight_bytes_max: usize,
    /// `native_transport_max_request_data_in_flight_per_ip` of one coordinator.
    pub in_flight_bytes_per_address_max: usize,
    /// How long a DDL's answer waits for live members to apply it.
    pub schema_agreement_millis: u64,
    /// How old a batch must be before it is replayed.
    pub batch_replay_after_millis: u64,
    /// Rows that a read may return on a coordinator's thread before it is moved to where long reads belong.
    pub inline_rows_max: u32,
    /// Bytes of a replica's answer to one read of a SELECT: it ends behind the row that crosses them, and the coordinator goes on from there.
    pub answer_bytes_max: u32,
}

impl MemberConfig {
    /// Cassandra's defaults for a node at these addresses.
    pub fn new(cluster_name: &str, internode: SocketAddr, native: SocketAddr) -> Self {
        MemberConfig {
            cluster_name: cluster_name.to_owned(),
            internode,
            native,
            datacenter: "datacenter1".to_owned(),
            rack: "rack1".to_owned(),
            snitch: "SimpleSnitch".to_owned(),
            seeds: vec![internode],
            num_tokens: 16,
            initial_tokens: Vec::new(),
            sync_mode: SyncMode::Periodic,
            password_authentication: false,
            read_timeout_millis: 5_000,
            range_timeout_millis: 10_000,
            write_timeout_millis: 2_000,
            counter_write_timeout_millis: 5_000,
            cas_contention_timeout_millis: 1_800,
            truncate_timeout_millis: 60_000,
            hints_enabled: true,
            hint_window_millis: 3 * 3600 * 1000,
            hint_disabled_datacenters: Vec::new(),
            hint_bytes_per_second: 1024 * 1024,
            hint_file_bytes_max: 128 * 1024 * 1024,
            hint_host_bytes_max: 0,
            batch_replay_bytes_per_second: 1024 * 1024,
            mutation_bytes_max: 16 * 1024 * 1024,
            prepared_bytes_max: 10 * 1024 * 1024,
            slow_query_millis: 500,
            default_replication_factor: 1,
            user_functions_enabled: false,
            materialized_views_enabled: false,
            guardrails: Arc::default(),
            guards_statements: false,
            drop_compact_storage_enabled: false,
            allow_older_protocols: true,
            batch_warn_bytes: 5 * 1024,
            batch_fail_bytes: 50 * 1024,
            unlogged_batch_partitions_warn: 10,
            tombstone_warn: 1_000,
            tombstone_failure: 100_000,
            phi_convict_threshold: 8.0,
            gossip_interval_millis: 1_000,
            frame_bytes_max: 16 * 1024 * 1024,
            in_flight_bytes_max: 256 * 1024 * 1024,
            in_flight_bytes_per_address_max: 256 * 1024 * 1024,
            schema_agreement_millis: 2_000,
            batch_replay_after_millis: 4_000,
            inline_rows_max: 5_000,
            answer_bytes_max: 8 * 1024 * 1024,
        }
    }
}
