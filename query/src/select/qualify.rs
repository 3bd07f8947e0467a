//! User functions that a selection names without their keyspace.

use std::borrow::Cow;

use helenus_cql::ast::{self, FunctionName};
use helenus_model::schema::Table;

use super::selection::{is_count_rows, resolve_call};
use crate::error::QueryError;
use crate::function;
use crate::term::Preparer;

/// The items with their keyspace in front of user functions that are named without: result columns are called after it.
pub(super) fn qualified<'i>(
    items: &'i [ast::SelectedItem],
    table: &Table,
    preparer: &Preparer<'_>,
) -> Cow<'i, [ast::SelectedItem]> {
    let context = preparer.context();
    let keyspace = context.schema.keyspace(&table.keyspace);
    if keyspace.is_none_or(|keyspace| keyspace.functions.is_empty() && keyspace.aggregates.is_empty()) {
        return Cow::Borrowed(items);
    }
    let mut items = items.to_vec();
    let is_users = |name: &FunctionName, arguments: &[ast::Selector]| {
        let called = name.name.as_str();
        if !function::has_function(called, &table.keyspace, context) || is_count_rows(name, arguments) {
            return false;
        }
        match resolve_call(name, arguments, table, preparer) {
            Ok(found) => found.keyspace() != "system",
            Err(error) => !function::is_native(called) && !names_call(&error),
        }
    };
    for item in &mut items {
        qualify(&mut item.selector, &is_users, &table.keyspace);
    }
    Cow::Owned(items)
}

/// Such messages name the function as the statement does.
fn names_call(error: &QueryError) -> bool {
    let starts = |text: &str| text.starts_with("Invalid call to ") || text.starts_with("Ambiguous call to ");
    matches!(error, QueryError::Invalid(text) if starts(text))
}

type IsUsers<'f> = dyn Fn(&FunctionName, &[ast::Selector]) -> bool + 'f;

fn qualify(selector: &mut ast::Selector, is_users: &IsUsers<'_>, keyspace: &str) {
    let each = |selector: &mut ast::Selector| qualify(selector, is_users, keyspace);
    match selector {
        ast::Selector::Function { name, arguments } => {
            if name.keyspace.is_none() && is_users(name, arguments) {
                name.keyspace = Some(ast::Name::new(keyspace));
            }
            arguments.iter_mut().for_each(each);
        }
        ast::Selector::Cast { inner, .. }
        | ast::Selector::TypeHint { inner, .. }
        | ast::Selector::Field { inner, .. }
        | ast::Selector::Element { inner, .. }
        | ast::Selector::Slice { inner, .. }
        | ast::Selector::Negation(inner) => each(inner),
        ast::Selector::Arithmetic { left, right, .. } => {
            each(left);
            each(right);
        }
        ast::Selector::Tuple(parts) | ast::Selector::List(parts) | ast::Selector::Set(parts) => {
            parts.iter_mut().for_each(each);
        }
        ast::Selector::Map(entries) => {
            for (key, value) in entries {
                each(key);
                each(value);
            }
        }
        _ => {}
    }
}
