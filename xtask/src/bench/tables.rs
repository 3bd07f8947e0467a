//! How quick schema statements are: tables created and dropped one by one through the Python driver.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::fleet::{self, Fleet, Kind};
use super::report::ServerReport;
use crate::{process, venv};

/// The time of one run, by the client's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableTimes {
    /// How many nodes there were.
    #[serde(default)]
    pub(crate) nodes: u8,
    /// How many tables.
    #[serde(default)]
    pub(crate) tables: u32,
    /// From the first CREATE to the last answer.
    pub(crate) created_seconds: f64,
    /// From the first DROP to the last answer.
    pub(crate) dropped_seconds: f64,
}

impl TableTimes {
    /// A line of the report, beside the other server's run where there is one.
    pub(crate) fn line(&self, other: Option<&TableTimes>) -> String {
        let TableTimes { nodes, tables, created_seconds, dropped_seconds } = self;
        let ratio = |this: f64, other: Option<f64>| {
            other.filter(|_| this > 0.0).map(|other| format!(" (1/{:.1})", other / this)).unwrap_or_default()
        };
        let created = ratio(*created_seconds, other.map(|other| other.created_seconds));
        let dropped = ratio(*dropped_seconds, other.map(|other| other.dropped_seconds));
        let nodes = if *nodes == 1 { "one node".to_owned() } else { format!("{nodes} nodes") };
        format!(
            "{tables} tables, {nodes}: created in {created_seconds:.2} s{created}, dropped in {dropped_seconds:.2} s{dropped}"
        )
    }
}

/// Creates and drops tables on a fresh fleet of `nodes`.
///
/// # Errors
/// A server or the client fails.
pub(crate) fn measure(kind: Kind, nodes: u8, heap: &str, quick: bool, server: &mut ServerReport) -> Result<()> {
    let tables = match nodes {
        _ if quick => 20,
        1 => 500,
        // Three Apache Cassandra nodes take a second and more for each: with 500, half an hour.
        _ => 100,
    };
    fleet::clean(kind, nodes)?;
    let fleet = Fleet::start(kind, nodes, heap)?;
    fleet.settle()?;
    let mut command = venv::python()?;
    command.arg("benches/tables.py").arg(tables.to_string());
    command.args(fleet.addresses.iter().map(ToString::to_string));
    let printed = process::output(&mut command)?;
    let found: TableTimes = serde_json::from_str(printed.trim()).with_context(|| printed.clone())?;
    let times = TableTimes { nodes, tables, ..found };
    println!("{:<10} {}", kind.name(), times.line(None));
    server.table_times.push(times);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_compares() {
        let times =
            |created_seconds, dropped_seconds| TableTimes { nodes: 3, tables: 500, created_seconds, dropped_seconds };
        let ours = times(2.0, 4.0);
        assert_eq!(ours.line(None), "500 tables, 3 nodes: created in 2.00 s, dropped in 4.00 s");
        let beside = ours.line(Some(&times(30.0, 48.0)));
        assert_eq!(beside, "500 tables, 3 nodes: created in 2.00 s (1/15.0), dropped in 4.00 s (1/12.0)");
    }
}
