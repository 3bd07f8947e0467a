//! Cluster metadata: one log of epochs (decision 0003, the idea of Cassandra's CEP-21). Each epoch is one [`Transformation`];
//! applying them in order gives the same [`ClusterMetadata`] on every node.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_text, put_vint};
use helenus_model::schema::{Schema, SchemaChange, SchemaChangeError};
use thiserror::Error;
use uuid::Uuid;

use crate::topology::{NodeInfo, NodeState};

/// A role: who may log in. Kept in the metadata log, so that every node can log a user in alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// bcrypt hash of the password; None: no password.
    pub salted_hash: Option<String>,
    /// `LOGIN`
    pub can_login: bool,
    /// `SUPERUSER`
    pub is_superuser: bool,
    /// Roles granted to it.
    pub member_of: Vec<String>,
}

/// A change of the roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleChange {
    /// Makes a role, or replaces it.
    Put {
        /// Its name.
        name: String,
        /// What it is now.
        role: Role,
    },
    /// Removes a role, also from those it was granted to.
    Drop {
        /// Its name.
        name: String,
    },
}

/// What clients are told of a schema change (protocol event SCHEMA_CHANGE).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaEvent {
    /// `CREATED`, `UPDATED` or `DROPPED`.
    pub change: SchemaEventKind,
    /// What was changed.
    pub target: SchemaEventTarget,
    /// Its keyspace.
    pub keyspace: String,
    /// Its name; empty for a keyspace.
    pub name: String,
    /// The argument types of a function or aggregate.
    pub argument_types: Vec<String>,
}

/// Kind of a [`SchemaEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaEventKind {
    /// It is new.
    Created,
    /// It is different.
    Updated,
    /// It is gone.
    Dropped,
}

/// Target of a [`SchemaEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaEventTarget {
    /// A keyspace.
    Keyspace,
    /// A table.
    Table,
    /// A user-defined type.
    Type,
    /// A user function.
    Function,
    /// A user aggregate.
    Aggregate,
}

/// What one epoch does.
#[derive(Clone, Debug)]
pub enum Transformation {
    /// Epoch 1: the cluster begins with one node.
    Initialize {
        /// Minted once, checked in every handshake.
        cluster_id: Uuid,
        /// `cluster_name`
        cluster_name: String,
        /// The first node.
        node: NodeInfo,
    },
    /// A node joins the ring, or one that is in it has new addresses.
    PutNode(NodeInfo),
    /// These nodes agree on the epochs from the next one on.
    SetMembers(Vec<Uuid>),
    /// The schema changes.
    Schema {
        /// Resulting definitions.
        changes: Vec<SchemaChange>,
        /// What clients are told.
        event: Option<SchemaEvent>,
    },
    /// Roles change.
    Roles(Vec<RoleChange>),
}

/// One epoch of the log: who proposed what. The nonce tells a proposer its own entry from an equal one of another's.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Host id of the proposer.
    pub proposer: Uuid,
    /// Random number of the proposal.
    pub nonce: u64,
    /// What it does.
    pub transformation: Transformation,
}

