//! What a statement reads: the first command of its execution as text.

use std::fmt::Write;

use helenus_model::key::{ClusteringValues, PositionBuf, RingKey, RingPosition};
use helenus_model::read::{ReadCommand, ReadScope};
use helenus_model::value::decode_int;

use super::{page, plan, run_with, shared_sample, with_options};
use crate::select::PageRequest;
use crate::select::tests::store::Store;
use crate::sink::RowCollector;
use crate::values::{ExecuteOptions, NoValues};

fn ints(prefix: &[u8]) -> String {
    let values: Vec<String> = ClusteringValues::new(prefix)
        .map(|value| value.and_then(decode_int).map_or("null".to_owned(), |number| number.to_string()))
        .collect();
    values.join(",")
}

fn place(place: &PositionBuf) -> String {
    let sign = match place.weight {
        -1 => "-",
        0 => "",
        _ => "+",
    };
    format!("{}{sign}", ints(&place.prefix))
}

fn ring(place: &RingPosition) -> String {
    match &place.key {
        RingKey::Before => format!("{}-", place.token),
        RingKey::After => format!("{}+", place.token),
        RingKey::At { key, after } => {
            let key = decode_int(key).unwrap_or_default();
            format!("{key}{}", if *after { "+" } else { "" })
        }
    }
}

fn text(command: &ReadCommand) -> String {
    let mut out = match &command.scope {
        ReadScope::Partition { key } => format!("partition {}", decode_int(key).unwrap_or_default()),
        ReadScope::Range { start, end, resume } => {
            let mut out = format!("range {} {}", ring(start), ring(end)).replace(&i64::MIN.to_string(), "first");
            out = out.replace(&i64::MAX.to_string(), "last");
            if let Some((key, behind)) = resume {
                let behind = behind.as_ref().map(place).unwrap_or_default();
                let _ = write!(out, " resume {}:{behind}", decode_int(key).unwrap_or_default());
            }
            out
        }
    };
    for slice in &command.slices {
        let _ = write!(out, " [{} {}]", place(&slice.start), place(&slice.end));
    }
    if command.reversed {
        out.push_str(" reversed");
    }
    for (name, limit) in [
        ("rows", command.limits.rows),
        ("per partition", command.limits.per_partition),
        ("partitions", command.limits.partitions),
    ] {
        if limit != u32::MAX {
            let _ = write!(out, ", {name} {limit}");
        }
    }
    out
}

/// All commands of a page.
fn commands(store: &Store, statement: &str, size: Option<u32>, state: Option<&[u8]>) -> String {
    let plan = plan(store, statement).unwrap();
    with_options(|options| {
        let mut execution = plan.start(&NoValues, options, PageRequest { size, state }).unwrap();
        let (mut sink, mut out) = (RowCollector::default(), Vec::new());
        while let Some(command) = execution.command().cloned() {
            out.push(text(&command));
            store.read(&command, &mut execution.consumer(&mut sink));
            execution.command_done(&mut sink).unwrap();
        }
        out.join(" / ")
    })
}

#[test]
fn statements_read_what_they_need() {
    let store = shared_sample();
    for (statement, expected) in [
        ("SELECT * FROM t", "range first- last+ [- +], rows 5000"),
        ("SELECT * FROM t LIMIT 3", "range first- last+ [- +], rows 3"),
        ("SELECT * FROM t WHERE k = 1", "partition 1 [- +], rows 5000"),
        ("SELECT v FROM t WHERE k = 1 AND c = 2", "partition 1 [2- 2+], rows 5000"),
        ("SELECT v FROM t WHERE k = 1 AND c < 20 LIMIT 20", "partition 1 [- 20-], rows 20"),
        ("SELECT v FROM t WHERE k = 1 AND c >= 2 AND c <= 3", "partition 1 [2- 3+], rows 5000"),
        ("SELECT v FROM t WHERE k = 1 AND c > 2 ORDER BY c DESC", "partition 1 [2+ +] reversed, rows 5000"),
        ("SELECT v FROM t WHERE k = 1 AND c IN (3, 1)", "partition 1 [1- 1+] [3- 3+], rows 5000"),
        ("SELECT v FROM t WHERE k = 1 AND c > 5 AND c < 2", ""),
        ("SELECT v FROM t WHERE k = 1 AND c IN ()", ""),
        ("SELECT v FROM t WHERE k IN ()", ""),
        ("SELECT v FROM t WHERE k IN (2, 1)", "partition 1 [- +], rows 5000 / partition 2 [- +], rows 5000"),
        ("SELECT v FROM t WHERE k IN (2, 1) LIMIT 4", "partition 1 [- +], rows 4 / partition 2 [- +], rows 1"),
        ("SELECT * FROM t PER PARTITION LIMIT 2", "range first- last+ [- +], rows 5000, per partition 2"),
        ("SELECT DISTINCT k FROM t", "range first- last+ [- +], partitions 5000"),
        ("SELECT * FROM t WHERE token(k) > 5 AND token(k) <= 9", "range 5+ 9+ [- +], rows 5000"),
        ("SELECT * FROM t WHERE token(k) > 9 AND token(k) <= 5", ""),
        ("SELECT * FROM t WHERE c = 1 ALLOW FILTERING", "range first- last+ [1- 1+], rows 5000"),
        ("SELECT * FROM t WHERE v = 1 LIMIT 1 ALLOW FILTERING", "range first- last+ [- +], rows 5000"),
        ("SELECT * FROM d WHERE k = 1 AND c1 = 2 AND c2 > 1", "partition 1 [2,1+ 2+], rows 5000"),
        ("SELECT * FROM d WHERE k = 1 AND c1 > 2", "partition 1 [- 2-], rows 5000"),
        ("SELECT * FROM d WHERE k = 1 AND (c1, c2) > (2, 1)", "partition 1 [- 2-] [2,1+ 2+], rows 5000"),
        ("SELECT * FROM m3 WHERE k = 1 AND (a, b) > (1, 2)", "partition 1 [1,2+ +], rows 5000"),
        ("SELECT * FROM rev WHERE k = 1 AND c <= 2 ORDER BY c", "partition 1 [2- +] reversed, rows 5000"),
    ] {
        assert_eq!(commands(store, statement, None, None), expected, "{statement}");
    }
}

