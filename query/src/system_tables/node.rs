//! `system.local`, `system.peers`, `system.peers_v2`, and the roles.

use helenus_model::value::CollectionBuilder;

use super::rows::VirtualRows;
use super::source::{LocalNode, PeerNode, SystemSource};

/// The version of CQL that 5.0 reports.
pub const CQL_VERSION: &str = "3.4.7";
/// The newest protocol version that is no beta.
pub const NATIVE_PROTOCOL_VERSION: &str = "5";
/// The only partitioner.
pub const PARTITIONER: &str = "org.apache.cassandra.dht.Murmur3Partitioner";

/// Tokens as a set of texts: in the order of texts.
fn token_texts(tokens: &[i64]) -> Vec<String> {
    let mut texts: Vec<String> = tokens.iter().map(i64::to_string).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

pub(super) fn local(node: &LocalNode, rows: &mut VirtualRows<'_>) {
    let port = i32::from(node.storage_port);
    rows.text("key", "local")
        .text("bootstrapped", &node.bootstrapped)
        .inet("broadcast_address", node.broadcast_address)
        .int("broadcast_port", port)
        .text("cluster_name", &node.cluster_name)
        .text("cql_version", CQL_VERSION)
        .text("data_center", &node.data_center)
        .int("gossip_generation", node.generation)
        .uuid("host_id", node.host_id)
        .inet("listen_address", node.listen_address)
        .int("listen_port", port)
        .text("native_protocol_version", NATIVE_PROTOCOL_VERSION)
        .text("partitioner", PARTITIONER)
        .text("rack", &node.rack)
        .text("release_version", &node.release_version)
        .inet("rpc_address", node.rpc_address)
        .int("rpc_port", i32::from(node.native_port))
        .uuid("schema_version", node.schema_version)
        .texts("tokens", token_texts(&node.tokens));
    let mut truncated: Vec<_> = node.truncated_at.iter().collect();
    truncated.sort_by_key(|(table, _)| *table);
    let mut builder = CollectionBuilder::default();
    for (table, at) in truncated {
        builder.push_entry(table.as_bytes(), at);
    }
    rows.value("truncated_at", builder.finish());
    rows.end();
}

pub(super) fn peers(peers: &[PeerNode], rows: &mut VirtualRows<'_>) {
    for peer in peers {
        rows.inet("peer", peer.address)
            .int("peer_port", i32::from(peer.storage_port))
            .text("data_center", &peer.data_center)
            .uuid("host_id", peer.host_id)
            .inet("rpc_address", peer.native_address)
            .inet("native_address", peer.native_address)
            .int("native_port", i32::from(peer.native_port))
            .text("rack", &peer.rack)
            .text("release_version", &peer.release_version)
            .uuid("schema_version", peer.schema_version)
            .texts("tokens", token_texts(&peer.tokens));
        if let Some(preferred) = peer.preferred {
            rows.inet("preferred_ip", preferred).int("preferred_port", i32::from(peer.storage_port));
        }
        rows.end();
    }
}

pub(super) fn roles(source: &dyn SystemSource, rows: &mut VirtualRows<'_>) {
    for role in source.roles() {
        rows.text("role", &role.name).boolean("can_login", role.can_login).boolean("is_superuser", role.is_superuser);
        rows.texts("member_of", &role.member_of);
        if let Some(hash) = &role.salted_hash {
            rows.text("salted_hash", hash);
        }
        rows.end();
    }
}

pub(super) fn role_members(source: &dyn SystemSource, rows: &mut VirtualRows<'_>) {
    for member in source.roles() {
        for role in &member.member_of {
            rows.text("role", role).text("member", &member.name).end();
        }
    }
}

pub(super) fn role_permissions(source: &dyn SystemSource, rows: &mut VirtualRows<'_>) {
    for granted in source.permissions() {
        rows.text("role", &granted.role)
            .text("resource", &granted.resource)
            .texts("permissions", &granted.permissions)
            .end();
    }
}
