//! The live state behind `system.local`, `system.peers`, `system_auth.roles` and `system_views`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::schema::Schema;
use helenus_query::system_tables::{LocalNode, PeerNode, RoleRow, SystemSource, VirtualRows};
use uuid::Uuid;

use crate::control::RELEASE_VERSION;
use crate::shared::Shared;
use crate::topology::NodeInfo;
use crate::view::View;

/// A look at one member as of one view.
pub(crate) struct LiveSystem<'s> {
    shared: &'s Shared,
    view: &'s View,
}

impl<'s> LiveSystem<'s> {
    pub(crate) fn new(shared: &'s Shared, view: &'s View) -> Self {
        LiveSystem { shared, view }
    }
}

fn tokens(node: &NodeInfo) -> Vec<i64> {
    node.tokens.iter().map(|token| token.0).collect()
}

impl SystemSource for LiveSystem<'_> {
    fn local(&self) -> LocalNode {
        let config = &self.shared.config;
        let node = self.view.local.map(|local| self.view.node(local));
        LocalNode {
            bootstrapped: if node.is_some() { "COMPLETED" } else { "NEEDS_BOOTSTRAP" }.to_owned(),
            cluster_name: config.cluster_name.clone(),
            data_center: config.datacenter.clone(),
            rack: config.rack.clone(),
            host_id: self.shared.host_id,
            broadcast_address: config.internode.ip(),
            listen_address: config.internode.ip(),
            storage_port: config.internode.port(),
            rpc_address: config.native.ip(),
            native_port: config.native.port(),
            generation: self.shared.gossip_generation.load(Ordering::Relaxed) as i32,
            release_version: RELEASE_VERSION.to_owned(),
            schema_version: self.view.schema().version(),
            tokens: node.map(tokens).unwrap_or_default(),
            truncated_at: Vec::new(),
        }
    }

    fn peers(&self) -> Vec<PeerNode> {
        let peers = self.shared.peers.read();
        let (own_version, own_epoch) = (self.view.schema().version(), self.view.schema().epoch);
        let others = self.view.ring.nodes.iter().filter(|node| node.host_id != self.shared.host_id);
        let peer = |node: &Arc<NodeInfo>| {
            let status = peers.get(&node.internode);
            PeerNode {
                address: node.internode.ip(),
                storage_port: node.internode.port(),
                data_center: node.datacenter.clone(),
                rack: node.rack.clone(),
                host_id: node.host_id,
                native_address: node.native.ip(),
                native_port: node.native.port(),
                preferred: None,
                release_version: status
                    .and_then(|status| status.release_version.clone())
                    .unwrap_or_else(|| RELEASE_VERSION.to_owned()),
                // Every node applies the same log. Of a live one that is not known to be as far as this one gossip has the last word.
                schema_version: status
                    .filter(|status| status.alive && status.applied_epoch < own_epoch)
                    .and_then(|status| status.schema_version)
                    .unwrap_or(own_version),
                tokens: tokens(node),
            }
        };
        others.map(peer).collect()
    }

    fn schema(&self) -> Arc<Schema> {
        Arc::clone(self.view.schema())
    }

    fn is_index_built(&self, index: Uuid) -> bool {
        self.shared.engine.is_index_built(index)
    }

    fn is_view_built(&self, view: Uuid) -> bool {
        self.shared.engine.is_view_built(view)
    }

    fn roles(&self) -> Vec<RoleRow> {
        let row = |(name, role): (&String, &crate::metadata::Role)| {
            let mut member_of = role.member_of.clone();
            member_of.sort();
            RoleRow {
                name: name.clone(),
                can_login: role.can_login,
                is_superuser: role.is_superuser,
                member_of,
                salted_hash: role.salted_hash.clone(),
            }
        };
        self.view.metadata.roles.iter().map(row).collect()
    }

    fn rows(&self, _rows: &mut VirtualRows<'_>) {}
}
