//! The command line: `helenus node`, `helenus cluster`, `helenus nodetool`.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::CommandLine;
use crate::local_cluster::{self, ClusterArguments};
use crate::nodetool::{self, Nodetool};
use crate::say;
use crate::start::{self, NodeArguments};

/// Says which process started this one and must not be outlived.
pub(crate) const PARENT_VARIABLE: &str = "HELENUS_PARENT";

#[derive(Debug, Parser)]
#[command(name = "helenus", version, about = "A database that Cassandra's drivers and tools take for Apache Cassandra")]
struct Helenus {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one node in the foreground
    Node(NodeOptions),
    /// Run a cluster of nodes on this machine
    Cluster(ClusterOptions),
    /// Ask or tell a running node, as Cassandra's nodetool does
    #[command(disable_help_flag = true)]
    Nodetool(Nodetool),
}

#[derive(Debug, Args)]
struct NodeOptions {
    /// A cassandra.yaml; without one every key has its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on and to be known by, for nodes and for clients
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Where data, commit log and hints live
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Nodes to ask for the way into the cluster; the first may form one
    #[arg(long, value_name = "IP,IP")]
    seeds: Option<String>,
    /// Data centre
    #[arg(long, value_name = "NAME")]
    dc: Option<String>,
    /// Rack
    #[arg(long, value_name = "NAME")]
    rack: Option<String>,
    /// A key of cassandra.yaml and its value; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Args)]
struct ClusterOptions {
    /// How many nodes
    #[arg(long, value_name = "N", conflicts_with = "topology")]
    nodes: Option<usize>,
    /// Data centres and their numbers of nodes, such as us-east:3,eu-west:3
    #[arg(long, value_name = "DC:N,DC:N")]
    topology: Option<String>,
    /// Where the nodes' data lives
    #[arg(long, value_name = "DIR", default_value = "helenus-data")]
    dir: PathBuf,
    /// The first node's address; the others have those after it
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    base_address: IpAddr,
    /// The port for clients, on every node
    #[arg(long, value_name = "PORT", default_value_t = 9042)]
    port: u16,
    /// A key of cassandra.yaml and its value, for every node; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Start a node that has died again
    #[arg(long)]
    restart: bool,
}

impl From<NodeOptions> for NodeArguments {
    fn from(options: NodeOptions) -> Self {
        NodeArguments {
            config: options.config,
            command_line: CommandLine {
                address: options.address,
                data_directory: options.data_dir,
                seeds: options.seeds,
                data_center: options.dc,
                rack: options.rack,
                set: options.set,
            },
        }
    }
}

impl From<ClusterOptions> for ClusterArguments {
    fn from(options: ClusterOptions) -> Self {
        ClusterArguments {
            nodes: options.nodes,
            topology: options.topology,
            directory: options.dir,
            base_address: options.base_address,
            port: options.port,
            set: options.set,
            restart: options.restart,
        }
    }
}

/// The program.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if called_as_nodetool(&words) {
        return nodetool::main(nodetool::parse(&words));
    }
    let is_nodetool = words.get(1).is_some_and(|word| word == "nodetool");
    let words = if is_nodetool { nodetool::with_long_options(&words) } else { words };
    let parsed = Helenus::try_parse_from(&words).unwrap_or_else(|error| match is_nodetool {
        true => nodetool::leave(&error),
        false => error.exit(),
    });
    match parsed.command {
        Command::Node(options) => {
            start_logs();
            follow_parent();
            ended("helenus", start::run(&options.into()))
        }
        Command::Cluster(options) => ended("helenus", local_cluster::run(&options.into())),
        Command::Nodetool(options) => nodetool::main(options),
    }
}

/// One line for what went wrong.
fn ended(name: &str, result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            say::complain(format_args!("{name}: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn called_as_nodetool(words: &[OsString]) -> bool {
    let name = words.first().map(Path::new).and_then(Path::file_stem);
    name.is_some_and(|name| name == "nodetool")
}

/// Logs go to stderr; `RUST_LOG` says how much.
fn start_logs() {
    use std::io::IsTerminal;

    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(is_terminal).init();
}

/// A node that `helenus cluster` started is told to stop when that ends, however it ends.
fn follow_parent() {
    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
    let Some(parent) = std::env::var(PARENT_VARIABLE).ok().and_then(|pid| pid.parse::<i32>().ok()) else { return };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        tracing::warn!(%error, "this node may outlive the cluster it belongs to");
    }
    // It may have ended before the kernel was asked.
    if getppid().map(Pid::as_raw_nonzero).is_none_or(|found| found.get() != parent) {
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Helenus::command().debug_assert();
    }

    #[test]
    fn the_name_decides() {
        for (name, expected) in [("nodetool", true), ("/usr/bin/nodetool", true), ("helenus", false), ("", false)] {
            assert_eq!(called_as_nodetool(&[OsString::from(name)]), expected, "{name}");
        }
    }
}
