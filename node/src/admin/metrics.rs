//! `/metrics`: Prometheus' text format, with Cassandra's names in the style of its management API.

use std::fmt::{Display, Write};
use std::sync::atomic::Ordering::Relaxed;

use helenus_cluster::shared::RequestStats;
use helenus_engine::engine::TableStats;

use super::Admin;

const PREFIX: &str = "org_apache_cassandra_metrics_";

/// The text under way.
struct Page(String);

impl Page {
    /// Begins a metric: what it is, and its kind.
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"));
    }

    /// One value. Labels are written `name="value"` already, with commas.
    fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let written = if labels.is_empty() {
            writeln!(self.0, "{PREFIX}{name} {value}")
        } else {
            writeln!(self.0, "{PREFIX}{name}{{{labels}}} {value}")
        };
        written.expect("writing to a string does not fail");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.begin(name, kind, help);
        self.value(name, "", value);
    }
}

/// A label's value with what Prometheus wants escaped.
fn label(name: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{escaped}\"")
}

/// The whole page.
pub(super) fn text(admin: &Admin) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    requests(&mut page, admin);
    member(&mut page, admin);
    let stats = admin.environment.shared.engine.stats();
    tables(&mut page, &stats.tables);
    let jobs = &admin.jobs.stats;
    page.one("compaction_pending_tasks", "gauge", "Compactions and removals under way.", admin.jobs.running());
    page.one(
        "compaction_completed_tasks",
        "counter",
        "Compactions done since the start.",
        jobs.compactions.load(Relaxed),
    );
    let bytes = jobs.bytes_compacted.load(Relaxed);
    page.one("compaction_bytes_compacted", "counter", "Bytes of the SSTables that compactions read.", bytes);
    page.one("compaction_failures", "counter", "Background jobs that failed.", jobs.failures.load(Relaxed));
    page.one("memtable_flushes", "counter", "Memtables written to SSTables.", jobs.flushes.load(Relaxed));
    page.one("commit_log_total_commit_log_size", "gauge", "Bytes of the commit log on disk.", stats.log_bytes);
    page.one("commit_log_segments", "gauge", "Segments of the commit log on disk.", stats.log_segments);
    page.begin("cache_hits", "counter", "Hits of the caches.");
    page.value("cache_hits", &label("cache", "KeyCache"), stats.key_cache.0);
    page.value("cache_hits", &label("cache", "ChunkCache"), stats.chunk_cache.0);
    page.begin("cache_misses", "counter", "Misses of the caches.");
    page.value("cache_misses", &label("cache", "KeyCache"), stats.key_cache.1);
    page.value("cache_misses", &label("cache", "ChunkCache"), stats.chunk_cache.1);
    page.one("cache_size", "gauge", "Bytes of the caches.", stats.cache_bytes);
    page.one(
        "storage_load",
        "gauge",
        "Bytes of the node's SSTables.",
        super::load_bytes(&admin.environment.shared.engine),
    );
    page.one("storage_skipped_updates", "counter", "Updates of unknown tables, skipped.", stats.skipped_updates);
    page.one("memory_resident", "gauge", "Bytes of memory in use.", super::collect::resident_bytes());
    page.0
}

fn requests(page: &mut Page, admin: &Admin) {
    let stats = &admin.environment.shared.stats;
    let kinds = [("Read", &stats.reads), ("RangeSlice", &stats.scans), ("Write", &stats.writes)];
    let name = "client_request_latency";
    page.begin(name, "histogram", "Time that requests of clients took, seconds.");
    for (kind, stats) in kinds {
        latency(page, name, &label("request_type", kind), stats);
    }
    type Counter = fn(&RequestStats) -> u64;
    let counters: [(&str, &str, Counter); 3] = [
        ("client_request_timeouts", "Requests that timed out.", |stats| stats.timeouts.load(Relaxed)),
        ("client_request_unavailables", "Requests refused for want of replicas.", |stats| {
            stats.unavailables.load(Relaxed)
        }),
        ("client_request_failures", "Requests that failed on replicas.", |stats| stats.failures.load(Relaxed)),
    ];
    for (name, help, count) in counters {
        page.begin(name, "counter", help);
        for (kind, stats) in kinds {
            page.value(name, &label("request_type", kind), count(stats));
        }
    }
}

fn latency(page: &mut Page, name: &str, kind: &str, stats: &RequestStats) {
    let mut sum = 0;
    // Bucket i counts requests below 2^i microseconds; the last one those of any length.
    for (i, bucket) in stats.buckets.iter().enumerate() {
        sum += bucket.load(Relaxed);
        if i + 1 < stats.buckets.len() {
            let seconds = (1u64 << i) as f64 / 1e6;
            page.value(&format!("{name}_bucket"), &format!("{kind},le=\"{seconds}\""), sum);
        }
    }
    page.value(&format!("{name}_bucket"), &format!("{kind},le=\"+Inf\""), sum);
    page.value(&format!("{name}_sum"), kind, stats.micros.load(Relaxed) as f64 / 1e6);
    page.value(&format!("{name}_count"), kind, sum);
}