/// An entry does not fit the epoch before it: this program's fault, or damage.
#[derive(Clone, Debug, Error)]
pub enum MetadataError {
    /// The bytes are no entry.
    #[error("metadata entry: {0}")]
    Decode(#[from] DecodeError),
    /// A schema change does not fit.
    #[error(transparent)]
    Schema(#[from] SchemaChangeError),
    /// No message between nodes could hold it.
    #[error("metadata entry of {bytes} bytes")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Epochs must follow one another.
    #[error("metadata epoch {found} where {expected} was expected")]
    Epoch {
        /// Epoch that comes next.
        expected: u64,
        /// Epoch of the entry.
        found: u64,
    },
}

/// Everything the cluster agreed on, as of `epoch`.
#[derive(Clone, Debug, Default)]
pub struct ClusterMetadata {
    /// Last epoch applied; 0 before there is a cluster.
    pub epoch: u64,
    /// Nil before there is a cluster.
    pub cluster_id: Uuid,
    /// `cluster_name`
    pub cluster_name: String,
    /// Nodes by host id, also those that left.
    pub nodes: BTreeMap<Uuid, Arc<NodeInfo>>,
    /// Last epoch that changed the nodes.
    pub ring_epoch: u64,
    /// Hosts that agree on the next epoch, ascending.
    pub members: Vec<Uuid>,
    /// Keyspaces of users.
    pub schema: Arc<Schema>,
    /// Roles by name.
    pub roles: Arc<BTreeMap<String, Role>>,
}

impl ClusterMetadata {
    /// The metadata after `entry`, which must be of the next epoch.
    pub fn apply(&self, epoch: u64, entry: &Entry) -> Result<ClusterMetadata, MetadataError> {
        if epoch != self.epoch + 1 {
            return Err(MetadataError::Epoch { expected: self.epoch + 1, found: epoch });
        }
        let mut next = self.clone();
        next.epoch = epoch;
        match &entry.transformation {
            Transformation::Initialize { cluster_id, cluster_name, node } => {
                next.cluster_id = *cluster_id;
                next.cluster_name = cluster_name.clone();
                next.members = vec![node.host_id];
                next.nodes.insert(node.host_id, Arc::new(node.clone()));
                next.ring_epoch = epoch;
            }
            Transformation::PutNode(node) => {
                next.nodes.insert(node.host_id, Arc::new(node.clone()));
                next.ring_epoch = epoch;
            }
            Transformation::SetMembers(members) => {
                next.members = members.clone();
                next.members.sort_unstable();
            }
            Transformation::Schema { changes, .. } => next.schema = Arc::new(self.schema.apply(epoch, changes)?),
            Transformation::Roles(changes) => next.roles = Arc::new(apply_roles(&self.roles, changes)),
        }
        Ok(next)
    }

    /// The metadata members this cluster should have: the largest odd number ≤ min(nodes, 3), 5 from seven nodes, spread over
    /// racks; present members stay as long as they are in the ring.
    pub fn wanted_members(&self) -> Vec<Uuid> {
        let normal: Vec<_> = self.nodes.values().filter(|node| node.state == NodeState::Normal).collect();
        let count = match normal.len() {
            0 => 0,
            1 | 2 => 1,
            3..=6 => 3,
            _ => 5,
        };
        let mut chosen: Vec<&Arc<NodeInfo>> =
            normal.iter().copied().filter(|node| self.members.contains(&node.host_id)).take(count).collect();
        while chosen.len() < count {
            let used = |node: &NodeInfo| {
                chosen.iter().filter(|c| (&c.datacenter, &c.rack) == (&node.datacenter, &node.rack)).count()
            };
            let next = normal
                .iter()
                .filter(|node| !chosen.iter().any(|c| c.host_id == node.host_id))
                .min_by_key(|node| (used(node), node.host_id));
            match next {
                Some(node) => chosen.push(node),
                None => break,
            }
        }
        let mut out: Vec<_> = chosen.iter().map(|node| node.host_id).collect();
        out.sort_unstable();
        out
    }
}

fn apply_roles(roles: &BTreeMap<String, Role>, changes: &[RoleChange]) -> BTreeMap<String, Role> {
    let mut roles = roles.clone();
    for change in changes {
        match change {
            RoleChange::Put { name, role } => {
                roles.insert(name.clone(), role.clone());
            }
            RoleChange::Drop { name } => {
                roles.remove(name);
                roles.values_mut().for_each(|role| role.member_of.retain(|granted| granted != name));
            }
        }
    }
    roles
}

fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text);
    }
}

fn read_option(reader: &mut Reader<'_>) -> Result<Option<String>, DecodeError> {
    Ok(if reader.bool()? { Some(reader.text()?.to_owned()) } else { None })
}

