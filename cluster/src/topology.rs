//! The nodes of a cluster, as the metadata log knows them, and the ring their tokens make.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use helenus_model::codec::{DecodeError, Reader, put_text, put_vint};
use helenus_model::token::Token;
use uuid::Uuid;

/// Most tokens one node may own; a bound on what a decoder allocates.
pub const NODE_TOKENS_MAX: usize = 4096;

/// A node's part in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Owns its tokens and serves them.
    Normal,
    /// Has left; kept so that its host id is not used again.
    Left,
}

/// What the cluster agreed on about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Identity, kept in the node's data directory.
    pub host_id: Uuid,
    /// Where other nodes reach it (`listen_address`, `storage_port`).
    pub internode: SocketAddr,
    /// Where clients reach it (`rpc_address`, `native_transport_port`).
    pub native: SocketAddr,
    /// Data centre.
    pub datacenter: String,
    /// Rack.
    pub rack: String,
    /// Its tokens, ascending.
    pub tokens: Vec<Token>,
    /// Its part.
    pub state: NodeState,
}

fn put_socket(out: &mut Vec<u8>, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(16);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

fn read_socket(reader: &mut Reader<'_>) -> Result<SocketAddr, DecodeError> {
    let ip = match reader.u8()? {
        4 => IpAddr::from(reader.array::<4>()?),
        16 => IpAddr::from(reader.array::<16>()?),
        _ => return Err(reader.invalid("address")),
    };
    Ok(SocketAddr::new(ip, reader.u16()?))
}

impl NodeInfo {
    /// Appends the node.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.host_id.as_bytes());
        put_socket(out, self.internode);
        put_socket(out, self.native);
        put_text(out, &self.datacenter);
        put_text(out, &self.rack);
        put_vint(out, self.tokens.len() as u64);
        for token in &self.tokens {
            out.extend_from_slice(&token.0.to_be_bytes());
        }
        out.push(match self.state {
            NodeState::Normal => 0,
            NodeState::Left => 1,
        });
    }

    /// Reads what [`NodeInfo::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let host_id = reader.uuid()?;
        let internode = read_socket(reader)?;
        let native = read_socket(reader)?;
        let datacenter = reader.text()?.to_owned();
        let rack = reader.text()?.to_owned();
        let count = reader.count()?;
        if count > NODE_TOKENS_MAX {
            return Err(reader.invalid("token count"));
        }
        let tokens: Result<Vec<_>, _> = (0..count).map(|_| reader.i64().map(Token)).collect();
        let tokens = tokens?;
        if !tokens.is_sorted() {
            return Err(reader.invalid("order of tokens"));
        }
        let state = match reader.u8()? {
            0 => NodeState::Normal,
            1 => NodeState::Left,
            _ => return Err(reader.invalid("node state")),
        };
        Ok(NodeInfo { host_id, internode, native, datacenter, rack, tokens, state })
    }
}

/// Number of a node inside one [`Ring`]; means nothing in another.
pub type NodeIndex = u16;

/// The ring as of one epoch: immutable, shared.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// Last epoch that changed the nodes.
    pub epoch: u64,
    /// Nodes in the order of their host ids; a [`NodeIndex`] points here. Those that left are not in it.
    pub nodes: Vec<Arc<NodeInfo>>,
    /// Every token and its owner, ascending.
    pub tokens: Vec<(Token, NodeIndex)>,
}

impl Ring {
    /// Of the nodes in state Normal.
    pub fn new(epoch: u64, nodes: &BTreeMap<Uuid, Arc<NodeInfo>>) -> Self {
        let nodes: Vec<_> = nodes.values().filter(|node| node.state == NodeState::Normal).cloned().collect();
        let mut tokens: Vec<_> = nodes
            .iter()
            .enumerate()
            .flat_map(|(i, node)| node.tokens.iter().map(move |token| (*token, i as NodeIndex)))
            .collect();
        tokens.sort_unstable();
        Ring { epoch, nodes, tokens }
    }

    /// A node's number.
    pub fn index_of(&self, host_id: Uuid) -> Option<NodeIndex> {
        self.nodes.binary_search_by(|node| node.host_id.cmp(&host_id)).ok().map(|i| i as NodeIndex)
    }

    /// Index into `tokens` of the first token at or behind `token`, around the end of the ring: its owner has the primary copy.
    #[inline]
    pub fn successor(&self, token: Token) -> usize {
        let i = self.tokens.partition_point(|(t, _)| *t < token);
        if i == self.tokens.len() { 0 } else { i }
    }

    /// Names of the data centres, in order.
    pub fn datacenters(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.nodes.iter().map(|node| node.datacenter.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
