//! The project's own commands, run as `cargo xtask COMMAND`:
//!
//! - `test`: everything a change must pass, with the time of each stage.
//! - `tidy`: the house rules that a compiler does not know.
//! - `demo`: the main job on real input against three nodes.
//! - `bench`: Helenus beside Apache Cassandra on the same machine.
//! - `kills`: what clients see while nodes are killed, checked.
//! - `sim`: a simulated cluster through faults, from seeds.
//! - `fuzz`: bytes of strangers for the decoders, by libFuzzer.
//! - `differ`: statements from seeds on Helenus and on Apache Cassandra side by side.
//! - `oracle`: Apache Cassandra 5.0.6 itself, to ask and to compare with.
//!
//! Whatever they fetch or write lies under the target folder.

mod bench;
mod demo;
mod differ;
mod fuzz;
mod kills;
mod oracle;
mod process;
mod sim;
mod test;
mod tidy;
mod venv;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything a change must pass, with the time of each stage
    Test(test::TestArguments),
    /// The house rules: arrows between crates, sizes, words, licences
    Tidy,
    /// The main job on real input against three nodes
    Demo(demo::DemoArguments),
    /// Helenus beside Apache Cassandra on the same machine
    Bench(bench::BenchArguments),
    /// Conditional writes, counters and batches while nodes are killed
    Kills(kills::KillsArguments),
    /// A simulated cluster through faults, from seeds
    Sim(sim::SimArguments),
    /// Bytes of strangers for one of the decoders, by libFuzzer
    Fuzz(fuzz::FuzzArguments),
    /// Statements from seeds on Helenus and on Apache Cassandra side by side
    Differ(differ::DifferArguments),
    /// Apache Cassandra 5.0.6: start, stop, its tools, its nodetool
    Oracle(oracle::OracleArguments),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Test(arguments) => test::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Kills(arguments) => kills::run(&arguments),
        Command::Sim(arguments) => sim::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Differ(arguments) => differ::run(&arguments),
        Command::Oracle(arguments) => oracle::run(&arguments),
    }
}
