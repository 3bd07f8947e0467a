//! The metadata log: a chain of Paxos registers, one an epoch (decision 0003; Lamport, Paxos Made Simple, 2001).
//!
//! 1. The members of epoch e−1 decide epoch e. Whoever knows epoch e−1 may propose for e: DDL is proposed by the node the
//!    client asked.
//! 2. Prepare with a ballot to every member; a majority of promises, and the value with the highest accepted ballot among
//!    them, or the proposer's own. Accept to every member; a majority of acceptances decides.
//! 3. The decided entry goes to every node. Who is behind fetches from whoever told it of a later epoch.
//! 4. A proposer whose epoch went to another's entry is told [`LogEvent::Superseded`]: its caller looks at the new metadata and
//!    proposes anew.
//!
//! Promises, acceptances and decisions are synced before they are answered.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use helenus_engine::disk::{Disk, DiskResult};
use helenus_model::codec::Reader;
use helenus_model::rng::Rng;
use uuid::Uuid;

use super::metadata_message::{Ballot, MetadataMessage};
use super::metadata_store::{MetadataStore, MetadataStoreError, Record};
use crate::metadata::{ClusterMetadata, Entry, MetadataError, Transformation};

/// A phase without a majority is tried again after this, ms.
const RETRY_MILLIS: u64 = 500;
/// After a rejection the next attempt waits up to this, ms.
const BACKOFF_MILLIS_MAX: u64 = 40;
/// Longest entry, bytes: what a message between nodes may hold, with room for others beside it.
const ENTRY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most entries sent in one answer to a fetch.
const ENTRIES_PER_MESSAGE: usize = 256;
/// No more entries are added to an answer that has as many bytes.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What the log tells its owner.
#[derive(Debug)]
pub enum LogEvent {
    /// An epoch was applied: the metadata before, its entry, the metadata after.
    Applied {
        /// Metadata of the epoch before.
        before: Arc<ClusterMetadata>,
        /// The entry.
        entry: Box<Entry>,
        /// Metadata of this epoch.
        after: Arc<ClusterMetadata>,
    },
    /// The caller's proposal was decided as this epoch.
    Decided {
        /// The epoch.
        epoch: u64,
    },
    /// The caller's proposal lost its epoch to another; it is not in the log.
    Superseded,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Preparing {
        promises: BTreeSet<Uuid>,
        accepted: Option<(Ballot, Vec<u8>)>,
    },
    Accepting {
        acceptances: BTreeSet<Uuid>,
        entry: Vec<u8>,
    },
    /// Waits before the next attempt.
    Waiting,
}

#[derive(Debug)]
struct Proposal {
    epoch: u64,
    nonce: u64,
    entry: Vec<u8>,
    ballot: Ballot,
    phase: Phase,
    /// When to try again, monotonic ms.
    retry_at: u64,
}

/// One node's copy of the log, and its parts as acceptor and proposer.
#[derive(Debug)]
pub struct MetadataLog {
    host: Uuid,
    store: MetadataStore,
    rng: Rng,
    metadata: Arc<ClusterMetadata>,
    entries: Vec<Vec<u8>>,
    /// Of the next epoch.
    promised: Ballot,
    accepted: Option<(Ballot, Vec<u8>)>,
    proposal: Option<Proposal>,
    counter: u64,
    outbox: Vec<(SocketAddr, MetadataMessage)>,
    events: Vec<LogEvent>,
}

