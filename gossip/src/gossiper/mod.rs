//! The gossiper: takes the time and messages, gives messages and events. It has no socket, clock or thread.
//!
//! 1. Every interval it raises its heartbeat and sends a SYN to a random live node, perhaps to an unreachable
//!    one, and to a seed if that was none (`rounds`).
//! 2. It answers SYN, ACK and ACK2 and takes over what is newer (`exchange`, `apply`).
//! 3. A node that shows life is asked for an echo and marked up when it answers; one that falls silent is
//!    convicted by the detector and marked down (`liveness`).
//! 4. Members are added and removed by its owner, the metadata log (`membership`).

mod apply;
mod config;
mod exchange;
mod liveness;
mod membership;
mod output;
mod peer;
mod rounds;
#[cfg(test)]
mod scenario_tests;
#[cfg(test)]
mod test_network;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use helenus_model::rng::Rng;
use uuid::Uuid;

pub use config::{Config, ConfigError, MURMUR3_PARTITIONER};
pub use output::{Event, Outgoing, Output};

use crate::detector::FailureDetector;
use crate::message::{Body, Message};
use crate::state::{ApplicationState, EndpointState, StateError};
use peer::Peer;

/// One node's side of gossip.
///
/// All times are milliseconds of one monotonic clock. Call [`Gossiper::on_tick`] when
/// [`Gossiper::next_wakeup`] says so, [`Gossiper::on_message`] for what arrives, and after either, or after any
/// other call, do what [`Gossiper::take_output`] returns.
#[derive(Debug)]
pub struct Gossiper {
    config: Config,
    rng: Rng,
    cluster_id: Option<Uuid>,
    /// Seeds other than this node.
    seeds: Vec<SocketAddr>,
    local: EndpointState,
    /// The version last given away; never falls, whatever the generation.
    version: u32,
    /// STATUS and the like as they were before a shutdown, to be restored by a new start.
    before_shutdown: Vec<(ApplicationState, String)>,
    peers: BTreeMap<SocketAddr, Peer>,
    /// Who owns or is about to own tokens, by the metadata log; none if that has not been told yet.
    members: Option<BTreeSet<SocketAddr>>,
    /// Removed endpoints and when they were removed.
    quarantine: BTreeMap<SocketAddr, u64>,
    /// Endpoints already reported as belonging to another cluster.
    strangers: BTreeSet<SocketAddr>,
    /// Generations already reported as implausible.
    implausible: BTreeSet<(SocketAddr, u32)>,
    detector: FailureDetector,
    enabled: bool,
    started_ms: u64,
    next_heartbeat_ms: u64,
    next_eager_ms: Option<u64>,
    eager_rounds_left: u32,
    /// Somebody of this cluster has spoken to us since the start.
    contacted: bool,
    output: Output,
}

impl Gossiper {
    /// A gossiper that does nothing until [`Gossiper::start`].
    ///
    /// # Errors
    /// When a setting cannot work.
    pub fn new(config: Config, rng: Rng) -> Result<Gossiper, ConfigError> {
        config.validate()?;
        let seeds: BTreeSet<SocketAddr> = config.seeds.iter().copied().filter(|seed| *seed != config.address).collect();
        Ok(Gossiper {
            rng,
            cluster_id: None,
            seeds: seeds.into_iter().collect(),
            local: EndpointState::default(),
            version: 0,
            before_shutdown: Vec::new(),
            peers: BTreeMap::new(),
            members: None,
            quarantine: BTreeMap::new(),
            strangers: BTreeSet::new(),
            implausible: BTreeSet::new(),
            detector: FailureDetector::new(config.detector, 0),
            enabled: false,
            started_ms: 0,
            next_heartbeat_ms: 0,
            next_eager_ms: None,
            eager_rounds_left: 0,
            contacted: false,
            output: Output::default(),
            config,
        })
    }

    /// Begins a life of this node, with the first round due at once. `generation` is the start time in seconds since
    /// 1970, and greater than at any earlier start: the caller keeps it on disk. Also starts gossip again after
    /// [`Gossiper::shutdown`]; then a generation that is not greater is raised, and an event says so.
    pub fn start(&mut self, generation: u32, now_ms: u64) {
        self.local.generation = generation.max(self.local.generation.saturating_add(1));
        if self.local.generation != generation {
            self.event(Event::GenerationRaised { generation: self.local.generation });
        }
        for (key, value) in std::mem::take(&mut self.before_shutdown) {
            self.put_local(key, value).expect("a value that was gossiped before is within the limits");
        }
        self.detector = FailureDetector::new(self.config.detector, now_ms);
        self.enabled = true;
        self.started_ms = now_ms;
        self.next_heartbeat_ms = now_ms;
        self.next_eager_ms = None;
        self.eager_rounds_left = self.config.eager_start_rounds;
        self.contacted = false;
        self.strangers.clear();
        self.implausible.clear();
        for (endpoint, peer) in &mut self.peers {
            peer.updated_ms = now_ms;
            peer.echo = None;
            if peer.alive {
                // Up from before gossip was stopped: without a first report it would never be suspected.
                self.detector.report(*endpoint, now_ms);
            }
        }
    }

    /// Stops gossip in good order: says so to every live node, then falls silent and ignores what arrives.
    pub fn shutdown(&mut self) {
        if !self.enabled {
            return;
        }
        self.say_shutdown();
        self.enabled = false;
        self.next_eager_ms = None;
    }

    /// When [`Gossiper::on_tick`] should be called next; none while gossip is stopped.
    pub fn next_wakeup(&self) -> Option<u64> {
        let eager = self.next_eager_ms.unwrap_or(u64::MAX);
        self.enabled.then(|| self.next_heartbeat_ms.min(eager))
    }

