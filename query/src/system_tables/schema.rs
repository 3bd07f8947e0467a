//! `system_schema` and `system_virtual_schema`: the schema of users and of the system keyspaces as rows.

use helenus_model::schema::{ColumnKind, Keyspace, Schema, SortOrder, Table};
use helenus_model::value::CollectionBuilder;
use helenus_model::value::to_cql_literal;

use super::definitions::{definitions, is_virtual_keyspace};
use super::rows::VirtualRows;

/// The keyspaces that `system_schema` (`virtual_ones` false) or `system_virtual_schema` describes.
fn keyspaces(schema: &Schema, virtual_ones: bool) -> impl Iterator<Item = &Keyspace> {
    let own = definitions().keyspaces().filter(move |keyspace| is_virtual_keyspace(&keyspace.name) == virtual_ones);
    let users = schema.keyspaces.values().filter(move |_| !virtual_ones);
    own.chain(users).map(|keyspace| &**keyspace)
}

pub(super) fn keyspace_rows(schema: &Schema, virtual_ones: bool, rows: &mut VirtualRows<'_>) {
    for keyspace in keyspaces(schema, virtual_ones) {
        rows.text("keyspace_name", &keyspace.name)
            .boolean("durable_writes", keyspace.durable_writes)
            .text_map("replication", keyspace.replication.to_map())
            .end();
    }
}

pub(super) fn table_rows(schema: &Schema, virtual_ones: bool, rows: &mut VirtualRows<'_>) {
    for table in keyspaces(schema, virtual_ones).flat_map(|keyspace| keyspace.tables.values()).filter(is_table) {
        rows.text("keyspace_name", &table.keyspace)
            .text("table_name", &table.name)
            .text("comment", &table.params.comment);
        if !virtual_ones {
            table_options(table, rows);
        }
        rows.end();
    }
}

/// The options. Those that Cassandra writes only when they are not the default stay null; `cdc` does unless the node has change data
/// capture.
fn table_options(table: &Table, rows: &mut VirtualRows<'_>) {
    let params = &table.params;
    let mut extensions = CollectionBuilder::default();
    for (name, value) in &params.extensions {
        extensions.push_entry(name.as_bytes(), value);
    }
    let mut flags = params.storage.flags().to_vec();
    if table.is_counter() {
        flags.push("counter");
        flags.sort_unstable();
    }
    rows.uuid("id", table.id)
        .texts("flags", flags)
        .text("additional_write_policy", &params.additional_write_policy)
        .double("bloom_filter_fp_chance", params.bloom_filter_fp_chance)
        .text_map("caching", &params.caching)
        .text_map("compaction", &params.compaction)
        .text_map("compression", &params.compression)
        .double("crc_check_chance", params.crc_check_chance)
        .double("dclocal_read_repair_chance", 0.0)
        .int("default_time_to_live", params.default_time_to_live)
        .value("extensions", extensions.finish())
        .int("gc_grace_seconds", params.gc_grace_seconds)
        .int("max_index_interval", params.max_index_interval)
        .int("memtable_flush_period_in_ms", params.memtable_flush_period_in_ms)
        .int("min_index_interval", params.min_index_interval)
        .text("read_repair", &params.read_repair)
        .double("read_repair_chance", 0.0)
        .text("speculative_retry", &params.speculative_retry);
    if !params.allow_auto_snapshot {
        rows.boolean("allow_auto_snapshot", false);
    }
    if !params.incremental_backups {
        rows.boolean("incremental_backups", false);
    }
    if params.memtable != "default" {
        rows.text("memtable", &params.memtable);
    }
}

fn is_table(table: &&std::sync::Arc<Table>) -> bool {
    table.view.is_none()
}

/// `system_schema.views`
pub(super) fn view_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for (table, view) in schema.views() {
        rows.text("keyspace_name", &table.keyspace)
            .text("view_name", &table.name)
            .text("comment", &table.params.comment)
            .uuid("base_table_id", view.base)
            .text("base_table_name", &view.base_name)
            .boolean("include_all_columns", view.include_all)
            .text("where_clause", &view.where_clause);
        table_options(table, rows);
        rows.end();
    }
}

/// What is known of how far views are.
pub(super) struct ViewBuilds<'a> {
    /// Whether this node has built a view.
    pub(super) is_built: &'a dyn Fn(uuid::Uuid) -> bool,
    /// This node.
    pub(super) host: uuid::Uuid,
}

