//! `cargo xtask sim`: the simulator's runner, in release, over a number of seeds.

use anyhow::Result;
use clap::Args;

use crate::{process, workspace};

/// What `cargo xtask sim` takes.
#[derive(Args)]
pub(crate) struct SimArguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Further words for the runner itself
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds the runner and runs it.
///
/// # Errors
/// The build fails, or a seed does.
pub(crate) fn run(arguments: &SimArguments) -> Result<()> {
    let mut command = workspace::cargo();
    command.args(["run", "--release", "--quiet", "--package", "helenus-sim"]);
    command.args(["--bin", "helenus-sim", "--"]);
    command.args(["--seeds", &arguments.seeds.to_string()]);
    command.args(["--first", &arguments.first.to_string()]);
    process::run(command.args(&arguments.rest))
}
