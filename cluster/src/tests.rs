//! A whole member in memory, driven by a client's bytes.

use std::sync::Arc;

use helenus_cql_protocol::ProtocolVersion;
use helenus_cql_protocol::client_conn::ClientConn;
use helenus_cql_protocol::notation::{Value, ValuesBuffer};
use helenus_cql_protocol::request::{Query, QueryParams, Request};
use helenus_cql_protocol::response::{QueryResult, Response};
use helenus_engine::disk_memory::MemoryDisk;
use helenus_engine::engine::EngineConfig;
use helenus_model::consistency::Consistency;
use helenus_model::time::Now;
use helenus_model::token::Token;
use uuid::Uuid;

use crate::config::MemberConfig;
use crate::control::metadata_message::MetadataMessage;
use crate::coordinator::{Coordinator, SlotId};
use crate::member::Member;
use crate::message::Message;
use crate::topology::{NodeInfo, NodeState};

struct World {
    member: Member,
    coordinator: Coordinator,
    client: ClientConn,
    id: SlotId,
    now: Now,
}

impl World {
    fn new(disk: MemoryDisk) -> Self {
        Self::with_tokens(disk, Vec::new())
    }

    fn with_tokens(disk: MemoryDisk, tokens: Vec<Token>) -> Self {
        let now = Now { wall_micros: 1_790_000_000_000_000, monotonic_micros: 1_000_000 };
        let mut config = MemberConfig::new("test", ([127, 0, 0, 1], 7000).into(), ([127, 0, 0, 1], 9042).into());
        config.initial_tokens = tokens;
        let mut member = Member::open(config, EngineConfig::default(), Arc::new(disk), now, 1).expect("opens");
        let mut coordinator = member.coordinator(0, now);
        let id = coordinator.open_client(([127, 0, 0, 1], 5000).into());
        let mut client = ClientConn::new(ProtocolVersion::V4, None);
        client.startup(&[]);
        let mut world = World { member, coordinator, client, id, now };
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
                let done = task.run(&self.member.shared);
                self.coordinator.task_done(done);
            }
            self.coordinator.end_batch().expect("the log can be written");
            let output = self.coordinator.client_output(self.id).to_vec();
            self.coordinator.client_sent(self.id, output.len());
            self.client.feed(&output);
        }
    }

    /// What a statement answers, in words.
    fn query(&mut self, text: &str, values: &[Value<'_>]) -> String {
        let buffer = ValuesBuffer::from_positional(values.iter().copied());
        let params = QueryParams::new(Consistency::One).with_values(buffer.values());
        self.client.send(&Request::Query(Query { query: text, params }), false);
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

/// On a ring of several parts even a read of this node's own part goes by way of the replicas; its answer used to get lost when it
/// came while the client's requests were still being read.
#[test]
fn a_scan_of_one_part_of_the_ring_is_answered() {
    let mut world = World::with_tokens(MemoryDisk::new(), vec![Token(0)]);
    let address = ([127, 0, 0, 2], 7000).into();
    let other = NodeInfo {
        host_id: Uuid::from_u128(2),
        internode: address,
        native: ([127, 0, 0, 2], 9042).into(),
        datacenter: "datacenter1".to_owned(),
        rack: "rack1".to_owned(),
        tokens: vec![Token(i64::MAX - 1)],
        state: NodeState::Normal,
    };
    let mut join = Vec::new();
    MetadataMessage::Join(other).encode(&mut join);
    world.member.control.on_message(Uuid::from_u128(2), address, Message::Metadata(&join));
    world.pump();
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
