//! `nodetool`: Cassandra's own words and layout, over the admin port.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

mod cluster;
mod http;
mod node;
mod table;
mod text;

use http::{Client, Failure};

use crate::admin::answers::{ImportRequest, TablesRequest};
use crate::say;

/// nodetool's own options, and what it is to do.
#[derive(Debug, Args)]
pub(crate) struct Nodetool {
    /// Node hostname or ip address
    #[arg(short = 'h', long, global = true, default_value = "127.0.0.1", value_name = "host")]
    host: String,
    /// Admin port of the node
    #[arg(short = 'p', long, global = true, default_value_t = 7199, value_name = "port")]
    port: u16,
    /// Operate in 4.0 mode with hosts disambiguated by port number
    #[arg(long, global = true)]
    print_port: bool,
    /// Accepted for scripts; the admin port knows no users
    #[arg(long, global = true, hide = true)]
    username: Option<String>,
    /// Accepted for scripts; the admin port knows no users
    #[arg(long, global = true, hide = true)]
    password: Option<String>,
    /// Accepted for scripts; the admin port knows no users
    #[arg(long, global = true, hide = true)]
    password_file: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print cluster information (state, load, IDs, ...)
    Status {
        /// Show node domain names instead of IPs
        #[arg(short, long)]
        resolve_ip: bool,
        /// The keyspace name
        keyspace: Option<String>,
    },
    /// Print node information (uptime, load, ...)
    Info {
        /// Display all tokens
        #[arg(short = 'T', long)]
        tokens: bool,
    },
    /// Print information about the token ring
    Ring {
        /// Show node domain names instead of IPs
        #[arg(short, long)]
        resolve_ip: bool,
        /// Specify a keyspace for accurate ownership information (topology awareness)
        keyspace: Option<String>,
    },
    /// Print the name, snitch, partitioner and schema version of a cluster
    Describecluster,
    /// Print cassandra version
    Version {
        /// Include additional information
        #[arg(short, long)]
        verbose: bool,
    },
    /// Flush one or more tables
    Flush {
        /// The keyspace, then tables
        #[arg(value_name = "keyspace> <tables")]
        names: Vec<String>,
    },
    /// Force a (major) compaction on one or more tables
    Compact {
        /// The keyspace, then tables
        #[arg(value_name = "keyspace> <tables")]
        names: Vec<String>,
    },
    /// Import new SSTables to the system; they are always verified fully
    Import {
        /// Copy data from source directories instead of moving them (without the short form: -p is the port)
        #[arg(long)]
        copy_data: bool,
        /// Don't verify that all tokens in the new sstable are owned by the current node
        #[arg(short = 't', long)]
        no_tokens: bool,
        /// Accepted: there is no row cache
        #[arg(short = 'c', long)]
        no_invalidate_caches: bool,
        /// Accepted: it is always extended
        #[arg(short = 'e', long)]
        extended_verify: bool,
        /// Accepted: levels are kept, and mean nothing yet
        #[arg(short = 'l', long)]
        keep_level: bool,
        /// Accepted: what was repaired is kept, and means nothing yet
        #[arg(short = 'r', long)]
        keep_repaired: bool,
        /// Accepted; new SSTables are verified all the same
        #[arg(short = 'v', long)]
        no_verify: bool,
        /// Accepted; new SSTables are verified all the same
        #[arg(short = 'q', long)]
        quick: bool,
        /// The keyspace, table name and directories to import sstables from
        #[arg(value_name = "keyspace> <table> <directory")]
        names: Vec<String>,
    },
    /// Print statistics on tables
    #[command(alias = "cfstats")]
    Tablestats {
        /// List of tables (or keyspace) names
        names: Vec<String>,
    },
    /// Print usage statistics of thread pools
    Tpstats,
    /// Shows the gossip information for the cluster
    Gossipinfo,
    /// Print the end points that owns the key
    Getendpoints {
        /// The keyspace, the table, and the partition key for which we need to find the endpoint
        #[arg(allow_hyphen_values = true)]
        names: Vec<String>,
    },
    /// Print all pending hints that this node has
    Listpendinghints,
    /// Drain the node (stop accepting writes and flush all tables)
    Drain,
}

/// `nodetool` as a program of its own.
#[derive(Debug, Parser)]
#[command(name = "nodetool", disable_help_flag = true)]
struct Alone {
    #[command(flatten)]
    nodetool: Nodetool,
}

/// Cassandra's options of several letters behind one dash, in the form that clap reads.
pub(crate) fn with_long_options(words: &[OsString]) -> Vec<OsString> {
    let long = |word: &OsString| match word.to_str() {
        Some("-pp") => "--print-port".into(),
        Some("-pw") => "--password".into(),
        Some("-pwf") => "--password-file".into(),
        Some("-u") => "--username".into(),
        _ => word.clone(),
    };
    words.iter().map(long).collect()
}

/// Reads the command line of a program called `nodetool`.
pub(crate) fn parse(words: &[OsString]) -> Nodetool {
    match Alone::try_parse_from(with_long_options(words)) {
        Ok(alone) => alone.nodetool,
        Err(error) => leave(&error),
    }
}

/// Says what is wrong with a command line as Cassandra's nodetool does, or prints the help that was asked for.
pub(crate) fn leave(error: &clap::Error) -> ! {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _closed = error.print();
        std::process::exit(0);
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    say::complain(format_args!("nodetool: {}", first.strip_prefix("error: ").unwrap_or(first)));
    say::complain(format_args!("See 'nodetool help' or 'nodetool help <command>'."));
    std::process::exit(1);
}

