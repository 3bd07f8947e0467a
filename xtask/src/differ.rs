//! `cargo xtask differ`: statements from seeds on Helenus and on Apache Cassandra side by side; every answer that differs is told.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::oracle::{self, Node, Settings};
use crate::{process, venv, workspace};

const ADDRESS: [u8; 4] = [127, 0, 0, 97];
const JMX_PORT: u16 = 7297;

/// What `cargo xtask differ` takes.
#[derive(Args)]
pub(crate) struct DifferArguments {
    /// An Apache Cassandra that runs already; else one is started and stopped
    #[arg(long)]
    cassandra: Option<String>,
    /// The helenus program; a release build unless given
    #[arg(long)]
    binary: Option<PathBuf>,
    /// How many seeds to run
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Statements a seed
    #[arg(long, default_value_t = 300)]
    statements: u64,
    /// Further words for the comparison itself
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Compares.
///
/// # Errors
/// A server does not start, or answers differ.
pub(crate) fn run(arguments: &DifferArguments) -> Result<()> {
    let binary = arguments.binary.clone().map_or_else(workspace::release_binary, Ok)?;
    let started = match arguments.cassandra {
        Some(_) => None,
        None => {
            let directory = workspace::target().join("differ").join("cassandra");
            Some(Node::start(&Settings::alone(ADDRESS.into(), JMX_PORT, "2G", directory))?)
        }
    };
    let contact = arguments.cassandra.clone().or_else(|| started.as_ref().map(|node| node.address.to_string()));
    let mut command = venv::python()?;
    command.arg(workspace::root().join("cluster-tests").join("python").join("differ"));
    command.args(["--cassandra", &contact.unwrap_or_default()]);
    for (name, value) in
        [("--seeds", arguments.seeds), ("--first", arguments.first), ("--statements", arguments.statements)]
    {
        command.args([name, &value.to_string()]);
    }
    command.args(&arguments.rest).env("HELENUS_BIN", binary).env("HELENUS_TARGET", workspace::target());
    let result = process::run(&mut command);
    if let Some(node) = started {
        oracle::stop(node.address)?;
    }
    result
}
