//! `cargo xtask test`: everything a change must pass, stage by stage, each with its time.
//!
//! `cargo deny` takes long to compile, so it runs where it is already installed (on the search path or
//! in `target/tools`); `--with-deny` installs it into `target/tools` first. What it checks of licences
//! and sources, `tidy` checks too, from `cargo metadata`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::{demo, oracle, process, tidy, venv, workspace};

const DENY_VERSION: &str = "0.20.2";

/// What `cargo xtask test` takes.
#[derive(Args)]
pub(crate) struct TestArguments {
    /// Install cargo-deny into target/tools first if it is not there
    #[arg(long)]
    with_deny: bool,
    /// Run only the stages whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Run every stage, also after one has failed
    #[arg(long)]
    keep_going: bool,
}

/// What came of a stage.
enum Outcome {
    Passed,
    /// It could not run here, and why.
    Skipped(String),
}

type Stage<'a> = (&'static str, Box<dyn Fn() -> Result<Outcome> + 'a>);

/// Runs the stages.
///
/// # Errors
/// A stage fails.
pub(crate) fn run(arguments: &TestArguments) -> Result<()> {
    let stages: [Stage<'_>; 9] = [
        ("fmt", Box::new(|| cargo(&["fmt", "--all", "--check"]))),
        ("tidy", Box::new(|| tidy::run().map(|()| Outcome::Passed))),
        ("clippy", Box::new(clippy)),
        ("deny", Box::new(|| deny(arguments.with_deny))),
        ("unit tests", Box::new(|| cargo(&["test", "--workspace", "--quiet"]))),
        ("release build", Box::new(|| workspace::release_binary().map(|_| Outcome::Passed))),
        ("python environment", Box::new(|| venv::python().map(|_| Outcome::Passed))),
        ("driver tests", Box::new(driver_tests)),
        ("demo", Box::new(|| demo::run_small().map(|()| Outcome::Passed))),
    ];
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, stage) in stages.iter().filter(|(name, _)| wanted(name)) {
        println!("== {name}");
        let started = Instant::now();
        let result = stage();
        lines.push(line(name, started.elapsed(), &result));
        if let Err(error) = result {
            eprintln!("{name}: {error:#}");
            failed.push(*name);
            if !arguments.keep_going {
                break;
            }
        }
    }
    println!("\n{}", lines.join("\n"));
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn line(name: &str, time: Duration, result: &Result<Outcome>) -> String {
    let outcome = match result {
        Ok(Outcome::Passed) => "passed".to_owned(),
        Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
        Err(_) => "FAILED".to_owned(),
    };
    format!("{name:<20} {:>7.1} s  {outcome}", time.as_secs_f64())
}

fn cargo(words: &[&str]) -> Result<Outcome> {
    process::run(workspace::cargo().args(words)).map(|()| Outcome::Passed)
}

fn clippy() -> Result<Outcome> {
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

/// The cargo-deny program, if it is installed.
fn deny_program() -> Option<PathBuf> {
    let own = workspace::target().join("tools").join("bin").join("cargo-deny");
    [own, PathBuf::from("cargo-deny")].into_iter().find(|path| Command::new(path).arg("--version").output().is_ok())
}

fn deny(may_install: bool) -> Result<Outcome> {
    if deny_program().is_none() && may_install {
        let root = workspace::target().join("tools");
        let mut install = workspace::cargo();
        install.args(["install", "cargo-deny", "--version", DENY_VERSION, "--locked", "--root"]);
        process::run(install.arg(root))?;
    }
    let Some(program) = deny_program() else {
        return Ok(Outcome::Skipped("cargo-deny is not installed (--with-deny)".to_owned()));
    };
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    process::run(command.args(["check", "licenses", "bans", "sources"]))?;
    Ok(Outcome::Passed)
}

/// The files of the driver tests, sorted.
fn driver_test_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("test_") && name.ends_with(".py")
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// Real drivers against the release binary. `HELENUS_BIN` names it; `HELENUS_ORACLE` is `yes` where
/// Apache Cassandra can be started through `cargo xtask oracle`, and else the reason why not.
fn driver_tests() -> Result<Outcome> {
    let files = driver_test_files(&workspace::root().join("cluster-tests").join("python"));
    if files.is_empty() {
        return Ok(Outcome::Skipped("there are no files test_*.py".to_owned()));
    }
    let binary = workspace::release_binary()?;
    let oracle_state = oracle::missing().unwrap_or_else(|| "yes".to_owned());
    let mut command = venv::python()?;
    command.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--durations=5"]);
    command.args(files).env("HELENUS_BIN", binary).env("HELENUS_ORACLE", oracle_state);
    command.env("HELENUS_TARGET", workspace::target());
    // The tests call `oracle` of this very program, not through cargo, which may be busy.
    command.env("HELENUS_XTASK", std::env::current_exe()?);
    process::run(&mut command)?;
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let seconds = Duration::from_millis(12_340);
        let table: [(Result<Outcome>, &str); 3] = [
            (Ok(Outcome::Passed), "fmt                     12.3 s  passed"),
            (Ok(Outcome::Skipped("why".to_owned())), "fmt                     12.3 s  skipped: why"),
            (Err(anyhow::anyhow!("no")), "fmt                     12.3 s  FAILED"),
        ];
        for (result, expected) in table {
            assert_eq!(line("fmt", seconds, &result), expected);
        }
    }
}