/// Runs a command and prints what it says.
pub(crate) fn main(nodetool: Nodetool) -> ExitCode {
    match run(nodetool) {
        Ok(text) => {
            // A reader that has seen enough closes the pipe: no reason to complain.
            let _closed = std::io::stdout().lock().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(reason)) => {
            say::complain(format_args!("nodetool: {reason}\nSee 'nodetool help' or 'nodetool help <command>'."));
            ExitCode::from(1)
        }
        Err(Failure::Connect(reason)) => {
            say::complain(format_args!("nodetool: {reason}"));
            ExitCode::from(1)
        }
        Err(Failure::Printed(text)) => {
            say::line(text.strip_suffix('\n').unwrap_or(&text));
            ExitCode::from(1)
        }
        Err(Failure::Node(reason)) => {
            say::complain(format_args!("error: {reason}"));
            ExitCode::from(2)
        }
    }
}

fn run(nodetool: Nodetool) -> Result<String, Failure> {
    let client = Client::new(&nodetool.host, nodetool.port);
    let with_port = nodetool.print_port;
    let Some(command) = nodetool.command else {
        return Err(Failure::Usage("a command is needed, such as status".to_owned()));
    };
    match command {
        Command::Status { keyspace, resolve_ip } => {
            cluster::status(&client.cluster(keyspace.as_deref())?, keyspace.as_deref(), with_port, resolve_ip)
        }
        Command::Ring { keyspace, resolve_ip } => {
            cluster::ring(&client.cluster(keyspace.as_deref())?, keyspace.as_deref(), with_port, resolve_ip)
        }
        Command::Describecluster => Ok(cluster::describe(&client.cluster(None)?, with_port)),
        Command::Info { tokens } => Ok(node::info(&client.get("info")?, tokens)),
        Command::Version { verbose } => {
            // Asked for, so that it fails where no node answers.
            let info: crate::admin::answers::InfoAnswer = client.get("info")?;
            let build = if verbose {
                format!("Helenus: {} (host id {})\n", env!("CARGO_PKG_VERSION"), info.host_id)
            } else {
                String::new()
            };
            Ok(format!("ReleaseVersion: {}\n{build}", helenus_cluster::control::RELEASE_VERSION))
        }
        Command::Flush { names } => client.post("flush", &tables_request(names)).map(|()| String::new()),
        Command::Compact { names } => client.post("compact", &tables_request(names)).map(|()| String::new()),
        Command::Import { copy_data, no_tokens, names, .. } => import(&client, &names, copy_data, no_tokens),
        Command::Tablestats { names } => node::table_stats(client.get("tables")?, &names),
        Command::Tpstats => Ok(node::pool_stats(&client.get("pools")?)),
        Command::Gossipinfo => Ok(client.text("gossipinfo")? + "\n"),
        Command::Getendpoints { names } => get_endpoints(&client, &names),
        Command::Listpendinghints => {
            let hints: Vec<_> = client.get("hints")?;
            if hints.is_empty() {
                return Ok("This node does not have any pending hints\n".to_owned());
            }
            Ok(node::pending_hints(&hints, &client.cluster(None)?))
        }
        Command::Drain => client.post("drain", &TablesRequest::default()).map(|()| String::new()),
    }
}

fn tables_request(names: Vec<String>) -> TablesRequest {
    let mut names = names.into_iter();
    TablesRequest { keyspace: names.next(), tables: names.collect() }
}

fn import(client: &Client, names: &[String], copy_data: bool, no_tokens: bool) -> Result<String, Failure> {
    let [keyspace, table, directories @ ..] = names else {
        return Err(Failure::Usage("import requires keyspace, table name and directories".to_owned()));
    };
    if directories.is_empty() {
        return Err(Failure::Usage("import requires keyspace, table name and directories".to_owned()));
    }
    let absolute = |directory: &String| {
        let path = std::path::absolute(directory).map_err(|error| Failure::Usage(format!("{directory}: {error}")))?;
        Ok(path.display().to_string())
    };
    let request = ImportRequest {
        keyspace: keyspace.clone(),
        table: table.clone(),
        directories: directories.iter().map(absolute).collect::<Result<_, Failure>>()?,
        copy_data,
        no_tokens,
    };
    client.post("import", &request).map(|()| String::new())
}

fn get_endpoints(client: &Client, names: &[String]) -> Result<String, Failure> {
    let [keyspace, table, key] = names else {
        let text = "getendpoints requires keyspace, table and partition key arguments";
        return Err(Failure::Usage(text.to_owned()));
    };
    let parameters = [("keyspace", keyspace.as_str()), ("table", table), ("key", key)];
    let addresses: Vec<std::net::IpAddr> = client.get_with("endpoints", &parameters)?;
    Ok(addresses.iter().map(|address| format!("{address}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cassandras_options_are_understood() {
        let check = |line: &str, expected: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let found = match Alone::try_parse_from(with_long_options(&words)) {
                Ok(Alone { nodetool: n }) => format!("{} {} {} {:?}", n.host, n.port, n.print_port, n.command),
                Err(error) => error.kind().to_string(),
            };
            assert_eq!(found, expected, "{line}");
        };
        check(
            "nodetool -h 10.0.0.1 -p 7300 status ks",
            "10.0.0.1 7300 false Some(Status { resolve_ip: false, keyspace: Some(\"ks\") })",
        );
        check("nodetool -pp -u a -pw b -pwf c tpstats", "127.0.0.1 7199 true Some(Tpstats)");
        check("nodetool tpstats -h ::1", "::1 7199 false Some(Tpstats)");
        check(
            "nodetool getendpoints ks t -5",
            "127.0.0.1 7199 false Some(Getendpoints { names: [\"ks\", \"t\", \"-5\"] })",
        );
        check("nodetool foo", "unrecognized subcommand");
    }
}
