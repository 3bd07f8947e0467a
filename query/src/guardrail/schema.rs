//! Guardrails of schema statements.

use std::collections::BTreeSet;

use helenus_cql::ast::{AlterTableAction, Property, Statement};
use helenus_model::schema::{Replication, Schema, SchemaChange, TableParts, ViewDefinition};
use helenus_model::types::CqlType;

use super::{Guardrails, Warnings, ensure, fail, guard_values, listed, threshold_kind, violated};
use crate::error::QueryError;

const TIME_WINDOWS: &str = "TimeWindowCompactionStrategy";
const WINDOWS_REASON: &str = "It is suspicious to use default_time_to_live set to 0 with such compaction strategy. Please keep in mind that data will not start to automatically expire after they are older than a respective compaction window unit of a certain size. Please set TTL for your INSERT or UPDATE statements if you expect data to be expired as table settings will not do it. ";

fn properties(statement: &Statement) -> Option<&Vec<Property>> {
    match statement {
        Statement::CreateTable(create) => Some(&create.options.properties),
        Statement::AlterTable(alter) => match &alter.action {
            AlterTableAction::With(properties) => Some(properties),
            _ => None,
        },
        Statement::CreateView(create) => Some(&create.options.properties),
        Statement::AlterView(alter) => Some(&alter.properties),
        _ => None,
    }
}

fn names(properties: &[Property]) -> BTreeSet<String> {
    properties.iter().map(|property| property.name.text.clone()).collect()
}

/// The statement without the table properties that are to be ignored, if it has any, and what is said about them.
pub fn without_ignored(statement: &Statement, guardrails: &Guardrails) -> Option<(Statement, String)> {
    let ignored = &guardrails.table_properties_ignored;
    let given = names(properties(statement)?);
    let found: Vec<&str> = given.intersection(ignored).map(String::as_str).collect();
    if found.is_empty() {
        return None;
    }
    let message = format!(
        "Ignoring provided values {} as they are not supported for Table Properties (ignored values are: {})",
        listed(found),
        listed(ignored.iter().map(String::as_str))
    );
    let mut statement = statement.clone();
    match &mut statement {
        Statement::CreateTable(create) => create.options.properties.retain(|p| !ignored.contains(&p.name.text)),
        Statement::CreateView(create) => create.options.properties.retain(|p| !ignored.contains(&p.name.text)),
        Statement::AlterView(alter) => alter.properties.retain(|p| !ignored.contains(&p.name.text)),
        Statement::AlterTable(alter) => {
            if let AlterTableAction::With(properties) = &mut alter.action {
                properties.retain(|property| !ignored.contains(&property.name.text));
            }
        }
        _ => {}
    }
    Some((statement, violated("table_properties", &message)))
}

impl Guardrails {
    /// Guards a schema statement by what it would change.
    ///
    /// # Errors
    /// A guardrail that is violated.
    pub fn guard_schema(
        &self,
        statement: &Statement,
        changes: &[SchemaChange],
        schema: &Schema,
    ) -> Result<Warnings, QueryError> {
        let mut warnings = Vec::new();
        if let Some(properties) = properties(statement) {
            let given = names(properties);
            guard_values(
                &self.table_properties,
                "table_properties",
                "Table Properties",
                &given,
                &mut warnings,
                String::as_str,
            )?;
        }
        match statement {
            Statement::DropKeyspace(_) => {
                ensure(self.drop_keyspace_enabled, "drop_keyspace_enabled", "DROP KEYSPACE functionality")?;
            }
            Statement::DropTable(_) => self.guard_drop_table()?,
            Statement::AlterTable(alter) => {
                let alters_columns = matches!(
                    alter.action,
                    AlterTableAction::Add { .. } | AlterTableAction::Drop(_) | AlterTableAction::Rename { .. }
                );
                if alters_columns {
                    ensure(self.alter_table_enabled, "alter_table", "ALTER TABLE changing columns")?;
                }
            }
            Statement::CreateTable(create) if create.options.compact_storage => {
                ensure(self.compact_tables_enabled, "compact_tables", "Creation of new COMPACT STORAGE tables")?;
            }
            Statement::CreateIndex(_) => {
                ensure(self.secondary_indexes_enabled, "secondary_indexes", "Creating secondary indexes")?;
            }
            _ => {}
        }
        for change in changes {
            match change {
                SchemaChange::PutKeyspace { name, replication, .. } => {
                    self.guard_keyspace(name, replication, schema, &mut warnings)?;
                }
                SchemaChange::PutTable(parts) => self.guard_table(statement, parts, schema, &mut warnings)?,
                SchemaChange::PutType(definition) => {
                    let (name, count) = (&definition.name, definition.fields.len() as u64);
                    let old = schema.keyspace(&definition.keyspace).and_then(|keyspace| keyspace.types.get(name));
                    let is_new = |field: &&(String, CqlType)| old.is_none_or(|old| !old.fields.contains(field));
                    for (field, ty) in definition.fields.iter().filter(is_new) {
                        self.guard_vectors(ty, &format!("Field {field}"), &mut warnings)?;
                    }
                    self.fields_per_udt.guard("fields_per_udt", count, &mut warnings, |is_warning, most| match is_warning {
                        true => format!("The user type {name} has {count} columns, this exceeds the warning threshold of {most}."),
                        false => format!("User types cannot have more than {most} columns, but {count} provided for user type {name}."),
                    })?;
                }
                _ => {}
            }
        }
        Ok(warnings)
    }

