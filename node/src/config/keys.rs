//! Every key of `cassandra.yaml`: the 405 public fields of `org.apache.cassandra.config.Config` in
//! Apache Cassandra 5.0.6, each with the shape of its value and with what Helenus does about it.

use super::units::{Bound, SizeUnit, TimeUnit};

/// The shape of a key's value. Also a key without effect is checked, so that a slip of the pen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any scalar.
    Text,
    /// A 32-bit whole number.
    Integer,
    /// A 64-bit whole number.
    Long,
    /// A number with a fraction.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A duration; the finest unit it may be written in.
    Time(TimeUnit, Bound),
    /// A data size; the finest unit it may be written in.
    Size(SizeUnit, Bound),
    /// Bytes a second.
    Rate,
    /// A class name, or a mapping of `class_name` and `parameters`.
    Class,
    /// A sequence of scalars.
    List,
    /// A mapping that has these keys and no others.
    Tree(&'static [&'static str]),
    /// Anything: its own reader checks it, or it is free-form.
    Any,
}

/// What Helenus does about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It takes effect.
    Honoured,
    /// It takes effect with one of these classes; any other is not supported yet.
    HonouredClass(&'static [&'static str]),
    /// It takes effect with one of these values; any other is not supported yet.
    HonouredText(&'static [&'static str]),
    /// It is accepted with a warning: it means nothing to Helenus, or nothing yet, and ignoring it
    /// neither loses data nor lets anybody in.
    NoEffect,
    /// Only this class, which is what Helenus does anyway; any other is not supported yet.
    OnlyClass(&'static str),
    /// Only this value under this inner key.
    OnlyWith(&'static str, &'static str),
    /// A mapping in which these inner keys are absent, `false` or `none`.
    OnlyWithout(&'static [&'static str]),
    /// Only `false`.
    OnlyFalse,
    /// Only `true`.
    OnlyTrue,
    /// Only when nothing is written.
    OnlyUnset,
}

/// One key of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// The shape of its value.
    pub kind: Kind,
    /// What Helenus does about it.
    pub rule: Rule,
}

const fn key(name: &'static str, kind: Kind, rule: Rule) -> Key {
    Key { name, kind, rule }
}

/// Finds a key by its present name.
pub fn find(name: &str) -> Option<&'static Key> {
    let own = HELENUS_KEYS.iter().find(|key| key.name == name);
    own.or_else(|| KEYS.binary_search_by(|key| key.name.cmp(name)).ok().and_then(|at| KEYS.get(at)))
}

use Kind::{Any, Boolean, Class, Float, Integer, List, Long, Rate, Text, Tree};
use Rule::{
    Honoured, HonouredClass, HonouredText, NoEffect, OnlyClass, OnlyFalse, OnlyTrue, OnlyUnset, OnlyWith, OnlyWithout,
};

const INT_B: Kind = Kind::Size(SizeUnit::Bytes, Bound::Int);
const INT_KIB: Kind = Kind::Size(SizeUnit::Kibibytes, Bound::Int);
const INT_MIB: Kind = Kind::Size(SizeUnit::Mebibytes, Bound::Int);
const B: Kind = Kind::Size(SizeUnit::Bytes, Bound::Long);
const MIB: Kind = Kind::Size(SizeUnit::Mebibytes, Bound::Long);
const INT_MS: Kind = Kind::Time(TimeUnit::Milliseconds, Bound::Int);
const INT_S: Kind = Kind::Time(TimeUnit::Seconds, Bound::Int);
const INT_MIN: Kind = Kind::Time(TimeUnit::Minutes, Bound::Int);
const MS: Kind = Kind::Time(TimeUnit::Milliseconds, Bound::Long);
const S: Kind = Kind::Time(TimeUnit::Seconds, Bound::Long);
const US: Kind = Kind::Time(TimeUnit::Microseconds, Bound::Long);
const NS: Kind = Kind::Time(TimeUnit::Nanoseconds, Bound::Long);

