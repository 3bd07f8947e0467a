//! `status`, `ring` and `describecluster`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::http::Failure;
use super::table::{Table, shared_widths};
use super::text::file_size;
use crate::admin::answers::{ClusterAnswer, NodeAnswer, Ownership};

const MEANINGLESS: &str = "Note: Non-system keyspaces don't have the same replication settings, effective ownership \
                           information is meaningless\n";

/// Nodes by data centre.
fn datacenters(cluster: &ClusterAnswer) -> BTreeMap<&str, Vec<&NodeAnswer>> {
    let mut found: BTreeMap<&str, Vec<&NodeAnswer>> = BTreeMap::new();
    for node in &cluster.nodes {
        found.entry(&node.datacenter).or_default().push(node);
    }
    found
}

/// A node's address as it is shown.
fn shown(node: &NodeAnswer, with_port: bool) -> String {
    if with_port { node.address.to_string() } else { node.address.ip().to_string() }
}

fn load(node: &NodeAnswer) -> String {
    node.load.map_or_else(|| "?".to_owned(), file_size)
}

/// What is said instead where there is no such keyspace.
fn check_keyspace(cluster: &ClusterAnswer, keyspace: Option<&str>) -> Result<(), Failure> {
    if cluster.ownership == Ownership::UnknownKeyspace {
        let name = keyspace.unwrap_or_default();
        return Err(Failure::Printed(format!("\nError: The keyspace {name}, does not exist\n")));
    }
    Ok(())
}

fn share(cluster: &ClusterAnswer, node: &NodeAnswer) -> Option<f64> {
    match &cluster.ownership {
        Ownership::Effective(shares) => shares.get(&node.host_id).copied(),
        Ownership::Meaningless | Ownership::UnknownKeyspace => None,
    }
}

fn refuse_names(resolve_ip: bool) -> Result<(), Failure> {
    if resolve_ip { Err(Failure::Usage("not supported yet: --resolve-ip".to_owned())) } else { Ok(()) }
}

/// `nodetool status`
pub(super) fn status(
    cluster: &ClusterAnswer,
    keyspace: Option<&str>,
    with_port: bool,
    resolve_ip: bool,
) -> Result<String, Failure> {
    refuse_names(resolve_ip)?;
    check_keyspace(cluster, keyspace)?;
    let is_effective = matches!(cluster.ownership, Ownership::Effective(_));
    let owns_header = if is_effective { "Owns (effective)" } else { "Owns" };
    let one_token_each = cluster.nodes.iter().all(|node| node.tokens.len() <= 1);
    let mut tables = Vec::new();
    let datacenters = datacenters(cluster);
    for nodes in datacenters.values() {
        let mut table = Table::default();
        match one_token_each {
            true => table.add(["--", "Address", "Load", owns_header, "Host ID", "Token", "Rack"]),
            false => table.add(["--", "Address", "Load", "Tokens", owns_header, "Host ID", "Rack"]),
        }
        for node in nodes {
            let state = if node.is_alive { "UN" } else { "DN" }.to_owned();
            let owns = share(cluster, node).map_or_else(|| "?".to_owned(), |share| format!("{:.1}%", share * 100.0));
            let head = [state, shown(node, with_port), load(node)];
            let token = node.tokens.first().map(ToString::to_string).unwrap_or_default();
            let tail = match one_token_each {
                true => [owns, node.host_id.clone(), token, node.rack.clone()],
                false => [node.tokens.len().to_string(), owns, node.host_id.clone(), node.rack.clone()],
            };
            table.add(head.into_iter().chain(tail));
        }
        tables.push(table);
    }
    let mut out = String::new();
    for (i, (name, table)) in datacenters.keys().zip(shared_widths(&tables, "  ")).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let header = format!("Datacenter: {name}");
        let underline = "=".repeat(header.chars().count());
        out.push_str(&format!(
            "{header}\n{underline}\nStatus=Up/Down\n|/ State=Normal/Leaving/Joining/Moving\n{table}"
        ));
    }
    out.push('\n');
    if !is_effective {
        out.push_str(MEANINGLESS);
    }
    Ok(out)
}

