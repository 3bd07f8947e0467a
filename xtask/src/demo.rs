//! `cargo xtask demo`: the main job on real input, as a program of `examples/` against three nodes.

use anyhow::{Result, ensure};
use clap::Args;

use crate::{process, venv, workspace};

const SMALL_ROWS: &str = "12000";
const SMALL_ADDRESS: &str = "127.0.91.1";

/// What `cargo xtask demo` takes.
#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Further words for the program itself
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds the release binary and the Python environment and runs `examples/demo.py` in them.
///
/// # Errors
/// The build, the environment or the demo fails.
pub(crate) fn run(arguments: &DemoArguments) -> Result<()> {
    start(&arguments.rest.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same with fewer rows, on addresses that no running cluster of the user's has: for `cargo xtask test`.
///
/// # Errors
/// The build, the environment or the demo fails.
pub(crate) fn run_small() -> Result<()> {
    start(&["--rows", SMALL_ROWS, "--base-address", SMALL_ADDRESS])
}

fn start(words: &[&str]) -> Result<()> {
    let program = workspace::root().join("examples").join("demo.py");
    ensure!(program.is_file(), "{} is missing", program.display());
    let binary = workspace::release_binary()?;
    let mut command = venv::python()?;
    command.arg(program).args(words).env("HELENUS_BIN", binary);
    command.env("HELENUS_TARGET", workspace::target());
    process::run(&mut command)
}
