//! DESCRIBE, answered by the server: cqlsh asks nothing else.

mod create;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use helenus_cql::ast::{Describe, DescribeTarget, FunctionName, QualifiedName};
use helenus_model::codec::Reader;
use helenus_model::schema::{AggregateDefinition, FunctionDefinition, Index, Keyspace, Schema, Table, ViewDefinition};
use helenus_model::types::{CqlType, UdtDefinition, maybe_quote};
use helenus_model::value::{CollectionBuilder, encode_list};
use uuid::Uuid;

use crate::ddl::find_index;
use crate::error::QueryError;
use crate::sink::RowSink;
use crate::spec::ColumnSpec;
use crate::system_tables::{definitions, is_system_keyspace};

/// What DESCRIBE describes from.
#[derive(Clone, Copy, Debug)]
pub struct DescribeContext<'a> {
    /// The schema of users.
    pub schema: &'a Schema,
    /// The keyspace in use.
    pub keyspace: Option<&'a str>,
    /// `cluster_name`
    pub cluster_name: &'a str,
    /// The snitch's class without package, such as `SimpleSnitch`.
    pub snitch: &'a str,
    /// For DESCRIBE CLUSTER with a keyspace in use: the end token of each range and its replicas as `/ip:port`, in the order of the
    /// tokens' texts.
    pub range_ownership: &'a [(String, Vec<String>)],
}

/// The answer to DESCRIBE: columns, and rows of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The result's columns.
    pub columns: Vec<ColumnSpec>,
    /// The result's rows.
    pub rows: Vec<Vec<Vec<u8>>>,
    version: Uuid,
}

impl Described {
    /// The rows of a page, and where the next one begins. A state of another schema is refused: rows may have moved.
    ///
    /// # Errors
    /// The state is none, or the schema has changed since.
    pub fn page(&self, size: Option<u32>, state: Option<&[u8]>) -> Result<(Range<usize>, Option<Vec<u8>>), QueryError> {
        let start = match state {
            None => 0,
            Some(state) => {
                let mut reader = Reader::new(state);
                let read =
                    |reader: &mut Reader<'_>| Some((reader.uuid().ok()?, reader.u32().ok()?, reader.finish().ok()?));
                match read(&mut reader) {
                    Some((version, start, ())) if start as usize <= self.rows.len() => {
                        if version != self.version {
                            return Err(QueryError::invalid(
                                "The schema has changed since the previous page of the DESCRIBE statement result. Please retry the DESCRIBE statement.",
                            ));
                        }
                        start as usize
                    }
                    _ => return Err(QueryError::protocol("Invalid value for the paging state")),
                }
            }
        };
        let left = self.rows.len() - start;
        let taken = size.filter(|size| *size > 0).map_or(left, |size| left.min(size as usize));
        let end = start + taken;
        let next = (end < self.rows.len()).then(|| {
            let mut state = self.version.as_bytes().to_vec();
            state.extend_from_slice(&(end as u32).to_be_bytes());
            state
        });
        Ok((start..end, next))
    }

    /// Writes rows.
    pub fn write(&self, rows: Range<usize>, sink: &mut dyn RowSink) {
        for row in self.rows.get(rows).unwrap_or_default() {
            for value in row {
                sink.value(Some(value));
            }
            sink.end_row();
        }
    }
}

