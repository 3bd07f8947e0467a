//! `cargo xtask kills`: three nodes, clients of the Python driver that write conditionally, count and batch while one node after the other is
//! killed, and the check that what they saw can be true.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::{process, venv, workspace};

/// What `cargo xtask kills` takes.
#[derive(Args)]
pub(crate) struct KillsArguments {
    /// How long clients work
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Of what clients choose and of who is killed; at random unless given
    #[arg(long)]
    seed: Option<u64>,
    /// The helenus program; a release build unless given
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Further words for the program itself
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// The nodes do not start, or what clients saw cannot be true.
pub(crate) fn run(arguments: &KillsArguments) -> Result<()> {
    let binary = match &arguments.binary {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => workspace::release_binary()?,
    };
    let mut command = venv::python()?;
    command.arg(workspace::root().join("cluster-tests").join("python").join("kills"));
    command.args(["--minutes", &arguments.minutes.to_string()]);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command.args(&arguments.rest).env("HELENUS_BIN", binary).env("HELENUS_TARGET", workspace::target());
    process::run(&mut command)
}
