//! Prepared statements: checked once, executed many times, checked anew when the schema has changed.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use helenus_cql_protocol::ProtocolVersion;
use helenus_cql_protocol::response::{self, BindMetadata, Column, ColumnSpec, EncodedColumns, RowsMetadata};
use helenus_model::token::murmur3_x64_128;
use helenus_query::error::QueryError;
use helenus_query::prepare::{PrepareContext, Prepared, Statement, prepare, prepared_id};
use helenus_query::spec::ColumnSpec as QuerySpec;
use helenus_query::system_tables::NodeTables;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::Coordinator;

/// A statement with everything its executions share.
#[derive(Debug)]
pub struct PreparedStatement {
    /// As the client sent it.
    pub text: String,
    /// The keyspace unqualified names were looked up in.
    pub keyspace: Option<String>,
    /// MD5 of both; zeros for the text of a QUERY.
    pub id: [u8; 16],
    /// The statement.
    pub prepared: Prepared,
    columns: [OnceLock<EncodedColumns>; 3],
    metadata_id: [u8; 16],
    /// [`IDLE`], [`USED`] or [`EVICTED`].
    state: AtomicU8,
}

/// Not executed since the cache looked for room last.
const IDLE: u8 = 0;
/// Executed since then.
const USED: u8 = 1;
/// Not kept any more.
const EVICTED: u8 = 2;

impl PreparedStatement {
    /// Wraps a checked statement.
    pub fn new(text: String, keyspace: Option<String>, id: [u8; 16], prepared: Prepared) -> Self {
        let mut statement = PreparedStatement {
            text,
            keyspace,
            id,
            prepared,
            columns: Default::default(),
            metadata_id: [0; 16],
            state: AtomicU8::new(IDLE),
        };
        let mut description = Vec::new();
        for column in statement.result_columns() {
            description.extend_from_slice(format!("{}\0{}\0", column.name, column.ty).as_bytes());
        }
        let [a, b] = murmur3_x64_128(&description, 0);
        statement.metadata_id[..8].copy_from_slice(&a.to_be_bytes());
        statement.metadata_id[8..].copy_from_slice(&b.to_be_bytes());
        statement
    }

    /// Whether it means the same, whatever keyspace is in use. Of what names no table to read or write Cassandra never says so.
    pub fn is_qualified(&self) -> bool {
        self.keyspace.is_none() && names_tables(&self.prepared.statement)
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        // A slot has three names and a type, and a term beside it; a column of the result is kept encoded, too.
        1024 + 2 * self.text.len() + 150 * self.prepared.binds.len() + 256 * self.result_columns().len()
    }

    /// Notes an execution. False: it is not kept any more.
    #[inline]
    pub(crate) fn note_use(&self) -> bool {
        // Almost always it is marked already, and nothing is written.
        match self.state.load(Ordering::Relaxed) {
            USED => true,
            IDLE => self.state.compare_exchange(IDLE, USED, Ordering::Relaxed, Ordering::Relaxed) != Err(EVICTED),
            _ => false,
        }
    }