    /// Guards DROP TABLE and TRUNCATE.
    ///
    /// # Errors
    /// It is not enabled.
    pub fn guard_drop_table(&self) -> Result<(), QueryError> {
        let what = "DROP and TRUNCATE TABLE functionality";
        ensure(self.drop_truncate_table_enabled, "drop_truncate_table_enabled", what)
    }

    fn guard_keyspace(
        &self,
        name: &str,
        replication: &Replication,
        schema: &Schema,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        if matches!(replication, Replication::Simple { .. }) {
            ensure(self.simplestrategy_enabled, "simplestrategy", "SimpleStrategy")?;
        }
        if schema.keyspace(name).is_none() {
            let count = schema.keyspaces.len() as u64 + 1;
            self.keyspaces.guard("keyspaces", count, warnings, |is_warning, most| match is_warning {
                true => format!(
                    "Creating keyspace {name}, current number of keyspaces {count} exceeds warning threshold of {most}."
                ),
                false => format!("Cannot have more than {most} keyspaces, aborting the creation of keyspace {name}"),
            })?;
        }
        let factors: Vec<u32> = match replication {
            Replication::Simple { factor } => vec![*factor],
            Replication::NetworkTopology { factors } => factors.values().copied().collect(),
            Replication::Local => Vec::new(),
        };
        for factor in factors.into_iter().map(u64::from) {
            let message = |place: &str, is_warning, threshold| {
                let kind = threshold_kind(is_warning);
                format!(
                    "The keyspace {name} has a replication factor of {factor}, {place} the {kind} threshold of {threshold}."
                )
            };
            let (least, most) = (self.minimum_replication_factor, self.maximum_replication_factor);
            least.guard_least("minimum_replication_factor", factor, warnings, |w, t| message("below", w, t))?;
            most.guard("maximum_replication_factor", factor, warnings, |w, t| message("above", w, t))?;
        }
        Ok(())
    }

