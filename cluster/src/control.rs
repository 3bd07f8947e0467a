//! The part of a member of which there is one a node: gossip, the metadata log, joining, and what follows from them. It runs on
//! a thread of its own, may wait for the disk, and talks to the coordinators through events and requests only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::response::{ChangeKind, Event, SchemaChange, SchemaTarget};
use helenus_engine::disk::DiskError;
use helenus_gossip::gossiper::{self, Gossiper};
use helenus_gossip::message::Message as GossipMessage;
use helenus_gossip::state::ApplicationState;
use helenus_model::rng::Rng;
use helenus_model::schema::Schema;
use helenus_model::time::Now;
use helenus_query::error::QueryError;
use uuid::Uuid;

use crate::coordinator::SlotId;
use crate::message::{FrameBuilder, Message};
use crate::metadata::{ClusterMetadata, Entry, SchemaEvent, SchemaEventKind, SchemaEventTarget, Transformation};
use crate::shared::{PeerStatus, Shared};
use crate::topology::NodeInfo;
use crate::view::View;

mod announce;
mod join;
pub mod metadata_log;
pub mod metadata_message;
mod metadata_store;
mod proposals;
mod schema_events;

pub use metadata_store::MetadataStoreError;
pub use proposals::{Planned, Proposal, hash_password};

use join::Joining;
use metadata_log::{LogEvent, MetadataLog};
use metadata_message::MetadataMessage;
use proposals::Waiting;

/// How long clients wait for what `Control::may_serve` names, ms.
const SERVE_WAIT_MILLIS: u64 = 1_000;

/// Release version that other nodes and drivers are told.
pub const RELEASE_VERSION: &str = "5.0.6";

/// What the control part tells every coordinator.
#[derive(Clone, Debug)]
pub enum ControlEvent {
    /// `Shared::view` is a new one.
    ViewChanged,
    /// Clients that registered for it are to be told.
    Client(Event),
    /// A request of this coordinator is done.
    Reply {
        /// Whose.
        coordinator: u16,
        /// Its operation.
        operation: SlotId,
        /// What came of it: warnings and the schema event, or why not.
        result: Result<ProposalDone, QueryError>,
    },
    /// The detector convicted this node: links to it are to be closed.
    PeerDown(Uuid),
    /// This node is there again: links to it that are missing are to be tried now.
    PeerUp(Uuid),
}

/// A proposal that is in the log, or was not needed.
#[derive(Clone, Debug, Default)]
pub struct ProposalDone {
    /// What changed; None: nothing (IF NOT EXISTS …).
    pub event: Option<SchemaEvent>,
    /// For the client.
    pub warnings: Vec<String>,
}

/// What a coordinator asks of the control part.
#[derive(Debug)]
pub enum ControlRequest {
    /// A change of schema or roles.
    Propose {
        /// Which coordinator asks.
        coordinator: u16,
        /// Its operation.
        operation: SlotId,
        /// What it wants to be done.
        proposal: Proposal,
    },
    /// A peer's request was made under a later epoch than this node knows: fetch what is missing.
    CatchUp,
}

/// The control part of a member.
pub struct Control {
    shared: Arc<Shared>,
    now: Now,
    rng: Rng,
    log: MetadataLog,
    gossiper: Gossiper,
    joining: Joining,
    proposals: VecDeque<Waiting>,
    /// The proposal under way stands at the front of `proposals`.
    agreements: Vec<proposals::Agreement>,
    /// Epoch each node said it applied.
    applied: BTreeMap<Uuid, u64>,
    outbox: BTreeMap<SocketAddr, FrameBuilder>,
    events: Vec<ControlEvent>,
    fatal: Option<String>,
    native_up: bool,
    announcements: announce::Announcements,
    /// When this node was in the ring, ms.
    joined_at: Option<u64>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Control").field("joining", &self.joining).finish_non_exhaustive()
    }
}

