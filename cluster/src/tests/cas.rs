//! Conditional writes of a lone node, and its registers.

use std::sync::Arc;

use helenus_cql_protocol::notation::Value as Bound;
use helenus_engine::disk_memory::{Faults, MemoryDisk};
use helenus_engine::engine::JobProgress;
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::PartitionWriter;
use helenus_model::row::{CellRef, DeletionTime, RowHeader};
use helenus_model::schema::Table;

use super::World;
use crate::cas::ballot::Ballot;
use crate::cas::register::RegisterStep;
use crate::cas::wire::{Answer, Value};

fn world(disk: &MemoryDisk) -> World {
    let mut world = World::new(disk.clone());
    let made = "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
    assert_eq!(world.query(made, &[]), "SchemaChange");
    assert_eq!(world.query("CREATE TABLE k.t (a text PRIMARY KEY, v text)", &[]), "SchemaChange");
    world
}

#[test]
fn conditional_writes_answer_what_they_found() {
    let disk = MemoryDisk::new();
    let mut world = world(&disk);
    let (yes, no) = ("\\u{1}", "\\0");
    let mut check = |text: &str, expected: &str| assert_eq!(world.query(text, &[]), expected, "{text}");
    check("INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS", yes);
    check("INSERT INTO k.t (a, v) VALUES ('p', '2') IF NOT EXISTS", &format!("{no},p,1"));
    check("UPDATE k.t SET v = '2' WHERE a = 'p' IF v = '1'", yes);
    check("UPDATE k.t SET v = '3' WHERE a = 'p' IF v = '1'", &format!("{no},2"));
    check(
        "BEGIN BATCH UPDATE k.t SET v = '3' WHERE a = 'p' IF v = '2'; UPDATE k.t SET v = '3' WHERE a = 'p' IF v != 'x'; APPLY BATCH",
        yes,
    );
    check("DELETE FROM k.t WHERE a = 'p' IF v = '3'", yes);
    check("UPDATE k.t SET v = '4' WHERE a = 'p' IF EXISTS", no);
    check("SELECT v FROM k.t WHERE a = 'p'", "");
    check("INSERT INTO k.t (a, v) VALUES ('p', '5') IF NOT EXISTS", yes);
    drop(world);
    let mut world = World::new(disk);
    assert_eq!(world.query("SELECT v FROM k.t", &[]), "5", "after a restart from the log");
    let updated = world.query("UPDATE k.t SET v = ? WHERE a = 'p' IF v = '5'", &[Bound::Bytes(b"6")]);
    assert_eq!(updated, yes);
}

#[test]
fn nothing_is_told_before_the_device_has_it() {
    let mut world = world(&MemoryDisk::new());
    world.holds_log_syncs = true;
    world.send("INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS", &[]);
    world.pump();
    assert!(matches!(world.client.next_response(), Ok(None)), "the promise is not on the device");
    assert!(world.coordinator.waits_for_sync(), "in periodic mode, too");
    world.holds_log_syncs = false;
    world.pump();
    assert!(matches!(world.client.next_response(), Ok(Some(_))));
}

/// A value that writes `v`.
fn value(table: &Table, origin: Ballot, text: &[u8]) -> Value {
    let header = RowHeader::of_statement(origin.micros, 0, 0, true);
    let mut row = Vec::new();
    header.encode(&mut row);
    let column = table.column("v").expect("a column").id;
    CellRef::live(column, origin.micros, text).encode(&header, &mut row);
    let mut partition = Vec::new();
    let mut writer = PartitionWriter::begin(&mut partition, DeletionTime::LIVE, None);
    writer.row(&[], &row);
    writer.end();
    let mut mutation = Vec::new();
    encode_mutation(&mut mutation, b"p", &[(table.id, &partition)]);
    Value { origin, before: Vec::new(), mutation }
}

#[test]
fn a_register_keeps_its_promises() {
    let disk = MemoryDisk::new();
    let world = world(&disk);
    let table: Arc<Table> = Arc::clone(world.member.shared.view.load().schema().table("k", "t").expect("a table"));
    let base = world.now.wall_micros;
    let at = |micros: i64| Ballot::new(base + micros, 7);
    let check = |world: &World| {
        let step =
            |ballot| RegisterStep { shared: &world.member.shared, table: &table, key: b"p", ballot, now: world.now };
        let promised = |accepted, decided| Answer::Promised { accepted, decided };
        let (first, second) = (value(&table, at(10), b"1"), value(&table, at(30), b"2"));
        let prepare = |micros| step(at(micros)).prepare().expect("a step");
        let accept = |micros, value: &Value| step(at(micros)).accept(value).expect("a step").0;
        assert_eq!(prepare(10).0, promised(None, None));
        assert!(prepare(10).1.is_some(), "the same ballot may ask again");
        assert_eq!(prepare(9), (Answer::Refused(at(10)), None));
        let rival = step(Ballot::new(base + 10, 8)).prepare().expect("a step").0;
        assert_eq!(rival, Answer::Refused(at(10)), "of one time only the first");
        assert_eq!(accept(9, &first), Answer::Refused(at(10)));
        assert_eq!(accept(10, &first), Answer::Accepted);
        assert_eq!(prepare(20).0, promised(Some((at(10), first.clone())), None));
        assert_eq!(accept(10, &first), Answer::Refused(at(20)));
        step(at(10)).commit(&first, true).expect("a commit");
        assert_eq!(prepare(30).0, promised(None, Some((at(10), first.clone()))));
        assert_eq!(accept(30, &second), Answer::Accepted);
        step(at(10)).commit(&first, true).expect("told twice");
        assert_eq!(prepare(40).0, promised(Some((at(30), second.clone())), Some((at(10), first))));
        step(at(30)).commit(&second, true).expect("a commit");
    };
    check(&world);
    world.member.shared.engine.log_flush().expect("the log can be written");
    drop(world);
    let mut world = World::new(disk);
    let step = |ballot| RegisterStep { shared: &world.member.shared, table: &table, key: b"p", ballot, now: world.now };
    let (answer, _) = step(at(39)).prepare().expect("a step");
    assert_eq!(answer, Answer::Refused(at(40)), "it outlives the process");
    let (answer, _) = step(at(50)).prepare().expect("a step");
    assert_eq!(answer, Answer::Promised { accepted: None, decided: Some((at(30), value(&table, at(30), b"2"))) });
    assert_eq!(world.query("SELECT v FROM k.t WHERE a = 'p'", &[]), "2");
}

#[test]
fn a_register_that_is_not_in_memory_is_read_elsewhere() {
    let disk = MemoryDisk::new();
    let mut first = world(&disk);
    assert_eq!(first.query("INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS", &[]), "\\u{1}");
    let engine = Arc::clone(&first.member.shared.engine);
    let registers = helenus_query::system_tables::definitions().table("system", "paxos").expect("a table").id;
    engine.flush(registers);
    while let Some(mut job) = engine.next_job(first.now) {
        while let JobProgress::More { .. } = job.run_slice(&engine, u64::MAX, first.now).expect("the disk works") {}
    }
    drop((first, engine));
    let mut world = World::new(disk.clone());
    disk.set_faults(Faults { cold_reads_every: 1, ..Faults::default() });
    // Nothing is read on the coordinator's thread: only the task brings the register into the cache.
    assert_eq!(world.query("UPDATE k.t SET v = '2' WHERE a = 'p' IF v = '1'", &[]), "\\u{1}");
    assert_eq!(world.query("SELECT v FROM k.t WHERE a = 'p'", &[]), "2");
}
