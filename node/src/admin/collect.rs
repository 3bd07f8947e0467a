//! The admin port's answers, gathered from the node's live state.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use helenus_cluster::placement::Placement;
use helenus_cluster::topology::Ring;
use helenus_cluster::view::View;
use helenus_model::key::put_composite_component;
use helenus_model::schema::{Replication, Table};
use helenus_model::token::Token;
use uuid::Uuid;

use super::Admin;
use super::answers::{
    CacheAnswer, ClusterAnswer, HintsAnswer, InfoAnswer, KeyspaceAnswer, NodeAnswer, Ownership, PoolAnswer,
    PoolsAnswer, TableAnswer, TablesRequest,
};
use crate::clock;
use crate::config::Snitch;

/// Release version that this node speaks for.
const RELEASE_VERSION: &str = helenus_cluster::control::RELEASE_VERSION;

/// Keyspaces that every node has for itself.
const LOCAL_KEYSPACES: [&str; 2] = ["system_schema", "system"];

/// The cluster, and who owns how much of `keyspace`.
pub(super) fn cluster(admin: &Admin, keyspace: Option<&str>) -> ClusterAnswer {
    let shared = &admin.environment.shared;
    let view = shared.view.load();
    let peers = shared.peers.read();
    let own_load = super::load_bytes(&shared.engine) as f64;
    let mut nodes: Vec<NodeAnswer> = view
        .ring
        .nodes
        .iter()
        .map(|node| {
            let is_own = node.host_id == shared.host_id;
            let status = peers.get(&node.internode).cloned().unwrap_or_default();
            let own_schema = view.metadata.schema.version();
            NodeAnswer {
                address: node.internode,
                host_id: node.host_id.to_string(),
                datacenter: node.datacenter.clone(),
                rack: node.rack.clone(),
                is_alive: is_own || status.alive,
                load: if is_own { Some(own_load) } else { status.load_bytes },
                tokens: node.tokens.iter().map(|token| token.0).collect(),
                schema_version: if is_own { Some(own_schema) } else { status.schema_version }.map(|v| v.to_string()),
                release_version: if is_own { Some(RELEASE_VERSION.to_owned()) } else { status.release_version },
            }
        })
        .collect();
    nodes.sort_by_key(|node| node.address);
    let snitch = match admin.config.snitch {
        Snitch::Simple => "org.apache.cassandra.locator.SimpleSnitch",
        Snitch::GossipingPropertyFile => "org.apache.cassandra.locator.GossipingPropertyFileSnitch",
    };
    ClusterAnswer {
        name: view.metadata.cluster_name.clone(),
        snitch: snitch.to_owned(),
        nodes,
        keyspaces: keyspaces(&view),
        ownership: ownership(&view, keyspace),
    }
}

fn keyspaces(view: &View) -> Vec<KeyspaceAnswer> {
    let of_users = view.schema().keyspaces.values().map(|keyspace| {
        let (class, options) = match &keyspace.replication {
            Replication::Simple { factor } => {
                ("SimpleStrategy", BTreeMap::from([("replication_factor".to_owned(), factor.to_string())]))
            }
            Replication::NetworkTopology { factors } => {
                let options = factors.iter().map(|(datacenter, factor)| (datacenter.clone(), factor.to_string()));
                ("NetworkTopologyStrategy", options.collect())
            }
            Replication::Local => ("LocalStrategy", BTreeMap::new()),
        };
        KeyspaceAnswer { name: keyspace.name.clone(), class: class.to_owned(), options }
    });
    let of_node = LOCAL_KEYSPACES.iter().map(|name| KeyspaceAnswer {
        name: (*name).to_owned(),
        class: "LocalStrategy".to_owned(),
        options: BTreeMap::new(),
    });
    of_users.chain(of_node).collect()
}

