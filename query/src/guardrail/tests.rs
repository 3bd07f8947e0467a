//! Guardrails of schema statements: a setting, a statement, and what is said.

use std::collections::BTreeMap;

use helenus_model::schema::{Schema, SchemaChange};
use uuid::Uuid;

use super::{Guardrails, Threshold};
use crate::ddl::{DdlContext, DdlPlan};
use crate::prepare::{NoSystemTables, PrepareContext};

fn run(
    text: &str,
    schema: &Schema,
    guardrails: Option<&Guardrails>,
) -> Result<(Vec<SchemaChange>, Vec<String>), String> {
    let context = PrepareContext { schema, keyspace: Some("ks"), local: &NoSystemTables };
    let parsed = helenus_cql::parse(text).expect(text);
    let plan = DdlPlan::of(&parsed.statement, &context).map_err(|error| error.to_string())?;
    let datacenters = BTreeMap::from([("datacenter1".to_owned(), 9)]);
    let context = DdlContext {
        schema,
        new_table_id: Uuid::from_u128(u128::from(schema.epoch) + 100),
        now_micros: 1,
        datacenters: &datacenters,
        default_replication_factor: 1,
        user_functions_enabled: true,
        materialized_views_enabled: true,
        drop_compact_storage_enabled: true,
    };
    let outcome = match guardrails {
        None => plan.outcome(&context),
        Some(guardrails) => plan.guarded_outcome(&context, guardrails),
    };
    outcome.map(|outcome| (outcome.changes, outcome.warnings)).map_err(|error| error.to_string())
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    let statements = [
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE t (k int PRIMARY KEY, a int, b int)",
        "CREATE INDEX ia ON t (a)",
        "CREATE TYPE u (a int)",
    ];
    for (epoch, statement) in statements.iter().enumerate() {
        let (changes, _) = run(statement, &schema, None).expect(statement);
        schema = schema.apply(epoch as u64 + 1, &changes).expect(statement);
    }
    schema
}

/// What is said: the warnings, or the refusal behind "!".
fn said(set: fn(&mut Guardrails), statement: &str) -> String {
    said_of(&schema(), set, statement)
}

fn said_of(schema: &Schema, set: fn(&mut Guardrails), statement: &str) -> String {
    let mut guardrails = Guardrails::default();
    set(&mut guardrails);
    match run(statement, schema, Some(&guardrails)) {
        Ok((_, warnings)) => warnings.join(" | "),
        Err(refusal) => format!("!{refusal}"),
    }
}

const WARN_1: Threshold = Threshold { warn: Some(1), fail: None };
const FAIL_1: Threshold = Threshold { warn: Some(1), fail: Some(1) };

