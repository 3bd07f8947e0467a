//! Terms.

use super::{function_name, literal, name, negated, separated, type_name};
use crate::ast::{Marker, Term};

pub(super) fn term(out: &mut String, tree: &Term) {
    match tree {
        Term::Literal(constant) => literal(out, constant),
        Term::Null => out.push_str("NULL"),
        Term::Marker(place) => marker(out, place),
        Term::List(elements) => enclosed(out, '[', elements, ']'),
        Term::Set(elements) => enclosed(out, '{', elements, '}'),
        Term::Tuple(elements) => enclosed(out, '(', elements, ')'),
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
                name(out, field);
                out.push_str(": ");
                term(out, value);
            });
            out.push('}');
        }
        Term::Function { name, arguments } => {
            function_name(out, name);
            enclosed(out, '(', arguments, ')');
        }
        Term::TypeHint { type_name: hint, term: inner } => {
            out.push('(');
            type_name(out, hint);
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
        Term::Negation(inner) => negated(out, &super::term_text(inner)),
        Term::Arithmetic { operator, left, right } => {
            term(out, left);
            out.push(' ');
            out.push_str(operator.symbol());
            out.push(' ');
            term(out, right);
        }
    }
}

pub(super) fn marker(out: &mut String, place: &Marker) {
    match &place.name {
        Some(bound) => {
            out.push(':');
            name(out, bound);
        }
        None => out.push('?'),
    }
}

fn enclosed(out: &mut String, open: char, elements: &[Term], close: char) {
    out.push(open);
    separated(out, elements, term);
    out.push(close);
}
