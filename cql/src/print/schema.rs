//! CREATE and ALTER of everything in a schema.

use super::relation::where_clause;
use super::select::{clause, direction};
use super::term::term;
use super::{
    function_name, joined, literal, name, names, qualified_name, separated, string, type_name,
    unqualified_function_name, user_type_name,
};
use crate::ast::{
    AlterTable, AlterTableAction, AlterType, AlterTypeAction, ColumnDefinition, ColumnMask, CreateAggregate,
    CreateFunction, CreateIndex, CreateTable, CreateType, CreateView, DropFunction, FieldDefinition, IndexTarget,
    IndexTargetKind, Literal, PrimaryKey, Property, PropertyValue, Renaming, TableOptions,
};

/// ` IF NOT EXISTS`, or nothing.
pub(super) fn if_not_exists(out: &mut String, there: bool) {
    if there {
        out.push_str(" IF NOT EXISTS");
    }
}

/// ` IF EXISTS`, or nothing.
pub(super) fn if_exists(out: &mut String, there: bool) {
    if there {
        out.push_str(" IF EXISTS");
    }
}

/// ` WITH …`, or nothing.
pub(super) fn with(out: &mut String, properties: &[Property]) {
    if !properties.is_empty() {
        out.push_str(" WITH ");
        joined(out, properties, " AND ", property);
    }
}

fn property(out: &mut String, tree: &Property) {
    name(out, &tree.name);
    out.push_str(" = ");
    match &tree.value {
        PropertyValue::Literal(constant) => literal(out, constant),
        PropertyValue::Keyword(word) => out.push_str(word),
        PropertyValue::Map(entries) => literal_map(out, entries),
    }
}

pub(super) fn literal_map(out: &mut String, entries: &[(Literal, Literal)]) {
    out.push('{');
    separated(out, entries, |out, (key, value)| {
        literal(out, key);
        out.push_str(": ");
        literal(out, value);
    });
    out.push('}');
}

pub(super) fn create_table(out: &mut String, tree: &CreateTable) {
    out.push_str("CREATE TABLE");
    if_not_exists(out, tree.if_not_exists);
    out.push(' ');
    qualified_name(out, &tree.name);
    out.push_str(" (");
    separated(out, &tree.columns, column_definition);
    for (index, key) in tree.primary_keys.iter().enumerate() {
        if index > 0 || !tree.columns.is_empty() {
            out.push_str(", ");
        }
        primary_key(out, key);
    }
    out.push(')');
    table_options(out, &tree.options);
}

fn column_definition(out: &mut String, tree: &ColumnDefinition) {
    name(out, &tree.name);
    out.push(' ');
    type_name(out, &tree.type_name);
    if tree.is_static {
        out.push_str(" STATIC");
    }
    if let Some(mask) = &tree.mask {
        out.push(' ');
        column_mask(out, mask);
    }
}

fn column_mask(out: &mut String, tree: &ColumnMask) {
    out.push_str("MASKED WITH ");
    function_name(out, &tree.function);
    out.push('(');
    separated(out, &tree.arguments, term);
    out.push(')');
}

fn primary_key(out: &mut String, tree: &PrimaryKey) {
    out.push_str("PRIMARY KEY ((");
    names(out, &tree.partition);
    out.push(')');
    for column in &tree.clustering {
        out.push_str(", ");
        name(out, column);
    }
    out.push(')');
}

fn table_options(out: &mut String, tree: &TableOptions) {
    let mut before = " WITH ";
    if tree.compact_storage {
        out.push_str(before);
        out.push_str("COMPACT STORAGE");
        before = " AND ";
    }
    if !tree.clustering_order.is_empty() {
        out.push_str(before);
        out.push_str("CLUSTERING ORDER BY (");
        separated(out, &tree.clustering_order, |out, (column, order)| {
            name(out, column);
            out.push_str(direction(*order));
        });
        out.push(')');
        before = " AND ";
    }
    if !tree.properties.is_empty() {
        out.push_str(before);
        joined(out, &tree.properties, " AND ", property);
    }
}

pub(super) fn alter_table(out: &mut String, tree: &AlterTable) {
    out.push_str("ALTER TABLE");
    if_exists(out, tree.if_exists);
    out.push(' ');
    qualified_name(out, &tree.name);
    match &tree.action {
        AlterTableAction::Add { if_not_exists: quiet, columns } => {
            out.push_str(" ADD");
            if_not_exists(out, *quiet);
            out.push_str(" (");
            separated(out, columns, column_definition);
            out.push(')');
        }
        AlterTableAction::Drop(drop) => {
            out.push_str(" DROP");
            if_exists(out, drop.if_exists);
            out.push_str(" (");
            names(out, &drop.columns);
            out.push(')');
            if let Some(timestamp) = drop.timestamp {
                out.push_str(&format!(" USING TIMESTAMP {timestamp}"));
            }
        }
        AlterTableAction::Rename { if_exists: quiet, renamings: list } => renamings(out, *quiet, list),
        AlterTableAction::AlterType { column, type_name: to } => {
            out.push_str(" ALTER ");
            name(out, column);
            out.push_str(" TYPE ");
            type_name(out, to);
        }
        AlterTableAction::Mask { if_exists: quiet, column, mask } => {
            out.push_str(" ALTER");
            if_exists(out, *quiet);
            out.push(' ');
            name(out, column);
            out.push(' ');
            match mask {
                Some(mask) => column_mask(out, mask),
                None => out.push_str("DROP MASKED"),
            }
        }
        AlterTableAction::DropCompactStorage => out.push_str(" DROP COMPACT STORAGE"),
        AlterTableAction::With(properties) => with(out, properties),
    }
}

