//! How large the types of a schema may be. What a schema keeps is written whole, each type with all that is in it, and has to be read again.

use helenus_model::limits::TABLE_PARTS_MAX;
use helenus_model::schema::{SchemaChange, TableParts};
use helenus_model::types::CqlType;

use super::outcome::{DdlContext, DdlOutcome};
use crate::error::QueryError;
use crate::term::check_size;

/// Looks at the tables that a statement makes or changes.
pub(super) fn check_tables(changes: &[SchemaChange]) -> Result<(), QueryError> {
    changes.iter().try_for_each(|change| match change {
        SchemaChange::PutTable(parts) => check_table(parts),
        _ => Ok(()),
    })
}

/// What uses a type grows with it.
pub(super) fn check_grown(outcome: &DdlOutcome, keyspace: &str, context: &DdlContext<'_>) -> Result<(), QueryError> {
    let after = context.schema.apply(context.schema.epoch + 1, &outcome.changes);
    let after = after.map_err(|error| QueryError::Server(error.to_string()))?;
    let Some(keyspace) = after.keyspace(keyspace) else { return Ok(()) };
    let types = keyspace.types.values().map(|definition| CqlType::Udt { definition: definition.clone(), frozen: true });
    for ty in types {
        check_size(&ty)?;
    }
    for table in keyspace.tables.values() {
        check_table(&table.to_parts())?;
    }
    let functions = keyspace.functions.iter().flat_map(|function| function.types());
    let aggregates = keyspace.aggregates.iter().flat_map(|aggregate| aggregate.types());
    functions.chain(aggregates).try_for_each(check_size)
}

/// Each column's type has a bound, and so have all together: columns may be many.
fn check_table(table: &TableParts) -> Result<(), QueryError> {
    let mut left = TABLE_PARTS_MAX;
    let columns = table.columns.iter().map(|column| &column.ty);
    for ty in columns.chain(table.dropped.iter().map(|column| &column.ty)) {
        check_size(ty)?;
        ty.take_parts(&mut left).map_err(|_| {
            let what = format_args!("tables whose types have more than {TABLE_PARTS_MAX} parts, nested ones counted");
            QueryError::unsupported(what)
        })?;
    }
    Ok(())
}