    fn guard_table(
        &self,
        statement: &Statement,
        parts: &TableParts,
        schema: &Schema,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        let name = &parts.name;
        if let Some(view) = &parts.view {
            return self.guard_view(name, view, schema, warnings);
        }
        let old = schema.table(&parts.keyspace, name);
        if old.is_none() {
            let count = schema.tables().filter(|table| table.view.is_none()).count() as u64 + 1;
            self.tables.guard("tables", count, warnings, |is_warning, most| match is_warning {
                true => format!(
                    "Creating table {name}, current number of tables {count} exceeds warning threshold of {most}."
                ),
                false => format!("Cannot have more than {most} tables, aborting the creation of table {name}"),
            })?;
        }
        if old.is_none_or(|old| old.columns().count() != parts.columns.len()) {
            let count = parts.columns.len() as u64;
            self.columns_per_table.guard(
                "columns_per_table",
                count,
                warnings,
                |is_warning, most| match is_warning {
                    true => {
                        format!("The table {name} has {count} columns, this exceeds the warning threshold of {most}.")
                    }
                    false => {
                        format!("Tables cannot have more than {most} columns, but {count} provided for table {name}")
                    }
                },
            )?;
            for column in parts.columns.iter().filter(|column| old.is_none_or(|old| old.column(&column.name).is_none()))
            {
                self.guard_vectors(&column.ty, &format!("Column {}", column.name), warnings)?;
            }
        }
        if let Some(index) = parts.indexes.iter().find(|index| old.is_some_and(|old| !old.indexes.contains(index))) {
            let (index, count) = (&index.name, parts.indexes.len() as u64);
            let guardrail = "secondary_indexes_per_table";
            self.secondary_indexes_per_table.guard(guardrail, count, warnings, |is_warning, most| match is_warning {
                true => format!("Creating secondary index {index}, current number of indexes {count} exceeds warning threshold of {most}."),
                false => format!("Tables cannot have more than {most} secondary indexes, aborting the creation of secondary index {index}"),
            })?;
        }
        if properties(statement).is_some() {
            self.guard_params(parts, warnings)?;
        }
        Ok(())
    }

    fn guard_view(
        &self,
        name: &str,
        view: &ViewDefinition,
        schema: &Schema,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        let views = schema.views_of(view.base);
        if views.iter().any(|view| view.name == name) {
            return Ok(());
        }
        let (base, count) = (&view.base_name, views.len() as u64 + 1);
        let guardrail = "materialized_views_per_table";
        self.materialized_views_per_table.guard(guardrail, count, warnings, |is_warning, most| match is_warning {
            true => format!("Creating materialized view {name} on table {base}, current number of views {count} exceeds warning threshold of {most}."),
            false => format!("Tables cannot have more than {most} materialized views, aborting the creation of materialized view {name} on table {base}"),
        })
    }

    fn guard_params(&self, parts: &TableParts, warnings: &mut Warnings) -> Result<(), QueryError> {
        let params = &parts.params;
        let uncompressed = params.compression.get("enabled").is_some_and(|enabled| enabled == "false");
        if uncompressed {
            ensure(self.uncompressed_tables_enabled, "uncompressed_tables_enabled", "Uncompressed table")?;
        }
        let windows = params.compaction.get("class").is_some_and(|class| class.ends_with(TIME_WINDOWS));
        if windows && params.default_time_to_live == 0 {
            let what = format!("0 default_time_to_live on a table with {TIME_WINDOWS} compaction strategy");
            let reasoned = |message: &str| format!("{what} {message}. {WINDOWS_REASON}");
            if !self.zero_ttl_on_twcs_enabled {
                return fail("zero_ttl_on_twcs", &reasoned("is not allowed"));
            }
            if self.zero_ttl_on_twcs_warned {
                warnings.push(violated("zero_ttl_on_twcs", &reasoned("is not recommended")));
            }
        }
        Ok(())
    }

    fn guard_vectors(&self, ty: &CqlType, what: &str, warnings: &mut Warnings) -> Result<(), QueryError> {
        match ty {
            CqlType::Vector { element, dimension } => {
                ensure(self.vector_type_enabled, "vector_type_enabled", what)?;
                let dimension = u64::from(*dimension);
                self.vector_dimensions.guard("vector_dimensions", dimension, warnings, |is_warning, most| {
                    let kind = threshold_kind(is_warning);
                    format!(
                        "{what} has a vector of {dimension} dimensions, this exceeds the {kind} threshold of {most}."
                    )
                })?;
                self.guard_vectors(element, what, warnings)
            }
            CqlType::List { element, .. } | CqlType::Set { element, .. } => self.guard_vectors(element, what, warnings),
            CqlType::Map { key, value, .. } => {
                self.guard_vectors(key, what, warnings)?;
                self.guard_vectors(value, what, warnings)
            }
            CqlType::Tuple(parts) => parts.iter().try_for_each(|part| self.guard_vectors(part, what, warnings)),
            _ => Ok(()),
        }
    }
}
