//! Takes one honoured key's value into the settings.

use super::guardrails;
use super::settings::{Authenticator, Authorizer, CommitFailurePolicy, Config, DiskFailurePolicy, Host, Seed, Snitch};
use super::units::{self, Bound, SizeUnit, TimeUnit};
use super::value;
use super::yaml::Yaml;

/// What the file says where the settings cannot take it directly: defaults that depend on other keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// `listen_address`
    pub listen_address: Option<Host>,
    /// `broadcast_address`
    pub broadcast_address: Option<Host>,
    /// `rpc_address`
    pub rpc_address: Option<Host>,
    /// `broadcast_rpc_address`
    pub broadcast_rpc_address: Option<Host>,
    /// `endpoint_snitch`
    pub snitch: Option<Snitch>,
    /// `num_tokens`
    pub num_tokens: Option<u32>,
    /// `data_file_directories`
    pub data_directories: Vec<String>,
    /// `commitlog_directory`
    pub commitlog_directory: Option<String>,
    /// `hints_directory`
    pub hints_directory: Option<String>,
    /// `commitlog_sync`
    pub commitlog_sync: Option<String>,
    /// `commitlog_sync_period`
    pub sync_period: Option<std::time::Duration>,
    /// `commitlog_sync_group_window`
    pub sync_group_window: Option<std::time::Duration>,
    /// `max_mutation_size`
    pub mutation_size_max: Option<u64>,
    /// `memtable_heap_space`
    pub memtable_heap_space: Option<u64>,
    /// `memtable_offheap_space`
    pub memtable_offheap_space: Option<u64>,
}

fn milliseconds(value: &Yaml) -> Result<std::time::Duration, String> {
    value::duration(value, TimeUnit::Milliseconds, Bound::Long)
}

fn int_milliseconds(value: &Yaml) -> Result<std::time::Duration, String> {
    value::duration(value, TimeUnit::Milliseconds, Bound::Int)
}

fn bytes(value: &Yaml, finest: SizeUnit) -> Result<u64, String> {
    value::size(value, finest, Bound::Int)
}

fn positive(value: &Yaml) -> Result<u32, String> {
    let number = value::integer(value, 1, i64::from(i32::MAX))?;
    u32::try_from(number).map_err(|_| format!("{number} is too large"))
}

fn count(value: &Yaml) -> Result<u64, String> {
    let number = value::integer(value, 0, i64::from(i32::MAX))?;
    u64::try_from(number).map_err(|_| format!("{number} is negative"))
}

/// A limit in which a negative number means none.
fn limit(value: &Yaml) -> Result<Option<u64>, String> {
    Ok(u64::try_from(value::integer(value, i64::MIN, i64::MAX)?).ok())
}

fn host(value: &Yaml) -> Result<Option<Host>, String> {
    let text = value::text(value)?.trim();
    if text.is_empty() { Ok(None) } else { Ok(Some(Host::parse(text))) }
}

fn tokens(value: &Yaml) -> Result<Vec<i64>, String> {
    let mut tokens = Vec::new();
    for item in value::list(value)? {
        for text in item.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            tokens.push(text.parse().map_err(|_| format!("'{text}' is not a token"))?);
        }
    }
    Ok(tokens)
}

/// Reads one address with an optional port: `10.0.0.1`, `10.0.0.1:7000`, `[::1]:7000`, `::1`.
///
/// # Errors
/// A port that is none.
pub(super) fn seed(text: &str) -> Result<Seed, String> {
    let whole = Host::parse(text);
    if whole.ip().is_some() {
        return Ok(Seed { host: whole, port: None });
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map(|port| {
        port.parse::<u16>()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("'{port}' in seed '{text}' is not a port"))
    });
    Ok(Seed { host: Host::parse(host), port: port.transpose()? })
}

/// Reads a comma-separated list of seeds.
///
/// # Errors
/// See [`seed`].
pub(super) fn seeds(text: &str) -> Result<Vec<Seed>, String> {
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(seed).collect()
}