    /// Does what is due at `now_ms`.
    pub fn on_tick(&mut self, now_ms: u64) {
        if !self.enabled {
            return;
        }
        let eager_due = self.next_eager_ms.is_some_and(|due| due <= now_ms);
        if self.next_heartbeat_ms <= now_ms {
            self.heartbeat_round(now_ms);
        } else if eager_due {
            self.eager_round(now_ms);
        }
    }

    /// Takes a message from `from`, which must be the address under which that node is known, not the port of
    /// a connection.
    pub fn on_message(&mut self, from: SocketAddr, message: Message, now_ms: u64) {
        if !self.enabled || from == self.config.address {
            return;
        }
        if !self.admit(from, &message) {
            return;
        }
        match message.body {
            Body::Syn { complete, digests, .. } => self.on_syn(from, complete, &digests, now_ms),
            Body::Ack { requests, deltas } => self.on_ack(from, &requests, deltas, now_ms),
            Body::Ack2 { deltas } => self.on_ack2(deltas, now_ms),
            Body::Shutdown { generation, last } => self.on_shutdown(from, generation, last, now_ms),
            Body::Echo { nonce } => self.send(from, Body::EchoReply { nonce }),
            Body::EchoReply { nonce } => self.on_echo_reply(from, nonce, now_ms),
            Body::Refused { .. } => {}
        }
    }

    /// What is to be done since the last call.
    pub fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    /// Sets a value of this node and spreads it. A value that says how things are (not what load they are under)
    /// is spread without waiting for the next round. Setting the present value again does nothing.
    ///
    /// # Errors
    /// When a limit would be passed; nothing has changed then.
    pub fn set_local(&mut self, key: ApplicationState, value: String, now_ms: u64) -> Result<(), StateError> {
        if self.local.get(key) == Some(&value) {
            return Ok(());
        }
        self.put_local(key, value)?;
        let routine = matches!(key, ApplicationState::Load | ApplicationState::Severity | ApplicationState::DiskUsage);
        if self.enabled && !routine {
            self.hurry(now_ms);
        }
        Ok(())
    }

    /// Tells the id of the cluster this node belongs to: from now on it is in every message, and messages with
    /// another are refused.
    ///
    /// # Errors
    /// Never in practice: the id is a short value.
    pub fn set_cluster_id(&mut self, cluster_id: Uuid, now_ms: u64) -> Result<(), StateError> {
        self.cluster_id = Some(cluster_id);
        self.set_local(ApplicationState::ClusterId, cluster_id.to_string(), now_ms)
    }

    /// Address of this node.
    pub fn address(&self) -> SocketAddr {
        self.config.address
    }

    /// Whether gossip runs (`nodetool statusgossip`).
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Generation of this node.
    pub fn generation(&self) -> u32 {
        self.local.generation
    }

    /// What is known of an endpoint, this node included; none of one known only by its address.
    pub fn endpoint_state(&self, endpoint: &SocketAddr) -> Option<&EndpointState> {
        if *endpoint == self.config.address {
            return Some(&self.local);
        }
        self.peers.get(endpoint).map(|peer| &peer.state).filter(|state| state.generation > 0)
    }

    /// Whether an endpoint is marked up. This node is, to itself.
    pub fn is_alive(&self, endpoint: &SocketAddr) -> bool {
        *endpoint == self.config.address || self.peers.get(endpoint).is_some_and(|peer| peer.alive)
    }

    /// Other endpoints marked up, in the order of addresses.
    pub fn live_endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.peers.iter().filter(|(_, peer)| peer.alive).map(|(endpoint, _)| *endpoint)
    }

    /// Other known endpoints that are not up, in the order of addresses.
    pub fn unreachable_endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.peers.iter().filter(|(_, peer)| !peer.alive).map(|(endpoint, _)| *endpoint)
    }

    /// Since when an endpoint has been down, in milliseconds; none if it is up or never was.
    pub fn down_since(&self, endpoint: &SocketAddr) -> Option<u64> {
        self.peers.get(endpoint).filter(|peer| !peer.alive).and_then(|peer| peer.down_since_ms)
    }

    /// Suspicion about an endpoint (`nodetool failuredetector`); above the threshold it is convicted.
    pub fn phi(&self, endpoint: &SocketAddr, now_ms: u64) -> f64 {
        self.detector.phi(endpoint, now_ms)
    }

    /// The newest metadata epoch that any endpoint but this one says it has, and one that says so: whom to ask.
    /// A live one is preferred.
    pub fn newest_epoch(&self) -> Option<(u64, SocketAddr)> {
        let epochs = self.peers.iter().filter_map(|(endpoint, peer)| {
            let epoch: u64 = peer.state.get(ApplicationState::MetadataEpoch)?.parse().ok()?;
            Some((epoch, peer.alive, *endpoint))
        });
        epochs.max_by_key(|(epoch, alive, _)| (*epoch, *alive)).map(|(epoch, _, endpoint)| (epoch, endpoint))
    }

    fn put_local(&mut self, key: ApplicationState, value: String) -> Result<(), StateError> {
        let version = self.version + 1;
        if self.local.set(key, version, value)? {
            self.version = version;
        }
        Ok(())
    }

    fn send(&mut self, to: SocketAddr, body: Body) {
        let message = Message { cluster_id: self.cluster_id, body };
        self.output.messages.push(Outgoing { to, message });
    }

    fn event(&mut self, event: Event) {
        self.output.events.push(event);
    }
}
