//! The names of result columns.
//!
//! Cassandra names a column without an alias after its expression: like CQL, but names and strings stand bare, functions and user-defined
//! types carry their keyspace, every marker is a `?`. `DISTINCT`, spacing and case of the statement play no part.

use super::{joined, negated, separated};
use crate::ast::{CqlTypeName, FunctionName, Literal, Selector, Term, WriteTimeKind};

/// What a label takes from the schema.
pub struct LabelNames<'a> {
    /// The keyspace of the table: user-defined types without one belong to it.
    pub keyspace: &'a str,
    /// The keyspace a function was found in: `system` for the built-in ones.
    pub function_keyspace: &'a dyn Fn(&FunctionName) -> String,
}

/// The name of the result column of `selector`, if it has no alias.
///
/// A CAST to the type its operand already has leaves no trace in Cassandra's label; this function knows no types and always shows it.
pub fn selector_label(selector: &Selector, names: &LabelNames<'_>) -> String {
    let mut out = String::new();
    label(&mut out, selector, names);
    out
}

fn label(out: &mut String, tree: &Selector, names: &LabelNames<'_>) {
    match tree {
        Selector::Column(name) => out.push_str(&name.text),
        Selector::Literal(constant) => literal(out, constant),
        Selector::Null => out.push_str("NULL"),
        Selector::Marker(_) => out.push('?'),
        Selector::CountRows => out.push_str("count"),
        Selector::Function { name, arguments } if counts_rows(name, arguments) => out.push_str("count"),
        Selector::Function { name, arguments } => {
            out.push_str(&(names.function_keyspace)(name));
            out.push('.');
            out.push_str(&name.name.text);
            enclosed(out, '(', arguments, ')', names);
        }
        Selector::WriteTime { kind, inner } => {
            out.push_str(match kind {
                WriteTimeKind::WriteTime => "writetime(",
                WriteTimeKind::MaxWriteTime => "maxwritetime(",
                WriteTimeKind::Ttl => "ttl(",
            });
            label(out, inner, names);
            out.push(')');
        }
        Selector::Cast { inner, target } => {
            out.push_str("cast(");
            label(out, inner, names);
            out.push_str(" as ");
            out.push_str(target.name());
            out.push(')');
        }
        Selector::TypeHint { type_name, inner } => {
            out.push('(');
            type_label(out, type_name, names);
            out.push(')');
            label(out, inner, names);
        }
        Selector::Field { .. } | Selector::Element { .. } | Selector::Slice { .. } => part(out, tree, names),
        Selector::Negation(inner) => {
            out.push('-');
            label(out, inner, names);
        }
        Selector::Arithmetic { operator, left, right } => {
            label(out, left, names);
            out.push(' ');
            out.push_str(operator.symbol());
            out.push(' ');
            label(out, right, names);
        }
        Selector::Tuple(elements) => enclosed(out, '(', elements, ')', names),
        Selector::List(elements) => enclosed(out, '[', elements, ']', names),
        Selector::Set(elements) => enclosed(out, '{', elements, '}', names),
        Selector::Map(entries) => {
            out.push('{');
            separated(out, entries, |out, (key, value)| {
                label(out, key, names);
                out.push_str(": ");
                label(out, value, names);
            });
            out.push('}');
        }
    }
}

