//! SELECT and selectors.

use super::relation::where_clause;
use super::term::{marker, term};
use super::{function_name, literal, name, needs_quotes, negated, qualified_name, quoted_if, separated, type_name};
use crate::ast::{Direction, Name, Ordering, Select, SelectClause, SelectedItem, Selector, WriteTimeKind};

pub(super) fn select(out: &mut String, tree: &Select) {
    out.push_str("SELECT ");
    if tree.json {
        out.push_str("JSON ");
    }
    if tree.distinct {
        out.push_str("DISTINCT ");
    }
    clause(out, &tree.clause);
    out.push_str(" FROM ");
    qualified_name(out, &tree.table);
    where_clause(out, &tree.relations);
    if !tree.group_by.is_empty() {
        out.push_str(" GROUP BY ");
        separated(out, &tree.group_by, selector);
    }
    if !tree.order_by.is_empty() {
        out.push_str(" ORDER BY ");
        separated(out, &tree.order_by, ordering);
    }
    if let Some(limit) = &tree.per_partition_limit {
        out.push_str(" PER PARTITION LIMIT ");
        term(out, limit);
    }
    if let Some(limit) = &tree.limit {
        out.push_str(" LIMIT ");
        term(out, limit);
    }
    if tree.allow_filtering {
        out.push_str(" ALLOW FILTERING");
    }
}

pub(super) fn clause(out: &mut String, tree: &SelectClause) {
    match tree {
        SelectClause::All => out.push('*'),
        SelectClause::Items(items) => separated(out, items, item),
    }
}

fn item(out: &mut String, tree: &SelectedItem) {
    selector(out, &tree.selector);
    if let Some(alias) = &tree.alias {
        out.push_str(" AS ");
        name(out, alias);
    }
}

fn ordering(out: &mut String, tree: &Ordering) {
    name(out, &tree.column);
    if let Some(vector) = &tree.ann_of {
        out.push_str(" ANN OF ");
        term(out, vector);
    }
    out.push_str(direction(tree.direction));
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => " ASC",
        Direction::Descending => " DESC",
    }
}

/// A selected column: words that could be taken for a clause are quoted.
fn column(out: &mut String, column: &Name) {
    let quotes = needs_quotes(&column.text) || matches!(column.as_str(), "json" | "distinct" | "as" | "per");
    quoted_if(out, &column.text, quotes);
}

pub(super) fn selector(out: &mut String, tree: &Selector) {
    match tree {
        Selector::Column(name) => column(out, name),
        Selector::Literal(constant) => literal(out, constant),
        Selector::Null => out.push_str("NULL"),
        Selector::Marker(place) => marker(out, place),
        Selector::CountRows => out.push_str("count(*)"),
        Selector::Function { name, arguments } => {
            function_name(out, name);
            enclosed(out, '(', arguments, ')');
        }
        Selector::WriteTime { kind, inner } => {
            out.push_str(match kind {
                WriteTimeKind::WriteTime => "writetime(",
                WriteTimeKind::MaxWriteTime => "maxwritetime(",
                WriteTimeKind::Ttl => "ttl(",
            });
            selector(out, inner);
            out.push(')');
        }
        Selector::Cast { inner, target } => {
            out.push_str("cast(");
            selector(out, inner);
            out.push_str(" as ");
            out.push_str(target.name());
            out.push(')');
        }
        Selector::TypeHint { type_name: hint, inner } => {
            out.push('(');
            type_name(out, hint);
            out.push(')');
            selector(out, inner);
        }
        Selector::Negation(inner) => negated(out, &super::selector_text(inner)),
        Selector::Arithmetic { operator, left, right } => {
            selector(out, left);
            out.push(' ');
            out.push_str(operator.symbol());
            out.push(' ');
            selector(out, right);
        }
        Selector::Tuple(elements) => enclosed(out, '(', elements, ')'),
        Selector::List(elements) => enclosed(out, '[', elements, ']'),
        Selector::Set(elements) => enclosed(out, '{', elements, '}'),
        Selector::Map(entries) => {
            out.push('{');
            separated(out, entries, |out, (key, value)| {
                selector(out, key);
                out.push_str(": ");
                selector(out, value);
            });
            out.push('}');
        }
        Selector::Field { .. } | Selector::Element { .. } | Selector::Slice { .. } => part(out, tree),
    }
}

/// A part of another selector.
fn part(out: &mut String, tree: &Selector) {
    match tree {
        Selector::Field { inner, field } => {
            selector(out, inner);
            if matches!(**inner, Selector::Literal(_)) {
                // a number would take the point for its own
                out.push(' ');
            }
            out.push('.');
            name(out, field);
        }
        Selector::Element { inner, key } => {
            selector(out, inner);
            out.push('[');
            term(out, key);
            out.push(']');
        }
        Selector::Slice { inner, from, to } => {
            selector(out, inner);
            out.push('[');
            if let Some(from) = from {
                term(out, from);
            }
            out.push_str("..");
            if let Some(to) = to {
                term(out, to);
            }
            out.push(']');
        }
        _ => selector(out, tree),
    }
}

fn enclosed(out: &mut String, open: char, elements: &[Selector], close: char) {
    out.push(open);
    separated(out, elements, selector);
    out.push(close);
}
