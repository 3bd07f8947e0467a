//! From `cassandra.yaml`'s settings to what a member and its store are told.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use helenus_cluster::config::{MemberConfig, SyncMode};
use helenus_cluster::guardrail::Guardrails;
use helenus_engine::engine::EngineConfig;
use helenus_model::token::Token;

use crate::clock;
use crate::config::{Authenticator, CommitLogSync, Config, Host, Seed, Snitch};
use crate::real_disk::words;

/// Bytes of the cache of places in indexes. Cassandra takes a twentieth of its heap.
pub(crate) const KEY_CACHE_BYTES: u64 = 16 << 20;

/// The addresses a node uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// To listen on for other nodes.
    pub(crate) listen: SocketAddr,
    /// What other nodes are told.
    pub(crate) internode: SocketAddr,
    /// To listen on for clients.
    pub(crate) client_listen: SocketAddr,
    /// What clients are told.
    pub(crate) native: SocketAddr,
    /// For nodetool and metrics: never outside loopback.
    pub(crate) admin: SocketAddr,
}

/// Looks a name up; addresses are themselves.
fn resolve(host: &Host) -> Result<IpAddr, String> {
    match host {
        Host::Ip(ip) => Ok(*ip),
        Host::Name(name) => {
            let found = (name.as_str(), 0).to_socket_addrs();
            let first = found.map_err(|error| format!("cannot look up '{name}': {}", words(&error)))?.next();
            first.map(|address| address.ip()).ok_or_else(|| format!("cannot look up '{name}': it has no address"))
        }
    }
}

impl Addresses {
    /// Looks all names up.
    ///
    /// # Errors
    /// One has no address.
    pub(crate) fn of(config: &Config) -> Result<Addresses, String> {
        let native_port = config.native_transport.port;
        let listen = resolve(&config.listen_address)?;
        let admin = if listen.is_loopback() { listen } else { IpAddr::from([127, 0, 0, 1]) };
        Ok(Addresses {
            listen: SocketAddr::new(listen, config.storage_port),
            internode: SocketAddr::new(resolve(&config.broadcast_address)?, config.storage_port),
            client_listen: SocketAddr::new(resolve(&config.rpc_address)?, native_port),
            native: SocketAddr::new(resolve(&config.broadcast_rpc_address)?, native_port),
            admin: SocketAddr::new(admin, config.admin_port),
        })
    }
}

