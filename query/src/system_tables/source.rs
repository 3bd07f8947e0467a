//! The live state that system tables show.

use std::net::IpAddr;
use std::sync::Arc;

use helenus_model::schema::Schema;
use uuid::Uuid;

use super::rows::VirtualRows;

/// The node itself: `system.local`.
#[derive(Clone, Debug)]
pub struct LocalNode {
    /// `bootstrapped`: NEEDS_BOOTSTRAP, IN_PROGRESS, COMPLETED or DECOMMISSIONED.
    pub bootstrapped: String,
    /// `cluster_name`
    pub cluster_name: String,
    /// `data_center`
    pub data_center: String,
    /// `rack`
    pub rack: String,
    /// `host_id`
    pub host_id: Uuid,
    /// `broadcast_address`
    pub broadcast_address: IpAddr,
    /// `listen_address`
    pub listen_address: IpAddr,
    /// `broadcast_port` and `listen_port`: the port for other nodes.
    pub storage_port: u16,
    /// `rpc_address`: where clients connect to; never 0.0.0.0.
    pub rpc_address: IpAddr,
    /// `rpc_port`: the port for clients.
    pub native_port: u16,
    /// `gossip_generation`
    pub generation: i32,
    /// `release_version`, such as `5.0.6`.
    pub release_version: String,
    /// `schema_version`
    pub schema_version: Uuid,
    /// `tokens`
    pub tokens: Vec<i64>,
    /// `truncated_at`: table and blob.
    pub truncated_at: Vec<(Uuid, Vec<u8>)>,
}

/// Another node: `system.peers`, `system.peers_v2`.
#[derive(Clone, Debug)]
pub struct PeerNode {
    /// `peer`: its address for other nodes.
    pub address: IpAddr,
    /// `peer_port`
    pub storage_port: u16,
    /// `data_center`
    pub data_center: String,
    /// `rack`
    pub rack: String,
    /// `host_id`
    pub host_id: Uuid,
    /// `rpc_address`, `native_address`
    pub native_address: IpAddr,
    /// `native_port`
    pub native_port: u16,
    /// `preferred_ip`
    pub preferred: Option<IpAddr>,
    /// `release_version`
    pub release_version: String,
    /// `schema_version`
    pub schema_version: Uuid,
    /// `tokens`
    pub tokens: Vec<i64>,
}

/// A role: `system_auth.roles`.
#[derive(Clone, Debug)]
pub struct RoleRow {
    /// `role`
    pub name: String,
    /// `can_login`
    pub can_login: bool,
    /// `is_superuser`
    pub is_superuser: bool,
    /// `member_of`, sorted.
    pub member_of: Vec<String>,
    /// `salted_hash`
    pub salted_hash: Option<String>,
}

/// Permissions of a role on a resource: `system_auth.role_permissions`.
#[derive(Clone, Debug)]
pub struct PermissionRow {
    /// `role`
    pub role: String,
    /// `resource`, such as `data/ks/t`.
    pub resource: String,
    /// `permissions`, sorted.
    pub permissions: Vec<String>,
}

/// Where system tables get their content from.
pub trait SystemSource {
    /// The node itself.
    fn local(&self) -> LocalNode;
    /// The other nodes of the cluster, never the node itself.
    fn peers(&self) -> Vec<PeerNode>;
    /// The schema of users.
    fn schema(&self) -> Arc<Schema>;
    /// Whether this node has built a secondary index.
    fn is_index_built(&self, index: Uuid) -> bool {
        let _ = index;
        false
    }
    /// Whether this node has built a materialized view.
    fn is_view_built(&self, view: Uuid) -> bool {
        let _ = view;
        false
    }
    /// The roles.
    fn roles(&self) -> Vec<RoleRow> {
        Vec::new()
    }
    /// The permissions.
    fn permissions(&self) -> Vec<PermissionRow> {
        Vec::new()
    }
    /// The rows of any other table, mostly of `system_views` (`clients`, `settings`, `thread_pools`, …): nothing unless the node knows
    /// some. Find out by `rows.table()` which table is meant.
    fn rows(&self, rows: &mut VirtualRows<'_>) {
        let _ = rows;
    }
}
