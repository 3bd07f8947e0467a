//! latte: a third party's benchmark for the native protocol, pinned, in `target/tools`.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::workload::Workload;
use crate::{process, workspace};

const VERSION: &str = "0.29.0";

fn program() -> PathBuf {
    workspace::target().join("tools").join("bin").join("latte")
}

/// Installs it, unless it is there. This compiles for some minutes, once.
///
/// # Errors
/// The installation fails.
pub(crate) fn install() -> Result<()> {
    let found = process::output(Command::new(program()).arg("--version")).unwrap_or_default();
    if found.split_whitespace().last() == Some(VERSION) {
        return Ok(());
    }
    println!("installing latte-cli {VERSION} into target/tools, which takes some minutes");
    let mut command = workspace::cargo();
    command.args(["install", "latte-cli", "--version", VERSION, "--locked", "--force", "--root"]);
    process::run(command.arg(workspace::target().join("tools")))
}

/// Where a script is sent, and with what.
pub(crate) struct Target<'a> {
    /// The nodes to connect to.
    pub(crate) addresses: &'a [IpAddr],
    /// The keyspace.
    pub(crate) keyspace: &'a str,
    /// Its replication factor.
    pub(crate) replication: usize,
    /// The consistency level.
    pub(crate) consistency: &'a str,
    /// `name=value` for the size of the data.
    pub(crate) size: String,
}

/// What latte saw in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Requests answered.
    pub(crate) operations: u64,
    /// Requests that failed.
    pub(crate) errors: u64,
    /// Rows answered.
    pub(crate) rows: u64,
    /// Requests a second.
    pub(crate) throughput: f64,
    /// Milliseconds below which half of the requests took, and so on.
    pub(crate) p50: f64,
    /// 99 in a hundred.
    pub(crate) p99: f64,
    /// 999 in a thousand.
    pub(crate) p999: f64,
}

fn command(action: &str, workload: &Workload, target: &Target<'_>) -> Command {
    let mut command = Command::new(program());
    command.arg("--log-dir").arg(super::home().join("logs"));
    command.arg(action).arg(workload.path());
    command.args(target.addresses.iter().map(IpAddr::to_string));
    if action != "schema" {
        command.args(["--consistency", target.consistency]);
    }
    command.args(["-P", &format!("keyspace={}", quoted(target.keyspace))]);
    command.args(["-P", &format!("replication={}", target.replication)]);
    command.args(["-P", &target.size]);
    command
}

/// A parameter is an expression of the script's language: text stands in quotes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Runs latte with its words in a file of their own, which an error names.
fn quietly(command: &mut Command, name: &str) -> Result<()> {
    let logs = super::home().join("logs");
    fs::create_dir_all(&logs)?;
    let path = logs.join(format!("{name}.txt"));
    let log = File::create(&path).with_context(|| path.display().to_string())?;
    command.stdout(log.try_clone()?).stderr(log);
    process::run(command).with_context(|| {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error")).collect();
        format!("{}; see {}", errors.join("; "), path.display())
    })
}

/// Makes the workload's keyspace and table.
///
/// # Errors
/// latte fails.
pub(crate) fn schema(workload: &Workload, target: &Target<'_>) -> Result<()> {
    let name = format!("{}-schema", workload.script);
    quietly(&mut command("schema", workload, target), &name)
}

/// Loads the workload's data.
///
/// # Errors
/// latte fails.
pub(crate) fn load(workload: &Workload, target: &Target<'_>) -> Result<()> {
    let mut command = command("load", workload, target);
    quietly(command.args(["--quiet", "--threads", "1", "--concurrency", "128"]), &format!("{}-load", workload.script))
}

/// Runs the workload for some seconds on one thread and one connection, from request number `start` on where it counts them.
///
/// # Errors
/// latte fails, or writes a report that cannot be read.
pub(crate) fn run(workload: &Workload, target: &Target<'_>, in_flight: u32, seconds: u32, start: u64) -> Result<Seen> {
    let name = format!("{}-{}-{in_flight}", workload.script, target.keyspace);
    let path = super::home().join("logs").join(format!("{name}.json"));
    let _absent = fs::remove_file(&path);
    let mut command = command("run", workload, target);
    command.args(["--quiet", "--threads", "1", "--connections", "1", "--warmup", "1"]);
    command.args(["--concurrency", &in_flight.to_string()]);
    command.args(["-P", &format!("start={start}")]);
    command.args(["--duration", &format!("{seconds}s")]).arg("--output").arg(&path);
    quietly(&mut command, &name)?;
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    seen(&serde_json::from_str(&text)?).with_context(|| path.display().to_string())
}

/// Reads latte's report.
fn seen(report: &Value) -> Result<Seen> {
    let result = report.get("result").context("no result")?;
    let number = |key: &str| result.get(key).and_then(Value::as_u64).with_context(|| format!("no number {key}"));
    let listed = report.get("percentiles").and_then(Value::as_array).context("no percentiles")?;
    let latency = ["request_latency", "cycle_latency"]
        .iter()
        .filter_map(|key| result.get(key)?.get("percentiles")?.as_array())
        .next()
        .context("no latencies")?;
    let percentile = |wanted: f64| {
        // The report's own list is of single precision.
        let is_wanted = |found: &Value| found.as_f64().is_some_and(|found| (found - wanted).abs() < 0.001);
        let at = listed.iter().position(is_wanted);
        let value = at.and_then(|at| latency.get(at)?.get("value")?.as_f64());
        value.with_context(|| format!("no percentile {wanted}"))
    };
    let throughput = result.get("req_throughput").and_then(|mean| mean.get("value")?.as_f64());
    let operations = number("request_count")?;
    if operations == 0 {
        bail!("no request was answered");
    }
    Ok(Seen {
        operations,
        errors: number("error_count")?,
        rows: number("row_count")?,
        throughput: throughput.context("no throughput")?,
        p50: percentile(50.0)?,
        p99: percentile(99.0)?,
        p999: percentile(99.9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(requests: u64) -> Value {
        let value = |value: f64| serde_json::json!({"n": 1, "value": value, "std_err": 0.1});
        serde_json::json!({
            "percentiles": [0.0, 50.0, 99.0, 99.900_001, 100.0],
            "result": {
                "request_count": requests, "error_count": 2, "row_count": 7,
                "req_throughput": value(1234.5),
                "request_latency": null,
                "cycle_latency": {"percentiles":
                    [value(0.1), value(0.5), value(0.9), value(1.5), value(9.0)]},
            },
        })
    }

    #[test]
    fn reports() {
        let expected = Seen { operations: 10, errors: 2, rows: 7, throughput: 1234.5, p50: 0.5, p99: 0.9, p999: 1.5 };
        assert_eq!(seen(&report(10)).expect("a whole report"), expected);
        for broken in [report(0), serde_json::json!({}), serde_json::json!({"result": {}})] {
            assert!(seen(&broken).is_err(), "{broken}");
        }
    }
}
