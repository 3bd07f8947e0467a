//! Schema statements one after the other: the event each tells and what stands in the schema then.

use std::collections::BTreeMap;

use helenus_model::schema::{Column, ColumnKind, Schema, SortOrder, Table};
use uuid::Uuid;

use super::{DdlContext, DdlOutcome};
use crate::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use crate::system_tables::definitions;

const NOW_MICROS: i64 = 77;

struct World {
    schema: Schema,
    datacenters: BTreeMap<String, usize>,
    default_replication_factor: u32,
}

impl World {
    fn new() -> Self {
        let datacenters = BTreeMap::from([("east".to_owned(), 3), ("west".to_owned(), 2)]);
        World { schema: Schema::default(), datacenters, default_replication_factor: 1 }
    }

    /// Executes a statement; answers its event and warnings.
    fn execute(&mut self, text: &str) -> String {
        let context = PrepareContext { schema: &self.schema, keyspace: Some("ks"), local: &NoSystemTables };
        let outcome = prepare(text, &context).and_then(|prepared| match &prepared.statement {
            Statement::Ddl(plan) => plan.outcome(&DdlContext {
                schema: &self.schema,
                new_table_id: Uuid::from_u128(u128::from(self.schema.epoch) + 1),
                now_micros: NOW_MICROS,
                datacenters: &self.datacenters,
                default_replication_factor: self.default_replication_factor,
                user_functions_enabled: true,
                materialized_views_enabled: true,
                drop_compact_storage_enabled: true,
            }),
            other => panic!("{other:?}"),
        });
        let DdlOutcome { changes, event, warnings, written_types: _ } = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return format!("error: {error}"),
        };
        if !changes.is_empty() {
            self.schema = self.schema.apply(self.schema.epoch + 1, &changes).expect("changes that fit");
        }
        let event = event.map_or_else(
            || "nothing".to_owned(),
            |event| format!("{} {} {} {}", event.kind.name(), event.target.name(), event.keyspace, event.name),
        );
        warnings.iter().fold(event.trim_end().to_owned(), |text, warning| format!("{text} | {warning}"))
    }

    #[track_caller]
    fn check(&mut self, text: &str, expected: &str) {
        assert_eq!(self.execute(text), expected, "{text}");
    }

    #[track_caller]
    fn check_table(&self, name: &str, expected: &str) {
        let table = self.schema.table("ks", name).expect("the table");
        assert_eq!(print_table(table), expected);
    }

    #[track_caller]
    fn check_replication(&self, expected: &str) {
        let keyspace = self.schema.keyspace("ks").expect("the keyspace");
        let map = keyspace.replication.to_map();
        let text: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(format!("{} {}", text.join(" "), keyspace.durable_writes), expected);
    }
}

/// `partition key | clustering | name#id type …` and, behind a slash, the dropped columns.
fn print_table(table: &Table) -> String {
    let key = |column: &Column| {
        let descending = column.order == SortOrder::Descending;
        format!("{} {}{}", column.name, column.ty, if descending { " desc" } else { "" })
    };
    let value = |column: &Column| {
        let kind = if column.kind == ColumnKind::Static { " static" } else { "" };
        format!("{}#{} {}{kind}", column.name, column.id, column.ty)
    };
    let join = |parts: Vec<String>| parts.join(", ");
    let mut text = format!(
        "{} | {} | {}",
        join(table.partition_key.iter().map(key).collect()),
        join(table.clustering.iter().map(key).collect()),
        join(table.statics.iter().chain(&table.regulars).map(value).collect())
    );
    for dropped in &table.dropped {
        text.push_str(&format!(" / {} {}@{}", dropped.name, dropped.ty, dropped.dropped_at));
    }
    text
}

