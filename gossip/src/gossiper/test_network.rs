//! A lossy network of gossipers in memory. Every message is really encoded and decoded, and after each of them
//! the invariants that hold at all times are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use helenus_model::rng::Rng;

use super::{Config, Event, Gossiper};
use crate::limits::MESSAGE_BUDGET_MIN;
use crate::message::Message;
use crate::state::{ApplicationState, EndpointState};

pub(super) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, u8::try_from(node).expect("few nodes") + 1], 7000))
}

pub(super) struct Node {
    pub(super) gossiper: Option<Gossiper>,
    pub(super) config: Config,
    /// The generation kept "on disk".
    pub(super) generation: u32,
    pub(super) paused_until_ms: u64,
    pub(super) events: Vec<(u64, Event)>,
    inbox: Vec<(SocketAddr, Vec<u8>)>,
    up: BTreeSet<SocketAddr>,
}

pub(super) struct Network {
    pub(super) now_ms: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) loss_percent: u64,
    pub(super) duplicate_percent: u64,
    pub(super) delay_ms_max: u64,
    /// Pairs (from, to) between which nothing passes.
    pub(super) cuts: BTreeSet<(usize, usize)>,
    pub(super) messages_sent: u64,
    pub(super) longest_message: usize,
    /// By arrival time and order of sending.
    in_flight: BTreeMap<(u64, u64), (usize, usize, Vec<u8>)>,
    transmissions: u64,
    rng: Rng,
}

impl Network {
    /// Nodes that are not started yet; the first `seeds` of them are seeds.
    pub(super) fn new(nodes: usize, seeds: usize, seed: u64) -> Network {
        let seeds: Vec<SocketAddr> = (0..seeds).map(address).collect();
        let nodes = (0..nodes).map(|node| {
            let mut config = Config::new(address(node), "Test Cluster");
            config.seeds = seeds.clone();
            config.message_budget_bytes = MESSAGE_BUDGET_MIN;
            Node {
                gossiper: None,
                config,
                generation: 1_700_000_000,
                paused_until_ms: 0,
                events: Vec::new(),
                inbox: Vec::new(),
                up: BTreeSet::new(),
            }
        });
        Network {
            now_ms: 1_000_000,
            nodes: nodes.collect(),
            loss_percent: 0,
            duplicate_percent: 0,
            delay_ms_max: 5,
            cuts: BTreeSet::new(),
            messages_sent: 0,
            longest_message: 0,
            in_flight: BTreeMap::new(),
            transmissions: 0,
            rng: Rng::new(seed),
        }
    }

    /// A network whose nodes are all started and have found one another.
    pub(super) fn started(nodes: usize, seeds: usize, seed: u64) -> Network {
        let mut network = Network::new(nodes, seeds, seed);
        for node in 0..nodes {
            network.start(node);
        }
        network.run(3_000);
        network.assert_agreement();
        network
    }

    /// Starts a node as a new process with the next generation.
    pub(super) fn start(&mut self, node: usize) {
        let generation = self.nodes[node].generation + 1;
        self.start_with(node, generation);
    }

    /// Starts a node as a new process.
    pub(super) fn start_with(&mut self, node: usize, generation: u32) {
        let config = self.nodes[node].config.clone();
        let mut gossiper = Gossiper::new(config, self.rng.fork()).expect("the settings are good");
        for (key, value) in [
            (ApplicationState::Status, format!("NORMAL,{node}")),
            (ApplicationState::Dc, "datacenter1".to_owned()),
            (ApplicationState::Rack, "rack1".to_owned()),
            (ApplicationState::MetadataEpoch, "1".to_owned()),
        ] {
            gossiper.set_local(key, value, self.now_ms).expect("short values");
        }
        gossiper.start(generation, self.now_ms);
        let slot = &mut self.nodes[node];
        slot.generation = slot.generation.max(generation);
        slot.gossiper = Some(gossiper);
        slot.inbox.clear();
        slot.up.clear();
        slot.paused_until_ms = 0;
    }

    /// The process dies without a word.
    pub(super) fn kill(&mut self, node: usize) {
        self.nodes[node].gossiper = None;
        self.nodes[node].inbox.clear();
    }

    /// The process stops in good order.
    pub(super) fn shut_down(&mut self, node: usize) {
        if let Some(gossiper) = &mut self.nodes[node].gossiper {
            gossiper.shutdown();
        }
        self.collect(node);
        self.kill(node);
    }

    pub(super) fn set(&mut self, node: usize, key: ApplicationState, value: &str) {
        if let Some(gossiper) = &mut self.nodes[node].gossiper {
            gossiper.set_local(key, value.to_owned(), self.now_ms).expect("within the limits");
        }
        self.collect(node);
    }

    pub(super) fn gossiper(&self, node: usize) -> &Gossiper {
        self.nodes[node].gossiper.as_ref().expect("the node runs")
    }

    pub(super) fn gossiper_mut(&mut self, node: usize) -> &mut Gossiper {
        self.nodes[node].gossiper.as_mut().expect("the node runs")
    }

    pub(super) fn sees(&self, node: usize, other: usize) -> bool {
        self.gossiper(node).is_alive(&address(other))
    }