impl Control {
    /// Puts the control part together. `generation` is for gossip: larger than in any run before.
    pub fn new(
        shared: Arc<Shared>,
        log: MetadataLog,
        mut rng: Rng,
        generation: u32,
        now: Now,
    ) -> Result<Self, gossiper::ConfigError> {
        let config = &shared.config;
        let mut gossip =
            gossiper::Config::new(config.internode, &config.cluster_name).with_interval(config.gossip_interval_millis);
        gossip.seeds = config.seeds.clone();
        gossip.detector.phi_convict_threshold = config.phi_convict_threshold;
        let gossiper = Gossiper::new(gossip, rng.fork())?;
        let mut control = Control {
            now,
            rng,
            gossiper,
            joining: Joining::new(&shared.config, log.metadata()),
            log,
            shared,
            proposals: VecDeque::new(),
            agreements: Vec::new(),
            applied: BTreeMap::new(),
            outbox: BTreeMap::new(),
            events: Vec::new(),
            fatal: None,
            native_up: false,
            announcements: announce::Announcements::default(),
            joined_at: None,
        };
        control.start(generation);
        Ok(control)
    }

    fn start(&mut self, generation: u32) {
        let metadata = Arc::clone(self.log.metadata());
        self.publish(&metadata);
        self.describe_myself(generation);
        self.gossiper.start(generation, self.now.monotonic_millis());
        self.joining_tick();
    }

    fn describe_myself(&mut self, generation: u32) {
        let config = &self.shared.config;
        self.shared.gossip_generation.store(u64::from(generation), Ordering::Relaxed);
        let values = [
            (ApplicationState::Dc, config.datacenter.clone()),
            (ApplicationState::Rack, config.rack.clone()),
            (ApplicationState::ReleaseVersion, RELEASE_VERSION.to_owned()),
            (ApplicationState::HostId, self.shared.host_id.to_string()),
            (ApplicationState::RpcReady, "false".to_owned()),
            (ApplicationState::NativeAddressAndPort, config.native.to_string()),
            (ApplicationState::InternalAddressAndPort, config.internode.to_string()),
            (ApplicationState::NetVersion, "12".to_owned()),
            (ApplicationState::SstableVersions, "big-nb".to_owned()),
        ];
        for (key, value) in values {
            self.set_gossip(key, value);
        }
    }

    fn set_gossip(&mut self, key: ApplicationState, value: String) {
        if let Err(error) = self.gossiper.set_local(key, value, self.now.monotonic_millis()) {
            tracing::warn!(%error, ?key, "a gossip value is not spread");
        }
    }

    /// Tells the time; call it before each of the calls below.
    pub fn set_now(&mut self, now: Now) {
        self.now = now;
    }

    /// Time passes. Call it about every 20 ms.
    pub fn on_tick(&mut self) {
        let now = self.now.monotonic_millis();
        if self.gossiper.next_wakeup().is_some_and(|at| at <= now) {
            self.gossiper.on_tick(now);
            self.after_gossip();
        }
        let ticked = self.log.on_tick(now);
        self.check_disk(ticked);
        self.after_log();
        self.joining_tick();
        self.proposals_tick();
        self.announce();
    }

    /// Links of coordinators have opened or closed.
    pub fn on_links_changed(&mut self) {
        self.announce();
    }

    /// A message came over a control link. `host` and `from` are the sender's identity and internode address, as its handshake
    /// said.
    pub fn on_message(&mut self, host: Uuid, from: SocketAddr, message: Message<'_>) {
        self.joining.heard_of(from);
        match message {
            Message::Gossip(bytes) => match GossipMessage::decode(bytes) {
                Ok(message) => {
                    self.gossiper.on_message(from, message, self.now.monotonic_millis());
                    self.after_gossip();
                }
                Err(error) => tracing::warn!(%from, %error, "a gossip message cannot be read"),
            },
            Message::Metadata(bytes) => match MetadataMessage::decode(bytes) {
                Ok(message) => self.on_metadata_message(host, from, message),
                Err(error) => tracing::warn!(%from, %error, "a metadata message cannot be read"),
            },
            other => tracing::warn!(%from, ?other, "a message that does not belong on a control link"),
        }
    }

