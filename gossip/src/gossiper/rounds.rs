//! Rounds: whom a SYN goes to, and when.
//!
//! Besides Cassandra's round a second there are hurried ones, for at most three rounds after something that others
//! should know soon, and after a start until somebody answers. They do not raise the heartbeat, so that the
//! detectors of the others see its plain rhythm.

use std::net::SocketAddr;

use super::Gossiper;
use crate::digest::Digest;
use crate::limits::{EAGER_TARGETS_MAX, FIRST_ROUND_TARGETS_MAX};
use crate::message::{self, Body};

/// Rounds that are hurried after something worth it.
const EAGER_ROUNDS: u32 = 3;

impl Gossiper {
    /// The round that every interval brings.
    pub(super) fn heartbeat_round(&mut self, now_ms: u64) {
        self.version += 1;
        self.local.heartbeat_version = self.version;
        self.next_heartbeat_ms = now_ms.saturating_add(self.config.interval_ms);
        if self.contacted {
            self.gossip_as_usual();
        } else {
            self.gossip_to_anybody();
        }
        self.retry_echoes(now_ms);
        self.status_check(now_ms);
        self.plan_eager_round(now_ms);
    }

    /// A hurried round between two heartbeats.
    pub(super) fn eager_round(&mut self, now_ms: u64) {
        if self.contacted {
            let mut live: Vec<SocketAddr> = self.live_endpoints().collect();
            if live.is_empty() {
                self.gossip_as_usual();
            } else {
                self.rng.shuffle(&mut live);
                live.truncate(EAGER_TARGETS_MAX);
                self.send_syn_to(&live);
            }
        } else {
            self.gossip_to_anybody();
        }
        self.retry_echoes(now_ms);
        self.plan_eager_round(now_ms);
    }

    /// Something has happened that the others should know before the next round.
    pub(super) fn hurry(&mut self, now_ms: u64) {
        if self.contacted {
            self.eager_rounds_left = EAGER_ROUNDS;
        }
        if self.next_eager_ms.is_none() {
            // At once, that is with the caller's next tick: several values set together go in one round.
            self.next_eager_ms = Some(now_ms);
        }
    }

    fn plan_eager_round(&mut self, now_ms: u64) {
        let nobody_to_hurry_to = self.peers.is_empty() && self.seeds.is_empty();
        if self.eager_rounds_left == 0 || nobody_to_hurry_to {
            self.next_eager_ms = None;
            return;
        }
        self.eager_rounds_left -= 1;
        self.next_eager_ms = Some(now_ms.saturating_add(self.config.eager_interval_ms));
    }

    /// Cassandra's choice: one live node; an unreachable one with probability unreachable / (live + 1); a seed
    /// if none was among them or fewer nodes live than there are seeds, so that no island forms.
    fn gossip_as_usual(&mut self) {
        let live: Vec<SocketAddr> = self.live_endpoints().collect();
        let unreachable: Vec<SocketAddr> = self.unreachable_endpoints().collect();
        let mut targets = Vec::with_capacity(3);
        if !live.is_empty() {
            targets.push(live[self.rng.index(live.len())]);
        }
        let gossiped_to_seed = targets.iter().any(|target| self.seeds.contains(target));
        if !unreachable.is_empty() && self.rng.below(live.len() as u64 + 1) < unreachable.len() as u64 {
            targets.push(unreachable[self.rng.index(unreachable.len())]);
        }
        if (!gossiped_to_seed || live.len() < self.seeds.len()) && !self.seeds.is_empty() {
            let others = (live.len() + unreachable.len()) as u64;
            if live.is_empty() || self.rng.below(others) < self.seeds.len() as u64 {
                targets.push(self.seeds[self.rng.index(self.seeds.len())]);
            }
        }
        targets.sort_unstable();
        targets.dedup();
        self.send_syn_to(&targets);
    }

    /// After a start, until somebody answers: every seed and everyone remembered, so that a cluster comes up in
    /// any order.
    fn gossip_to_anybody(&mut self) {
        let mut targets: Vec<SocketAddr> = self.seeds.iter().chain(self.peers.keys()).copied().collect();
        targets.sort_unstable();
        targets.dedup();
        self.rng.shuffle(&mut targets);
        targets.truncate(FIRST_ROUND_TARGETS_MAX);
        self.send_syn_to(&targets);
    }

    fn send_syn_to(&mut self, targets: &[SocketAddr]) {
        if targets.is_empty() {
            return;
        }
        let syn = self.make_syn();
        for target in targets {
            self.send(*target, syn.clone());
        }
    }

    /// Digests in random order, so that if they do not all fit everyone has a turn; the own one is always there.
    fn make_syn(&mut self) -> Body {
        let mut digests: Vec<Digest> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.state.generation > 0)
            .map(|(endpoint, peer)| Digest {
                endpoint: *endpoint,
                generation: peer.state.generation,
                max_version: peer.state.max_version(),
            })
            .collect();
        self.rng.shuffle(&mut digests);
        let own = Digest {
            endpoint: self.config.address,
            generation: self.local.generation,
            max_version: self.local.max_version(),
        };
        digests.insert(0, own);
        let names = self.config.cluster_name.len() + self.config.partitioner.len();
        let mut room = self.config.message_budget_bytes.saturating_sub(message::HEADER_LEN + 2 + 2 + 1 + 2 + names);
        let all = digests.len();
        digests.truncate(usize::from(u16::MAX));
        let fitting = digests.iter().take_while(|digest| {
            let length = message::digest_len(digest);
            let fits = length <= room;
            room = room.saturating_sub(length);
            fits
        });
        let count = fitting.count();
        digests.truncate(count);
        Body::Syn {
            cluster_name: self.config.cluster_name.clone(),
            partitioner: self.config.partitioner.clone(),
            complete: digests.len() == all,
            digests,
        }
    }
}
