//! INSERT, UPDATE, DELETE, BATCH.

use super::relation::{conditions, where_clause};
use super::term::{marker, term};
use super::{name, names, qualified_name, separated, string};
use crate::ast::{
    Assignment, Batch, BatchKind, Delete, Deletion, Insert, InsertJson, JsonValue, Modification, Term, Update, Using,
};

pub(super) fn insert(out: &mut String, tree: &Insert) {
    out.push_str("INSERT INTO ");
    qualified_name(out, &tree.table);
    out.push_str(" (");
    names(out, &tree.columns);
    out.push_str(") VALUES (");
    separated(out, &tree.values, term);
    out.push(')');
    if tree.if_not_exists {
        out.push_str(" IF NOT EXISTS");
    }
    using(out, &tree.using);
}

pub(super) fn insert_json(out: &mut String, tree: &InsertJson) {
    out.push_str("INSERT INTO ");
    qualified_name(out, &tree.table);
    out.push_str(" JSON ");
    match &tree.json {
        JsonValue::Text(text) => string(out, text),
        JsonValue::Marker(place) => marker(out, place),
    }
    if tree.default_unset {
        out.push_str(" DEFAULT UNSET");
    }
    if tree.if_not_exists {
        out.push_str(" IF NOT EXISTS");
    }
    using(out, &tree.using);
}

/// ` USING …`, or nothing.
fn using(out: &mut String, tree: &Using) {
    let index = |objective: &Option<Term>| match objective {
        Some(Term::Marker(place)) => Some(place.index),
        _ => None,
    };
    let mut objectives = [("TIMESTAMP ", &tree.timestamp), ("TTL ", &tree.ttl)];
    // markers are numbered in the order of the text
    if index(&tree.ttl).is_some() && index(&tree.ttl) < index(&tree.timestamp) {
        objectives.reverse();
    }
    let mut before = " USING ";
    for (word, objective) in objectives {
        if let Some(objective) = objective {
            out.push_str(before);
            out.push_str(word);
            term(out, objective);
            before = " AND ";
        }
    }
}

pub(super) fn update(out: &mut String, tree: &Update) {
    out.push_str("UPDATE ");
    qualified_name(out, &tree.table);
    using(out, &tree.using);
    out.push_str(" SET ");
    separated(out, &tree.assignments, assignment);
    where_clause(out, &tree.relations);
    conditions(out, &tree.conditions);
}

fn assignment(out: &mut String, tree: &Assignment) {
    name(out, tree.column());
    match tree {
        Assignment::Set { value, .. } => {
            out.push_str(" = ");
            term(out, value);
        }
        Assignment::Add { value, .. } => {
            out.push_str(" += ");
            term(out, value);
        }
        Assignment::Subtract { value, .. } => {
            out.push_str(" -= ");
            term(out, value);
        }
        Assignment::Prepend { column, value } => {
            out.push_str(" = ");
            term(out, value);
            out.push_str(" + ");
            name(out, column);
        }
        Assignment::SetElement { key, value, .. } => {
            out.push('[');
            term(out, key);
            out.push_str("] = ");
            term(out, value);
        }
        Assignment::SetField { field, value, .. } => {
            out.push('.');
            name(out, field);
            out.push_str(" = ");
            term(out, value);
        }
    }
}

pub(super) fn delete(out: &mut String, tree: &Delete) {
    out.push_str("DELETE ");
    if !tree.deletions.is_empty() {
        separated(out, &tree.deletions, deletion);
        out.push(' ');
    }
    out.push_str("FROM ");
    qualified_name(out, &tree.table);
    if let Some(timestamp) = &tree.timestamp {
        out.push_str(" USING TIMESTAMP ");
        term(out, timestamp);
    }
    where_clause(out, &tree.relations);
    conditions(out, &tree.conditions);
}

fn deletion(out: &mut String, tree: &Deletion) {
    match tree {
        Deletion::Column(column) => name(out, column),
        Deletion::Element { column, key } => {
            name(out, column);
            out.push('[');
            term(out, key);
            out.push(']');
        }
        Deletion::Field { column, field } => {
            name(out, column);
            out.push('.');
            name(out, field);
        }
    }
}

pub(super) fn batch(out: &mut String, tree: &Batch) {
    out.push_str(match tree.kind {
        BatchKind::Logged => "BEGIN BATCH",
        BatchKind::Unlogged => "BEGIN UNLOGGED BATCH",
        BatchKind::Counter => "BEGIN COUNTER BATCH",
    });
    using(out, &tree.using);
    for statement in &tree.statements {
        out.push(' ');
        match statement {
            Modification::Insert(tree) => insert(out, tree),
            Modification::InsertJson(tree) => insert_json(out, tree),
            Modification::Update(tree) => update(out, tree),
            Modification::Delete(tree) => delete(out, tree),
        }
        out.push(';');
    }
    out.push_str(" APPLY BATCH");
}
