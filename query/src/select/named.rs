//! The columns that a selector names.

use helenus_cql::ast::Selector;
use helenus_model::schema::{Column, Table};

use super::selection::find_column;
use crate::error::QueryError;

/// The columns in the order of the text.
///
/// # Errors
/// A name that is no column.
pub(super) fn named_columns<'t>(selector: &Selector, table: &'t Table) -> Result<Vec<&'t Column>, QueryError> {
    let mut found = Vec::new();
    add(selector, table, &mut found)?;
    Ok(found)
}

fn add<'t>(selector: &Selector, table: &'t Table, found: &mut Vec<&'t Column>) -> Result<(), QueryError> {
    match selector {
        Selector::Column(name) => found.push(find_column(table, &name.text)?),
        Selector::Literal(_) | Selector::Null | Selector::Marker(_) | Selector::CountRows => {}
        Selector::Function { arguments: parts, .. }
        | Selector::Tuple(parts)
        | Selector::List(parts)
        | Selector::Set(parts) => {
            for part in parts {
                add(part, table, found)?;
            }
        }
        Selector::WriteTime { inner, .. }
        | Selector::Cast { inner, .. }
        | Selector::TypeHint { inner, .. }
        | Selector::Field { inner, .. }
        | Selector::Element { inner, .. }
        | Selector::Slice { inner, .. }
        | Selector::Negation(inner) => add(inner, table, found)?,
        Selector::Arithmetic { left, right, .. } => {
            add(left, table, found)?;
            add(right, table, found)?;
        }
        Selector::Map(entries) => {
            for (key, value) in entries {
                // The keys may be names of a UDT's fields.
                if !matches!(key, Selector::Column(_)) {
                    add(key, table, found)?;
                }
                add(value, table, found)?;
            }
        }
    }
    Ok(())
}