/// Seeds that can be looked up; the others are told in `warnings`, as in Cassandra.
fn seeds(config: &Config, warnings: &mut Vec<String>) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for Seed { host, port } in &config.seeds {
        match resolve(host) {
            Ok(ip) => found.push(SocketAddr::new(ip, port.unwrap_or(config.storage_port))),
            Err(error) => warnings.push(format!("seed {host} is left out: {error}")),
        }
    }
    found
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Settings of the member. `threads` share what one node may have in flight.
pub(crate) fn member(
    config: &Config,
    addresses: &Addresses,
    threads: usize,
    warnings: &mut Vec<String>,
) -> MemberConfig {
    let place = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    MemberConfig {
        datacenter: place(&config.data_center, "datacenter1"),
        rack: place(&config.rack, "rack1"),
        snitch: match config.snitch {
            Snitch::Simple => "SimpleSnitch".to_owned(),
            Snitch::GossipingPropertyFile => "GossipingPropertyFileSnitch".to_owned(),
        },
        seeds: seeds(config, warnings),
        num_tokens: config.num_tokens,
        initial_tokens: config.initial_tokens.iter().map(|token| Token(*token)).collect(),
        sync_mode: match config.commitlog_sync {
            CommitLogSync::Periodic { .. } => SyncMode::Periodic,
            CommitLogSync::Batch | CommitLogSync::Group { .. } => SyncMode::Synced,
        },
        password_authentication: config.authenticator == Authenticator::Password,
        read_timeout_millis: millis(config.timeouts.read),
        range_timeout_millis: millis(config.timeouts.range),
        write_timeout_millis: millis(config.timeouts.write),
        counter_write_timeout_millis: millis(config.timeouts.counter_write),
        cas_contention_timeout_millis: millis(config.timeouts.cas_contention),
        truncate_timeout_millis: millis(config.timeouts.truncate),
        hints_enabled: config.hints.enabled,
        hint_window_millis: millis(config.hints.window_max),
        hint_disabled_datacenters: config.hints.disabled_datacenters.clone(),
        hint_bytes_per_second: config.hints.throttle_bytes_per_second,
        hint_file_bytes_max: config.hints.file_size_max,
        hint_host_bytes_max: config.hints.size_per_host_max,
        batch_replay_bytes_per_second: config.batchlog_replay_throttle,
        mutation_bytes_max: bytes(config.thresholds.mutation_size_max),
        prepared_bytes_max: bytes(config.prepared_statements_cache_size),
        slow_query_millis: millis(config.timeouts.slow_query_log),
        default_replication_factor: config.default_keyspace_replication,
        user_functions_enabled: config.user_functions_enabled,
        materialized_views_enabled: config.materialized_views_enabled,
        guards_statements: config.guardrails != Guardrails::default(),
        guardrails: Arc::new(config.guardrails.clone()),
        drop_compact_storage_enabled: config.drop_compact_storage_enabled,
        allow_older_protocols: config.native_transport.allow_older_protocols,
        batch_warn_bytes: bytes(config.thresholds.batch_size_warn),
        batch_fail_bytes: bytes(config.thresholds.batch_size_fail),
        unlogged_batch_partitions_warn: bytes(config.thresholds.unlogged_batch_partitions_warn),
        tombstone_warn: config.thresholds.tombstone_warn,
        tombstone_failure: config.thresholds.tombstone_failure,
        phi_convict_threshold: config.phi_convict_threshold,
        frame_bytes_max: bytes(config.native_transport.frame_size_max),
        in_flight_bytes_max: bytes(config.native_transport.request_data_in_flight_max) / threads.max(1),
        in_flight_bytes_per_address_max: bytes(config.native_transport.request_data_in_flight_per_ip_max)
            / threads.max(1),
        ..MemberConfig::new(&config.cluster_name, addresses.internode, addresses.native)
    }
}

/// Settings of the store.
pub(crate) fn engine(config: &Config) -> EngineConfig {
    EngineConfig {
        log_segment_bytes: u32::try_from(config.commitlog_segment_size).unwrap_or(1 << 30).min(1 << 30),
        log_bytes_max: config.commitlog_total_space,
        memtable_bytes_max: bytes(config.memtable_space),
        chunk_cache_bytes: config.file_cache_size,
        key_cache_bytes: KEY_CACHE_BYTES,
        column_index_bytes: u32::try_from(config.column_index_size).unwrap_or(u32::MAX),
        auto_snapshot: config.auto_snapshot,
        clock: clock::nanos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CommandLine, load};

    fn addresses(set: &[&str], address: Option<&str>) -> Result<Addresses, String> {
        let command_line = CommandLine {
            address: address.map(|ip| ip.parse().expect("an address")),
            set: set.iter().map(|s| (*s).to_owned()).collect(),
            ..CommandLine::default()
        };
        Addresses::of(&load(None, &command_line).expect("loads").config)
    }

    #[test]
    fn the_admin_port_stays_on_loopback() {
        let check = |set: &[&str], address: Option<&str>, admin: &str, internode: &str| {
            let found = addresses(set, address).expect("addresses");
            assert_eq!(found.admin.to_string(), admin, "{set:?}");
            assert_eq!(found.internode.to_string(), internode, "{set:?}");
        };
        check(&[], None, "127.0.0.1:7199", "127.0.0.1:7000");
        check(&[], Some("127.0.0.3"), "127.0.0.3:7199", "127.0.0.3:7000");
        check(&["admin_port=7300"], Some("10.1.2.3"), "127.0.0.1:7300", "10.1.2.3:7000");
        check(&["storage_port=7001"], Some("::1"), "[::1]:7199", "[::1]:7001");
    }
}