    pub(super) fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].gossiper.is_some()).collect()
    }

    /// Whether every running node sees exactly the running ones up, and has the very values each of them has.
    pub(super) fn agrees(&self) -> Result<(), String> {
        let running = self.running();
        for observer in &running {
            let view = self.gossiper(*observer);
            for other in 0..self.nodes.len() {
                let endpoint = address(other);
                if view.is_alive(&endpoint) != running.contains(&other) {
                    return Err(format!("node {observer} is wrong about the life of node {other}"));
                }
                let truth = self.nodes[other].gossiper.as_ref().or(Some(self.gossiper(running[0])));
                let truth = truth.and_then(|gossiper| gossiper.endpoint_state(&endpoint));
                let seen = view.endpoint_state(&endpoint);
                if truth.map(essence) != seen.map(essence) {
                    return Err(format!("node {observer} has other values of node {other}"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn assert_agreement(&self) {
        assert_eq!(self.agrees(), Ok(()), "at {} ms", self.now_ms);
    }

    /// Runs until all agree; panics if they do not within `limit_ms`. Returns how long it took.
    pub(super) fn run_until_agreement(&mut self, limit_ms: u64) -> u64 {
        let begin = self.now_ms;
        while self.agrees().is_err() {
            if self.now_ms - begin >= limit_ms {
                self.assert_agreement();
            }
            self.run(100);
        }
        self.now_ms - begin
    }

    /// Lets `duration_ms` pass.
    pub(super) fn run(&mut self, duration_ms: u64) {
        let end = self.now_ms + duration_ms;
        while let Some(next) = self.next_time().filter(|next| *next <= end) {
            self.now_ms = self.now_ms.max(next);
            self.deliver_due();
            for node in 0..self.nodes.len() {
                self.turn(node);
            }
        }
        self.now_ms = end;
    }

    fn next_time(&self) -> Option<u64> {
        let arrival = self.in_flight.keys().next().map(|(time, _)| *time);
        let wakeups = self.nodes.iter().filter_map(|node| {
            let wakeup = node.gossiper.as_ref()?.next_wakeup()?;
            Some(wakeup.max(node.paused_until_ms))
        });
        let resumed = self.nodes.iter().filter(|node| node.gossiper.is_some() && !node.inbox.is_empty());
        wakeups.chain(arrival).chain(resumed.map(|node| node.paused_until_ms)).min()
    }

    fn deliver_due(&mut self) {
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now_ms {
                return;
            }
            let (from, to, bytes) = entry.remove();
            if self.nodes[to].gossiper.is_some() && !self.cuts.contains(&(from, to)) {
                self.nodes[to].inbox.push((address(from), bytes));
            }
        }
    }

    /// One turn of a node's loop: what has arrived, then what is due.
    fn turn(&mut self, node: usize) {
        let slot = &mut self.nodes[node];
        if slot.paused_until_ms > self.now_ms {
            return;
        }
        let Some(gossiper) = &mut slot.gossiper else {
            return;
        };
        for (from, bytes) in std::mem::take(&mut slot.inbox) {
            let message = Message::decode(&bytes).expect("what was encoded can be decoded");
            gossiper.on_message(from, message, self.now_ms);
        }
        if gossiper.next_wakeup().is_some_and(|due| due <= self.now_ms) {
            gossiper.on_tick(self.now_ms);
        }
        self.collect(node);
        self.check_prefixes(node);
    }

    /// Sends what a node wants sent and keeps its events.
    fn collect(&mut self, node: usize) {
        let Some(gossiper) = &mut self.nodes[node].gossiper else {
            return;
        };
        let output = gossiper.take_output();
        for outgoing in output.messages {
            let bytes = outgoing.message.encode();
            assert!(bytes.len() <= self.nodes[node].config.message_budget_bytes, "{} bytes", bytes.len());
            self.longest_message = self.longest_message.max(bytes.len());
            self.messages_sent += 1;
            let to = (0..self.nodes.len()).find(|to| address(*to) == outgoing.to);
            let to = to.expect("nobody talks to strangers");
            self.transmit(node, to, &bytes);
        }
        for event in output.events {
            self.note(node, event);
        }
    }

    fn transmit(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let copies = if self.rng.chance(self.duplicate_percent) { 2 } else { 1 };
        for _ in 0..copies {
            if self.cuts.contains(&(from, to)) || self.rng.chance(self.loss_percent) {
                continue;
            }
            let arrival = self.now_ms + self.rng.between(1, self.delay_ms_max);
            self.transmissions += 1;
            self.in_flight.insert((arrival, self.transmissions), (from, to, bytes.to_vec()));
        }
    }

    fn note(&mut self, node: usize, event: Event) {
        let slot = &mut self.nodes[node];
        match &event {
            Event::NodeUp { endpoint } => {
                assert!(slot.up.insert(*endpoint), "{endpoint} goes up twice")
            }
            Event::NodeDown { endpoint } => {
                assert!(slot.up.remove(endpoint), "{endpoint} goes down twice")
            }
            Event::GenerationRaised { generation } => slot.generation = slot.generation.max(*generation),
            _ => {}
        }
        slot.events.push((self.now_ms, event));
    }

    /// Who claims to have an endpoint up to some version has everything up to it.
    fn check_prefixes(&self, node: usize) {
        let Some(view) = &self.nodes[node].gossiper else {
            return;
        };
        for other in self.running() {
            let truth = self.gossiper(other).endpoint_state(&address(other)).expect("a node knows itself");
            let Some(seen) = view.endpoint_state(&address(other)).filter(|seen| seen.generation == truth.generation)
            else {
                continue;
            };
            let have = seen.max_version();
            assert!(have <= truth.max_version(), "node {node} knows more of node {other} than itself");
            for (key, versioned) in truth.states().filter(|(_, versioned)| versioned.version <= have) {
                assert_eq!(seen.get_versioned(key), Some(versioned), "node {node} lacks {key} of node {other}");
            }
        }
    }
}

/// What must be equal between two views; heartbeats differ all the time.
fn essence(state: &EndpointState) -> (u32, Vec<(ApplicationState, u32, &str)>) {
    let values = state.states().map(|(key, versioned)| (key, versioned.version, versioned.value.as_str()));
    (state.generation, values.collect())
}
