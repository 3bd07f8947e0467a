//! When clients are told that another node is up: it lives, it answers CQL, and every coordinator of this node has its link to it,
//! so that a request which counts on it finds it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use helenus_cql_protocol::response::Event;

use super::{Control, ControlEvent};

/// Nodes by internode address.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// Clients are to be told of these once they can be used.
    waiting: BTreeSet<SocketAddr>,
    /// Clients were told of these, and nothing else since.
    told: BTreeSet<SocketAddr>,
}

impl Announcements {
    /// There is news that may make this node one to tell of.
    pub(super) fn came_up(&mut self, endpoint: SocketAddr) {
        if !self.told.contains(&endpoint) {
            self.waiting.insert(endpoint);
        }
    }

    /// The node is down.
    pub(super) fn went_down(&mut self, endpoint: SocketAddr) {
        self.waiting.remove(&endpoint);
        self.told.remove(&endpoint);
    }
}

impl Control {
    /// Tells clients of every node that can be used now.
    pub(super) fn announce(&mut self) {
        if self.announcements.waiting.is_empty() {
            return;
        }
        for endpoint in std::mem::take(&mut self.announcements.waiting) {
            let node = self.node_at(endpoint).filter(|node| {
                self.gossiper.is_alive(&endpoint)
                    && self.is_native_ready(endpoint)
                    && self.shared.reach.is_open(node.host_id)
            });
            match node {
                Some(node) => {
                    self.announcements.told.insert(endpoint);
                    self.events.push(ControlEvent::Client(Event::Up(node.native)));
                }
                None => {
                    self.announcements.waiting.insert(endpoint);
                }
            }
        }
    }
}