#[test]
fn replication_is_expanded() {
    let mut world = World::new();
    world.check(
        "CREATE KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3} AND durable_writes = false",
        "CREATED KEYSPACE ks | Your replication factor 3 for keyspace ks is higher than the number of nodes 2 for datacenter west",
    );
    let class = "class=org.apache.cassandra.locator.NetworkTopologyStrategy";
    world.check_replication(&format!("{class} east=3 west=3 false"));
    world.check(
        "ALTER KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', 'west': 1, 'replication_factor': 2}",
        "UPDATED KEYSPACE ks",
    );
    world.check_replication(&format!("{class} east=3 west=1 false"));
    world.check(
        "ALTER KEYSPACE ks WITH replication = {'class': 'org.apache.cassandra.locator.NetworkTopologyStrategy', 'east': 2} AND durable_writes = true",
        "UPDATED KEYSPACE ks",
    );
    world.check_replication(&format!("{class} east=2 true"));
    world.check(
        "ALTER KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', 'east': 0, 'west': 1}",
        "UPDATED KEYSPACE ks",
    );
    world.check_replication(&format!("{class} west=1 true"));
    world.check(
        "ALTER KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 9}",
        "UPDATED KEYSPACE ks | Your replication factor 9 for keyspace ks is higher than the number of nodes 5 | When increasing replication factor you need to run a full (-full) repair to distribute the data.",
    );
    world.check("ALTER KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy'}", "UPDATED KEYSPACE ks | Your replication factor 9 for keyspace ks is higher than the number of nodes 3 for datacenter east | Your replication factor 9 for keyspace ks is higher than the number of nodes 2 for datacenter west | When increasing replication factor you need to run a full (-full) repair to distribute the data.");
    world.check_replication(&format!("{class} east=9 west=9 true"));
    world.check("CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy'}", "nothing");
    world.check("DROP KEYSPACE ks", "DROPPED KEYSPACE ks");
    world.check("DROP KEYSPACE IF EXISTS ks", "nothing");
    world.check("DROP TABLE system_auth.roles", "error: Cannot DROP <table system_auth.roles>");
    world.check("ALTER TABLE system.local ADD x int", "error: system keyspace is not user-modifiable.");
    world.check("DROP KEYSPACE system_schema", "error: system_schema keyspace is not user-modifiable.");
}

#[test]
fn tables_evolve_and_remember() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.check(
        "CREATE TABLE t (z int, k int, a text, b int, v int, s int static, PRIMARY KEY ((k, z), a, b)) WITH CLUSTERING ORDER BY (a DESC)",
        "CREATED TABLE ks t",
    );
    world.check_table("t", "k int, z int | a text desc, b int | s#0 int static, v#1 int");
    world.check("ALTER TABLE t ADD (x list<int>, y text static)", "UPDATED TABLE ks t");
    world.check("ALTER TABLE t DROP v", "UPDATED TABLE ks t");
    world.check_table(
        "t",
        "k int, z int | a text desc, b int | s#0 int static, y#3 text static, x#2 list<int> / v int@77",
    );
    world.check("ALTER TABLE t ADD v int", "UPDATED TABLE ks t");
    world.check("ALTER TABLE t ADD IF NOT EXISTS v int", "nothing");
    world.check("ALTER TABLE t DROP v USING TIMESTAMP 5", "UPDATED TABLE ks t");
    world.check("ALTER TABLE t DROP IF EXISTS v", "nothing");
    world.check("ALTER TABLE t ADD v int", "UPDATED TABLE ks t");
    world.check("ALTER TABLE t DROP (x, y)", "UPDATED TABLE ks t");
    world.check("ALTER TABLE t RENAME k TO kk AND b TO bb", "UPDATED TABLE ks t");
    world.check_table(
        "t",
        "kk int, z int | a text desc, bb int | s#0 int static, v#1 int / v int@5 / x list<int>@77 / y text@77",
    );
    let first = world.schema.table("ks", "t").expect("the table").id;
    world.check("DROP TABLE t", "DROPPED TABLE ks t");
    world.check("DROP TABLE IF EXISTS t", "nothing");
    world.check("CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)", "CREATED TABLE ks t");
    assert_ne!(world.schema.table("ks", "t").expect("the table").id, first);
    world.check("CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)", "nothing");
    world.check(
        "CREATE TABLE u (k int PRIMARY KEY) WITH id = 5a1c395e-b41f-11e5-9f22-ba0be0483c18",
        "CREATED TABLE ks u",
    );
    let id = world.schema.table("ks", "u").expect("the table").id;
    assert_eq!(id.to_string(), "5a1c395e-b41f-11e5-9f22-ba0be0483c18");
}