/// As Cassandra has it: a keyspace's own placement; without one, that of all users' keyspaces if it is the same.
fn ownership(view: &View, keyspace: Option<&str>) -> Ownership {
    if let Some(name) = keyspace {
        return match view.keyspace(name) {
            Some(found) => Ownership::Effective(shares(&view.ring, &found.placement)),
            None => Ownership::UnknownKeyspace,
        };
    }
    let mut keyspaces = view.schema().keyspaces.values().filter(|keyspace| !keyspace.name.starts_with("system"));
    let replication = match keyspaces.next() {
        // Cassandra looks at system_traces then, which has two copies.
        None => Replication::Simple { factor: 2 },
        Some(first) if keyspaces.all(|keyspace| keyspace.replication == first.replication) => first.replication.clone(),
        Some(_) => return Ownership::Meaningless,
    };
    Ownership::Effective(shares(&view.ring, &Placement::new(&view.ring, &replication)))
}

/// Each node's part of the ring, copies counted, by host id.
fn shares(ring: &Ring, placement: &Placement) -> BTreeMap<String, f64> {
    const WHOLE: f64 = 18_446_744_073_709_551_616.0;
    let mut parts: BTreeMap<String, f64> = ring.nodes.iter().map(|node| (node.host_id.to_string(), 0.0)).collect();
    for (i, (token, _)) in ring.tokens.iter().enumerate() {
        let before = ring.tokens[(i + ring.tokens.len() - 1) % ring.tokens.len()].0;
        let size = match token.0.wrapping_sub(before.0) as u64 {
            0 => WHOLE,
            size => size as f64,
        };
        for node in placement.replicas(*token) {
            if let Some(node) = ring.nodes.get(usize::from(*node)) {
                *parts.entry(node.host_id.to_string()).or_default() += size / WHOLE;
            }
        }
    }
    parts
}

/// This node.
pub(super) fn info(admin: &Admin) -> InfoAnswer {
    let shared = &admin.environment.shared;
    let view = shared.view.load();
    let stats = shared.engine.stats();
    let own = view.local.map(|local| view.node(local));
    let uptime = clock::now().monotonic_micros.saturating_sub(admin.started.monotonic_micros);
    let cache = |(hits, misses): (u64, u64), (entries, size): (u64, u64), capacity| CacheAnswer {
        hits,
        misses,
        entries,
        size,
        capacity,
    };
    let has_copies = |keyspace: &str| view.keyspace(keyspace).is_some_and(|k| k.replication.total_factor() > 1);
    InfoAnswer {
        host_id: shared.host_id.to_string(),
        is_gossip_active: !admin.is_drained(),
        is_native_active: admin.is_native_up.load(Relaxed),
        load: stats.tables.iter().map(|table| table.live_bytes).sum(),
        uncompressed_load: stats.tables.iter().map(|table| table.uncompressed_bytes).sum(),
        generation: shared.gossip_generation.load(Relaxed),
        uptime_seconds: uptime / 1_000_000,
        resident: resident_bytes(),
        datacenter: shared.config.datacenter.clone(),
        rack: shared.config.rack.clone(),
        tokens: own.map(|own| own.tokens.iter().map(|token| token.0).collect()).unwrap_or_default(),
        key_cache: cache(stats.key_cache, stats.key_cache_usage, crate::member_config::KEY_CACHE_BYTES),
        chunk_cache: cache(stats.chunk_cache, stats.chunk_cache_usage, admin.config.file_cache_size),
        sstable_memory: stats.tables.iter().map(|table| table.sstable_memory_bytes).sum(),
        is_unrepaired: stats.tables.iter().any(|table| table.live_sstables > 0 && has_copies(&table.keyspace)),
        is_joined: own.is_some(),
    }
}

