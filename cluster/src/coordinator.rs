//! A coordinator: owns client connections and links to other nodes' coordinators, and decides everything about the requests
//! that come over them. There is one a core; it is owned by its thread and never waits.
//!
//! 1. Its owner hands it what happened: bytes of a client, a frame of a peer, a link that opened or closed, a finished task, a
//!    control event, a tick.
//! 2. Requests whose data is in memory run to their answer inside that call. Others wait in a slab for peers or tasks.
//! 3. After each batch of events the owner calls [`Coordinator::end_batch`]: the commit log and the hints go to the kernel
//!    with one write each. Only then may it send what the coordinator wants sent (ARCHITECTURE.md, the way of a write), found through
//!    [`Coordinator::take_dirty_clients`], [`Coordinator::take_dirty_links`] and [`Coordinator::take_tasks`].

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::response::Event;
use helenus_cql_protocol::server_conn::{ServerConfig, ServerConn};
use helenus_engine::disk::DiskErrorKind;
use helenus_engine::error::WriteError;
use helenus_engine::log::LogPosition;
use helenus_model::rng::Rng;
use helenus_model::time::Now;
use helenus_query::values::SteppingIds;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::control::{ControlEvent, ControlRequest};
use crate::link::Hello;
use crate::message::{FrameBuilder, FrameError, Message, split_frame};
use crate::shared::Shared;
use crate::task::{Task, TaskDone};
use crate::topology::NodeIndex;
use crate::view::View;

mod addresses;
mod background;
mod batch;
mod cas;
mod client;
mod consistency;
pub(crate) mod count;
mod deferred;
mod errors;
mod execute;
mod guard;
mod hinted;
mod index_read;
mod inner_read;
mod late;
mod lists;
mod operation;
mod read;
mod reconcile;
mod replica;
mod select;
mod short;
pub(crate) mod slab;
pub(crate) mod statement;
mod truncate;
mod values;
pub(crate) mod views;
mod write;

pub use count::{Counted, Increments};
pub use slab::SlotId;
pub use views::{ViewWrite, Viewed};

pub(crate) use client::{ReplyColumns, RowsReply};
pub(crate) use select::EncodedRows;

use addresses::Addresses;
use background::Background;
use cas::CasSteps;
use client::Client;
use deferred::Deferred;
use hinted::Hinted;
use operation::Operation;
use slab::Slab;
use statement::StatementCache;
use views::ViewBuilds;

/// Number of a link inside one coordinator.
pub type LinkId = u64;

/// A link this coordinator asked for, to a coordinator of another node: requests go out, answers come back.
#[derive(Debug)]
struct Peer {
    host: Uuid,
    up: bool,
    out: FrameBuilder,
    dirty: bool,
    /// Operations that may wait for this peer; looked through when the link closes.
    datacenter: String,
}

/// A link another node's coordinator asked for: requests come in, answers go out.
#[derive(Debug, Default)]
struct Inbound {
    host: Uuid,
    out: FrameBuilder,
    dirty: bool,
}

/// What a link's bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// For the link to this host that this coordinator asked for.
    Peer(Uuid),
    /// For an accepted link.
    Inbound(LinkId),
}

/// One core's coordinator.
#[derive(Debug)]
pub struct Coordinator {
    /// Its number on this node, from 0.
    number: u16,
    shared: Arc<Shared>,
    view: Arc<View>,
    now: Now,
    rng: Rng,
    ids: SteppingIds,
    clients: Slab<Client>,
    dirty_clients: Vec<SlotId>,
    peers: Vec<Peer>,
    peer_of_host: BTreeMap<Uuid, u16>,
    /// For each node of the view's ring its peer; `LOCAL` for this node.
    peer_of_node: Vec<u16>,
    inbound: FxHashMap<LinkId, Inbound>,
    dirty_links: Vec<LinkOutput>,
    operations: Slab<Operation>,
    /// How many of them were told last.
    told_waiting: u64,
    /// Deadlines in the order they were set, by length of timeout.
    deadlines: BTreeMap<u64, VecDeque<(u64, SlotId)>>,
    statements: StatementCache,
    tasks: Vec<Task>,
    requests: Vec<ControlRequest>,
    /// Acknowledgements that wait for the device, by log position.
    unsynced: VecDeque<(LogPosition, AwaitingSync)>,
    hinted: Hinted,
    log_dirty: bool,
    /// Batches stored on this node (periodic mode): their mutations may go out, here or as hints, when the kernel has them.
    stored_batches: Vec<SlotId>,
    /// Parts of writes to counters that this coordinator has led itself, told at the end of the batch.
    counted_parts: Vec<(SlotId, u32, crate::message::Outcome)>,
    /// This node's own parts of reads, done at the end of the batch.
    local_reads: VecDeque<(SlotId, u32)>,
    /// Steps of registers of conditional writes, done at the end of the batch.
    cas: CasSteps,
    in_flight_bytes: usize,
    addresses: Addresses,
    deferred: Deferred,
    background: Background,
    view_builds: ViewBuilds,
    scratch: Scratch,
    /// What guardrails say beside answers that are still to come, by client and stream. Almost always empty.
    guard_warnings: BTreeMap<(SlotId, i16), Vec<String>>,
}