#[test]
fn pages_go_on_where_they_ended() {
    let store = shared_sample();
    for (statement, size, expected) in [
        ("SELECT * FROM t", 3, "range 1 last+ resume 1:1+ [- +], rows 3"),
        ("SELECT * FROM t WHERE k = 1", 2, "partition 1 [2+ +], rows 2"),
        ("SELECT * FROM t WHERE k = 1 ORDER BY c DESC", 2, "partition 1 [- 2-] reversed, rows 2"),
        ("SELECT * FROM t WHERE k IN (1, 2)", 2, "partition 1 [2+ +], rows 2 / partition 2 [- +], rows 1"),
        ("SELECT * FROM t WHERE k = 1 LIMIT 3", 2, "partition 1 [2+ +], rows 1"),
        ("SELECT * FROM t PER PARTITION LIMIT 2", 1, "partition 5 [1+ +], rows 1, per partition 1"),
        ("SELECT DISTINCT k FROM t", 2, "range 1+ last+ [- +], partitions 2"),
    ] {
        let plan = plan(store, statement).unwrap();
        let request = PageRequest { size: Some(size), state: None };
        let (state, _) = page(store, &plan, &NoValues, request, &mut RowCollector::default()).unwrap();
        assert_eq!(commands(store, statement, Some(size), state.as_deref()), expected, "{statement}");
    }
}

#[test]
fn many_rows_are_read_in_steps() {
    let mut store = Store::new("steps");
    store.table("wide", "*k int, +c int, v int");
    for k in 0..2 {
        for c in 0..6_500 {
            store.write_row("wide", k, c);
        }
    }
    let whole = "range first- last+ [- +], rows 5000";
    for statement in ["SELECT count(*), sum(v), max(c) FROM wide", "SELECT v FROM wide WHERE v = -1 ALLOW FILTERING"] {
        let found = commands(&store, statement, Some(10), None);
        assert_eq!(
            found,
            format!(
                "{whole} / range 1 last+ resume 1:4999+ [- +], rows 5000 / range 0 last+ resume 0:3499+ [- +], rows 5000"
            ),
            "{statement}"
        );
    }
    let plan = plan(&store, "SELECT count(*), sum(v), max(c) FROM wide").unwrap();
    let found = run_with(&store, &plan, &NoValues).unwrap();
    assert_eq!(found.lines().nth(1), Some("13000 | 13000 | 6499"));
}

#[test]
fn values_expire() {
    let mut store = Store::new("ttl");
    store.table("t", "*k int, +c int, v int, w int, m map<int, int>, s int static");
    store.write("INSERT INTO t (k, c, v, m) VALUES (1, 1, 10, {1: 1}) USING TTL 100");
    store.write("UPDATE t USING TTL 50 SET w = 5, m[2] = 2 WHERE k = 1 AND c = 1");
    store.write("UPDATE t USING TTL 10 SET v = 7 WHERE k = 1 AND c = 2");
    store.write("UPDATE t USING TTL 20 SET s = 9 WHERE k = 1");
    let plan = plan(&store, "SELECT c, v, ttl(v), w, ttl(w), m, s, ttl(s) FROM t WHERE k = 1").unwrap();
    for (later, expected) in [
        (0, "1:10:100:5:50:16+4:9:20 2:7:10:-:-:-:9:20"),
        (9, "1:10:91:5:41:16+4:9:11 2:7:1:-:-:-:9:11"),
        (10, "1:10:90:5:40:16+4:9:10"),
        (20, "1:10:80:5:30:16+4:-:-"),
        (50, "1:10:50:-:-:16:-:-"),
        (99, "1:10:1:-:-:16:-:-"),
        (100, ""),
    ] {
        let found = with_options(|options| {
            let options = ExecuteOptions { now: options.now + later, ..*options };
            let mut sink = RowCollector::default();
            let mut execution = plan.start(&NoValues, &options, PageRequest::default()).unwrap();
            while let Some(command) = execution.command().cloned() {
                store.read(&command, &mut execution.consumer(&mut sink));
                execution.command_done(&mut sink).unwrap();
            }
            execution.finish(&mut sink).unwrap();
            let row = |row: &Vec<Option<Vec<u8>>>| {
                let values = row.iter().map(|value| match value.as_deref() {
                    None => "-".to_owned(),
                    Some(value) if value.len() == 4 => decode_int(value).unwrap_or_default().to_string(),
                    // A map of ints: the bytes of its entries.
                    Some(value) if value.len() == 20 => "16".to_owned(),
                    Some(_) => "16+4".to_owned(),
                });
                values.collect::<Vec<_>>().join(":")
            };
            sink.rows.iter().map(row).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found, expected, "after {later} seconds");
    }
}