impl ViewBuilds<'_> {
    /// `system.built_views`
    pub(super) fn built_rows(&self, schema: &Schema, rows: &mut VirtualRows<'_>) {
        for (table, _) in schema.views().filter(|(table, _)| (self.is_built)(table.id)) {
            rows.text("keyspace_name", &table.keyspace)
                .text("view_name", &table.name)
                .boolean("status_replicated", true)
                .end();
        }
    }

    /// `system.view_builds_in_progress`
    pub(super) fn running_rows(&self, schema: &Schema, rows: &mut VirtualRows<'_>) {
        let whole = i64::MIN.to_string();
        for (table, _) in schema.views().filter(|(table, _)| !(self.is_built)(table.id)) {
            rows.text("keyspace_name", &table.keyspace)
                .text("view_name", &table.name)
                .text("start_token", &whole)
                .text("end_token", &whole)
                .end();
        }
    }

    /// `system_distributed.view_build_status`, of this node alone.
    pub(super) fn status_rows(&self, schema: &Schema, rows: &mut VirtualRows<'_>) {
        for (table, _) in schema.views() {
            let status = if (self.is_built)(table.id) { "SUCCESS" } else { "STARTED" };
            rows.text("keyspace_name", &table.keyspace)
                .text("view_name", &table.name)
                .uuid("host_id", self.host)
                .text("status", status)
                .end();
        }
    }
}

pub(super) fn column_rows(schema: &Schema, virtual_ones: bool, rows: &mut VirtualRows<'_>) {
    for table in keyspaces(schema, virtual_ones).flat_map(|keyspace| keyspace.tables.values()) {
        for column in table.columns() {
            let order = match (column.kind, column.order) {
                (ColumnKind::Clustering, SortOrder::Ascending) => "asc",
                (ColumnKind::Clustering, SortOrder::Descending) => "desc",
                _ => "none",
            };
            rows.text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("column_name", &column.name)
                .text("clustering_order", order)
                .value("column_name_bytes", column.name.as_bytes())
                .text("kind", column.kind.name())
                .int("position", column.schema_position())
                .text("type", &column.ty.to_string())
                .end();
        }
    }
}

pub(super) fn dropped_column_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for table in schema.tables() {
        for column in &table.dropped {
            rows.text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("column_name", &column.name)
                .bigint("dropped_time", column.dropped_at.div_euclid(1000))
                .text("kind", column.kind.name())
                .text("type", &column.ty.to_string())
                .end();
        }
    }
}

pub(super) fn type_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for keyspace in schema.keyspaces.values() {
        for definition in keyspace.types.values() {
            rows.text("keyspace_name", &keyspace.name)
                .text("type_name", &definition.name)
                .texts("field_names", definition.fields.iter().map(|(name, _)| name))
                .texts("field_types", definition.fields.iter().map(|(_, ty)| ty.to_string()))
                .end();
        }
    }
}

pub(super) fn index_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for table in schema.tables() {
        for index in &table.indexes {
            rows.text("keyspace_name", &table.keyspace)
                .text("table_name", &table.name)
                .text("index_name", &index.name)
                .text("kind", "COMPOSITES")
                .text_map("options", index.options())
                .end();
        }
    }
}

/// `system."IndexInfo"`: the indexes that this node has built.
pub(super) fn built_index_rows(schema: &Schema, is_built: &dyn Fn(uuid::Uuid) -> bool, rows: &mut VirtualRows<'_>) {
    for table in schema.tables() {
        for index in table.indexes.iter().filter(|index| is_built(index.id)) {
            rows.text("table_name", &table.keyspace).text("index_name", &index.name).end();
        }
    }
}

pub(super) fn function_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for function in schema.keyspaces.values().flat_map(|keyspace| &keyspace.functions) {
        rows.text("keyspace_name", &function.keyspace)
            .text("function_name", &function.name)
            .texts("argument_types", function.type_texts())
            .texts("argument_names", function.arguments.iter().map(|(name, _)| name))
            .text("body", &function.body)
            .boolean("called_on_null_input", function.called_on_null_input)
            .text("language", &function.language)
            .text("return_type", &function.return_type.to_string())
            .end();
    }
}

pub(super) fn aggregate_rows(schema: &Schema, rows: &mut VirtualRows<'_>) {
    for aggregate in schema.keyspaces.values().flat_map(|keyspace| &keyspace.aggregates) {
        rows.text("keyspace_name", &aggregate.keyspace)
            .text("aggregate_name", &aggregate.name)
            .texts("argument_types", aggregate.type_texts())
            .text("return_type", &aggregate.return_type.to_string())
            .text("state_func", &aggregate.state_function)
            .text("state_type", &aggregate.state_type.to_string());
        if let Some(name) = &aggregate.final_function {
            rows.text("final_func", name);
        }
        if let Some(value) = &aggregate.initial_condition {
            rows.text("initcond", &to_cql_literal(&aggregate.state_type, value));
        }
        rows.end();
    }
}
