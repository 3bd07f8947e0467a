//! Statements with their values, and the mutations they become.
//!
//! A mutation is printed as `table key: parts`. `del` is the partition's deletion, `static(…)` the static row, `range[…]` a range
//! tombstone, `(clustering){…}` a row: `+` its marker, `del` its deletion, then its cells. `v=5` is a value, `v=x` a tombstone, `m[*]=x` the
//! deletion of all cells. Timestamps that are not the statement's 1000 follow as `@`, TTLs as `~seconds>expiry`.

use std::collections::BTreeMap;
use std::fmt::Write;

use helenus_model::key::{ClusteringValues, Position, split_partition_key};
use helenus_model::mutation::MutationRef;
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::rng::Rng;
use helenus_model::row::{CellKind, CellRef, DeletionTime, RowRef};
use helenus_model::schema::{Column, Schema, Table};
use helenus_model::types::CqlType;
use helenus_model::value::{encode_list, timeuuid_unix_millis, to_cql_literal};
use uuid::Uuid;

use super::{MutationOut, WriteBatch};
use crate::ddl::DdlContext;
use crate::error::QueryError;
use crate::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use crate::values::{BoundValue, ExecuteOptions, SteppingIds};

const NOW: i64 = 100;
const TIMESTAMP: i64 = 1000;

fn schema() -> Schema {
    let mut schema = Schema::default();
    let datacenters = BTreeMap::from([("dc".to_owned(), 1)]);
    let statements = [
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE KEYSPACE other WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TYPE u (a int, b text)",
        "CREATE TABLE t (k int PRIMARY KEY, v int, t text, l list<int>, s set<int>, m map<text, int>, u u, f frozen<u>, ts timestamp, vec vector<float, 2>, tu tuple<int, text>, id timeuuid, bl blob)",
        "CREATE TABLE c (k int, c int, v int, s int static, m map<text, int> static, PRIMARY KEY (k, c))",
        "CREATE TABLE d (k int, a int, b int, c int, v int, PRIMARY KEY (k, a, b, c)) WITH CLUSTERING ORDER BY (a ASC, b DESC, c ASC)",
        "CREATE TABLE p (x int, y text, v int, PRIMARY KEY ((x, y)))",
        "CREATE TABLE ttl (k int PRIMARY KEY, v int) WITH default_time_to_live = 50",
        "CREATE TABLE other.t (k int PRIMARY KEY, v int)",
    ];
    for (number, text) in statements.iter().enumerate() {
        let context = PrepareContext { schema: &schema, keyspace: Some("ks"), local: &NoSystemTables };
        let Statement::Ddl(plan) = prepare(text, &context).expect(text).statement else { panic!("{text}") };
        let context = DdlContext {
            schema: &schema,
            new_table_id: Uuid::from_u128(number as u128 + 1),
            now_micros: 0,
            datacenters: &datacenters,
            default_replication_factor: 1,
            user_functions_enabled: true,
            materialized_views_enabled: true,
            drop_compact_storage_enabled: true,
        };
        let outcome = plan.outcome(&context).expect(text);
        schema = schema.apply(number as u64 + 1, &outcome.changes).expect(text);
    }
    schema
}

/// A bound value of a test.
#[derive(Clone, Debug)]
enum V {
    Int(i32),
    Long(i64),
    Text(&'static str),
    Null,
    Unset,
    Raw(Vec<u8>),
}

impl V {
    fn ints(values: &[i32]) -> V {
        let values: Vec<[u8; 4]> = values.iter().map(|value| value.to_be_bytes()).collect();
        V::Raw(encode_list(values.iter().map(|value| value.as_slice())))
    }

