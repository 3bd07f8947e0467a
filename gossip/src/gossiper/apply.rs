//! Taking over what others say.

use std::net::SocketAddr;

use super::peer::Peer;
use super::{Event, Gossiper};
use crate::delta::EndpointDelta;
use crate::limits::{ENDPOINTS_MAX, GENERATION_AHEAD_SECONDS_MAX, STRANGERS_MAX};
use crate::state::{ApplicationState, EndpointState};

impl Gossiper {
    pub(super) fn apply_all(&mut self, deltas: Vec<EndpointDelta>, now_ms: u64) {
        for delta in deltas {
            if delta.endpoint == self.config.address {
                self.meet_own_past(delta.generation, delta.max_version(), now_ms);
            } else if self.listens_to(&delta.endpoint) && self.plausible(delta.endpoint, delta.generation, now_ms) {
                self.apply(delta, now_ms);
            }
        }
    }

    /// Somebody remembers this node. Nobody can know more of this life than the node itself, so more than that is
    /// from an earlier life that had a later clock, or whose generation was not kept. The others would never
    /// believe us again: go on under a generation above it.
    pub(super) fn meet_own_past(&mut self, generation: u32, max_version: u32, now_ms: u64) {
        let same_life_but_newer = generation == self.local.generation && max_version > self.version;
        if generation <= self.local.generation && !same_life_but_newer {
            return;
        }
        if !self.plausible(self.config.address, generation, now_ms) {
            return;
        }
        self.local.generation = generation.saturating_add(1);
        let generation = self.local.generation;
        self.event(Event::GenerationRaised { generation });
        self.hurry(now_ms);
    }

    /// False for a generation more than a year after anything this node's own clock can vouch for.
    pub(super) fn plausible(&mut self, endpoint: SocketAddr, generation: u32, now_ms: u64) -> bool {
        let uptime_seconds = now_ms.saturating_sub(self.started_ms) / 1000;
        let newest = u64::from(self.local.generation) + uptime_seconds + GENERATION_AHEAD_SECONDS_MAX;
        if u64::from(generation) <= newest {
            return true;
        }
        if self.implausible.len() < STRANGERS_MAX && self.implausible.insert((endpoint, generation)) {
            self.event(Event::ImplausibleGeneration { endpoint, generation });
        }
        false
    }

    fn apply(&mut self, delta: EndpointDelta, now_ms: u64) {
        let endpoint = delta.endpoint;
        let local = self.peers.get(&endpoint).map(|peer| &peer.state).filter(|state| state.generation > 0);
        if !delta.applies_to(local) {
            return;
        }
        match local.map(|state| state.generation) {
            Some(generation) if generation < delta.generation => self.restarted(endpoint, delta.generation, now_ms),
            Some(_) => {}
            None => {
                if !self.first_seen(endpoint, delta.generation, now_ms) {
                    return;
                }
            }
        }
        self.merge(delta, now_ms);
    }

    /// Makes room for an endpoint never heard of. False if there is none.
    fn first_seen(&mut self, endpoint: SocketAddr, generation: u32, now_ms: u64) -> bool {
        if self.peers.len() >= ENDPOINTS_MAX && !self.peers.contains_key(&endpoint) {
            return false;
        }
        self.peers.insert(endpoint, Peer::new(EndpointState::new(generation), now_ms));
        self.hurry(now_ms);
        true
    }

    fn restarted(&mut self, endpoint: SocketAddr, generation: u32, now_ms: u64) {
        self.mark_down(endpoint, now_ms);
        self.detector.remove(&endpoint);
        let down_since_ms = self.peers.get(&endpoint).and_then(|peer| peer.down_since_ms);
        let mut peer = Peer::new(EndpointState::new(generation), now_ms);
        peer.down_since_ms = down_since_ms;
        self.peers.insert(endpoint, peer);
        self.event(Event::NodeRestarted { endpoint, generation });
        self.hurry(now_ms);
    }

    /// Takes over the newer parts of a delta that applies.
    fn merge(&mut self, delta: EndpointDelta, now_ms: u64) {
        let endpoint = delta.endpoint;
        let Some(peer) = self.peers.get_mut(&endpoint) else {
            return;
        };
        let beats = delta.heartbeat_version.is_some_and(|version| version > peer.state.heartbeat_version);
        let mut changed = Vec::new();
        for (key, versioned) in delta.states {
            match peer.state.set(key, versioned.version, versioned.value) {
                Ok(true) => changed.push(key),
                Ok(false) => {}
                // Beyond what any node of ours would send. Stop here: what is behind it must not be taken over
                // without it.
                Err(_) => return self.announce(endpoint, &changed, false, now_ms),
            }
        }
        if beats {
            peer.state.heartbeat_version = delta.heartbeat_version.unwrap_or(0);
        }
        if beats || !changed.is_empty() {
            peer.updated_ms = now_ms;
        }
        self.announce(endpoint, &changed, beats, now_ms);
    }

    fn announce(&mut self, endpoint: SocketAddr, changed: &[ApplicationState], beats: bool, now_ms: u64) {
        for key in changed {
            self.event(Event::StateChanged { endpoint, key: *key });
        }
        let Some(peer) = self.peers.get(&endpoint) else {
            return;
        };
        if peer.state.is_shut_down() {
            self.note_shutdown(endpoint, now_ms);
        } else if peer.state.is_dead() {
            self.mark_down(endpoint, now_ms);
        }
        if beats {
            self.detector.report(endpoint, now_ms);
            self.shows_life(endpoint, now_ms);
        }
    }
}