/// Buffers used again and again.
#[derive(Debug, Default)]
struct Scratch {
    batch: helenus_query::write::WriteBatch,
    rows: Vec<u8>,
    digest: Vec<u8>,
}

/// Who is told when a log position is on the device.
#[derive(Debug)]
enum AwaitingSync {
    /// A part of an operation of this coordinator.
    Operation(SlotId, u32),
    /// A peer's request.
    Link(LinkId, u64),
    /// What was counted here, before the other replicas hear of it.
    Counted(SlotId),
    /// This node's own answer to a part of a read of this coordinator.
    OwnRead(SlotId, u32, Vec<u8>),
    /// The answer to a peer's read.
    PeerRead(LinkId, u64, Vec<u8>),
    /// The answer to a peer's read that wanted the digest.
    PeerDigest(LinkId, u64, [u8; 16]),
    /// This node's own register's answer to a part of a conditional write of this coordinator.
    OwnRegister(SlotId, u32, Box<crate::cas::wire::Answer>),
    /// A register's answer to a peer.
    PeerRegister(LinkId, u64, Vec<u8>),
}

/// The number of this node among the peers.
const LOCAL: u16 = u16::MAX;

impl Coordinator {
    /// Coordinator `number` of a member.
    pub fn new(number: u16, shared: Arc<Shared>, mut rng: Rng, now: Now) -> Self {
        shared.reach.add_coordinator();
        let view = shared.view.load_full();
        let ids = SteppingIds::new(rng.next_u64(), rng.fork());
        ids.set_now(now.wall_micros.div_euclid(1000));
        let mut coordinator = Coordinator {
            number,
            shared,
            view,
            now,
            rng,
            ids,
            clients: Slab::default(),
            dirty_clients: Vec::new(),
            peers: Vec::new(),
            peer_of_host: BTreeMap::new(),
            peer_of_node: Vec::new(),
            inbound: FxHashMap::default(),
            dirty_links: Vec::new(),
            operations: Slab::default(),
            told_waiting: 0,
            guard_warnings: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            statements: StatementCache::default(),
            tasks: Vec::new(),
            requests: Vec::new(),
            unsynced: VecDeque::new(),
            hinted: Hinted::default(),
            log_dirty: false,
            stored_batches: Vec::new(),
            counted_parts: Vec::new(),
            local_reads: VecDeque::new(),
            cas: CasSteps::default(),
            in_flight_bytes: 0,
            addresses: Addresses::default(),
            deferred: Deferred::default(),
            background: Background::default(),
            view_builds: ViewBuilds::default(),
            scratch: Scratch::default(),
        };
        coordinator.adopt_view();
        coordinator
    }

    /// Its number on this node.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Tells the time; call it before a batch of events.
    pub fn set_now(&mut self, now: Now) {
        self.now = now;
        self.ids.set_now(now.wall_micros.div_euclid(1000));
    }

    // --- clients ---------------------------------------------------------------------------------------------------

    /// A client has connected.
    pub fn open_client(&mut self, address: SocketAddr) -> SlotId {
        let config = ServerConfig {
            body_size_max: self.shared.config.frame_bytes_max as u32,
            allow_older_versions: self.shared.config.allow_older_protocols,
            ..ServerConfig::default()
        };
        self.shared.stats.connections.fetch_add(1, Ordering::Relaxed);
        let number = self.addresses.open(address.ip());
        self.clients.insert(Client::new(ServerConn::new(config), address, number))
    }