/// The log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// Its file cannot be read.
    #[error(transparent)]
    Store(#[from] MetadataStoreError),
    /// Its entries do not follow one another.
    #[error("metadata/log: {0}")]
    Entry(#[from] MetadataError),
}

impl MetadataLog {
    /// Reads the log of `host` from its disk.
    pub fn open(disk: &dyn Disk, host: Uuid, rng: Rng) -> Result<Self, OpenLogError> {
        let (store, records) = MetadataStore::open(disk)?;
        let mut log = MetadataLog {
            host,
            store,
            rng,
            metadata: Arc::new(ClusterMetadata::default()),
            entries: Vec::new(),
            promised: Ballot::default(),
            accepted: None,
            proposal: None,
            counter: 0,
            outbox: Vec::new(),
            events: Vec::new(),
        };
        for record in records {
            log.replay(record)?;
        }
        Ok(log)
    }

    fn replay(&mut self, record: Record) -> Result<(), MetadataError> {
        let next = self.metadata.epoch + 1;
        match record {
            Record::Decided { epoch, entry } => {
                let decoded = Entry::decode(&mut Reader::new(&entry))?;
                self.metadata = Arc::new(self.metadata.apply(epoch, &decoded)?);
                self.entries.push(entry);
                self.promised = Ballot::default();
                self.accepted = None;
            }
            Record::Promised { epoch, ballot } if epoch == next => self.promised = self.promised.max(ballot),
            Record::Accepted { epoch, ballot, entry } if epoch == next => {
                self.promised = self.promised.max(ballot);
                self.accepted = Some((ballot, entry));
            }
            _ => {}
        }
        self.counter = self.counter.max(self.promised.counter);
        Ok(())
    }

    /// What has been agreed on so far.
    pub fn metadata(&self) -> &Arc<ClusterMetadata> {
        &self.metadata
    }

    /// Messages to send since the last call.
    pub fn take_outbox(&mut self) -> Vec<(SocketAddr, MetadataMessage)> {
        std::mem::take(&mut self.outbox)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<LogEvent> {
        std::mem::take(&mut self.events)
    }

    /// True while a proposal of this node is under way; there is one at a time.
    pub fn is_proposing(&self) -> bool {
        self.proposal.is_some()
    }

    /// Gives up the proposal under way; it may still be decided by another's hand.
    pub fn abandon(&mut self) {
        self.proposal = None;
    }

    /// Begins the cluster: epoch 1, decided by this node alone.
    pub fn initialize(&mut self, transformation: Transformation) -> DiskResult<()> {
        assert_eq!(self.metadata.epoch, 0, "a cluster begins once");
        let entry = self.entry(transformation).1;
        self.decide(1, entry)
    }

    fn entry(&mut self, transformation: Transformation) -> (u64, Vec<u8>) {
        let nonce = self.rng.next_u64();
        let mut bytes = Vec::new();
        Entry { proposer: self.host, nonce, transformation }.encode(&mut bytes);
        (nonce, bytes)
    }

    /// Whether every node can read and apply the entry that would hold the transformation. What is decided must be: an entry that
    /// cannot be read stops its readers for good.
    pub fn check(&self, transformation: &Transformation) -> Result<(), MetadataError> {
        let mut bytes = Vec::new();
        let entry = Entry { proposer: self.host, nonce: 0, transformation: transformation.clone() };
        entry.encode(&mut bytes);
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(MetadataError::TooLarge { bytes: bytes.len() });
        }
        let entry = Entry::decode(&mut Reader::new(&bytes))?;
        self.metadata.apply(self.metadata.epoch + 1, &entry).map(drop)
    }

    /// Proposes the next epoch. The caller has made the transformation from [`MetadataLog::metadata`].
    pub fn propose(&mut self, transformation: Transformation, now_millis: u64) -> DiskResult<()> {
        assert!(self.proposal.is_none(), "one proposal at a time");
        let (nonce, entry) = self.entry(transformation);
        let epoch = self.metadata.epoch + 1;
        if self.metadata.members == [self.host] && self.accepted.is_none() {
            // The only member decides alone: one sync.
            self.decide(epoch, entry)?;
            self.events.push(LogEvent::Decided { epoch });
            return Ok(());
        }
        let phase = Phase::Waiting;
        self.proposal = Some(Proposal { epoch, nonce, entry, ballot: Ballot::default(), phase, retry_at: now_millis });
        self.prepare(now_millis)
    }

    /// Tries again what had no answer.
    pub fn on_tick(&mut self, now_millis: u64) -> DiskResult<()> {
        if self.proposal.as_ref().is_some_and(|proposal| proposal.retry_at <= now_millis) {
            self.prepare(now_millis)?;
        }
        Ok(())
    }

    /// When [`MetadataLog::on_tick`] has something to do, monotonic ms.
    pub fn next_wakeup(&self) -> Option<u64> {
        self.proposal.as_ref().map(|proposal| proposal.retry_at)
    }

    fn prepare(&mut self, now_millis: u64) -> DiskResult<()> {
        self.counter += 1;
        let ballot = Ballot { counter: self.counter, host: self.host };
        let Some(proposal) = &mut self.proposal else { return Ok(()) };
        proposal.ballot = ballot;
        proposal.retry_at = now_millis + RETRY_MILLIS;
        proposal.phase = Phase::Preparing { promises: BTreeSet::new(), accepted: None };
        let epoch = proposal.epoch;
        self.send_to_members(&MetadataMessage::Prepare { epoch, ballot }, now_millis)
    }

    /// Sends to every member; this node, if it is one, answers itself at once.
    fn send_to_members(&mut self, message: &MetadataMessage, now_millis: u64) -> DiskResult<()> {
        let metadata = Arc::clone(&self.metadata);
        for member in metadata.members.iter().filter(|member| **member != self.host) {
            if let Some(node) = metadata.nodes.get(member) {
                self.outbox.push((node.internode, message.clone()));
            }
        }
        if metadata.members.contains(&self.host)
            && let Some(answer) = self.accept_part(message)?
        {
            self.proposer_part(self.host, answer, now_millis)?;
        }
        Ok(())
    }

    /// Takes a message from a node; `host` is the sender's identity, `from` its address for answers.
    pub fn on_message(
        &mut self,
        host: Uuid,
        from: SocketAddr,
        message: MetadataMessage,
        now_millis: u64,
    ) -> DiskResult<()> {
        match message {
            MetadataMessage::Prepare { epoch, .. } | MetadataMessage::Accept { epoch, .. } => {
                if epoch <= self.metadata.epoch {
                    self.send_entries(from, epoch);
                } else if epoch > self.metadata.epoch + 1 {
                    self.fetch(from);
                } else if let Some(answer) = self.accept_part(&message)? {
                    self.outbox.push((from, answer));
                }
                Ok(())
            }
            MetadataMessage::Fetch { from: epoch } => {
                self.send_entries(from, epoch);
                Ok(())
            }
            MetadataMessage::Entries { from: first, entries } => self.learn(from, first, entries),
            answer => self.proposer_part(host, answer, now_millis),
        }
    }

    /// Asks `from` for what is missing, when it is known to be ahead.
    pub fn fetch(&mut self, from: SocketAddr) {
        self.outbox.push((from, MetadataMessage::Fetch { from: self.metadata.epoch + 1 }));
    }

    fn send_entries(&mut self, to: SocketAddr, first: u64) {
        let start = (first.max(1) - 1) as usize;
        if start >= self.entries.len() {
            return;
        }
        let mut bytes = 0;
        let has_room = |entry: &&Vec<u8>| {
            let had_room = bytes < ANSWER_BYTES;
            bytes += entry.len();
            had_room
        };
        let missing = self.entries.iter().skip(start).take(ENTRIES_PER_MESSAGE);
        let entries = missing.take_while(has_room).cloned().collect();
        self.outbox.push((to, MetadataMessage::Entries { from: start as u64 + 1, entries }));
    }

    /// Acceptor: the answer to Prepare or Accept for the next epoch.
    fn accept_part(&mut self, message: &MetadataMessage) -> DiskResult<Option<MetadataMessage>> {
        match message {
            MetadataMessage::Prepare { epoch, ballot } => {
                if *ballot < self.promised {
                    return Ok(Some(self.reject(*epoch, *ballot)));
                }
                if *ballot > self.promised {
                    self.store.append(&Record::Promised { epoch: *epoch, ballot: *ballot });
                    self.store.sync()?;
                    self.promised = *ballot;
                }
                let accepted = self.accepted.clone();
                Ok(Some(MetadataMessage::Promise { epoch: *epoch, ballot: *ballot, accepted }))
            }
            MetadataMessage::Accept { epoch, ballot, entry } => {
                if *ballot < self.promised {
                    return Ok(Some(self.reject(*epoch, *ballot)));
                }
                self.store.append(&Record::Accepted { epoch: *epoch, ballot: *ballot, entry: entry.clone() });
                self.store.sync()?;
                self.promised = *ballot;
                self.accepted = Some((*ballot, entry.clone()));
                Ok(Some(MetadataMessage::Accepted { epoch: *epoch, ballot: *ballot }))
            }
            _ => Ok(None),
        }
    }

    fn reject(&self, epoch: u64, ballot: Ballot) -> MetadataMessage {
        MetadataMessage::Reject { epoch, ballot, promised: self.promised }
    }

    /// Proposer: what an answer to this node's Prepare or Accept means.
    fn proposer_part(&mut self, host: Uuid, answer: MetadataMessage, now_millis: u64) -> DiskResult<()> {
        let majority = self.metadata.members.len() / 2 + 1;
        let is_member = self.metadata.members.contains(&host);
        let Some(proposal) = &mut self.proposal else { return Ok(()) };
        match answer {
            MetadataMessage::Promise { epoch, ballot, accepted }
                if is_member && (epoch, ballot) == (proposal.epoch, proposal.ballot) =>
            {
                let Phase::Preparing { promises, accepted: highest } = &mut proposal.phase else { return Ok(()) };
                promises.insert(host);
                if let Some(accepted) = accepted
                    && highest.as_ref().is_none_or(|highest| highest.0 < accepted.0)
                {
                    *highest = Some(accepted);
                }
                if promises.len() < majority {
                    return Ok(());
                }
                let entry = highest.take().map_or_else(|| proposal.entry.clone(), |(_, entry)| entry);
                proposal.phase = Phase::Accepting { acceptances: BTreeSet::new(), entry: entry.clone() };
                self.send_to_members(&MetadataMessage::Accept { epoch, ballot, entry }, now_millis)
            }
            MetadataMessage::Accepted { epoch, ballot }
                if is_member && (epoch, ballot) == (proposal.epoch, proposal.ballot) =>
            {
                let Phase::Accepting { acceptances, entry } = &mut proposal.phase else { return Ok(()) };
                acceptances.insert(host);
                if acceptances.len() < majority {
                    return Ok(());
                }
                let entry = std::mem::take(entry);
                self.decide(epoch, entry)
            }
            MetadataMessage::Reject { epoch, ballot, promised }
                if (epoch, ballot) == (proposal.epoch, proposal.ballot) =>
            {
                self.counter = self.counter.max(promised.counter);
                proposal.phase = Phase::Waiting;
                proposal.retry_at = now_millis + 1 + self.rng.below(BACKOFF_MILLIS_MAX);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes entries another node knows to be decided.
    fn learn(&mut self, from: SocketAddr, first: u64, entries: Vec<Vec<u8>>) -> DiskResult<()> {
        let bytes: usize = entries.iter().map(Vec::len).sum();
        let is_full = entries.len() == ENTRIES_PER_MESSAGE || bytes >= ANSWER_BYTES;
        for (i, entry) in entries.into_iter().enumerate() {
            if first + i as u64 == self.metadata.epoch + 1 {
                self.apply(entry)?;
            }
        }
        if is_full {
            self.fetch(from);
        }
        Ok(())
    }

    /// An epoch this node knows to be decided: apply it and tell every node of the ring.
    fn decide(&mut self, epoch: u64, entry: Vec<u8>) -> DiskResult<()> {
        assert_eq!(epoch, self.metadata.epoch + 1, "epochs follow one another");
        let message = MetadataMessage::Entries { from: epoch, entries: vec![entry.clone()] };
        self.apply(entry)?;
        let metadata = Arc::clone(&self.metadata);
        for node in metadata.nodes.values().filter(|node| node.host_id != self.host) {
            self.outbox.push((node.internode, message.clone()));
        }
        Ok(())
    }

    fn apply(&mut self, bytes: Vec<u8>) -> DiskResult<()> {
        let epoch = self.metadata.epoch + 1;
        let decoded = Entry::decode(&mut Reader::new(&bytes)).map_err(MetadataError::from);
        let applied = decoded.and_then(|entry| Ok((self.metadata.apply(epoch, &entry)?, entry)));
        let (after, entry) = match applied {
            Ok(applied) => applied,
            // A decided entry that does not apply means that this program is not the one that made it. Going on would let this
            // node's metadata part from the others'.
            Err(error) => panic!("metadata epoch {epoch} cannot be applied: {error}"),
        };
        self.store.append(&Record::Decided { epoch, entry: bytes.clone() });
        self.store.sync()?;
        self.entries.push(bytes);
        self.promised = Ballot::default();
        self.accepted = None;
        let after = Arc::new(after);
        let before = std::mem::replace(&mut self.metadata, Arc::clone(&after));
        let own = self.proposal.take_if(|proposal| proposal.epoch <= epoch);
        let nonce = entry.nonce;
        let proposer = entry.proposer;
        self.events.push(LogEvent::Applied { before, entry: Box::new(entry), after });
        if let Some(own) = own {
            self.events.push(if (proposer, nonce) == (self.host, own.nonce) {
                LogEvent::Decided { epoch }
            } else {
                LogEvent::Superseded
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use helenus_engine::disk_memory::MemoryDisk;
    use helenus_model::schema::{Replication, SchemaChange};
    use helenus_model::token::Token;
    use helenus_model::types::{CqlType, UdtDefinition};

    use super::*;
    use crate::metadata::{Role, RoleChange};
    use crate::topology::{NodeInfo, NodeState};

    fn address(i: usize) -> SocketAddr {
        ([127, 0, 0, i as u8 + 1], 7000).into()
    }

    fn node(i: usize) -> NodeInfo {
        NodeInfo {
            host_id: Uuid::from_u128(i as u128 + 1),
            internode: address(i),
            native: address(i),
            datacenter: "dc".to_owned(),
            rack: "r".to_owned(),
            tokens: vec![Token(i as i64)],
            state: NodeState::Normal,
        }
    }

    fn role(name: String) -> Transformation {
        Transformation::Roles(vec![RoleChange::Put { name, role: Role::default() }])
    }

    /// Three members over a network that loses, doubles and delays, and disks that survive a restart.
    struct World {
        rng: Rng,
        now: u64,
        disks: Vec<MemoryDisk>,
        logs: Vec<MetadataLog>,
        network: Vec<(u64, usize, SocketAddr, MetadataMessage)>,
        loss_percent: u64,
        decided: Vec<(usize, u64)>,
    }

    impl World {
        fn new(seed: u64) -> Self {
            let mut rng = Rng::new(seed);
            let disks: Vec<_> = (0..3).map(|_| MemoryDisk::new()).collect();
            let logs = (0..3).map(|i| Self::open(&disks[i], i, &mut rng)).collect();
            let mut world =
                World { rng, now: 0, disks, logs, network: Vec::new(), loss_percent: 0, decided: Vec::new() };
            let begin = Transformation::Initialize {
                cluster_id: Uuid::from_u128(42),
                cluster_name: "test".to_owned(),
                node: node(0),
            };
            world.logs[0].initialize(begin).expect("begins");
            for transformation in [
                Transformation::PutNode(node(1)),
                Transformation::PutNode(node(2)),
                Transformation::SetMembers((1..=3).map(Uuid::from_u128).collect()),
            ] {
                world.logs[0].propose(transformation, 0).expect("proposes");
            }
            world.logs[1].fetch(address(0));
            world.logs[2].fetch(address(0));
            world.run(100);
            world
        }

        fn open(disk: &MemoryDisk, i: usize, rng: &mut Rng) -> MetadataLog {
            MetadataLog::open(disk, Uuid::from_u128(i as u128 + 1), rng.fork()).expect("opens")
        }

        fn run(&mut self, millis: u64) {
            for _ in 0..millis {
                self.now += 1;
                for i in 0..3 {
                    self.logs[i].on_tick(self.now).expect("ticks");
                    self.collect(i);
                }
                let (due, later) = std::mem::take(&mut self.network).into_iter().partition(|m| m.0 <= self.now);
                self.network = later;
                let due: Vec<_> = due;
                for (_, from, to, message) in due {
                    let to = (0..3).find(|i| address(*i) == to).expect("an address");
                    let mut bytes = Vec::new();
                    message.encode(&mut bytes);
                    let message = MetadataMessage::decode(&bytes).expect("decodes");
                    let host = Uuid::from_u128(from as u128 + 1);
                    self.logs[to].on_message(host, address(from), message, self.now).expect("handles");
                    self.collect(to);
                }
            }
        }

        fn collect(&mut self, i: usize) {
            for (to, message) in self.logs[i].take_outbox() {
                for _ in 0..if self.rng.chance(10) { 2 } else { 1 } {
                    if !self.rng.chance(self.loss_percent) {
                        self.network.push((self.now + 1 + self.rng.below(20), i, to, message.clone()));
                    }
                }
            }
            for event in self.logs[i].take_events() {
                if let LogEvent::Decided { epoch } = event {
                    self.decided.push((i, epoch));
                }
            }
        }
    }

    #[test]
    fn all_nodes_agree_under_loss_and_restarts() {
        for seed in 0..40 {
            let mut world = World::new(seed);
            assert_eq!(world.logs[2].metadata().epoch, 4, "seed {seed}: everyone has the beginning");
            world.loss_percent = 25;
            for round in 0..60 {
                for i in 0..3 {
                    if !world.logs[i].is_proposing() && world.rng.chance(50) {
                        let now = world.now;
                        world.logs[i].propose(role(format!("{i}-{round}")), now).expect("proposes");
                        world.collect(i);
                    }
                }
                world.run(100);
                if world.rng.chance(20) {
                    let i = world.rng.index(3);
                    world.logs[i] = World::open(&world.disks[i], i, &mut world.rng);
                }
            }
            world.loss_percent = 0;
            world.logs.iter_mut().for_each(MetadataLog::abandon);
            world.run(2000);
            for i in 0..3 {
                let ahead = (0..3).max_by_key(|i| world.logs[*i].metadata().epoch).expect("three");
                world.logs[i].fetch(address(ahead));
            }
            world.run(200);
            assert!(world.logs[0].metadata().epoch > 10, "seed {seed}: it went on");
            let mut owners = BTreeMap::new();
            for (i, epoch) in &world.decided {
                assert_eq!(owners.insert(*epoch, *i).unwrap_or(*i), *i, "seed {seed}: epoch {epoch} has one owner");
            }
            for i in 1..3 {
                assert_eq!(world.logs[i].entries, world.logs[0].entries, "seed {seed}: node {i}");
            }
        }
    }

    /// What the log says of a type of `levels` inside of each other, the innermost with a field of this name.
    fn check(levels: usize, field: &str, wanted: &str) {
        let innermost = UdtDefinition {
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            fields: vec![(field.to_owned(), CqlType::Int)],
        };
        let definition = (1..levels).fold(innermost, |inner, level| UdtDefinition {
            keyspace: "ks".to_owned(),
            name: format!("t{level}"),
            fields: vec![("f".to_owned(), CqlType::Udt { definition: Arc::new(inner), frozen: true })],
        });
        let world = World::new(1);
        let keyspace = SchemaChange::PutKeyspace {
            name: "ks".to_owned(),
            replication: Replication::Simple { factor: 1 },
            durable_writes: true,
        };
        world.logs[0]
            .check(&Transformation::Schema { changes: vec![keyspace.clone()], event: None })
            .expect("a keyspace");
        let changes = vec![keyspace, SchemaChange::PutType(definition)];
        let answer = world.logs[0].check(&Transformation::Schema { changes, event: None });
        let answer = answer.map_or_else(|error| error.to_string(), |()| "taken".to_owned());
        assert!(answer.starts_with(wanted), "{levels} levels: {answer}");
    }

    #[test]
    fn what_could_not_be_read_again_is_not_proposed() {
        check(1, "f", "taken");
        check(100, "f", "taken");
        check(200, "f", "metadata entry: invalid depth of type");
        check(1, &"f".repeat(ENTRY_BYTES_MAX), "metadata entry of 16777");
    }
}