#[test]
fn what_is_said_of_schema_statements() {
    let keyspace = "CREATE KEYSPACE k2 WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}";
    let plain = "CREATE TABLE t2 (k int PRIMARY KEY, a int, b int)";
    let windows = "CREATE TABLE t2 (k int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy'}";
    type Line<'l> = (fn(&mut Guardrails), &'l str, &'l str);
    let table: &[Line<'_>] = &[
        (|_| {}, keyspace, ""),
        (
            |g| g.keyspaces = WARN_1,
            keyspace,
            "Guardrail keyspaces violated: Creating keyspace k2, current number of keyspaces 2 exceeds warning threshold of 1.",
        ),
        (
            |g| g.keyspaces = FAIL_1,
            keyspace,
            "!Guardrail keyspaces violated: Cannot have more than 1 keyspaces, aborting the creation of keyspace k2",
        ),
        (
            |g| g.maximum_replication_factor = WARN_1,
            keyspace,
            "Guardrail maximum_replication_factor violated: The keyspace k2 has a replication factor of 3, above the warning threshold of 1.",
        ),
        (
            |g| g.minimum_replication_factor.fail = Some(5),
            keyspace,
            "!Guardrail minimum_replication_factor violated: The keyspace k2 has a replication factor of 3, below the failure threshold of 5.",
        ),
        (
            |g| g.simplestrategy_enabled = false,
            keyspace,
            "!Guardrail simplestrategy violated: SimpleStrategy is not allowed",
        ),
        (
            |g| g.tables = WARN_1,
            plain,
            "Guardrail tables violated: Creating table t2, current number of tables 2 exceeds warning threshold of 1.",
        ),
        (
            |g| g.tables = FAIL_1,
            plain,
            "!Guardrail tables violated: Cannot have more than 1 tables, aborting the creation of table t2",
        ),
        (|g| g.tables = FAIL_1, "CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)", ""),
        (
            |g| g.columns_per_table = WARN_1,
            plain,
            "Guardrail columns_per_table violated: The table t2 has 3 columns, this exceeds the warning threshold of 1.",
        ),
        (
            |g| g.columns_per_table = FAIL_1,
            "ALTER TABLE t ADD c int",
            "!Guardrail columns_per_table violated: Tables cannot have more than 1 columns, but 4 provided for table t",
        ),
        (
            |g| g.secondary_indexes_per_table = FAIL_1,
            "CREATE INDEX ib ON t (b)",
            "!Guardrail secondary_indexes_per_table violated: Tables cannot have more than 1 secondary indexes, aborting the creation of secondary index ib",
        ),
        (
            |g| g.secondary_indexes_enabled = false,
            "CREATE INDEX ib ON t (b)",
            "!Guardrail secondary_indexes violated: Creating secondary indexes is not allowed",
        ),
        (
            |g| g.fields_per_udt = FAIL_1,
            "ALTER TYPE u ADD b int",
            "!Guardrail fields_per_udt violated: User types cannot have more than 1 columns, but 2 provided for user type u.",
        ),
        (
            |g| g.vector_dimensions = FAIL_1,
            "CREATE TABLE t2 (k int PRIMARY KEY, v vector<float, 3>)",
            "!Guardrail vector_dimensions violated: Column v has a vector of 3 dimensions, this exceeds the failure threshold of 1.",
        ),
        (
            |g| g.alter_table_enabled = false,
            "ALTER TABLE t DROP b",
            "!Guardrail alter_table violated: ALTER TABLE changing columns is not allowed",
        ),
        (|g| g.alter_table_enabled = false, "ALTER TABLE t WITH comment = 'x'", ""),
        (
            |g| g.drop_truncate_table_enabled = false,
            "DROP TABLE t",
            "!Guardrail drop_truncate_table_enabled violated: DROP and TRUNCATE TABLE functionality is not allowed",
        ),
        (
            |g| g.drop_keyspace_enabled = false,
            "DROP KEYSPACE ks",
            "!Guardrail drop_keyspace_enabled violated: DROP KEYSPACE functionality is not allowed",
        ),
        (
            |g| g.compact_tables_enabled = false,
            "CREATE TABLE t2 (k int PRIMARY KEY, v int) WITH COMPACT STORAGE",
            "!Guardrail compact_tables violated: Creation of new COMPACT STORAGE tables is not allowed",
        ),
        (
            |g| g.uncompressed_tables_enabled = false,
            "ALTER TABLE t WITH compression = {'enabled': 'false'}",
            "!Guardrail uncompressed_tables_enabled violated: Uncompressed table is not allowed",
        ),
        (
            |g| {
                g.table_properties.disallowed.insert("comment".to_owned());
            },
            "ALTER TABLE t WITH comment = 'x'",
            "!Guardrail table_properties violated: Provided values [comment] are not allowed for Table Properties (disallowed values are: [comment])",
        ),
        (
            |g| {
                g.table_properties.warned.insert("comment".to_owned());
            },
            "ALTER TABLE t WITH comment = 'x'",
            "Guardrail table_properties violated: Provided values [comment] are not recommended for Table Properties (warned values are: [comment])",
        ),
        (
            |g| {
                g.table_properties_ignored.insert("comment".to_owned());
            },
            "ALTER TABLE t WITH comment = 'x'",
            "Guardrail table_properties violated: Ignoring provided values [comment] as they are not supported for Table Properties (ignored values are: [comment])",
        ),
        (|g| g.zero_ttl_on_twcs_warned = false, windows, ""),
        (
            |g| g.vector_type_enabled = false,
            "CREATE TABLE t2 (k int PRIMARY KEY, v frozen<list<vector<float, 2>>>)",
            "!Guardrail vector_type_enabled violated: Column v is not allowed",
        ),
        (
            |g| g.vector_type_enabled = false,
            "ALTER TYPE u ADD x vector<float, 2>",
            "!Guardrail vector_type_enabled violated: Field x is not allowed",
        ),
    ];
    for (set, statement, expected) in table {
        assert_eq!(said(*set, statement), *expected, "{statement}");
    }
    assert!(
        said(|_| {}, windows)
            .starts_with("Guardrail zero_ttl_on_twcs violated: 0 default_time_to_live on a table with")
    );
    assert!(said(|g| g.zero_ttl_on_twcs_enabled = false, windows).starts_with("!Guardrail zero_ttl_on_twcs violated"));
}