/// `nodetool ring`
pub(super) fn ring(
    cluster: &ClusterAnswer,
    keyspace: Option<&str>,
    with_port: bool,
    resolve_ip: bool,
) -> Result<String, Failure> {
    refuse_names(resolve_ip)?;
    check_keyspace(cluster, keyspace)?;
    let width = cluster.nodes.iter().map(|node| node.address.to_string().len()).max().unwrap_or(0);
    let line = |cells: [&str; 7]| {
        let [address, rack, status, state, load, owns, token] = cells;
        format!("{address:<width$}  {rack:<12}{status:<7}{state:<8}{load:<16}{owns:<20}{token:<44}\n")
    };
    let mut out = String::from("\n");
    for (name, nodes) in datacenters(cluster) {
        out.push_str(&format!("Datacenter: {name}\n==========\n"));
        out.push_str(&line(["Address", "Rack", "Status", "State", "Load", "Owns", "Token"]));
        let mut tokens: Vec<(i64, &NodeAnswer)> =
            nodes.iter().flat_map(|node| node.tokens.iter().map(|token| (*token, *node))).collect();
        tokens.sort_by_key(|(token, _)| *token);
        match tokens.last() {
            Some((last, _)) if tokens.len() > 1 => out.push_str(&line(["", "", "", "", "", "", &last.to_string()])),
            _ => out.push('\n'),
        }
        for (token, node) in tokens {
            let status = if node.is_alive { "Up" } else { "Down" };
            let owns = share(cluster, node).map_or_else(|| "?".to_owned(), |share| format!("{:.2}%", share * 100.0));
            let cells = [&shown(node, with_port), &node.rack, status, "Normal", &load(node), &owns, &token.to_string()];
            out.push_str(&line(cells));
        }
        out.push('\n');
    }
    if cluster.nodes.iter().any(|node| node.tokens.len() > 1) {
        out.push_str("  Warning: \"nodetool ring\" is used to output all the tokens of a node.\n");
        out.push_str("  To view status related info of a node use \"nodetool status\" instead.\n\n");
    }
    out.push_str("\n  ");
    if cluster.ownership == Ownership::Meaningless {
        out.push_str(MEANINGLESS);
    }
    Ok(out)
}

/// Addresses by something that nodes have in common.
fn grouped<'a>(
    nodes: impl Iterator<Item = &'a NodeAnswer>,
    key: impl Fn(&NodeAnswer) -> String,
    with_port: bool,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in nodes {
        found.entry(key(node)).or_default().push(shown(node, with_port));
    }
    found
}

/// `nodetool describecluster`
pub(super) fn describe(cluster: &ClusterAnswer, with_port: bool) -> String {
    let mut out = String::new();
    write_describe(&mut out, cluster, with_port).expect("writing to a string does not fail");
    out
}

fn write_describe(out: &mut String, cluster: &ClusterAnswer, with_port: bool) -> std::fmt::Result {
    writeln!(out, "Cluster Information:\n\tName: {}\n\tSnitch: {}", cluster.name, cluster.snitch)?;
    writeln!(out, "\tDynamicEndPointSnitch: disabled")?;
    writeln!(out, "\tPartitioner: org.apache.cassandra.dht.Murmur3Partitioner\n\tSchema versions:")?;
    let unreachable = || "UNREACHABLE".to_owned();
    let version = |node: &NodeAnswer| match (&node.schema_version, node.is_alive) {
        (Some(version), true) => version.clone(),
        _ => unreachable(),
    };
    for (version, addresses) in grouped(cluster.nodes.iter(), version, with_port) {
        writeln!(out, "\t\t{version}: [{}]\n", addresses.join(", "))?;
    }
    let live = cluster.nodes.iter().filter(|node| node.is_alive).count();
    writeln!(out, "Stats for all nodes:\n\tLive: {live}\n\tJoining: 0\n\tMoving: 0\n\tLeaving: 0")?;
    writeln!(out, "\tUnreachable: {}\n\nData Centers: ", cluster.nodes.len() - live)?;
    for (name, nodes) in datacenters(cluster) {
        let down = nodes.iter().filter(|node| !node.is_alive).count();
        writeln!(out, "\t{name} #Nodes: {} #Down: {down}", nodes.len())?;
    }
    writeln!(out, "\nDatabase versions:")?;
    let known = cluster.nodes.iter().filter(|node| node.release_version.is_some());
    let release = |node: &NodeAnswer| node.release_version.clone().unwrap_or_default();
    for (version, addresses) in grouped(known, release, true) {
        writeln!(out, "\t{version}: [{}]", addresses.join(", "))?;
    }
    writeln!(out, "\nKeyspaces:")?;
    for keyspace in &cluster.keyspaces {
        let options: Vec<String> = keyspace.options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        writeln!(out, "\t{} -> Replication class: {} {{{}}}", keyspace.name, keyspace.class, options.join(", "))?;
    }
    if cluster.ownership == Ownership::Meaningless {
        write!(out, "\n{MEANINGLESS}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