/// A class says what a user-defined type is like; it must be like that.
#[test]
fn a_class_names_a_type_that_is_there() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.execute("CREATE TYPE i (x list<int>)");
    world.execute("CREATE TYPE t (a int, i frozen<i>)");
    let inner = "i:FrozenType(UserType(ks,69,78:ListType(Int32Type)))".replacen('i', "69", 1);
    let right = format!("UserType(ks,74,61:Int32Type,{inner})");
    let mut number = 0;
    let mut check = |class: &str, is_taken: bool| {
        for (before, behind) in [("CREATE TABLE", "(k int PRIMARY KEY, v"), ("CREATE TYPE", "(v")] {
            number += 1;
            let statement = format!("{before} n{number} {behind} '{class}')");
            let answer = world.execute(&statement);
            if is_taken {
                assert!(answer.starts_with("CREATED"), "{statement}: {answer}");
            } else {
                assert!(answer.contains("no type") && answer.contains("is defined like this"), "{statement}: {answer}");
            }
        }
    };
    check(&format!("FrozenType({right})"), true);
    check(&format!("ListType({right})"), true);
    for wrong in [
        // Another field's type, fewer fields, another field's name, another keyspace, no such type, one inside that is not like that.
        format!("UserType(ks,74,61:UTF8Type,{inner})"),
        "UserType(ks,74,61:Int32Type)".to_owned(),
        format!("UserType(ks,74,62:Int32Type,{inner})"),
        format!("UserType(other,74,61:Int32Type,{inner})"),
        format!("UserType(ks,75,61:Int32Type,{inner})"),
        "UserType(ks,74,61:Int32Type,69:FrozenType(UserType(ks,69,78:ListType(LongType))))".to_owned(),
    ] {
        check(&format!("FrozenType({wrong})"), false);
        check(&format!("MapType(Int32Type,TupleType({wrong}))"), false);
    }
    let add = format!("ALTER TYPE t ADD b 'FrozenType({right})'");
    assert!(world.execute(&add).contains("would create a circular reference"), "{add}");
}

#[test]
fn an_id_has_one_owner() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.execute("CREATE TABLE t (k int PRIMARY KEY, v int)");
    world.execute("CREATE INDEX i ON t (v)");
    let table = world.schema.table("ks", "t").expect("the table");
    let paxos = definitions().table("system", "paxos").expect("a table of the system").id;
    for (id, owner) in [(table.id, "ks.t"), (table.indexes[0].id, "the index ks.i"), (paxos, "system.paxos")] {
        let refused = format!("error: Table id {id} is that of {owner} already");
        world.check(&format!("CREATE TABLE u (k int PRIMARY KEY) WITH id = {id}"), &refused);
        let view = format!(
            "CREATE MATERIALIZED VIEW w AS SELECT * FROM t WHERE k IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, k) WITH id = {id}"
        );
        world.check(&view, &refused);
    }
}

