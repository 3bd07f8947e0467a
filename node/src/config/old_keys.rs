//! The spellings of before Cassandra 4.1, such as `read_request_timeout_in_ms: 5000`, which 5.0.6 still
//! reads (its `@Replaces` annotations). Each is rewritten into the present spelling with its unit, so
//! that only one reader exists per key.

use super::yaml::Yaml;

/// How an old value becomes the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// The same value under a new name.
    Same,
    /// A number of bytes.
    Bytes,
    /// A number of bytes, or a negative number for "not set".
    BytesOrUnset,
    /// A number of KiB.
    Kibibytes,
    /// A number of MiB.
    Mebibytes,
    /// A number of MiB, or a negative number for "not set".
    MebibytesOrUnset,
    /// A number of MiB a second.
    MebibytesPerSecond,
    /// A number of megabits a second, of 125,000 bytes each.
    MegabitsPerSecond,
    /// A number of milliseconds.
    Milliseconds,
    /// A number of milliseconds with a fraction, rounded.
    MillisecondsRounded,
    /// A number of milliseconds, or a negative number for "not set".
    MillisecondsOrUnset,
    /// A number of seconds.
    Seconds,
    /// A number of seconds, or a negative number for none.
    SecondsOrZero,
    /// A number of seconds under a name that did not change, or a negative number for "not set".
    SecondsOrUnset,
    /// A number of minutes, or a negative number for "not set".
    MinutesOrUnset,
}

/// An old spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OldKey {
    /// The name of before.
    pub old: &'static str,
    /// The name of today.
    pub new: &'static str,
    /// How the value changes.
    pub conversion: Conversion,
}

const fn old(old: &'static str, new: &'static str, conversion: Conversion) -> OldKey {
    OldKey { old, new, conversion }
}

/// The old spelling called `name`. A name that is also today's (the caches' save periods) counts as
/// old only for a bare whole number.
pub(super) fn find(name: &str, value: &Yaml) -> Option<&'static OldKey> {
    let at = OLD_KEYS.binary_search_by(|key| key.old.cmp(name)).ok()?;
    let key = OLD_KEYS.get(at)?;
    let is_bare = value.text().is_some_and(|text| text.parse::<i64>().is_ok());
    (key.old != key.new || is_bare).then_some(key)
}

/// The value in today's spelling.
///
/// # Errors
/// A message without the key's name when the old value is not a number in its range.
pub(super) fn convert(conversion: Conversion, value: &Yaml) -> Result<Yaml, String> {
    if conversion == Conversion::Same || *value == Yaml::Null {
        return Ok(value.clone());
    }
    let text = value.text().ok_or("a whole number is expected")?;
    if conversion == Conversion::MillisecondsRounded {
        let count: f64 = text.parse().map_err(|_| format!("'{text}' is not a number"))?;
        if !(0.0..=f64::from(i32::MAX)).contains(&count) {
            return Err(format!("'{text}' is out of range"));
        }
        return Ok(Yaml::Scalar(format!("{}ms", count.round())));
    }
    let count: i64 = text.parse().map_err(|_| format!("'{text}' is not a whole number"))?;
    use Conversion::{
        Bytes, BytesOrUnset, Kibibytes, Mebibytes, MebibytesOrUnset, MebibytesPerSecond, MegabitsPerSecond,
        Milliseconds, MillisecondsOrUnset, MillisecondsRounded, MinutesOrUnset, Same, Seconds, SecondsOrUnset,
        SecondsOrZero,
    };
    if count < 0 {
        return match conversion {
            BytesOrUnset | MebibytesOrUnset | MillisecondsOrUnset | SecondsOrUnset | MinutesOrUnset => Ok(Yaml::Null),
            SecondsOrZero => Ok(Yaml::Scalar("0s".to_owned())),
            _ => Err(format!("'{text}' is negative")),
        };
    }
    let with_unit = match conversion {
        Same | MillisecondsRounded => text.to_owned(),
        Bytes | BytesOrUnset => format!("{count}B"),
        Kibibytes => format!("{count}KiB"),
        Mebibytes | MebibytesOrUnset => format!("{count}MiB"),
        MebibytesPerSecond => format!("{count}MiB/s"),
        MegabitsPerSecond => {
            let bytes = count.checked_mul(125_000).ok_or(format!("'{text}' is too large"))?;
            format!("{bytes}B/s")
        }
        Milliseconds | MillisecondsOrUnset => format!("{count}ms"),
        Seconds | SecondsOrZero | SecondsOrUnset => format!("{count}s"),
        MinutesOrUnset => format!("{count}m"),
    };
    Ok(Yaml::Scalar(with_unit))
}