/// Answers DESCRIBE.
///
/// # Errors
/// What is to be described does not exist, in Cassandra's words.
pub fn describe(statement: &Describe, context: &DescribeContext<'_>) -> Result<Described, QueryError> {
    let internals = statement.with_internals;
    let mut answer = Answer { rows: Vec::new(), with_statement: true, internals };
    match &statement.target {
        DescribeTarget::Cluster => return Ok(cluster(context)),
        DescribeTarget::Keyspaces => {
            answer.with_statement = false;
            for keyspace in all_keyspaces(context) {
                answer.keyspace(&keyspace);
            }
        }
        DescribeTarget::Tables => {
            answer.with_statement = false;
            for keyspace in current_keyspaces(context)? {
                answer.tables(&keyspace);
            }
        }
        DescribeTarget::Types => {
            answer.with_statement = false;
            for keyspace in current_keyspaces(context)? {
                let mut types: Vec<&Arc<UdtDefinition>> = keyspace.types.values().collect();
                types.sort_by_key(|definition| definition.name.to_lowercase());
                types.iter().for_each(|definition| answer.user_type(definition));
            }
        }
        DescribeTarget::Functions => {
            answer.with_statement = false;
            for keyspace in current_keyspaces(context)? {
                answer.functions(&keyspace, |_| true);
            }
        }
        DescribeTarget::Aggregates => {
            answer.with_statement = false;
            for keyspace in current_keyspaces(context)? {
                answer.aggregates(&keyspace, |_| true);
            }
        }
        DescribeTarget::Schema { full } => {
            for keyspace in
                all_keyspaces(context).iter().filter(|keyspace| *full || !is_system_keyspace(&keyspace.name))
            {
                answer.whole_keyspace(keyspace);
            }
        }
        DescribeTarget::Keyspace { only, name } => {
            let name = name.as_ref().map(|name| name.as_str()).or(context.keyspace).ok_or_else(no_keyspace)?;
            let keyspace = find_keyspace(context, name)?;
            if *only {
                answer.keyspace(&keyspace);
            } else {
                answer.whole_keyspace(&keyspace);
            }
        }
        DescribeTarget::Table(name) => {
            let keyspace = keyspace_of(context, name)?;
            match keyspace.tables.get(name.name.as_str()).filter(|table| table.view.is_none()) {
                Some(table) => answer.table(&keyspace, table),
                None => return refuse(format!("Table '{}' not found in keyspace '{}'", name.name, keyspace.name)),
            }
        }
        DescribeTarget::Type(name) => {
            let keyspace = keyspace_of(context, name)?;
            match keyspace.types.get(name.name.as_str()) {
                Some(definition) => answer.user_type(definition),
                None => return refuse(format!("User defined type '{}' not found in '{}'", name.name, keyspace.name)),
            }
        }
        DescribeTarget::Index(name) => {
            let keyspace = keyspace_of(context, name)?;
            let Some((table, index)) = find_index(&keyspace, name.name.as_str()) else {
                return refuse(format!("Table for existing index '{}' not found in '{}'", name.name, keyspace.name));
            };
            answer.index(table, index);
        }
        DescribeTarget::View(name) => {
            let keyspace = keyspace_of(context, name)?;
            match keyspace.tables.get(name.name.as_str()).and_then(|table| Some((table, table.view.as_deref()?))) {
                Some((table, view)) => answer.view(table, view),
                None => {
                    return refuse(format!("Materialized view '{}' not found in '{}'", name.name, keyspace.name));
                }
            }
        }
        DescribeTarget::Function(name) => {
            let keyspace = function_keyspace(context, name)?;
            answer.functions(&keyspace, |found| found == name.name.as_str());
            if answer.rows.is_empty() {
                return refuse(format!("User defined function '{}' not found in '{}'", name.name, keyspace.name));
            }
        }
        DescribeTarget::Aggregate(name) => {
            let keyspace = function_keyspace(context, name)?;
            answer.aggregates(&keyspace, |found| found == name.name.as_str());
            if answer.rows.is_empty() {
                return refuse(format!("User defined aggregate '{}' not found in '{}'", name.name, keyspace.name));
            }
        }
        DescribeTarget::Generic(name) => generic(context, name, &mut answer)?,
    }
    Ok(answer.finish(context))
}

fn refuse<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

fn no_keyspace() -> QueryError {
    QueryError::invalid("No keyspace specified and no current keyspace")
}

/// What the signatures of functions are sorted by, as all other names: without quotes, in any case.
fn unquoted(signature: &str) -> String {
    signature.replace('"', "").to_lowercase()
}

/// Users' and system keyspaces, by name.
fn all_keyspaces(context: &DescribeContext<'_>) -> Vec<Arc<Keyspace>> {
    let mut all: Vec<Arc<Keyspace>> =
        context.schema.keyspaces.values().chain(definitions().keyspaces()).cloned().collect();
    all.sort_by_key(|keyspace| keyspace.name.to_lowercase());
    all
}

/// The keyspace in use, or all.
fn current_keyspaces(context: &DescribeContext<'_>) -> Result<Vec<Arc<Keyspace>>, QueryError> {
    match context.keyspace {
        Some(name) => Ok(vec![find_keyspace(context, name)?]),
        None => Ok(all_keyspaces(context)),
    }
}

