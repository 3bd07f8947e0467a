//! Reads through an index whose replicas differ: this node coordinates and is one of two replicas, the test is the other with a store of
//! its own.

use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::Engine;
use helenus_model::read::ReadCommand;
use helenus_model::row::{CellRef, RowHeader};

use super::*;
use crate::answer::{Answer, AnswerWriter, digest};
use crate::message::Outcome;

struct Pair {
    world: World,
    other: Engine,
}

impl Pair {
    fn new(answer_bytes_max: u32) -> Self {
        let mut world = two_nodes(|config| {
            config.hints_enabled = false;
            config.answer_bytes_max = answer_bytes_max;
        });
        world.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}", &[]);
        world.query("CREATE TABLE k.t (a text PRIMARY KEY, b text)", &[]);
        world.query("CREATE INDEX ON k.t (b)", &[]);
        let schema = Arc::clone(world.member.shared.view.load().schema());
        let disk = Arc::new(MemoryDisk::new());
        let (other, _) = Engine::open(disk, EngineConfig::default(), schema, Vec::new(), world.now).expect("opens");
        while let Some(mut job) = other.next_job(world.now) {
            job.run_slice(&other, u64::MAX, world.now).expect("the index is built");
        }
        let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
        world.coordinator.peer_up(&hello);
        Pair { world, other }
    }

    /// Writes `b` of `a` here, there, or on both.
    fn put(&self, here: bool, there: bool, a: &str, b: &str, timestamp: i64) {
        let table = Arc::clone(self.world.member.shared.view.load().schema().table("k", "t").expect("made"));
        let column = table.column("b").expect("made").id;
        let header = RowHeader::of_statement(timestamp, 0, 0, true);
        let (mut row, mut update, mut mutation) = (Vec::new(), Vec::new(), Vec::new());
        header.encode(&mut row);
        CellRef::live(column, timestamp, b.as_bytes()).encode(&header, &mut row);
        let mut writer = PartitionWriter::begin(&mut update, DeletionTime::LIVE, None);
        writer.row(&[], &row);
        writer.end();
        encode_mutation(&mut mutation, a.as_bytes(), &[(table.id, &update)]);
        for (engine, wanted) in [(&self.world.member.shared.engine as &Engine, here), (&self.other, there)] {
            if wanted {
                engine.apply(&mutation, true).expect("applied");
            }
        }
    }

    /// Answers what was asked of the other replica; how many reads and writes that were.
    fn serve(&mut self) -> (usize, usize) {
        let mut bytes = Vec::new();
        for link in self.world.coordinator.take_dirty_links() {
            self.world.coordinator.link_output(link, &mut bytes);
        }
        let mut frame = FrameBuilder::default();
        let (mut reads, mut writes) = (0, 0);
        let mut rest = bytes.as_slice();
        while let Ok(Some((messages, length))) = split_frame(rest) {
            let mut reader = Reader::new(messages);
            while !reader.is_empty() {
                match Message::decode(&mut reader).expect("a message") {
                    (id, Message::Read { digest: wants_digest, command, .. }) => {
                        reads += 1;
                        let command = ReadCommand::decode(&mut Reader::new(command)).expect("a command");
                        let mut data = Vec::new();
                        let mut writer = AnswerWriter::of_read(&mut data, &command);
                        self.other.read(&command, ReadMode::UNBOUNDED, &mut writer).expect("read");
                        writer.finish();
                        let digest = digest(Answer::new(&data), command.now, 0, &mut Vec::new());
                        frame.push(id, &if wants_digest { Message::Digest(digest) } else { Message::Data(&data) });
                    }
                    (id, Message::Write { mutation, .. }) => {
                        writes += 1;
                        self.other.apply(mutation, true).expect("applied");
                        frame.push(id, &Message::Ack(Outcome::Done));
                    }
                    _ => {}
                }
            }
            rest = &rest[length..];
        }
        let mut bytes = Vec::new();
        frame.take_into(&mut bytes);
        if !bytes.is_empty() {
            self.world.coordinator.peer_received(OTHER_HOST, &bytes).expect("a frame");
        }
        (reads, writes)
    }

    /// The keys a statement finds at QUORUM, sorted, and how many writes repaired the other replica.
    fn keys(&mut self, query: &str) -> (String, usize) {
        let params = QueryParams::new(Consistency::Quorum);
        self.world.client.send(&Request::Query(Query { query, params }), false);
        let mut repairs = 0;
        for _ in 0..200 {
            self.world.pump();
            repairs += self.serve().1;
            if let Ok(Some(frame)) = self.world.client.next_response() {
                let Response::Result(QueryResult::Rows(rows)) = frame.response else {
                    panic!("{query}: {:?}", frame.response)
                };
                let key = |row: helenus_cql_protocol::response::Row<'_>| {
                    let key = row.values().next().flatten().unwrap_or_default();
                    String::from_utf8_lossy(key).into_owned()
                };
                let mut keys: Vec<String> = rows.iter().map(key).collect();
                keys.sort();
                return (keys.join(" "), repairs);
            }
        }
        panic!("{query}: no answer");
    }
}

#[test]
fn a_stale_replica_adds_and_hides_no_row() {
    for answer_bytes_max in [u32::MAX, 1, 30, 60] {
        check_a_stale_replica(answer_bytes_max);
    }
}

fn check_a_stale_replica(answer_bytes_max: u32) {
    let mut pair = Pair::new(answer_bytes_max);
    pair.put(true, true, "both", "x", 1);
    assert_eq!(pair.keys("SELECT a FROM k.t WHERE b = 'x'"), ("both".to_owned(), 0));
    // Overwritten there, missed here.
    pair.put(true, true, "gone", "x", 1);
    pair.put(false, true, "gone", "y", 2);
    // Written on one only.
    pair.put(false, true, "there", "x", 1);
    pair.put(true, false, "here", "x", 1);
    // Overwritten here, missed there.
    pair.put(true, true, "late", "y", 1);
    pair.put(true, false, "late", "x", 2);
    let (keys, repairs) = pair.keys("SELECT a FROM k.t WHERE b = 'x'");
    assert_eq!(keys, "both here late there");
    assert!(repairs >= 2, "the other replica lacked two rows");
    assert_eq!(pair.keys("SELECT a FROM k.t WHERE b = 'x'"), ("both here late there".to_owned(), 0));
    assert_eq!(pair.keys("SELECT a FROM k.t WHERE b = 'y'"), ("gone".to_owned(), 0));
    for key in ["0", "1", "2"] {
        pair.put(key == "0", key != "0", key, "z", 1);
    }
    assert_eq!(pair.keys("SELECT a FROM k.t"), ("0 1 2 both gone here late there".to_owned(), 1));
    assert_eq!(pair.keys("SELECT a FROM k.t"), ("0 1 2 both gone here late there".to_owned(), 0));
}

#[test]
fn rows_behind_many_stale_ones_are_found() {
    let mut pair = Pair::new(u32::MAX);
    for number in 0..40 {
        // Half are stale here, half there; every tenth has the value still.
        let (key, is_left) = (format!("k{number:02}"), number % 10 == 3);
        pair.put(true, true, &key, "x", 1);
        if !is_left {
            pair.put(number % 2 == 0, number % 2 == 1, &key, "y", 2);
        }
    }
    assert_eq!(pair.keys("SELECT a FROM k.t WHERE b = 'x' LIMIT 4").0, "k03 k13 k23 k33");
    assert_eq!(pair.keys("SELECT a FROM k.t WHERE b = 'x' LIMIT 3").0.len(), 11);
}