fn renamings(out: &mut String, quiet: bool, list: &[Renaming]) {
    out.push_str(" RENAME");
    if_exists(out, quiet);
    out.push(' ');
    joined(out, list, " AND ", |out, renaming| {
        name(out, &renaming.from);
        out.push_str(" TO ");
        name(out, &renaming.to);
    });
}

pub(super) fn create_type(out: &mut String, tree: &CreateType) {
    out.push_str("CREATE TYPE");
    if_not_exists(out, tree.if_not_exists);
    out.push(' ');
    user_type_name(out, &tree.name);
    out.push_str(" (");
    separated(out, &tree.fields, field_definition);
    out.push(')');
}

fn field_definition(out: &mut String, tree: &FieldDefinition) {
    name(out, &tree.name);
    out.push(' ');
    type_name(out, &tree.type_name);
}

pub(super) fn alter_type(out: &mut String, tree: &AlterType) {
    out.push_str("ALTER TYPE");
    if_exists(out, tree.if_exists);
    out.push(' ');
    user_type_name(out, &tree.name);
    match &tree.action {
        AlterTypeAction::Add { if_not_exists: quiet, field } => {
            out.push_str(" ADD");
            if_not_exists(out, *quiet);
            out.push(' ');
            field_definition(out, field);
        }
        AlterTypeAction::Rename { if_exists: quiet, renamings: list } => renamings(out, *quiet, list),
        AlterTypeAction::AlterType(field) => {
            out.push_str(" ALTER ");
            name(out, &field.name);
            out.push_str(" TYPE ");
            type_name(out, &field.type_name);
        }
    }
}

pub(super) fn create_index(out: &mut String, tree: &CreateIndex) {
    out.push_str(if tree.custom { "CREATE CUSTOM INDEX" } else { "CREATE INDEX" });
    if_not_exists(out, tree.if_not_exists);
    if let Some(index) = &tree.name {
        out.push(' ');
        name(out, index);
    }
    out.push_str(" ON ");
    qualified_name(out, &tree.table);
    out.push_str(" (");
    separated(out, &tree.targets, index_target);
    out.push(')');
    if let Some(class) = &tree.using_class {
        out.push_str(" USING ");
        string(out, class);
    }
    with(out, &tree.properties);
}

fn index_target(out: &mut String, tree: &IndexTarget) {
    let word = match tree.kind {
        IndexTargetKind::Simple => return name(out, &tree.column),
        IndexTargetKind::Values => "values",
        IndexTargetKind::Keys => "keys",
        IndexTargetKind::Entries => "entries",
        IndexTargetKind::Full => "full",
    };
    out.push_str(word);
    out.push('(');
    name(out, &tree.column);
    out.push(')');
}

pub(super) fn create_view(out: &mut String, tree: &CreateView) {
    out.push_str("CREATE MATERIALIZED VIEW");
    if_not_exists(out, tree.if_not_exists);
    out.push(' ');
    qualified_name(out, &tree.name);
    out.push_str(" AS SELECT ");
    clause(out, &tree.clause);
    out.push_str(" FROM ");
    qualified_name(out, &tree.base);
    where_clause(out, &tree.relations);
    out.push(' ');
    primary_key(out, &tree.primary_key);
    table_options(out, &tree.options);
}

fn or_replace(out: &mut String, there: bool) {
    out.push_str(if there { "CREATE OR REPLACE " } else { "CREATE " });
}

pub(super) fn create_function(out: &mut String, tree: &CreateFunction) {
    or_replace(out, tree.or_replace);
    out.push_str("FUNCTION");
    if_not_exists(out, tree.if_not_exists);
    out.push(' ');
    function_name(out, &tree.name);
    out.push('(');
    separated(out, &tree.arguments, field_definition);
    out.push_str(if tree.called_on_null_input {
        ") CALLED ON NULL INPUT RETURNS "
    } else {
        ") RETURNS NULL ON NULL INPUT RETURNS "
    });
    type_name(out, &tree.return_type);
    out.push_str(" LANGUAGE ");
    out.push_str(&tree.language);
    out.push_str(" AS ");
    string(out, &tree.body);
}

pub(super) fn create_aggregate(out: &mut String, tree: &CreateAggregate) {
    or_replace(out, tree.or_replace);
    out.push_str("AGGREGATE");
    if_not_exists(out, tree.if_not_exists);
    out.push(' ');
    function_name(out, &tree.name);
    out.push('(');
    separated(out, &tree.argument_types, type_name);
    out.push_str(") SFUNC ");
    unqualified_function_name(out, &tree.state_function);
    out.push_str(" STYPE ");
    type_name(out, &tree.state_type);
    if let Some(function) = &tree.final_function {
        out.push_str(" FINALFUNC ");
        unqualified_function_name(out, function);
    }
    if let Some(condition) = &tree.initial_condition {
        out.push_str(" INITCOND ");
        term(out, condition);
    }
}

pub(super) fn drop_function(out: &mut String, what: &str, tree: &DropFunction) {
    out.push_str("DROP ");
    out.push_str(what);
    if_exists(out, tree.if_exists);
    out.push(' ');
    function_name(out, &tree.name);
    if let Some(types) = &tree.argument_types {
        out.push('(');
        separated(out, types, type_name);
        out.push(')');
    }
}
