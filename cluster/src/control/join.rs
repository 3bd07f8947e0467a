//! How a node comes into a cluster (docs/operations.md, a new cluster).
//!
//! 1. A node that owns tokens goes on from its own log, in any order with the others.
//! 2. Else it asks its seeds for a cluster, and whoever else speaks to it. Only the first of the seeds may begin one: at once when
//!    every other seed has said that it knows none; a seed that says nothing may know one, so then only after half a minute
//!    (Cassandra's ring delay) in which nobody told of a cluster.
//! 3. It fetches the log, asks any node for a place, and is in when the log says so. The node asked chooses tokens against the
//!    newest ring, so two that join at once get different ones.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use helenus_model::rng::Rng;
use helenus_model::token::Token;
use uuid::Uuid;

use super::metadata_message::MetadataMessage;
use super::{Control, Planned, Proposal, ProposalDone};
use crate::config::MemberConfig;
use crate::metadata::{ClusterMetadata, Transformation};
use crate::topology::{NodeInfo, NodeState};

/// Between two questions, ms.
const ASK_MILLIS: u64 = 50;
/// Between two requests to join, ms.
const JOIN_MILLIS: u64 = 500;
/// How long the first seed waits for seeds that say nothing before it begins a cluster, ms.
const FORM_MILLIS: u64 = 30_000;
/// After this it says in the log what it waits for, ms.
const WARN_MILLIS: u64 = 2_000;
/// Nodes that are asked beside the seeds, because they spoke to this one.
const STRANGERS_MAX: usize = 16;

/// How far this node is.
#[derive(Debug)]
pub(super) struct Joining {
    done: bool,
    /// Seeds, without this node.
    others: Vec<SocketAddr>,
    may_form: bool,
    /// Nodes that have said that they know no cluster.
    without_cluster: BTreeSet<SocketAddr>,
    /// Nodes that are no seeds and spoke to this one: they may know the cluster that this node lost its data of.
    strangers: BTreeSet<SocketAddr>,
    /// It was said in the log that seeds are silent.
    warned: bool,
    /// A node that knows the cluster.
    contact: Option<SocketAddr>,
    started_at: Option<u64>,
    ask_at: u64,
    join_at: u64,
}

