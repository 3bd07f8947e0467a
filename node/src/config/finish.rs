//! The last step: what one key's default owes to another, and what may not stand together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::CommandLine;
use super::apply::{self, Written};
use super::error::{ConfigError, Origin};
use super::settings::{CommitLogSync, Config, Host, Seed, Snitch};

/// Cassandra's own floor under every request timeout.
const TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// Cassandra's own ceiling for tokens a node.
const TOKENS_MAX: u32 = 1_536;

const MIB: u64 = 1 << 20;

/// Completes `config`; adds to `warnings` what was changed.
///
/// # Errors
/// Keys that contradict one another, or a value outside its range.
pub(super) fn finish(
    mut config: Config,
    written: Written,
    command_line: &CommandLine,
    warnings: &mut Vec<String>,
) -> Result<Config, ConfigError> {
    addresses(&mut config, &written, command_line)?;
    seeds(&mut config, command_line)?;
    place(&mut config, &written, command_line)?;
    tokens(&mut config, &written)?;
    directories(&mut config, &written, command_line)?;
    commit_log(&mut config, &written)?;
    memory(&mut config, &written)?;
    timeouts(&mut config, warnings);
    Ok(config)
}

fn wrong<T>(message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError::derived(message))
}

fn addresses(config: &mut Config, written: &Written, command_line: &CommandLine) -> Result<(), ConfigError> {
    if let Some(address) = command_line.address {
        let address = Host::Ip(address);
        if address.is_wildcard() {
            return wrong("--address must be one address of this machine, not 'every interface'");
        }
        config.listen_address = address.clone();
        config.broadcast_address = address.clone();
        config.rpc_address = address.clone();
        config.broadcast_rpc_address = address;
        return distinct_ports(config);
    }
    if let Some(listen) = &written.listen_address {
        config.listen_address = listen.clone();
    }
    if config.listen_address.is_wildcard() {
        return wrong("listen_address cannot be a wildcard address (0.0.0.0)");
    }
    let broadcast = written.broadcast_address.as_ref().unwrap_or(&config.listen_address);
    config.broadcast_address = broadcast.clone();
    if config.broadcast_address.is_wildcard() {
        return wrong("broadcast_address cannot be a wildcard address (0.0.0.0)");
    }
    if let Some(rpc) = &written.rpc_address {
        config.rpc_address = rpc.clone();
    }
    match &written.broadcast_rpc_address {
        Some(host) if host.is_wildcard() => {
            return wrong("broadcast_rpc_address cannot be a wildcard address (0.0.0.0)");
        }
        Some(host) => config.broadcast_rpc_address = host.clone(),
        None if config.rpc_address.is_wildcard() => {
            return wrong(
                "rpc_address is a wildcard address (0.0.0.0): set broadcast_rpc_address to what \
                 clients shall connect to",
            );
        }
        None => config.broadcast_rpc_address = config.rpc_address.clone(),
    }
    distinct_ports(config)
}

fn distinct_ports(config: &Config) -> Result<(), ConfigError> {
    let native = config.native_transport.port;
    if native == config.storage_port || native == config.admin_port {
        return wrong(format!("native_transport_port {native} is also another port of this node"));
    }
    if config.storage_port == config.admin_port {
        return wrong(format!("storage_port {native} is also admin_port"));
    }
    Ok(())
}

fn seeds(config: &mut Config, command_line: &CommandLine) -> Result<(), ConfigError> {
    if let Some(text) = &command_line.seeds {
        config.seeds = apply::seeds(text).map_err(|message| ConfigError::derived(format!("--seeds: {message}")))?;
    }
    if config.seeds.is_empty() {
        config.seeds = vec![Seed { host: config.broadcast_address.clone(), port: None }];
    }
    Ok(())
}

fn place(config: &mut Config, written: &Written, command_line: &CommandLine) -> Result<(), ConfigError> {
    let is_placed = command_line.data_center.is_some() || command_line.rack.is_some();
    config.snitch = match written.snitch {
        Some(Snitch::Simple) if is_placed => {
            return wrong(
                "--dc and --rack need GossipingPropertyFileSnitch, but endpoint_snitch is \
                 SimpleSnitch",
            );
        }
        Some(snitch) => snitch,
        None if is_placed => Snitch::GossipingPropertyFile,
        None => Snitch::Simple,
    };
    let named = |given: &Option<String>, default: &str| Some(given.clone().unwrap_or_else(|| default.to_owned()));
    if is_placed || config.snitch == Snitch::Simple {
        config.data_center = named(&command_line.data_center, "datacenter1");
        config.rack = named(&command_line.rack, "rack1");
    }
    Ok(())
}

fn tokens(config: &mut Config, written: &Written) -> Result<(), ConfigError> {
    let by_hand = u32::try_from(config.initial_tokens.len()).unwrap_or(u32::MAX);
    match written.num_tokens {
        Some(number) if number > TOKENS_MAX => {
            return wrong(format!("num_tokens: {number} is more than {TOKENS_MAX}"));
        }
        Some(number) if by_hand > 0 && by_hand != number => {
            return wrong(format!("initial_token has {by_hand} tokens, but num_tokens is {number}"));
        }
        Some(number) => config.num_tokens = number,
        None if by_hand > 0 => config.num_tokens = by_hand,
        None => {}
    }
    let mut sorted = config.initial_tokens.clone();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair.first() == pair.last()) {
        return wrong(format!("initial_token: {} is there twice", pair.first().unwrap_or(&0)));
    }
    Ok(())
}