fn seed_provider(value: &Yaml) -> Result<Vec<Seed>, String> {
    let class = value::class(value)?;
    if class.name != "SimpleSeedProvider" {
        return Err(format!("not supported yet: seed provider {}", class.name));
    }
    let list = class.parameters.get("seeds").ok_or("parameters with 'seeds' are missing")?;
    let seeds = seeds(value::text(list)?)?;
    if seeds.is_empty() { Err("the list of seeds is empty".to_owned()) } else { Ok(seeds) }
}

fn choice<T: Copy>(value: &Yaml, choices: &[(&str, T)]) -> Result<T, String> {
    let text = value::text(value)?;
    match choices.iter().find(|(name, _)| *name == text) {
        Some((_, choice)) => Ok(*choice),
        None => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(format!("'{text}' is not one of {}", names.join(", ")))
        }
    }
}

fn class_choice<T: Copy>(value: &Yaml, choices: &[(&str, T)]) -> Result<T, String> {
    choice(&Yaml::Scalar(value::class(value)?.name), choices)
}

/// Takes the value of the honoured key `name`. Answers whether the key is one this function knows.
///
/// # Errors
/// A message without the key's name when the value is not one the key may have.
pub(super) fn apply(config: &mut Config, written: &mut Written, name: &str, value: &Yaml) -> Result<bool, String> {
    Ok(apply_node(config, written, name, value)?
        || apply_storage(config, written, name, value)?
        || apply_requests(config, written, name, value)?
        || apply_clients(config, name, value)?
        || guardrails::apply(&mut config.guardrails, name, value)?)
}

