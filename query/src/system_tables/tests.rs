//! `cases.txt`: reads of system tables with the answers of Apache Cassandra 5.0.6, for a schema made by the statements at its top.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use helenus_model::schema::Schema;
use uuid::Uuid;

use super::{LocalNode, NodeTables, PeerNode, RoleRow, SystemSource, VirtualRows, read};
use crate::ddl::DdlContext;
use crate::error::QueryError;
use crate::prepare::{PrepareContext, Statement, prepare};
use crate::select::PageRequest;
use crate::select::tests::{error_text, type_text, value_text, with_options};
use crate::sink::RowCollector;
use crate::values::NoValues;

const CASES: &str = include_str!("cases.txt");

struct Node {
    schema: Arc<Schema>,
    peers: Vec<PeerNode>,
}

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));

impl SystemSource for Node {
    fn local(&self) -> LocalNode {
        LocalNode {
            bootstrapped: "COMPLETED".to_owned(),
            cluster_name: "test".to_owned(),
            data_center: "dc1".to_owned(),
            rack: "r1".to_owned(),
            host_id: Uuid::from_u128(1),
            broadcast_address: ADDRESS,
            listen_address: ADDRESS,
            storage_port: 7000,
            rpc_address: ADDRESS,
            native_port: 9042,
            generation: 1_700_000_000,
            release_version: "5.0.6".to_owned(),
            schema_version: self.schema.version(),
            tokens: vec![5, -7, 100],
            truncated_at: vec![(Uuid::from_u128(9), vec![1, 2])],
        }
    }

    fn peers(&self) -> Vec<PeerNode> {
        self.peers.clone()
    }

    fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    fn roles(&self) -> Vec<RoleRow> {
        let role = |name: &str, member_of: &[&str]| RoleRow {
            name: name.to_owned(),
            can_login: true,
            is_superuser: member_of.is_empty(),
            member_of: member_of.iter().map(|role| (*role).to_owned()).collect(),
            salted_hash: None,
        };
        vec![role("cassandra", &[]), role("user", &["cassandra"])]
    }

    fn rows(&self, rows: &mut VirtualRows<'_>) {
        if rows.table().name == "settings" {
            rows.text("name", "cluster_name").text("value", "test").end();
        }
    }
}

fn node() -> Node {
    let mut schema = Schema::default();
    for statement in CASES.lines().filter_map(|line| line.strip_prefix("@ ")) {
        let context = PrepareContext { schema: &schema, keyspace: None, local: &NodeTables };
        let prepared = prepare(statement, &context).unwrap_or_else(|error| panic!("{statement}: {error}"));
        let Statement::Ddl(plan) = prepared.statement else { panic!("no schema statement: {statement}") };
        let context = DdlContext {
            schema: &schema,
            new_table_id: Uuid::from_u128(schema.epoch.into()),
            now_micros: 0,
            datacenters: &BTreeMap::from([("datacenter1".to_owned(), 1)]),
            default_replication_factor: 1,
            user_functions_enabled: true,
            materialized_views_enabled: true,
            drop_compact_storage_enabled: true,
        };
        let outcome = plan.outcome(&context).unwrap_or_else(|error| panic!("{statement}: {error}"));
        schema = schema.apply(schema.epoch + 1, &outcome.changes).unwrap();
    }
    Node { schema: Arc::new(schema), peers: Vec::new() }
}

fn run(node: &Node, statement: &str, page: Option<u32>) -> Result<String, QueryError> {
    let context = PrepareContext { schema: &node.schema, keyspace: None, local: &NodeTables };
    let Statement::Select(plan) = prepare(statement, &context)?.statement else { panic!("no SELECT: {statement}") };
    let (mut sink, mut state, mut warnings) = (RowCollector::default(), None::<Vec<u8>>, Vec::new());
    loop {
        let request = PageRequest { size: page, state: state.as_deref() };
        let end = with_options(|options| {
            let mut execution = plan.start(&NoValues, options, request)?;
            while let Some(command) = execution.command().cloned() {
                read(plan.table(), &command, node, &mut execution.consumer(&mut sink))?;
                execution.command_done(&mut sink)?;
            }
            execution.finish(&mut sink)
        })?;
        warnings = if warnings.is_empty() { end.warnings } else { warnings };
        state = end.paging_state;
        if state.is_none() {
            break;
        }
    }
    let columns: Vec<String> = plan.columns().iter().map(|c| format!("{} {}", c.name, type_text(&c.ty))).collect();
    let mut out = format!("columns: {}\n", columns.join(", "));
    for row in &sink.rows {
        let values: Vec<String> =
            row.iter().zip(plan.columns()).map(|(value, column)| value_text(&column.ty, value.as_deref())).collect();
        let _ = writeln!(out, "{}", values.join(" | "));
    }
    for warning in warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    Ok(out)
}

#[test]
fn answers_are_cassandras() {
    let node = node();
    let (mut checked, mut wrong) = (0, String::new());
    let mut lines = CASES.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(statement) = line.strip_prefix("> ") else { continue };
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("> ")) {
            let _ = writeln!(expected, "{line}");
        }
        for page in [None, Some(40)] {
            let found = run(&node, statement, page).unwrap_or_else(|error| error_text(&error));
            if found != expected {
                let place = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
                let counts = (expected.lines().count(), found.lines().count());
                let _ = writeln!(wrong, "> {statement} (pages of {page:?}): {place:#?} {counts:?}");
            }
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(checked, 47);
}

#[test]
fn live_state_is_shown() {
    let mut node = node();
    node.peers.push(PeerNode {
        address: "10.0.0.2".parse().unwrap(),
        storage_port: 7000,
        data_center: "dc2".to_owned(),
        rack: "r2".to_owned(),
        host_id: Uuid::from_u128(2),
        native_address: "10.0.0.3".parse().unwrap(),
        native_port: 9043,
        preferred: None,
        release_version: "5.0.6".to_owned(),
        schema_version: Uuid::nil(),
        tokens: vec![1],
    });
    for (statement, expected) in [
        ("SELECT cluster_name, rpc_port, gossip_generation FROM system.local", "'test' | 9042 | 1700000000"),
        ("SELECT tokens FROM system.local", "0x00000003000000022d37000000033130300000000135"),
        ("SELECT truncated_at FROM system.local", "0x000000010000001000000000000000000000000000000009000000020102"),
        ("SELECT peer, rack FROM system.peers WHERE peer = '10.0.0.2'", "0x0a000002 | 'r2'"),
        ("SELECT peer_port, native_port, preferred_ip FROM system.peers_v2", "7000 | 9043 | null"),
        ("SELECT rpc_address FROM system.peers", "0x0a000003"),
        ("SELECT role, is_superuser FROM system_auth.roles WHERE role = 'user'", "'user' | 0x00"),
        ("SELECT member FROM system_auth.role_members WHERE role = 'cassandra'", "'user'"),
        ("SELECT * FROM system_views.settings", "'cluster_name' | 'test'"),
        ("SELECT value FROM system_views.settings WHERE name = 'cluster_name'", "'test'"),
        ("SELECT name FROM system_views.settings WHERE value = 'test'", "'cluster_name'"),
    ] {
        let found = run(&node, statement, None).unwrap();
        assert_eq!(found.lines().nth(1), Some(expected), "{statement}");
        assert_eq!(found.lines().count(), 2, "{statement}");
    }
}