    /// Nothing could be sent to this address: there is no such node now.
    pub fn on_unreachable(&mut self, address: SocketAddr) {
        self.joining.unreachable(address);
        self.joining_tick();
    }

    /// A coordinator wants something.
    pub fn on_request(&mut self, request: ControlRequest) {
        match request {
            ControlRequest::Propose { coordinator, operation, proposal } => {
                self.enqueue((coordinator, operation), proposal);
                self.proposals_tick();
            }
            ControlRequest::CatchUp => {
                let metadata = Arc::clone(self.log.metadata());
                self.fetch_from_all(&metadata);
            }
        }
    }

    /// Frames to send since the last call, by internode address.
    pub fn take_sends(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let frames = std::mem::take(&mut self.outbox).into_iter();
        frames
            .map(|(address, mut builder)| {
                let mut frame = Vec::new();
                builder.take_into(&mut frame);
                (address, frame)
            })
            .collect()
    }

    /// What every coordinator is to be told since the last call.
    pub fn take_events(&mut self) -> Vec<ControlEvent> {
        std::mem::take(&mut self.events)
    }

    /// Why the node cannot go on, if so: wrong cluster, refused join, failed disk.
    pub fn take_fatal(&mut self) -> Option<String> {
        self.fatal.take()
    }

    /// True once this node is in the ring.
    pub fn is_joined(&self) -> bool {
        let metadata = self.log.metadata();
        metadata.nodes.contains_key(&self.shared.host_id) && self.joining.is_done()
    }

    /// True once this node is in the ring and what it needs to serve clients is there: the links between its coordinators and
    /// those of every other node that is up, what has happened to the metadata meanwhile, and, where passwords are asked for, a
    /// role to log in as. Never waits for them longer than a second.
    pub fn may_serve(&mut self) -> bool {
        if !self.is_joined() {
            return false;
        }
        let now = self.now.monotonic_millis();
        let joined_at = *self.joined_at.get_or_insert(now);
        let metadata = self.log.metadata();
        let mut others = metadata.nodes.keys().filter(|host| **host != self.shared.host_id);
        let has_roles = !self.shared.config.password_authentication || !metadata.roles.is_empty();
        let reach = &self.shared.reach;
        now >= joined_at + SERVE_WAIT_MILLIS
            || (has_roles && others.all(|host| reach.is_settled(*host)) && reach.newest_epoch() <= metadata.epoch)
    }

    /// The CQL port is open (or closed again): other nodes tell their clients UP only now.
    pub fn set_native_up(&mut self, up: bool) {
        self.native_up = up;
        self.set_gossip(ApplicationState::RpcReady, up.to_string());
        self.after_gossip();
    }

    /// Says goodbye: other nodes mark this one down at once.
    pub fn shutdown(&mut self) {
        self.gossiper.shutdown();
        self.after_gossip();
    }

    /// Spreads how much data this node has, bytes.
    pub fn set_load(&mut self, bytes: u64) {
        self.set_gossip(ApplicationState::Load, format!("{:.1}", bytes as f64));
    }

    /// Metadata as this node has it now.
    pub fn metadata(&self) -> &Arc<ClusterMetadata> {
        self.log.metadata()
    }

