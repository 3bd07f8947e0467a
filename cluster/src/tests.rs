//! A whole member in memory, driven by a client's bytes.

use std::sync::Arc;

use helenus_cql_protocol::ProtocolVersion;
use helenus_cql_protocol::client_conn::ClientConn;
use helenus_cql_protocol::notation::{Value, ValuesBuffer};
use helenus_cql_protocol::request::{Execute, Prepare, Query, QueryParams, Request};
use helenus_cql_protocol::response::{QueryResult, Response};
use helenus_engine::disk_memory::MemoryDisk;
use helenus_engine::engine::EngineConfig;
use helenus_model::codec::Reader;
use helenus_model::consistency::Consistency;
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::PartitionWriter;
use helenus_model::row::DeletionTime;
use helenus_model::time::Now;
use helenus_model::token::Token;
use uuid::Uuid;

use crate::config::MemberConfig;
use crate::control::metadata_message::MetadataMessage;
use crate::coordinator::{Coordinator, SlotId};
use crate::link::{Hello, LinkKind};
use crate::member::Member;
use crate::message::{FrameBuilder, Message, WriteKind, put_list, split_frame};
use crate::task::Task;
use crate::topology::{NodeInfo, NodeState};

mod cas;
mod count;
mod hinted;
mod index_read;
mod large;
mod repair;
mod short;

struct World {
    member: Member,
    coordinator: Coordinator,
    client: ClientConn,
    id: SlotId,
    now: Now,
    /// Syncs of hints are kept here instead of being run, while there is a list.
    held: Option<Vec<Task>>,
    /// The device takes its time.
    holds_log_syncs: bool,
    /// Tasks of counting.
    counting_tasks: usize,
}

impl World {
    fn new(disk: MemoryDisk) -> Self {
        Self::with_tokens(disk, Vec::new())
    }

    fn with_tokens(disk: MemoryDisk, tokens: Vec<Token>) -> Self {
        Self::configured(disk, |config| config.initial_tokens = tokens)
    }

    fn configured(disk: MemoryDisk, configure: impl FnOnce(&mut MemberConfig)) -> Self {
        let now = Now { wall_micros: 1_790_000_000_000_000, monotonic_micros: 1_000_000 };
        let mut config = MemberConfig::new("test", ([127, 0, 0, 1], 7000).into(), ([127, 0, 0, 1], 9042).into());
        configure(&mut config);
        let mut member = Member::open(config, EngineConfig::default(), Arc::new(disk), now, 1).expect("opens");
        let mut coordinator = member.coordinator(0, now);
        let id = coordinator.open_client(([127, 0, 0, 1], 5000).into());
        let mut client = ClientConn::new(ProtocolVersion::V4, None);
        client.startup(&[]);
        let mut world =
            World { member, coordinator, client, id, now, held: None, holds_log_syncs: false, counting_tasks: 0 };
        world.tick();
        assert!(world.member.control.is_joined(), "a lone seed forms a cluster");
        world.pump();
        assert!(matches!(world.client.next_response(), Ok(Some(frame)) if frame.response == Response::Ready));
        world
    }

    fn tick(&mut self) {
        self.now.wall_micros += 20_000;
        self.now.monotonic_micros += 20_000;
        self.member.control.set_now(self.now);
        self.coordinator.set_now(self.now);
        self.member.control.on_tick();
        for event in self.member.control.take_events() {
            self.coordinator.on_control_event(&event);
        }
        self.coordinator.on_tick();
    }

