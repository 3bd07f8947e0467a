//! `cargo xtask oracle`: Apache Cassandra 5.0.6 itself, on Java 17, to ask and to compare with.
//!
//! The jars come from Maven Central through Maven; jars, configuration and data lie in `target/oracle`.
//! `HELENUS_CASSANDRA` may name the folder of an installation of one's own instead: its `lib` is taken.

mod jars;
mod java;
mod node;

use std::net::IpAddr;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::process;
pub(crate) use node::{Node, Settings, stop};

/// The release everything is compared with.
pub(crate) const VERSION: &str = "5.0.6";

/// What `cargo xtask oracle` takes.
#[derive(Args)]
pub(crate) struct OracleArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start one node and wait until it answers CQL
    Start(Settings),
    /// Stop a node started here; its data stays
    Stop {
        /// The node's address
        #[arg(default_value = "127.0.0.99")]
        address: IpAddr,
    },
    /// Run one of Cassandra's tool classes, e.g. org.apache.cassandra.tools.SSTableExport FILE
    Tool {
        /// The class and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Run Cassandra's own nodetool; a node's JMX port is 7299 unless it was started with another
    Nodetool {
        /// Its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// Runs one action.
///
/// # Errors
/// Java 17 or Maven is missing, the node does not come up, or the tool fails.
pub(crate) fn run(arguments: &OracleArguments) -> Result<()> {
    match &arguments.action {
        Action::Start(settings) => {
            let node = Node::start(settings)?;
            println!(
                "Apache Cassandra {VERSION} answers CQL on {}:9042 (pid {}, data in {})",
                node.address,
                node.pid,
                node.directory.display()
            );
            Ok(())
        }
        Action::Stop { address } => node::stop(*address),
        Action::Tool { words } => tool(words),
        Action::Nodetool { words } => nodetool(words),
    }
}

/// Runs a tool class to its end. One at a time: they share one configuration folder.
///
/// # Errors
/// Java 17 or Maven is missing, or the tool fails.
pub(crate) fn tool(words: &[String]) -> Result<()> {
    let (class, rest) = words.split_first().context("the name of a class is missing")?;
    process::run(node::tool(class)?.args(rest))
}

/// Runs Cassandra's nodetool to its end.
///
/// # Errors
/// Java 17 or Maven is missing, or nodetool fails.
pub(crate) fn nodetool<S: AsRef<str>>(words: &[S]) -> Result<()> {
    let mut command = node::tool("org.apache.cassandra.tools.NodeTool")?;
    command.args(words.iter().map(AsRef::as_ref));
    process::output(&mut command).map(|text| print!("{text}"))
}

/// Why the oracle cannot run here, if it cannot: tests that need it are skipped with this reason.
pub(crate) fn missing() -> Option<String> {
    let java = java::find().err();
    let jars = if jars::are_there() { None } else { jars::maven().err() };
    java.or(jars).map(|error| error.to_string())
}
