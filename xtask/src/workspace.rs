//! Where things lie in the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The checkout's root: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The target folder, which holds everything built, fetched and written.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// A `cargo` command in the root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    // What cargo set for this very process would rebuild parts of the workspace.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds the release binary and answers its path.
///
/// # Errors
/// The build fails.
pub(crate) fn release_binary() -> Result<PathBuf> {
    process::run(cargo().args(["build", "--release", "--package", "helenus-node"]))?;
    let path = target().join("release").join("helenus");
    anyhow::ensure!(path.is_file(), "{} was not built", path.display());
    Ok(path)
}

/// The paths of all files git knows or would take, relative to the root.
///
/// # Errors
/// git is missing, or this is no checkout.
pub(crate) fn files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .context("git ls-files")?;
    anyhow::ensure!(output.status.success(), "git ls-files failed");
    let text = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let mut files: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty() && root().join(path).is_file()).map(str::to_owned).collect();
    files.sort();
    Ok(files)
}
