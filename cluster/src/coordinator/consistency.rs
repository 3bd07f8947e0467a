//! What a consistency level asks of replicas: how many, where, and whether enough are alive.

use helenus_model::consistency::Consistency;
use helenus_model::schema::Replication;

use crate::topology::NodeIndex;
use crate::view::View;

/// Not enough replicas are alive; decided before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable {
    /// Replicas the level needs.
    pub(super) required: u32,
    /// Replicas that are alive.
    pub(super) alive: u32,
}

/// A level, worked out for one keyspace. Counted from the replication factor, never from the number of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The level.
    pub(super) level: Consistency,
    /// Acknowledgements it needs; what errors call `block_for`.
    pub(super) block_for: u32,
    /// Only replicas of this node's data centre count.
    pub(super) local_only: bool,
    /// EACH_QUORUM: data centres with the acknowledgements each needs.
    pub(super) each: Vec<(String, u32)>,
}

fn quorum(factor: u32) -> u32 {
    factor / 2 + 1
}

impl Requirement {
    /// Of `level` in a keyspace, seen from `datacenter`.
    pub(super) fn new(level: Consistency, replication: &Replication, datacenter: &str) -> Self {
        let mut each = Vec::new();
        let total = replication.total_factor();
        let local = || quorum(replication.datacenter_factor(datacenter));
        let (block_for, local_only) = match level {
            Consistency::Any | Consistency::One => (1, false),
            Consistency::Two => (2, false),
            Consistency::Three => (3, false),
            Consistency::Quorum | Consistency::Serial => (quorum(total), false),
            Consistency::All => (total, false),
            Consistency::LocalOne => (1, true),
            Consistency::LocalQuorum | Consistency::LocalSerial => (local(), true),
            Consistency::EachQuorum => {
                if let Replication::NetworkTopology { factors } = replication {
                    each = factors.iter().map(|(dc, factor)| (dc.clone(), quorum(*factor))).collect();
                }
                match each.iter().map(|(_, needed)| needed).sum() {
                    0 => (quorum(total), false),
                    sum => (sum, false),
                }
            }
        };
        // SimpleStrategy knows no data centres: every replica is a local one.
        let local_only = local_only && matches!(replication, Replication::NetworkTopology { .. });
        Requirement { level, block_for, local_only, each }
    }

    /// True when an acknowledgement from a node of this data centre counts.
    pub(super) fn counts(&self, node_datacenter: &str, own_datacenter: &str) -> bool {
        !self.local_only || node_datacenter == own_datacenter
    }

    /// Checks that enough of `replicas` are alive.
    pub(super) fn check(
        &self,
        view: &View,
        replicas: &[NodeIndex],
        own_datacenter: &str,
        is_alive: impl Fn(NodeIndex) -> bool,
    ) -> Result<(), Unavailable> {
        let alive_in = |wanted: Option<&str>| {
            let of = |node: NodeIndex| wanted.is_none_or(|dc| view.node(node).datacenter == dc);
            replicas.iter().filter(|node| of(**node) && is_alive(**node)).count() as u32
        };
        for (datacenter, required) in &self.each {
            let alive = alive_in(Some(datacenter));
            if alive < *required {
                return Err(Unavailable { required: *required, alive });
            }
        }
        let alive = alive_in(self.local_only.then_some(own_datacenter));
        // At ANY a hint is enough.
        if alive < self.block_for && self.level != Consistency::Any {
            return Err(Unavailable { required: self.block_for, alive });
        }
        Ok(())
    }
}

/// Acknowledgements counted against a [`Requirement`].
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Those that count.
    pub(super) received: u32,
    each: Vec<u32>,
}

impl Tally {
    /// None yet.
    pub(super) fn new(requirement: &Requirement) -> Self {
        Tally { received: 0, each: vec![0; requirement.each.len()] }
    }

    /// Counts one from a node of this data centre.
    pub(super) fn add(&mut self, requirement: &Requirement, node_datacenter: &str, own_datacenter: &str) {
        if !requirement.counts(node_datacenter, own_datacenter) {
            return;
        }
        self.received += 1;
        for (count, (datacenter, _)) in self.each.iter_mut().zip(&requirement.each) {
            if datacenter == node_datacenter {
                *count += 1;
            }
        }
    }

    /// True when the level is met.
    pub(super) fn is_met(&self, requirement: &Requirement) -> bool {
        if requirement.each.is_empty() {
            return self.received >= requirement.block_for;
        }
        self.each.iter().zip(&requirement.each).all(|(count, (_, needed))| count >= needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_block_for_what_the_factor_says() {
        let topology = Replication::NetworkTopology { factors: [("a".to_owned(), 3), ("b".to_owned(), 2)].into() };
        let simple = Replication::Simple { factor: 3 };
        let check = |level, replication: &Replication, block_for, local_only| {
            let requirement = Requirement::new(level, replication, "a");
            assert_eq!((requirement.block_for, requirement.local_only), (block_for, local_only), "{level:?}");
        };
        check(Consistency::One, &simple, 1, false);
        check(Consistency::Two, &simple, 2, false);
        check(Consistency::Quorum, &simple, 2, false);
        check(Consistency::All, &simple, 3, false);
        check(Consistency::LocalQuorum, &simple, 2, false);
        check(Consistency::EachQuorum, &simple, 2, false);
        check(Consistency::Quorum, &topology, 3, false);
        check(Consistency::All, &topology, 5, false);
        check(Consistency::LocalOne, &topology, 1, true);
        check(Consistency::LocalQuorum, &topology, 2, true);
        check(Consistency::EachQuorum, &topology, 4, false);
    }

    #[test]
    fn each_quorum_wants_every_data_centre() {
        let topology = Replication::NetworkTopology { factors: [("a".to_owned(), 3), ("b".to_owned(), 1)].into() };
        let requirement = Requirement::new(Consistency::EachQuorum, &topology, "a");
        let mut tally = Tally::new(&requirement);
        for (datacenter, met) in [("a", false), ("a", false), ("a", false), ("b", true)] {
            tally.add(&requirement, datacenter, "a");
            assert_eq!(tally.is_met(&requirement), met, "{tally:?}");
        }
    }
}
