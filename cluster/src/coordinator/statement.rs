//! Prepared statements: checked once, executed many times, checked anew when the schema has changed.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::ProtocolVersion;
use helenus_cql_protocol::response::{self, BindMetadata, Column, ColumnSpec, EncodedColumns, RowsMetadata};
use helenus_model::token::murmur3_x64_128;
use helenus_query::error::QueryError;
use helenus_query::prepare::{PrepareContext, Prepared, Statement, prepare, prepared_id};
use helenus_query::spec::ColumnSpec as QuerySpec;
use helenus_query::system_tables::NodeTables;
use rustc_hash::FxHashMap;

use super::Coordinator;
use crate::shared::PREPARED_STATEMENTS_MAX;

/// A statement with everything its executions share.
#[derive(Debug)]
pub struct PreparedStatement {
    /// As the client sent it.
    pub text: String,
    /// The keyspace unqualified names were looked up in.
    pub keyspace: Option<String>,
    /// MD5 of both.
    pub id: [u8; 16],
    /// The statement.
    pub prepared: Prepared,
    columns: [OnceLock<EncodedColumns>; 3],
    metadata_id: [u8; 16],
}

impl PreparedStatement {
    /// Wraps a checked statement.
    pub fn new(text: String, keyspace: Option<String>, id: [u8; 16], prepared: Prepared) -> Self {
        let mut statement =
            PreparedStatement { text, keyspace, id, prepared, columns: Default::default(), metadata_id: [0; 16] };
        let mut description = Vec::new();
        for column in statement.result_columns() {
            description.extend_from_slice(format!("{}\0{}\0", column.name, column.ty).as_bytes());
        }
        let [a, b] = murmur3_x64_128(&description, 0);
        statement.metadata_id[..8].copy_from_slice(&a.to_be_bytes());
        statement.metadata_id[8..].copy_from_slice(&b.to_be_bytes());
        statement
    }

    /// Columns of the rows it returns.
    pub fn result_columns(&self) -> &[QuerySpec] {
        match &self.prepared.statement {
            Statement::Select(plan) => plan.columns(),
            _ => &[],
        }
    }

    /// The columns encoded for a version.
    pub fn columns_for(&self, version: ProtocolVersion) -> &EncodedColumns {
        let slot = match version {
            ProtocolVersion::V3 => 0,
            ProtocolVersion::V4 => 1,
            ProtocolVersion::V5 => 2,
        };
        self.columns[slot].get_or_init(|| EncodedColumns::new(&column_specs(self.result_columns()), version))
    }

    /// Id of the rows' metadata (v5): equal on all nodes.
    pub fn result_metadata_id(&self) -> &[u8; 16] {
        &self.metadata_id
    }

    /// The answer to PREPARE.
    pub fn answer(&self) -> response::Prepared {
        let columns = |specs: &[QuerySpec]| -> Vec<Column> { specs.iter().map(column).collect() };
        response::Prepared {
            id: self.id.to_vec(),
            result_metadata_id: Some(self.metadata_id.to_vec()),
            bind: BindMetadata {
                partition_key_indexes: self.prepared.partition_key_binds.clone().unwrap_or_default(),
                columns: columns(&self.prepared.binds),
            },
            result: match &self.prepared.statement {
                Statement::Select(plan) => RowsMetadata::of_columns(columns(plan.columns())),
                _ => RowsMetadata::NONE,
            },
        }
    }
}

fn column(spec: &QuerySpec) -> Column {
    Column {
        keyspace: spec.keyspace.as_str().into(),
        table: spec.table.as_str().into(),
        name: spec.name.clone(),
        cql_type: spec.ty.clone(),
    }
}

pub(super) fn column_specs(columns: &[QuerySpec]) -> Vec<ColumnSpec<'_>> {
    fn spec(column: &QuerySpec) -> ColumnSpec<'_> {
        let QuerySpec { keyspace, table, name, ty } = column;
        ColumnSpec { keyspace, table, name, cql_type: ty }
    }
    columns.iter().map(spec).collect()
}

