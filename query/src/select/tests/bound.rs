//! `bound.txt`: prepared statements with bound values (as the driver sends them) and the answers of Apache Cassandra 5.0.6.

use std::fmt::Write;

use super::{error_text, run_with, shared_sample, type_text};
use crate::error::QueryError;
use crate::prepare::{Statement, prepare};
use crate::values::BoundValue;

const CASES: &str = include_str!("bound.txt");

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.strip_prefix("0x").unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn answer(statement: &str, values: Option<&str>) -> Result<String, QueryError> {
    let store = shared_sample();
    let prepared = prepare(statement, &store.context())?;
    let slots: Vec<String> =
        prepared.binds.iter().map(|slot| format!("{} {}", slot.name, type_text(&slot.ty))).collect();
    let mut out = format!("binds: {}\n", slots.join(", "));
    let Statement::Select(plan) = prepared.statement else { panic!("no SELECT: {statement}") };
    let Some(values) = values else { return Ok(out) };
    let owned: Vec<(String, Vec<u8>)> = values
        .split(", ")
        .map(|value| (value.to_owned(), if value.starts_with("0x") { bytes(value) } else { Vec::new() }))
        .collect();
    let bound: Vec<BoundValue<'_>> = owned
        .iter()
        .map(|(text, bytes)| match text.as_str() {
            "null" => BoundValue::Null,
            "unset" => BoundValue::Unset,
            _ => BoundValue::Bytes(bytes),
        })
        .collect();
    assert_eq!(bound.len(), slots.len(), "{statement}");
    let _ = writeln!(out, "values: {values}");
    out.push_str(&run_with(store, &plan, &bound).unwrap_or_else(|error| error_text(&error)));
    Ok(out)
}

#[test]
fn answers_are_cassandras() {
    let (mut checked, mut wrong) = (0, String::new());
    let mut lines = CASES.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(statement) = line.strip_prefix("> ") else { continue };
        let (mut expected, mut values) = (String::new(), None);
        while let Some(line) = lines.next_if(|line| !line.starts_with("> ")) {
            values = line.strip_prefix("values: ").or(values);
            let _ = writeln!(expected, "{line}");
        }
        let found = answer(statement, values).unwrap_or_else(|error| error_text(&error));
        checked += 1;
        if found != expected {
            let _ = writeln!(wrong, "> {statement}\n--- expected\n{expected}--- found\n{found}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(checked > 60);
}