    fn pair(a: i32, b: i32) -> V {
        let mut out = Vec::new();
        for value in [a, b] {
            out.extend_from_slice(&4_i32.to_be_bytes());
            out.extend_from_slice(&value.to_be_bytes());
        }
        V::Raw(out)
    }
}

fn execute(schema: &Schema, text: &str, values: &[V]) -> Result<Vec<String>, QueryError> {
    let context = PrepareContext { schema, keyspace: Some("ks"), local: &NoSystemTables };
    let prepared = prepare(text, &context)?;
    let ids = SteppingIds::new(1, Rng::new(1));
    ids.set_now(NOW * 1000);
    let options = ExecuteOptions { timestamp: TIMESTAMP, now: NOW, now_millis: NOW * 1000, ids: &ids };
    let owned: Vec<Option<Vec<u8>>> = values
        .iter()
        .map(|value| match value {
            V::Int(value) => Some(value.to_be_bytes().to_vec()),
            V::Long(value) => Some(value.to_be_bytes().to_vec()),
            V::Text(value) => Some(value.as_bytes().to_vec()),
            V::Raw(bytes) => Some(bytes.clone()),
            V::Null | V::Unset => None,
        })
        .collect();
    let bound: Vec<BoundValue<'_>> = owned
        .iter()
        .zip(values)
        .map(|(bytes, value)| match (bytes, value) {
            (Some(bytes), _) => BoundValue::Bytes(bytes),
            (None, V::Unset) => BoundValue::Unset,
            (None, _) => BoundValue::Null,
        })
        .collect();
    let mut batch = WriteBatch::new();
    match &prepared.statement {
        Statement::Write(plan) => plan.bind(&bound, &options, &mut batch)?,
        Statement::Batch(plan) => plan.bind(&bound, &options, &mut batch)?,
        other => panic!("{other:?}"),
    }
    batch.finish();
    Ok(batch.mutations().map(|mutation| print_mutation(schema, &mutation)).collect())
}

fn print_mutation(schema: &Schema, mutation: &MutationOut<'_>) -> String {
    let checked = MutationRef::validate(mutation.bytes).expect("a valid mutation");
    assert_eq!(checked.key, mutation.key);
    let updates = checked.updates().map(|(id, partition)| {
        let table = schema.table_by_id(id).expect("a known table");
        print_update(table, mutation.key.key, &PartitionRef::new(partition))
    });
    updates.collect::<Vec<_>>().join(" & ")
}

fn print_update(table: &Table, key: &[u8], partition: &PartitionRef<'_>) -> String {
    let values = split_partition_key(key, table.partition_key.len()).expect("a key of the table");
    let key: Vec<String> =
        values.iter().zip(&table.partition_key).map(|(value, column)| to_cql_literal(&column.ty, value)).collect();
    let mut parts = vec![format!("{}.{} {}:", table.keyspace, table.name, key.join(",")).replace("ks.", "")];
    if !partition.deletion.is_live() {
        parts.push(print_deletion(partition.deletion));
    }
    if let Some(row) = partition.static_row {
        parts.push(format!("static({})", print_row(table, &row)));
    }
    let mut last: Option<Vec<u8>> = None;
    for item in partition.items() {
        match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                if let Some(last) = &last {
                    assert!(table.comparator().compare(last, clustering).is_lt(), "rows stand in order");
                }
                last = Some(clustering.to_vec());
                parts.push(format!("({}){{{}}}", print_prefix(table, clustering), print_row(table, &row)));
            }
            Item::Range(range) => {
                let end =
                    |position: Position<'_>| format!("{}/{:+}", print_prefix(table, position.prefix), position.weight);
                assert_eq!(range.deletion, DeletionTime { marked_at: TIMESTAMP, local: NOW });
                parts.push(format!("range[{} {}]", end(range.start), end(range.end)));
            }
            Item::Unfiltered(Unfiltered::Marker(marker)) => panic!("{marker:?}"),
        }
    }
    parts.join(" ")
}

fn print_prefix(table: &Table, prefix: &[u8]) -> String {
    let values = ClusteringValues::new(prefix).zip(&table.clustering);
    let values: Vec<String> = values
        .map(|(value, column)| value.map_or("null".to_owned(), |value| to_cql_literal(&column.ty, value)))
        .collect();
    values.join(",")
}

fn print_deletion(deletion: DeletionTime) -> String {
    assert_eq!(deletion.local, NOW);
    format!("del{}", at(deletion.marked_at))
}

fn at(timestamp: i64) -> String {
    if timestamp == TIMESTAMP { String::new() } else { format!("@{timestamp}") }
}

fn print_row(table: &Table, row: &RowRef<'_>) -> String {
    let mut parts = Vec::new();
    let liveness = row.header.liveness;
    if !liveness.is_none() {
        let ttl = if liveness.ttl == 0 { String::new() } else { format!("~{}>{}", liveness.ttl, liveness.expires_at) };
        parts.push(format!("+{}{ttl}", at(liveness.timestamp)));
    }
    if !row.header.deletion.is_live() {
        parts.push(print_deletion(row.header.deletion));
    }
    let mut last: Option<CellRef<'_>> = None;
    for cell in row.cells() {
        let column = table.column_by_id(cell.column).expect("a known column");
        if let Some(last) = last {
            let ordered = last.column < cell.column
                || (last.column == cell.column
                    && (last.kind == CellKind::ComplexDeletion || path_order(table, &last, &cell)));
            assert!(ordered, "cells stand in order");
        }
        last = Some(cell);
        parts.push(print_cell(column, &cell));
    }
    parts.join(" ")
}