/// One coordinator's own table of prepared statements, so that executions touch nothing shared.
#[derive(Debug, Default)]
pub(super) struct StatementCache {
    by_id: FxHashMap<[u8; 16], Arc<PreparedStatement>>,
    /// Text statements without values to bind stay checked too: (keyspace, text).
    by_text: FxHashMap<(Option<Arc<str>>, String), Arc<PreparedStatement>>,
}

/// Most text statements a coordinator remembers.
const TEXTS_MAX: usize = 256;

impl Coordinator {
    fn check_text(&self, text: &str, keyspace: Option<&str>) -> Result<Prepared, QueryError> {
        let context = PrepareContext { schema: self.view.schema(), keyspace, local: &NodeTables };
        prepare(text, &context)
    }

    /// Checks a statement and keeps it under its id.
    pub(super) fn prepare_text(
        &mut self,
        text: &str,
        keyspace: Option<&str>,
    ) -> Result<Arc<PreparedStatement>, QueryError> {
        // A statement whose names are all qualified has one id, whatever keyspace is in use (CASSANDRA-15252).
        let (keyspace, prepared) = match self.check_text(text, None) {
            Ok(prepared) => (None, prepared),
            Err(_) => (keyspace, self.check_text(text, keyspace)?),
        };
        let id = prepared_id(text, keyspace);
        let statement = PreparedStatement::new(text.to_owned(), keyspace.map(str::to_owned), id, prepared);
        self.shared.stats.prepared.fetch_add(1, Ordering::Relaxed);
        Ok(self.keep(statement))
    }

    fn keep(&mut self, statement: PreparedStatement) -> Arc<PreparedStatement> {
        let statement = Arc::new(statement);
        let mut shared = self.shared.prepared.lock();
        if shared.len() >= PREPARED_STATEMENTS_MAX {
            shared.clear();
            self.statements.by_id.clear();
        }
        shared.insert(statement.id, Arc::clone(&statement));
        drop(shared);
        self.statements.by_id.insert(statement.id, Arc::clone(&statement));
        statement
    }

    /// A prepared statement by id, good for the present schema. None: the client is to prepare it again.
    #[inline]
    pub(super) fn find_statement(&mut self, id: &[u8]) -> Option<Result<Arc<PreparedStatement>, QueryError>> {
        let id: [u8; 16] = id.try_into().ok()?;
        let epoch = self.view.schema().epoch;
        if let Some(statement) = self.statements.by_id.get(&id)
            && statement.prepared.schema_epoch == epoch
        {
            return Some(Ok(Arc::clone(statement)));
        }
        self.find_shared_statement(id, epoch)
    }

    fn find_shared_statement(
        &mut self,
        id: [u8; 16],
        epoch: u64,
    ) -> Option<Result<Arc<PreparedStatement>, QueryError>> {
        let statement = self.shared.prepared.lock().get(&id).cloned()?;
        if statement.prepared.schema_epoch == epoch {
            self.statements.by_id.insert(id, Arc::clone(&statement));
            return Some(Ok(statement));
        }
        // Another schema: what it means may have changed, and whether it can be done.
        match self.check_text(&statement.text, statement.keyspace.as_deref()) {
            Ok(prepared) => {
                let (text, keyspace) = (statement.text.clone(), statement.keyspace.clone());
                Some(Ok(self.keep(PreparedStatement::new(text, keyspace, id, prepared))))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// A text statement, checked for the present schema.
    pub(super) fn text_statement(
        &mut self,
        text: &str,
        keyspace: Option<&Arc<str>>,
    ) -> Result<Arc<PreparedStatement>, QueryError> {
        let key = (keyspace.cloned(), text.to_owned());
        let epoch = self.view.schema().epoch;
        if let Some(statement) = self.statements.by_text.get(&key)
            && statement.prepared.schema_epoch == epoch
        {
            return Ok(Arc::clone(statement));
        }
        let name = keyspace.map(AsRef::as_ref);
        let prepared = self.check_text(text, name)?;
        let id = prepared_id(text, name);
        let statement = Arc::new(PreparedStatement::new(text.to_owned(), name.map(str::to_owned), id, prepared));
        if text.len() < 4096 {
            if self.statements.by_text.len() >= TEXTS_MAX {
                self.statements.by_text.clear();
            }
            self.statements.by_text.insert(key, Arc::clone(&statement));
        }
        Ok(statement)
    }
}