fn find_keyspace(context: &DescribeContext<'_>, name: &str) -> Result<Arc<Keyspace>, QueryError> {
    let found = context.schema.keyspace(name).or_else(|| definitions().keyspace(name));
    found.cloned().ok_or_else(|| QueryError::invalid(format!("'{name}' not found in keyspaces")))
}

fn keyspace_of(context: &DescribeContext<'_>, name: &QualifiedName) -> Result<Arc<Keyspace>, QueryError> {
    let keyspace =
        name.keyspace.as_ref().map(|keyspace| keyspace.as_str()).or(context.keyspace).ok_or_else(no_keyspace)?;
    find_keyspace(context, keyspace)
}

fn function_keyspace(context: &DescribeContext<'_>, name: &FunctionName) -> Result<Arc<Keyspace>, QueryError> {
    let keyspace =
        name.keyspace.as_ref().map(|keyspace| keyspace.as_str()).or(context.keyspace).ok_or_else(no_keyspace)?;
    find_keyspace(context, keyspace)
}

/// A bare name: a keyspace, else a table of the keyspace in use.
fn generic(context: &DescribeContext<'_>, name: &QualifiedName, answer: &mut Answer) -> Result<(), QueryError> {
    if name.keyspace.is_none()
        && let Ok(keyspace) = find_keyspace(context, name.name.as_str())
    {
        answer.whole_keyspace(&keyspace);
        return Ok(());
    }
    let keyspace = name.keyspace.as_ref().map(|keyspace| keyspace.as_str()).or(context.keyspace);
    let Some(keyspace) = keyspace else { return refuse(format!("'{}' not found in keyspaces", name.name)) };
    let keyspace = find_keyspace(context, keyspace)?;
    match keyspace.tables.get(name.name.as_str()) {
        Some(table) => match table.view.as_deref() {
            Some(view) => answer.view(table, view),
            None => answer.table(&keyspace, table),
        },
        None => match find_index(&keyspace, name.name.as_str()) {
            Some((table, index)) => answer.index(table, index),
            None => return refuse(format!("'{}' not found in keyspace '{}'", name.name, keyspace.name)),
        },
    }
    Ok(())
}

struct Answer {
    rows: Vec<Vec<Vec<u8>>>,
    with_statement: bool,
    internals: bool,
}

impl Answer {
    fn push(&mut self, keyspace: &str, kind: &str, name: &str, statement: impl FnOnce() -> String) {
        self.push_as(keyspace, kind, maybe_quote(name).to_string(), statement);
    }

    fn push_as(&mut self, keyspace: &str, kind: &str, name: String, statement: impl FnOnce() -> String) {
        let mut row = vec![maybe_quote(keyspace).as_bytes().to_vec(), kind.as_bytes().to_vec(), name.into_bytes()];
        if self.with_statement {
            row.push(statement().into_bytes());
        }
        self.rows.push(row);
    }

    fn keyspace(&mut self, keyspace: &Keyspace) {
        self.push(&keyspace.name, "keyspace", &keyspace.name, || create::keyspace(keyspace));
    }

    fn table(&mut self, keyspace: &Keyspace, table: &Table) {
        let internals = self.internals;
        self.push(&table.keyspace, "table", &table.name, || create::table(table, internals));
        if self.with_statement {
            let mut indexes: Vec<&Index> = table.indexes.iter().collect();
            indexes.sort_by_key(|index| index.name.to_lowercase());
            indexes.iter().for_each(|index| self.index(table, index));
            self.views(keyspace, |view| view.base == table.id);
        }
    }

    fn index(&mut self, table: &Table, index: &Index) {
        self.push(&table.keyspace, "index", &index.name, || create::index(table, index));
    }

    /// The views of a keyspace that are wanted, by name.
    fn views(&mut self, keyspace: &Keyspace, wanted: impl Fn(&ViewDefinition) -> bool) {
        let views = keyspace.tables.values().filter_map(|table| Some((table, table.view.as_deref()?)));
        let mut views: Vec<_> = views.filter(|(_, view)| wanted(view)).collect();
        views.sort_by_key(|(table, _)| table.name.to_lowercase());
        views.iter().for_each(|(table, view)| self.view(table, view));
    }

    fn view(&mut self, table: &Table, view: &ViewDefinition) {
        let internals = self.internals;
        self.push(&table.keyspace, "materialized_view", &table.name, || create::view(table, view, internals));
    }