use Conversion::{
    Bytes, BytesOrUnset, Kibibytes, Mebibytes, MebibytesOrUnset, MebibytesPerSecond, MegabitsPerSecond, Milliseconds,
    MillisecondsOrUnset, MillisecondsRounded, MinutesOrUnset, Same, Seconds, SecondsOrUnset, SecondsOrZero,
};

/// All old spellings, sorted by name.
#[rustfmt::skip]
pub(super) const OLD_KEYS: &[OldKey] = &[
    old("batch_size_fail_threshold_in_kb", "batch_size_fail_threshold", Kibibytes),
    old("batch_size_warn_threshold_in_kb", "batch_size_warn_threshold", Kibibytes),
    old("batchlog_replay_throttle_in_kb", "batchlog_replay_throttle", Kibibytes),
    old("cache_load_timeout_seconds", "cache_load_timeout", SecondsOrZero),
    old("cas_contention_timeout_in_ms", "cas_contention_timeout", Milliseconds),
    old("cdc_free_space_check_interval_ms", "cdc_free_space_check_interval", Milliseconds),
    old("cdc_total_space_in_mb", "cdc_total_space", Mebibytes),
    old("column_index_cache_size_in_kb", "column_index_cache_size", Kibibytes),
    old("column_index_size_in_kb", "column_index_size", Kibibytes),
    old("commitlog_segment_size_in_mb", "commitlog_segment_size", Mebibytes),
    old("commitlog_sync_group_window_in_ms", "commitlog_sync_group_window", MillisecondsRounded),
    old("commitlog_sync_period_in_ms", "commitlog_sync_period", Milliseconds),
    old("commitlog_total_space_in_mb", "commitlog_total_space", Mebibytes),
    old("compaction_large_partition_warning_threshold", "partition_size_warn_threshold", Same),
    old("compaction_large_partition_warning_threshold_mb", "partition_size_warn_threshold", Mebibytes),
    old("compaction_throughput_mb_per_sec", "compaction_throughput", MebibytesPerSecond),
    old("compaction_tombstone_warning_threshold", "partition_tombstones_warn_threshold", Same),
    old("counter_cache_save_period", "counter_cache_save_period", SecondsOrUnset),
    old("counter_cache_size_in_mb", "counter_cache_size", Mebibytes),
    old("counter_write_request_timeout_in_ms", "counter_write_request_timeout", Milliseconds),
    old("credentials_update_interval_in_ms", "credentials_update_interval", MillisecondsOrUnset),
    old("credentials_validity_in_ms", "credentials_validity", Milliseconds),
    old("cross_node_timeout", "internode_timeout", Same),
    old("dynamic_snitch_reset_interval_in_ms", "dynamic_snitch_reset_interval", Milliseconds),
    old("dynamic_snitch_update_interval_in_ms", "dynamic_snitch_update_interval", Milliseconds),
    old("enable_drop_compact_storage", "drop_compact_storage_enabled", Same),
    old("enable_materialized_views", "materialized_views_enabled", Same),
    old("enable_sasi_indexes", "sasi_indexes_enabled", Same),
    old("enable_scripted_user_defined_functions", "scripted_user_defined_functions_enabled", Same),
    old("enable_transient_replication", "transient_replication_enabled", Same),
    old("enable_user_defined_functions", "user_defined_functions_enabled", Same),
    old("enable_user_defined_functions_threads", "user_defined_functions_threads_enabled", Same),
    old("file_cache_size_in_mb", "file_cache_size", Mebibytes),
    old("gc_log_threshold_in_ms", "gc_log_threshold", Milliseconds),
    old("gc_warn_threshold_in_ms", "gc_warn_threshold", Milliseconds),
    old("hinted_handoff_throttle_in_kb", "hinted_handoff_throttle", Kibibytes),
    old("hints_flush_period_in_ms", "hints_flush_period", Milliseconds),
    old("index_summary_capacity_in_mb", "index_summary_capacity", Mebibytes),
    old("index_summary_resize_interval_in_minutes", "index_summary_resize_interval", MinutesOrUnset),
    old("inter_dc_stream_throughput_outbound_megabits_per_sec", "inter_dc_stream_throughput_outbound", MegabitsPerSecond),
    old("internode_application_receive_queue_capacity_in_bytes", "internode_application_receive_queue_capacity", Bytes),
    old("internode_application_receive_queue_reserve_endpoint_capacity_in_bytes", "internode_application_receive_queue_reserve_endpoint_capacity", Bytes),
    old("internode_application_receive_queue_reserve_global_capacity_in_bytes", "internode_application_receive_queue_reserve_global_capacity", Bytes),
    old("internode_application_send_queue_capacity_in_bytes", "internode_application_send_queue_capacity", Bytes),
    old("internode_application_send_queue_reserve_endpoint_capacity_in_bytes", "internode_application_send_queue_reserve_endpoint_capacity", Bytes),
    old("internode_application_send_queue_reserve_global_capacity_in_bytes", "internode_application_send_queue_reserve_global_capacity", Bytes),
    old("internode_max_message_size_in_bytes", "internode_max_message_size", Bytes),
    old("internode_recv_buff_size_in_bytes", "internode_socket_receive_buffer_size", Bytes),
    old("internode_send_buff_size_in_bytes", "internode_socket_send_buffer_size", Bytes),
    old("internode_socket_receive_buffer_size_in_bytes", "internode_socket_receive_buffer_size", Bytes),
    old("internode_socket_send_buffer_size_in_bytes", "internode_socket_send_buffer_size", Bytes),
    old("internode_streaming_tcp_user_timeout_in_ms", "internode_streaming_tcp_user_timeout", Milliseconds),
    old("internode_tcp_connect_timeout_in_ms", "internode_tcp_connect_timeout", Milliseconds),
    old("internode_tcp_user_timeout_in_ms", "internode_tcp_user_timeout", Milliseconds),
    old("key_cache_save_period", "key_cache_save_period", SecondsOrUnset),
    old("key_cache_size_in_mb", "key_cache_size", Mebibytes),
    old("keyspace_count_warn_threshold", "keyspaces_warn_threshold", Same),
    old("max_hint_window_in_ms", "max_hint_window", Milliseconds),
    old("max_hints_file_size_in_mb", "max_hints_file_size", Mebibytes),
    old("max_mutation_size_in_kb", "max_mutation_size", Kibibytes),
    old("max_value_size_in_mb", "max_value_size", Mebibytes),
    old("memtable_heap_space_in_mb", "memtable_heap_space", Mebibytes),
    old("memtable_offheap_space_in_mb", "memtable_offheap_space", Mebibytes),
    old("min_free_space_per_drive_in_mb", "min_free_space_per_drive", Mebibytes),
    old("native_transport_idle_timeout_in_ms", "native_transport_idle_timeout", Milliseconds),
    old("native_transport_max_concurrent_requests_in_bytes", "native_transport_max_request_data_in_flight", BytesOrUnset),
    old("native_transport_max_concurrent_requests_in_bytes_per_ip", "native_transport_max_request_data_in_flight_per_ip", BytesOrUnset),
    old("native_transport_max_frame_size_in_mb", "native_transport_max_frame_size", Mebibytes),
    old("native_transport_receive_queue_capacity_in_bytes", "native_transport_receive_queue_capacity", Bytes),
    old("networking_cache_size_in_mb", "networking_cache_size", Mebibytes),
    old("periodic_commitlog_sync_lag_block_in_ms", "periodic_commitlog_sync_lag_block", Milliseconds),
    old("permissions_update_interval_in_ms", "permissions_update_interval", MillisecondsOrUnset),
    old("permissions_validity_in_ms", "permissions_validity", Milliseconds),
    old("prepared_statements_cache_size_mb", "prepared_statements_cache_size", Mebibytes),
    old("range_request_timeout_in_ms", "range_request_timeout", Milliseconds),
    old("read_request_timeout_in_ms", "read_request_timeout", Milliseconds),
    old("repair_request_timeout_in_ms", "repair_request_timeout", Milliseconds),
    old("repair_session_space_in_mb", "repair_session_space", Mebibytes),
    old("request_timeout_in_ms", "request_timeout", Milliseconds),
    old("roles_update_interval_in_ms", "roles_update_interval", MillisecondsOrUnset),
    old("roles_validity_in_ms", "roles_validity", Milliseconds),
    old("row_cache_save_period", "row_cache_save_period", SecondsOrUnset),
    old("row_cache_size_in_mb", "row_cache_size", Mebibytes),
    old("slow_query_log_timeout_in_ms", "slow_query_log_timeout", Milliseconds),
    old("sstable_preemptive_open_interval_in_mb", "sstable_preemptive_open_interval", MebibytesOrUnset),
    old("stream_throughput_outbound_megabits_per_sec", "stream_throughput_outbound", MegabitsPerSecond),
    old("streaming_keep_alive_period_in_secs", "streaming_keep_alive_period", Seconds),
    old("table_count_warn_threshold", "tables_warn_threshold", Same),
    old("tracetype_query_ttl", "trace_type_query_ttl", Seconds),
    old("tracetype_repair_ttl", "trace_type_repair_ttl", Seconds),
    old("trickle_fsync_interval_in_kb", "trickle_fsync_interval", Kibibytes),
    old("truncate_request_timeout_in_ms", "truncate_request_timeout", Milliseconds),
    old("user_defined_function_fail_timeout", "user_defined_functions_fail_timeout", Milliseconds),
    old("user_defined_function_warn_timeout", "user_defined_functions_warn_timeout", Milliseconds),
    old("validation_preview_purge_head_start_in_sec", "validation_preview_purge_head_start", SecondsOrZero),
    old("write_request_timeout_in_ms", "write_request_timeout", Milliseconds),
];

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    #[test]
    fn the_table_is_sorted_and_points_at_keys() {
        for pair in OLD_KEYS.windows(2) {
            assert!(pair[0].old < pair[1].old, "{} before {}", pair[0].old, pair[1].old);
        }
        for key in OLD_KEYS {
            assert!(keys::find(key.new).is_some(), "{}", key.new);
            let is_renamed = key.old != key.new;
            assert_eq!(keys::find(key.old).is_none(), is_renamed, "{}", key.old);
        }
    }

    #[test]
    fn conversions() {
        let table = [
            ("read_request_timeout_in_ms", "5000", Ok("5000ms")),
            ("read_request_timeout_in_ms", "-1", Err(())),
            ("read_request_timeout_in_ms", "5s", Err(())),
            ("roles_update_interval_in_ms", "-1", Ok("~")),
            ("commitlog_sync_group_window_in_ms", "1.6", Ok("2ms")),
            ("commitlog_segment_size_in_mb", "32", Ok("32MiB")),
            ("column_index_size_in_kb", "64", Ok("64KiB")),
            ("native_transport_max_concurrent_requests_in_bytes", "-1", Ok("~")),
            ("native_transport_max_concurrent_requests_in_bytes", "77", Ok("77B")),
            ("compaction_throughput_mb_per_sec", "16", Ok("16MiB/s")),
            ("stream_throughput_outbound_megabits_per_sec", "200", Ok("25000000B/s")),
            ("sstable_preemptive_open_interval_in_mb", "-1", Ok("~")),
            ("cache_load_timeout_seconds", "-4", Ok("0s")),
            ("key_cache_save_period", "14400", Ok("14400s")),
            ("index_summary_resize_interval_in_minutes", "60", Ok("60m")),
            ("enable_materialized_views", "true", Ok("true")),
            ("tracetype_query_ttl", "86400", Ok("86400s")),
        ];
        for (name, value, expected) in table {
            let value = Yaml::Scalar(value.to_owned());
            let key = find(name, &value).expect(name);
            let found = convert(key.conversion, &value).map_err(|_| ());
            let found = found.map(|yaml| yaml.text().unwrap_or("~").to_owned());
            assert_eq!(found, expected.map(str::to_owned), "{name}");
        }
        assert_eq!(find("key_cache_save_period", &Yaml::Scalar("4h".to_owned())), None);
    }
}
