//! `info`, `tablestats`, `tpstats` and `listpendinghints`.

use std::fmt::Write;

use super::http::Failure;
use super::table::Table;
use super::text::{date_time, file_size, memory, rate};
use crate::admin::answers::{CacheAnswer, ClusterAnswer, HintsAnswer, InfoAnswer, PoolsAnswer, TableAnswer};

/// `nodetool info`
pub(super) fn info(info: &InfoAnswer, with_tokens: bool) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(out, "{name:<23}: {value}").expect("writing to a string does not fail");
    };
    let mebibytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1_048_576.0);
    line("ID", &info.host_id);
    line("Gossip active", &info.is_gossip_active.to_string());
    line("Native Transport active", &info.is_native_active.to_string());
    line("Load", &file_size(info.load as f64));
    line("Uncompressed load", &file_size(info.uncompressed_load as f64));
    line("Generation No", &info.generation.to_string());
    line("Uptime (seconds)", &info.uptime_seconds.to_string());
    // There is no heap with an end of its own: what is resident, twice.
    line("Heap Memory (MB)", &format!("{0} / {0}", mebibytes(info.resident)));
    line("Off Heap Memory (MB)", &mebibytes(info.sstable_memory));
    line("Data Center", &info.datacenter);
    line("Rack", &info.rack);
    line("Exceptions", "0");
    // None of them is saved.
    line("Key Cache", &cache(&info.key_cache));
    line("Row Cache", &cache(&CacheAnswer::default()));
    line("Counter Cache", &cache(&CacheAnswer::default()));
    let requests = info.chunk_cache.hits + info.chunk_cache.misses;
    let chunk_cache = format!(
        "entries {}, size {}, capacity {}, {} misses, {requests} requests, {} recent hit rate, NaN microseconds miss latency",
        info.chunk_cache.entries,
        file_size(info.chunk_cache.size as f64),
        file_size(info.chunk_cache.capacity as f64),
        info.chunk_cache.misses,
        rate(info.chunk_cache.hits, requests),
    );
    line("Chunk Cache", &chunk_cache);
    line("Network Cache", "size 0 bytes, overflow size: 0 bytes, capacity 0 bytes");
    line("Percent Repaired", if info.is_unrepaired { "0.0%" } else { "100.0%" });
    if with_tokens {
        info.tokens.iter().for_each(|token| line("Token", &token.to_string()));
    } else if let [token] = info.tokens.as_slice() {
        line("Token", &token.to_string());
    } else {
        line("Token", &format!("(invoke with -T/--tokens to see all {} tokens)", info.tokens.len()));
    }
    line("Bootstrap state", if info.is_joined { "COMPLETED" } else { "IN_PROGRESS" });
    line("Bootstrap failed", "false");
    line("Decommissioning", "false");
    line("Decommission failed", "false");
    out
}

fn cache(cache: &CacheAnswer) -> String {
    let requests = cache.hits + cache.misses;
    format!(
        "entries {}, size {}, capacity {}, {} hits, {requests} requests, {} recent hit rate, 0 save period in seconds",
        cache.entries,
        file_size(cache.size as f64),
        file_size(cache.capacity as f64),
        cache.hits,
        rate(cache.hits, requests),
    )
}

/// `nodetool tablestats`: all tables, or those of the keyspaces and tables named.
pub(super) fn table_stats(tables: Vec<TableAnswer>, names: &[String]) -> Result<String, Failure> {
    for name in names {
        let (keyspace, table) = match name.split_once('.') {
            Some((keyspace, table)) => (keyspace, Some(table)),
            None => (name.as_str(), None),
        };
        if !tables.iter().any(|found| found.keyspace == keyspace) {
            return Err(Failure::Usage(format!("Unknown keyspace: {keyspace}")));
        }
        if table.is_some_and(|table| !tables.iter().any(|found| found.keyspace == keyspace && found.name == table)) {
            return Err(Failure::Usage(format!(
                "Unknown tables: [{}] in keyspace: {keyspace}",
                table.unwrap_or_default()
            )));
        }
    }
    let is_wanted = |table: &&TableAnswer| {
        let full = format!("{}.{}", table.keyspace, table.name);
        names.is_empty() || names.iter().any(|name| *name == table.keyspace || *name == full)
    };
    let chosen: Vec<&TableAnswer> = tables.iter().filter(is_wanted).collect();
    let mut out = format!("Total number of tables: {}\n----------------\n", chosen.len());
    for of_keyspace in chosen.chunk_by(|a, b| a.keyspace == b.keyspace) {
        write_keyspace(&mut out, of_keyspace).expect("writing to a string does not fail");
    }
    Ok(out)
}

