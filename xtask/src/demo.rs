//! `cargo xtask demo`: the main job on real input, as a program of `examples/` against three nodes.

use anyhow::{Result, ensure};
use clap::Args;

use crate::{process, venv, workspace};

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
    let program = workspace::root().join("examples").join("demo.py");
    ensure!(program.is_file(), "{} is missing", program.display());
    let binary = workspace::release_binary()?;
    let mut command = venv::python()?;
    command.arg(program).args(&arguments.rest).env("HELENUS_BIN", binary);
    process::run(&mut command)
}