fn path_order(table: &Table, a: &CellRef<'_>, b: &CellRef<'_>) -> bool {
    use helenus_model::row::CellPathOrder;
    table.compare_paths(a.column, a.path.unwrap_or_default(), b.path.unwrap_or_default()).is_lt()
}

fn print_cell(column: &Column, cell: &CellRef<'_>) -> String {
    let mut out = column.name.clone();
    let mut ty = column.ty.clone();
    if let Some(path) = cell.path {
        let path_text = match &column.ty {
            CqlType::List { element, .. } => {
                ty = (**element).clone();
                let id = Uuid::from_slice(path).expect("a list's path is a time UUID");
                // Places of elements put behind lie at now or later, those put before far in the past.
                let millis = timeuuid_unix_millis(&id).expect("a time UUID");
                if (NOW * 1000..NOW * 1000 + 10).contains(&millis) { "end".to_owned() } else { "front".to_owned() }
            }
            CqlType::Set { element, .. } => {
                ty = CqlType::Blob;
                to_cql_literal(element, path)
            }
            CqlType::Map { key, value, .. } => {
                ty = (**value).clone();
                to_cql_literal(key, path)
            }
            CqlType::Udt { definition, .. } => {
                let place = u16::from_be_bytes(path.try_into().expect("a field's number"));
                let (name, field) = &definition.fields[usize::from(place)];
                ty = field.clone();
                name.clone()
            }
            other => panic!("{other} has no cells with paths"),
        };
        let _ = write!(out, "[{path_text}]");
    }
    let value = match cell.kind {
        CellKind::Counter => panic!("statements write increments"),
        CellKind::Live | CellKind::Expiring => to_cql_literal(&ty, cell.value),
        CellKind::Tombstone => "x".to_owned(),
        CellKind::ComplexDeletion => {
            out.push_str("[*]");
            "x".to_owned()
        }
    };
    let _ = write!(out, "={value}{}", at(cell.timestamp));
    match cell.kind {
        CellKind::Expiring => {
            let _ = write!(out, "~{}>{}", cell.ttl, cell.local);
        }
        CellKind::Tombstone | CellKind::ComplexDeletion => assert_eq!(cell.local, NOW),
        CellKind::Live | CellKind::Counter => {}
    }
    out
}

#[track_caller]
fn check(schema: &Schema, text: &str, values: &[V], expected: &[&str]) {
    let answer = match execute(schema, text, values) {
        Ok(mutations) => mutations,
        Err(error) => vec![format!("error: {error}")],
    };
    assert_eq!(answer, expected, "{text} {values:?}");
}

