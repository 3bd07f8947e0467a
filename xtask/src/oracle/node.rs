//! One node of Apache Cassandra as a process of its own, found again by the pid it leaves in a file.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{jars, java};
use crate::process;

/// How a node is started.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// The node's address
    #[arg(default_value = "127.0.0.99")]
    pub(crate) address: IpAddr,
    /// The heap
    #[arg(long, default_value = "2G")]
    pub(crate) heap: String,
    /// The port nodetool connects to on 127.0.0.1
    #[arg(long, default_value_t = 7299)]
    pub(crate) jmx_port: u16,
    /// The seeds, separated by commas; the node itself unless given
    #[arg(long)]
    pub(crate) seeds: Option<String>,
    /// The data centre; with it GossipingPropertyFileSnitch
    #[arg(long)]
    pub(crate) dc: Option<String>,
    /// The authenticator
    #[arg(long, default_value = "AllowAllAuthenticator")]
    pub(crate) authenticator: String,
    /// The authorizer
    #[arg(long, default_value = "AllowAllAuthorizer")]
    pub(crate) authorizer: String,
    /// A further line for cassandra.yaml; may be given more than once
    #[arg(long)]
    pub(crate) yaml: Vec<String>,
    /// Where configuration, data and logs go; target/oracle/node-ADDRESS unless given
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
}

impl Settings {
    /// A node of its own on `address`, which nodetool reaches on `jmx_port`.
    pub(crate) fn alone(address: IpAddr, jmx_port: u16, heap: &str, directory: PathBuf) -> Settings {
        Settings {
            address,
            heap: heap.to_owned(),
            jmx_port,
            seeds: None,
            dc: None,
            authenticator: "AllowAllAuthenticator".to_owned(),
            authorizer: "AllowAllAuthorizer".to_owned(),
            yaml: Vec::new(),
            directory: Some(directory),
        }
    }
}

/// A node that runs. It goes on running when this value is dropped: [`stop`] ends it.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its address; CQL is on 9042.
    pub(crate) address: IpAddr,
    /// Its process id.
    pub(crate) pid: u32,
    /// Its configuration, data and logs.
    pub(crate) directory: PathBuf,
    /// From exec to its first SUPPORTED.
    pub(crate) ready_after: Duration,
}

fn pid_file(address: IpAddr) -> PathBuf {
    jars::home().join("run").join(format!("{address}.pid"))
}

fn yaml(settings: &Settings, directory: &Path) -> String {
    let address = settings.address;
    let seeds = settings.seeds.clone().unwrap_or_else(|| address.to_string());
    let snitch = if settings.dc.is_some() { "GossipingPropertyFileSnitch" } else { "SimpleSnitch" };
    let at = |name: &str| directory.join(name).display().to_string();
    let mut lines = vec![
        "cluster_name: oracle".to_owned(),
        "num_tokens: 16".to_owned(),
        "partitioner: org.apache.cassandra.dht.Murmur3Partitioner".to_owned(),
        format!("authenticator: {}", settings.authenticator),
        format!("authorizer: {}", settings.authorizer),
        "role_manager: CassandraRoleManager".to_owned(),
        format!("data_file_directories: ['{}']", at("data")),
        format!("commitlog_directory: '{}'", at("commitlog")),
        format!("saved_caches_directory: '{}'", at("saved_caches")),
        format!("hints_directory: '{}'", at("hints")),
        format!("cdc_raw_directory: '{}'", at("cdc")),
        "commitlog_sync: periodic".to_owned(),
        "commitlog_sync_period: 10000ms".to_owned(),
        "seed_provider:".to_owned(),
        "  - class_name: org.apache.cassandra.locator.SimpleSeedProvider".to_owned(),
        format!("    parameters: [{{seeds: '{seeds}'}}]"),
        "storage_port: 7000".to_owned(),
        format!("listen_address: {address}"),
        format!("rpc_address: {address}"),
        "native_transport_port: 9042".to_owned(),
        format!("endpoint_snitch: {snitch}"),
        "materialized_views_enabled: true".to_owned(),
        "sasi_indexes_enabled: true".to_owned(),
        "user_defined_functions_enabled: true".to_owned(),
        "sstable: {selected_format: big}".to_owned(),
    ];
    lines.extend(settings.yaml.iter().cloned());
    lines.join("\n") + "\n"
}

fn logback(directory: &Path) -> String {
    let file = directory.join("system.log");
    format!(
        "<configuration><appender name=\"FILE\" class=\"ch.qos.logback.core.FileAppender\">\
         <file>{}</file><encoder><pattern>%-5level [%thread] %date{{ISO8601}} %F:%L - %msg%n\
         </pattern></encoder></appender><root level=\"INFO\"><appender-ref ref=\"FILE\"/></root>\
         </configuration>\n",
        file.display()
    )
}

/// Writes the configuration folder and answers its path.
fn write_configuration(settings: &Settings, directory: &Path) -> Result<PathBuf> {
    let folder = directory.join("conf");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join("cassandra.yaml"), yaml(settings, directory))?;
    let dc = settings.dc.as_deref().unwrap_or("dc1");
    fs::write(folder.join("cassandra-rackdc.properties"), format!("dc={dc}\nrack=rack1\n"))?;
    fs::write(folder.join("logback.xml"), logback(directory))?;
    Ok(folder)
}

fn class_path(configuration: &Path, jars: &[PathBuf]) -> Result<std::ffi::OsString> {
    let parts = std::iter::once(configuration.to_path_buf()).chain(jars.iter().cloned());
    std::env::join_paths(parts).context("a path with a colon")
}