    /// Moves bytes until nothing moves.
    fn pump(&mut self) {
        for _ in 0..10 {
            let sent = self.client.output().to_vec();
            self.client.sent(sent.len());
            for chunk in sent.chunks(1000) {
                let room = self.coordinator.client_room(self.id).expect("the client is there");
                room[..chunk.len()].copy_from_slice(chunk);
                self.coordinator.client_received(self.id, chunk.len());
            }
            for request in self.coordinator.take_requests() {
                self.member.control.on_request(request);
            }
            self.tick();
            for task in self.coordinator.take_tasks() {
                self.counting_tasks += usize::from(matches!(task, Task::Count(_)));
                if let (Task::SyncHints { .. }, Some(held)) = (&task, &mut self.held) {
                    held.push(task);
                    continue;
                }
                let done = task.run(&self.member.shared);
                self.coordinator.task_done(done);
            }
            self.coordinator.end_batch().expect("the log can be written");
            if self.coordinator.awaited_sync().is_some() && !self.holds_log_syncs {
                let position = self.member.shared.engine.log_sync_awaited().expect("the log can be synced");
                self.coordinator.log_synced(position);
            }
            let output = self.coordinator.client_output(self.id).to_vec();
            self.coordinator.client_sent(self.id, output.len());
            self.client.feed(&output);
        }
    }

    /// What a statement answers, in words, and the warnings behind it.
    fn query_with_warnings(&mut self, text: &str) -> String {
        self.send(text, &[]);
        self.pump();
        let Ok(Some(frame)) = self.client.next_response() else { panic!("{text}: no answer") };
        let warnings: Vec<String> = frame.warnings.iter().map(str::to_owned).collect();
        match frame.response {
            Response::Error(error) => format!("{:?}: {}", error.kind, error.message),
            _ => warnings.join(" | "),
        }
    }