#[test]
fn literals_become_mutations() {
    let schema = schema();
    let file = include_str!("mutations.txt");
    let mut lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut wrong = Vec::new();
    while let Some(statement) = lines.next() {
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
            expected.push(line.trim_start().to_owned());
        }
        let answer = match execute(&schema, statement, &[]) {
            Ok(mutations) => mutations,
            Err(error) => vec![format!("error: {error}")],
        };
        if answer != expected {
            wrong.push(format!("{statement}\n  {}", answer.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn bound_values_become_mutations() {
    let schema = schema();
    let check = |text, values: &[V], expected: &[&str]| check(&schema, text, values, expected);
    let i = V::Int;
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[i(1), i(2)], &["t 1: (){+ v=2}"]);
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[i(1), V::Null], &["t 1: (){+ v=x}"]);
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[i(1), V::Unset], &["t 1: (){+}"]);
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[V::Unset, i(1)], &["error: Invalid unset value for column k"]);
    check(
        "INSERT INTO t (k, v) VALUES (?, ?)",
        &[V::Null, i(1)],
        &["error: Invalid null value in condition for column k"],
    );
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[V::Text(""), i(1)], &["error: Key may not be empty"]);
    check("INSERT INTO t (k, v) VALUES (?, ?)", &[i(1), V::Text("abc")], &["error: Expected 4 or 0 byte int (3)"]);
    check("INSERT INTO t (k, t) VALUES (1, ?)", &[V::Raw(vec![0xff])], &["error: String didn't validate."]);
    check("INSERT INTO t (k, v) VALUES (1, 1) USING TTL ?", &[V::Unset], &["t 1: (){+ v=1}"]);
    check("INSERT INTO t (k, v) VALUES (1, 1) USING TTL ?", &[V::Null], &["t 1: (){+ v=1}"]);
    check("INSERT INTO t (k, v) VALUES (1, 1) USING TTL ?", &[i(7)], &["t 1: (){+~7>107 v=1~7>107}"]);
    check(
        "INSERT INTO t (k, v) VALUES (1, 1) USING TTL ?",
        &[i(-1)],
        &["error: A TTL must be greater or equal to 0, but was -1"],
    );
    check("INSERT INTO ttl (k, v) VALUES (1, 1) USING TTL ?", &[V::Unset], &["ttl 1: (){+~50>150 v=1~50>150}"]);
    check("INSERT INTO ttl (k, v) VALUES (1, 1) USING TTL ?", &[V::Null], &["ttl 1: (){+ v=1}"]);
    check("INSERT INTO ttl (k, v) VALUES (1, 1) USING TTL ?", &[i(0)], &["ttl 1: (){+ v=1}"]);
    check(
        "INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP ?",
        &[V::Null],
        &["error: Invalid null value of timestamp"],
    );
    check("INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP ?", &[V::Unset], &["t 1: (){+ v=1}"]);
    check("INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP ?", &[V::Long(-5)], &["t 1: (){+@-5 v=1@-5}"]);
    check(
        "INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP ?",
        &[V::Long(i64::MIN)],
        &["error: Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807]"],
    );
    check("INSERT INTO p (y, x, v) VALUES (?, ?, 1)", &[V::Text("b"), i(1)], &["p 1,'b': (){+ v=1}"]);
    check("INSERT INTO p (y, x, v) VALUES (?, ?, 1)", &[V::Text(""), i(1)], &["p 1,'': (){+ v=1}"]);
}

#[test]
fn bound_collections_and_tuples() {
    let schema = schema();
    let check = |text, values: &[V], expected: &[&str]| check(&schema, text, values, expected);
    let i = V::Int;
    check("INSERT INTO t (k, l) VALUES (1, ?)", &[V::ints(&[3, 1])], &["t 1: (){+ l[*]=x@999 l[end]=3 l[end]=1}"]);
    check("INSERT INTO t (k, s) VALUES (1, ?)", &[V::ints(&[3, 1, 3])], &["t 1: (){+ s[*]=x@999 s[1]=0x s[3]=0x}"]);
    check("INSERT INTO t (k, s) VALUES (1, ?)", &[V::Null], &["t 1: (){+ s[*]=x@999}"]);
    check("INSERT INTO t (k, s) VALUES (1, ?)", &[V::Unset], &["t 1: (){+}"]);
    check("UPDATE t SET s = s + ? WHERE k = 1", &[V::Null], &[]);
    check("UPDATE t SET s = s + ? WHERE k = 1", &[V::ints(&[2])], &["t 1: (){s[2]=0x}"]);
    check("UPDATE t SET s = s - ? WHERE k = 1", &[V::ints(&[2, 1])], &["t 1: (){s[1]=x s[2]=x}"]);
    check("UPDATE t SET l = ? + l WHERE k = 1", &[V::ints(&[1, 2])], &["t 1: (){l[front]=1 l[front]=2}"]);
    check("UPDATE t SET m[?] = ? WHERE k = 1", &[V::Text("a"), i(1)], &["t 1: (){m['a']=1}"]);
    check("UPDATE t SET m[?] = ? WHERE k = 1", &[V::Text("a"), V::Null], &["t 1: (){m['a']=x}"]);
    check("UPDATE t SET m[?] = ? WHERE k = 1", &[V::Text("a"), V::Unset], &[]);
    check("UPDATE t SET m[?] = ? WHERE k = 1", &[V::Null, i(1)], &["error: Invalid null map key"]);
    check("UPDATE t SET m[?] = ? WHERE k = 1", &[V::Unset, i(1)], &["error: Invalid unset map key"]);
    check("DELETE m[?] FROM t WHERE k = 1", &[V::Null], &["error: Invalid null map key"]);
    check("DELETE s[?] FROM t WHERE k = 1", &[V::Null], &["error: Invalid null set element"]);
    check("DELETE s[?] FROM t WHERE k = 1", &[V::Unset], &[]);
    check("DELETE s[?] FROM t WHERE k = 1", &[i(4)], &["t 1: (){s[4]=x}"]);
    check(
        "UPDATE t SET tu = (?, 'a') WHERE k = 1",
        &[V::Unset],
        &["error: Invalid unset value for tuple field number 0"],
    );
    check("UPDATE t SET tu = (?, 'a') WHERE k = 1", &[V::Null], &["t 1: (){tu=(null, 'a')}"]);
    check("UPDATE t SET u = {a: ?} WHERE k = 1", &[V::Unset], &["t 1: (){u[*]=x@999 u[a]=null}"]);
    check("UPDATE t SET u = {a: ?} WHERE k = 1", &[i(1)], &["t 1: (){u[*]=x@999 u[a]=1}"]);
    check("UPDATE t SET u.b = ? WHERE k = 1", &[V::Text("z")], &["t 1: (){u[b]='z'}"]);
    check("UPDATE t SET u.b = ? WHERE k = 1", &[V::Null], &["t 1: (){u[b]=x}"]);
    check(
        "UPDATE t SET f = {a: ?} WHERE k = 1",
        &[V::Unset],
        &["error: Invalid unset value for field 'a' of user defined type u"],
    );
    check("UPDATE t SET vec = [?, 1] WHERE k = 1", &[V::Unset], &["error: null is not supported inside vectors"]);
    check(
        "UPDATE t SET ts = to_timestamp((date)?) WHERE k = 1",
        &[V::Unset],
        &["error: Invalid unset value for argument in call to function to_timestamp"],
    );
    check("UPDATE t SET v = (int)? + 1 WHERE k = 1", &[V::Null], &["t 1: (){v=x}"]);
    check("UPDATE t SET v = (int)? + 1 WHERE k = 1", &[i(41)], &["t 1: (){v=42}"]);
}