fn write_keyspace(out: &mut String, tables: &[&TableAnswer]) -> std::fmt::Result {
    let Some(first) = tables.first() else { return Ok(()) };
    let sum = |figure: fn(&TableAnswer) -> u64| tables.iter().map(|table| figure(table)).sum::<u64>();
    writeln!(out, "Keyspace: {}", first.keyspace)?;
    let reads = mean_millis(tables.iter().map(|table| (table.reads, table.read_nanos)));
    let writes = mean_millis(tables.iter().map(|table| (table.writes, table.write_nanos)));
    writeln!(out, "\tRead Count: {}\n\tRead Latency: {reads:?} ms", sum(|table| table.reads))?;
    writeln!(out, "\tWrite Count: {}\n\tWrite Latency: {writes:?} ms", sum(|table| table.writes))?;
    writeln!(out, "\tPending Flushes: {}", sum(|table| table.pending_flushes))?;
    for table in tables {
        write_table(out, table)?;
    }
    writeln!(out, "----------------")
}

/// The mean of several means, each with how often it counts; NaN when none was timed.
fn mean_millis(parts: impl Iterator<Item = (u64, Option<f64>)>) -> f64 {
    let timed = parts.filter_map(|(count, nanos)| Some((count as f64, nanos?)));
    let (count, sum) = timed.fold((0.0, 0.0), |(n, sum), (count, nanos)| (n + count, sum + count * nanos));
    sum / count / 1e6
}

/// A latency as Cassandra shows a table's.
fn latency(nanos: Option<f64>) -> String {
    nanos.map_or_else(|| "NaN ms".to_owned(), |nanos| format!("{:.3} ms", nanos / 1e6))
}

/// A mean as Java shows it.
fn mean(value: Option<f64>) -> String {
    format!("{:?}", value.unwrap_or(f64::NAN))
}

