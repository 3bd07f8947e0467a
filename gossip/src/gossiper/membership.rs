//! Endpoints added, removed and forgotten. The metadata log decides; gossip only follows.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::peer::Peer;
use super::{Event, Gossiper};
use crate::limits::ENDPOINTS_MAX;
use crate::state::EndpointState;

impl Gossiper {
    /// Adds endpoints known from before a restart, as unreachable: they are sought like seeds.
    pub fn add_saved_endpoints(&mut self, endpoints: &[SocketAddr], now_ms: u64) {
        for endpoint in endpoints {
            if *endpoint != self.config.address && self.peers.len() < ENDPOINTS_MAX {
                self.peers.entry(*endpoint).or_insert_with(|| Peer::new(EndpointState::default(), now_ms));
            }
        }
    }

    /// Tells who is a member of the ring. Members are sought even if nothing was ever heard of them; others are
    /// forgotten once they fall silent. A member is no longer in quarantine.
    pub fn set_members(&mut self, members: &[SocketAddr], now_ms: u64) {
        let members: BTreeSet<SocketAddr> = members.iter().copied().collect();
        self.quarantine.retain(|endpoint, _| !members.contains(endpoint));
        let unknown: Vec<SocketAddr> =
            members.iter().filter(|member| !self.peers.contains_key(member)).copied().collect();
        self.add_saved_endpoints(&unknown, now_ms);
        self.members = Some(members);
    }

    /// Forgets an endpoint that has left the ring, and does not listen to news of it for the time of quarantine,
    /// in which nodes that have not heard of the removal may still pass them on.
    pub fn remove_endpoint(&mut self, endpoint: SocketAddr, now_ms: u64) {
        if endpoint == self.config.address {
            return;
        }
        self.quarantine.insert(endpoint, now_ms);
        if let Some(members) = &mut self.members {
            members.remove(&endpoint);
        }
        if !self.peers.contains_key(&endpoint) {
            return;
        }
        self.mark_down(endpoint, now_ms);
        self.detector.remove(&endpoint);
        self.peers.remove(&endpoint);
        self.event(Event::NodeRemoved { endpoint });
    }

    /// Replaces the seed list (`nodetool reloadseeds`).
    pub fn set_seeds(&mut self, seeds: &[SocketAddr]) {
        let others: BTreeSet<SocketAddr> = seeds.iter().copied().filter(|seed| *seed != self.config.address).collect();
        self.seeds = others.into_iter().collect();
    }

    /// Seeds other than this node, in the order of addresses.
    pub fn seeds(&self) -> &[SocketAddr] {
        &self.seeds
    }

    /// Whether anything said of `endpoint` is taken note of.
    pub(super) fn listens_to(&self, endpoint: &SocketAddr) -> bool {
        !self.quarantine.contains_key(endpoint)
    }

    pub(super) fn forget_silent_strangers(&mut self, now_ms: u64) {
        let Some(members) = &self.members else { return };
        let timeout_ms = self.config.stranger_timeout_ms;
        let silent: Vec<SocketAddr> = self
            .peers
            .iter()
            .filter(|(endpoint, peer)| {
                !members.contains(endpoint) && now_ms.saturating_sub(peer.updated_ms) > timeout_ms
            })
            .map(|(endpoint, _)| *endpoint)
            .collect();
        for endpoint in silent {
            self.remove_endpoint(endpoint, now_ms);
        }
    }
}
