//! Counters: who leads, what is sent and kept for whom, and what the client is told.

use helenus_model::counter;
use helenus_model::mutation::MutationRef;
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::row::CellKind;

use super::*;
use crate::config::SyncMode;
use crate::message::Outcome;

/// A key of the absent node, and one of this node.
const THEIRS: i32 = 3;
const OURS: i32 = 1;

/// A node that owns half of the ring beside another one, and a table of counters.
fn world(factor: u32, configure: impl FnOnce(&mut MemberConfig)) -> World {
    let mut world = two_nodes(configure);
    world.query(
        &format!("CREATE KEYSPACE k WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': {factor}}}"),
        &[],
    );
    world.query("CREATE TABLE k.t (a int PRIMARY KEY, c counter)", &[]);
    assert!(Token::of_key(&THEIRS.to_be_bytes()).0 > 0 && Token::of_key(&OURS.to_be_bytes()).0 <= 0);
    world
}

fn link(world: &mut World) {
    let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
    world.coordinator.peer_up(&hello);
}

/// What a counter's cell in a mutation holds: what is to be added, or what was counted.
fn number_in(mutation: &[u8]) -> (&'static str, i64) {
    let update = MutationRef::validate(mutation).expect("sound").updates().next().expect("an update").1;
    let item = PartitionRef::new(update).items().next().expect("a row");
    let Item::Unfiltered(Unfiltered::Row { row, .. }) = item else { panic!("{item:?}") };
    let cell = row.cells().next().expect("a cell");
    match cell.kind {
        CellKind::Counter => ("counted", counter::total(cell.value)),
        _ => ("to add", i64::from_be_bytes(cell.value.try_into().expect("8 bytes"))),
    }
}

fn writes(message: &Message<'_>) -> Option<(&'static str, i64)> {
    match message {
        Message::Write { mutation, .. } => Some(number_in(mutation)),
        _ => None,
    }
}

fn counts(message: &Message<'_>) -> Option<(&'static str, i64)> {
    match message {
        Message::Count { increments, .. } => Some(number_in(increments)),
        _ => None,
    }
}

fn ask(world: &mut World, text: &str, level: Consistency) -> Option<String> {
    let params = QueryParams::new(level);
    world.client.send(&Request::Query(Query { query: text, params }), false);
    world.pump();
    answer(world)
}

fn answer(world: &mut World) -> Option<String> {
    let frame = world.client.next_response().expect("sound")?;
    Some(match frame.response {
        Response::Error(error) => format!("{:?}", error.kind),
        other => format!("{other:?}"),
    })
}

fn add(key: i32, number: i64) -> String {
    format!("UPDATE k.t SET c = c + {number} WHERE a = {key}")
}

fn value(world: &mut World, key: i32) -> String {
    world.query(&format!("SELECT cast(c AS text) FROM k.t WHERE a = {key}"), &[])
}

fn hints(world: &World) -> u64 {
    world.member.shared.stats.hints_written.load(std::sync::atomic::Ordering::Relaxed)
}

/// The other node answers a request.
fn reply(world: &mut World, id: u64, outcome: Outcome) {
    let (mut frame, mut bytes) = (FrameBuilder::default(), Vec::new());
    frame.push(id, &Message::Ack(outcome));
    frame.take_into(&mut bytes);
    world.coordinator.peer_received(OTHER_HOST, &bytes).expect("a frame");
    world.pump();
}

#[test]
fn a_replica_that_is_down_gets_what_was_counted_as_a_hint() {
    let mut world = world(2, |_| ());
    for key in [OURS, THEIRS] {
        assert_eq!(world.query(&add(key, 5), &[]), "void");
        assert_eq!(world.query(&add(key, 2), &[]), "void");
        assert_eq!(value(&mut world, key), "7");
    }
    assert_eq!(hints(&world), 4);
    link(&mut world);
    let mut delivered = Vec::new();
    while delivered.len() < 4 {
        world.pump();
        let now = sent(&mut world, |message| match message {
            Message::Write { kind: WriteKind::Hint, mutation, .. } => Some(number_in(mutation)),
            _ => None,
        });
        delivered.extend(now.into_iter().map(|(_, number)| number));
    }
    let five_then_seven = [("counted", 5), ("counted", 7)];
    assert_eq!(delivered, [five_then_seven, five_then_seven].concat());
    let refused = ask(&mut world, &add(OURS, 1), Consistency::All);
    assert_eq!(refused, None, "the other node is there now, and has not answered");
}