/// A part of another selector.
fn part(out: &mut String, tree: &Selector, names: &LabelNames<'_>) {
    match tree {
        Selector::Field { inner, field } => {
            label(out, inner, names);
            out.push('.');
            out.push_str(&field.text);
        }
        Selector::Element { inner, key } => {
            label(out, inner, names);
            out.push('[');
            term(out, key);
            out.push(']');
        }
        Selector::Slice { inner, from, to } => {
            label(out, inner, names);
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
        _ => label(out, tree, names),
    }
}

/// `count(1)` is `count(*)` to Cassandra.
fn counts_rows(name: &FunctionName, arguments: &[Selector]) -> bool {
    let native = name.keyspace.as_ref().is_none_or(|keyspace| keyspace.text == "system");
    native && name.name.text == "count" && matches!(arguments, [Selector::Literal(_)])
}

fn enclosed(out: &mut String, open: char, elements: &[Selector], close: char, names: &LabelNames<'_>) {
    out.push(open);
    separated(out, elements, |out, element| label(out, element, names));
    out.push(close);
}

/// A string keeps its quotes, but a quote within it is not doubled.
fn literal(out: &mut String, tree: &Literal) {
    match tree.kind {
        crate::ast::LiteralKind::String => {
            out.push('\'');
            out.push_str(&tree.text);
            out.push('\'');
        }
        _ => out.push_str(&tree.text),
    }
}

fn type_label(out: &mut String, tree: &CqlTypeName, names: &LabelNames<'_>) {
    let (word, inner): (&str, Vec<&CqlTypeName>) = match tree {
        CqlTypeName::UserType(name) => {
            let keyspace = name.keyspace.as_ref().map_or(names.keyspace, |keyspace| &keyspace.text);
            out.push_str(keyspace);
            out.push('.');
            return out.push_str(&name.name.text);
        }
        CqlTypeName::Vector(element, dimension) => {
            out.push_str("vector<");
            type_label(out, element, names);
            return out.push_str(&format!(", {dimension}>"));
        }
        CqlTypeName::Native(_) | CqlTypeName::Custom(_) => return super::type_name(out, tree),
        CqlTypeName::Tuple(elements) => ("tuple<", elements.iter().collect()),
        CqlTypeName::Frozen(inner) => ("frozen<", vec![inner]),
        CqlTypeName::List(element) => ("list<", vec![element]),
        CqlTypeName::Set(element) => ("set<", vec![element]),
        CqlTypeName::Map(key, value) => ("map<", vec![key, value]),
    };
    out.push_str(word);
    joined(out, &inner, ", ", |out, inner| type_label(out, inner, names));
    out.push('>');
}

/// A term within brackets: its functions are shown as they are written, without a keyspace of their own.
fn term(out: &mut String, tree: &Term) {
    let list = |out: &mut String, open: char, elements: &[Term], close: char| {
        out.push(open);
        separated(out, elements, term);
        out.push(close);
    };
    match tree {
        Term::Literal(constant) => literal(out, constant),
        Term::Null => out.push_str("NULL"),
        Term::Marker(_) => out.push('?'),
        Term::List(elements) => list(out, '[', elements, ']'),
        Term::Set(elements) => list(out, '{', elements, '}'),
        Term::Tuple(elements) => list(out, '(', elements, ')'),
        Term::Map(entries) => {
            out.push('{');
            separated(out, entries, |out, (key, value)| {
                term(out, key);
                out.push_str(": ");
                term(out, value);
            });
            out.push('}');
        }
        Term::UserType(fields) => {
            out.push('{');
            separated(out, fields, |out, (field, value)| {
                out.push_str(&field.text);
                out.push_str(": ");
                term(out, value);
            });
            out.push('}');
        }
        Term::Function { name, arguments } => {
            if let Some(keyspace) = &name.keyspace {
                out.push_str(&keyspace.text);
                out.push('.');
            }
            out.push_str(&name.name.text);
            list(out, '(', arguments, ')');
        }
        Term::TypeHint { type_name, term: inner } => {
            out.push('(');
            super::type_name(out, type_name);
            out.push(')');
            term(out, inner);
        }
        Term::Cast { term: inner, target } => {
            out.push_str("cast(");
            term(out, inner);
            out.push_str(" as ");
            out.push_str(target.name());
            out.push(')');
        }
        Term::Negation(inner) => {
            let mut shown = String::new();
            term(&mut shown, inner);
            negated(out, &shown);
        }
        Term::Arithmetic { operator, left, right } => {
            term(out, left);
            out.push(' ');
            out.push_str(operator.symbol());
            out.push(' ');
            term(out, right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::{SelectClause, Statement};

    #[track_caller]
    fn check(selector: &str, expected: &str) {
        let statement = crate::parse(&format!("SELECT {selector} FROM t")).unwrap().statement;
        let Statement::Select(select) = statement else { panic!("no select") };
        let SelectClause::Items(items) = select.clause else { panic!("no items") };
        let function_keyspace = |name: &FunctionName| match (&name.keyspace, name.name.as_str()) {
            (Some(keyspace), _) => keyspace.text.clone(),
            (None, "fx" | "Fy") => "ks".to_owned(),
            (None, _) => "system".to_owned(),
        };
        let names = LabelNames { keyspace: "ks", function_keyspace: &function_keyspace };
        assert_eq!(selector_label(&items[0].selector, &names), expected);
    }

    #[test]
    fn labels_are_those_of_cassandra() {
        for line in include_str!("../../test_data/labels.txt").lines() {
            let (selector, expected) = line.split_once('\t').expect("a selector and its label");
            check(selector, expected);
        }
    }
}
