//! CREATE statements as Cassandra's DESCRIBE writes them, to the byte: tools parse and compare them.

use std::collections::BTreeMap;
use std::fmt::Write;

use helenus_model::schema::{
    AggregateDefinition, Column, ColumnKind, FunctionDefinition, Index, Keyspace, SortOrder, Storage, Table,
    ViewDefinition,
};
use helenus_model::types::{CqlType, UdtDefinition, maybe_quote};
use helenus_model::value::{java_double, to_cql_literal};

use crate::system_tables::is_virtual_keyspace;

/// `CREATE KEYSPACE …;`
pub(super) fn keyspace(keyspace: &Keyspace) -> String {
    let name = maybe_quote(&keyspace.name);
    if is_virtual_keyspace(&keyspace.name) {
        return virtual_comment("Keyspace", &name, &format!("VIRTUAL KEYSPACE {name};"));
    }
    let mut replication = keyspace.replication.to_map();
    if let Some(class) = replication.get_mut("class")
        && let Some((_, short)) = class.rsplit_once('.')
    {
        *class = short.to_owned();
    }
    format!(
        "CREATE KEYSPACE {name} WITH replication = {}  AND durable_writes = {};",
        map(&replication),
        keyspace.durable_writes
    )
}

/// `CREATE TYPE …;`
pub(super) fn user_type(definition: &UdtDefinition) -> String {
    let mut out = format!("CREATE TYPE {}.{} (", maybe_quote(&definition.keyspace), maybe_quote(&definition.name));
    for (place, (name, ty)) in definition.fields.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\n    {} {ty}", maybe_quote(name));
    }
    out.push_str("\n);");
    out
}

/// A function's name with its argument types.
pub(super) fn function_name<'t>(name: &str, types: impl IntoIterator<Item = &'t CqlType>) -> String {
    let types: Vec<String> = types.into_iter().map(signature_type).collect();
    format!("{}({})", maybe_quote(name), types.join(", "))
}

/// A type in a signature: there tuples stand without `frozen`, too.
fn signature_type(ty: &CqlType) -> String {
    let text = ty.to_string();
    match (ty, text.strip_prefix("frozen<").and_then(|text| text.strip_suffix('>'))) {
        (CqlType::Tuple(_), Some(bare)) => bare.to_owned(),
        _ => text,
    }
}

/// `CREATE FUNCTION …;`
pub(super) fn function(function: &FunctionDefinition) -> String {
    let arguments: Vec<String> =
        function.arguments.iter().map(|(name, ty)| format!("{} {}", maybe_quote(name), signature_type(ty))).collect();
    let null = if function.called_on_null_input { "CALLED" } else { "RETURNS NULL" };
    format!(
        "CREATE FUNCTION {}.{}({})\n    {null} ON NULL INPUT\n    RETURNS {}\n    LANGUAGE {}\n    AS $${}$$;",
        maybe_quote(&function.keyspace),
        maybe_quote(&function.name),
        arguments.join(", "),
        signature_type(&function.return_type),
        function.language,
        function.body
    )
}

/// `CREATE AGGREGATE …;`
pub(super) fn aggregate(aggregate: &AggregateDefinition) -> String {
    let mut out = format!(
        "CREATE AGGREGATE {}.{}\n    SFUNC {}\n    STYPE {}",
        maybe_quote(&aggregate.keyspace),
        function_name(&aggregate.name, &aggregate.argument_types),
        maybe_quote(&aggregate.state_function),
        signature_type(&aggregate.state_type)
    );
    if let Some(name) = &aggregate.final_function {
        let _ = write!(out, "\n    FINALFUNC {}", maybe_quote(name));
    }
    if let Some(value) = &aggregate.initial_condition {
        let _ = write!(out, "\n    INITCOND {}", to_cql_literal(&aggregate.state_type, value));
    }
    out.push(';');
    out
}