/// The inner keys of the mappings.
mod sub {
    pub(super) const MEMTABLE: &[&str] = &["configurations"];
    pub(super) const SSTABLE: &[&str] = &["selected_format", "format"];
    pub(super) const FILTERING_PROTECTION: &[&str] = &["cached_rows_warn_threshold", "cached_rows_fail_threshold"];
    pub(super) const SAI: &[&str] = &["segment_write_buffer_size", "prioritize_over_legacy_index"];
    pub(super) const REPAIR: &[&str] = &["retries"];
    pub(super) const CLIENT_ENCRYPTION: &[&str] = &[
        "enabled",
        "optional",
        "keystore",
        "keystore_password",
        "truststore",
        "truststore_password",
        "cipher_suites",
        "protocol",
        "accepted_protocols",
        "algorithm",
        "store_type",
        "require_client_auth",
        "require_endpoint_verification",
        "ssl_context_factory",
    ];
    pub(super) const SERVER_ENCRYPTION: &[&str] = &[
        "internode_encryption",
        "enabled",
        "optional",
        "legacy_ssl_storage_port_enabled",
        "enable_legacy_ssl_storage_port",
        "outbound_keystore",
        "outbound_keystore_password",
        "keystore",
        "keystore_password",
        "truststore",
        "truststore_password",
        "cipher_suites",
        "protocol",
        "accepted_protocols",
        "algorithm",
        "store_type",
        "require_client_auth",
        "require_endpoint_verification",
        "ssl_context_factory",
    ];
    pub(super) const DATA_ENCRYPTION: &[&str] =
        &["enabled", "chunk_length_kb", "cipher", "key_alias", "iv_length", "key_provider"];
    pub(super) const AUDIT: &[&str] = &[
        "enabled",
        "logger",
        "included_keyspaces",
        "excluded_keyspaces",
        "included_categories",
        "excluded_categories",
        "included_users",
        "excluded_users",
        "audit_logs_dir",
        "archive_command",
        "allow_nodetool_archive_command",
        "roll_cycle",
        "block",
        "max_queue_weight",
        "max_log_size",
        "max_archive_retries",
    ];
    pub(super) const FULL_QUERY_LOG: &[&str] = &[
        "log_dir",
        "archive_command",
        "allow_nodetool_archive_command",
        "roll_cycle",
        "block",
        "max_queue_weight",
        "max_log_size",
        "max_archive_retries",
    ];
}

/// Helenus's own keys, which Cassandra does not have.
pub const HELENUS_KEYS: &[Key] = &[
    // nodetool and /metrics; Cassandra takes its JMX port from the environment instead.
    key("admin_port", Integer, Honoured),
];