#[test]
fn levels_are_met_by_the_leader() {
    let mut world = world(2, |_| ());
    let kind = |answer: Option<String>| answer.expect("an answer").split([' ', '{']).next().map(str::to_owned);
    let refused = ask(&mut world, &add(OURS, 1), Consistency::Quorum);
    assert_eq!(kind(refused).as_deref(), Some("Unavailable"));
    for level in [Consistency::Any, Consistency::Serial] {
        assert_eq!(kind(ask(&mut world, &add(OURS, 1), level)).as_deref(), Some("Invalid"), "{level}");
    }
    assert_eq!(value(&mut world, OURS), "", "nothing was counted");
    link(&mut world);
    assert_eq!(ask(&mut world, &add(OURS, 1), Consistency::Quorum), None);
    let [(id, ("counted", 1))] = sent(&mut world, writes)[..] else { panic!("one write") };
    reply(&mut world, id, Outcome::Done);
    assert!(answer(&mut world).is_some_and(|answer| answer.contains("Void")));
    // The link closes: the client hears that nobody knows, the other node will hear what was counted.
    assert_eq!(ask(&mut world, &add(OURS, 1), Consistency::Quorum), None);
    world.coordinator.peer_down(OTHER_HOST);
    world.pump();
    let told = answer(&mut world).expect("an answer");
    assert!(told.starts_with("WriteTimeout") && told.contains("write_type: Counter"), "{told}");
    assert!(told.contains("consistency: Quorum, received: 1, block_for: 2"), "{told}");
    assert_eq!((hints(&world), value(&mut world, OURS).as_str()), (1, "2"));
}

#[test]
fn increments_go_to_a_replica_once_and_are_never_kept() {
    let mut world = world(1, |_| ());
    link(&mut world);
    for (outcome, expected) in
        [(Some(Outcome::Done), "Void"), (Some(Outcome::Failed(0)), "WriteFailure"), (None, "WriteTimeout")]
    {
        assert_eq!(ask(&mut world, &add(THEIRS, 4), Consistency::One), None);
        let [(id, ("to add", 4))] = sent(&mut world, counts)[..] else { panic!("one message") };
        match outcome {
            Some(outcome) => reply(&mut world, id, outcome),
            None => {
                world.coordinator.peer_down(OTHER_HOST);
                world.pump();
            }
        }
        let told = answer(&mut world).expect("an answer");
        assert!(told.contains(expected) && (expected == "Void" || told.contains("write_type: Counter")), "{told}");
    }
    assert_eq!(hints(&world), 0);
    let refused = ask(&mut world, &add(THEIRS, 4), Consistency::One).expect("an answer");
    assert!(refused.starts_with("Unavailable"), "{refused}");
    link(&mut world);
    // A batch of both: each has its leader.
    let both = format!("BEGIN COUNTER BATCH {}; {}; APPLY BATCH", add(OURS, 6), add(THEIRS, 9));
    assert_eq!(ask(&mut world, &both, Consistency::One), None);
    let [(id, ("to add", 9))] = sent(&mut world, counts)[..] else { panic!("one message") };
    assert_eq!(value(&mut world, OURS), "6");
    reply(&mut world, id, Outcome::Done);
    assert!(answer(&mut world).is_some_and(|answer| answer.contains("Void")));
    // No answer in time.
    assert_eq!(ask(&mut world, &add(THEIRS, 4), Consistency::One), None);
    (0..30).for_each(|_| world.pump());
    let told = answer(&mut world).expect("an answer");
    assert!(told.starts_with("WriteTimeout") && told.contains("write_type: Counter"), "{told}");
    assert_eq!(hints(&world), 0);
}