/// `CREATE TABLE …;`. With `internals` also the id, the dropped columns and what was dropped when.
pub(super) fn table(table: &Table, internals: bool) -> String {
    let name = format!("{}.{}", maybe_quote(&table.keyspace), maybe_quote(&table.name));
    let is_virtual = is_virtual_keyspace(&table.keyspace);
    let kind = if is_virtual { "VIRTUAL TABLE" } else { "CREATE TABLE" };
    let mut out = format!("{kind} {name} (");
    columns(table, internals, &mut out);
    out.push_str("\n) WITH ");
    let mut options = Vec::new();
    if internals && !is_virtual {
        options.push(format!("ID = {}", table.id));
    }
    let storage = table.params.storage;
    if storage.is_compact() {
        options.push("COMPACT STORAGE".to_owned());
    }
    if !table.clustering.is_empty() {
        let order: Vec<String> = table.clustering.iter().map(ordered).collect();
        options.push(format!("CLUSTERING ORDER BY ({})", order.join(", ")));
    }
    if is_virtual {
        options.push(format!("comment = {}", quoted(&table.params.comment)));
    } else {
        params(table, &mut options);
    }
    out.push_str(&options.join("\n    AND "));
    out.push(';');
    if is_virtual {
        return virtual_comment("Table", &name, &out);
    }
    if storage.is_compact() {
        return format!(
            "/*\nWarning: Table {name} omitted because it has constructs not compatible with CQL (was created via legacy API).\nApproximate structure, for reference:\n(this should not be used to reproduce this schema)\n\n{out}\n*/"
        );
    }
    if internals {
        dropped(table, &name, &mut out);
    }
    out
}

/// `CREATE INDEX …;`
pub(super) fn index(table: &Table, index: &Index) -> String {
    format!(
        "CREATE INDEX {} ON {}.{} ({});",
        maybe_quote(&index.name),
        maybe_quote(&table.keyspace),
        maybe_quote(&table.name),
        index.target_text()
    )
}

/// Virtual things are shown, but inside a comment, so that nobody runs them.
fn virtual_comment(kind: &str, name: &str, text: &str) -> String {
    let short = kind.to_lowercase();
    format!(
        "/*\nWarning: {kind} {name} is a virtual {short} and cannot be recreated with CQL.\nStructure, for reference:\n{text}\n*/"
    )
}

fn ordered(column: &Column) -> String {
    let order = match column.order {
        SortOrder::Ascending => "ASC",
        SortOrder::Descending => "DESC",
    };
    format!("{} {order}", maybe_quote(&column.name))
}

/// Key columns, then static and regular ones: of each the simple columns first, then those made of several cells.
fn columns(table: &Table, internals: bool, out: &mut String) {
    let visible = |columns: &[Column]| -> Vec<Column> {
        columns.iter().filter(|column| !table.is_hidden(column)).cloned().collect()
    };
    let clustering = visible(&table.clustering);
    let alone = table.partition_key.len() == 1 && table.clustering.is_empty();
    let statics = if table.params.storage == Storage::CompactStatic { "" } else { " static" };
    let simple_first = |columns: &[Column]| -> Vec<Column> {
        let (complex, simple): (Vec<_>, Vec<_>) = columns.iter().cloned().partition(Column::is_complex);
        simple.into_iter().chain(complex).collect()
    };
    let mut lines = Vec::new();
    for column in table.partition_key.iter().chain(&clustering) {
        let key = if alone { " PRIMARY KEY" } else { "" };
        lines.push(format!("{} {}{key}", maybe_quote(&column.name), column.ty));
    }
    lines.extend(simple_first(&table.statics).iter().map(|c| format!("{} {}{statics}", maybe_quote(&c.name), c.ty)));
    lines.extend(simple_first(&visible(&table.regulars)).iter().map(|c| format!("{} {}", maybe_quote(&c.name), c.ty)));
    if internals {
        let gone = table.dropped.iter().filter(|dropped| table.column(&dropped.name).is_none());
        lines.extend(gone.map(|dropped| {
            let kind = if dropped.kind == ColumnKind::Static { " static" } else { "" };
            format!("{} {}{kind}", maybe_quote(&dropped.name), dropped.ty)
        }));
    }
    if !alone {
        let names = |columns: &[Column]| {
            columns.iter().map(|column| maybe_quote(&column.name).into_owned()).collect::<Vec<_>>().join(", ")
        };
        let key = names(&table.partition_key);
        let key = if table.partition_key.len() > 1 { format!("({key})") } else { key };
        let clustering = names(&clustering);
        let comma = if clustering.is_empty() { "" } else { ", " };
        lines.push(format!("PRIMARY KEY ({key}{comma}{clustering})"));
    }
    for (place, line) in lines.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(out, "{comma}\n    {line}");
    }
}