    fn send(&mut self, to: SocketAddr, message: &MetadataMessage) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.outbox.entry(to).or_default().push(0, &Message::Metadata(&bytes));
    }

    fn check_disk(&mut self, result: Result<(), DiskError>) {
        if let Err(error) = result {
            self.fatal.get_or_insert_with(|| format!("the metadata log cannot be written: {error}"));
        }
    }

    fn on_metadata_message(&mut self, host: Uuid, from: SocketAddr, message: MetadataMessage) {
        match message {
            MetadataMessage::Identify => {
                let metadata = self.log.metadata();
                let answer = MetadataMessage::Identity {
                    cluster_id: metadata.cluster_id,
                    cluster_name: self.shared.config.cluster_name.clone(),
                    epoch: metadata.epoch,
                };
                self.send(from, &answer);
            }
            MetadataMessage::Identity { cluster_id, cluster_name, epoch } => {
                self.on_identity(from, cluster_id, &cluster_name, epoch);
            }
            MetadataMessage::Join(node) => self.on_join(from, node),
            MetadataMessage::JoinRefused { reason } => {
                self.fatal.get_or_insert(format!("{from} refuses to let this node join: {reason}"));
            }
            MetadataMessage::Applied { epoch } => {
                self.note_applied(host, epoch);
            }
            MetadataMessage::AppliedBy { epoch, hosts } => {
                hosts.into_iter().for_each(|host| self.note_applied(host, epoch));
            }
            message => {
                let handled = self.log.on_message(host, from, message, self.now.monotonic_millis());
                self.check_disk(handled);
            }
        }
        self.after_log();
        self.joining_tick();
        self.proposals_tick();
    }

    /// Acts on what the gossiper decided.
    fn after_gossip(&mut self) {
        let output = self.gossiper.take_output();
        for outgoing in output.messages {
            let bytes = outgoing.message.encode();
            self.outbox.entry(outgoing.to).or_default().push(0, &Message::Gossip(&bytes));
        }
        // The links to a node's earlier run have ended with it, and those to its new one may be open already.
        let restarted: BTreeSet<SocketAddr> = output
            .events
            .iter()
            .filter_map(|event| match event {
                gossiper::Event::NodeRestarted { endpoint, .. } => Some(*endpoint),
                _ => None,
            })
            .collect();
        for event in output.events {
            self.on_gossip_event(event, &restarted);
        }
        self.announce();
        if let Some((epoch, address)) = self.gossiper.newest_epoch()
            && epoch > self.log.metadata().epoch
            && self.log.metadata().epoch > 0
        {
            self.log.fetch(address);
            self.after_log();
        }
        let info = self.gossiper.gossip_info(false);
        *self.shared.gossip_info.write() = info;
    }

    fn on_gossip_event(&mut self, event: gossiper::Event, restarted: &BTreeSet<SocketAddr>) {
        match event {
            gossiper::Event::NodeUp { endpoint } => self.peer_up(endpoint),
            gossiper::Event::NodeDown { endpoint } => self.peer_down(endpoint, restarted.contains(&endpoint)),
            gossiper::Event::StateChanged { endpoint, key } => self.peer_state(endpoint, key),
            gossiper::Event::WrongCluster { endpoint, cluster_name, .. } => {
                let name = cluster_name.unwrap_or_default();
                let own = &self.shared.config.cluster_name;
                if self.shared.config.seeds.contains(&endpoint) {
                    let text = format!("seed {endpoint} belongs to cluster \"{name}\", this node to \"{own}\"");
                    self.fatal.get_or_insert(text);
                }
            }
            _ => {}
        }
    }

    fn peer_up(&mut self, endpoint: SocketAddr) {
        {
            let mut peers = self.shared.peers.write();
            let status = peers.entry(endpoint).or_default();
            status.alive = true;
            status.down_since_millis = 0;
            // Another node may have taken the address.
            status.applied_epoch = 0;
        }
        if let Some(node) = self.node_at(endpoint) {
            self.events.push(ControlEvent::PeerUp(node.host_id));
        }
        self.announcements.came_up(endpoint);
    }

    fn peer_down(&mut self, endpoint: SocketAddr, is_restarted: bool) {
        {
            let mut peers = self.shared.peers.write();
            let status = peers.entry(endpoint).or_default();
            status.alive = false;
            status.down_since_millis = self.now.monotonic_millis();
        }
        self.announcements.went_down(endpoint);
        if let Some(node) = self.node_at(endpoint) {
            if !is_restarted {
                self.events.push(ControlEvent::PeerDown(node.host_id));
            }
            self.events.push(ControlEvent::Client(Event::Down(node.native)));
        }
    }

    fn is_native_ready(&self, endpoint: SocketAddr) -> bool {
        let state = self.gossiper.endpoint_state(&endpoint);
        state.and_then(|state| state.get(ApplicationState::RpcReady)) == Some("true")
    }

    fn node_at(&self, endpoint: SocketAddr) -> Option<Arc<NodeInfo>> {
        self.log.metadata().nodes.values().find(|node| node.internode == endpoint).cloned()
    }

    fn peer_state(&mut self, endpoint: SocketAddr, key: ApplicationState) {
        let Some(value) = self.gossiper.endpoint_state(&endpoint).and_then(|state| state.get(key)).map(str::to_owned)
        else {
            return;
        };
        if key == ApplicationState::RpcReady && value == "true" {
            self.announcements.came_up(endpoint);
            return;
        }
        let mut peers = self.shared.peers.write();
        let status: &mut PeerStatus = peers.entry(endpoint).or_default();
        match key {
            ApplicationState::Load => status.load_bytes = value.parse().ok(),
            ApplicationState::ReleaseVersion => status.release_version = Some(value),
            ApplicationState::Schema => status.schema_version = Uuid::try_parse(&value).ok(),
            _ => {}
        }
    }

    /// Sends what the log wants sent and acts on what it decided.
    fn after_log(&mut self) {
        loop {
            for (to, message) in self.log.take_outbox() {
                self.send(to, &message);
            }
            let events = self.log.take_events();
            if events.is_empty() {
                return;
            }
            for event in events {
                match event {
                    LogEvent::Applied { before, entry, after } => self.on_applied(&before, &entry, &after),
                    LogEvent::Decided { epoch } => self.proposal_decided(epoch),
                    LogEvent::Superseded => self.proposal_superseded(),
                }
            }
        }
    }

    /// One epoch further: the engine, the view, gossip, clients and other nodes follow.
    fn on_applied(&mut self, before: &ClusterMetadata, entry: &Entry, after: &Arc<ClusterMetadata>) {
        self.publish(after);
        match &entry.transformation {
            Transformation::PutNode(node)
                if !before.nodes.contains_key(&node.host_id) && node.host_id != self.shared.host_id =>
            {
                self.events.push(ControlEvent::Client(Event::NewNode(node.native)));
                self.announcements.came_up(node.internode);
            }
            Transformation::Schema { event: Some(event), .. } => {
                for event in schema_events::events(event, &before.schema, &after.schema) {
                    self.events.push(ControlEvent::Client(Event::SchemaChange(schema_change(&event))));
                }
            }
            _ => {}
        }
        // Only the proposer counts who has applied, and only it is told.
        if entry.proposer != self.shared.host_id
            && let Some(proposer) = after.nodes.get(&entry.proposer)
        {
            self.send(proposer.internode, &MetadataMessage::Applied { epoch: after.epoch });
        }
    }

    /// Makes an epoch visible to requests.
    fn publish(&mut self, metadata: &Arc<ClusterMetadata>) {
        let before = self.shared.view.load_full();
        if before.metadata.schema.epoch != metadata.schema.epoch || metadata.schema.epoch == 0 {
            let set = self.shared.engine.set_schema(Arc::clone(&metadata.schema), self.now);
            match set {
                Ok(kept) => kept.iter().for_each(|(table, error)| {
                    tracing::error!(%table, %error, "a dropped table's snapshot cannot be made: its files stay");
                }),
                Err(error) => {
                    self.fatal.get_or_insert_with(|| format!("the engine cannot follow the schema: {error}"));
                }
            }
            warn_of_strategies(&before.metadata.schema, &metadata.schema);
        }
        let view = View::new(Arc::clone(metadata), self.shared.host_id, Some(&before));
        self.shared.view.store(Arc::new(view));
        self.events.push(ControlEvent::ViewChanged);
        if metadata.epoch == 0 {
            return;
        }
        let now = self.now.monotonic_millis();
        if let Err(error) = self.gossiper.set_cluster_id(metadata.cluster_id, now) {
            tracing::warn!(%error, "the cluster id is not spread");
        }
        self.set_gossip(ApplicationState::MetadataEpoch, metadata.epoch.to_string());
        self.set_gossip(ApplicationState::Schema, metadata.schema.version().to_string());
        let own = metadata.nodes.get(&self.shared.host_id).cloned();
        if let Some(token) = own.as_ref().and_then(|own| own.tokens.first()) {
            self.set_gossip(ApplicationState::StatusWithPort, format!("NORMAL,{}", token.0));
            self.set_gossip(ApplicationState::Status, format!("NORMAL,{}", token.0));
        }
        if before.metadata.ring_epoch != metadata.ring_epoch {
            let members: Vec<_> = metadata.nodes.values().map(|node| node.internode).collect();
            self.gossiper.set_members(&members, now);
        }
        self.after_gossip();
    }
}

