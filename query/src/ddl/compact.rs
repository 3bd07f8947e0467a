//! COMPACT STORAGE: what a table made with it may be, and the columns it gets beside those that were declared.

use helenus_cql::ast::CreateTable;
use helenus_model::row::ColumnId;
use helenus_model::schema::{Column, ColumnKind, SortOrder, Storage, Table, TableParts};
use helenus_model::types::CqlType;

use super::outcome::DdlContext;
use crate::error::QueryError;

fn refuse<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// Refuses what a compact table cannot be. `columns` are those of the primary key and the others, as declared.
pub(super) fn check(create: &CreateTable, columns: &[Column]) -> Result<(), QueryError> {
    let others = || columns.iter().filter(|column| !column.kind.is_primary_key());
    if others().any(|column| column.ty.is_multi_cell()) {
        return refuse("Non-frozen collections and UDTs are not supported with COMPACT STORAGE");
    }
    if create.columns.iter().any(|column| column.is_static) {
        return refuse("Static columns are not supported in COMPACT STORAGE tables");
    }
    let is_dense = columns.iter().any(|column| column.kind == ColumnKind::Clustering);
    if !is_dense && others().next().is_none() {
        return refuse("No definition found that is not part of the PRIMARY KEY");
    }
    if is_dense && others().count() > 1 {
        let names: Vec<&str> = others().map(|column| column.name.as_str()).collect();
        return refuse(format!(
            "COMPACT STORAGE with composite PRIMARY KEY allows no more than one column not part of the PRIMARY KEY (got: {})",
            names.join(", ")
        ));
    }
    Ok(())
}

/// Gives the columns the kinds they have in a compact table, and adds the hidden ones.
pub(super) fn fix_up(columns: &mut Vec<Column>) -> Storage {
    let clustering = columns.iter().filter(|column| column.kind == ColumnKind::Clustering).count();
    let next_id = columns.iter().filter(|column| !column.kind.is_primary_key()).count() as ColumnId;
    let hidden = |name: String, ty: CqlType, kind: ColumnKind| Column {
        id: if kind.is_primary_key() { 0 } else { next_id },
        name,
        ty,
        kind,
        position: 0,
        order: SortOrder::Ascending,
    };
    if clustering == 0 {
        let counts = columns.iter().any(|column| column.ty == CqlType::Counter);
        for column in columns.iter_mut().filter(|column| column.kind == ColumnKind::Regular) {
            column.kind = ColumnKind::Static;
        }
        let name = unused(columns, (1..).map(|number| format!("column{number}")));
        columns.push(hidden(name, CqlType::Text, ColumnKind::Clustering));
        let value = if counts { CqlType::Counter } else { CqlType::Blob };
        columns.push(hidden(unused(columns, value_names()), value, ColumnKind::Regular));
        return Storage::CompactStatic;
    }
    if !columns.iter().any(|column| column.kind == ColumnKind::Regular) {
        columns.push(hidden(unused(columns, value_names()), CqlType::Empty, ColumnKind::Regular));
    }
    Storage::CompactDense { compound: clustering > 1 }
}

fn value_names() -> impl Iterator<Item = String> {
    std::iter::once("value".to_owned()).chain((1..).map(|number| format!("value{number}")))
}

fn unused(columns: &[Column], mut names: impl Iterator<Item = String>) -> String {
    names.find(|name| columns.iter().all(|column| column.name != *name)).unwrap_or_default()
}

/// ALTER TABLE … DROP COMPACT STORAGE: the hidden columns come to light.
pub(super) fn drop_storage(parts: &mut TableParts, table: &Table, context: &DdlContext<'_>) -> Result<(), QueryError> {
    if !context.drop_compact_storage_enabled {
        return refuse("DROP COMPACT STORAGE is disabled. Enable in cassandra.yaml to use.");
    }
    if !table.params.storage.is_compact() {
        return refuse("Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE");
    }
    parts.params.storage = Storage::Rows;
    Ok(())
}