    /// Whether it was executed since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.state.swap(IDLE, Ordering::Relaxed) == USED
    }

    /// Whether it is not kept any more.
    pub(crate) fn is_evicted(&self) -> bool {
        self.state.load(Ordering::Relaxed) == EVICTED
    }

    /// It is not kept any more.
    pub(crate) fn evict(&self) {
        self.state.store(EVICTED, Ordering::Relaxed);
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

/// Whether a statement reads, writes or empties tables.
fn names_tables(statement: &Statement) -> bool {
    match statement {
        Statement::Select(_) | Statement::Write(_) | Statement::Batch(_) | Statement::Truncate(_) => true,
        Statement::Ddl(_) | Statement::Use(_) | Statement::Role(_) | Statement::Describe(_) => false,
    }
}

fn column(spec: &QuerySpec) -> Column {
    Column {
        keyspace: Arc::clone(&spec.keyspace),
        table: Arc::clone(&spec.table),
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
    texts: TextCache,
}

/// Most text statements a coordinator keeps.
const TEXTS_MAX: usize = 256;
/// Longer texts are not kept: they hold many values and hardly come again.
const TEXT_BYTES_MAX: usize = 4096;
/// Texts that are remembered as having come once.
const TEXTS_SEEN: usize = 1024;

/// Statements of QUERY by their texts. One is kept when it comes the second time: where every text has other values in it, none is, and
/// the memory that one took is still warm for the next.
#[derive(Debug, Default)]
struct TextCache {
    /// By the hash of keyspace and text.
    kept: FxHashMap<u64, Arc<PreparedStatement>>,
    /// Hashes of texts that came, each at the place it gives.
    seen: Vec<u64>,
}

impl TextCache {
    fn hash(keyspace: Option<&str>, text: &str) -> u64 {
        FxBuildHasher.hash_one((keyspace, text))
    }

    fn get(&self, hash: u64, keyspace: Option<&str>, text: &str) -> Option<&Arc<PreparedStatement>> {
        self.kept.get(&hash).filter(|kept| kept.text == text && kept.keyspace.as_deref() == keyspace)
    }

    /// Keeps a statement if its text has come before.
    fn offer(&mut self, hash: u64, statement: &Arc<PreparedStatement>) {
        if statement.text.len() > TEXT_BYTES_MAX {
            return;
        }
        self.seen.resize(TEXTS_SEEN, 0);
        let Some(seen) = self.seen.get_mut(hash as usize % TEXTS_SEEN) else { return };
        if *seen != hash {
            *seen = hash;
            return;
        }
        if self.kept.len() >= TEXTS_MAX {
            self.kept.clear();
        }
        self.kept.insert(hash, Arc::clone(statement));
    }
}

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
            Ok(prepared) if names_tables(&prepared.statement) => (None, prepared),
            _ => (keyspace, self.check_text(text, keyspace)?),
        };
        let id = prepared_id(text, keyspace);
        let statement = PreparedStatement::new(text.to_owned(), keyspace.map(str::to_owned), id, prepared);
        self.shared.stats.prepared.fetch_add(1, Ordering::Relaxed);
        let (bytes, most) = (statement.bytes(), self.shared.prepared.bytes_max());
        if bytes > most {
            let start: String = text.chars().take(200).collect();
            return Err(QueryError::invalid(format!(
                "Prepared statement of size {bytes} bytes is larger than allowed maximum of {} MB: {start}...",
                most >> 20
            )));
        }
        Ok(self.keep(statement))
    }

    fn keep(&mut self, statement: PreparedStatement) -> Arc<PreparedStatement> {
        let statement = Arc::new(statement);
        self.shared.prepared.insert(Arc::clone(&statement));
        self.keep_here(&statement);
        statement
    }

    /// This coordinator's own table never has many more than all together have.
    fn keep_here(&mut self, statement: &Arc<PreparedStatement>) {
        let own = &mut self.statements.by_id;
        if own.len() >= 64 + 2 * self.shared.prepared.len() {
            own.retain(|_, kept| !kept.is_evicted());
        }
        own.insert(statement.id, Arc::clone(statement));
    }

    /// A prepared statement by id, good for the present schema. None: the client is to prepare it again.
    #[inline]
    pub(super) fn find_statement(&mut self, id: &[u8]) -> Option<Result<Arc<PreparedStatement>, QueryError>> {
        let id: [u8; 16] = id.try_into().ok()?;
        let epoch = self.view.schema().epoch;
        if let Some(statement) = self.statements.by_id.get(&id)
            && statement.prepared.schema_epoch == epoch
            && statement.note_use()
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
        let Some(statement) = self.shared.prepared.get(&id) else {
            self.statements.by_id.remove(&id);
            return None;
        };
        if statement.prepared.schema_epoch == epoch {
            let _kept = statement.note_use();
            self.keep_here(&statement);
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
        let keyspace = keyspace.map(AsRef::as_ref);
        let hash = TextCache::hash(keyspace, text);
        let epoch = self.view.schema().epoch;
        if let Some(statement) = self.statements.texts.get(hash, keyspace, text)
            && statement.prepared.schema_epoch == epoch
        {
            return Ok(Arc::clone(statement));
        }
        let prepared = self.check_text(text, keyspace)?;
        // Nobody asks for it by an id.
        let id = [0; 16];
        let statement = Arc::new(PreparedStatement::new(text.to_owned(), keyspace.map(str::to_owned), id, prepared));
        self.statements.texts.offer(hash, &statement);
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::schema::Schema;
    use helenus_query::prepare::NoSystemTables;

    use super::*;

    fn statement(keyspace: Option<&str>, text: &str) -> Arc<PreparedStatement> {
        let context = PrepareContext { schema: &Schema::default(), keyspace, local: &NoSystemTables };
        let prepared = prepare("CREATE KEYSPACE k WITH replication = {}", &context).expect("a statement");
        Arc::new(PreparedStatement::new(text.to_owned(), keyspace.map(str::to_owned), [0; 16], prepared))
    }

    fn is_kept(texts: &TextCache, keyspace: Option<&str>, text: &str) -> bool {
        texts.get(TextCache::hash(keyspace, text), keyspace, text).is_some()
    }

    #[test]
    fn a_text_is_kept_when_it_comes_again() {
        let mut texts = TextCache::default();
        for round in 0..3 {
            for (keyspace, text) in [(None, "a"), (Some("k"), "a"), (Some("l"), "a"), (None, "b")] {
                assert_eq!(is_kept(&texts, keyspace, text), round == 2, "{keyspace:?} {text}");
                texts.offer(TextCache::hash(keyspace, text), &statement(keyspace, text));
            }
        }
        assert!(!is_kept(&texts, Some("m"), "a"));
    }

    /// Two texts of one hash are two texts.
    #[test]
    fn equal_hashes_are_not_equal_texts() {
        let mut texts = TextCache::default();
        let kept = statement(None, "a");
        texts.offer(1, &kept);
        texts.offer(1, &kept);
        assert!(texts.get(1, None, "a").is_some());
        assert!(texts.get(1, None, "b").is_none() && texts.get(1, Some("k"), "a").is_none());
    }

    #[test]
    fn long_texts_and_too_many_are_not_kept() {
        let mut texts = TextCache::default();
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        for text in (0..=TEXTS_MAX).map(|i| i.to_string()).chain([long]) {
            for _ in 0..2 {
                texts.offer(TextCache::hash(None, &text), &statement(None, &text));
            }
            assert!(texts.kept.len() <= TEXTS_MAX);
        }
        assert_eq!(texts.kept.len(), 1, "after the one that was too many");
    }
}
