//! `cases.txt`: DESCRIBE statements with the answers of Apache Cassandra 5.0.6 for a schema made by the statements at its top.

use std::collections::BTreeMap;
use std::fmt::Write;

use helenus_cql::ast;
use helenus_model::schema::Schema;
use uuid::Uuid;

use super::{DescribeContext, Described, describe};
use crate::ddl::DdlContext;
use crate::prepare::{PrepareContext, Statement, prepare};
use crate::system_tables::NodeTables;

const CASES: &str = include_str!("cases.txt");

fn schema() -> Schema {
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
    schema
}

fn answer(schema: &Schema, keyspace: Option<&str>, statement: &str) -> Result<Described, String> {
    let parsed = helenus_cql::parse(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    let ast::Statement::Describe(parsed) = parsed.statement else { panic!("no DESCRIBE: {statement}") };
    let context = DescribeContext {
        schema,
        keyspace,
        cluster_name: "test",
        snitch: "SimpleSnitch",
        range_ownership: &[("1".to_owned(), vec!["/127.0.0.1:7000".to_owned()])],
    };
    describe(&parsed, &context).map_err(|error| error.to_string())
}

fn text(described: &Described) -> String {
    let mut out = String::new();
    for row in &described.rows {
        assert_eq!(row.len(), described.columns.len());
        let row: Vec<_> = row.iter().map(|value| String::from_utf8_lossy(value)).collect();
        let _ = writeln!(out, "{}", row.join(" | "));
    }
    out
}

#[test]
fn answers_are_cassandras() {
    let schema = schema();
    let (mut keyspace, mut checked, mut wrong) = (None, 0, String::new());
    let mut lines = CASES.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(statement) = line.strip_prefix("> ") else { continue };
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("> ")) {
            let _ = writeln!(expected, "{line}");
        }
        if let Some(name) = statement.strip_prefix("USE ") {
            keyspace = Some(name);
            continue;
        }
        let found = match answer(&schema, keyspace, statement) {
            Ok(described) => text(&described),
            Err(error) => format!("error: {error}\n"),
        };
        checked += 1;
        if found != expected {
            let pairs = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
            let _ = writeln!(wrong, "> {statement}: {pairs:?} of\n{found}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(checked, 39);
}

#[test]
fn the_cluster_is_described() {
    let schema = schema();
    assert_eq!(text(&answer(&schema, None, "DESCRIBE CLUSTER").unwrap()), "test | Murmur3Partitioner | SimpleSnitch\n");
    let with_ranges = answer(&schema, Some("desq"), "DESCRIBE CLUSTER").unwrap();
    assert_eq!(with_ranges.columns.last().unwrap().ty.to_string(), "map<text, frozen<list<text>>>");
}

#[test]
fn pages_follow_each_other() {
    let schema = schema();
    let described = answer(&schema, None, "DESCRIBE TABLES").unwrap();
    let (mut state, mut seen) = (None, 0);
    loop {
        let (rows, next) = described.page(Some(7), state.as_deref()).unwrap();
        assert_eq!(rows.start, seen);
        seen = rows.end;
        match next {
            Some(next) => state = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, described.rows.len());
    for broken in [&b""[..], b"x", &[0; 20], &[0xff; 20], &[0; 21]] {
        assert!(described.page(Some(7), Some(broken)).is_err(), "{broken:?}");
    }
    let other = Described { version: Uuid::nil(), ..described.clone() };
    let (_, state) = described.page(Some(7), None).unwrap();
    assert!(other.page(Some(7), state.as_deref()).is_err());
}