/// Who the node is and where it listens.
fn apply_node(config: &mut Config, written: &mut Written, name: &str, value: &Yaml) -> Result<bool, String> {
    match name {
        "cluster_name" => config.cluster_name = value::text(value)?.to_owned(),
        "num_tokens" => written.num_tokens = Some(positive(value)?),
        "initial_token" => config.initial_tokens = tokens(value)?,
        "seed_provider" => config.seeds = seed_provider(value)?,
        "endpoint_snitch" => {
            let choices =
                [("SimpleSnitch", Snitch::Simple), ("GossipingPropertyFileSnitch", Snitch::GossipingPropertyFile)];
            written.snitch = Some(class_choice(value, &choices)?);
        }
        "listen_address" => written.listen_address = host(value)?,
        "broadcast_address" => written.broadcast_address = host(value)?,
        "rpc_address" => written.rpc_address = host(value)?,
        "broadcast_rpc_address" => written.broadcast_rpc_address = host(value)?,
        "storage_port" => config.storage_port = value::port(value)?,
        "admin_port" => config.admin_port = value::port(value)?,
        "available_processors" => {
            let number = value::integer(value, i64::from(i32::MIN), 1024)?;
            config.processors = u32::try_from(number).ok().filter(|number| *number > 0);
        }
        "authenticator" => {
            let choices = [
                ("AllowAllAuthenticator", Authenticator::AllowAll),
                ("PasswordAuthenticator", Authenticator::Password),
            ];
            config.authenticator = class_choice(value, &choices)?;
        }
        "authorizer" => {
            config.authorizer = class_choice(value, &[("AllowAllAuthorizer", Authorizer::AllowAll)])?;
        }
        "default_keyspace_rf" => config.default_keyspace_replication = positive(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Directories, the commit log, memory, compaction.
fn apply_storage(config: &mut Config, written: &mut Written, name: &str, value: &Yaml) -> Result<bool, String> {
    match name {
        "data_file_directories" => written.data_directories = value::list(value)?,
        "commitlog_directory" => {
            written.commitlog_directory = Some(value::text(value)?.to_owned());
        }
        "hints_directory" => written.hints_directory = Some(value::text(value)?.to_owned()),
        "commitlog_sync" => {
            let choices = [("periodic", ()), ("batch", ()), ("group", ())];
            choice(value, &choices)?;
            written.commitlog_sync = Some(value::text(value)?.to_owned());
        }
        "commitlog_sync_period" => written.sync_period = Some(int_milliseconds(value)?),
        "commitlog_sync_group_window" => {
            written.sync_group_window = Some(int_milliseconds(value)?);
        }
        "commitlog_segment_size" => {
            config.commitlog_segment_size = bytes(value, SizeUnit::Mebibytes)?;
        }
        "commitlog_total_space" => {
            config.commitlog_total_space = bytes(value, SizeUnit::Mebibytes)?;
        }
        "disk_failure_policy" => {
            let choices = [
                ("stop", DiskFailurePolicy::Stop),
                ("stop_paranoid", DiskFailurePolicy::StopParanoid),
                ("best_effort", DiskFailurePolicy::BestEffort),
                ("ignore", DiskFailurePolicy::Ignore),
                ("die", DiskFailurePolicy::Die),
            ];
            config.disk_failure_policy = choice(value, &choices)?;
        }
        "commit_failure_policy" => {
            let choices = [("stop", CommitFailurePolicy::Stop), ("die", CommitFailurePolicy::Die)];
            config.commit_failure_policy = choice(value, &choices)?;
        }
        "memtable_heap_space" => {
            written.memtable_heap_space = Some(bytes(value, SizeUnit::Mebibytes)?);
        }
        "memtable_offheap_space" => {
            written.memtable_offheap_space = Some(bytes(value, SizeUnit::Mebibytes)?);
        }
        "column_index_size" => config.column_index_size = bytes(value, SizeUnit::Kibibytes)?,
        "concurrent_compactors" => config.concurrent_compactors = Some(positive(value)?),
        "compaction_throughput" => {
            config.compaction_throughput = units::rate(value::text(value)?)?;
        }
        "file_cache_size" => config.file_cache_size = bytes(value, SizeUnit::Mebibytes)?,
        "user_defined_functions_enabled" => config.user_functions_enabled = value::boolean(value)?,
        "materialized_views_enabled" => config.materialized_views_enabled = value::boolean(value)?,
        "drop_compact_storage_enabled" => config.drop_compact_storage_enabled = value::boolean(value)?,
        "auto_snapshot" => config.auto_snapshot = value::boolean(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Timeouts, hints and thresholds.
fn apply_requests(config: &mut Config, written: &mut Written, name: &str, value: &Yaml) -> Result<bool, String> {
    let timeouts = &mut config.timeouts;
    let hints = &mut config.hints;
    let thresholds = &mut config.thresholds;
    match name {
        "read_request_timeout" => timeouts.read = milliseconds(value)?,
        "range_request_timeout" => timeouts.range = milliseconds(value)?,
        "write_request_timeout" => timeouts.write = milliseconds(value)?,
        "counter_write_request_timeout" => timeouts.counter_write = milliseconds(value)?,
        "cas_contention_timeout" => timeouts.cas_contention = milliseconds(value)?,
        "truncate_request_timeout" => timeouts.truncate = milliseconds(value)?,
        "slow_query_log_timeout" => timeouts.slow_query_log = milliseconds(value)?,
        "native_transport_idle_timeout" => timeouts.native_transport_idle = milliseconds(value)?,
        "internode_tcp_connect_timeout" => timeouts.internode_connect = int_milliseconds(value)?,
        "hinted_handoff_enabled" => hints.enabled = value::boolean(value)?,
        "hinted_handoff_disabled_datacenters" => hints.disabled_datacenters = value::list(value)?,
        "max_hint_window" => hints.window_max = int_milliseconds(value)?,
        "hinted_handoff_throttle" => {
            hints.throttle_bytes_per_second = bytes(value, SizeUnit::Kibibytes)?;
        }
        "max_hints_file_size" => hints.file_size_max = bytes(value, SizeUnit::Mebibytes)?,
        "max_hints_size_per_host" => {
            hints.size_per_host_max = value::size(value, SizeUnit::Bytes, Bound::Long)?;
        }
        "batchlog_replay_throttle" => {
            config.batchlog_replay_throttle = bytes(value, SizeUnit::Kibibytes)?;
        }
        "phi_convict_threshold" => config.phi_convict_threshold = value::float(value)?,
        "tombstone_warn_threshold" => thresholds.tombstone_warn = count(value)?,
        "tombstone_failure_threshold" => thresholds.tombstone_failure = count(value)?,
        "batch_size_warn_threshold" => {
            thresholds.batch_size_warn = bytes(value, SizeUnit::Kibibytes)?;
        }
        "batch_size_fail_threshold" => {
            thresholds.batch_size_fail = bytes(value, SizeUnit::Kibibytes)?;
        }
        "unlogged_batch_across_partitions_warn_threshold" => {
            thresholds.unlogged_batch_partitions_warn = count(value)?;
        }
        "max_mutation_size" => {
            written.mutation_size_max = Some(bytes(value, SizeUnit::Kibibytes)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The native transport.
fn apply_clients(config: &mut Config, name: &str, value: &Yaml) -> Result<bool, String> {
    let native = &mut config.native_transport;
    match name {
        "start_native_transport" => native.start = value::boolean(value)?,
        "native_transport_port" => native.port = value::port(value)?,
        "native_transport_max_frame_size" => {
            native.frame_size_max = bytes(value, SizeUnit::Mebibytes)?;
        }
        "native_transport_max_concurrent_connections" => native.connections_max = limit(value)?,
        "native_transport_max_concurrent_connections_per_ip" => {
            native.connections_per_ip_max = limit(value)?;
        }
        "native_transport_max_request_data_in_flight" => {
            native.request_data_in_flight_max = value::size(value, SizeUnit::Bytes, Bound::Long)?;
        }
        "native_transport_max_request_data_in_flight_per_ip" => {
            native.request_data_in_flight_per_ip_max = value::size(value, SizeUnit::Bytes, Bound::Long)?;
        }
        "native_transport_allow_older_protocols" => {
            native.allow_older_protocols = value::boolean(value)?;
        }
        "prepared_statements_cache_size" => {
            config.prepared_statements_cache_size = value::size(value, SizeUnit::Mebibytes, Bound::Long)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{self, Kind, Rule};
    use super::*;

    /// A value that any honoured key of this shape takes.
    fn sample(name: &str, kind: Kind) -> &'static str {
        match (name, kind) {
            ("commitlog_sync", _) => "batch",
            (name, Kind::List) if name.contains("_consistency_levels_") => "[ONE]",
            ("disk_failure_policy" | "commit_failure_policy", _) => "die",
            ("endpoint_snitch", _) => "SimpleSnitch",
            ("authenticator", _) => "PasswordAuthenticator",
            ("authorizer", _) => "AllowAllAuthorizer",
            ("initial_token", _) => "-5,7",
            ("seed_provider", _) => "{class_name: a.SimpleSeedProvider, parameters: [{seeds: x}]}",
            (_, Kind::Text) => "10.0.0.1",
            (_, Kind::Integer | Kind::Long | Kind::Float) => "7",
            (_, Kind::Boolean) => "true",
            (_, Kind::Time(..)) => "7s",
            (_, Kind::Size(..)) => "7MiB",
            (_, Kind::Rate) => "7MiB/s",
            (_, Kind::List) => "[a]",
            (_, Kind::Class | Kind::Tree(_) | Kind::Any) => "{}",
        }
    }

    #[test]
    fn the_table_and_this_reader_agree() {
        let every = keys::KEYS.iter().chain(keys::HELENUS_KEYS);
        for key in every {
            let honoured = matches!(key.rule, Rule::Honoured | Rule::HonouredClass(_) | Rule::HonouredText(_));
            let value = serde_saphyr::from_str(sample(key.name, key.kind)).expect(key.name);
            let (mut config, mut written) = (Config::default(), Written::default());
            let found = apply(&mut config, &mut written, key.name, &value);
            assert_eq!(found, Ok(honoured), "{}", key.name);
        }
    }

    #[test]
    fn seed_lists() {
        let table = [
            ("127.0.0.1", Some("127.0.0.1")),
            ("127.0.0.1,127.0.0.2:7001 , host", Some("127.0.0.1 127.0.0.2:7001 host")),
            ("localhost:7000", Some("127.0.0.1:7000")),
            ("::1", Some("::1")),
            ("[::1]:7000", Some("::1:7000")),
            ("host:0", None),
            ("host:port", None),
        ];
        for (text, expected) in table {
            let found = seeds(text).ok().map(|seeds| {
                let shown = seeds.iter().map(|seed| match seed.port {
                    Some(port) => format!("{}:{port}", seed.host),
                    None => seed.host.to_string(),
                });
                shown.collect::<Vec<_>>().join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