    fn user_type(&mut self, definition: &UdtDefinition) {
        self.push(&definition.keyspace, "type", &definition.name, || create::user_type(definition));
    }

    /// The functions of these names, by name and types.
    fn functions(&mut self, keyspace: &Keyspace, wanted: impl Fn(&str) -> bool) {
        let found = keyspace.functions.iter().filter(|function| wanted(&function.name));
        let named = |function: &FunctionDefinition| {
            create::function_name(&function.name, function.arguments.iter().map(|(_, ty)| ty))
        };
        let mut found: Vec<_> = found.map(|function| (named(function), function)).collect();
        found.sort_by_key(|(name, _)| unquoted(name));
        for (name, function) in found {
            self.push_as(&function.keyspace, "function", name, || create::function(function));
        }
    }

    fn aggregates(&mut self, keyspace: &Keyspace, wanted: impl Fn(&str) -> bool) {
        let found = keyspace.aggregates.iter().filter(|aggregate| wanted(&aggregate.name));
        let named = |aggregate: &AggregateDefinition| create::function_name(&aggregate.name, &aggregate.argument_types);
        let mut found: Vec<_> = found.map(|aggregate| (named(aggregate), aggregate)).collect();
        found.sort_by_key(|(name, _)| unquoted(name));
        for (name, aggregate) in found {
            self.push_as(&aggregate.keyspace, "aggregate", name, || create::aggregate(aggregate));
        }
    }

    fn tables(&mut self, keyspace: &Keyspace) {
        let mut tables: Vec<&Arc<Table>> = keyspace.tables.values().filter(|table| table.view.is_none()).collect();
        tables.sort_by_key(|table| table.name.to_lowercase());
        tables.iter().for_each(|table| self.table(keyspace, table));
    }

    /// A keyspace and what is in it: types before those that use them.
    fn whole_keyspace(&mut self, keyspace: &Keyspace) {
        self.keyspace(keyspace);
        let mut told: BTreeSet<&str> = BTreeSet::new();
        while told.len() < keyspace.types.len() {
            let ready: Vec<&Arc<UdtDefinition>> = keyspace
                .types
                .values()
                .filter(|definition| !told.contains(definition.name.as_str()))
                .filter(|definition| {
                    keyspace.types.values().all(|other| {
                        other.name == definition.name
                            || told.contains(other.name.as_str())
                            || !definition.fields.iter().any(|(_, ty)| ty.references_udt(&keyspace.name, &other.name))
                    })
                })
                .collect();
            // Types cannot use each other in a circle; should they, they are told in any order.
            let ready = if ready.is_empty() {
                keyspace.types.values().filter(|definition| !told.contains(definition.name.as_str())).collect()
            } else {
                ready
            };
            for definition in ready {
                self.user_type(definition);
                told.insert(&definition.name);
            }
        }
        self.functions(keyspace, |_| true);
        self.aggregates(keyspace, |_| true);
        self.tables(keyspace);
    }

    fn finish(self, context: &DescribeContext<'_>) -> Described {
        let mut names = vec!["keyspace_name", "type", "name"];
        if self.with_statement {
            names.push("create_statement");
        }
        let columns = names.into_iter().map(|name| column(name, CqlType::Text)).collect();
        Described { columns, rows: self.rows, version: context.schema.version() }
    }
}

fn column(name: &str, ty: CqlType) -> ColumnSpec {
    ColumnSpec { keyspace: "system".into(), table: "describe".into(), name: name.to_owned(), ty }
}

fn cluster(context: &DescribeContext<'_>) -> Described {
    let mut columns: Vec<ColumnSpec> =
        ["cluster", "partitioner", "snitch"].into_iter().map(|name| column(name, CqlType::Text)).collect();
    let mut row: Vec<Vec<u8>> = [context.cluster_name, "Murmur3Partitioner", context.snitch]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    if context.keyspace.is_some() {
        let list = CqlType::list(CqlType::Text, true);
        columns.push(column("range_ownership", CqlType::map(CqlType::Text, list, false)));
        let mut ranges = CollectionBuilder::default();
        for (token, replicas) in context.range_ownership {
            ranges.push_entry(token.as_bytes(), &encode_list(replicas.iter().map(String::as_bytes)));
        }
        row.push(ranges.finish());
    }
    Described { columns, rows: vec![row], version: context.schema.version() }
}
