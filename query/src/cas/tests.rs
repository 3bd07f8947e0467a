//! Conditions against a partition, and the rows of refused writes. (What Cassandra answers to many hundred statements stands in
//! `cluster-tests/python/answers/lwt.cql`; here are the rules that decide which rows are read and told.)

use helenus_model::mutation::MutationRef;
use helenus_model::partition::{Item, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::read::{ColumnFilter, ReadCommand, Slice};
use helenus_model::rng::Rng;
use helenus_model::schema::Schema;
use uuid::Uuid;

use super::{CasBuilder, CasRequest};
use crate::ddl::DdlContext;
use crate::error::QueryError;
use crate::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use crate::sink::RowCollector;
use crate::values::{ExecuteOptions, NoValues, SteppingIds};
use crate::write::WriteBatch;

const NOW: i64 = 1_700_000_000;

struct World {
    schema: Schema,
    ids: SteppingIds,
}

impl World {
    fn new() -> Self {
        let mut world = World { schema: Schema::default(), ids: SteppingIds::new(7, Rng::new(1)) };
        world.ddl("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        world.ddl("CREATE TABLE t (k int, c int, s int static, v int, l list<int>, PRIMARY KEY (k, c))");
        world
    }

    fn context(&self) -> PrepareContext<'_> {
        PrepareContext { schema: &self.schema, keyspace: Some("k"), local: &NoSystemTables }
    }

    fn ddl(&mut self, text: &str) {
        let Statement::Ddl(plan) = prepare(text, &self.context()).expect(text).statement else { panic!("{text}") };
        let datacenters = [("dc".to_owned(), 1)].into();
        let context = DdlContext {
            schema: &self.schema,
            new_table_id: Uuid::from_u128(9),
            now_micros: 1,
            datacenters: &datacenters,
            default_replication_factor: 1,
            user_functions_enabled: true,
            materialized_views_enabled: true,
            drop_compact_storage_enabled: true,
        };
        let outcome = plan.outcome(&context).expect(text);
        self.schema = self.schema.apply(self.schema.epoch + 1, &outcome.changes).expect(text);
    }

    fn options(&self) -> ExecuteOptions<'_> {
        ExecuteOptions { timestamp: 5, now: NOW, now_millis: NOW * 1000, ids: &self.ids }
    }

    /// What these statements leave in partition 1.
    fn partition(&self, statements: &[&str]) -> Vec<u8> {
        let mut write = WriteBatch::new();
        for text in statements {
            let Statement::Write(plan) = prepare(text, &self.context()).expect(text).statement else {
                panic!("{text}")
            };
            plan.bind(&NoValues, &self.options(), &mut write).expect(text);
        }
        write.finish();
        let mutation = write.mutations().next().map(|mutation| mutation.bytes.to_vec());
        let mutation = mutation.unwrap_or_default();
        if mutation.is_empty() {
            return Vec::new();
        }
        MutationRef::new(&mutation).updates().next().expect("an update").1.to_vec()
    }

    fn request(&self, statements: &[&str]) -> Result<CasRequest, QueryError> {
        let mut plans = Vec::new();
        for text in statements {
            let Statement::Write(plan) = prepare(text, &self.context())?.statement else { panic!("{text}") };
            plans.push(plan);
        }
        let mut cas = CasBuilder::new(statements.len() > 1, plans.iter().any(|plan| plan.reads_current()), None);
        let mut write = WriteBatch::new();
        for plan in &plans {
            cas.add(plan, &NoValues, &self.options(), &mut write)?;
        }
        write.finish();
        Ok(cas.finish(&write, NOW).expect("there are statements"))
    }

    /// `ok`, or the columns and rows of the refusal, or the error.
    fn answer(&self, partition: &[u8], statements: &[&str]) -> String {
        let request = match self.request(statements) {
            Ok(request) => request,
            Err(error) => return error.to_string(),
        };
        let read = as_read(partition, &request.read_command());
        let current = (!read.is_empty()).then(|| PartitionRef::new(&read));
        match request.applies(current.as_ref()) {
            Err(error) => error.to_string(),
            Ok(true) => match request.written(current.as_ref(), &self.ids) {
                Ok(Some(mutation)) if statements.iter().any(|text| reads_current(text)) => {
                    format!("ok: {}", written_cells(&mutation))
                }
                Ok(_) => "ok".to_owned(),
                Err(error) => error.to_string(),
            },
            Ok(false) => {
                let mut sink = RowCollector::default();
                let columns = request.refusal(current.as_ref(), &mut sink);
                let names: Vec<&str> = columns.iter().skip(1).map(|column| column.name.as_str()).collect();
                let value = |value: &Option<Vec<u8>>| match value.as_deref().map(<[u8; 4]>::try_from) {
                    None => "null".to_owned(),
                    Some(Ok(bytes)) => i32::from_be_bytes(bytes).to_string(),
                    Some(Err(_)) => "…".to_owned(),
                };
                let row = |row: &Vec<Option<Vec<u8>>>| row.iter().skip(1).map(value).collect::<Vec<_>>().join(",");
                format!("{}: {}", names.join(","), sink.rows.iter().map(row).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn reads_current(text: &str) -> bool {
    ["SET l[", "DELETE l[", "l = l - ", "v = v + "].iter().any(|part| text.contains(part))
}

/// What a mutation does to elements of lists, or else to other columns of rows: `=5` or `-` for each cell, by row.
fn written_cells(mutation: &[u8]) -> String {
    let (_, update) = MutationRef::new(mutation).updates().next().expect("an update");
    let rows = PartitionRef::new(update).items().filter_map(|item| match item {
        Item::Unfiltered(Unfiltered::Row { row, .. }) => Some(row),
        _ => None,
    });
    let cell = |cell: helenus_model::row::CellRef<'_>| match <[u8; 4]>::try_from(cell.value) {
        Ok(bytes) => format!("={}", i32::from_be_bytes(bytes)),
        Err(_) => "-".to_owned(),
    };
    let row = |row: helenus_model::row::RowRef<'_>| {
        let of_lists = row.cells().any(|cell| cell.path.is_some());
        row.cells().filter(|cell| cell.path.is_some() == of_lists).map(cell).collect::<Vec<_>>().join(",")
    };
    rows.map(row).collect::<Vec<_>>().join(" ")
}

/// What a read finds of a partition: rows of its slices, as many as it wants.
fn as_read(partition: &[u8], command: &ReadCommand) -> Vec<u8> {
    let mut out = Vec::new();
    if partition.is_empty() {
        return out;
    }
    let partition = PartitionRef::new(partition);
    let static_row = partition.static_row.map(|row| row.bytes());
    let mut writer = PartitionWriter::begin(&mut out, partition.deletion, static_row);
    let mut left = command.limits.rows;
    for item in partition.items() {
        let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item else { continue };
        let wanted = command
            .slices
            .iter()
            .any(|slice| slice.as_prefix().is_none_or(|prefix| prefix.is_empty() || prefix == clustering));
        if wanted && left > 0 {
            writer.row(clustering, row.bytes());
            left -= 1;
        }
    }
    writer.end();
    out
}

#[test]
fn conditions_decide_and_refusals_tell_what_was_read() {
    let world = World::new();
    let full = world.partition(&[
        "INSERT INTO t (k, c, s, v) VALUES (1, 1, 7, 10)",
        "UPDATE t SET v = 20, l = [4, 5] WHERE k = 1 AND c = 2",
    ]);
    let statics = world.partition(&["INSERT INTO t (k, s) VALUES (1, 7)"]);
    let rows = world.partition(&["INSERT INTO t (k, c) VALUES (1, 1)"]);
    let nothing = Vec::new();
    for (partition, statements, expected) in [
        (&nothing, &["INSERT INTO t (k, c, v) VALUES (1, 1, 1) IF NOT EXISTS"][..], "ok"),
        // Statics are told where one is written or looked at.
        (&full, &["INSERT INTO t (k, c, v) VALUES (1, 1, 1) IF NOT EXISTS"], "k,c,s,l,v: 1,1,null,null,10"),
        (&full, &["INSERT INTO t (k, c, s) VALUES (1, 1, 1) IF NOT EXISTS"], "k,c,s,l,v: 1,1,7,null,10"),
        (&statics, &["INSERT INTO t (k, s) VALUES (1, 1) IF NOT EXISTS"], "k,c,s,l,v: 1,null,7,null,null"),
        (&rows, &["INSERT INTO t (k, s) VALUES (1, 1) IF NOT EXISTS"], "ok"),
        (&rows, &["UPDATE t SET s = 1 WHERE k = 1 IF EXISTS"], "k,c,s,l,v: 1,1,null,null,null"),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 3 IF EXISTS"], ": "),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 2 IF v = 20 AND l[1] = 5"], "ok"),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 2 IF l[1] = 6 AND v = 20"], "l,v: …,20"),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF s = 8 AND v = 10"], "v,s: 10,7"),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF l = null"], "ok"),
        (
            &full,
            &["UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF v > null"],
            "Invalid comparison with null for operator \">\"",
        ),
        (&statics, &["UPDATE t SET s = 1 WHERE k = 1 IF s IN (6, 8)"], "s: 7"),
        (
            &full,
            &["UPDATE t SET v = 1 WHERE k = 1 AND c IN (1, 2) IF v = 1"],
            "IN on the clustering key columns is not supported with conditional updates",
        ),
        (
            &full,
            &["DELETE FROM t WHERE k IN (1, 2) AND c = 1 IF v = 1"],
            "IN on the partition key is not supported with conditional deletions",
        ),
        // Batches: one row that does not fit refuses all, and every row is told.
        (
            &full,
            &[
                "UPDATE t SET v = 1 WHERE k = 1 AND c = 2 IF v = 21",
                "UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF v = 10",
            ],
            "k,c,v: 1,1,10 1,2,20",
        ),
        (&full, &["UPDATE t SET v = 1 WHERE k = 1 AND c = 2 IF v = 20", "INSERT INTO t (k, c) VALUES (1, 3)"], "ok"),
        (
            &full,
            &["INSERT INTO t (k, c) VALUES (1, 3) IF NOT EXISTS", "UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF v = 1"],
            "k,c,s,l,v: 1,1,null,null,10",
        ),
        (
            &full,
            &["INSERT INTO t (k, c) VALUES (1, 3) IF NOT EXISTS", "UPDATE t SET v = 1 WHERE k = 1 AND c = 3 IF v = 1"],
            "Cannot mix IF conditions and IF NOT EXISTS for the same row",
        ),
        (
            &full,
            &["INSERT INTO t (k, c) VALUES (1, 3) IF NOT EXISTS", "UPDATE t SET v = 1 WHERE k = 2 AND c = 3"],
            "Batch with conditions cannot span multiple partitions",
        ),
        // Elements of lists: of the row that was read for the conditions.
        (&full, &["UPDATE t SET l[1] = 9 WHERE k = 1 AND c = 2 IF v = 20"], "ok: =9"),
        (&full, &["DELETE l[0] FROM t WHERE k = 1 AND c = 2 IF EXISTS"], "ok: -"),
        (&full, &["UPDATE t SET l = l - [4, 5, 6] WHERE k = 1 AND c = 2 IF EXISTS"], "ok: -,-"),
        (&full, &["UPDATE t SET l[0] = 9, l[1] = 8 WHERE k = 1 AND c = 2 IF l[0] = 4"], "ok: =9,=8"),
        (&full, &["UPDATE t SET l[0] = 9 WHERE k = 1 AND c = 2 IF v = 1"], "v: 20"),
        (
            &full,
            &["UPDATE t SET l[2] = 9 WHERE k = 1 AND c = 2 IF EXISTS"],
            "List index 2 out of bound, list has size 2",
        ),
        (
            &full,
            &["UPDATE t SET l[0] = 9 WHERE k = 1 AND c = 1 IF EXISTS"],
            "Attempted to set an element on a list which is null",
        ),
        (
            &full,
            &["UPDATE t SET l[0] = 1 WHERE k = 1 AND c = 2", "UPDATE t SET v = 1 WHERE k = 1 AND c = 2 IF v = 20"],
            "ok: =1",
        ),
        // Sums: of the row that was read for the conditions, also where these are of static columns only.
        (&full, &["UPDATE t SET v = v + 1 WHERE k = 1 AND c = 2 IF v = 20"], "ok: =21"),
        (&full, &["UPDATE t SET v = v + 1 WHERE k = 1 AND c = 2 IF s = 7"], "ok: =21"),
        (&full, &["UPDATE t SET v = v + 1, s = s + 2 WHERE k = 1 AND c = 1 IF EXISTS"], "ok: =11"),
        (&full, &["UPDATE t SET v = v + 1, v = v + 5 WHERE k = 1 AND c = 1 IF EXISTS"], "ok: =16"),
        (&full, &["UPDATE t SET v = v + 1 WHERE k = 1 AND c = 3 IF v = null"], "ok"),
        (&full, &["UPDATE t SET v = v + null WHERE k = 1 AND c = 3 IF v = null"], "ok"),
        (
            &full,
            &["UPDATE t SET v = v + null WHERE k = 1 AND c = 2 IF EXISTS"],
            "Invalid null value in an addition to v",
        ),
        (
            &full,
            &[
                "UPDATE t SET v = v + 1 WHERE k = 1 AND c = 2 IF EXISTS",
                "UPDATE t SET v = v + 5 WHERE k = 1 AND c = 2 IF EXISTS",
            ],
            "ok: =25",
        ),
        // What is wrong with what is written is told when the conditions hold.
        (&full, &["UPDATE t USING TTL -1 SET v = 1 WHERE k = 1 AND c = 1 IF v = 11"], "v: 10"),
        (
            &full,
            &["UPDATE t USING TTL -1 SET v = 1 WHERE k = 1 AND c = 1 IF v = 10"],
            "A TTL must be greater or equal to 0, but was -1",
        ),
        // INSERT JSON is an INSERT.
        (&nothing, &["INSERT INTO t JSON '{\"k\": 1, \"c\": 1, \"v\": 3}' IF NOT EXISTS"], "ok"),
        (&full, &["INSERT INTO t JSON '{\"k\": 1, \"c\": 1, \"v\": 3}' IF NOT EXISTS"], "k,c,s,l,v: 1,1,7,null,10"),
    ] {
        assert_eq!(world.answer(partition, statements), expected, "{statements:?}");
    }
}