/// Says of new and altered tables whose compaction strategy is not there yet what compacts them.
fn warn_of_strategies(before: &Schema, after: &Schema) {
    for table in after.tables() {
        let known = before.table_by_id(table.id);
        if known.is_none_or(|known| known.params.compaction != table.params.compaction)
            && let Some(class) = strategy_to_come(&table.params.compaction)
        {
            let (keyspace, table) = (&table.keyspace, &table.name);
            tracing::warn!(
                keyspace,
                table,
                class,
                "not supported yet: SizeTieredCompactionStrategy compacts the table in its place"
            );
        }
    }
}

/// The strategy of these compaction options, when it is another than the size-tiered one, which is also the default.
fn strategy_to_come(compaction: &BTreeMap<String, String>) -> Option<&str> {
    let class = compaction.get("class")?;
    (!class.ends_with("SizeTieredCompactionStrategy")).then_some(class)
}

/// A schema event in the protocol's form.
pub(crate) fn schema_change(event: &SchemaEvent) -> SchemaChange {
    SchemaChange {
        change: match event.change {
            SchemaEventKind::Created => ChangeKind::Created,
            SchemaEventKind::Updated => ChangeKind::Updated,
            SchemaEventKind::Dropped => ChangeKind::Dropped,
        },
        keyspace: event.keyspace.clone(),
        target: match event.target {
            SchemaEventTarget::Keyspace => SchemaTarget::Keyspace,
            SchemaEventTarget::Table => SchemaTarget::Table { name: event.name.clone() },
            SchemaEventTarget::Type => SchemaTarget::Type { name: event.name.clone() },
            SchemaEventTarget::Function => {
                SchemaTarget::Function { name: event.name.clone(), argument_types: event.argument_types.clone() }
            }
            SchemaEventTarget::Aggregate => {
                SchemaTarget::Aggregate { name: event.name.clone(), argument_types: event.argument_types.clone() }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strategies_that_are_not_there_yet_are_warned_of() {
        let of_class = |class: &str| BTreeMap::from([("class".to_owned(), class.to_owned())]);
        assert_eq!(strategy_to_come(&BTreeMap::new()), None);
        assert_eq!(strategy_to_come(&of_class("SizeTieredCompactionStrategy")), None);
        assert_eq!(
            strategy_to_come(&of_class("org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy")),
            None
        );
        assert_eq!(strategy_to_come(&of_class("UnifiedCompactionStrategy")), Some("UnifiedCompactionStrategy"));
    }
}