fn write_table(out: &mut String, table: &TableAnswer) -> std::fmt::Result {
    let ratio = match table.compressible_bytes {
        0 => -1.0,
        uncompressed => table.compressed_bytes as f64 / uncompressed as f64,
    };
    let (partition_min, partition_max, partition_mean) = table.partition_bytes;
    let off_heap = table.filter_memory + table.summary_memory + table.chunk_memory;
    let bloom = table.bloom_false_positives + table.bloom_true_positives;
    let false_ratio = if bloom == 0 { 0.0 } else { table.bloom_false_positives as f64 / bloom as f64 };
    let read_write = if table.writes == 0 { 0.0 } else { table.reads as f64 / table.writes as f64 };
    let lines: [(&str, String); 40] = [
        ("Table", table.name.clone()),
        ("SSTable count", table.sstables.to_string()),
        ("Old SSTable count", "0".to_owned()),
        ("Max SSTable size", memory(table.sstable_bytes_max)),
        ("Space used (live)", table.live_bytes.to_string()),
        ("Space used (total)", table.total_bytes.max(table.live_bytes).to_string()),
        ("Space used by snapshots (total)", table.snapshot_bytes.to_string()),
        ("Off heap memory used (total)", off_heap.to_string()),
        ("SSTable Compression Ratio", format!("{ratio:.5}")),
        ("Number of partitions (estimate)", table.partitions.to_string()),
        ("Memtable cell count", table.memtable_operations.to_string()),
        ("Memtable data size", table.memtable_bytes.to_string()),
        ("Memtable off heap memory used", "0".to_owned()),
        ("Memtable switch count", table.flushes.to_string()),
        ("Speculative retries", "0".to_owned()),
        ("Local read count", table.reads.to_string()),
        ("Local read latency", latency(table.read_nanos)),
        ("Local write count", table.writes.to_string()),
        ("Local write latency", latency(table.write_nanos)),
        ("Local read/write ratio", format!("{read_write:.5}")),
        ("Pending flushes", table.pending_flushes.to_string()),
        ("Percent repaired", if table.sstables == 0 { "100.0" } else { "0.0" }.to_owned()),
        ("Bytes repaired", "0B".to_owned()),
        ("Bytes unrepaired", memory(table.uncompressed_bytes)),
        ("Bytes pending repair", "0B".to_owned()),
        ("Bloom filter false positives", table.bloom_false_positives.to_string()),
        ("Bloom filter false ratio", format!("{false_ratio:.5}")),
        ("Bloom filter space used", table.filter_bytes.to_string()),
        ("Bloom filter off heap memory used", table.filter_memory.to_string()),
        ("Index summary off heap memory used", table.summary_memory.to_string()),
        ("Compression metadata off heap memory used", table.chunk_memory.to_string()),
        ("Compacted partition minimum bytes", partition_min.to_string()),
        ("Compacted partition maximum bytes", partition_max.to_string()),
        ("Compacted partition mean bytes", partition_mean.to_string()),
        ("Average live cells per slice (last five minutes)", mean(table.live_mean)),
        ("Maximum live cells per slice (last five minutes)", table.live_max.to_string()),
        ("Average tombstones per slice (last five minutes)", mean(table.tombstones_mean)),
        ("Maximum tombstones per slice (last five minutes)", table.tombstones_max.to_string()),
        ("Droppable tombstone ratio", format!("{:.5}", table.droppable_tombstones)),
        ("", String::new()),
    ];
    for (name, value) in lines {
        if name.is_empty() { writeln!(out)? } else { writeln!(out, "\t\t{name}: {value}")? }
    }
    Ok(())
}

/// The messages of Cassandra 5.0.6 in the order in which it tells what it dropped of each.
const MESSAGES: [&str; 87] = [
    "READ_RSP",
    "RANGE_REQ",
    "PING_REQ",
    "PAXOS2_COMMIT_REMOTE_RSP",
    "PAXOS2_COMMIT_AND_PREPARE_RSP",
    "_SAMPLE",
    "VALIDATION_RSP",
    "SCHEMA_PULL_RSP",
    "SYNC_RSP",
    "PAXOS2_CLEANUP_START_PREPARE_REQ",
    "PAXOS2_PREPARE_REFRESH_REQ",
    "SCHEMA_VERSION_REQ",
    "HINT_RSP",
    "BATCH_REMOVE_RSP",
    "PAXOS2_CLEANUP_RSP",
    "PAXOS2_CLEANUP_FINISH_PREPARE_RSP",
    "PAXOS_COMMIT_REQ",
    "SNAPSHOT_RSP",
    "COUNTER_MUTATION_REQ",
    "PAXOS2_PROPOSE_REQ",
    "GOSSIP_DIGEST_SYN",
    "PAXOS_PREPARE_REQ",
    "PREPARE_MSG",
    "PAXOS2_PREPARE_REFRESH_RSP",
    "PAXOS_COMMIT_RSP",
    "HINT_REQ",
    "BATCH_REMOVE_REQ",
    "STATUS_RSP",
    "READ_REPAIR_RSP",
    "PAXOS2_PROPOSE_RSP",
    "GOSSIP_DIGEST_ACK2",
    "CLEANUP_MSG",
    "REQUEST_RSP",
    "TRUNCATE_RSP",
    "UNUSED_CUSTOM_VERB",
    "REPLICATION_DONE_RSP",
    "SNAPSHOT_REQ",
    "ECHO_REQ",
    "PAXOS2_REPAIR_REQ",
    "PAXOS2_CLEANUP_COMPLETE_RSP",
    "PREPARE_CONSISTENT_REQ",
    "FAILURE_RSP",
    "BATCH_STORE_RSP",
    "SCHEMA_PUSH_RSP",
    "MUTATION_RSP",
    "FINALIZE_PROPOSE_MSG",
    "ECHO_RSP",
    "PAXOS2_REPAIR_RSP",
    "INTERNAL_RSP",
    "FAILED_SESSION_MSG",
    "PAXOS2_CLEANUP_COMPLETE_REQ",
    "_TRACE",
    "SCHEMA_VERSION_RSP",
    "FINALIZE_COMMIT_MSG",
    "SNAPSHOT_MSG",
    "PREPARE_CONSISTENT_RSP",
    "PAXOS_PROPOSE_REQ",
    "PAXOS_PREPARE_RSP",
    "MUTATION_REQ",
    "PAXOS2_CLEANUP_RSP2",
    "READ_REQ",
    "PING_RSP",
    "PAXOS2_COMMIT_REMOTE_REQ",
    "RANGE_RSP",
    "VALIDATION_REQ",
    "SYNC_REQ",
    "PAXOS2_PREPARE_RSP",
    "_TEST_1",
    "GOSSIP_SHUTDOWN",
    "PAXOS2_CLEANUP_START_PREPARE_RSP",
    "TRUNCATE_REQ",
    "_TEST_2",
    "GOSSIP_DIGEST_ACK",
    "PAXOS2_CLEANUP_REQ",
    "SCHEMA_PUSH_REQ",
    "FINALIZE_PROMISE_MSG",
    "PAXOS2_CLEANUP_FINISH_PREPARE_REQ",
    "PAXOS2_PREPARE_REQ",
    "BATCH_STORE_REQ",
    "COUNTER_MUTATION_RSP",
    "REPAIR_RSP",
    "PAXOS2_COMMIT_AND_PREPARE_REQ",
    "STATUS_REQ",
    "SCHEMA_PULL_REQ",
    "READ_REPAIR_REQ",
    "REPLICATION_DONE_REQ",
    "PAXOS_PROPOSE_RSP",
];

