//! `info`, `tablestats`, `tpstats` and `listpendinghints`.

use std::fmt::Write;

use super::http::Failure;
use super::table::Table;
use super::text::{date_time, file_size, memory, rate};
use crate::admin::answers::{CacheAnswer, ClusterAnswer, HintsAnswer, InfoAnswer, PoolAnswer, TableAnswer};

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
    line("Off Heap Memory (MB)", "0.00");
    line("Data Center", &info.datacenter);
    line("Rack", &info.rack);
    line("Exceptions", "0");
    line("Key Cache", &cache(&info.key_cache, 0, 0, 14_400));
    line("Row Cache", &cache(&CacheAnswer::default(), 0, 0, 0));
    line("Counter Cache", &cache(&CacheAnswer::default(), 0, 0, 7_200));
    let requests = info.chunk_cache.hits + info.chunk_cache.misses;
    let chunk_cache = format!(
        "entries 0, size {}, capacity {}, {} misses, {requests} requests, {} recent hit rate, NaN microseconds miss latency",
        file_size(info.cache_bytes as f64),
        file_size(info.cache_bytes_max as f64),
        info.chunk_cache.misses,
        rate(info.chunk_cache.hits, requests),
    );
    line("Chunk Cache", &chunk_cache);
    line("Percent Repaired", "0.0%");
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

fn cache(cache: &CacheAnswer, size: u64, capacity: u64, save_seconds: u64) -> String {
    let requests = cache.hits + cache.misses;
    format!(
        "entries 0, size {}, capacity {}, {} hits, {requests} requests, {} recent hit rate, {save_seconds} save period in seconds",
        file_size(size as f64),
        file_size(capacity as f64),
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
    writeln!(out, "\tRead Count: {}\n\tRead Latency: NaN ms", sum(|table| table.reads))?;
    writeln!(out, "\tWrite Count: {}\n\tWrite Latency: NaN ms", sum(|table| table.writes))?;
    writeln!(out, "\tPending Flushes: {}", sum(|table| table.pending_flushes))?;
    for table in tables {
        write_table(out, table)?;
    }
    writeln!(out, "----------------")
}

fn write_table(out: &mut String, table: &TableAnswer) -> std::fmt::Result {
    let ratio = match table.uncompressed_bytes {
        0 => -1.0,
        uncompressed => table.live_bytes as f64 / uncompressed as f64,
    };
    let bloom = table.bloom_false_positives + table.bloom_true_positives;
    let false_ratio = if bloom == 0 { 0.0 } else { table.bloom_false_positives as f64 / bloom as f64 };
    let read_write = if table.writes == 0 { 0.0 } else { table.reads as f64 / table.writes as f64 };
    let mean = table.live_bytes.checked_div(table.sstables).unwrap_or(0);
    let lines: [(&str, String); 40] = [
        ("Table", table.name.clone()),
        ("SSTable count", table.sstables.to_string()),
        ("Old SSTable count", "0".to_owned()),
        ("Max SSTable size", memory(mean)),
        ("Space used (live)", table.live_bytes.to_string()),
        ("Space used (total)", table.live_bytes.to_string()),
        ("Space used by snapshots (total)", "0".to_owned()),
        ("Off heap memory used (total)", table.sstable_memory_bytes.to_string()),
        ("SSTable Compression Ratio", format!("{ratio:.5}")),
        ("Number of partitions (estimate)", table.partitions.to_string()),
        ("Memtable cell count", "0".to_owned()),
        ("Memtable data size", table.memtable_bytes.to_string()),
        ("Memtable off heap memory used", "0".to_owned()),
        ("Memtable switch count", "0".to_owned()),
        ("Speculative retries", "0".to_owned()),
        ("Local read count", table.reads.to_string()),
        ("Local read latency", "NaN ms".to_owned()),
        ("Local write count", table.writes.to_string()),
        ("Local write latency", "NaN ms".to_owned()),
        ("Local read/write ratio", format!("{read_write:.5}")),
        ("Pending flushes", table.pending_flushes.to_string()),
        ("Percent repaired", if table.sstables == 0 { "100.0" } else { "0.0" }.to_owned()),
        ("Bytes repaired", "0B".to_owned()),
        ("Bytes unrepaired", memory(table.uncompressed_bytes)),
        ("Bytes pending repair", "0B".to_owned()),
        ("Bloom filter false positives", table.bloom_false_positives.to_string()),
        ("Bloom filter false ratio", format!("{false_ratio:.5}")),
        ("Bloom filter space used", "0".to_owned()),
        ("Bloom filter off heap memory used", "0".to_owned()),
        ("Index summary off heap memory used", "0".to_owned()),
        ("Compression metadata off heap memory used", "0".to_owned()),
        ("Compacted partition minimum bytes", "0".to_owned()),
        ("Compacted partition maximum bytes", "0".to_owned()),
        ("Compacted partition mean bytes", "0".to_owned()),
        ("Average live cells per slice (last five minutes)", "NaN".to_owned()),
        ("Maximum live cells per slice (last five minutes)", "0".to_owned()),
        ("Average tombstones per slice (last five minutes)", "NaN".to_owned()),
        ("Maximum tombstones per slice (last five minutes)", "0".to_owned()),
        ("Droppable tombstone ratio", "0.00000".to_owned()),
        ("", String::new()),
    ];
    for (name, value) in lines {
        if name.is_empty() { writeln!(out)? } else { writeln!(out, "\t\t{name}: {value}")? }
    }
    Ok(())
}

/// Messages that Cassandra counts when it drops them; Helenus answers or refuses, and drops none.
const MESSAGES: [&str; 10] = [
    "MUTATION_REQ",
    "READ_REQ",
    "RANGE_REQ",
    "READ_REPAIR_REQ",
    "HINT_REQ",
    "BATCH_STORE_REQ",
    "BATCH_REMOVE_REQ",
    "TRUNCATE_REQ",
    "REQUEST_RSP",
    "_TRACE",
];

/// `nodetool tpstats`
pub(super) fn pool_stats(pools: &[PoolAnswer]) -> String {
    let mut table = Table::default();
    table.add(["Pool Name", "Active", "Pending", "Completed", "Blocked", "All time blocked"]);
    for pool in pools {
        let figures = [pool.active, pool.pending, pool.completed, 0, 0].map(|figure| figure.to_string());
        table.add(std::iter::once(pool.name.clone()).chain(figures));
    }
    let mut out = table.text(" ");
    out.push_str("\nLatencies waiting in queue (micros) per dropped message types\n");
    let mut line = |name: &str, dropped: &str, [a, b, c, d]: [&str; 4]| {
        writeln!(out, "{name:<33} {dropped:<11} {a:<8} {b:<8} {c:<8} {d}").expect("writing to a string does not fail");
    };
    line("Message type", "Dropped", ["50%", "95%", "99%", "Max"]);
    MESSAGES.iter().for_each(|name| line(name, "0", ["0.0"; 4]));
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
