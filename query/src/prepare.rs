//! Statements checked against a schema, once, before they are executed many times.

use std::sync::Arc;

use helenus_cql::ast;
use helenus_model::schema::{Keyspace, Schema, Table};
use md5::{Digest, Md5};

use crate::ddl::DdlPlan;
use crate::error::QueryError;
use crate::role::RolePlan;
use crate::select::{self, SelectPlan};
use crate::spec::BindSlot;
use crate::term::{Preparer, Term};
use crate::write::{self, BatchPlan, WritePlan};

/// The keyspaces that belong to the node itself: `system`, `system_schema`, `system_views`, ….
pub trait SystemTables {
    /// A table by exact names.
    fn table(&self, keyspace: &str, name: &str) -> Option<Arc<Table>>;
    /// A keyspace by its exact name.
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>>;
}

/// No system tables.
#[derive(Clone, Copy, Debug)]
pub struct NoSystemTables;

impl SystemTables for NoSystemTables {
    fn table(&self, _keyspace: &str, _name: &str) -> Option<Arc<Table>> {
        None
    }
    fn keyspace(&self, _name: &str) -> Option<Arc<Keyspace>> {
        None
    }
}

/// What a statement is prepared against.
#[derive(Clone, Copy)]
pub struct PrepareContext<'a> {
    /// The schema of the current epoch.
    pub schema: &'a Schema,
    /// The keyspace in use, if any.
    pub keyspace: Option<&'a str>,
    /// The node's own tables.
    pub local: &'a dyn SystemTables,
}

impl PrepareContext<'_> {
    /// The keyspace a name lives in.
    ///
    /// # Errors
    /// Neither the name nor the connection says a keyspace.
    pub fn keyspace_of<'n>(&'n self, name: &'n ast::QualifiedName) -> Result<&'n str, QueryError> {
        match (&name.keyspace, self.keyspace) {
            (Some(keyspace), _) => Ok(keyspace.as_str()),
            (None, Some(keyspace)) => Ok(keyspace),
            (None, None) => Err(no_keyspace()),
        }
    }

    /// A keyspace, of users or of the node.
    pub fn find_keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        self.schema.keyspace(name).cloned().or_else(|| self.local.keyspace(name))
    }

    /// The table a statement names, and whether it is one of the node's own.
    ///
    /// # Errors
    /// No such keyspace, no such table, in Cassandra's words.
    pub fn find_table(&self, name: &ast::QualifiedName) -> Result<(Arc<Table>, bool), QueryError> {
        let keyspace = self.keyspace_of(name)?;
        if let Some(table) = self.schema.table(keyspace, name.name.as_str()) {
            return Ok((Arc::clone(table), false));
        }
        if let Some(table) = self.local.table(keyspace, name.name.as_str()) {
            return Ok((table, true));
        }
        if self.find_keyspace(keyspace).is_none() {
            return Err(QueryError::invalid(format!("keyspace {keyspace} does not exist")));
        }
        Err(QueryError::invalid(format!("table {} does not exist", name.name)))
    }
}

/// Cassandra's words for a name without a keyspace on a connection without one.
pub(crate) fn no_keyspace() -> QueryError {
    QueryError::invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
}

/// A checked statement.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What to do.
    pub statement: Statement,
    /// The bind slots, in the order of the markers.
    pub binds: Vec<BindSlot>,
    /// For each partition-key column the marker that gives its value, if every one has one (protocol v4 `pk_indices`).
    pub partition_key_binds: Option<Vec<u16>>,
    /// The names of `:name` markers, in the order of the markers; None for `?`.
    pub marker_names: Vec<Option<String>>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
    /// Epoch of the schema it was prepared against: at another one it is to be prepared anew.
    pub schema_epoch: u64,
}

/// A statement ready to be executed.
#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT
    Select(Arc<SelectPlan>),
    /// INSERT, UPDATE, DELETE
    Write(Arc<WritePlan>),
    /// BEGIN BATCH … APPLY BATCH
    Batch(Arc<BatchPlan>),
    /// A change of the schema.
    Ddl(Arc<DdlPlan>),
    /// TRUNCATE
    Truncate(Arc<Table>),
    /// USE: whether the keyspace exists is looked at when it is executed.
    Use(String),
    /// Roles, users, permissions.
    Role(RolePlan),
    /// DESCRIBE
    Describe(Box<ast::Describe>),
}