    /// A client's connection is gone; its requests run to their end unheard.
    pub fn close_client(&mut self, id: SlotId) {
        if let Some(client) = self.clients.remove(id) {
            self.addresses.close(client.session.address_id);
            self.guard_warnings.retain(|(asking, _), _| *asking != id);
            self.shared.stats.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Room to read a client's bytes into; then call [`Coordinator::client_received`]. None: there is no such client.
    pub fn client_room(&mut self, id: SlotId) -> Option<&mut [u8]> {
        self.clients.get_mut(id).map(|client| client.conn.room())
    }

    /// So many bytes were read into [`Coordinator::client_room`]: handles every whole request among them.
    pub fn client_received(&mut self, id: SlotId, size: usize) {
        if let Some(client) = self.clients.get_mut(id) {
            client.conn.received(size);
            self.look_at_view();
            self.handle_client(id);
        }
    }

    /// Clients that have something to be sent since the last call.
    pub fn take_dirty_clients(&mut self) -> Vec<SlotId> {
        std::mem::take(&mut self.dirty_clients)
    }

    /// Gives back the list that [`Coordinator::take_dirty_clients`] returned, to be used again.
    pub fn recycle_dirty_clients(&mut self, mut list: Vec<SlotId>) {
        list.clear();
        if self.dirty_clients.is_empty() {
            self.dirty_clients = list;
        }
    }

    /// What to send to a client now; then call [`Coordinator::client_sent`].
    pub fn client_output(&mut self, id: SlotId) -> &[u8] {
        match self.clients.get_mut(id) {
            Some(client) => {
                client.dirty = false;
                client.conn.responses().output()
            }
            None => &[],
        }
    }

    /// So many bytes of [`Coordinator::client_output`] were sent.
    pub fn client_sent(&mut self, id: SlotId, size: usize) {
        if let Some(client) = self.clients.get_mut(id) {
            client.conn.responses().sent(size);
        }
    }

    /// True when a client's connection is to be closed once its output is sent.
    pub fn client_is_closing(&mut self, id: SlotId) -> bool {
        self.clients.get_mut(id).is_none_or(|client| client.conn.is_closing())
    }

    /// True when no more of a client's bytes should be read: too much waits to be sent to it.
    pub fn client_is_paused(&mut self, id: SlotId) -> bool {
        self.clients.get_mut(id).is_some_and(|client| client.conn.responses().unsent_size() > client::UNSENT_BYTES_MAX)
    }

    // --- links -----------------------------------------------------------------------------------------------------

    /// Hosts this coordinator wants a link to, with their addresses.
    pub fn wanted_peers(&self) -> Vec<(Uuid, SocketAddr)> {
        let nodes = self.view.ring.nodes.iter().filter(|node| node.host_id != self.shared.host_id);
        nodes.map(|node| (node.host_id, node.internode)).collect()
    }

    /// A link this coordinator wanted is open; its other end has introduced itself.
    pub fn peer_up(&mut self, hello: &Hello) {
        let host = hello.host_id;
        if let Some(peer) = self.peer_of_host.get(&host).and_then(|i| self.peers.get_mut(usize::from(*i))) {
            peer.up = true;
            peer.out = FrameBuilder::default();
            self.background.peer_up(host);
            self.shared.reach.opened(self.number, hello);
        }
    }

    /// A link this coordinator wanted has closed or could not be opened, or the detector convicted its node: what waits for it
    /// fails at once.
    pub fn peer_down(&mut self, host: Uuid) {
        let Some(i) = self.peer_of_host.get(&host).copied() else { return };
        self.shared.reach.closed(self.number, host);
        let peer = &mut self.peers[usize::from(i)];
        if !peer.up {
            return;
        }
        peer.up = false;
        peer.out = FrameBuilder::default();
        self.background.peer_down(host);
        for id in self.operations.ids() {
            self.operation_lost_peer(id, i);
        }
    }

    /// True while the link to `host` is open.
    pub fn peer_is_up(&self, host: Uuid) -> bool {
        self.peer_of_host.get(&host).is_some_and(|i| self.peers[usize::from(*i)].up)
    }

    /// Answers that came over the link to `host`: whole frames at the start of `bytes`. Returns how many bytes were used.
    pub fn peer_received(&mut self, host: Uuid, bytes: &[u8]) -> Result<usize, FrameError> {
        let Some(peer) = self.peer_of_host.get(&host).copied() else { return Ok(bytes.len()) };
        let mut used = 0;
        while let Some((messages, length)) = split_frame(&bytes[used..])? {
            let mut reader = helenus_model::codec::Reader::new(messages);
            while !reader.is_empty() {
                let (id, message) = Message::decode(&mut reader)?;
                self.peer_answer(peer, id, message);
            }
            used += length;
        }
        Ok(used)
    }

    /// Another node's coordinator opened a link; the number is the owner's choice.
    pub fn open_inbound(&mut self, link: LinkId, hello: &Hello) {
        self.shared.reach.inbound_opened(hello.host_id);
        self.inbound.insert(link, Inbound { host: hello.host_id, ..Inbound::default() });
    }

    /// A link another node opened is gone.
    pub fn close_inbound(&mut self, link: LinkId) {
        if let Some(inbound) = self.inbound.remove(&link) {
            self.shared.reach.inbound_closed(inbound.host);
        }
    }

    /// Requests that came over an accepted link: whole frames at the start of `bytes`. Returns how many bytes were used.
    pub fn inbound_received(&mut self, link: LinkId, bytes: &[u8]) -> Result<usize, FrameError> {
        let mut used = 0;
        while let Some((messages, length)) = split_frame(&bytes[used..])? {
            let mut reader = helenus_model::codec::Reader::new(messages);
            while !reader.is_empty() {
                let (id, message) = Message::decode(&mut reader)?;
                self.peer_request(link, id, message);
            }
            used += length;
        }
        Ok(used)
    }

    /// Links that have something to be sent since the last call.
    pub fn take_dirty_links(&mut self) -> Vec<LinkOutput> {
        std::mem::take(&mut self.dirty_links)
    }

    /// Appends what is to be sent over a link as one frame.
    pub fn link_output(&mut self, link: LinkOutput, out: &mut Vec<u8>) {
        match link {
            LinkOutput::Peer(host) => {
                if let Some(i) = self.peer_of_host.get(&host) {
                    let peer = &mut self.peers[usize::from(*i)];
                    peer.dirty = false;
                    peer.out.take_into(out);
                }
            }
            LinkOutput::Inbound(id) => {
                if let Some(inbound) = self.inbound.get_mut(&id) {
                    inbound.dirty = false;
                    inbound.out.take_into(out);
                }
            }
        }
    }

    fn send(&mut self, peer: u16, id: u64, message: &Message<'_>) {
        let peer = &mut self.peers[usize::from(peer)];
        if !peer.up {
            return;
        }
        peer.out.push(id, message);
        if !peer.dirty {
            peer.dirty = true;
            self.dirty_links.push(LinkOutput::Peer(peer.host));
        }
    }

    fn answer(&mut self, link: LinkId, id: u64, message: &Message<'_>) {
        let Some(inbound) = self.inbound.get_mut(&link) else { return };
        inbound.out.push(id, message);
        if !inbound.dirty {
            inbound.dirty = true;
            self.dirty_links.push(LinkOutput::Inbound(link));
        }
    }

    // --- everything else -------------------------------------------------------------------------------------------

    /// Work to be run elsewhere since the last call; give each result to [`Coordinator::task_done`].
    pub fn take_tasks(&mut self) -> Vec<Task> {
        std::mem::take(&mut self.tasks)
    }

    /// A task has run.
    pub fn task_done(&mut self, done: TaskDone) {
        self.handle_task(done);
    }

    /// Requests to the control part since the last call.
    pub fn take_requests(&mut self) -> Vec<ControlRequest> {
        std::mem::take(&mut self.requests)
    }

    /// The control part has something to say.
    pub fn on_control_event(&mut self, event: &ControlEvent) {
        match event {
            ControlEvent::ViewChanged => {
                self.adopt_view();
                self.run_deferred();
                self.look_for_view_builds();
            }
            ControlEvent::Client(event) => self.tell_clients(event),
            ControlEvent::Reply { coordinator, operation, result } if *coordinator == self.number => {
                self.control_reply(*operation, result);
            }
            ControlEvent::Reply { .. } => {}
            ControlEvent::PeerDown(host) => self.peer_down(*host),
            // Its owner opens the link.
            ControlEvent::PeerUp(_) => {}
        }
    }

    /// How far the log has to be on the device for all acknowledgements that wait for it; None: none does. In batch and group mode all
    /// wait, those of conditional writes always.
    pub fn awaited_sync(&self) -> Option<LogPosition> {
        self.unsynced.back().map(|(last, _)| *last)
    }

    /// The log is on the device up to here.
    pub fn log_synced(&mut self, position: LogPosition) {
        while let Some((at, _)) = self.unsynced.front()
            && *at <= position
        {
            let Some((_, waiter)) = self.unsynced.pop_front() else { return };
            match waiter {
                AwaitingSync::Operation(id, part) => self.operation_synced(id, part),
                AwaitingSync::Link(link, id) => {
                    self.answer(link, id, &Message::Ack(crate::message::Outcome::Done));
                }
                AwaitingSync::Counted(id) => self.counted_synced(id),
                AwaitingSync::OwnRead(id, part, answer) => self.own_read_synced(id, part, answer),
                AwaitingSync::PeerRead(link, id, answer) => self.answer(link, id, &Message::Data(&answer)),
                AwaitingSync::PeerDigest(link, id, digest) => self.answer(link, id, &Message::Digest(digest)),
                AwaitingSync::OwnRegister(id, part, answer) => self.cas_answered(id, part, *answer),
                AwaitingSync::PeerRegister(link, id, answer) => self.answer(link, id, &Message::CasAnswer(&answer)),
            }
        }
    }

    /// An answer to a read that saw what is not on the device yet waits until it is.
    fn await_sync(&mut self, position: LogPosition, waiter: AwaitingSync) {
        // Whoever came before may wait for more: the order of coming stays the order of positions.
        let last = self.unsynced.back().map_or(position, |(last, _)| position.max(*last));
        self.unsynced.push_back((last, waiter));
    }

    /// Time passes: timeouts, hint delivery, batch replay. Call it about every 10 ms.
    pub fn on_tick(&mut self) {
        self.expire_operations();
        self.tell_waiting();
        self.expire_deferred();
        self.background_tick();
    }

    /// Ends a batch of events: hands log and hints to the kernel. An error means that nothing may be acknowledged any more; what
    /// waits in output buffers must not be sent.
    pub fn end_batch(&mut self) -> Result<(), WriteError> {
        self.run_local_reads();
        while !self.cas.is_empty() {
            self.run_cas_steps();
            self.run_local_reads();
        }
        self.tell_counted_parts();
        self.send_view_updates();
        loop {
            if self.log_dirty {
                self.shared.engine.log_flush()?;
                match self.shared.hints.flush() {
                    // They stay in memory and are tried again; what rests on them waits (hinted.rs).
                    Err(error) if error.kind == DiskErrorKind::Full => tracing::warn!(%error, "hints wait for space"),
                    flushed => flushed?,
                }
                self.log_dirty = false;
            }
            if self.stored_batches.is_empty() {
                return Ok(());
            }
            for id in std::mem::take(&mut self.stored_batches) {
                self.local_write_done(id, 0);
            }
        }
    }

    /// Operations that wait for something.
    pub fn pending_operations(&self) -> usize {
        self.operations.len()
    }

    /// Lets nodetool see how many requests wait.
    fn tell_waiting(&mut self) {
        let waiting = self.operations.len() as u64;
        if waiting != self.told_waiting {
            self.told_waiting = waiting;
            self.shared.stats.waiting.write().insert(self.number, waiting);
        }
    }

    /// Follows a new epoch also before it is told of it: the client may have heard from another node, or from another coordinator
    /// of this one, that its change of the schema is in force.
    fn look_at_view(&mut self) {
        let is_new = !Arc::ptr_eq(&self.view, &self.shared.view.load());
        if is_new {
            self.adopt_view();
        }
    }

    fn adopt_view(&mut self) {
        self.view = self.shared.view.load_full();
        let view = Arc::clone(&self.view);
        self.peer_of_node.clear();
        for node in &view.ring.nodes {
            if node.host_id == self.shared.host_id {
                self.peer_of_node.push(LOCAL);
                continue;
            }
            let next = self.peers.len() as u16;
            let i = *self.peer_of_host.entry(node.host_id).or_insert(next);
            if i == next {
                self.peers.push(Peer {
                    host: node.host_id,
                    up: false,
                    out: FrameBuilder::default(),
                    dirty: false,
                    datacenter: node.datacenter.clone(),
                });
            }
            self.peer_of_node.push(i);
        }
    }

    fn is_alive(&self, node: NodeIndex) -> bool {
        match self.peer_of_node.get(usize::from(node)) {
            Some(&LOCAL) => true,
            Some(peer) => self.peers[usize::from(*peer)].up,
            None => false,
        }
    }

    fn tell_clients(&mut self, event: &Event) {
        for id in self.clients.ids() {
            if let Some(client) = self.clients.get_mut(id)
                && client.conn.responses().event(event)
            {
                self.mark_client(id);
            }
        }
    }

    fn mark_client(&mut self, id: SlotId) {
        if let Some(client) = self.clients.get_mut(id)
            && !client.dirty
        {
            client.dirty = true;
            self.dirty_clients.push(id);
        }
    }
}
