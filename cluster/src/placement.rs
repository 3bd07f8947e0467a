//! Which nodes hold a token's data: SimpleStrategy and NetworkTopologyStrategy, equal to Cassandra's and the drivers'.

use std::collections::{BTreeMap, BTreeSet};

use helenus_model::schema::Replication;
use helenus_model::token::Token;

use crate::topology::{NodeIndex, Ring};

/// The replicas of every part of the ring, for one keyspace as of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Upper ends of the parts, ascending: part i is (ends[i-1], ends[i]]; what lies behind the last end belongs to part 0.
    ends: Vec<Token>,
    /// Replicas of each part, the primary first, as a range of `replicas`.
    parts: Vec<(u32, u16)>,
    replicas: Vec<NodeIndex>,
}

impl Placement {
    /// Works out the replicas of every part of the ring.
    pub fn new(ring: &Ring, replication: &Replication) -> Self {
        let mut placement = Placement::default();
        let mut seen: BTreeMap<Vec<NodeIndex>, (u32, u16)> = BTreeMap::new();
        for (i, (token, _)) in ring.tokens.iter().enumerate() {
            let nodes = replicas_from(ring, i, replication);
            let part = *seen.entry(nodes).or_insert_with_key(|nodes| {
                let start = placement.replicas.len() as u32;
                placement.replicas.extend_from_slice(nodes);
                (start, nodes.len() as u16)
            });
            placement.ends.push(*token);
            placement.parts.push(part);
        }
        placement
    }

    fn part(&self, i: usize) -> &[NodeIndex] {
        let (start, len) = self.parts[i];
        &self.replicas[start as usize..start as usize + usize::from(len)]
    }

    /// Nodes that hold `token`, the primary first; empty when the ring is.
    #[inline]
    pub fn replicas(&self, token: Token) -> &[NodeIndex] {
        if self.ends.is_empty() {
            return &[];
        }
        let i = self.ends.partition_point(|end| *end < token);
        self.part(if i == self.ends.len() { 0 } else { i })
    }

    /// The ring from its first to its last token, as parts (start exclusive, end inclusive) with their replicas; neighbours with
    /// the same set of replicas are one part. The first start is `None` for "from the beginning", the last end `None` for "to the
    /// end".
    pub fn ranges(&self) -> Vec<(Option<Token>, Option<Token>, &[NodeIndex])> {
        let Some(last) = self.ends.last() else { return Vec::new() };
        let mut out: Vec<(Option<Token>, Option<Token>, &[NodeIndex])> = Vec::new();
        let mut start = None;
        for (i, end) in self.ends.iter().enumerate() {
            out.push((start, Some(*end), self.part(i)));
            start = Some(*end);
        }
        // Behind the last token the ring starts over.
        out.push((Some(*last), None, self.part(0)));
        let set = |nodes: &[NodeIndex]| nodes.iter().copied().collect::<BTreeSet<_>>();
        let mut merged: Vec<(Option<Token>, Option<Token>, &[NodeIndex])> = Vec::new();
        for range in out {
            match merged.last_mut() {
                Some(before) if set(before.2) == set(range.2) => before.1 = range.1,
                _ => merged.push(range),
            }
        }
        merged
    }
}

fn replicas_from(ring: &Ring, start: usize, replication: &Replication) -> Vec<NodeIndex> {
    let walk = ring.tokens[start..].iter().chain(&ring.tokens[..start]).map(|(_, node)| *node);
    match replication {
        Replication::Simple { factor } => simple(walk, *factor as usize),
        Replication::NetworkTopology { factors } => network_topology(ring, walk, factors),
        Replication::Local => Vec::new(),
    }
}

fn simple(walk: impl Iterator<Item = NodeIndex>, factor: usize) -> Vec<NodeIndex> {
    let mut out = Vec::new();
    for node in walk {
        if out.len() == factor {
            break;
        }
        if !out.contains(&node) {
            out.push(node);
        }
    }
    out
}

/// Copies still to be placed in one data centre (Cassandra `NetworkTopologyStrategy.DatacenterEndpoints`).
struct Datacenter {
    copies_left: usize,
    /// How many nodes may be taken from a rack that was seen already.
    repeats_left: isize,
    racks: BTreeSet<String>,
}