#[test]
fn options_are_kept_in_cassandras_spelling() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.check(
        "CREATE TABLE t (k int PRIMARY KEY) WITH comment = 'c' AND gc_grace_seconds = 5 AND default_time_to_live = 60 AND bloom_filter_fp_chance = 0.1 AND cdc = 'yes' AND speculative_retry = 'min(10ms, 50p)' AND read_repair = 'none'",
        "CREATED TABLE ks t",
    );
    let params = |world: &World| world.schema.table("ks", "t").expect("the table").params.clone();
    let made = params(&world);
    assert_eq!((made.comment.as_str(), made.gc_grace_seconds, made.default_time_to_live), ("c", 5, 60));
    assert_eq!((made.bloom_filter_fp_chance, made.cdc), (0.1, true));
    assert_eq!((made.speculative_retry.as_str(), made.read_repair.as_str()), ("MIN(50p,10ms)", "NONE"));
    for (option, expected) in [
        (
            "compaction = {'class': 'LeveledCompactionStrategy'}",
            "class=org.apache.cassandra.db.compaction.LeveledCompactionStrategy max_threshold=32 min_threshold=4",
        ),
        (
            "compaction = {'class': 'UnifiedCompactionStrategy'}",
            "class=org.apache.cassandra.db.compaction.UnifiedCompactionStrategy",
        ),
        (
            "compaction = {'class': 'SizeTieredCompactionStrategy', 'max_threshold': 64, 'tombstone_threshold': 0.5}",
            "class=org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy max_threshold=64 min_threshold=4 tombstone_threshold=0.5",
        ),
        ("compression = {'enabled': 'false'}", "enabled=false"),
        (
            "compression = {'class': 'ZstdCompressor'}",
            "chunk_length_in_kb=16 class=org.apache.cassandra.io.compress.ZstdCompressor",
        ),
        (
            "compression = {'class': 'SnappyCompressor', 'chunk_length_in_kb': 64}",
            "chunk_length_in_kb=64 class=org.apache.cassandra.io.compress.SnappyCompressor",
        ),
        ("caching = {'keys': 'none'}", "keys=NONE rows_per_partition=NONE"),
        ("caching = {'rows_per_partition': 5}", "keys=NONE rows_per_partition=5"),
    ] {
        world.check(&format!("ALTER TABLE t WITH {option}"), "UPDATED TABLE ks t");
        let params = params(&world);
        let map = match option.split(' ').next() {
            Some("compaction") => params.compaction,
            Some("compression") => params.compression,
            _ => params.caching,
        };
        let text: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(text.join(" "), expected, "{option}");
    }
    for (policy, expected) in
        [("50PERCENTILE", "50p"), ("10.5ms", "10ms"), ("NONE", "NEVER"), ("always", "ALWAYS"), ("99.5p", "99.5p")]
    {
        world.execute(&format!("ALTER TABLE t WITH speculative_retry = '{policy}'"));
        assert_eq!(params(&world).speculative_retry, expected);
    }
}

