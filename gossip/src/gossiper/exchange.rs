//! The three steps of an exchange, and who may take part in it.

use std::net::SocketAddr;

use super::{Event, Gossiper};
use crate::delta::{DeltaBuilder, EndpointDelta};
use crate::digest::{Comparison, Digest};
use crate::limits::STRANGERS_MAX;
use crate::message::{self, Body, Message};
use crate::state::EndpointState;

impl Gossiper {
    /// Whether a message comes from this cluster. A stranger is reported, and told if it opened an exchange.
    pub(super) fn admit(&mut self, from: SocketAddr, message: &Message) -> bool {
        let other_id = match (self.cluster_id, message.cluster_id) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => false,
        };
        let (name, other_name) = match &message.body {
            Body::Syn { cluster_name, partitioner, .. } | Body::Refused { cluster_name, partitioner } => {
                let other = *cluster_name != self.config.cluster_name || *partitioner != self.config.partitioner;
                (Some(cluster_name.clone()), other)
            }
            _ => (None, false),
        };
        let refused = matches!(message.body, Body::Refused { .. });
        if !other_id && !other_name && !refused {
            return true;
        }
        if matches!(message.body, Body::Syn { .. }) {
            let cluster_name = self.config.cluster_name.clone();
            let partitioner = self.config.partitioner.clone();
            self.send(from, Body::Refused { cluster_name, partitioner });
        }
        if self.strangers.len() < STRANGERS_MAX && self.strangers.insert(from) {
            self.event(Event::WrongCluster { endpoint: from, cluster_name: name, cluster_id: message.cluster_id });
        }
        false
    }

    /// Step 1 arrives: answer with what is newer here and ask for what is newer there.
    pub(super) fn on_syn(&mut self, from: SocketAddr, complete: bool, digests: &[Digest], now_ms: u64) {
        self.met_somebody();
        let own = self.config.address;
        for digest in digests.iter().filter(|digest| digest.endpoint == own) {
            self.meet_own_past(digest.generation, digest.max_version, now_ms);
        }
        let mut ordered: Vec<&Digest> = digests.iter().filter(|digest| self.listens_to(&digest.endpoint)).collect();
        ordered.sort_by_key(|digest| std::cmp::Reverse(digest.distance(self.known(&digest.endpoint))));

        let mut room = self.room_for_deltas();
        let mut requests = Vec::new();
        for digest in &ordered {
            let length = message::digest_len(digest);
            if let Comparison::Request { generation, have_version } = digest.compare(self.known(&digest.endpoint))
                && digest.endpoint != self.config.address
                && self.plausible(digest.endpoint, generation, now_ms)
                && room >= length
                && requests.len() < usize::from(u16::MAX)
            {
                room -= length;
                requests.push(Digest { endpoint: digest.endpoint, generation, max_version: have_version });
            }
        }
        let mut builder = DeltaBuilder::new(room);
        for digest in &ordered {
            if let Some(state) = self.known(&digest.endpoint)
                && let Comparison::Send { from_version } = digest.compare(Some(state))
            {
                builder.add(digest.endpoint, state, from_version);
            }
        }
        if complete {
            self.add_unmentioned(digests, &mut builder);
        }
        let deltas = builder.finish();
        self.send(from, Body::Ack { requests, deltas });
    }

    /// What the opener does not even know of. Cassandra leaves that to later rounds; a node that has just
    /// started would wait seconds for it.
    fn add_unmentioned(&self, digests: &[Digest], builder: &mut DeltaBuilder) {
        let mut mentioned: Vec<SocketAddr> = digests.iter().map(|digest| digest.endpoint).collect();
        mentioned.sort_unstable();
        let own = std::iter::once((&self.config.address, &self.local));
        let others = self.peers.iter().map(|(endpoint, peer)| (endpoint, &peer.state));
        for (endpoint, state) in own.chain(others) {
            if state.generation > 0 && mentioned.binary_search(endpoint).is_err() {
                builder.add(*endpoint, state, 0);
            }
        }
    }

    /// Step 2 arrives: take over what it brings and send what it asks for.
    pub(super) fn on_ack(&mut self, from: SocketAddr, requests: &[Digest], deltas: Vec<EndpointDelta>, now_ms: u64) {
        self.met_somebody();
        self.apply_all(deltas, now_ms);
        let mut builder = DeltaBuilder::new(self.room_for_deltas());
        for request in requests {
            let Some(state) = self.known(&request.endpoint) else {
                continue;
            };
            // The request names what they have; the state here may have moved on since the SYN, but never back.
            if let Comparison::Send { from_version } = request.compare(Some(state)) {
                builder.add(request.endpoint, state, from_version);
            }
        }
        let deltas = builder.finish();
        if !deltas.is_empty() {
            self.send(from, Body::Ack2 { deltas });
        }
    }

    /// Step 3 arrives.
    pub(super) fn on_ack2(&mut self, deltas: Vec<EndpointDelta>, now_ms: u64) {
        self.met_somebody();
        self.apply_all(deltas, now_ms);
    }

    /// What is known of an endpoint, this one included; none of one known only by its address.
    fn known(&self, endpoint: &SocketAddr) -> Option<&EndpointState> {
        self.endpoint_state(endpoint)
    }

    fn room_for_deltas(&self) -> usize {
        self.config.message_budget_bytes - message::HEADER_LEN - 2 - 2
    }

    fn met_somebody(&mut self) {
        if !self.contacted {
            self.contacted = true;
            self.eager_rounds_left = 0;
        }
    }
}
