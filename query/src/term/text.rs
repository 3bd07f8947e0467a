//! How Cassandra's messages write a term.

use std::fmt::Write;

use helenus_cql::ast::{CqlTypeName, FunctionName, LiteralKind, Name, Term};
use helenus_model::types::maybe_quote;

use super::type_name::{qualified_type_text, type_text};
use crate::function::operation_name;

/// The term in the words of Cassandra's messages.
pub fn term_text(term: &Term) -> String {
    let mut out = Text { text: String::new(), keyspace: None };
    write_term(&mut out, term);
    out.text
}

/// As [`term_text`], with the keyspace of the user-defined types it names: so what comes after types were looked for tells it.
pub(crate) fn qualified_term_text(term: &Term, keyspace: &str) -> String {
    let mut out = Text { text: String::new(), keyspace: Some(keyspace) };
    write_term(&mut out, term);
    out.text
}

/// A text that is written.
struct Text<'k> {
    text: String,
    /// Told with user-defined types.
    keyspace: Option<&'k str>,
}

impl Text<'_> {
    fn push(&mut self, letter: char) {
        self.text.push(letter);
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.write_str(text)
    }
}

/// A function's name as messages give it: with its keyspace if the statement has it.
pub(crate) fn function_text(name: &FunctionName) -> String {
    match &name.keyspace {
        Some(keyspace) => format!("{keyspace}.{}", name.name),
        None => name.name.to_string(),
    }
}

/// Any marker, with a name or without.
pub(crate) const MARKER_TEXT: &str = "?";

fn write_term(out: &mut Text<'_>, term: &Term) {
    match term {
        Term::Literal(literal) if literal.kind == LiteralKind::String => {
            let _ = write!(out, "'{}'", literal.text);
        }
        Term::Literal(literal) => out.push_str(&literal.text),
        Term::Null => out.push_str("NULL"),
        Term::Marker(_) => out.push_str(MARKER_TEXT),
        Term::List(elements) => write_list(out, '[', elements, ']'),
        Term::Set(elements) => write_list(out, '{', elements, '}'),
        Term::Tuple(elements) => write_list(out, '(', elements, ')'),
        Term::Map(entries) => {
            out.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                comma(out, place);
                write_term(out, key);
                out.push_str(": ");
                write_term(out, value);
            }
            out.push('}');
        }
        Term::UserType(fields) => {
            out.push('{');
            for (place, (Name { text }, value)) in fields.iter().enumerate() {
                comma(out, place);
                out.push_str(text);
                out.push_str(": ");
                write_term(out, value);
            }
            out.push('}');
        }
        Term::Function { name, arguments } => {
            if let Some(keyspace) = &name.keyspace {
                let _ = write!(out, "{}.", maybe_quote(keyspace.as_str()));
            }
            out.push_str(&maybe_quote(name.name.as_str()));
            write_list(out, '(', arguments, ')');
        }
        Term::TypeHint { type_name, term } => write_hint(out, type_name, term),
        Term::Cast { term, target } => {
            let _ = write!(out, "system.cast_as_{}(", target.name());
            write_term(out, term);
            out.push(')');
        }
        Term::Negation(term) => write_operation(out, "_negate", &[term]),
        Term::Arithmetic { operator, left, right } => {
            write_operation(out, operation_name(*operator), &[left, right]);
        }
    }
}

/// Operators are functions to Cassandra.
fn write_operation(out: &mut Text<'_>, function: &str, operands: &[&Term]) {
    let _ = write!(out, "system.\"{function}\"(");
    for (place, operand) in operands.iter().enumerate() {
        comma(out, place);
        write_term(out, operand);
    }
    out.push(')');
}

fn write_hint(out: &mut Text<'_>, type_name: &CqlTypeName, term: &Term) {
    let name = out.keyspace.map_or_else(|| type_text(type_name), |keyspace| qualified_type_text(type_name, keyspace));
    let _ = write!(out, "({name})");
    write_term(out, term);
}

fn write_list(out: &mut Text<'_>, open: char, elements: &[Term], close: char) {
    out.push(open);
    for (place, element) in elements.iter().enumerate() {
        comma(out, place);
        write_term(out, element);
    }
    out.push(close);
}

fn comma(out: &mut Text<'_>, place: usize) {
    if place > 0 {
        out.push_str(", ");
    }
}
