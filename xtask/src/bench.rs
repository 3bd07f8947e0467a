//! `cargo xtask bench`: Helenus beside Apache Cassandra 5.0.6, one after the other on the same machine,
//! driven by latte, a third party's benchmark, over the workloads of `benches/`.
//!
//! The figure to compare is the server's CPU time per operation, user and system, from `/proc`: it does
//! not depend on the client sharing the cores. Each workload is loaded, warmed up, and measured with
//! many and with few requests in flight on one connection.
//!
//! 1. Start: from exec to the first SUPPORTED; for Helenus the median of ten. Then three nodes by one
//!    `helenus cluster` on an empty folder, to the last node's first SUPPORTED: the median of ten.
//! 2. The workloads against one node.
//! 3. Memory: 200,000 feature rows and 2,000,000 events on a fresh node, ten seconds later.
//! 4. Three nodes, replication 3, LOCAL_QUORUM.
//! 5. 500 tables created and dropped on one node, 100 on three, by the client's clock.

mod fleet;
mod latte;
mod measure;
mod plot;
mod report;
mod tables;
mod workload;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::workspace;
use fleet::Kind;
use report::{Report, ServerReport};

/// Which servers to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Only {
    Helenus,
    Cassandra,
}

/// What `cargo xtask bench` takes.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Run only one of the two servers
    #[arg(long)]
    only: Option<Only>,
    /// Run only this workload: a name of benches/*.rn, or start, cluster, memory, three_write, three_read,
    /// tables, three_tables; may be given more than once
    #[arg(long)]
    workload: Vec<String>,
    /// Requests in flight; may be given more than once
    #[arg(long, default_values_t = [128, 4])]
    in_flight: Vec<u32>,
    /// Small data and short runs: to see that everything works, not to measure
    #[arg(long)]
    quick: bool,
    /// Seconds measured for each line
    #[arg(long)]
    duration: Option<u32>,
    /// Seconds of warm-up before each workload; by default 60 for Cassandra's JIT and 10 for Helenus
    #[arg(long)]
    warm_up: Option<u32>,
    /// Take Cassandra's figures from the report of an earlier run
    #[arg(long)]
    reuse_cassandra: Option<PathBuf>,
}

impl BenchArguments {
    fn seconds(&self) -> u32 {
        self.duration.unwrap_or(if self.quick { 4 } else { 30 })
    }

    fn warm_up_seconds(&self, kind: Kind) -> u32 {
        let usual = match kind {
            _ if self.quick => 2,
            Kind::Cassandra => 60,
            Kind::Helenus => 10,
        };
        self.warm_up.unwrap_or(usual)
    }

    fn wants(&self, name: &str) -> bool {
        self.workload.is_empty() || self.workload.iter().any(|wanted| wanted == name)
    }
}

/// `target/bench`.
fn home() -> PathBuf {
    workspace::target().join("bench")
}

/// Runs the benchmark, prints its table and writes `target/bench/report.json` and `report.svg`.
///
/// # Errors
/// A name of a workload that is none, or a server or latte that fails.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    let known = workload::names();
    for name in &arguments.workload {
        ensure!(known.contains(&name.as_str()), "no workload '{name}': {}", known.join(", "));
    }
    latte::install()?;
    fs::create_dir_all(home())?;
    let mut report = Report::new(arguments.quick);
    if let Some(path) = &arguments.reuse_cassandra {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let earlier: Report = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let cassandra = earlier.servers.into_iter().find(|server| server.name == "Cassandra");
        report.servers.push(cassandra.context("no figures of Cassandra in that report")?);
    } else if arguments.only != Some(Only::Helenus) {
        serve_into(&mut report, Kind::Cassandra, arguments)?;
    }
    if arguments.only != Some(Only::Cassandra) {
        serve_into(&mut report, Kind::Helenus, arguments)?;
    }
    println!("\n{}", report.table());
    let json = save(&report)?;
    let svg = home().join("report.svg");
    fs::write(&svg, plot::svg(&report))?;
    println!("written: {} and {}", json.display(), svg.display());
    Ok(())
}

/// Measures a server. What was measured before a failure is in the file, too.
fn serve_into(report: &mut Report, kind: Kind, arguments: &BenchArguments) -> Result<()> {
    let mut server = ServerReport::new(kind.name());
    let served = serve(kind, arguments, &mut server);
    report.servers.push(server);
    save(report)?;
    served
}

fn save(report: &Report) -> Result<PathBuf> {
    let path = home().join("report.json");
    fs::write(&path, serde_json::to_string_pretty(report)?).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// Everything about one of the two servers.
fn serve(kind: Kind, arguments: &BenchArguments, server: &mut ServerReport) -> Result<()> {
    if kind == Kind::Helenus {
        workspace::release_binary()?;
    }
    if arguments.wants("start") {
        server.start_milliseconds = Some(measure::start(kind, arguments.quick)?);
    }
    if kind == Kind::Helenus && arguments.wants("cluster") {
        server.cluster_milliseconds = Some(measure::cluster_start(arguments.quick)?);
    }
    measure::workloads(kind, arguments, server)?;
    if arguments.wants("memory") {
        server.resident_mebibytes = Some(measure::memory(kind, arguments.quick)?);
    }
    measure::three_nodes(kind, arguments, server)?;
    for (name, nodes, heap) in [("tables", 1, measure::ONE_HEAP), ("three_tables", 3, measure::THREE_HEAP)] {
        if arguments.wants(name) {
            tables::measure(kind, nodes, heap, arguments.quick, server)?;
        }
    }
    Ok(())
}