#[test]
fn a_peer_s_increments_are_led_here() {
    let mut world = world(1, |_| ());
    let table = world.member.shared.view.load().schema().table("k", "t").expect("made").clone();
    let send = |world: &mut World, key: i32| {
        let (mut row, mut update, mut mutation) = (Vec::new(), Vec::new(), Vec::new());
        let header = helenus_model::row::RowHeader::EMPTY;
        header.encode(&mut row);
        let number = 3_i64.to_be_bytes();
        helenus_model::row::CellRef::live(table.regulars[0].id, 1, &number).encode(&header, &mut row);
        let mut writer = PartitionWriter::begin(&mut update, DeletionTime::LIVE, None);
        writer.row(&[], &row);
        writer.end();
        encode_mutation(&mut mutation, &key.to_be_bytes(), &[(table.id, &update)]);
        let (mut frame, mut bytes) = (FrameBuilder::default(), Vec::new());
        let message = Message::Count { schema_epoch: 0, level: Consistency::One, increments: &mutation };
        frame.push(77, &message);
        frame.take_into(&mut bytes);
        world.coordinator.inbound_received(1, &bytes).expect("a frame");
        world.pump();
        sent(world, |message| match message {
            Message::Ack(outcome) => Some(*outcome),
            _ => None,
        })
    };
    let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
    world.coordinator.open_inbound(1, &hello);
    assert_eq!(send(&mut world, OURS), [(77, Outcome::Done)]);
    assert_eq!(send(&mut world, OURS), [(77, Outcome::Done)]);
    assert!(matches!(send(&mut world, THEIRS)[..], [(77, Outcome::Failed(_))]), "not of this node's part of the ring");
    assert_eq!(value(&mut world, OURS), "6");
}

/// In batch mode nobody hears of a count that a power cut could take back: this node would count from an older number again.
#[test]
fn replicas_hear_of_a_count_when_it_lasts_here() {
    let mut world = world(2, |config| config.sync_mode = SyncMode::Synced);
    link(&mut world);
    world.holds_log_syncs = true;
    assert_eq!(ask(&mut world, &add(OURS, 1), Consistency::One), None);
    assert_eq!(sent(&mut world, writes), []);
    world.holds_log_syncs = false;
    world.pump();
    assert!(answer(&mut world).is_some_and(|answer| answer.contains("Void")));
    assert!(matches!(sent(&mut world, writes)[..], [(_, ("counted", 1))]));
}

/// Where more is to be read than a coordinator's thread may, the increments go to the pool of threads, and the client waits.
#[test]
fn increments_that_would_wait_are_counted_elsewhere() {
    let mut world = world(2, |config| config.inline_rows_max = 0);
    assert_eq!(world.query(&add(OURS, 1), &[]), "void");
    assert_eq!(world.counting_tasks, 0);
    // Behind a deletion the short way through memory is closed.
    assert_eq!(world.query(&format!("DELETE FROM k.t WHERE a = {OURS}"), &[]), "void");
    for (number, sum) in [(4, "4"), (2, "6")] {
        assert_eq!(world.query(&add(OURS, number), &[]), "void");
        assert_eq!(value(&mut world, OURS), sum);
    }
    let both = format!("BEGIN COUNTER BATCH {}; {}; APPLY BATCH", add(OURS, 6), add(THEIRS, 9));
    assert_eq!(world.query(&both, &[]), "void");
    assert_eq!((value(&mut world, OURS).as_str(), value(&mut world, THEIRS).as_str()), ("12", "9"));
    assert_eq!(world.counting_tasks, 3);
    let refused = ask(&mut world, &add(OURS, 1), Consistency::Quorum).expect("an answer");
    assert!(refused.starts_with("Unavailable"), "{refused}");
}