    fn send(&mut self, text: &str, values: &[Value<'_>]) {
        let buffer = ValuesBuffer::from_positional(values.iter().copied());
        let params = QueryParams::new(Consistency::One).with_values(buffer.values());
        self.client.send(&Request::Query(Query { query: text, params }), false);
    }

    /// What a statement answers, in words.
    fn query(&mut self, text: &str, values: &[Value<'_>]) -> String {
        self.send(text, values);
        self.pump();
        let frame = match self.client.next_response() {
            Ok(Some(frame)) => frame,
            other => panic!("{text}: {other:?}"),
        };
        match frame.response {
            Response::Error(error) => format!("{:?}: {}", error.kind, error.message),
            Response::Result(QueryResult::Void) => "void".to_owned(),
            Response::Result(QueryResult::Rows(rows)) => {
                let row = |row: helenus_cql_protocol::response::Row<'_>| {
                    let value = |value: Option<&[u8]>| match value {
                        None => "null".to_owned(),
                        Some(bytes) => String::from_utf8_lossy(bytes).escape_debug().to_string(),
                    };
                    row.values().map(value).collect::<Vec<_>>().join(",")
                };
                rows.iter().map(row).collect::<Vec<_>>().join(" ")
            }
            Response::Result(other) => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn a_member_serves_a_client_and_comes_back() {
    let disk = MemoryDisk::new();
    let mut world = World::new(disk.clone());
    let mut check = |text: &str, expected: &str| assert_eq!(world.query(text, &[]), expected, "{text}");
    check("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", "SchemaChange");
    check("CREATE TABLE k.t (a text, b text, s text static, v text, PRIMARY KEY (a, b))", "SchemaChange");
    check("INSERT INTO k.t (a, b, v) VALUES ('p', '1', 'one')", "void");
    check("INSERT INTO k.t (a, b, v, s) VALUES ('p', '2', 'two', 'st')", "void");
    check("SELECT b, v, s FROM k.t WHERE a = 'p'", "1,one,st 2,two,st");
    check("SELECT b FROM k.t WHERE a = 'p' ORDER BY b DESC LIMIT 1", "2");
    check("DELETE FROM k.t WHERE a = 'p' AND b = '1'", "void");
    check("SELECT b, v FROM k.t", "2,two");
    check("SELECT key FROM system.local", "local");
    check("SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'k'", "t");
    assert_eq!(
        world.query("SELECT v FROM k.t WHERE a = ? AND b = ?", &[Value::Bytes(b"p"), Value::Bytes(b"2")]),
        "two"
    );
    drop(world);
    let mut world = World::new(disk);
    assert_eq!(world.query("SELECT b, v, s FROM k.t", &[]), "2,two,st", "after a restart from the log");
}

const OTHER_HOST: Uuid = Uuid::from_u128(2);

/// A node that owns the ring up to token 0, and another one for the rest, which is down.
fn two_nodes(configure: impl FnOnce(&mut MemberConfig)) -> World {
    two_nodes_on(MemoryDisk::new(), configure)
}

fn two_nodes_on(disk: MemoryDisk, configure: impl FnOnce(&mut MemberConfig)) -> World {
    let mut world = World::configured(disk, |config| {
        config.initial_tokens = vec![Token(0)];
        configure(config);
    });
    let address = ([127, 0, 0, 2], 7000).into();
    let other = NodeInfo {
        host_id: OTHER_HOST,
        internode: address,
        native: ([127, 0, 0, 2], 9042).into(),
        datacenter: "datacenter1".to_owned(),
        rack: "rack1".to_owned(),
        tokens: vec![Token(i64::MAX - 1)],
        state: NodeState::Normal,
    };
    let mut join = Vec::new();
    MetadataMessage::Join(other).encode(&mut join);
    world.member.control.on_message(OTHER_HOST, address, Message::Metadata(&join));
    world.pump();
    world
}

/// Writes so many rows of which the other node misses its copy.
fn write_hints(world: &mut World, count: i32) -> u64 {
    world.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}", &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY)", &[]);
    for a in 0..count {
        assert_eq!(world.query(&format!("INSERT INTO k.t (a) VALUES ({a})"), &[]), "void");
    }
    world.member.shared.stats.hints_written.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn hints_are_kept_for_whom_and_as_many_as_configured() {
    let hints = |configure: &dyn Fn(&mut MemberConfig)| write_hints(&mut two_nodes(configure), 10);
    assert_eq!(hints(&|_| ()), 10);
    assert_eq!(hints(&|config| config.hint_disabled_datacenters = vec!["datacenter1".to_owned()]), 0);
    assert_eq!(hints(&|config| config.hint_disabled_datacenters = vec!["elsewhere".to_owned()]), 10);
    let few = hints(&|config| config.hint_host_bytes_max = 200);
    assert!((2..5).contains(&few), "{few}");
}

/// Hints that have left for the other node.
fn hints_sent(world: &mut World) -> usize {
    let (mut bytes, mut sent) = (Vec::new(), 0);
    for link in world.coordinator.take_dirty_links() {
        world.coordinator.link_output(link, &mut bytes);
    }
    let mut rest = bytes.as_slice();
    while let Ok(Some((messages, length))) = split_frame(rest) {
        let mut reader = Reader::new(messages);
        while !reader.is_empty() {
            let (_, message) = Message::decode(&mut reader).expect("a message");
            sent += usize::from(matches!(message, Message::Write { kind: WriteKind::Hint, .. }));
        }
        rest = &rest[length..];
    }
    sent
}

#[test]
fn hints_are_sent_at_their_rate() {
    for (rate, expected) in [(0, 50..51), (1_000, 10..30)] {
        let mut world = two_nodes(|config| config.hint_bytes_per_second = rate);
        assert_eq!(write_hints(&mut world, 50), 50);
        let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
        world.coordinator.peer_up(&hello);
        let mut sent = 0;
        while sent == 0 {
            world.pump();
            sent = hints_sent(&mut world);
        }
        // A second more.
        for _ in 0..5 {
            world.pump();
            sent += hints_sent(&mut world);
        }
        assert!(expected.contains(&sent), "{sent} sent at {rate} bytes a second");
    }
}

#[test]
fn batches_are_replayed_at_their_rate() {
    for (rate, expected) in [(1 << 20, 20..21), (10, 1..4)] {
        let mut world = World::configured(MemoryDisk::new(), |config| config.batch_replay_bytes_per_second = rate);
        world.query(KEYSPACE, &[]);
        world.query("CREATE TABLE k.t (a int PRIMARY KEY)", &[]);
        let table = world.member.shared.view.load().schema().table("k", "t").expect("made").id;
        let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
        world.coordinator.open_inbound(1, &hello);
        let mut frame = FrameBuilder::default();
        for batch in 0..20_u8 {
            let (mut update, mut mutation, mut mutations) = (Vec::new(), Vec::new(), Vec::new());
            PartitionWriter::begin(&mut update, DeletionTime { marked_at: 1, local: 1 }, None).end();
            encode_mutation(&mut mutation, &[0, 0, 0, batch], &[(table, &update)]);
            put_list(&mut mutations, [mutation.as_slice()].into_iter());
            let batch = Uuid::from_u128(u128::from(batch) + 1);
            frame.push(1, &Message::BatchStore { batch, schema_epoch: 0, mutations: &mutations });
        }
        let mut bytes = Vec::new();
        frame.take_into(&mut bytes);
        world.coordinator.inbound_received(1, &bytes).expect("a frame");
        // Eight seconds, of which four pass before anything is replayed.
        (0..40).for_each(|_| world.pump());
        let replayed = world.member.shared.stats.batches_replayed.load(std::sync::atomic::Ordering::Relaxed);
        assert!(expected.contains(&replayed), "{replayed} replayed at {rate} bytes a second");
    }
}

/// A client of one coordinator may know of a change of the schema before another coordinator was told.
#[test]
fn a_coordinator_sees_a_new_epoch_before_it_is_told() {
    let mut world = World::new(MemoryDisk::new());
    let mut late = world.member.coordinator(1, world.now);
    let id = late.open_client(([127, 0, 0, 1], 5001).into());
    world.query(KEYSPACE, &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY)", &[]);
    (world.coordinator, world.id) = (late, id);
    world.client = ClientConn::new(ProtocolVersion::V4, None);
    world.client.startup(&[]);
    world.pump();
    assert!(matches!(world.client.next_response(), Ok(Some(frame)) if frame.response == Response::Ready));
    assert_eq!(world.query("INSERT INTO k.t (a) VALUES (1)", &[]), "void");
}

/// When a node may serve clients: what it waits for, and for how long.
#[test]
fn a_node_serves_when_it_is_linked_and_has_a_role() {
    let waits = |world: &mut World, expected: bool, what: &str| {
        assert_eq!(!world.member.control.may_serve(), expected, "{what}");
    };
    let hello = |world: &World| Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
    let mut world = World::new(MemoryDisk::new());
    waits(&mut world, false, "it is alone");
    let mut config = world.member.shared.config.clone();
    config.password_authentication = true;
    let disk = Arc::new(MemoryDisk::new());
    let mut guarded = Member::open(config, EngineConfig::default(), disk, world.now, 1).expect("opens");
    assert!(guarded.control.is_joined() && !guarded.control.may_serve(), "nobody could log in");
    guarded.control.on_tick();
    assert!(guarded.control.may_serve() && guarded.control.metadata().roles.contains_key("cassandra"));

    let mut world = two_nodes(|_| ());
    waits(&mut world, true, "no link was tried");
    world.coordinator.peer_down(OTHER_HOST);
    waits(&mut world, false, "the other one is not there");
    let ours = hello(&world);
    world.coordinator.peer_up(&ours);
    waits(&mut world, true, "the other one has no link yet");
    world.coordinator.open_inbound(1, &ours);
    waits(&mut world, false, "links stand both ways");
    world.coordinator.peer_down(OTHER_HOST);
    let later = Hello { epoch: ours.epoch + 1, ..ours };
    world.coordinator.peer_up(&later);
    waits(&mut world, true, "the other one knows more");
    (0..50).for_each(|_| world.tick());
    waits(&mut world, false, "a second is enough");
}

/// On a ring of several parts even a read of this node's own part goes by way of the replicas; its answer used to get lost when it
/// came while the client's requests were still being read.
#[test]
fn a_scan_of_one_part_of_the_ring_is_answered() {
    let mut world = two_nodes(|_| ());
    world.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY)", &[]);
    let mut own = 0;
    for a in 0..20_i32 {
        let text = format!("INSERT INTO k.t (a) VALUES ({a})");
        let is_own = Token::of_key(&a.to_be_bytes()).0 <= 0;
        assert_eq!(world.query(&text, &[]) == "void", is_own, "{a}");
        own += usize::from(is_own);
    }
    let rows = world.query("SELECT a FROM k.t WHERE token(a) <= 0", &[]);
    assert_eq!(rows.split(' ').count(), own, "{rows}");
    assert!(world.query("SELECT a FROM k.t", &[]).starts_with("Unavailable"), "the other part has no replica alive");
}

const KEYSPACE: &str = "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

#[test]
fn tombstones_are_warned_of_and_end_a_read_that_passes_too_many() {
    for inline_rows_max in [5_000, 0] {
        let mut world = World::configured(MemoryDisk::new(), |config| {
            config.tombstone_warn = 3;
            config.tombstone_failure = 6;
            // None: every read runs as a task.
            config.inline_rows_max = inline_rows_max;
        });
        world.query(KEYSPACE, &[]);
        world.query("CREATE TABLE k.t (a text, b int, c int, v int, w int, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (b DESC, c ASC)", &[]);
        world.query("INSERT INTO k.t (a, b, c, v) VALUES ('x''y', 1, 9, 1)", &[]);
        let mut deleted = 0;
        let mut delete = |world: &mut World| {
            world.query(&format!("DELETE FROM k.t WHERE a = 'x''y' AND b = 1 AND c = {deleted}"), &[]);
            deleted += 1;
        };
        (0..3).for_each(|_| delete(&mut world));
        assert_eq!(world.query_with_warnings("SELECT * FROM k.t"), "", "as many as may be");
        delete(&mut world);
        let mut check = |text: &str, query: &str| {
            let warning = format!(
                "Read 1 live rows and 4 tombstone cells for query SELECT {query} ALLOW FILTERING; token -3357033209760710478 (see tombstone_warn_threshold)"
            );
            assert_eq!(world.query_with_warnings(text), warning, "{text}");
        };
        check("SELECT * FROM k.t", "* FROM k.t LIMIT 5000");
        check("SELECT * FROM k.t WHERE a = 'x''y'", "* FROM k.t WHERE a = 'x''y' LIMIT 5000");
        check("SELECT v FROM k.t WHERE a = 'x''y' LIMIT 10", "* FROM k.t WHERE a = 'x''y' LIMIT 10");
        check(
            "SELECT * FROM k.t WHERE a = 'x''y' AND b = 1 AND c >= 0 AND c < 20",
            "* FROM k.t WHERE a = 'x''y' AND b = 1 AND c >= 0 AND c < 20 LIMIT 5000",
        );
        check(
            "SELECT * FROM k.t WHERE a = 'x''y' AND b > 0 ORDER BY b ASC",
            "* FROM k.t WHERE a = 'x''y' AND b > 0 ORDER BY b ASC, c DESC LIMIT 5000",
        );
        check(
            "SELECT * FROM k.t WHERE token(a) > -9000000000000000000",
            "* FROM k.t WHERE token(a) > -9000000000000000000 LIMIT 5000",
        );
        (0..2).for_each(|_| delete(&mut world));
        assert!(world.query_with_warnings("SELECT * FROM k.t").starts_with("Read 1 live rows and 6 tombstone"));
        delete(&mut world);
        let answer = world.query_with_warnings("SELECT * FROM k.t");
        assert!(answer.starts_with("ReadFailure"), "{answer}");
        let words =
            "Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from /127.0.0.1:7000";
        assert!(answer.ends_with(words), "{answer}");
        assert_eq!(
            world.query("SELECT b FROM k.t LIMIT 0", &[]).split(':').next(),
            Some("Invalid"),
            "the client is served"
        );
    }
}

#[test]
fn a_mutation_above_the_limit_is_refused() {
    let mut world = World::configured(MemoryDisk::new(), |config| config.mutation_bytes_max = 1_000);
    world.query(KEYSPACE, &[]);
    world.query("CREATE TABLE k.t (a int, b int, v text, PRIMARY KEY ((a, b)))", &[]);
    let text = |size: usize| "v".repeat(size);
    let insert = |b: i32, size: usize| format!("INSERT INTO k.t (a, b, v) VALUES (1, {b}, '{}')", text(size));
    assert_eq!(world.query(&insert(2, 800), &[]), "void");
    let refused = "Invalid: Rejected an oversized mutation (";
    let answer = world.query(&insert(2, 1_000), &[]);
    assert!(answer.starts_with(refused), "{answer}");
    assert!(answer.ends_with("/1000) for keyspace: k. Top keys are: t.1:2"), "{answer}");
    let batch = |size: usize| format!("BEGIN BATCH {}; {} APPLY BATCH", insert(3, size), insert(4, 10));
    assert!(world.query(&batch(1_000), &[]).starts_with(refused));
    assert_eq!(world.query(&batch(800), &[]), "void");
}

#[test]
fn one_address_may_not_hold_more_memory_than_it_may() {
    let mut world = World::configured(MemoryDisk::new(), |config| config.in_flight_bytes_per_address_max = 500);
    // The first waits for the control part, the second comes meanwhile.
    world.send(KEYSPACE, &[]);
    world.send("SELECT key FROM system.local", &[]);
    let other = world.coordinator.open_client(([127, 0, 0, 2], 5000).into());
    world.pump();
    let mut answers = Vec::new();
    while let Ok(Some(frame)) = world.client.next_response() {
        answers.push(format!("{:?}", frame.response));
    }
    assert!(answers.iter().any(|answer| answer.contains("Overloaded")), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("SchemaChange")), "{answers:?}");
    assert_eq!(world.query("SELECT key FROM system.local", &[]), "local", "the memory is free again");
    world.coordinator.close_client(other);
}

#[test]
fn slow_reads_are_counted() {
    for (slow_query_millis, expected) in [(10, 1), (0, 0), (10_000, 0)] {
        let mut world = World::configured(MemoryDisk::new(), |config| {
            config.slow_query_millis = slow_query_millis;
            // Every read waits for a task, and time passes meanwhile.
            config.inline_rows_max = 0;
        });
        world.query(KEYSPACE, &[]);
        world.query("CREATE TABLE k.t (a int, b int, PRIMARY KEY (a, b))", &[]);
        world.query("INSERT INTO k.t (a, b) VALUES (1, 1)", &[]);
        world.query("SELECT * FROM k.t", &[]);
        let slow = world.member.shared.stats.slow_reads.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(slow, expected, "{slow_query_millis}");
    }
}

#[test]
fn prepared_statements_that_do_not_fit_are_prepared_again() {
    let mut world = World::configured(MemoryDisk::new(), |config| config.prepared_bytes_max = 20_000);
    let mut prepare = |number: usize| {
        let query = format!("SELECT key FROM system.local WHERE key = 'l{number}'");
        world.client.send(&Request::Prepare(Prepare { query: &query, keyspace: None }), false);
        world.pump();
        let Ok(Some(frame)) = world.client.next_response() else { panic!("no answer") };
        format!("{:?}", frame.response).contains("Prepared")
    };
    assert!((0..100).all(&mut prepare));
    let kept = world.member.shared.prepared.len();
    assert!((5..20).contains(&kept), "{kept}");
    let long = format!("SELECT key FROM system.local WHERE key = '{}'", "l".repeat(20_000));
    world.client.send(&Request::Prepare(Prepare { query: &long, keyspace: None }), false);
    world.pump();
    let Ok(Some(frame)) = world.client.next_response() else { panic!("no answer") };
    let answer = format!("{:?}", frame.response);
    assert!(answer.contains("is larger than allowed maximum of"), "{answer}");
}

#[test]
fn who_is_not_logged_in_hears_that_first() {
    let mut world = World::new(MemoryDisk::new());
    world.query(KEYSPACE, &[]);
    let refused = "Unauthorized: You have to be logged in and not anonymous to perform this request";
    for text in [
        "GRANT SELECT ON KEYSPACE k TO x",
        "REVOKE SELECT ON KEYSPACE k FROM x",
        "LIST ALL PERMISSIONS",
        "LIST ROLES",
        "LIST USERS",
        "GRANT a TO b",
        "ADD IDENTITY 'x' TO ROLE 'y'",
        "DROP IDENTITY 'x'",
    ] {
        assert_eq!(world.query(text, &[]), refused, "{text}");
    }
    let refused = "Invalid: In this context function name must be explictly qualified by a keyspace";
    for text in [
        "GRANT EXECUTE ON FUNCTION f(int) TO x",
        "REVOKE EXECUTE ON FUNCTION f(int) FROM x",
        "LIST EXECUTE ON FUNCTION f(int) OF x",
    ] {
        assert_eq!(world.query(text, &[]), refused, "{text}");
    }
}

#[test]
fn wrong_numbers_of_values_are_refused_in_cassandras_words() {
    let mut world = World::new(MemoryDisk::new());
    world.query(KEYSPACE, &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY, b int)", &[]);
    let one = Value::Bytes(&[0, 0, 0, 1]);
    let wrong = "Invalid: Invalid amount of bind variables";
    for (text, values) in [
        ("SELECT * FROM k.t WHERE a = ?", [].as_slice()),
        ("SELECT * FROM k.t WHERE a = ?", &[one, one]),
        ("SELECT * FROM k.t", &[one]),
        ("INSERT INTO k.t (a, b) VALUES (?, ?)", &[one]),
    ] {
        assert_eq!(world.query(text, values), wrong, "{text}");
    }
    let text = "INSERT INTO k.t (a, b) VALUES (?, ?)";
    world.client.send(&Request::Prepare(Prepare { query: text, keyspace: None }), false);
    world.pump();
    let Ok(Some(frame)) = world.client.next_response() else { panic!("no answer") };
    let Response::Result(QueryResult::Prepared(prepared)) = frame.response else { panic!("{:?}", frame.response) };
    let buffer = ValuesBuffer::from_positional([one]);
    let params = QueryParams::new(Consistency::One).with_values(buffer.values());
    let execute = Execute { id: &prepared.id, result_metadata_id: None, params };
    world.client.send(&Request::Execute(execute), false);
    world.pump();
    let Ok(Some(frame)) = world.client.next_response() else { panic!("no answer") };
    let Response::Error(error) = frame.response else { panic!("{:?}", frame.response) };
    assert_eq!(error.message, "there were 2 markers(?) in CQL but 1 bound variables");
}

/// What has left for the other node since the last call, as request id and what `show` makes of it.
fn sent<T>(world: &mut World, show: impl Fn(&Message<'_>) -> Option<T>) -> Vec<(u64, T)> {
    let mut bytes = Vec::new();
    for link in world.coordinator.take_dirty_links() {
        world.coordinator.link_output(link, &mut bytes);
    }
    let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
    while let Ok(Some((messages, length))) = split_frame(rest) {
        let mut reader = Reader::new(messages);
        while !reader.is_empty() {
            let (id, message) = Message::decode(&mut reader).expect("a message");
            found.extend(show(&message).map(|shown| (id, shown)));
        }
        rest = &rest[length..];
    }
    found
}
