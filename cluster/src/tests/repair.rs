//! Read repair, this node being the coordinator and one of two replicas, and the test the other.

use super::*;
use crate::config::SyncMode;
use crate::message::Outcome;

/// Two replicas of one table, both up.
fn world(sync_mode: SyncMode) -> World {
    let mut world = two_nodes(|config| {
        config.sync_mode = sync_mode;
        config.hints_enabled = false;
    });
    world.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}", &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY, b int)", &[]);
    world
}

/// The one request that has left for the other replica: its id and what `look` makes of it.
fn request<T>(world: &mut World, look: impl FnOnce(Message<'_>) -> T) -> (u64, T) {
    let mut bytes = Vec::new();
    for link in world.coordinator.take_dirty_links() {
        world.coordinator.link_output(link, &mut bytes);
    }
    let (messages, _) = split_frame(&bytes).expect("sound").expect("a request");
    let (id, message) = Message::decode(&mut Reader::new(messages)).expect("sound");
    (id, look(message))
}

fn reply(world: &mut World, id: u64, message: &Message<'_>) {
    let (mut frame, mut bytes) = (FrameBuilder::default(), Vec::new());
    frame.push(id, message);
    frame.take_into(&mut bytes);
    world.coordinator.peer_received(OTHER_HOST, &bytes).expect("a frame");
    world.pump();
}

/// Reads at QUORUM up to where both replicas are asked for all they have; the other one answers with `data`.
fn read_up_to_repair(world: &mut World, data: &[u8]) {
    let hello = Hello { host_id: OTHER_HOST, ..world.member.shared.hello(LinkKind::Data) };
    world.coordinator.peer_up(&hello);
    let params = QueryParams::new(Consistency::Quorum);
    world.client.send(&Request::Query(Query { query: "SELECT b FROM k.t WHERE a = 1", params }), false);
    world.pump();
    let (id, wants_digest) = request(world, |message| matches!(message, Message::Read { digest: true, .. }));
    assert!(wants_digest);
    reply(world, id, &Message::Digest([9; 16]));
    let (id, wants_data) = request(world, |message| matches!(message, Message::Read { digest: false, .. }));
    assert!(wants_data);
    reply(world, id, &Message::Data(data));
}

fn answer(world: &mut World) -> Option<String> {
    let frame = world.client.next_response().expect("sound")?;
    Some(format!("{:?}", frame.response))
}

/// An answer that knows of a deletion of the partition.
fn deletion() -> Vec<u8> {
    let mut data = vec![1, 0, 4, 0, 0, 0, 1];
    let deletion = DeletionTime { marked_at: 1_790_000_100_000_000, local: 1_790_000_100 };
    PartitionWriter::begin(&mut data, deletion, None).end();
    data.push(0);
    data
}

#[test]
fn what_this_node_lacked_is_durable_before_the_answer() {
    let mut periodic = world(SyncMode::Periodic);
    periodic.holds_log_syncs = true;
    read_up_to_repair(&mut periodic, &deletion());
    assert!(answer(&mut periodic).is_some_and(|answer| answer.contains("Rows")), "the kernel has it");

    let mut world = world(SyncMode::Synced);
    world.holds_log_syncs = true;
    read_up_to_repair(&mut world, &deletion());
    assert_eq!(answer(&mut world), None, "the device has not");
    world.holds_log_syncs = false;
    world.pump();
    assert!(answer(&mut world).is_some_and(|answer| answer.contains("Rows")));
}

#[test]
fn a_replica_that_cannot_be_repaired_leaves_the_read_without_an_answer() {
    let acknowledge = |outcome| move |world: &mut World, id| reply(world, id, &Message::Ack(outcome));
    let lose = |world: &mut World, _: u64| {
        world.coordinator.peer_down(OTHER_HOST);
        world.pump();
    };
    type Fate<'a> = (&'a dyn Fn(&mut World, u64), &'a str);
    let fates: [Fate<'_>; 3] = [
        (&acknowledge(Outcome::Done), "Rows"),
        (&acknowledge(Outcome::Failed(0)), "ReadTimeout"),
        (&lose, "ReadTimeout"),
    ];
    for (fate, expected) in fates {
        let mut world = world(SyncMode::Periodic);
        world.query("INSERT INTO k.t (a, b) VALUES (1, 5)", &[]);
        read_up_to_repair(&mut world, &[0]);
        let (id, is_repair) =
            request(&mut world, |message| matches!(message, Message::Write { kind: WriteKind::Repair, .. }));
        assert!(is_repair);
        assert_eq!(answer(&mut world), None, "the other replica has not taken it");
        fate(&mut world, id);
        let answer = answer(&mut world).expect("an answer");
        assert!(answer.contains(expected), "{answer} instead of {expected}");
    }
}
