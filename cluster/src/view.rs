//! What every request looks at: metadata, ring and placements as of one epoch, immutable behind one pointer.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::schema::{Replication, Schema};
use helenus_model::token::Token;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::metadata::ClusterMetadata;
use crate::placement::Placement;
use crate::topology::{NodeIndex, NodeInfo, Ring};

/// Replication of one keyspace, worked out.
#[derive(Clone, Debug)]
pub struct KeyspaceView {
    /// Its replication.
    pub replication: Replication,
    /// Its `durable_writes`.
    pub durable_writes: bool,
    /// Its replicas.
    pub placement: Arc<Placement>,
}

/// One epoch as requests see it.
#[derive(Clone, Debug)]
pub struct View {
    /// The metadata.
    pub metadata: Arc<ClusterMetadata>,
    /// The ring.
    pub ring: Arc<Ring>,
    /// This node's number in the ring; None while it is not in it.
    pub local: Option<NodeIndex>,
    keyspaces: FxHashMap<String, KeyspaceView>,
}

impl View {
    /// Works out the view of `host`; what did not change is taken from `before`.
    pub fn new(metadata: Arc<ClusterMetadata>, host: Uuid, before: Option<&View>) -> Self {
        let same_ring = before.is_some_and(|before| before.metadata.ring_epoch == metadata.ring_epoch);
        let ring = match before {
            Some(before) if same_ring => Arc::clone(&before.ring),
            _ => Arc::new(Ring::new(metadata.ring_epoch, &metadata.nodes)),
        };
        let mut placements: BTreeMap<String, Arc<Placement>> = BTreeMap::new();
        let mut keyspaces = FxHashMap::default();
        for keyspace in metadata.schema.keyspaces.values() {
            let old = before.filter(|_| same_ring).and_then(|before| before.keyspace(&keyspace.name));
            let placement = match old {
                Some(old) if old.replication == keyspace.replication => Arc::clone(&old.placement),
                _ => Arc::clone(
                    placements
                        .entry(format!("{:?}", keyspace.replication))
                        .or_insert_with(|| Arc::new(Placement::new(&ring, &keyspace.replication))),
                ),
            };
            let view = KeyspaceView {
                replication: keyspace.replication.clone(),
                durable_writes: keyspace.durable_writes,
                placement,
            };
            keyspaces.insert(keyspace.name.clone(), view);
        }
        let local = ring.index_of(host);
        View { metadata, ring, local, keyspaces }
    }

    /// The schema of users' keyspaces.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.metadata.schema
    }

    /// A keyspace by its exact name.
    #[inline]
    pub fn keyspace(&self, name: &str) -> Option<&KeyspaceView> {
        self.keyspaces.get(name)
    }

    /// A node by number.
    #[inline]
    pub fn node(&self, index: NodeIndex) -> &NodeInfo {
        &self.ring.nodes[usize::from(index)]
    }

    /// Replicas of a token, the primary first.
    #[inline]
    pub fn replicas(&self, keyspace: &str, token: Token) -> &[NodeIndex] {
        self.keyspaces.get(keyspace).map_or(&[], |keyspace| keyspace.placement.replicas(token))
    }
}
