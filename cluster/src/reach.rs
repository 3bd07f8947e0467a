//! Which nodes this one reaches, and which reach it. Each coordinator opens a link of its own to every other node, so a node is
//! reached once all of them have theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::link::Hello;

/// See the module. Changed by coordinators, looked at by the control part.
#[derive(Debug, Default)]
pub struct Reach {
    coordinators: AtomicU16,
    newest_epoch: AtomicU64,
    hosts: Mutex<BTreeMap<Uuid, HostReach>>,
}

/// The links between this node and another.
#[derive(Debug, Default)]
struct HostReach {
    /// Coordinators of this node that have tried to open theirs since the start, whatever came of it.
    tried: BTreeSet<u16>,
    /// Coordinators of this node that have theirs.
    open: BTreeSet<u16>,
    /// Links that the other node's coordinators have opened.
    inbound: usize,
    /// How many of those there are to be; 0: it was never heard.
    inbound_wanted: usize,
}

impl Reach {
    /// This node has one more coordinator.
    pub fn add_coordinator(&self) {
        self.coordinators.fetch_add(1, Ordering::Relaxed);
    }

    /// How many coordinators this node has, each of which opens a link to every other node.
    pub fn coordinators(&self) -> u16 {
        self.coordinators.load(Ordering::Relaxed)
    }

    /// The newest epoch of the metadata that another node said it has when a link was opened.
    pub fn newest_epoch(&self) -> u64 {
        self.newest_epoch.load(Ordering::Relaxed)
    }

    /// Coordinator `number` has its link to the node that said this.
    pub fn opened(&self, number: u16, hello: &Hello) {
        self.newest_epoch.fetch_max(hello.epoch, Ordering::Relaxed);
        let mut hosts = self.hosts.lock();
        let host = hosts.entry(hello.host_id).or_default();
        host.tried.insert(number);
        host.open.insert(number);
        host.inbound_wanted = usize::from(hello.coordinators);
    }

    /// The link of coordinator `number` to `host` has closed, or could not be opened.
    pub fn closed(&self, number: u16, host: Uuid) {
        let mut hosts = self.hosts.lock();
        let host = hosts.entry(host).or_default();
        host.tried.insert(number);
        host.open.remove(&number);
    }

    /// A coordinator of another node has opened a link.
    pub fn inbound_opened(&self, host: Uuid) {
        self.hosts.lock().entry(host).or_default().inbound += 1;
    }

    /// A link that another node had opened has closed.
    pub fn inbound_closed(&self, host: Uuid) {
        if let Some(host) = self.hosts.lock().get_mut(&host) {
            host.inbound = host.inbound.saturating_sub(1);
        }
    }

    /// True while every coordinator of this node has its link to `host`.
    pub fn is_open(&self, host: Uuid) -> bool {
        let coordinators = usize::from(self.coordinators());
        self.hosts.lock().get(&host).is_some_and(|host| host.open.len() >= coordinators)
    }

    /// True while any coordinator of this node has its link to `host`.
    pub fn is_linked(&self, host: Uuid) -> bool {
        self.hosts.lock().get(&host).is_some_and(|host| !host.open.is_empty())
    }

    /// True once `host` was found not to be there, or all links between it and this node are open, both ways.
    pub fn is_settled(&self, host: Uuid) -> bool {
        let coordinators = usize::from(self.coordinators());
        self.hosts.lock().get(&host).is_some_and(|host| {
            let is_absent = host.open.is_empty();
            let is_linked = host.open.len() >= coordinators && host.inbound >= host.inbound_wanted;
            host.tried.len() >= coordinators && (is_absent || is_linked)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::LinkKind;

    fn hello(host: u128, coordinators: u16, epoch: u64) -> Hello {
        Hello {
            kind: LinkKind::Data,
            cluster_id: Uuid::nil(),
            host_id: Uuid::from_u128(host),
            internode: ([127, 0, 0, 1], 7000).into(),
            cluster_name: "test".to_owned(),
            epoch,
            coordinators,
        }
    }

    #[test]
    fn links_settle_and_are_open() {
        let reach = Reach::default();
        let host = Uuid::from_u128(1);
        let check = |what: &str, open: bool, settled: bool| {
            assert_eq!((reach.is_open(host), reach.is_settled(host)), (open, settled), "{what}");
        };
        reach.add_coordinator();
        reach.add_coordinator();
        check("nobody has tried", false, false);
        reach.closed(0, host);
        check("one has tried in vain", false, false);
        reach.closed(1, host);
        check("both have: it is not there", false, true);
        reach.opened(0, &hello(1, 3, 7));
        check("it came meanwhile", false, false);
        reach.opened(1, &hello(1, 3, 5));
        check("its own links are missing", true, false);
        (0..3).for_each(|_| reach.inbound_opened(host));
        check("both ways", true, true);
        reach.closed(1, host);
        check("one was lost", false, false);
        (0..3).for_each(|_| reach.inbound_closed(host));
        reach.closed(0, host);
        check("it is gone", false, true);
        assert_eq!(reach.newest_epoch(), 7);
    }
}