fn params(table: &Table, options: &mut Vec<String>) {
    let params = &table.params;
    let extensions: Vec<String> = params
        .extensions
        .iter()
        .map(|(name, value)| {
            let hex = value.iter().fold(String::new(), |mut out, byte| {
                let _ = write!(out, "{byte:02x}");
                out
            });
            format!("{}: 0x{hex}", quoted(name))
        })
        .collect();
    options.extend([
        format!("additional_write_policy = {}", quoted(&params.additional_write_policy)),
        format!("allow_auto_snapshot = {}", params.allow_auto_snapshot),
        format!("bloom_filter_fp_chance = {}", java_double(params.bloom_filter_fp_chance)),
        format!("caching = {}", map(&params.caching)),
        format!("cdc = {}", params.cdc),
        format!("comment = {}", quoted(&params.comment)),
        format!("compaction = {}", map(&params.compaction)),
        format!("compression = {}", map(&params.compression)),
        format!("memtable = {}", quoted(&params.memtable)),
        format!("crc_check_chance = {}", java_double(params.crc_check_chance)),
        format!("default_time_to_live = {}", params.default_time_to_live),
        format!("extensions = {{{}}}", extensions.join(", ")),
        format!("gc_grace_seconds = {}", params.gc_grace_seconds),
        format!("incremental_backups = {}", params.incremental_backups),
        format!("max_index_interval = {}", params.max_index_interval),
        format!("memtable_flush_period_in_ms = {}", params.memtable_flush_period_in_ms),
        format!("min_index_interval = {}", params.min_index_interval),
        format!("read_repair = {}", quoted(&params.read_repair)),
        format!("speculative_retry = {}", quoted(&params.speculative_retry)),
    ]);
}

/// The drops that made the table what it is, with their times.
fn dropped(table: &Table, name: &str, out: &mut String) {
    for dropped in &table.dropped {
        let column = maybe_quote(&dropped.name);
        let _ = write!(out, "\nALTER TABLE {name} DROP {column} USING TIMESTAMP {};", dropped.dropped_at);
        if let Some(again) = table.column(&dropped.name) {
            let kind = if again.kind == ColumnKind::Static { " static" } else { "" };
            let _ = write!(out, "\nALTER TABLE {name} ADD {column} {}{kind};", again.ty);
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn map(entries: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> =
        entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), quoted(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// `CREATE MATERIALIZED VIEW …;`
pub(super) fn view(table: &Table, view: &ViewDefinition, internals: bool) -> String {
    let name = |name: &str| format!("{}.{}", maybe_quote(&table.keyspace), maybe_quote(name));
    let names = |columns: &[Column]| {
        columns.iter().map(|column| maybe_quote(&column.name).into_owned()).collect::<Vec<_>>().join(", ")
    };
    let selected = if view.include_all {
        "*".to_owned()
    } else {
        let columns: Vec<String> = table.columns().map(|column| maybe_quote(&column.name).into_owned()).collect();
        columns.join(", ")
    };
    let key = names(&table.partition_key);
    let key = if table.partition_key.len() > 1 { format!("({key})") } else { key };
    let comma = if table.clustering.is_empty() { "" } else { ", " };
    let mut out = format!(
        "CREATE MATERIALIZED VIEW {} AS\n    SELECT {selected}\n    FROM {}\n    WHERE {}\n    PRIMARY KEY ({key}{comma}{})\n WITH ",
        name(&table.name),
        name(&view.base_name),
        view.where_clause,
        names(&table.clustering)
    );
    let mut options = Vec::new();
    if internals {
        options.push(format!("ID = {}", table.id));
    }
    if !table.clustering.is_empty() {
        let order: Vec<String> = table.clustering.iter().map(ordered).collect();
        options.push(format!("CLUSTERING ORDER BY ({})", order.join(", ")));
    }
    params(table, &mut options);
    // Data of a view expires with that of its base table.
    options.retain(|option| !option.starts_with("default_time_to_live"));
    out.push_str(&options.join("\n    AND "));
    out.push(';');
    out
}