impl RoleChange {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            RoleChange::Put { name, role } => {
                out.push(1);
                put_text(out, name);
                put_option(out, role.salted_hash.as_deref());
                out.push(u8::from(role.can_login));
                out.push(u8::from(role.is_superuser));
                put_vint(out, role.member_of.len() as u64);
                role.member_of.iter().for_each(|granted| put_text(out, granted));
            }
            RoleChange::Drop { name } => {
                out.push(2);
                put_text(out, name);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            1 => RoleChange::Put {
                name: reader.text()?.to_owned(),
                role: Role {
                    salted_hash: read_option(reader)?,
                    can_login: reader.bool()?,
                    is_superuser: reader.bool()?,
                    member_of: {
                        let count = reader.count()?;
                        let names: Result<_, DecodeError> = (0..count).map(|_| Ok(reader.text()?.to_owned())).collect();
                        names?
                    },
                },
            },
            2 => RoleChange::Drop { name: reader.text()?.to_owned() },
            _ => return Err(reader.invalid("role change")),
        })
    }
}

impl SchemaEventTarget {
    /// Overloads are told apart by their argument types.
    fn has_arguments(self) -> bool {
        matches!(self, SchemaEventTarget::Function | SchemaEventTarget::Aggregate)
    }
}

impl SchemaEvent {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.change as u8);
        out.push(self.target as u8);
        put_text(out, &self.keyspace);
        put_text(out, &self.name);
        if self.target.has_arguments() {
            put_vint(out, self.argument_types.len() as u64);
            self.argument_types.iter().for_each(|ty| put_text(out, ty));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let change = match reader.u8()? {
            0 => SchemaEventKind::Created,
            1 => SchemaEventKind::Updated,
            2 => SchemaEventKind::Dropped,
            _ => return Err(reader.invalid("schema event")),
        };
        let target = match reader.u8()? {
            0 => SchemaEventTarget::Keyspace,
            1 => SchemaEventTarget::Table,
            2 => SchemaEventTarget::Type,
            3 => SchemaEventTarget::Function,
            4 => SchemaEventTarget::Aggregate,
            _ => return Err(reader.invalid("schema event target")),
        };
        let (keyspace, name) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let mut argument_types = Vec::new();
        if target.has_arguments() {
            for _ in 0..reader.count()? {
                argument_types.push(reader.text()?.to_owned());
            }
        }
        Ok(SchemaEvent { change, target, keyspace, name, argument_types })
    }
}