/// Memory that is in use, as the kernel counts it; 0 where it does not say.
pub(super) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// All tables, by keyspace and name.
pub(super) fn tables(admin: &Admin) -> Vec<TableAnswer> {
    let engine = &admin.environment.shared.engine;
    let mut figures = engine.table_figures(clock::now());
    let mut tables: Vec<TableAnswer> = engine
        .stats()
        .tables
        .into_iter()
        .map(|table| (figures.remove(&table.id).unwrap_or_default(), table))
        .map(|(figures, table)| TableAnswer {
            keyspace: table.keyspace,
            name: table.name,
            sstables: table.live_sstables,
            live_bytes: table.live_bytes,
            uncompressed_bytes: table.uncompressed_bytes,
            partitions: table.estimated_partitions,
            memtable_bytes: table.memtable_bytes,
            sstable_memory_bytes: table.sstable_memory_bytes,
            reads: table.reads,
            writes: table.writes,
            pending_flushes: table.pending_flushes,
            bloom_false_positives: table.bloom_false_positives,
            bloom_true_positives: table.bloom_true_positives,
            sstable_bytes_max: figures.sstable_bytes_max,
            total_bytes: files_bytes(&directory_of(admin, &figures.directory), false),
            snapshot_bytes: files_bytes(&directory_of(admin, &figures.directory).join("snapshots"), true),
            compressible_bytes: figures.compressible_bytes,
            compressed_bytes: figures.compressed_bytes,
            memtable_operations: figures.memtable_operations,
            flushes: figures.flushes,
            read_nanos: figures.read_nanos_mean,
            write_nanos: figures.write_nanos_mean,
            // Filter.db has eight bytes more than the filter.
            filter_bytes: figures.filter_memory + 8 * figures.filters,
            filter_memory: figures.filter_memory,
            summary_memory: figures.summary_memory,
            chunk_memory: figures.chunk_memory,
            partition_bytes: figures.partition_bytes,
            droppable_tombstones: figures.droppable_tombstones,
            live_mean: figures.scans.live_mean,
            live_max: figures.scans.live_max,
            tombstones_mean: figures.scans.tombstones_mean,
            tombstones_max: figures.scans.tombstones_max,
        })
        .collect();
    tables.sort_by(|a, b| (&a.keyspace, &a.name).cmp(&(&b.keyspace, &b.name)));
    tables
}

/// Where a table's files are; the engine names its directories below `data`.
pub(super) fn directory_of(admin: &Admin, directory: &str) -> PathBuf {
    let data = admin.config.data_directories.first().cloned().unwrap_or_default();
    data.join(directory.strip_prefix("data/").unwrap_or(directory))
}

/// Bytes of the files of a directory, and of those below it if `deep`; 0 where there is none.
fn files_bytes(directory: &Path, deep: bool) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(metadata) if metadata.is_dir() && deep => files_bytes(&entry.path(), true),
        _ => 0,
    });
    bytes.sum()
}

/// What Cassandra does in thread pools, by its names and in its order. Where Helenus has no such work, nothing runs, waits or was
/// done.
pub(super) fn pools(admin: &Admin) -> PoolsAnswer {
    let shared = &admin.environment.shared;
    let stats = shared.engine.stats();
    let jobs = &admin.jobs.stats;
    let member = &shared.stats;
    let pending_flushes: u64 = stats.tables.iter().map(|table| table.pending_flushes).sum();
    let (flushes, flushing) = (jobs.flushes.load(Relaxed), jobs.flushing.load(Relaxed));
    let (reading, reads_waiting, _) = admin.environment.pools.read_stats.counts();
    let (checking, logins_waiting, logins) = admin.environment.pools.password_stats.counts();
    let waiting: u64 = member.waiting.read().values().sum();
    let none = (0, 0, 0);
    let flush = (flushing, pending_flushes.saturating_sub(flushing), flushes);
    let pools = [
        ("MutationStage", (0, 0, stats.tables.iter().map(|table| table.writes).sum())),
        ("ReadStage", (reading, reads_waiting, stats.tables.iter().map(|table| table.reads).sum())),
        ("CompactionExecutor", (admin.jobs.running() as u64, 0, jobs.compactions.load(Relaxed))),
        ("SecondaryIndexExecutor", none),
        ("MemtableReclaimMemory", (0, 0, flushes)),
        ("PendingRangeCalculator", none),
        ("GossipStage", none),
        ("SecondaryIndexManagement", none),
        ("HintsDispatcher", (0, 0, member.hints_delivered.load(Relaxed))),
        ("StatusPropagationExecutor", none),
        ("MigrationStage", none),
        ("MemtablePostFlush", (0, 0, flushes)),
        ("PerDiskMemtableFlushWriter_0", flush),
        ("ValidationExecutor", none),
        ("Sampler", none),
        ("ViewBuildExecutor", none),
        ("MemtableFlushWriter", flush),
        ("CacheCleanupExecutor", none),
        ("Native-Transport-Auth-Requests", (checking, logins_waiting, logins)),
        ("Native-Transport-Requests", (waiting, 0, member.requests.load(Relaxed))),
    ];
    let pool = |(name, (active, pending, completed)): (&str, (u64, u64, u64))| PoolAnswer {
        name: name.to_owned(),
        active,
        pending,
        completed,
    };
    let dropped = [
        ("MUTATION_REQ", member.dropped_writes.load(Relaxed)),
        ("READ_REQ", member.dropped_reads.load(Relaxed)),
        ("HINT_REQ", member.hints_dropped.load(Relaxed)),
    ];
    PoolsAnswer {
        pools: pools.into_iter().map(pool).collect(),
        dropped: dropped.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
    }
}