/// `nodetool tpstats`
pub(super) fn pool_stats(answer: &PoolsAnswer) -> String {
    let mut table = Table::default();
    table.add(["Pool Name", "Active", "Pending", "Completed", "Blocked", "All time blocked"]);
    for pool in &answer.pools {
        let figures = [pool.active, pool.pending, pool.completed, 0, 0].map(|figure| figure.to_string());
        table.add(std::iter::once(pool.name.clone()).chain(figures));
    }
    let mut out = table.text(" ");
    out.push_str("\nLatencies waiting in queue (micros) per dropped message types\n");
    let mut line = |name: &str, dropped: &str, [a, b, c, d]: [&str; 4]| {
        writeln!(out, "{name:<33} {dropped:<11} {a:<8} {b:<8} {c:<8} {d}").expect("writing to a string does not fail");
    };
    line("Message type", "Dropped", ["50%", "95%", "99%", "Max"]);
    for name in MESSAGES {
        let dropped = answer.dropped.get(name).copied().unwrap_or(0);
        // How long those waited that were dropped is not kept.
        line(name, &dropped.to_string(), ["0.0"; 4]);
    }
    out
}

/// `nodetool listpendinghints`
pub(super) fn pending_hints(hints: &[HintsAnswer], cluster: &ClusterAnswer) -> String {
    let mut table = Table::default();
    table.add(["Host ID", "Address", "Rack", "DC", "Status", "Total files", "Newest", "Oldest"]);
    for hint in hints {
        let node = cluster.nodes.iter().find(|node| node.host_id == hint.host_id);
        let unknown = || "Unknown".to_owned();
        let status = node.map_or("Unknown", |node| if node.is_alive { "UP" } else { "DOWN" });
        table.add([
            hint.host_id.clone(),
            node.map_or_else(unknown, |node| node.address.ip().to_string()),
            node.map_or_else(unknown, |node| node.rack.clone()),
            node.map_or_else(unknown, |node| node.datacenter.clone()),
            status.to_owned(),
            hint.files.to_string(),
            date_time(hint.newest_millis),
            date_time(hint.oldest_millis),
        ]);
    }
    table.text(" ")
}
