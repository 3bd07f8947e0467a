//! Conditional writes of a lone node, its registers, and what a client hears when a decided write cannot be committed.

use std::sync::Arc;

use helenus_cql_protocol::notation::Value as Bound;
use helenus_cql_protocol::response::{ErrorKind, WriteType};
use helenus_engine::disk_memory::Faults;
use helenus_engine::engine::JobProgress;
use helenus_model::row::{CellRef, RowHeader};
use helenus_model::schema::Table;

use super::*;
use crate::cas::ballot::Ballot;
use crate::cas::register::RegisterStep;
use crate::cas::wire::{Answer, Value, ValueRef};

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
fn elements_of_lists_are_those_of_the_row_that_decides() {
    let mut world = world(&MemoryDisk::new());
    world.query("CREATE TABLE k.l (a text, b text, l list<text>, v text, PRIMARY KEY (a, b))", &[]);
    world.query("INSERT INTO k.l (a, b, l, v) VALUES ('p', '1', ['x', 'y', 'z'], '1')", &[]);
    let list = |world: &mut World| world.query("SELECT to_json(l), v FROM k.l WHERE a = 'p' AND b = '1'", &[]);
    let of = "WHERE a = 'p' AND b = '1'";
    let mut check = |text: &str, answer: &str, after: &str| {
        assert_eq!(world.query(text, &[]), answer, "{text}");
        assert_eq!(list(&mut world), after, "{text}");
    };
    let (yes, no) = ("\\u{1}", "\\0,1");
    check(&format!("UPDATE k.l SET l[1] = 'b' {of} IF v = '1'"), yes, r#"[\"x\", \"b\", \"z\"],1"#);
    check(&format!("UPDATE k.l SET l[1] = 'c' {of} IF v = '2'"), no, r#"[\"x\", \"b\", \"z\"],1"#);
}

/// What a register takes twice must not be more than the log takes once.
#[test]
fn a_write_as_large_as_may_be_is_committed() {
    let mut world = world(&MemoryDisk::new());
    let large = vec![b'v'; 12 << 20];
    let insert = "INSERT INTO k.t (a, v) VALUES ('p', ?) IF NOT EXISTS";
    assert_eq!(world.query(insert, &[Bound::Bytes(&large)]), "\\u{1}");
    assert_eq!(world.query("UPDATE k.t SET v = '2' WHERE a = 'p' IF EXISTS", &[]), "\\u{1}");
    assert_eq!(world.query("SELECT v FROM k.t WHERE a = 'p'", &[]), "2");
    let too_large = vec![b'v'; (16 << 20) - 200];
    let answer = world.query("UPDATE k.t SET v = ? WHERE a = 'p' IF EXISTS", &[Bound::Bytes(&too_large)]);
    assert!(answer.starts_with("Invalid: Rejected an oversized mutation ("), "{answer}");
    assert_eq!(world.query("UPDATE k.t SET v = '3' WHERE a = 'p' IF v = '2'", &[]), "\\u{1}");
}

/// The requests that have left for the other node: their ids, and whether they are for registers.
fn requests(world: &mut World) -> Vec<(u64, &'static str)> {
    sent(world, |message| {
        Some(match message {
            Message::CasPrepare { .. } => "prepare",
            Message::CasPropose { .. } => "propose",
            Message::CasCommit { .. } => "commit",
            Message::Read { .. } => "read",
            _ => "other",
        })
    })
}

/// The other node answers the one request of this kind.
fn reply(world: &mut World, kind: &str, message: &Message<'_>) {
    let asked: Vec<u64> = requests(world).iter().filter(|(_, asked)| *asked == kind).map(|(id, _)| *id).collect();
    let [id] = asked.as_slice() else { panic!("{} requests to {kind}", asked.len()) };
    let (mut frame, mut bytes) = (FrameBuilder::default(), Vec::new());
    frame.push(*id, message);
    frame.take_into(&mut bytes);
    world.coordinator.peer_received(OTHER_HOST, &bytes).expect("a frame");
    world.pump();
}

fn encoded(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    answer.encode(&mut bytes);
    bytes
}

/// Two replicas, the other one up.
fn two_replicas() -> World {
    let mut world = two_nodes(|_| ());
    let made = "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}";
    assert_eq!(world.query(made, &[]), "SchemaChange");
    world.query("CREATE TABLE k.t (a text PRIMARY KEY, v text)", &[]);
    let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
    world.coordinator.peer_up(&hello);
    requests(&mut world);
    world
}

/// Two replicas; the other one has accepted what a conditional write wants, this one's own acceptance waits for the device.
fn accepted_by_the_other(level: Consistency) -> World {
    let mut world = two_replicas();
    let query = "INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS";
    world.client.send(&Request::Query(Query { query, params: QueryParams::new(level) }), false);
    world.pump();
    let promised = encoded(&Answer::Promised { accepted: None, decided: None });
    reply(&mut world, "prepare", &Message::CasAnswer(&promised));
    world.holds_log_syncs = true;
    // Nothing is there: both have the same.
    let nothing = crate::answer::Answer::validate(&[0]).expect("an answer");
    let digest = crate::answer::digest(nothing, world.now.seconds(), 0, &mut Vec::new());
    reply(&mut world, "read", &Message::Digest(digest));
    reply(&mut world, "propose", &Message::CasAnswer(&encoded(&Answer::Accepted)));
    assert!(matches!(world.client.next_response(), Ok(None)), "a quorum is both of them");
    world
}

#[test]
fn a_decided_write_that_cannot_be_committed_is_told_to_be_decided() {
    for level in [Consistency::Quorum, Consistency::All, Consistency::Two, Consistency::One, Consistency::Any] {
        let mut world = accepted_by_the_other(level);
        world.coordinator.peer_down(OTHER_HOST);
        world.holds_log_syncs = false;
        world.pump();
        let Ok(Some(frame)) = world.client.next_response() else { panic!("{level}: no answer") };
        match (level, frame.response) {
            (Consistency::One | Consistency::Any, Response::Result(QueryResult::Rows(_))) => {}
            (_, Response::Error(error)) => {
                let decided = matches!(error.kind, ErrorKind::WriteTimeout { write_type: WriteType::Simple, .. });
                assert!(decided, "{level}: {error:?}");
            }
            (_, other) => panic!("{level}: {other:?}"),
        }
        assert_eq!(world.query("SELECT v FROM k.t WHERE a = 'p'", &[]), "1", "{level}: who is there has it");
    }
}

#[test]
fn nothing_is_told_before_the_device_has_it() {
    let mut world = world(&MemoryDisk::new());
    world.holds_log_syncs = true;
    world.send("INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS", &[]);
    world.pump();
    assert!(matches!(world.client.next_response(), Ok(None)), "the acceptance is not on the device");
    assert!(world.coordinator.awaited_sync().is_some(), "in periodic mode, too");
    let position = world.member.shared.engine.log_sync().expect("synced");
    world.coordinator.log_synced(position);
    assert!(world.coordinator.awaited_sync().is_none(), "the promise of the only register is not waited for apart");
    world.pump();
    assert!(matches!(world.client.next_response(), Ok(Some(_))));
}

#[test]
fn a_serial_read_goes_on_when_its_client_is_gone() {
    let mut world = two_replicas();
    let params = QueryParams::new(Consistency::Serial);
    world.client.send(&Request::Query(Query { query: "SELECT v FROM k.t WHERE a = 'p'", params }), false);
    world.pump();
    let promised = encoded(&Answer::Promised { accepted: None, decided: None });
    reply(&mut world, "prepare", &Message::CasAnswer(&promised));
    let gone = world.id;
    // Who comes later gets the number of an address that is nobody's any more.
    world.id = world.coordinator.open_client(([127, 0, 0, 9], 5000).into());
    world.coordinator.close_client(gone);
    reply(&mut world, "propose", &Message::CasAnswer(&encoded(&Answer::Accepted)));
    assert_eq!(world.coordinator.pending_operations(), 1, "settled, and reading");
    let late = world.coordinator.open_client(([127, 0, 0, 10], 5000).into());
    let nothing = crate::answer::Answer::validate(&[0]).expect("an answer");
    let digest = crate::answer::digest(nothing, world.now.seconds(), 0, &mut Vec::new());
    reply(&mut world, "read", &Message::Digest(digest));
    assert_eq!(world.coordinator.pending_operations(), 0);
    world.coordinator.close_client(late);
}

#[test]
fn one_of_several_registers_promises_when_the_device_has_it() {
    let mut world = two_replicas();
    world.holds_log_syncs = true;
    world.send("INSERT INTO k.t (a, v) VALUES ('p', '1') IF NOT EXISTS", &[]);
    world.pump();
    let promised = encoded(&Answer::Promised { accepted: None, decided: None });
    reply(&mut world, "prepare", &Message::CasAnswer(&promised));
    assert!(requests(&mut world).is_empty(), "the own promise is not on the device: nothing is read, nothing proposed");
    world.holds_log_syncs = false;
    world.pump();
    assert_eq!(requests(&mut world).iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), ["read"]);
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
        let prepare = |micros| step(at(micros)).prepare(true).expect("a step");
        let accept = |micros, value: &Value| step(at(micros)).accept(value).expect("a step").0;
        let commit = |micros, value: &Value| {
            let bytes = value.encode();
            step(at(micros)).commit(&ValueRef::decode(&bytes).expect("a value"), true)
        };
        assert_eq!(prepare(10).0, promised(None, None));
        assert!(prepare(10).1.is_some(), "the same ballot may ask again");
        assert_eq!(prepare(9), (Answer::Refused(at(10)), None));
        let rival = step(Ballot::new(base + 10, 8)).prepare(true).expect("a step").0;
        assert_eq!(rival, Answer::Refused(at(10)), "of one time only the first");
        assert_eq!(accept(9, &first), Answer::Refused(at(10)));
        assert_eq!(accept(10, &first), Answer::Accepted);
        assert_eq!(prepare(20).0, promised(Some((at(10), first.clone())), None));
        assert_eq!(accept(10, &first), Answer::Refused(at(20)));
        commit(10, &first).expect("a commit");
        assert_eq!(prepare(30).0, promised(None, Some((at(10), first.clone()))));
        assert_eq!(accept(30, &second), Answer::Accepted);
        commit(10, &first).expect("told twice");
        assert_eq!(prepare(40).0, promised(Some((at(30), second.clone())), Some((at(10), first))));
        commit(30, &second).expect("a commit");
    };
    check(&world);
    world.member.shared.engine.log_flush().expect("the log can be written");
    drop(world);
    let mut world = World::new(disk);
    let step = |ballot| RegisterStep { shared: &world.member.shared, table: &table, key: b"p", ballot, now: world.now };
    let (answer, _) = step(at(39)).prepare(true).expect("a step");
    assert_eq!(answer, Answer::Refused(at(40)), "it outlives the process");
    let (answer, _) = step(at(50)).prepare(true).expect("a step");
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