#[test]
fn bound_keys() {
    let schema = schema();
    let check = |text, values: &[V], expected: &[&str]| check(&schema, text, values, expected);
    let i = V::Int;
    let k_in = "UPDATE t SET v = 1 WHERE k IN ?";
    check(k_in, &[V::ints(&[2, 1, 2])], &["t 1: (){v=1}", "t 2: (){v=1}"]);
    check(k_in, &[V::ints(&[])], &[]);
    check(k_in, &[V::Null], &["error: Invalid null value for column k"]);
    check(k_in, &[V::Unset], &["error: Invalid unset value for column k"]);
    let with_null = V::Raw(
        [&2_i32.to_be_bytes()[..], &4_i32.to_be_bytes(), &1_i32.to_be_bytes(), &(-1_i32).to_be_bytes()].concat(),
    );
    check(k_in, &[with_null], &["error: Invalid null value in condition for column k"]);
    check("UPDATE t SET v = 1 WHERE k IN (?)", &[V::Null], &["error: Invalid null value in condition for column k"]);
    check("UPDATE t SET v = 1 WHERE k IN (?, ?)", &[i(1), i(2)], &["t 1: (){v=1}", "t 2: (){v=1}"]);
    check("UPDATE c SET v = 1 WHERE k = 1 AND c = ?", &[V::Unset], &["error: Invalid unset value for column c"]);
    check(
        "UPDATE c SET v = 1 WHERE k = 1 AND c = ?",
        &[V::Null],
        &["error: Invalid null value in condition for column c"],
    );
    check("UPDATE c SET v = 1 WHERE k = 1 AND c IN ?", &[V::Null], &["error: Invalid null value for column c"]);
    check("UPDATE c SET v = 1 WHERE k = 1 AND c IN ?", &[V::ints(&[5, 3, 5])], &["c 1: (3){v=1} (5){v=1}"]);
    check("UPDATE c SET v = 1 WHERE k = 1 AND (c) = ?", &[V::Unset], &["error: Invalid unset value for tuple (c)"]);
    check("UPDATE c SET v = 1 WHERE k = 1 AND (c) IN ?", &[V::Null], &["error: Invalid null value for IN restriction"]);
    check("DELETE FROM c WHERE k = 1 AND c > ?", &[V::Unset], &["error: Invalid unset value for column c"]);
    check("DELETE FROM c WHERE k = 1 AND c > ?", &[V::Null], &["error: Invalid null value in condition for column c"]);
    check("DELETE FROM c WHERE k = 1 AND c > ? AND c <= ?", &[i(1), i(3)], &["c 1: range[1/+1 3/+1]"]);
    check("DELETE FROM c WHERE k = 1 AND c > ? AND c < ?", &[i(3), i(1)], &[]);
    check("DELETE FROM d WHERE k = 1 AND (a, b) = ?", &[V::pair(1, 2)], &["d 1: range[1,2/-1 1,2/+1]"]);
    check("DELETE FROM d WHERE k = 1 AND (a, b) > ?", &[V::pair(1, 2)], &["d 1: range[1/-1 1,2/-1] range[1/+1 /+1]"]);
    let long = V::Raw(vec![b'x'; 70_000]);
    check(
        "INSERT INTO p (x, y) VALUES (1, ?)",
        &[long],
        &["error: Key length of 70004 is longer than maximum of 65535"],
    );
    let prepared =
        "BEGIN BATCH USING TIMESTAMP ? INSERT INTO t (k) VALUES (?); UPDATE t SET v = ? WHERE k = ?; APPLY BATCH";
    check(prepared, &[V::Long(9), i(1), i(2), i(1)], &["t 1: (){+@9 v=2@9}"]);
}

