//! Runs the simulator over seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use helenus_sim::coverage::Coverage;
use helenus_sim::runner::{Report, run_seed};
use helenus_sim::trace::HashText;

/// Simulates whole clusters through faults, each from a seed.
#[derive(Debug, Parser)]
#[command(name = "helenus-sim", version)]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Run this one seed only
    #[arg(long)]
    seed: Option<u64>,
    /// Print everything that happens
    #[arg(long)]
    trace: bool,
    /// Print a line for each seed
    #[arg(long)]
    verbose: bool,
    /// Go on after a failure
    #[arg(long)]
    keep_going: bool,
    /// Run each seed twice and compare
    #[arg(long)]
    check_determinism: bool,
}

/// Why a seed failed, if it did.
fn run(seed: u64, arguments: &Arguments) -> Result<Report, String> {
    let once = || {
        catch_unwind(AssertUnwindSafe(|| run_seed(seed, arguments.trace)))
            .map_err(|_| "the program panicked (see above)".to_owned())
    };
    let report = once()?;
    if arguments.check_determinism {
        let again = once()?;
        if again.hash != report.hash {
            return Err(format!("two runs differ: {} and {}", HashText(report.hash), HashText(again.hash)));
        }
    }
    if let Some(failure) = &report.failure {
        return Err(format!("{failure}\n  trace {}", HashText(report.hash)));
    }
    Ok(report)
}

fn replay_command(seed: u64) -> String {
    format!("cargo run --release --package helenus-sim -- --seed {seed} --trace")
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if arguments.trace { "debug" } else { "off" };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    let (first, count) = arguments.seed.map_or((arguments.first, arguments.seeds), |seed| (seed, 1));
    #[expect(clippy::disallowed_methods, reason = "the speed of the runner is no part of a run")]
    let began = Instant::now();
    let mut coverage = Coverage::default();
    let (mut operations, mut failures, mut simulated, mut done) = (0, 0, 0, 0);
    for seed in first..first.saturating_add(count) {
        match run(seed, &arguments) {
            Ok(report) => {
                operations += report.operations;
                simulated += report.micros;
                coverage += report.coverage;
                if arguments.verbose || count == 1 {
                    println!(
                        "seed {seed}: {} of {} requests succeeded, {} writes acknowledged, {} faults, {} deaths, {:.1} s simulated, trace {}",
                        report.succeeded,
                        report.operations,
                        report.acknowledged,
                        report.faults,
                        report.deaths,
                        report.micros as f64 / 1e6,
                        HashText(report.hash),
                    );
                    println!("  {}", report.coverage);
                }
            }
            Err(why) => {
                failures += 1;
                println!("seed {seed} FAILED: {why}\n  replay: {}", replay_command(seed));
                if !arguments.keep_going {
                    return ExitCode::FAILURE;
                }
            }
        }
        done += 1;
        if done % 100 == 0 {
            println!(
                "{done} of {count} seeds, {failures} failed, {:.1} a second",
                f64::from(done) / began.elapsed().as_secs_f64()
            );
        }
    }
    println!(
        "{done} seeds, {failures} failed, {operations} requests, {:.0} s simulated in {:.1} s",
        simulated as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    println!("{coverage}");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