fn directories(config: &mut Config, written: &Written, command_line: &CommandLine) -> Result<(), ConfigError> {
    if let [_, another, ..] = written.data_directories.as_slice() {
        return wrong(format!("data_file_directories: not supported yet: more than one directory ({another})"));
    }
    let first = written.data_directories.first().map(PathBuf::from);
    let base = command_line
        .data_directory
        .clone()
        .or_else(|| first.as_deref().and_then(Path::parent).map(Path::to_path_buf))
        .unwrap_or_else(|| config.base_directory.clone());
    let inside = |written: &Option<String>, name: &str| match written {
        Some(path) => PathBuf::from(path),
        None => base.join(name),
    };
    config.data_directories = vec![first.unwrap_or_else(|| base.join("data"))];
    config.commitlog_directory = inside(&written.commitlog_directory, "commitlog");
    config.hints_directory = inside(&written.hints_directory, "hints");
    config.base_directory = base;
    let data = config.data_directories.first();
    if data == Some(&config.commitlog_directory)
        || data == Some(&config.hints_directory)
        || config.commitlog_directory == config.hints_directory
    {
        return wrong("data_file_directories, commitlog_directory and hints_directory must differ");
    }
    Ok(())
}

fn commit_log(config: &mut Config, written: &Written) -> Result<(), ConfigError> {
    let period = written.sync_period.filter(|period| !period.is_zero());
    let window = written.sync_group_window.filter(|window| !window.is_zero());
    config.commitlog_sync = match written.commitlog_sync.as_deref() {
        Some("batch") if period.is_some() => {
            return wrong("commitlog_sync is batch, but commitlog_sync_period is there");
        }
        Some("batch") => CommitLogSync::Batch,
        Some("group") if period.is_some() => {
            return wrong("commitlog_sync is group, but commitlog_sync_period is there");
        }
        Some("group") => match window {
            Some(window) => CommitLogSync::Group { window },
            None => {
                return wrong("commitlog_sync is group: commitlog_sync_group_window is missing");
            }
        },
        Some(_) if written.sync_period.is_some() && period.is_none() => {
            return wrong("commitlog_sync is periodic: commitlog_sync_period must not be zero");
        }
        _ => {
            let period = period.unwrap_or(Duration::from_secs(10));
            CommitLogSync::Periodic { period }
        }
    };
    let segment = config.commitlog_segment_size;
    if !(MIB..2_048 * MIB).contains(&segment) {
        return wrong("commitlog_segment_size must be at least 1MiB and below 2048MiB");
    }
    config.thresholds.mutation_size_max = written.mutation_size_max.unwrap_or(segment / 2);
    if config.thresholds.mutation_size_max == 0 {
        return wrong("max_mutation_size must be positive");
    }
    if segment < config.thresholds.mutation_size_max.saturating_mul(2) {
        return wrong("commitlog_segment_size must be at least twice max_mutation_size");
    }
    if config.commitlog_total_space < segment {
        return wrong("commitlog_total_space must be at least commitlog_segment_size");
    }
    Ok(())
}

fn memory(config: &mut Config, written: &Written) -> Result<(), ConfigError> {
    if written.memtable_heap_space == Some(0) {
        return wrong("memtable_heap_space must be positive");
    }
    if let Some(heap) = written.memtable_heap_space {
        config.memtable_space = heap;
    }
    config.memtable_space += written.memtable_offheap_space.unwrap_or(0);
    if config.column_index_size == 0 {
        return wrong("column_index_size must be positive");
    }
    if config.native_transport.frame_size_max == 0 {
        return wrong("native_transport_max_frame_size must be positive");
    }
    if config.hints.file_size_max == 0 {
        return wrong("max_hints_file_size must be positive");
    }
    if !(5.0..=16.0).contains(&config.phi_convict_threshold) {
        return wrong(format!(
            "phi_convict_threshold must be between 5 and 16, but is {}",
            config.phi_convict_threshold
        ));
    }
    if config.cluster_name.is_empty() {
        return wrong("cluster_name must not be empty");
    }
    Ok(())
}

fn timeouts(config: &mut Config, warnings: &mut Vec<String>) {
    let timeouts = &mut config.timeouts;
    let floored = [
        ("read_request_timeout", &mut timeouts.read),
        ("range_request_timeout", &mut timeouts.range),
        ("write_request_timeout", &mut timeouts.write),
        ("counter_write_request_timeout", &mut timeouts.counter_write),
        ("cas_contention_timeout", &mut timeouts.cas_contention),
        ("truncate_request_timeout", &mut timeouts.truncate),
    ];
    for (name, timeout) in floored {
        if *timeout < TIMEOUT_MIN {
            *timeout = TIMEOUT_MIN;
            warnings.push(format!("{name} is below the least value accepted: 10ms is taken"));
        }
    }
}

/// Takes a place read from `cassandra-rackdc.properties` where the snitch wants one and the command line
/// gave none; the file may be absent, which is an error then.
///
/// # Errors
/// The snitch wants a place and there is none.
pub fn take_place(config: &mut Config, file: Option<(&str, &str)>) -> Result<(), ConfigError> {
    if config.data_center.is_some() && config.rack.is_some() {
        return Ok(());
    }
    let Some((name, text)) = file else {
        return Err(ConfigError::new(
            Origin::Derived,
            "GossipingPropertyFileSnitch needs --dc and --rack, or a cassandra-rackdc.properties \
             beside the configuration file",
        ));
    };
    let place = super::rackdc::parse(name, text)?;
    if place.prefer_local {
        return wrong(format!("{name}: not supported yet: prefer_local=true"));
    }
    config.data_center = Some(place.data_center);
    config.rack = Some(place.rack);
    Ok(())
}