#[test]
fn a_batch_is_used_again() {
    let schema = schema();
    let context = PrepareContext { schema: &schema, keyspace: Some("ks"), local: &NoSystemTables };
    let prepared = prepare("INSERT INTO t (k, v) VALUES (?, ?)", &context).expect("a statement");
    let Statement::Write(plan) = prepared.statement else { panic!("a write") };
    let ids = SteppingIds::new(1, Rng::new(1));
    let options = ExecuteOptions { timestamp: TIMESTAMP, now: NOW, now_millis: NOW * 1000, ids: &ids };
    let mut batch = WriteBatch::new();
    for key in 0..3_i32 {
        batch.clear();
        for add in 0..=key {
            let (key, value) = ((key + add).to_be_bytes(), add.to_be_bytes());
            let values = [BoundValue::Bytes(key.as_slice()), BoundValue::Bytes(value.as_slice())];
            plan.bind(&values.to_vec(), &options, &mut batch).expect("values that fit");
        }
        batch.finish();
        assert_eq!(batch.len(), key as usize + 1);
        let printed: Vec<String> = batch.mutations().map(|mutation| print_mutation(&schema, &mutation)).collect();
        let expected: Vec<String> = (0..=key).map(|add| format!("t {}: (){{+ v={add}}}", key + add)).collect();
        assert_eq!(printed, expected);
    }
}

mod properties {
    use std::collections::BTreeMap;

    use helenus_model::row::merge_rows;
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// What mutations say of each row of table `c`, by partition and clustering (None: the static row).
    type Rows = BTreeMap<(Vec<u8>, Option<Vec<u8>>), Vec<u8>>;

