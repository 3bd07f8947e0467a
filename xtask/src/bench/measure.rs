//! The steps of the benchmark.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::BenchArguments;
use super::fleet::{self, Fleet, Kind};
use super::latte::{self, Target};
use super::report::{Measurement, ServerReport};
use super::workload::{self, Workload};

/// Cassandra's heap where there is one node.
pub(crate) const ONE_HEAP: &str = "4G";
/// The heap of each of three Cassandra nodes.
pub(crate) const THREE_HEAP: &str = "2G";
const KEYSPACE: &str = "bench";

/// Milliseconds from exec to the first SUPPORTED: Cassandra once, Helenus the median of ten.
///
/// # Errors
/// The server does not come up.
pub(crate) fn start(kind: Kind, quick: bool) -> Result<f64> {
    fleet::clean(kind, 1)?;
    let times = match kind {
        Kind::Cassandra => 1,
        Kind::Helenus if quick => 3,
        Kind::Helenus => 10,
    };
    let mut found = Vec::new();
    for _ in 0..times {
        let fleet = Fleet::start(kind, 1, ONE_HEAP)?;
        found.push(fleet.ready_after.as_secs_f64() * 1_000.0);
    }
    let middle = median(found)?;
    println!("{:<10} start: {middle:.0} ms", kind.name());
    Ok(middle)
}

fn median(mut found: Vec<f64>) -> Result<f64> {
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied().context("no start at all")
}

/// Milliseconds from exec of `helenus cluster` to the last of three nodes' first SUPPORTED: the median of ten.
///
/// # Errors
/// A node does not come up.
pub(crate) fn cluster_start(quick: bool) -> Result<f64> {
    let times = if quick { 3 } else { 10 };
    let found: Vec<f64> =
        (0..times).map(|_| Ok(fleet::cluster_start()?.as_secs_f64() * 1_000.0)).collect::<Result<_>>()?;
    let middle = median(found)?;
    println!("{:<10} start of three nodes: {middle:.0} ms", Kind::Helenus.name());
    Ok(middle)
}

/// The workloads against one node.
///
/// # Errors
/// The server or latte fails.
pub(crate) fn workloads(kind: Kind, arguments: &BenchArguments, server: &mut ServerReport) -> Result<()> {
    let wanted: Vec<Workload> = workload::ALL.into_iter().filter(|workload| arguments.wants(workload.script)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    fleet::clean(kind, 1)?;
    let fleet = Fleet::start(kind, 1, ONE_HEAP)?;
    for workload in wanted {
        let target = Target {
            addresses: &fleet.addresses,
            keyspace: KEYSPACE,
            replication: 1,
            consistency: "ONE",
            size: workload.size_parameter(arguments.quick),
        };
        latte::schema(&workload, &target)?;
        if workload.rows > 0 {
            latte::load(&workload, &target)?;
        }
        if workload.is_compacted {
            fleet.nodetool(&["flush", KEYSPACE, workload.table])?;
            fleet.nodetool(&["compact", KEYSPACE, workload.table])?;
            server.table_bytes = Some(fleet.table_bytes(KEYSPACE, workload.table)?);
        }
        fleet.settle()?;
        lines(&fleet, kind, &workload, workload.script, &target, arguments, server)?;
    }
    server.threads = Some(fleet.status("Threads")?);
    Ok(())
}

/// Three nodes, replication 3, LOCAL_QUORUM: their CPU time summed.
///
/// # Errors
/// A server or latte fails.
pub(crate) fn three_nodes(kind: Kind, arguments: &BenchArguments, server: &mut ServerReport) -> Result<()> {
    let wanted: Vec<(&str, &str)> = [("three_write", "point_write"), ("three_read", "point_read")]
        .into_iter()
        .filter(|(name, _)| arguments.wants(name))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    fleet::clean(kind, 3)?;
    let fleet = Fleet::start(kind, 3, THREE_HEAP)?;
    for (name, script) in wanted {
        let workload = workload::named(script).context("a workload of benches/")?;
        let target = Target {
            addresses: &fleet.addresses,
            keyspace: "bench_three",
            replication: 3,
            consistency: "LOCAL_QUORUM",
            size: workload.size_parameter(arguments.quick),
        };
        latte::schema(&workload, &target)?;
        if workload.rows > 0 {
            latte::load(&workload, &target)?;
        }
        fleet.settle()?;
        lines(&fleet, kind, &workload, name, &target, arguments, server)?;
    }
    Ok(())
}

/// More than any run makes: where runs go on behind each other, the next one starts that far on.
const REQUESTS_A_RUN: u64 = 1_000_000_000;

/// Warms up and measures a workload with each number of requests in flight.
fn lines(
    fleet: &Fleet,
    kind: Kind,
    workload: &Workload,
    name: &str,
    target: &Target<'_>,
    arguments: &BenchArguments,
    server: &mut ServerReport,
) -> Result<()> {
    let warm_up = arguments.warm_up_seconds(kind);
    let mut starts = (1_u64..).map(|run| run * REQUESTS_A_RUN);
    let mut run = |in_flight, seconds| {
        latte::run(workload, target, in_flight, seconds, starts.next().context("runs without end")?)
    };
    for (at, in_flight) in arguments.in_flight.iter().copied().enumerate() {
        // The code is warm after the first round; the second warm-up is for the other rhythm.
        let seconds = if at == 0 { warm_up } else { warm_up.div_ceil(4) };
        if seconds > 0 {
            run(in_flight, seconds)?;
        }
        let before = fleet.cpu_seconds()?;
        let seen = run(in_flight, arguments.seconds())?;
        let used = fleet.cpu_seconds()? - before;
        // A fast wrong answer is no answer. The last requests may still be under way at the end.
        let expected = seen.operations * workload.rows;
        let slack = u64::from(in_flight) * workload.rows;
        ensure!(seen.rows.abs_diff(expected) <= slack, "{name}: {} rows instead of {expected}", seen.rows);
        let measurement = Measurement {
            workload: name.to_owned(),
            in_flight,
            operations: seen.operations,
            errors: seen.errors,
            rows: seen.rows,
            throughput: seen.throughput,
            p50_milliseconds: seen.p50,
            p99_milliseconds: seen.p99,
            p999_milliseconds: seen.p999,
            cpu_microseconds: used * 1e6 / seen.operations as f64,
        };
        println!("{:<10} {}", kind.name(), measurement.line());
        server.measurements.push(measurement);
    }
    Ok(())
}

/// Resident MiB with 200,000 feature rows and 2,000,000 events, ten seconds after the last write.
///
/// # Errors
/// The server or latte fails.
pub(crate) fn memory(kind: Kind, quick: bool) -> Result<f64> {
    fleet::clean(kind, 1)?;
    let fleet = Fleet::start(kind, 1, ONE_HEAP)?;
    let sizes = [
        ("point_read", if quick { "rows=20000" } else { "rows=200000" }),
        ("newest_20", if quick { "users=2000" } else { "users=20000" }),
    ];
    for (script, size) in sizes {
        let workload = workload::named(script).context("a workload of benches/")?;
        let target = Target {
            addresses: &fleet.addresses,
            keyspace: KEYSPACE,
            replication: 1,
            consistency: "ONE",
            size: size.to_owned(),
        };
        latte::schema(&workload, &target)?;
        latte::load(&workload, &target)?;
    }
    std::thread::sleep(Duration::from_secs(10));
    let mebibytes = fleet.status("VmRSS")? as f64 / 1024.0;
    println!("{:<10} resident memory: {mebibytes:.0} MiB", kind.name());
    Ok(mebibytes)
}