/// Hints that wait, by host.
pub(super) fn hints(admin: &Admin) -> Vec<HintsAnswer> {
    let pending = admin.environment.shared.hints.pending();
    let answer = |hints: helenus_cluster::hints::PendingHints| HintsAnswer {
        host_id: hints.host.to_string(),
        files: hints.files,
        oldest_millis: hints.oldest_millis,
        newest_millis: hints.newest_millis,
    };
    pending.into_iter().map(answer).collect()
}

/// The nodes that hold a partition, whose key is written as Cassandra writes it: values of several columns parted by colons.
pub(super) fn endpoints(admin: &Admin, keyspace: &str, table: &str, key: &str) -> Result<Vec<IpAddr>, String> {
    let view = admin.environment.shared.view.load();
    let found = view.schema().keyspace(keyspace).ok_or_else(|| format!("Unknown keyspace '{keyspace}'"))?;
    let table = found.tables.get(table).ok_or_else(|| format!("Unknown table '{table}' in keyspace '{keyspace}'"))?;
    let token = Token::of_key(&key_bytes(table, key)?);
    let replicas = view.replicas(keyspace, token);
    Ok(replicas.iter().map(|node| view.node(*node).internode.ip()).collect())
}

fn key_bytes(table: &Table, key: &str) -> Result<Vec<u8>, String> {
    let columns = &table.partition_key;
    let parse = |i: usize, text: &str| {
        let column = columns.get(i).ok_or_else(|| "the table has no partition key".to_owned())?;
        helenus_model::value::parse_text(&column.ty, text).map_err(|error| error.to_string())
    };
    if columns.len() == 1 {
        return parse(0, key);
    }
    let parts: Vec<&str> = key.split(':').collect();
    if parts.len() != columns.len() {
        return Err(format!("the partition key has {} columns: part their values by ':'", columns.len()));
    }
    let mut bytes = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        put_composite_component(&mut bytes, &parse(i, part)?);
    }
    Ok(bytes)
}

/// The tables that a call names; all of them when it names none.
pub(super) fn chosen_tables(admin: &Admin, request: &TablesRequest) -> Result<Vec<Uuid>, String> {
    let stats = admin.environment.shared.engine.stats();
    let Some(keyspace) = &request.keyspace else { return Ok(stats.tables.iter().map(|table| table.id).collect()) };
    let of_keyspace = || stats.tables.iter().filter(|table| table.keyspace == *keyspace);
    if of_keyspace().next().is_none() && admin.environment.shared.view.load().keyspace(keyspace).is_none() {
        return Err(format!("Keyspace [{keyspace}] does not exist."));
    }
    if request.tables.is_empty() {
        return Ok(of_keyspace().map(|table| table.id).collect());
    }
    let find = |name: &String| {
        let found = of_keyspace().find(|table| table.name == *name);
        found.map(|table| table.id).ok_or_else(|| format!("Unknown keyspace/cf pair ({keyspace}.{name})"))
    };
    request.tables.iter().map(find).collect()
}