#[test]
fn the_read_is_of_the_rows_and_columns_that_decide() {
    let world = World::new();
    let read = |statement| world.request(&[statement]).expect(statement).read_command();
    let ids = |names: &[&str]| -> ColumnFilter {
        let table = world.schema.table("k", "t").expect("a table");
        let mut ids: Vec<u16> = names.iter().filter_map(|name| table.column(name)).map(|column| column.id).collect();
        ids.sort_unstable();
        ColumnFilter::Only(ids.into())
    };
    // A row of no marker is there by any of its columns.
    let row = read("UPDATE t SET v = 1 WHERE k = 1 AND c = 1 IF v = 2");
    assert_eq!((&row.columns, row.slices.len(), row.limits.rows), (&ids(&["v", "l"]), 1, u32::MAX));
    // A partition that has rows but no static one is there by its first row.
    let sum = read("UPDATE t SET v = v + 1 WHERE k = 1 AND c = 3 IF s = 2");
    assert_eq!((sum.slices, sum.limits.rows), (vec![Slice::of_prefix(&[5, 0, 0, 0, 3])], u32::MAX));
    let statics = read("UPDATE t SET s = 1 WHERE k = 1 IF s = 2");
    assert_eq!((&statics.columns, statics.slices.len(), statics.limits.rows), (&ids(&["s"]), 1, 1));
}