fn with_configuration(command: &mut Command, directory: &Path, configuration: &Path) {
    let file = configuration.join("cassandra.yaml");
    command.arg(format!("-Dcassandra.config=file://{}", file.display()));
    command.arg(format!("-Dcassandra.storagedir={}", directory.display()));
}

/// A command that runs one of Cassandra's tool classes.
///
/// # Errors
/// Java 17 or the jars are missing.
pub(crate) fn tool(class: &str) -> Result<Command> {
    let directory = jars::home().join("tool");
    let settings = Settings::alone(IpAddr::from([127, 0, 0, 99]), 7299, "512m", directory.clone());
    let jars = jars::all()?;
    let configuration = write_configuration(&settings, &directory)?;
    let mut command = java::command()?;
    command.arg("-Xmx512m");
    with_configuration(&mut command, &directory, &configuration);
    command.arg("-cp").arg(class_path(&configuration, &jars)?).arg(class);
    Ok(command)
}

impl Node {
    /// Starts a node and waits until it answers CQL.
    ///
    /// # Errors
    /// Java 17 or the jars are missing, the address is taken, or the node does not come up in two
    /// minutes; its log is named.
    pub(crate) fn start(settings: &Settings) -> Result<Node> {
        let address = settings.address;
        let client_address = SocketAddr::new(address, 9042);
        if process::answers_cql(client_address) {
            bail!("{client_address} is taken: something answers CQL there");
        }
        let directory = match &settings.directory {
            Some(directory) => std::path::absolute(directory)?,
            None => jars::home().join(format!("node-{address}")),
        };
        let jars = jars::all()?;
        let configuration = write_configuration(settings, &directory)?;
        let mut command = java::command()?;
        command.arg(format!("-Xms{}", settings.heap)).arg(format!("-Xmx{}", settings.heap));
        command.args(["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=300", "-XX:+AlwaysPreTouch"]);
        let is_jamm = |jar: &&PathBuf| jar.file_name().is_some_and(|name| name.to_string_lossy().starts_with("jamm-"));
        let jamm = jars.iter().find(is_jamm).context("no jamm jar among Cassandra's")?;
        command.args(["-Xss256k"]).arg(format!("-javaagent:{}", jamm.display()));
        with_configuration(&mut command, &directory, &configuration);
        command.arg(format!("-Dcassandra.jmx.local.port={}", settings.jmx_port));
        command.args([
            "-Dcassandra-foreground=yes",
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.ring_delay_ms=1000",
            "-Dcassandra.superuser_setup_delay_ms=0",
        ]);
        command.arg("-cp").arg(class_path(&configuration, &jars)?);
        command.arg("org.apache.cassandra.service.CassandraDaemon");
        let log_path = directory.join("stdout.log");
        let log = File::create(&log_path).with_context(|| log_path.display().to_string())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C in the terminal stops xtask, not the database.
        command.process_group(0);
        let started = Instant::now();
        let mut child = command.spawn().context("cannot start Java")?;
        let pid = child.id();
        let pid_path = pid_file(address);
        fs::create_dir_all(pid_path.parent().unwrap_or(&directory))?;
        fs::write(&pid_path, pid.to_string())?;
        while !process::answers_cql(client_address) {
            let log = format!("see {} and system.log beside it", log_path.display());
            if let Some(status) = child.try_wait()? {
                bail!("Apache Cassandra on {address} ended with {status}: {log}");
            }
            if started.elapsed() > Duration::from_secs(120) {
                let _gone = child.kill();
                bail!("Apache Cassandra on {address} does not answer CQL after 120 s: {log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Node { address, pid, directory, ready_after: started.elapsed() })
    }
}

/// Stops a node started here and waits for its end; it may be gone already.
///
/// # Errors
/// Its pid file holds no number, or the process does not end in a minute.
pub(crate) fn stop(address: IpAddr) -> Result<()> {
    let path = pid_file(address);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("no node was started on {address}");
        return Ok(());
    };
    let pid: u32 = text.trim().parse().with_context(|| path.display().to_string())?;
    // The number may by now belong to somebody else's process: only a Java of ours is asked to end.
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if String::from_utf8_lossy(&command_line).contains("CassandraDaemon") {
        process::terminate(pid);
        let deadline = Instant::now() + Duration::from_secs(60);
        while is_running(pid) {
            if Instant::now() > deadline {
                bail!("process {pid} does not end");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    fs::remove_file(&path).with_context(|| path.display().to_string())
}

/// Whether the process runs; one that has ended and that nobody waited for does not.
fn is_running(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = state.rsplit(") ").next().unwrap_or_default();
    process::is_alive(pid) && !after_name.starts_with('Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration() {
        let directory = PathBuf::from("/d");
        let mut settings = Settings::alone(IpAddr::from([127, 0, 0, 9]), 7299, "1G", directory.clone());
        settings.dc = Some("us-east".to_owned());
        settings.seeds = Some("127.0.0.1,127.0.0.2".to_owned());
        settings.yaml = vec!["cdc_enabled: true".to_owned()];
        let text = yaml(&settings, &directory);
        let table = [
            "listen_address: 127.0.0.9",
            "rpc_address: 127.0.0.9",
            "    parameters: [{seeds: '127.0.0.1,127.0.0.2'}]",
            "endpoint_snitch: GossipingPropertyFileSnitch",
            "data_file_directories: ['/d/data']",
            "cdc_enabled: true",
        ];
        for line in table {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
}
