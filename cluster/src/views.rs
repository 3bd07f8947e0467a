//! Materialized views on one node: which replica of a view hears of what a replica of its base table changes, and applying a write
//! together with that.
//!
//! As in Cassandra (`ViewUtils.getViewNaturalEndpoint`) every replica of the base partition has one replica of the view's partition as
//! its pair, of the same data centre where the keyspace knows data centres: itself if it is one, else the one that has the same place among
//! the replicas that are not both. What goes to another node is kept in the batch log of this one, in the same record as the write
//! itself, until that node has it.

use std::sync::atomic::{AtomicBool, Ordering};

use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::{ViewBuild, ViewUpdate, ViewWriteError};
use helenus_engine::error::WriteError;
use helenus_engine::log::LogPosition;
use helenus_model::mutation::MutationRef;
use helenus_model::schema::Replication;
use helenus_model::time::Now;
use helenus_model::token::Token;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::message::put_list;
use crate::shared::Shared;
use crate::system;
use crate::topology::NodeIndex;
use crate::view::View;

/// Rows of a base table that are taken into a view in one go.
const BUILD_ROWS: u32 = 256;

/// What a write changes in views that other nodes keep.
#[derive(Debug)]
pub(crate) struct RemoteUpdates {
    /// The batch it is kept as.
    pub(crate) batch: Uuid,
    /// Hosts and mutations.
    pub(crate) updates: Vec<(Uuid, Vec<u8>)>,
}

/// What waits to be sent to other nodes, from whichever thread.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    is_filled: AtomicBool,
    updates: Mutex<Vec<RemoteUpdates>>,
}

impl Outbox {
    fn push(&self, updates: RemoteUpdates) {
        self.updates.lock().push(updates);
        self.is_filled.store(true, Ordering::Release);
    }

    /// Takes all of it.
    pub(crate) fn take(&self) -> Vec<RemoteUpdates> {
        if !self.is_filled.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut updates = self.updates.lock();
        self.is_filled.store(false, Ordering::Release);
        std::mem::take(&mut *updates)
    }
}

/// The pair of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    Here,
    Node(NodeIndex),
}

/// The view replica that is paired with this node, a replica of `base`; None when it is none.
fn pair(view: &View, keyspace: &str, base: Token, entry: Token) -> Option<Pair> {
    let local = view.local?;
    let own = &view.node(local).datacenter;
    let by_datacenter = matches!(
        view.keyspace(keyspace).map(|keyspace| &keyspace.replication),
        Some(Replication::NetworkTopology { .. })
    );
    let is_near = |node: &&NodeIndex| !by_datacenter || view.node(**node).datacenter == *own;
    let mut of_base: Vec<NodeIndex> = view.replicas(keyspace, base).iter().filter(is_near).copied().collect();
    if !of_base.contains(&local) {
        return None;
    }
    let mut of_view = Vec::new();
    for node in view.replicas(keyspace, entry).iter().filter(is_near) {
        if *node == local {
            return Some(Pair::Here);
        }
        match of_base.iter().position(|other| other == node) {
            Some(both) => {
                of_base.remove(both);
            }
            None => of_view.push(*node),
        }
    }
    let place = of_base.iter().position(|node| *node == local)?;
    of_view.get(place).map(|node| Pair::Node(*node))
}

impl Shared {
    /// Applies a mutation here, with what it changes in views. It may have none.
    pub(crate) fn apply_viewed(
        &self,
        mutation: &[u8],
        durable: bool,
        now: Now,
        mode: ReadMode,
    ) -> Result<LogPosition, ViewWriteError> {
        let view = self.view.load_full();
        let base = MutationRef::new(mutation).key.token;
        let mut remote = None;
        let position = self.engine.apply_with_views(mutation, durable, now.seconds(), mode, &mut |updates| {
            let (local, others) = self.route(&view, base, updates, now);
            remote = others;
            local
        })?;
        if let Some(remote) = remote {
            self.view_updates.push(remote);
        }
        Ok(position)
    }

    /// What of these updates is applied here, and what is sent.
    fn route(
        &self,
        view: &View,
        base: Token,
        updates: Vec<ViewUpdate>,
        now: Now,
    ) -> (Vec<Vec<u8>>, Option<RemoteUpdates>) {
        let (mut local, mut remote) = (Vec::new(), Vec::new());
        for update in updates {
            match pair(view, &update.view.keyspace, base, update.token) {
                Some(Pair::Here) => local.push(update.mutation),
                Some(Pair::Node(node)) => remote.push((view.node(node).host_id, update.mutation)),
                None => tracing::debug!(view = %update.view.name, "a write of a partition that is not kept here"),
            }
        }
        if remote.is_empty() {
            return (local, None);
        }
        let timestamp = self.timestamp(now);
        let batch = self.batch_id(timestamp);
        let mut stored = Vec::new();
        let mutations: Vec<&[u8]> = remote.iter().map(|(_, mutation)| mutation.as_slice()).collect();
        put_list(&mut stored, mutations.into_iter());
        local.push(system::batch_mutation(batch, &stored, timestamp));
        (local, Some(RemoteUpdates { batch, updates: remote }))
    }

