//! The system keyspaces: definitions of all their tables, and the content of those that are views over live state. A view is read by
//! the same [`ReadCommand`] as a stored table and feeds the same consumer, so WHERE, ORDER BY, filters and paging work on it.

mod definitions;
mod node;
mod rows;
mod schema;
mod source;
#[cfg(test)]
mod tests;

use helenus_model::read::{PartitionConsumer, ReadCommand};
use helenus_model::schema::{Schema, Table};

use crate::error::QueryError;

#[cfg(test)]
pub(crate) use definitions::parse_columns;
pub use definitions::{Definitions, NodeTables, definitions, is_system_keyspace, is_virtual_keyspace, system_table_id};
pub use node::{CQL_VERSION, NATIVE_PROTOCOL_VERSION, PARTITIONER};
pub use rows::VirtualRows;
pub use source::{LocalNode, PeerNode, PermissionRow, RoleRow, SystemSource};

/// True for tables whose rows the engine stores; the others are views that [`read`] answers.
pub fn is_stored(table: &Table) -> bool {
    match table.keyspace.as_str() {
        "system" => !matches!(
            table.name.as_str(),
            "local" | "peers" | "peers_v2" | "IndexInfo" | "built_views" | "view_builds_in_progress"
        ),
        "system_distributed" => table.name != "view_build_status",
        "system_traces" => true,
        "system_auth" | "system_schema" | "system_views" | "system_virtual_schema" => false,
        // A table of users.
        _ => true,
    }
}

fn builds(source: &dyn SystemSource, tell: impl FnOnce(schema::ViewBuilds<'_>, &Schema)) {
    let host = source.local().host_id;
    tell(schema::ViewBuilds { is_built: &|view| source.is_view_built(view), host }, &source.schema());
}

/// Answers a read of a view.
///
/// # Errors
/// The table is no view.
pub fn read(
    table: &Table,
    command: &ReadCommand,
    source: &dyn SystemSource,
    consumer: &mut dyn PartitionConsumer,
) -> Result<(), QueryError> {
    if is_stored(table) {
        return Err(QueryError::Server(format!("{}.{} is no virtual table", table.keyspace, table.name)));
    }
    let mut rows = VirtualRows::new(table);
    match (table.keyspace.as_str(), table.name.as_str()) {
        ("system", "local") => node::local(&source.local(), &mut rows),
        ("system", "peers" | "peers_v2") => node::peers(&source.peers(), &mut rows),
        ("system_schema", "keyspaces") => schema::keyspace_rows(&source.schema(), false, &mut rows),
        ("system_schema", "tables") => schema::table_rows(&source.schema(), false, &mut rows),
        ("system_schema", "columns") => schema::column_rows(&source.schema(), false, &mut rows),
        ("system_schema", "dropped_columns") => schema::dropped_column_rows(&source.schema(), &mut rows),
        ("system_schema", "indexes") => schema::index_rows(&source.schema(), &mut rows),
        ("system", "IndexInfo") => {
            schema::built_index_rows(&source.schema(), &|index| source.is_index_built(index), &mut rows);
        }
        ("system", "built_views") => builds(source, |builds, schema| builds.built_rows(schema, &mut rows)),
        ("system", "view_builds_in_progress") => {
            builds(source, |builds, schema| builds.running_rows(schema, &mut rows));
        }
        ("system_distributed", "view_build_status") => {
            builds(source, |builds, schema| builds.status_rows(schema, &mut rows));
        }
        ("system_schema", "views") => schema::view_rows(&source.schema(), &mut rows),
        ("system_schema", "types") => schema::type_rows(&source.schema(), &mut rows),
        ("system_schema", "functions") => schema::function_rows(&source.schema(), &mut rows),
        ("system_schema", "aggregates") => schema::aggregate_rows(&source.schema(), &mut rows),
        ("system_virtual_schema", "keyspaces") => schema::keyspace_rows(&source.schema(), true, &mut rows),
        ("system_virtual_schema", "tables") => schema::table_rows(&source.schema(), true, &mut rows),
        ("system_virtual_schema", "columns") => schema::column_rows(&source.schema(), true, &mut rows),
        ("system_auth", "roles") => node::roles(source, &mut rows),
        ("system_auth", "role_members") => node::role_members(source, &mut rows),
        ("system_auth", "role_permissions" | "resource_role_permissons_index") => {
            node::role_permissions(source, &mut rows);
        }
        _ => source.rows(&mut rows),
    }
    rows.read(command, consumer);
    Ok(())
}