    fn collect(schema: &Schema, batch: &WriteBatch, rows: &mut Rows) {
        for mutation in batch.mutations() {
            let checked = MutationRef::validate(mutation.bytes).expect("a valid mutation");
            for (id, partition) in checked.updates() {
                let table = schema.table_by_id(id).expect("a known table");
                let mut put = |clustering: Option<&[u8]>, row: RowRef<'_>| {
                    let place = (mutation.key.key.to_vec(), clustering.map(<[u8]>::to_vec));
                    let merged = match rows.get(&place) {
                        None => row.bytes().to_vec(),
                        Some(old) => {
                            let mut merged = Vec::new();
                            merge_rows(&**table, RowRef::new(old), row, &mut merged);
                            merged
                        }
                    };
                    rows.insert(place, merged);
                };
                let partition = PartitionRef::new(partition);
                if let Some(row) = partition.static_row {
                    put(None, row);
                }
                for item in partition.items() {
                    if let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item {
                        put(Some(clustering), row);
                    }
                }
            }
        }
    }

    fn content(rows: &Rows) -> Vec<String> {
        type Place = (Vec<u8>, Option<Vec<u8>>);
        let text = |(place, row): (&Place, &Vec<u8>)| {
            let row = RowRef::new(row);
            format!(
                "{place:?} {:?} {:?} {:?}",
                row.header.liveness,
                row.header.deletion,
                row.cells().collect::<Vec<_>>()
            )
        };
        rows.iter().map(text).collect()
    }

    fn statement() -> impl Strategy<Value = String> {
        let numbers = (0..3, 0..3, 0..3, 1..4);
        (0..6, numbers).prop_map(|(kind, (k, c, v, timestamp))| match kind {
            0 => format!("INSERT INTO c (k, c, v) VALUES ({k}, {c}, {v}) USING TIMESTAMP {timestamp}"),
            1 => format!("UPDATE c USING TIMESTAMP {timestamp} SET v = {v}, s = {v} WHERE k = {k} AND c = {c}"),
            2 => format!("DELETE FROM c USING TIMESTAMP {timestamp} WHERE k = {k} AND c IN ({c}, {v})"),
            3 => format!("UPDATE c USING TIMESTAMP {timestamp} SET m['{c}'] = {v} WHERE k IN ({k}, {v})"),
            4 => format!("INSERT INTO c (k, m) VALUES ({k}, {{'{c}': {v}}}) USING TIMESTAMP {timestamp} AND TTL 5"),
            _ => format!("DELETE v FROM c USING TIMESTAMP {timestamp} WHERE k = {k} AND c = {c}"),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// A batch says the same as its statements one by one.
        #[test]
        fn a_batch_is_its_statements(statements in proptest::collection::vec(statement(), 1..8)) {
            let schema = schema();
            let context = PrepareContext { schema: &schema, keyspace: Some("ks"), local: &NoSystemTables };
            let ids = SteppingIds::new(1, Rng::new(1));
            let options = ExecuteOptions { timestamp: TIMESTAMP, now: NOW, now_millis: NOW * 1000, ids: &ids };
            let (mut alone, mut together) = (Rows::new(), Rows::new());
            let mut batch = WriteBatch::new();
            let mut single = WriteBatch::new();
            for text in &statements {
                let prepared = prepare(text, &context).expect(text);
                let Statement::Write(plan) = &prepared.statement else { panic!("{text}") };
                plan.bind(&crate::values::NoValues, &options, &mut batch).expect(text);
                single.clear();
                plan.bind(&crate::values::NoValues, &options, &mut single).expect(text);
                single.finish();
                collect(&schema, &single, &mut alone);
            }
            batch.finish();
            collect(&schema, &batch, &mut together);
            prop_assert!(batch.len() <= 3);
            prop_assert_eq!(content(&alone), content(&together));
        }

        /// Statements cut and mixed are answered, never with a panic.
        #[test]
        fn mangled_statements_are_answered(seed in any::<u64>()) {
            let schema = schema();
            let lines: Vec<&str> = include_str!("mutations.txt")
                .lines()
                .chain(include_str!("../golden_tests/data.txt").lines())
                .filter(|line| !line.starts_with([' ', '#', '!']) && !line.is_empty())
                .map(|line| line.trim_start_matches(['>', '?', ' ']))
                .collect();
            let mut rng = Rng::new(seed);
            for _ in 0..20 {
                let words = |rng: &mut Rng| -> Vec<&str> { lines[rng.index(lines.len())].split_inclusive([' ', ',', '(', ')']).collect() };
                let (mut a, b) = (words(&mut rng), words(&mut rng));
                for _ in 0..=rng.below(3) {
                    let at = rng.index(a.len());
                    a[at] = b[rng.index(b.len())];
                }
                let text = a.concat();
                let context = PrepareContext { schema: &schema, keyspace: Some("ks"), local: &NoSystemTables };
                if let Ok(prepared) = prepare(&text, &context) {
                    let ids = SteppingIds::new(1, Rng::new(1));
                    let options = ExecuteOptions { timestamp: TIMESTAMP, now: NOW, now_millis: NOW * 1000, ids: &ids };
                    let mut batch = WriteBatch::new();
                    let bytes = rng.next_u64().to_be_bytes();
                    let values = vec![BoundValue::Bytes(&bytes[..4]), BoundValue::Unset, BoundValue::Bytes(&bytes)];
                    if let Statement::Write(plan) = &prepared.statement
                        && plan.bind(&values, &options, &mut batch).is_ok()
                    {
                        batch.finish();
                        for mutation in batch.mutations() {
                            prop_assert!(MutationRef::validate(mutation.bytes).is_ok(), "{}", text);
                        }
                    }
                }
            }
        }
    }
}