    /// A time UUID of a timestamp that no other of this node has.
    fn batch_id(&self, micros: i64) -> Uuid {
        // 100 ns since the Gregorian calendar began.
        let ticks = micros.wrapping_mul(10).wrapping_add(0x01b2_1dd2_1381_4000) as u64;
        let low = u128::from(ticks & 0xffff_ffff) << 96;
        let middle = u128::from((ticks >> 32) & 0xffff) << 80;
        let high = u128::from(0x1000 | (ticks >> 48) & 0x0fff) << 64;
        let node = self.host_id.as_u128() as u64 & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        Uuid::from_u128(low | middle | high | u128::from(node))
    }

    /// Takes some more rows of a base table into a view. False: all are in it, which is noted.
    pub(crate) fn build_view(&self, build: &mut ViewBuild, now: Now) -> Result<bool, ViewWriteError> {
        let view = self.view.load_full();
        let Some(built) = self.engine.build_view(build, BUILD_ROWS, now.seconds())? else { return Ok(false) };
        for (base, updates) in built.partitions {
            let keyspace = updates.first().and_then(|update| view.keyspace(&update.view.keyspace));
            let durable = keyspace.is_none_or(|keyspace| keyspace.durable_writes);
            let (local, remote) = self.route(&view, base, updates, now);
            self.engine.apply_all(&local, durable)?;
            if let Some(remote) = remote {
                self.view_updates.push(remote);
            }
        }
        if built.more {
            return Ok(true);
        }
        match self.engine.view_is_built(build.view()) {
            // It was dropped meanwhile.
            Err(WriteError::UnknownTable(_)) => Ok(false),
            result => result.map(|()| false).map_err(ViewWriteError::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use helenus_model::schema::{Schema, SchemaChange};

    use super::*;
    use crate::metadata::ClusterMetadata;
    use crate::topology::{NodeInfo, NodeState};

    /// The view of node `own` of six in two data centres.
    fn view(own: usize, replication: &Replication) -> View {
        let nodes = (0..6_u8).map(|i| {
            let host_id = Uuid::from_u128(u128::from(i));
            let address = ([127, 0, 0, i + 1], 7000).into();
            let info = NodeInfo {
                host_id,
                internode: address,
                native: address,
                datacenter: if i % 2 == 0 { "a" } else { "b" }.to_owned(),
                rack: "r".to_owned(),
                tokens: vec![Token(i64::from(i) * 10), Token(i64::from(i) * 10 + 65)],
                state: NodeState::Normal,
            };
            (host_id, Arc::new(info))
        });
        let put =
            SchemaChange::PutKeyspace { name: "ks".to_owned(), replication: replication.clone(), durable_writes: true };
        let schema = Arc::new(Schema::default().apply(1, &[put]).expect("applies"));
        let metadata = ClusterMetadata { nodes: nodes.collect(), schema, ring_epoch: 1, ..ClusterMetadata::default() };
        View::new(Arc::new(metadata), Uuid::from_u128(own as u128), None)
    }

    #[test]
    fn every_replica_of_a_view_has_one_pair() {
        let topology =
            |a, b| Replication::NetworkTopology { factors: BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]) };
        let simple = |factor| Replication::Simple { factor };
        for replication in [simple(1), simple(2), simple(3), simple(6), topology(1, 1), topology(2, 3), topology(3, 0)]
        {
            let views: Vec<View> = (0..6).map(|own| view(own, &replication)).collect();
            for (base, entry) in (0..12).flat_map(|base| (0..12).map(move |entry| (base * 10 + 1, entry * 10 + 1))) {
                let (base, entry) = (Token(base), Token(entry));
                let mut paired = BTreeSet::new();
                for (own, view) in views.iter().enumerate() {
                    let is_replica = view.replicas("ks", base).iter().any(|node| Some(*node) == view.local);
                    let pair = pair(view, "ks", base, entry);
                    assert_eq!(pair.is_some(), is_replica, "{replication:?} {own}");
                    let node = match pair {
                        Some(Pair::Here) => view.local,
                        Some(Pair::Node(node)) => Some(node),
                        None => continue,
                    };
                    assert!(paired.insert(node.map(|node| view.node(node).host_id)), "{replication:?}: two for one");
                }
                let wanted = views[0].replicas("ks", entry).iter().map(|node| Some(views[0].node(*node).host_id));
                assert_eq!(paired, wanted.collect(), "{replication:?} {base:?} {entry:?}");
            }
        }
    }
}
