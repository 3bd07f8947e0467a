//! Statements and what Apache Cassandra 5.0.6 answered to them, one after the other on one schema.
//!
//! ```text
//! > statement             executed
//! ? statement             prepared: the bind slots and the routing markers are compared
//! ok | warning            what Cassandra answered, or a code and a message; `…` at the end: only what stands before counts
//! ! reason                a line like this behind an answer: ours differs, and is this
//! ```

use std::collections::BTreeMap;

use helenus_model::rng::Rng;
use helenus_model::schema::Schema;
use uuid::Uuid;

use crate::ddl::DdlContext;
use crate::error::QueryError;
use crate::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use crate::values::{ExecuteOptions, NoValues, SteppingIds};
use crate::write::{ListRows, WriteBatch};

const NOW_SECONDS: i64 = 1_700_000_000;

/// A schema and what executes statements on it.
struct World {
    schema: Schema,
    keyspace: Option<String>,
    ids: SteppingIds,
    tables_made: u128,
}

impl World {
    fn new() -> Self {
        World { schema: Schema::default(), keyspace: None, ids: SteppingIds::new(7, Rng::new(1)), tables_made: 0 }
    }

    fn context(&self) -> PrepareContext<'_> {
        PrepareContext { schema: &self.schema, keyspace: self.keyspace.as_deref(), local: &NoSystemTables }
    }

    fn execute(&mut self, text: &str) -> Result<String, QueryError> {
        let prepared = prepare(text, &self.context())?;
        let options = ExecuteOptions { timestamp: 1, now: NOW_SECONDS, now_millis: NOW_SECONDS * 1000, ids: &self.ids };
        let mut batch = WriteBatch::new();
        match &prepared.statement {
            Statement::Use(name) => self.keyspace = Some(name.clone()),
            // Nothing was written before: every list that would be read is empty.
            Statement::Write(plan) => plan.bind_with(&NoValues, &options, Some(&ListRows::default()), &mut batch)?,
            Statement::Batch(plan) => plan.bind(&NoValues, &options, &mut batch)?,
            Statement::Ddl(plan) => {
                self.tables_made += 1;
                let datacenters = BTreeMap::from([("datacenter1".to_owned(), 1)]);
                let context = DdlContext {
                    schema: &self.schema,
                    new_table_id: Uuid::from_u128(self.tables_made),
                    now_micros: NOW_SECONDS * 1_000_000,
                    datacenters: &datacenters,
                    default_replication_factor: 1,
                    user_functions_enabled: true,
                    materialized_views_enabled: true,
                    drop_compact_storage_enabled: false,
                };
                let outcome = plan.outcome(&context)?;
                assert_eq!(outcome.changes.is_empty(), outcome.event.is_none(), "{text}");
                let next = self.schema.apply(self.schema.epoch + 1, &outcome.changes);
                self.schema = next.expect("the changes of a statement fit its schema");
                return Ok(outcome
                    .warnings
                    .iter()
                    .fold("ok".to_owned(), |text, warning| format!("{text} | {warning}")));
            }
            _ => {}
        }
        batch.finish();
        for mutation in batch.mutations() {
            let checked = helenus_model::mutation::MutationRef::validate(mutation.bytes);
            assert!(checked.is_ok(), "{text}: {checked:?}");
        }
        Ok("ok".to_owned())
    }

    fn prepare(&self, text: &str) -> Result<String, QueryError> {
        let prepared = prepare(text, &self.context())?;
        let slots: Vec<String> = prepared.binds.iter().map(|slot| format!("{} {}", slot.name, slot.ty)).collect();
        let routing = match &prepared.partition_key_binds {
            Some(markers) => format!("{markers:?}"),
            None => "None".to_owned(),
        };
        Ok(format!("ok {} {routing}", slots.join(", ")))
    }
}

fn error_text(error: &QueryError) -> String {
    let code = match error {
        QueryError::Syntax(_) => "2000",
        QueryError::Invalid(_) => "2200",
        QueryError::Unauthorized(_) => "2100",
        QueryError::Config(_) => "2300",
        QueryError::AlreadyExists { .. } => "2400",
        QueryError::FunctionFailure { .. } => "1400",
        QueryError::Protocol(_) => "000A",
        QueryError::Server(_) => "0000",
    };
    format!("{code} {error}")
}

/// Runs a file of statements; answers those that came out otherwise, as the file would have to say it.
fn differences(file: &str) -> Vec<String> {
    let mut world = World::new();
    let mut lines = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).peekable();
    let mut wrong = Vec::new();
    while let Some(line) = lines.next() {
        let Some((kind, text)) = line.split_at_checked(2) else { continue };
        let answer = if kind == "> " { world.execute(text) } else { world.prepare(text) };
        let answer = answer.unwrap_or_else(|error| error_text(&error));
        let mut expected = lines.next().unwrap_or_default();
        if let Some(ours) = lines.next_if(|line| line.starts_with("! ")) {
            expected = ours.get(2..).unwrap_or_default();
        }
        let same = match expected.strip_suffix('…') {
            Some(start) => answer.starts_with(start),
            None => answer == expected,
        };
        if !same {
            wrong.push(format!("{line}\n  expected {expected}\n  got      {answer}"));
        }
    }
    wrong
}

fn check(file: &str) {
    let wrong = differences(file);
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn data_statements_answer_as_cassandra_does() {
    check(include_str!("data.txt"));
}

#[test]
fn schema_statements_answer_as_cassandra_does() {
    check(include_str!("schema.txt"));
}