/// Parses and checks a statement.
///
/// # Errors
/// What Cassandra answers to it: syntax errors, unknown names, wrong types, "not supported yet: …".
pub fn prepare(text: &str, context: &PrepareContext<'_>) -> Result<Prepared, QueryError> {
    let parsed = helenus_cql::parse(text).map_err(|error| QueryError::Syntax(error.to_string()))?;
    prepare_statement(&parsed.statement, &parsed.markers, context)
}

/// Checks a parsed statement with the names of its markers.
///
/// # Errors
/// As [`prepare`], without syntax errors.
pub fn prepare_statement(
    parsed: &ast::Statement,
    markers: &[Option<String>],
    context: &PrepareContext<'_>,
) -> Result<Prepared, QueryError> {
    let mut preparer = Preparer::new(*context, markers);
    let (statement, table) = statement_of(parsed, context, &mut preparer)?;
    let partition_key_binds = match (&statement, &table) {
        // Cassandra tells none for a batch whose timestamp is a marker.
        (Statement::Batch(batch), _) if matches!(batch.attributes.timestamp, Some(Term::Marker { .. })) => None,
        (Statement::Select(_) | Statement::Write(_) | Statement::Batch(_), Some(table)) => {
            preparer.partition_key_binds(table)
        }
        _ => None,
    };
    let collected = preparer.finish()?;
    Ok(Prepared {
        statement,
        binds: collected.binds,
        partition_key_binds,
        marker_names: collected.marker_names,
        warnings: collected.warnings,
        schema_epoch: context.schema.epoch,
    })
}

type Planned = (Statement, Option<Arc<Table>>);

fn statement_of(
    parsed: &ast::Statement,
    context: &PrepareContext<'_>,
    preparer: &mut Preparer<'_>,
) -> Result<Planned, QueryError> {
    let written = |plan: WritePlan| -> Result<Planned, QueryError> {
        let table = Arc::clone(&plan.table);
        Ok((Statement::Write(Arc::new(plan)), Some(table)))
    };
    Ok(match parsed {
        ast::Statement::Select(select) => {
            let (plan, table) = select::prepare_select(select, preparer)?;
            (Statement::Select(Arc::new(plan)), Some(table))
        }
        ast::Statement::Insert(insert) => written(write::prepare_insert(insert, preparer)?)?,
        ast::Statement::InsertJson(insert) => written(write::prepare_insert_json(insert, preparer)?)?,
        ast::Statement::Update(update) => written(write::prepare_update(update, preparer)?)?,
        ast::Statement::Delete(delete) => written(write::prepare_delete(delete, preparer)?)?,
        ast::Statement::Batch(batch) => {
            let plan = write::prepare_batch(batch, preparer)?;
            let table = plan.single_table().cloned();
            (Statement::Batch(Arc::new(plan)), table)
        }
        ast::Statement::Truncate(name) => {
            let (table, is_local) = context.find_table(name)?;
            if is_local {
                if ["system_views", "system_virtual_schema"].contains(&table.keyspace.as_str()) {
                    let text = format!("Truncation is not supported by table {}.{}", table.keyspace, table.name);
                    return Err(QueryError::Invalid(text));
                }
                return Err(QueryError::unsupported(format_args!("TRUNCATE of {}.{}", table.keyspace, table.name)));
            }
            (Statement::Truncate(Arc::clone(&table)), Some(table))
        }
        ast::Statement::Use(name) => (Statement::Use(name.text.clone()), None),
        ast::Statement::Describe(describe) => (Statement::Describe(describe.clone()), None),
        other => match RolePlan::of(other)? {
            Some(plan) => (Statement::Role(plan), None),
            None => {
                let plan = DdlPlan::of(other, context)?;
                if matches!(other, ast::Statement::CreateView(_)) && preparer.markers() > 0 {
                    return Err(QueryError::invalid(
                        "Bind variables are not allowed in CREATE MATERIALIZED VIEW statements",
                    ));
                }
                (Statement::Ddl(Arc::new(plan)), None)
            }
        },
    })
}

/// The id of a prepared statement: MD5 of keyspace and query, as Cassandra makes it. Give None for a statement whose names are all
/// qualified.
pub fn prepared_id(text: &str, keyspace: Option<&str>) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(keyspace.unwrap_or("").as_bytes());
    md5.update(text.as_bytes());
    md5.finalize().into()
}