fn network_topology(
    ring: &Ring,
    walk: impl Iterator<Item = NodeIndex>,
    factors: &BTreeMap<String, u32>,
) -> Vec<NodeIndex> {
    let mut datacenters: BTreeMap<&str, Datacenter> = BTreeMap::new();
    for (name, factor) in factors {
        let nodes = ring.nodes.iter().filter(|node| node.datacenter == *name);
        let racks: BTreeSet<_> = nodes.clone().map(|node| &node.rack).collect();
        let copies_left = (*factor as usize).min(nodes.count());
        if copies_left > 0 {
            let repeats_left = *factor as isize - racks.len() as isize;
            datacenters.insert(name, Datacenter { copies_left, repeats_left, racks: BTreeSet::new() });
        }
    }
    let mut out = Vec::new();
    let mut left = datacenters.len();
    for index in walk {
        if left == 0 {
            break;
        }
        let node = &ring.nodes[usize::from(index)];
        let Some(datacenter) = datacenters.get_mut(node.datacenter.as_str()) else { continue };
        if datacenter.copies_left == 0 || out.contains(&index) {
            continue;
        }
        if datacenter.racks.insert(node.rack.clone()) {
            out.push(index);
        } else if datacenter.repeats_left > 0 {
            datacenter.repeats_left -= 1;
            out.push(index);
        } else {
            continue;
        }
        datacenter.copies_left -= 1;
        if datacenter.copies_left == 0 {
            left -= 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::topology::{NodeInfo, NodeState};

    /// A ring of nodes given as (dc, rack, tokens); node i has host id i.
    fn ring(nodes: &[(&str, &str, &[i64])]) -> Ring {
        let nodes = nodes.iter().enumerate().map(|(i, (dc, rack, tokens))| {
            let host_id = Uuid::from_u128(i as u128);
            let address = ([127, 0, 0, i as u8 + 1], 7000).into();
            let info = NodeInfo {
                host_id,
                internode: address,
                native: address,
                datacenter: (*dc).to_owned(),
                rack: (*rack).to_owned(),
                tokens: tokens.iter().map(|t| Token(*t)).collect(),
                state: NodeState::Normal,
            };
            (host_id, Arc::new(info))
        });
        Ring::new(1, &nodes.collect())
    }

    fn topology(factors: &[(&str, u32)]) -> Replication {
        Replication::NetworkTopology { factors: factors.iter().map(|(dc, n)| ((*dc).to_owned(), *n)).collect() }
    }

    #[test]
    fn replicas_follow_the_ring() {
        let three = ring(&[("a", "r1", &[0, 30]), ("a", "r1", &[10, 40]), ("a", "r2", &[20, 50])]);
        let check = |ring: &Ring, replication: &Replication, token: i64, expected: &[NodeIndex]| {
            let placement = Placement::new(ring, replication);
            assert_eq!(placement.replicas(Token(token)), expected, "{replication:?} {token}");
        };
        let one = Replication::Simple { factor: 1 };
        check(&three, &one, 0, &[0]);
        check(&three, &one, 1, &[1]);
        check(&three, &one, 51, &[0]);
        check(&three, &one, i64::MIN, &[0]);
        check(&three, &Replication::Simple { factor: 2 }, 11, &[2, 0]);
        check(&three, &Replication::Simple { factor: 5 }, 11, &[2, 0, 1]);
        // The second copy goes to the other rack, the third to the skipped node.
        check(&three, &topology(&[("a", 2)]), 0, &[0, 2]);
        check(&three, &topology(&[("a", 3)]), 0, &[0, 1, 2]);
        check(&three, &topology(&[("b", 3)]), 0, &[]);
        let two_dcs = ring(&[("a", "r", &[0]), ("b", "r", &[10]), ("a", "r", &[20]), ("b", "r", &[30])]);
        check(&two_dcs, &topology(&[("a", 1), ("b", 2)]), 5, &[1, 2, 3]);
        check(&two_dcs, &topology(&[("a", 3)]), 5, &[2, 0]);
    }

    #[test]
    fn equal_neighbours_are_one_range() {
        let three = ring(&[("a", "r", &[0, 30]), ("a", "r", &[10]), ("a", "r", &[20])]);
        let all = Placement::new(&three, &Replication::Simple { factor: 3 });
        assert_eq!(all.ranges().len(), 1);
        assert_eq!((all.ranges()[0].0, all.ranges()[0].1), (None, None));
        let one = Placement::new(&three, &Replication::Simple { factor: 1 });
        let ends: Vec<_> = one.ranges().iter().map(|(s, e, r)| (s.map(|t| t.0), e.map(|t| t.0), r[0])).collect();
        assert_eq!(ends, [(None, Some(0), 0), (Some(0), Some(10), 1), (Some(10), Some(20), 2), (Some(20), None, 0)]);
    }
}