impl Entry {
    /// Appends the entry.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(1);
        out.extend_from_slice(self.proposer.as_bytes());
        out.extend_from_slice(&self.nonce.to_be_bytes());
        match &self.transformation {
            Transformation::Initialize { cluster_id, cluster_name, node } => {
                out.push(1);
                out.extend_from_slice(cluster_id.as_bytes());
                put_text(out, cluster_name);
                node.encode(out);
            }
            Transformation::PutNode(node) => {
                out.push(2);
                node.encode(out);
            }
            Transformation::SetMembers(members) => {
                out.push(3);
                put_vint(out, members.len() as u64);
                members.iter().for_each(|id| out.extend_from_slice(id.as_bytes()));
            }
            Transformation::Schema { changes, event } => {
                out.push(4);
                put_vint(out, changes.len() as u64);
                for change in changes {
                    let mut bytes = Vec::new();
                    change.encode(&mut bytes);
                    put_bytes(out, &bytes);
                }
                out.push(u8::from(event.is_some()));
                if let Some(event) = event {
                    event.encode(out);
                }
            }
            Transformation::Roles(changes) => {
                out.push(5);
                put_vint(out, changes.len() as u64);
                changes.iter().for_each(|change| change.encode(out));
            }
        }
    }

    /// Reads an entry, every field checked.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.u8()? != 1 {
            return Err(reader.invalid("metadata entry version"));
        }
        let proposer = reader.uuid()?;
        let nonce = reader.u64()?;
        let transformation = match reader.u8()? {
            1 => Transformation::Initialize {
                cluster_id: reader.uuid()?,
                cluster_name: reader.text()?.to_owned(),
                node: NodeInfo::decode(reader)?,
            },
            2 => Transformation::PutNode(NodeInfo::decode(reader)?),
            3 => {
                let count = reader.count()?;
                let members: Result<Vec<_>, _> = (0..count).map(|_| reader.uuid()).collect();
                Transformation::SetMembers(members?)
            }
            4 => {
                let count = reader.count()?;
                let mut changes = Vec::new();
                for _ in 0..count {
                    let mut bytes = Reader::new(reader.bytes()?);
                    changes.push(SchemaChange::decode(&mut bytes)?);
                    bytes.finish()?;
                }
                let event = if reader.bool()? { Some(SchemaEvent::decode(reader)?) } else { None };
                Transformation::Schema { changes, event }
            }
            5 => {
                let count = reader.count()?;
                let changes: Result<Vec<_>, _> = (0..count).map(|_| RoleChange::decode(reader)).collect();
                Transformation::Roles(changes?)
            }
            _ => return Err(reader.invalid("transformation")),
        };
        Ok(Entry { proposer, nonce, transformation })
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::schema::Replication;

    use super::*;

    fn node(id: u128) -> NodeInfo {
        let address = ([127, 0, 0, id as u8], 7000).into();
        NodeInfo {
            host_id: Uuid::from_u128(id),
            internode: address,
            native: address,
            datacenter: "dc".to_owned(),
            rack: format!("r{}", id % 2),
            tokens: vec![helenus_model::token::Token(id as i64)],
            state: NodeState::Normal,
        }
    }

    #[test]
    fn entries_read_back_and_apply_in_order() {
        let role = Role {
            salted_hash: Some("h".to_owned()),
            can_login: true,
            is_superuser: true,
            member_of: vec!["x".to_owned()],
        };
        let transformations = vec![
            Transformation::Initialize { cluster_id: Uuid::from_u128(99), cluster_name: "c".to_owned(), node: node(1) },
            Transformation::PutNode(node(2)),
            Transformation::PutNode(node(3)),
            Transformation::SetMembers(vec![Uuid::from_u128(3), Uuid::from_u128(1), Uuid::from_u128(2)]),
            Transformation::Schema {
                changes: vec![SchemaChange::PutKeyspace {
                    name: "k".to_owned(),
                    replication: Replication::Simple { factor: 1 },
                    durable_writes: true,
                }],
                event: Some(SchemaEvent {
                    change: SchemaEventKind::Created,
                    target: SchemaEventTarget::Keyspace,
                    keyspace: "k".to_owned(),
                    name: String::new(),
                    argument_types: Vec::new(),
                }),
            },
            Transformation::Roles(vec![RoleChange::Put { name: "a".to_owned(), role: role.clone() }]),
        ];
        let mut metadata = ClusterMetadata::default();
        for (i, transformation) in transformations.into_iter().enumerate() {
            let mut bytes = Vec::new();
            Entry { proposer: Uuid::from_u128(1), nonce: 7, transformation }.encode(&mut bytes);
            for cut in 0..bytes.len() {
                assert!(Entry::decode(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}");
            }
            let mut reader = Reader::new(&bytes);
            let entry = Entry::decode(&mut reader).expect("decodes");
            reader.finish().expect("nothing left");
            assert!(metadata.apply(i as u64 + 2, &entry).is_err(), "a gap");
            metadata = metadata.apply(i as u64 + 1, &entry).expect("applies");
        }
        assert_eq!(metadata.epoch, 6);
        assert_eq!(metadata.ring_epoch, 3);
        assert_eq!(metadata.members, [1, 2, 3].map(Uuid::from_u128));
        assert_eq!(metadata.wanted_members(), metadata.members);
        assert_eq!(metadata.roles.get("a"), Some(&role));
        assert!(metadata.schema.keyspace("k").is_some());
        assert_eq!(metadata.schema.epoch, 5);
    }

    #[test]
    fn members_spread_over_racks() {
        let mut metadata = ClusterMetadata::default();
        let mut count = |ids: &[u128]| {
            metadata.nodes = ids.iter().map(|id| (Uuid::from_u128(*id), Arc::new(node(*id)))).collect();
            metadata.wanted_members().len()
        };
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[1, 2]), 1);
        assert_eq!(count(&[1, 2, 3, 4]), 3);
        assert_eq!(count(&[1, 2, 3, 4, 5, 6, 7]), 5);
        metadata.nodes = [2, 4, 6, 1].iter().map(|id| (Uuid::from_u128(*id), Arc::new(node(*id)))).collect();
        assert!(metadata.wanted_members().contains(&Uuid::from_u128(1)), "the only node of its rack");
    }
}
