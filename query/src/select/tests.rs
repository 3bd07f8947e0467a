//! `tests/cases.txt`: statements with the answers of Apache Cassandra 5.0.6, run over partitions in memory.

use std::fmt::Write;
use std::sync::Arc;

use helenus_model::rng::Rng;
use helenus_model::types::CqlType;
use helenus_model::value::{decode_bigint, decode_int, decode_smallint, decode_tinyint};

use self::store::Store;
use super::plan::PLAIN_COLUMNS_MAX;
use super::{PageRequest, SelectPlan};
use crate::error::QueryError;
use crate::prepare::Statement;
use crate::sink::RowCollector;
use crate::values::{BoundValues, ExecuteOptions, NoValues, SteppingIds};

mod bound;
mod commands;
mod paging;
mod store;

/// The second at which everything happens.
const NOW: i64 = 1_800_000_000;

pub(crate) fn with_options<R>(run: impl FnOnce(&ExecuteOptions<'_>) -> R) -> R {
    let ids = SteppingIds::new(1, Rng::new(7));
    ids.set_now(NOW * 1000);
    run(&ExecuteOptions { timestamp: NOW * 1_000_000, now: NOW, now_millis: NOW * 1000, ids: &ids })
}

fn plan(store: &Store, statement: &str) -> Result<Arc<SelectPlan>, QueryError> {
    match crate::prepare::prepare(statement, &store.context())?.statement {
        Statement::Select(plan) => Ok(plan),
        other => panic!("no SELECT: {other:?}"),
    }
}

/// Columns, rows and warnings as text. A plain plan must give the same as if it were not one.
fn run(store: &Store, statement: &str) -> Result<String, QueryError> {
    let as_prepared = plan(store, statement)?;
    let found = run_with(store, &as_prepared, &NoValues)?;
    if as_prepared.plain {
        let mut general = plan(store, statement)?;
        Arc::get_mut(&mut general).expect("nobody else has it").plain = false;
        assert_eq!(run_with(store, &general, &NoValues)?, found, "{statement}");
    }
    Ok(found)
}

fn run_with(store: &Store, plan: &Arc<SelectPlan>, values: &dyn BoundValues) -> Result<String, QueryError> {
    let mut sink = RowCollector::default();
    let (_, warnings) = page(store, plan, values, PageRequest::default(), &mut sink)?;
    let columns: Vec<String> = plan.columns().iter().map(|c| format!("{} {}", c.name, type_text(&c.ty))).collect();
    let mut out = format!("columns: {}\n", columns.join(", "));
    for row in &sink.rows {
        assert_eq!(row.len(), plan.columns().len());
        let values: Vec<String> =
            row.iter().zip(plan.columns()).map(|(value, column)| value_text(&column.ty, value.as_deref())).collect();
        let _ = writeln!(out, "{}", values.join(" | "));
    }
    for warning in warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    Ok(out)
}

/// One page; the paging state and warnings.
fn page(
    store: &Store,
    plan: &Arc<SelectPlan>,
    values: &dyn BoundValues,
    request: PageRequest<'_>,
    sink: &mut RowCollector,
) -> Result<(Option<Vec<u8>>, Vec<String>), QueryError> {
    with_options(|options| {
        let mut execution = plan.start(values, options, request)?;
        let mut commands = 0;
        while let Some(command) = execution.command().cloned() {
            // Each answer is consumed twice, as when a read is done again elsewhere.
            let rows = sink.rows.len();
            store.read(&command, &mut execution.consumer(sink));
            execution.restart_command();
            sink.rows.truncate(rows);
            store.read(&command, &mut execution.consumer(sink));
            execution.command_done(sink)?;
            commands += 1;
            assert!(commands < 10_000, "the execution never ends");
        }
        let end = execution.finish(sink)?;
        Ok((end.paging_state, end.warnings))
    })
}

/// Types without frozen<>, as the answers of drivers give them.
pub(crate) fn type_text(ty: &CqlType) -> String {
    match ty {
        CqlType::List { element, .. } => format!("list<{}>", type_text(element)),
        CqlType::Set { element, .. } => format!("set<{}>", type_text(element)),
        CqlType::Map { key, value, .. } => format!("map<{}, {}>", type_text(key), type_text(value)),
        CqlType::Tuple(parts) => format!("tuple<{}>", parts.iter().map(type_text).collect::<Vec<_>>().join(", ")),
        CqlType::Udt { definition, .. } => definition.name.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn value_text(ty: &CqlType, value: Option<&[u8]>) -> String {
    let Some(value) = value else { return "null".to_owned() };
    let number = match ty {
        CqlType::Text | CqlType::Ascii => return format!("'{}'", String::from_utf8_lossy(value)),
        CqlType::Int => decode_int(value).map(i64::from),
        CqlType::Bigint => decode_bigint(value),
        CqlType::Smallint => decode_smallint(value).map(i64::from),
        CqlType::Tinyint => decode_tinyint(value).map(i64::from),
        _ => None,
    };
    match number {
        Some(number) => number.to_string(),
        None => value.iter().fold("0x".to_owned(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        }),
    }
}

pub(crate) fn error_text(error: &QueryError) -> String {
    let code = match error {
        // The words of syntax errors are the parser's concern.
        QueryError::Syntax(_) => return "error 2000\n".to_owned(),
        QueryError::Invalid(_) => "2200",
        QueryError::FunctionFailure { .. } => "1400",
        _ => "????",
    };
    format!("error {code}: {error}\n")
}

/// The schema and rows that `cases.txt` sets up.
fn sample() -> Store {
    let mut store = Store::new("selq");
    for line in CASES.lines() {
        if let Some((name, columns)) = line.strip_prefix("table ").and_then(|line| line.split_once(" | ")) {
            store.table(name, columns);
        } else if let Some(statement) = line.strip_prefix("@ ") {
            store.write(statement);
        }
    }
    store
}

/// The same, made once.
fn shared_sample() -> &'static Store {
    static STORE: std::sync::OnceLock<Store> = std::sync::OnceLock::new();
    STORE.get_or_init(sample)
}

const CASES: &str = include_str!("tests/cases.txt");

#[test]
fn answers_are_cassandras() {
    let store = sample();
    let (mut checked, mut plain, mut wrong) = (0, 0, String::new());
    let mut lines = CASES.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(statement) = line.strip_prefix("> ") else { continue };
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("> ")) {
            let _ = writeln!(expected, "{}", if line.starts_with("error 2000") { "error 2000" } else { line });
        }
        let found = run(&store, statement).unwrap_or_else(|error| error_text(&error));
        plain += usize::from(plan(&store, statement).is_ok_and(|plan| plan.plain));
        checked += 1;
        if found != expected {
            let _ = writeln!(wrong, "> {statement}\n--- expected\n{expected}--- found\n{found}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(checked > 150);
    assert!(plain > 20, "{plain} of {checked}");
}

/// Rows of as many columns as a plain plan may have, and of one more.
#[test]
fn a_row_of_many_columns_is_whole() {
    for columns in [PLAIN_COLUMNS_MAX, PLAIN_COLUMNS_MAX + 1] {
        let mut store = Store::new("many");
        let regular = |each: fn(usize) -> String| (2..columns).map(each).collect::<Vec<_>>().join(", ");
        store.table("t", &format!("*k int, +c int, {}", regular(|i| format!("v{i:02} int"))));
        let (names, values) = (regular(|i| format!("v{i:02}")), regular(|i| i.to_string()));
        store.write(&format!("INSERT INTO t (k, c, {names}) VALUES (0, 1, {values})"));
        store.write("INSERT INTO t (k, c, v03) VALUES (0, 2, 3)");
        let found = run(&store, "SELECT * FROM t").expect("a read");
        let whole = (0..columns).map(|i| i.to_string()).collect::<Vec<_>>().join(" | ");
        let nulls = "null | ".repeat(columns - 4);
        assert_eq!(
            found.lines().skip(1).collect::<Vec<_>>(),
            [whole, format!("0 | 2 | null | 3 | {}", nulls.trim_end_matches(" | "))]
        );
        let is_plain = plan(&store, "SELECT * FROM t").expect("a plan").plain;
        assert_eq!(is_plain, columns == PLAIN_COLUMNS_MAX);
    }
}

/// GROUP BY's function refuses a time: of the rows that the filter takes, also of the first one of a group and of the one behind
/// the last group that LIMIT asks for. Cassandra fails on the same ones (`Operation failed`).
#[test]
fn a_group_begins_with_a_row_that_its_function_takes() {
    let mut store = Store::new("floors");
    store.table("t", "*k int, +c timestamp, v int");
    for (k, c, v) in [(1, "1969-12-31", 1), (1, "2020-01-01", 2), (1, "2020-01-02", 2), (1, "2020-01-02 01:00", 1)] {
        store.write(&format!("INSERT INTO t (k, c, v) VALUES ({k}, '{c}', {v})"));
    }
    let first = |rest: &str| {
        let found = run(&store, &format!("SELECT count(*) FROM t WHERE k = 1 {rest}"))
            .unwrap_or_else(|error| error_text(&error));
        found.lines().skip_while(|line| line.starts_with("columns")).collect::<Vec<_>>().join(" ")
    };
    let refused = "error 2200: The floor function starting time is greater than the provided time";
    for (rest, expected) in [
        ("GROUP BY k, floor(c, 1d)", refused),
        ("GROUP BY k, floor(c, 1d) LIMIT 1", refused),
        ("GROUP BY k, floor(c, 1d) ORDER BY c DESC", refused),
        ("GROUP BY k, floor(c, 1d) ORDER BY c DESC LIMIT 1", "2"),
        ("GROUP BY k, floor(c, 1d) ORDER BY c DESC LIMIT 2", refused),
        ("AND v = 1 GROUP BY k, floor(c, 1d) ALLOW FILTERING", refused),
        ("AND v = 1 GROUP BY k, floor(c, 1d) ORDER BY c DESC LIMIT 1 ALLOW FILTERING", refused),
        ("AND v = 1 GROUP BY k, floor(c, 1d) ORDER BY c DESC PER PARTITION LIMIT 1 ALLOW FILTERING", refused),
        ("AND v = 2 GROUP BY k, floor(c, 1d) ALLOW FILTERING", "1 1"),
        ("AND v = 2 GROUP BY k, floor(c, 1d) ORDER BY c DESC LIMIT 2 ALLOW FILTERING", "1 1"),
        ("AND v = 3 GROUP BY k, floor(c, 1d) ALLOW FILTERING", ""),
    ] {
        assert_eq!(first(rest), expected, "{rest}");
    }
}

/// WRITETIME and TTL of an element and of a field are numbers wherever they stand; of a slice they are lists.
#[test]
fn times_of_parts_are_numbers() {
    let mut store = Store::new("times");
    store.table("t", "*k int, +c int, m map<int, int>, u addr");
    store.write("INSERT INTO t (k, c, m, u) VALUES (1, 1, {1: 1, 2: 2}, {street: 'a'}) USING TIMESTAMP 5");
    store.write("INSERT INTO t (k, c, m, u) VALUES (1, 2, {1: 1}, {street: 'b'}) USING TIMESTAMP 7");
    for (selected, expected) in [
        ("min(WRITETIME(m[1])), sum(WRITETIME(u.street))", "5 | 12"),
        ("max(WRITETIME(m[1]) + 1)", "8"),
        ("min(collection_count(WRITETIME(m[1..])))", "1"),
    ] {
        let found = run(&store, &format!("SELECT {selected} FROM t WHERE k = 1")).expect("a read");
        assert_eq!(found.lines().nth(1), Some(expected), "{selected}");
    }
}
