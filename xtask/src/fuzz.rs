//! `cargo xtask fuzz`: one of the libFuzzer targets of `fuzz/`, with the pinned toolchain.
//!
//! The compiler's coverage instrumentation and AddressSanitizer are asked for directly, so that neither
//! a nightly toolchain nor `cargo-fuzz` is needed. What the fuzzer finds interesting is kept below the
//! target folder; the seeds in `fuzz/corpus` are only read.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{process, workspace};

/// What the compiler is told beside the workspace's own settings.
const RUST_FLAGS: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
    "-Zsanitizer=address",
];

/// What `cargo xtask fuzz` takes.
#[derive(Args)]
pub(crate) struct FuzzArguments {
    /// A target: frame, parser, commit_log, values, message, sstable, function, paging_state
    target: String,
    /// How long to run
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Further words for libFuzzer itself
    #[arg(last = true)]
    rest: Vec<String>,
}

/// The triple of this machine: instrumented code is kept apart from build scripts by naming it.
fn host() -> Result<String> {
    let text = process::output(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV does not name the host")
}

/// Builds the target and runs it; ends with libFuzzer's own figures.
///
/// # Errors
/// There is no such target, the build fails, or the fuzzer found an input that breaks a promise.
pub(crate) fn run(arguments: &FuzzArguments) -> Result<()> {
    let name = arguments.target.as_str();
    let root = workspace::root().join("fuzz");
    let source = root.join("targets").join(format!("{name}.rs"));
    ensure!(source.is_file(), "there is no fuzz target '{name}' in fuzz/targets");
    let host = host()?;
    let home = workspace::target().join("fuzz");
    let mut build = workspace::cargo();
    build
        .current_dir(&root)
        .args(["build", "--release", "--bin", name, "--target", &host])
        .arg("--target-dir")
        .arg(&home)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", RUST_FLAGS.join(" "));
    process::run(&mut build)?;
    let found = home.join("corpus").join(name);
    let artifacts = home.join("artifacts").join(name);
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let mut fuzzer = Command::new(home.join(&host).join("release").join(name));
    fuzzer
        .current_dir(&root)
        .arg(&found)
        .arg(root.join("corpus").join(name))
        .arg(format!("-max_total_time={}", arguments.seconds))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"])
        .args(&arguments.rest);
    process::run(&mut fuzzer)
}