impl Joining {
    pub(super) fn new(config: &MemberConfig, _metadata: &ClusterMetadata) -> Self {
        Joining {
            done: false,
            others: config.seeds.iter().copied().filter(|seed| *seed != config.internode).collect(),
            may_form: config.seeds.first() == Some(&config.internode),
            without_cluster: BTreeSet::new(),
            strangers: BTreeSet::new(),
            warned: false,
            contact: None,
            started_at: None,
            ask_at: 0,
            join_at: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// What it said before is no proof any more.
    pub(super) fn unreachable(&mut self, address: SocketAddr) {
        self.without_cluster.remove(&address);
    }

    /// A node spoke to this one.
    pub(super) fn heard_of(&mut self, address: SocketAddr) {
        if !self.done && self.strangers.len() < STRANGERS_MAX && !self.others.contains(&address) {
            self.strangers.insert(address);
        }
    }

    fn silent_seeds(&self) -> Vec<SocketAddr> {
        self.others.iter().copied().filter(|seed| !self.without_cluster.contains(seed)).collect()
    }
}

impl Control {
    /// What this node is in the ring, apart from its tokens.
    fn own_node(&self, tokens: Vec<Token>) -> NodeInfo {
        let config = &self.shared.config;
        NodeInfo {
            host_id: self.shared.host_id,
            internode: config.internode,
            native: config.native,
            datacenter: config.datacenter.clone(),
            rack: config.rack.clone(),
            tokens,
            state: NodeState::Normal,
        }
    }

    pub(super) fn joining_tick(&mut self) {
        if self.joining.done {
            return;
        }
        let metadata = Arc::clone(self.log.metadata());
        if metadata.epoch > 0 && metadata.cluster_name != self.shared.config.cluster_name {
            let (own, theirs) = (&self.shared.config.cluster_name, &metadata.cluster_name);
            self.fatal = Some(format!(
                "the data directory belongs to cluster \"{theirs}\", but cluster_name is \"{own}\": change one of them"
            ));
            return;
        }
        match metadata.nodes.get(&self.shared.host_id) {
            Some(own) if *own.as_ref() == self.own_node(own.tokens.clone()) => {
                self.joining.done = true;
                self.fetch_from_all(&metadata);
            }
            Some(own) => self.ask_to_join(own.tokens.clone()),
            None if metadata.epoch > 0 => self.ask_to_join(self.shared.config.initial_tokens.clone()),
            None => self.look_for_cluster(),
        }
    }

    /// Others may be ahead.
    pub(super) fn fetch_from_all(&mut self, metadata: &ClusterMetadata) {
        for node in metadata.nodes.values().filter(|node| node.host_id != self.shared.host_id) {
            self.log.fetch(node.internode);
        }
        for (to, message) in self.log.take_outbox() {
            self.send(to, &message);
        }
    }

    fn look_for_cluster(&mut self) {
        let now = self.now.monotonic_millis();
        let started_at = *self.joining.started_at.get_or_insert(now);
        if let Some(contact) = self.joining.contact {
            self.log.fetch(contact);
            self.joining.contact = None;
            self.joining.ask_at = now + JOIN_MILLIS;
            for (to, message) in self.log.take_outbox() {
                self.send(to, &message);
            }
            return;
        }
        if self.joining.may_form && self.may_form_now(now - started_at) {
            self.form();
            return;
        }
        if now >= self.joining.ask_at {
            self.joining.ask_at = now + ASK_MILLIS;
            let asked: Vec<_> = self.joining.others.iter().chain(&self.joining.strangers).copied().collect();
            for address in asked {
                self.send(address, &MetadataMessage::Identify);
            }
        }
    }

    /// The first seed has found no cluster in so many ms: may it begin one?
    fn may_form_now(&mut self, waited: u64) -> bool {
        let silent = self.joining.silent_seeds();
        if silent.is_empty() {
            return true;
        }
        let names = silent.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
        if waited >= FORM_MILLIS {
            tracing::warn!(
                "this node begins a new cluster: it is the first of the seeds and nobody knows a cluster, but {names} did not answer"
            );
            return true;
        }
        if waited >= WARN_MILLIS && !std::mem::replace(&mut self.joining.warned, true) {
            tracing::warn!(
                "the seeds {names} do not answer, so they may know a cluster: this node waits for them up to {} s before it \
                 begins one. If there is none yet, start them, or take them from the seed list",
                FORM_MILLIS / 1000
            );
        }
        false
    }

    fn form(&mut self) {
        let mut tokens = self.shared.config.initial_tokens.clone();
        if tokens.is_empty() {
            tokens = choose_tokens(&[], self.shared.config.num_tokens as usize, &mut self.rng);
        }
        let transformation = Transformation::Initialize {
            cluster_id: self.rng.uuid(),
            cluster_name: self.shared.config.cluster_name.clone(),
            node: self.own_node(tokens),
        };
        let begun = self.log.initialize(transformation);
        self.check_disk(begun);
        self.joining.done = true;
        self.after_log();
    }

    pub(super) fn on_identity(&mut self, from: SocketAddr, cluster_id: Uuid, name: &str, epoch: u64) {
        let own = self.log.metadata();
        if own.epoch > 0 {
            if epoch > own.epoch && cluster_id == own.cluster_id {
                self.log.fetch(from);
            }
            return;
        }
        if name != self.shared.config.cluster_name && !self.joining.others.contains(&from) {
            tracing::warn!("{from} belongs to cluster \"{name}\"");
        } else if name != self.shared.config.cluster_name {
            let text = format!(
                "seed {from} belongs to cluster \"{name}\", this node to \"{}\"",
                self.shared.config.cluster_name
            );
            self.fatal.get_or_insert(text);
        } else if cluster_id.is_nil() {
            self.joining.without_cluster.insert(from);
        } else {
            self.joining.contact = Some(from);
        }
    }

    fn ask_to_join(&mut self, tokens: Vec<Token>) {
        let now = self.now.monotonic_millis();
        if now < self.joining.join_at {
            return;
        }
        self.joining.join_at = now + JOIN_MILLIS;
        let node = self.own_node(tokens);
        let metadata = Arc::clone(self.log.metadata());
        let mut others: Vec<_> = metadata
            .nodes
            .values()
            .filter(|other| other.host_id != node.host_id)
            .map(|other| other.internode)
            .collect();
        self.rng.shuffle(&mut others);
        match others.first() {
            // A new address of a node that can ask nobody: it is alone, or decides with others later.
            None => self.on_join(node.internode, node),
            Some(other) => self.send(*other, &MetadataMessage::Join(node)),
        }
    }

    /// A node wants a place, or has new addresses.
    pub(super) fn on_join(&mut self, from: SocketAddr, node: NodeInfo) {
        if let Err(reason) = may_join(self.log.metadata(), &node) {
            self.send(from, &MetadataMessage::JoinRefused { reason });
            return;
        }
        let mut rng = self.rng.fork();
        let count = self.shared.config.num_tokens as usize;
        self.enqueue_own(Proposal::new(move |metadata| {
            let mut node = node.clone();
            if let Some(known) = metadata.nodes.get(&node.host_id) {
                node.tokens = known.tokens.clone();
                if **known == node {
                    return Ok(Planned::default());
                }
            }
            if node.tokens.is_empty() {
                let taken: Vec<_> = metadata.nodes.values().flat_map(|other| other.tokens.iter().copied()).collect();
                node.tokens = choose_tokens(&taken, count, &mut rng);
            }
            let transformation = Some(Transformation::PutNode(node));
            Ok(Planned { transformation, done: ProposalDone::default() })
        }));
    }
}

fn may_join(metadata: &ClusterMetadata, node: &NodeInfo) -> Result<(), String> {
    if metadata.epoch == 0 {
        return Err("this node is in no cluster itself".to_owned());
    }
    let mut others = metadata.nodes.values().filter(|other| other.host_id != node.host_id);
    if let Some(other) = others.clone().find(|other| other.internode == node.internode) {
        return Err(format!("{} is already the address of node {}", node.internode, other.host_id));
    }
    if others.any(|other| other.tokens.iter().any(|token| node.tokens.contains(token))) {
        return Err("one of its tokens belongs to another node".to_owned());
    }
    if metadata.nodes.contains_key(&node.host_id) {
        return Ok(());
    }
    // A new owner of tokens would have to be given the data first.
    match metadata.schema.tables().next() {
        Some(table) => Err(format!(
            "not supported yet: joining a ring that holds data (bootstrap); there is table {}.{}",
            table.keyspace, table.name
        )),
        None => Ok(()),
    }
}

/// Tokens for one more node: each in the middle of the widest gap that is left, so that ownership stays even; at random when
/// there is nothing yet.
fn choose_tokens(taken: &[Token], count: usize, rng: &mut Rng) -> Vec<Token> {
    let mut all: Vec<i64> = taken.iter().map(|token| token.0).collect();
    let mut chosen = Vec::with_capacity(count);
    all.sort_unstable();
    while chosen.len() < count {
        let token = match widest_gap(&all) {
            None => rng.next_u64() as i64,
            Some((start, width)) => {
                // Not quite the middle, so that nodes of equal histories do not choose alike.
                let offset = width / 2 + (u128::from(rng.next_u64()) % (width / 16 + 1)) as i128 as u128;
                start.wrapping_add(offset as i64)
            }
        };
        if token != i64::MIN
            && let Err(at) = all.binary_search(&token)
        {
            all.insert(at, token);
            chosen.push(Token(token));
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Start and width of the widest gap between tokens, around the end of the ring.
fn widest_gap(sorted: &[i64]) -> Option<(i64, u128)> {
    let last = *sorted.last()?;
    let mut before = last;
    let mut widest = (last, 0);
    for token in sorted {
        let width = match (i128::from(*token) - i128::from(before)).rem_euclid(1 << 64) {
            0 => 1 << 64,
            width => width as u128,
        };
        if width > widest.1 {
            widest = (before, width);
        }
        before = *token;
    }
    Some(widest)
}

#[cfg(test)]
mod tests {
    use helenus_engine::disk_memory::MemoryDisk;
    use helenus_engine::engine::EngineConfig;
    use helenus_model::codec::Reader;
    use helenus_model::time::Now;

    use super::*;
    use crate::member::Member;
    use crate::message::{Message, split_frame};

    /// Nodes whose seeds are the first two of them.
    struct World {
        members: Vec<Option<Member>>,
        micros: u64,
    }

    impl World {
        fn new(up: &[usize]) -> Self {
            let mut world = World { members: vec![None, None, None], micros: 1_000_000 };
            up.iter().for_each(|node| world.start(*node));
            world
        }

        fn now(&self) -> Now {
            Now { wall_micros: 1_790_000_000_000_000 + self.micros as i64, monotonic_micros: self.micros }
        }

        /// Starts a node with an empty data directory.
        fn start(&mut self, node: usize) {
            let address = |node: usize, port| ([127, 0, 0, node as u8 + 1], port).into();
            let config = MemberConfig {
                seeds: vec![address(0, 7000), address(1, 7000)],
                ..MemberConfig::new("test", address(node, 7000), address(node, 9042))
            };
            let (disk, seed) = (Arc::new(MemoryDisk::new()), self.micros + node as u64);
            let member = Member::open(config, EngineConfig::default(), disk, self.now(), seed);
            self.members[node] = Some(member.expect("opens"));
        }

        fn run(&mut self, millis: u64) {
            let end = self.micros + millis * 1000;
            while self.micros < end {
                self.micros += 20_000;
                let now = self.now();
                for node in 0..self.members.len() {
                    let Some(member) = &mut self.members[node] else { continue };
                    member.control.set_now(now);
                    member.control.on_tick();
                    self.deliver(node);
                }
            }
        }

        /// Brings what a node has to say to those that are up.
        fn deliver(&mut self, from: usize) {
            let Some(sender) = &mut self.members[from] else { return };
            sender.control.take_events();
            let (host, address) = (sender.shared.host_id, sender.shared.config.internode);
            for (to, frame) in sender.control.take_sends() {
                let to = self.members.iter_mut().flatten().find(|member| member.shared.config.internode == to);
                let Some(to) = to else { continue };
                let (messages, _) = split_frame(&frame).expect("sound").expect("whole");
                let mut reader = Reader::new(messages);
                while !reader.is_empty() {
                    let (_, message): (u64, Message<'_>) = Message::decode(&mut reader).expect("sound");
                    to.control.on_message(host, address, message);
                }
            }
        }

        /// The cluster of each node: None if it is in none.
        fn clusters(&self) -> Vec<Option<Uuid>> {
            let cluster = |member: &Option<Member>| {
                let metadata = member.as_ref()?.control.metadata();
                (metadata.epoch > 0).then_some(metadata.cluster_id)
            };
            self.members.iter().map(cluster).collect()
        }
    }

    #[test]
    fn the_first_seed_begins_a_cluster_at_once_when_the_others_know_none() {
        let mut world = World::new(&[0, 1, 2]);
        world.run(3_000);
        let clusters = world.clusters();
        assert!(clusters[0].is_some() && clusters.iter().all(|cluster| *cluster == clusters[0]), "{clusters:?}");
        let mut world = World::new(&[0, 1]);
        world.run(200);
        assert!(world.clusters()[0].is_some(), "there is nobody to wait for");
    }

    #[test]
    fn only_the_first_seed_begins_and_it_waits_for_silent_ones() {
        let mut world = World::new(&[0, 2]);
        world.run(FORM_MILLIS - 1_000);
        assert_eq!(world.clusters(), [None; 3]);
        world.run(4_000);
        let clusters = world.clusters();
        assert!(clusters[0].is_some() && clusters[0] == clusters[2], "{clusters:?}");
        let mut world = World::new(&[1, 2]);
        world.run(FORM_MILLIS * 3);
        assert_eq!(world.clusters(), [None; 3], "the first seed is not there");
        world.start(0);
        world.run(3_000);
        assert!(world.clusters().iter().all(Option::is_some));
    }

    /// The first seed comes back without its data, the other seed is down: a node that is no seed still tells it of the cluster.
    #[test]
    fn a_wiped_first_seed_does_not_begin_a_second_cluster() {
        let mut world = World::new(&[0, 1, 2]);
        world.run(3_000);
        let cluster = world.clusters()[2];
        assert!(cluster.is_some());
        world.members[1] = None;
        world.start(0);
        world.run(FORM_MILLIS * 2);
        let found = world.clusters()[0];
        assert!(found.is_none() || found == cluster, "{found:?} beside {cluster:?}");
        let fatal = world.members[0].as_mut().and_then(|member| member.control.take_fatal()).unwrap_or_default();
        assert!(fatal.contains("already the address of node"), "{fatal}");
    }

    #[test]
    fn tokens_spread_evenly() {
        let mut rng = Rng::new(1);
        let mut all: Vec<(i64, usize)> = Vec::new();
        for node in 0..3 {
            let taken: Vec<_> = all.iter().map(|(token, _)| Token(*token)).collect();
            let chosen = choose_tokens(&taken, 16, &mut rng);
            assert_eq!(chosen.len(), 16);
            assert!(chosen.is_sorted());
            all.extend(chosen.iter().map(|token| (token.0, node)));
        }
        all.sort_unstable();
        let mut owned = [0_f64; 3];
        for (i, (token, node)) in all.iter().enumerate() {
            let before = all[(i + all.len() - 1) % all.len()].0;
            owned[*node] += (i128::from(*token) - i128::from(before)).rem_euclid(1 << 64) as f64 / 2_f64.powi(64);
        }
        assert!(owned.iter().all(|part| (0.2..0.5).contains(part)), "{owned:?}");
    }
}
