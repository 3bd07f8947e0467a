//! WHERE and IF.

use super::term::{marker, term};
use super::{joined, name, names, qualified_name, separated};
use crate::ast::{Condition, ConditionTarget, ConditionTest, Conditions, InValues, Operator, Relation};

/// ` WHERE …`, or nothing.
pub(super) fn where_clause(out: &mut String, relations: &[Relation]) {
    if relations.is_empty() {
        return;
    }
    out.push_str(" WHERE ");
    self::relations(out, relations);
}

/// Joined by AND.
pub(super) fn relations(out: &mut String, relations: &[Relation]) {
    joined(out, relations, " AND ", relation);
}

fn operator(out: &mut String, operator: Operator) {
    out.push(' ');
    out.push_str(operator.symbol());
    out.push(' ');
}

fn relation(out: &mut String, tree: &Relation) {
    match tree {
        Relation::Column { column, operator: sign, value } => {
            name(out, column);
            operator(out, *sign);
            term(out, value);
        }
        Relation::In { column, values } => {
            name(out, column);
            in_values(out, values);
        }
        Relation::IsNotNull(column) => {
            name(out, column);
            out.push_str(" IS NOT NULL");
        }
        Relation::Element { column, key, operator: sign, value } => {
            name(out, column);
            out.push('[');
            term(out, key);
            out.push(']');
            operator(out, *sign);
            term(out, value);
        }
        Relation::MultiColumn { columns, operator: sign, value } => {
            out.push('(');
            names(out, columns);
            out.push(')');
            operator(out, *sign);
            term(out, value);
        }
        Relation::MultiColumnIn { columns, values } => {
            out.push('(');
            names(out, columns);
            out.push(')');
            in_values(out, values);
        }
        Relation::Token { columns, operator: sign, value } => {
            out.push_str("token(");
            names(out, columns);
            out.push(')');
            operator(out, *sign);
            term(out, value);
        }
        Relation::IndexExpression { index, value } => {
            out.push_str("expr(");
            qualified_name(out, index);
            out.push_str(", ");
            term(out, value);
            out.push(')');
        }
    }
}

fn in_values(out: &mut String, values: &InValues) {
    out.push_str(" IN ");
    match values {
        InValues::Marker(place) => marker(out, place),
        InValues::List(list) => {
            out.push('(');
            separated(out, list, term);
            out.push(')');
        }
    }
}

/// ` IF …`, or nothing.
pub(super) fn conditions(out: &mut String, tree: &Conditions) {
    match tree {
        Conditions::None => {}
        Conditions::IfExists => out.push_str(" IF EXISTS"),
        Conditions::If(list) => {
            out.push_str(" IF ");
            joined(out, list, " AND ", condition);
        }
    }
}

fn condition(out: &mut String, tree: &Condition) {
    name(out, &tree.column);
    match &tree.target {
        ConditionTarget::Column => {}
        ConditionTarget::Element(key) => {
            out.push('[');
            term(out, key);
            out.push(']');
        }
        ConditionTarget::Field(field) => {
            out.push('.');
            name(out, field);
        }
    }
    match &tree.test {
        ConditionTest::Compare(sign, value) => {
            operator(out, *sign);
            term(out, value);
        }
        ConditionTest::In(values) => in_values(out, values),
    }
}