#[test]
fn indexes_come_and_go_with_their_tables() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.execute("CREATE TABLE t (k int PRIMARY KEY, v int, m map<text, int>)");
    world.check("CREATE INDEX ON t (v)", "UPDATED TABLE ks t");
    world.check("CREATE INDEX IF NOT EXISTS ON t (v)", "nothing");
    world.check("CREATE INDEX ON t (keys(m))", "UPDATED TABLE ks t");
    world.check("CREATE INDEX ON t (m)", "UPDATED TABLE ks t");
    let names = |world: &World| {
        let table = world.schema.table("ks", "t").expect("the table");
        table
            .indexes
            .iter()
            .map(|index| format!("{} {}", index.name, index.target_text()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(names(&world), "t_m_idx keys(m), t_m_idx_1 values(m), t_v_idx v");
    world.check("ALTER TABLE t ADD w int", "UPDATED TABLE ks t");
    assert_eq!(names(&world), "t_m_idx keys(m), t_m_idx_1 values(m), t_v_idx v", "other changes leave them");
    world.check("DROP INDEX t_m_idx", "UPDATED TABLE ks t");
    assert_eq!(names(&world), "t_m_idx_1 values(m), t_v_idx v");
    world.check("CREATE INDEX ON t (w) USING 'sai'", "error: not supported yet: indexes of class sai");
    world.check("DROP TABLE t", "DROPPED TABLE ks t");
    world.check("DROP INDEX t_v_idx", "error: Index 'ks.t_v_idx' doesn't exist'");
}

#[test]
fn types_reach_the_tables_that_use_them() {
    let mut world = World::new();
    world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    world.check("CREATE TYPE inner (a int)", "CREATED TYPE ks inner");
    world.check("CREATE TYPE outer (i frozen<inner>, l list<int>)", "CREATED TYPE ks outer");
    world.check("CREATE TABLE t (k int PRIMARY KEY, o frozen<outer>)", "CREATED TABLE ks t");
    world.check("ALTER TYPE inner ADD b text", "UPDATED TYPE ks inner");
    let table = world.schema.table("ks", "t").expect("the table");
    let class = table.column("o").expect("the column").ty.java_class();
    assert!(class.contains(":org.apache.cassandra.db.marshal.UTF8Type"), "{class}");
    world.check("ALTER TYPE inner RENAME b TO c", "UPDATED TYPE ks inner");
    world.check("DROP TYPE inner", "error: Cannot drop user type 'ks.inner' as it is still used by user types outer");
    world.check("DROP TYPE outer", "error: Cannot drop user type 'ks.outer' as it is still used by tables t");
    world.check("DROP TABLE t", "DROPPED TABLE ks t");
    world.check("DROP TYPE outer", "DROPPED TYPE ks outer");
    world.check("DROP TYPE inner", "DROPPED TYPE ks inner");
    world.check("DROP TYPE IF EXISTS inner", "nothing");
}

#[test]
fn the_default_replication_factor_is_configured() {
    let mut world = World { default_replication_factor: 2, ..World::new() };
    world.check("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy'}", "CREATED KEYSPACE ks");
    world.check_replication("class=org.apache.cassandra.locator.SimpleStrategy replication_factor=2 true");
    world.check("DROP KEYSPACE ks", "DROPPED KEYSPACE ks");
    world.check("CREATE KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy'}", "CREATED KEYSPACE ks");
    world.check_replication("class=org.apache.cassandra.locator.NetworkTopologyStrategy east=2 west=2 true");
}

/// The column that holds the values of a compact table stays: without it nobody could read them any more.
#[test]
fn values_of_compact_tables_are_not_dropped() {
    let lines = [
        ("k int, c int, v int, PRIMARY KEY (k, c)", "v", "which holds the values of a COMPACT STORAGE table"),
        ("k int, c int, PRIMARY KEY (k, c)", "value", "which holds the values of a COMPACT STORAGE table"),
        ("k int PRIMARY KEY, v int", "value", "which holds the values of a COMPACT STORAGE table"),
        ("k int PRIMARY KEY, v int, w int", "v", ""),
    ];
    for (columns, dropped, refusal) in lines {
        let mut world = World::new();
        world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        world.check(&format!("CREATE TABLE t ({columns}) WITH COMPACT STORAGE"), "CREATED TABLE ks t");
        let refused = format!("error: Cannot drop column {dropped}, {refusal}");
        let expected = if refusal.is_empty() { "UPDATED TABLE ks t" } else { refused.as_str() };
        world.check(&format!("ALTER TABLE t DROP {dropped}"), expected);
    }
}

/// Columns of compact tables have their kinds and companions; without COMPACT STORAGE nothing of it is hidden.
#[test]
fn compact_storage_is_dropped() {
    let lines = [
        ("k int PRIMARY KEY, v int", "k int | column1 text | v#0 int static, value#1 blob", "v"),
        ("k int, c int, v int, PRIMARY KEY (k, c)", "k int | c int | v#0 int", "c v"),
        ("k int, a int, b int, PRIMARY KEY (k, a, b)", "k int | a int, b int | value#0 empty", "a b"),
        ("k int, value int, PRIMARY KEY (k, value)", "k int | value int | value1#0 empty", "value"),
        ("k int PRIMARY KEY, n counter", "k int | column1 text | n#0 counter static, value#1 counter", "n"),
    ];
    for (columns, expected, visible) in lines {
        let mut world = World::new();
        world.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        world.check(&format!("CREATE TABLE t ({columns}) WITH COMPACT STORAGE"), "CREATED TABLE ks t");
        world.check_table("t", expected);
        let names = |world: &World| {
            let table = world.schema.table("ks", "t").expect("the table");
            table.visible_columns().skip(1).map(|column| column.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&world), visible);
        world.check("ALTER TABLE t DROP COMPACT STORAGE", "UPDATED TABLE ks t");
        world.check_table("t", expected);
        let table = world.schema.table("ks", "t").expect("the table");
        assert_eq!(table.visible_columns().count(), table.columns().count());
        world.check(
            "ALTER TABLE t DROP COMPACT STORAGE",
            "error: Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE",
        );
    }
}