/// Cassandra's keys, sorted by name.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("allocate_tokens_for_keyspace", Text, NoEffect),
    key("allocate_tokens_for_local_replication_factor", Integer, NoEffect),
    key("allow_extra_insecure_udfs", Boolean, NoEffect),
    key("allow_filtering_enabled", Boolean, NoEffect),
    key("allow_insecure_udfs", Boolean, NoEffect),
    key("alter_table_enabled", Boolean, NoEffect),
    key("audit_logging_options", Tree(sub::AUDIT), OnlyWithout(&["enabled"])),
    key("auth_cache_warming_enabled", Boolean, NoEffect),
    key("auth_read_consistency_level", Text, NoEffect),
    key("auth_write_consistency_level", Text, NoEffect),
    key("authenticator", Class, HonouredClass(&["AllowAllAuthenticator", "PasswordAuthenticator"])),
    key("authorizer", Class, HonouredClass(&["AllowAllAuthorizer"])),
    key("auto_bootstrap", Boolean, NoEffect),
    key("auto_hints_cleanup_enabled", Boolean, NoEffect),
    key("auto_optimise_full_repair_streams", Boolean, NoEffect),
    key("auto_optimise_inc_repair_streams", Boolean, NoEffect),
    key("auto_optimise_preview_repair_streams", Boolean, NoEffect),
    key("auto_snapshot", Boolean, Honoured),
    key("auto_snapshot_ttl", Text, NoEffect),
    key("autocompaction_on_startup_enabled", Boolean, NoEffect),
    key("automatic_sstable_upgrade", Boolean, NoEffect),
    key("available_processors", Integer, Honoured),
    key("back_pressure_enabled", Boolean, NoEffect),
    key("back_pressure_strategy", Class, NoEffect),
    key("batch_size_fail_threshold", INT_KIB, Honoured),
    key("batch_size_warn_threshold", INT_KIB, Honoured),
    key("batchlog_endpoint_strategy", Text, NoEffect),
    key("batchlog_replay_throttle", INT_KIB, Honoured),
    key("block_for_peers_in_remote_dcs", Boolean, NoEffect),
    key("block_for_peers_timeout_in_secs", Integer, NoEffect),
    key("broadcast_address", Text, Honoured),
    key("broadcast_rpc_address", Text, Honoured),
    key("buffer_pool_use_heap_if_exhausted", Boolean, NoEffect),
    key("cache_load_timeout", INT_S, NoEffect),
    key("cas_contention_timeout", MS, Honoured),
    key("cdc_block_writes", Boolean, NoEffect),
    key("cdc_enabled", Boolean, OnlyFalse),
    key("cdc_free_space_check_interval", INT_MS, NoEffect),
    key("cdc_on_repair_enabled", Boolean, NoEffect),
    key("cdc_raw_directory", Text, NoEffect),
    key("cdc_total_space", INT_MIB, NoEffect),
    key("check_for_duplicate_rows_during_compaction", Boolean, NoEffect),
    key("check_for_duplicate_rows_during_reads", Boolean, NoEffect),
    key("cidr_authorizer", Class, OnlyClass("AllowAllCIDRAuthorizer")),
    key("client_encryption_options", Tree(sub::CLIENT_ENCRYPTION), OnlyWithout(&["enabled", "optional"])),
    key("client_error_reporting_exclusions", Any, NoEffect),
    key("client_request_size_metrics_enabled", Boolean, NoEffect),
    key("cluster_name", Text, Honoured),
    key("collection_size_fail_threshold", B, NoEffect),
    key("collection_size_warn_threshold", B, NoEffect),
    key("column_index_cache_size", INT_KIB, NoEffect),
    key("column_index_size", INT_KIB, Honoured),
    key("column_value_size_fail_threshold", B, NoEffect),
    key("column_value_size_warn_threshold", B, NoEffect),
    key("columns_per_table_fail_threshold", Integer, NoEffect),
    key("columns_per_table_warn_threshold", Integer, NoEffect),
    key("commit_failure_policy", Text, HonouredText(&["stop", "die"])),
    key("commitlog_compression", Class, NoEffect),
    key("commitlog_directory", Text, Honoured),
    key("commitlog_disk_access_mode", Text, NoEffect),
    key("commitlog_max_compression_buffers_in_pool", Integer, NoEffect),
    key("commitlog_segment_size", INT_MIB, Honoured),
    key("commitlog_sync", Text, Honoured),
    key("commitlog_sync_group_window", INT_MS, Honoured),
    key("commitlog_sync_period", INT_MS, Honoured),
    key("commitlog_total_space", INT_MIB, Honoured),
    key("compact_tables_enabled", Boolean, NoEffect),
    key("compaction_throughput", Rate, Honoured),
    key("compressed_read_ahead_buffer_size", INT_KIB, NoEffect),
    key("concurrent_compactors", Integer, Honoured),
    key("concurrent_counter_writes", Integer, NoEffect),
    key("concurrent_index_builders", Integer, NoEffect),
    key("concurrent_materialized_view_builders", Integer, NoEffect),
    key("concurrent_materialized_view_writes", Integer, NoEffect),
    key("concurrent_merkle_tree_requests", Integer, NoEffect),
    key("concurrent_reads", Integer, NoEffect),
    key("concurrent_validations", Integer, NoEffect),
    key("concurrent_writes", Integer, NoEffect),
    key("consecutive_message_errors_threshold", Integer, NoEffect),
    key("coordinator_read_size_fail_threshold", B, NoEffect),
    key("coordinator_read_size_warn_threshold", B, NoEffect),
    key("corrupted_tombstone_strategy", Text, NoEffect),
    key("counter_cache_keys_to_save", Integer, NoEffect),
    key("counter_cache_save_period", INT_S, NoEffect),
    key("counter_cache_size", MIB, NoEffect),
    key("counter_write_request_timeout", MS, Honoured),
    key("cql_start_time", Text, NoEffect),
    key("credentials_cache_active_update", Boolean, NoEffect),
    key("credentials_cache_max_entries", Integer, NoEffect),
    key("credentials_update_interval", INT_MS, NoEffect),
    key("credentials_validity", INT_MS, NoEffect),
    key("crypto_provider", Class, NoEffect),
    key("data_disk_usage_max_disk_size", B, NoEffect),
    key("data_disk_usage_percentage_fail_threshold", Integer, NoEffect),
    key("data_disk_usage_percentage_warn_threshold", Integer, NoEffect),
    key("data_file_directories", List, Honoured),
    key("default_compaction", Class, NoEffect),
    key("default_keyspace_rf", Integer, Honoured),
    key("default_secondary_index", Text, NoEffect),
    key("default_secondary_index_enabled", Boolean, NoEffect),
    key("denylist_consistency_level", Text, NoEffect),
    key("denylist_initial_load_retry", INT_S, NoEffect),
    key("denylist_max_keys_per_table", Integer, NoEffect),
    key("denylist_max_keys_total", Integer, NoEffect),
    key("denylist_range_reads_enabled", Boolean, NoEffect),
    key("denylist_reads_enabled", Boolean, NoEffect),
    key("denylist_refresh", INT_S, NoEffect),
    key("denylist_writes_enabled", Boolean, NoEffect),
    key("diagnostic_events_enabled", Boolean, NoEffect),
    key("disk_access_mode", Text, NoEffect),
    key("disk_failure_policy", Text, Honoured),
    key("disk_optimization_estimate_percentile", Float, NoEffect),
    key("disk_optimization_page_cross_chance", Float, NoEffect),
    key("disk_optimization_strategy", Text, NoEffect),
    key("drop_compact_storage_enabled", Boolean, NoEffect),
    key("drop_keyspace_enabled", Boolean, OnlyTrue),
    key("drop_truncate_table_enabled", Boolean, OnlyTrue),
    key("dump_heap_on_uncaught_exception", Boolean, NoEffect),
    key("dynamic_data_masking_enabled", Boolean, NoEffect),
    key("dynamic_snitch", Boolean, NoEffect),
    key("dynamic_snitch_badness_threshold", Float, NoEffect),
    key("dynamic_snitch_reset_interval", INT_MS, NoEffect),
    key("dynamic_snitch_update_interval", INT_MS, NoEffect),
    key("endpoint_snitch", Class, HonouredClass(&["SimpleSnitch", "GossipingPropertyFileSnitch"])),
    key("enforce_native_deadline_for_hints", Boolean, NoEffect),
    key("entire_sstable_inter_dc_stream_throughput_outbound", Rate, NoEffect),
    key("entire_sstable_stream_throughput_outbound", Rate, NoEffect),
    key("failure_detector", Text, NoEffect),
    key("fields_per_udt_fail_threshold", Integer, NoEffect),
    key("fields_per_udt_warn_threshold", Integer, NoEffect),
    key("file_cache_enabled", Boolean, NoEffect),
    key("file_cache_round_up", Boolean, NoEffect),
    key("file_cache_size", INT_MIB, Honoured),
    key("flush_compression", Text, NoEffect),
    key("force_new_prepared_statement_behaviour", Boolean, NoEffect),
    key("full_query_logging_options", Tree(sub::FULL_QUERY_LOG), NoEffect),
    key("gc_log_threshold", INT_MS, NoEffect),
    key("gc_warn_threshold", INT_MS, NoEffect),
    key("group_by_enabled", Boolean, NoEffect),
    key("heap_dump_path", Text, NoEffect),
    key("hint_window_persistent_enabled", Boolean, NoEffect),
    key("hinted_handoff_disabled_datacenters", List, Honoured),
    key("hinted_handoff_enabled", Boolean, Honoured),
    key("hinted_handoff_throttle", INT_KIB, Honoured),
    key("hints_compression", Class, NoEffect),
    key("hints_directory", Text, Honoured),
    key("hints_flush_period", INT_MS, NoEffect),
    key("ideal_consistency_level", Text, NoEffect),
    key("in_select_cartesian_product_fail_threshold", Integer, NoEffect),
    key("in_select_cartesian_product_warn_threshold", Integer, NoEffect),
    key("incremental_backups", Boolean, OnlyFalse),
    key("index_summary_capacity", MIB, NoEffect),
    key("index_summary_resize_interval", INT_MIN, NoEffect),
    key("initial_range_tombstone_list_allocation_size", Integer, NoEffect),
    key("initial_token", Text, Honoured),
    key("inter_dc_stream_throughput_outbound", Rate, NoEffect),
    key("inter_dc_tcp_nodelay", Boolean, NoEffect),
    key("internode_application_receive_queue_capacity", INT_B, NoEffect),
    key("internode_application_receive_queue_reserve_endpoint_capacity", INT_B, NoEffect),
    key("internode_application_receive_queue_reserve_global_capacity", INT_B, NoEffect),
    key("internode_application_send_queue_capacity", INT_B, NoEffect),
    key("internode_application_send_queue_reserve_endpoint_capacity", INT_B, NoEffect),
    key("internode_application_send_queue_reserve_global_capacity", INT_B, NoEffect),
    key("internode_authenticator", Class, OnlyClass("AllowAllInternodeAuthenticator")),
    key("internode_compression", Text, NoEffect),
    key("internode_error_reporting_exclusions", Any, NoEffect),
    key("internode_max_message_size", INT_B, NoEffect),
    key("internode_socket_receive_buffer_size", INT_B, NoEffect),
    key("internode_socket_send_buffer_size", INT_B, NoEffect),
    key("internode_streaming_tcp_user_timeout", INT_MS, NoEffect),
    key("internode_tcp_connect_timeout", INT_MS, Honoured),
    key("internode_tcp_user_timeout", INT_MS, NoEffect),
    key("internode_timeout", Boolean, NoEffect),
    key("intersect_filtering_query_enabled", Boolean, NoEffect),
    key("intersect_filtering_query_warned", Boolean, NoEffect),
    key("invalid_legacy_protocol_magic_no_spam_enabled", Boolean, NoEffect),
    key("items_per_collection_fail_threshold", Integer, NoEffect),
    key("items_per_collection_warn_threshold", Integer, NoEffect),
    key("key_cache_invalidate_after_sstable_deletion", Boolean, NoEffect),
    key("key_cache_keys_to_save", Integer, NoEffect),
    key("key_cache_migrate_during_compaction", Boolean, NoEffect),
    key("key_cache_save_period", INT_S, NoEffect),
    key("key_cache_size", MIB, NoEffect),
    key("keyspaces_fail_threshold", Integer, NoEffect),
    key("keyspaces_warn_threshold", Integer, NoEffect),
    key("listen_address", Text, Honoured),
    key("listen_interface", Text, OnlyUnset),
    key("listen_interface_prefer_ipv6", Boolean, NoEffect),
    key("listen_on_broadcast_address", Boolean, OnlyFalse),
    key("local_read_size_fail_threshold", B, NoEffect),
    key("local_read_size_warn_threshold", B, NoEffect),
    key("local_system_data_file_directory", Text, NoEffect),
    key("log_out_of_token_range_requests", Boolean, NoEffect),
    key("materialized_views_enabled", Boolean, Honoured),
    key("materialized_views_per_table_fail_threshold", Integer, NoEffect),
    key("materialized_views_per_table_warn_threshold", Integer, NoEffect),
    key("max_concurrent_automatic_sstable_upgrades", Integer, NoEffect),
    key("max_hint_window", INT_MS, Honoured),
    key("max_hints_delivery_threads", Integer, NoEffect),
    key("max_hints_file_size", INT_MIB, Honoured),
    key("max_hints_size_per_host", B, Honoured),
    key("max_mutation_size", INT_KIB, Honoured),
    key("max_space_usable_for_compactions_in_percentage", Float, NoEffect),
    key("max_streaming_retries", Integer, NoEffect),
    key("max_top_size_partition_count", Integer, NoEffect),
    key("max_top_tombstone_partition_count", Integer, NoEffect),
    key("max_value_size", INT_MIB, NoEffect),
    key("maximum_replication_factor_fail_threshold", Integer, NoEffect),
    key("maximum_replication_factor_warn_threshold", Integer, NoEffect),
    key("maximum_timestamp_fail_threshold", US, NoEffect),
    key("maximum_timestamp_warn_threshold", US, NoEffect),
    key("memtable", Tree(sub::MEMTABLE), NoEffect),
    key("memtable_allocation_type", Text, NoEffect),
    key("memtable_cleanup_threshold", Float, NoEffect),
    key("memtable_flush_writers", Integer, NoEffect),
    key("memtable_heap_space", INT_MIB, Honoured),
    key("memtable_offheap_space", INT_MIB, Honoured),
    key("min_free_space_per_drive", INT_MIB, NoEffect),
    key("min_tracked_partition_size", B, NoEffect),
    key("min_tracked_partition_tombstone_count", Long, NoEffect),
    key("minimum_replication_factor_fail_threshold", Integer, NoEffect),
    key("minimum_replication_factor_warn_threshold", Integer, NoEffect),
    key("minimum_timestamp_fail_threshold", US, NoEffect),
    key("minimum_timestamp_warn_threshold", US, NoEffect),
    key("native_transport_allow_older_protocols", Boolean, Honoured),
    key("native_transport_flush_in_batches_legacy", Boolean, NoEffect),
    key("native_transport_idle_timeout", MS, Honoured),
    key("native_transport_max_auth_threads", Integer, NoEffect),
    key("native_transport_max_backoff_on_queue_overload", MS, NoEffect),
    key("native_transport_max_concurrent_connections", Long, Honoured),
    key("native_transport_max_concurrent_connections_per_ip", Long, Honoured),
    key("native_transport_max_frame_size", INT_MIB, Honoured),
    key("native_transport_max_message_size", B, NoEffect),
    key("native_transport_max_request_data_in_flight", B, Honoured),
    key("native_transport_max_request_data_in_flight_per_ip", B, Honoured),
    key("native_transport_max_requests_per_second", Integer, NoEffect),
    key("native_transport_max_threads", Integer, NoEffect),
    key("native_transport_min_backoff_on_queue_overload", MS, NoEffect),
    key("native_transport_port", Integer, Honoured),
    key("native_transport_port_ssl", Integer, OnlyUnset),
    key("native_transport_queue_max_item_age_threshold", Float, NoEffect),
    key("native_transport_rate_limiting_enabled", Boolean, OnlyFalse),
    key("native_transport_receive_queue_capacity", INT_B, NoEffect),
    key("native_transport_throw_on_overload", Boolean, NoEffect),
    key("native_transport_timeout", MS, NoEffect),
    key("network_authorizer", Class, OnlyClass("AllowAllNetworkAuthorizer")),
    key("networking_cache_size", INT_MIB, NoEffect),
    key("non_partition_restricted_index_query_enabled", Boolean, NoEffect),
    key("num_tokens", Integer, Honoured),
    key("otc_backlog_expiration_interval_ms", Integer, NoEffect),
    key("otc_coalescing_enough_coalesced_messages", Integer, NoEffect),
    key("otc_coalescing_strategy", Text, NoEffect),
    key("otc_coalescing_window_us", Integer, NoEffect),
    key("page_size_fail_threshold", Integer, NoEffect),
    key("page_size_warn_threshold", Integer, NoEffect),
    key("partition_denylist_enabled", Boolean, OnlyFalse),
    key("partition_keys_in_select_fail_threshold", Integer, NoEffect),
    key("partition_keys_in_select_warn_threshold", Integer, NoEffect),
    key("partition_size_fail_threshold", B, NoEffect),
    key("partition_size_warn_threshold", B, NoEffect),
    key("partition_tombstones_fail_threshold", Long, NoEffect),
    key("partition_tombstones_warn_threshold", Long, NoEffect),
    key("partitioner", Class, OnlyClass("Murmur3Partitioner")),
    key("paxos_cache_size", MIB, NoEffect),
    key("paxos_contention_max_wait", Text, NoEffect),
    key("paxos_contention_min_delta", Text, NoEffect),
    key("paxos_contention_min_wait", Text, NoEffect),
    key("paxos_contention_wait_randomizer", Text, NoEffect),
    key("paxos_on_linearizability_violations", Text, NoEffect),
    key("paxos_purge_grace_period", S, NoEffect),
    key("paxos_repair_enabled", Boolean, NoEffect),
    key("paxos_repair_parallelism", Integer, NoEffect),
    key("paxos_repair_race_wait", Boolean, NoEffect),
    key("paxos_state_purging", Text, NoEffect),
    key("paxos_topology_repair_no_dc_checks", Boolean, NoEffect),
    key("paxos_topology_repair_strict_each_quorum", Boolean, NoEffect),
    key("paxos_variant", Text, NoEffect),
    key("periodic_commitlog_sync_lag_block", INT_MS, NoEffect),
    key("permissions_cache_active_update", Boolean, NoEffect),
    key("permissions_cache_max_entries", Integer, NoEffect),
    key("permissions_update_interval", INT_MS, NoEffect),
    key("permissions_validity", INT_MS, NoEffect),
    key("phi_convict_threshold", Float, Honoured),
    key("prepared_statements_cache_size", MIB, Honoured),
    key("range_request_timeout", MS, Honoured),
    key("range_tombstone_list_growth_factor", Float, NoEffect),
    key("read_before_write_list_operations_enabled", Boolean, NoEffect),
    key("read_consistency_levels_disallowed", List, NoEffect),
    key("read_consistency_levels_warned", List, NoEffect),
    key("read_request_timeout", MS, Honoured),
    key("read_thresholds_enabled", Boolean, NoEffect),
    key("reject_out_of_token_range_requests", Boolean, NoEffect),
    key("reject_repair_compaction_threshold", Integer, NoEffect),
    key("repair", Tree(sub::REPAIR), NoEffect),
    key("repair_command_pool_full_strategy", Text, NoEffect),
    key("repair_command_pool_size", Integer, NoEffect),
    key("repair_request_timeout", MS, NoEffect),
    key("repair_session_max_tree_depth", Integer, NoEffect),
    key("repair_session_space", INT_MIB, NoEffect),
    key("repair_state_expires", NS, NoEffect),
    key("repair_state_size", Integer, NoEffect),
    key("repaired_data_tracking_for_partition_reads_enabled", Boolean, NoEffect),
    key("repaired_data_tracking_for_range_reads_enabled", Boolean, NoEffect),
    key("replica_filtering_protection", Tree(sub::FILTERING_PROTECTION), NoEffect),
    key("report_unconfirmed_repaired_data_mismatches", Boolean, NoEffect),
    key("request_timeout", MS, NoEffect),
    key("role_manager", Class, OnlyClass("CassandraRoleManager")),
    key("roles_cache_active_update", Boolean, NoEffect),
    key("roles_cache_max_entries", Integer, NoEffect),
    key("roles_update_interval", INT_MS, NoEffect),
    key("roles_validity", INT_MS, NoEffect),
    key("row_cache_class_name", Text, NoEffect),
    key("row_cache_keys_to_save", Integer, NoEffect),
    key("row_cache_save_period", INT_S, NoEffect),
    key("row_cache_size", MIB, NoEffect),
    key("row_index_read_size_fail_threshold", B, NoEffect),
    key("row_index_read_size_warn_threshold", B, NoEffect),
    key("rpc_address", Text, Honoured),
    key("rpc_interface", Text, OnlyUnset),
    key("rpc_interface_prefer_ipv6", Boolean, NoEffect),
    key("rpc_keepalive", Boolean, NoEffect),
    key("sai_frozen_term_size_fail_threshold", B, NoEffect),
    key("sai_frozen_term_size_warn_threshold", B, NoEffect),
    key("sai_options", Tree(sub::SAI), NoEffect),
    key("sai_sstable_indexes_per_query_fail_threshold", Integer, NoEffect),
    key("sai_sstable_indexes_per_query_warn_threshold", Integer, NoEffect),
    key("sai_string_term_size_fail_threshold", B, NoEffect),
    key("sai_string_term_size_warn_threshold", B, NoEffect),
    key("sai_vector_term_size_fail_threshold", B, NoEffect),
    key("sai_vector_term_size_warn_threshold", B, NoEffect),
    key("sasi_indexes_enabled", Boolean, NoEffect),
    key("saved_caches_directory", Text, NoEffect),
    key("scripted_user_defined_functions_enabled", Boolean, NoEffect),
    key("secondary_indexes_enabled", Boolean, NoEffect),
    key("secondary_indexes_per_table_fail_threshold", Integer, NoEffect),
    key("secondary_indexes_per_table_warn_threshold", Integer, NoEffect),
    key("seed_provider", Any, Honoured),
    key("server_encryption_options", Tree(sub::SERVER_ENCRYPTION), OnlyWithout(&["internode_encryption"])),
    key("severity_during_decommission", Float, NoEffect),
    key("simplestrategy_enabled", Boolean, NoEffect),
    key("skip_paxos_repair_on_topology_change", Boolean, NoEffect),
    key("skip_paxos_repair_on_topology_change_keyspaces", List, NoEffect),
    key("skip_stream_disk_space_check", Boolean, NoEffect),
    key("slow_query_log_timeout", MS, Honoured),
    key("snapshot_before_compaction", Boolean, OnlyFalse),
    key("snapshot_links_per_second", Long, NoEffect),
    key("snapshot_on_duplicate_row_detection", Boolean, NoEffect),
    key("snapshot_on_repaired_data_mismatch", Boolean, NoEffect),
    key("ssl_storage_port", Integer, NoEffect),
    key("sstable", Tree(sub::SSTABLE), OnlyWith("selected_format", "big")),
    key("sstable_preemptive_open_interval", INT_MIB, NoEffect),
    key("sstable_read_rate_persistence_enabled", Boolean, NoEffect),
    key("start_native_transport", Boolean, Honoured),
    key("startup_checks", Any, NoEffect),
    key("storage_compatibility_mode", Text, NoEffect),
    key("storage_port", Integer, Honoured),
    key("stream_entire_sstables", Boolean, NoEffect),
    key("stream_throughput_outbound", Rate, NoEffect),
    key("stream_transfer_task_timeout", MS, NoEffect),
    key("streaming_connections_per_host", Integer, NoEffect),
    key("streaming_keep_alive_period", INT_S, NoEffect),
    key("streaming_slow_events_log_timeout", INT_S, NoEffect),
    key("streaming_state_expires", NS, NoEffect),
    key("streaming_state_size", B, NoEffect),
    key("streaming_stats_enabled", Boolean, NoEffect),
    key("table_properties_disallowed", List, NoEffect),
    key("table_properties_ignored", List, NoEffect),
    key("table_properties_warned", List, NoEffect),
    key("tables_fail_threshold", Integer, NoEffect),
    key("tables_warn_threshold", Integer, NoEffect),
    key("tombstone_failure_threshold", Integer, Honoured),
    key("tombstone_warn_threshold", Integer, Honoured),
    key("top_partitions_enabled", Boolean, NoEffect),
    key("trace_type_query_ttl", INT_S, NoEffect),
    key("trace_type_repair_ttl", INT_S, NoEffect),
    key("transfer_hints_on_decommission", Boolean, NoEffect),
    key("transient_replication_enabled", Boolean, NoEffect),
    key("transparent_data_encryption_options", Tree(sub::DATA_ENCRYPTION), OnlyWithout(&["enabled"])),
    key("traverse_auth_from_root", Boolean, NoEffect),
    key("trickle_fsync", Boolean, NoEffect),
    key("trickle_fsync_interval", INT_KIB, NoEffect),
    key("truncate_request_timeout", MS, Honoured),
    key("uncompressed_tables_enabled", Boolean, NoEffect),
    key("unlogged_batch_across_partitions_warn_threshold", Integer, Honoured),
    key("use_creation_time_for_hint_ttl", Boolean, NoEffect),
    key("use_deterministic_table_id", Boolean, NoEffect),
    key("use_offheap_merkle_trees", Boolean, NoEffect),
    key("use_statements_enabled", Boolean, NoEffect),
    key("user_defined_functions_enabled", Boolean, Honoured),
    key("user_defined_functions_fail_timeout", MS, NoEffect),
    key("user_defined_functions_threads_enabled", Boolean, NoEffect),
    key("user_defined_functions_warn_timeout", MS, NoEffect),
    key("user_function_timeout_policy", Text, NoEffect),
    key("user_timestamps_enabled", Boolean, NoEffect),
    key("uuid_sstable_identifiers_enabled", Boolean, NoEffect),
    key("validation_preview_purge_head_start", INT_S, NoEffect),
    key("vector_dimensions_fail_threshold", Integer, NoEffect),
    key("vector_dimensions_warn_threshold", Integer, NoEffect),
    key("vector_type_enabled", Boolean, NoEffect),
    key("windows_timer_interval", Integer, NoEffect),
    key("write_consistency_levels_disallowed", List, NoEffect),
    key("write_consistency_levels_warned", List, NoEffect),
    key("write_request_timeout", MS, Honoured),
    key("zero_ttl_on_twcs_enabled", Boolean, NoEffect),
    key("zero_ttl_on_twcs_warned", Boolean, NoEffect),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_sorted() {
        assert_eq!(KEYS.len(), 405);
        for pair in KEYS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn finding() {
        let table = [
            ("cluster_name", true),
            ("zero_ttl_on_twcs_warned", true),
            ("admin_port", true),
            ("Cluster_name", false),
            ("", false),
            ("read_request_timeout_in_ms", false),
        ];
        for (name, expected) in table {
            assert_eq!(find(name).is_some(), expected, "{name}");
        }
    }
}