fn member(page: &mut Page, admin: &Admin) {
    let shared = &admin.environment.shared;
    let stats = &shared.stats;
    let clients = stats.connections.load(Relaxed);
    page.one("client_connected_native_clients", "gauge", "Connections of clients that are open.", clients);
    page.one("client_requests", "counter", "Requests of clients.", stats.requests.load(Relaxed));
    let executed = stats.prepared_executed.load(Relaxed);
    page.one("cql_prepared_statements_executed", "counter", "Prepared statements executed.", executed);
    let executed = stats.regular_executed.load(Relaxed);
    page.one("cql_regular_statements_executed", "counter", "Unprepared statements executed.", executed);
    let (count, evicted) = (shared.prepared.len(), shared.prepared.evicted());
    page.one("cql_prepared_statements_count", "gauge", "Prepared statements kept.", count);
    page.one("cql_prepared_statements_evicted", "counter", "Prepared statements that went to make room.", evicted);
    let slow = stats.slow_reads.load(Relaxed);
    page.one("client_request_slow_reads", "counter", "Reads slower than slow_query_log_timeout.", slow);
    let repairs = stats.read_repairs.load(Relaxed);
    page.one("read_repair_repaired_blocking", "counter", "Reads repaired before their answer.", repairs);
    let replayed = stats.batches_replayed.load(Relaxed);
    page.one("batch_replayed", "counter", "Batches replayed from the batchlog.", replayed);
    let pending = shared.hints.pending();
    let (files, hints) = pending.iter().fold((0, 0), |(f, h), host| (f + host.files, h + host.hints));
    page.one("hints_service_hints_pending", "gauge", "Hints not delivered yet.", hints);
    page.one("hints_service_hint_files_pending", "gauge", "Files of hints not delivered yet.", files);
    page.one("hints_service_hints_written", "counter", "Hints written.", stats.hints_written.load(Relaxed));
    page.one("hints_service_hints_succeeded", "counter", "Hints delivered.", stats.hints_delivered.load(Relaxed));
    page.one("hints_service_hints_dropped", "counter", "Hints given up.", stats.hints_dropped.load(Relaxed));
    let epoch = shared.view.load().metadata.epoch;
    page.one("tcm_epoch", "gauge", "Epoch of the metadata log.", epoch);
    let alive = shared.peers.read().values().filter(|peer| peer.alive).count();
    page.one("gossip_live_peers", "gauge", "Other nodes that are alive.", alive);
}

fn tables(page: &mut Page, tables: &[TableStats]) {
    type Figure = fn(&TableStats) -> u64;
    let figures: [(&str, &str, &str, Figure); 11] = [
        ("table_live_ss_table_count", "gauge", "SSTables in use.", |table| table.live_sstables),
        ("table_live_disk_space_used", "gauge", "Bytes of the SSTables.", |table| table.live_bytes),
        ("table_uncompressed_disk_space", "gauge", "Bytes before compression.", |table| table.uncompressed_bytes),
        ("table_all_memtables_live_data_size", "gauge", "Bytes of the memtables.", |table| table.memtable_bytes),
        ("table_pending_flushes", "gauge", "Memtables that wait to be flushed.", |table| table.pending_flushes),
        ("table_estimated_partition_count", "gauge", "Partitions, estimated.", |table| table.estimated_partitions),
        ("table_pending_compactions", "gauge", "SSTables being compacted.", |table| table.compacting_sstables),
        ("table_compactions", "counter", "Compactions done.", |table| table.compactions),
        ("table_bloom_filter_false_positives", "counter", "Reads that a bloom filter let through in vain.", |table| {
            table.bloom_false_positives
        }),
        ("table_local_reads", "counter", "Reads run by this node.", |table| table.reads),
        ("table_local_writes", "counter", "Updates applied by this node.", |table| table.writes),
    ];
    for (name, kind, help, figure) in figures {
        page.begin(name, kind, help);
        for table in tables {
            let labels = format!("{},{}", label("keyspace", &table.keyspace), label("table", &table.name));
            page.value(name, &labels, figure(table));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn latencies_are_a_histogram() {
        let stats = RequestStats::default();
        for micros in [0, 1, 3, 1_000_000, 5_000_000_000] {
            stats.record(micros);
        }
        let mut page = Page(String::new());
        latency(&mut page, "x", &label("request_type", "Re\"ad"), &stats);
        let lines: Vec<&str> = page.0.lines().collect();
        let shown: Vec<&str> = [0, 1, 2, 20, 30, 31, 32, 33].iter().filter_map(|i| lines.get(*i).copied()).collect();
        expect![[r#"
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="0.000001"} 1
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="0.000002"} 2
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="0.000004"} 3
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="1.048576"} 4
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="1073.741824"} 4
            org_apache_cassandra_metrics_x_bucket{request_type="Re\"ad",le="+Inf"} 5
            org_apache_cassandra_metrics_x_sum{request_type="Re\"ad"} 5001.000004
            org_apache_cassandra_metrics_x_count{request_type="Re\"ad"} 5"#]]
        .assert_eq(&shown.join("\n"));
    }
}