#[test]
fn what_is_said_of_views() {
    let view = "CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE k IS NOT NULL AND b IS NOT NULL PRIMARY KEY (b, k)";
    let (changes, _) = run(view, &schema(), None).expect(view);
    let schema = schema().apply(9, &changes).expect(view);
    type Line<'l> = (fn(&mut Guardrails), &'l str, &'l str);
    let table: &[Line<'_>] = &[
        (
            |g| g.materialized_views_per_table = WARN_1,
            "CREATE MATERIALIZED VIEW v2 AS SELECT * FROM t WHERE k IS NOT NULL AND a IS NOT NULL PRIMARY KEY (a, k)",
            "Guardrail materialized_views_per_table violated: Creating materialized view v2 on table t, current number of views 2 exceeds warning threshold of 1. | Materialized views are experimental and are not recommended for production use.",
        ),
        (
            |g| g.materialized_views_per_table = FAIL_1,
            "CREATE MATERIALIZED VIEW v2 AS SELECT * FROM t WHERE k IS NOT NULL AND a IS NOT NULL PRIMARY KEY (a, k)",
            "!Guardrail materialized_views_per_table violated: Tables cannot have more than 1 materialized views, aborting the creation of materialized view v2 on table t",
        ),
        (
            |g| g.tables = FAIL_1,
            "CREATE MATERIALIZED VIEW v2 AS SELECT * FROM t WHERE k IS NOT NULL AND a IS NOT NULL PRIMARY KEY (a, k)",
            "Materialized views are experimental and are not recommended for production use.",
        ),
        (
            |g| {
                g.table_properties.disallowed.insert("comment".to_owned());
            },
            "CREATE MATERIALIZED VIEW v2 AS SELECT * FROM t WHERE k IS NOT NULL AND a IS NOT NULL PRIMARY KEY (a, k) WITH comment = 'x'",
            "!Guardrail table_properties violated: Provided values [comment] are not allowed for Table Properties (disallowed values are: [comment])",
        ),
        (
            |g| {
                g.table_properties_ignored.insert("comment".to_owned());
            },
            "ALTER MATERIALIZED VIEW v WITH comment = 'x' AND gc_grace_seconds = 10",
            "Guardrail table_properties violated: Ignoring provided values [comment] as they are not supported for Table Properties (ignored values are: [comment])",
        ),
        (
            |g| g.tables = WARN_1,
            "CREATE TABLE t2 (k int PRIMARY KEY)",
            "Guardrail tables violated: Creating table t2, current number of tables 2 exceeds warning threshold of 1.",
        ),
    ];
    for (set, statement, expected) in table {
        assert_eq!(said_of(&schema, *set, statement), *expected, "{statement}");
    }
}
