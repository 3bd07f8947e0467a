//! What waits for hints to be durable: answers at ANY, and the forgetting of batches.

use helenus_model::rng::Rng;

use super::*;
use crate::config::SyncMode;

/// A key of the absent node, and one of this node.
const THEIRS: i32 = 3;
const OURS: i32 = 1;

/// A node that owns half of the ring beside one that is not there, and a table in which every row has one replica.
fn world(disk: &MemoryDisk, sync_mode: SyncMode) -> World {
    let mut world = two_nodes_on(disk.clone(), |config| config.sync_mode = sync_mode);
    world.query("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", &[]);
    world.query("CREATE TABLE k.t (a int PRIMARY KEY, b int)", &[]);
    assert!(Token::of_key(&THEIRS.to_be_bytes()).0 > 0 && Token::of_key(&OURS.to_be_bytes()).0 <= 0);
    world.held = Some(Vec::new());
    world
}

/// Sends at ANY; the answer, if it is there without the held tasks.
fn ask(world: &mut World, text: &str) -> Option<String> {
    let params = QueryParams::new(Consistency::Any);
    world.client.send(&Request::Query(Query { query: text, params }), false);
    world.pump();
    answer(world)
}

fn answer(world: &mut World) -> Option<String> {
    let frame = world.client.next_response().expect("sound")?;
    Some(format!("{:?}", frame.response))
}

/// Runs what was held.
fn release(world: &mut World) {
    for task in world.held.take().unwrap_or_default() {
        let done = task.run(&world.member.shared);
        world.coordinator.task_done(done);
    }
    world.pump();
}

fn kept_batches(world: &mut World) -> bool {
    !world.query("SELECT id FROM system.batches", &[]).is_empty()
}

#[test]
fn any_counts_a_hint_when_it_lasts() {
    let text = format!("INSERT INTO k.t (a) VALUES ({THEIRS})");
    let mut periodic = world(&MemoryDisk::new(), SyncMode::Periodic);
    assert_eq!(ask(&mut periodic, &text), None, "the kernel has it, but nobody has looked");
    release(&mut periodic);
    assert!(answer(&mut periodic).is_some_and(|answer| answer.contains("Void")));

    let disk = MemoryDisk::new();
    let mut world = world(&disk, SyncMode::Synced);
    assert_eq!(ask(&mut world, &text), None, "the device has not");
    release(&mut world);
    assert!(answer(&mut world).is_some_and(|answer| answer.contains("Void")));
    let other = OTHER_HOST;
    for seed in 0..20 {
        let copy = disk.copy();
        copy.crash(true, &mut Rng::new(seed));
        let hints = crate::hints::HintStore::open(Arc::new(copy), u64::MAX).expect("opens");
        let number = hints.next_file(other).expect("sealed").expect("a file");
        assert_eq!(hints.read_file(other, number).expect("read").0.len(), 1, "seed {seed}");
    }
}

#[test]
fn a_failed_sync_of_hints_fails_the_write() {
    let disk = MemoryDisk::new();
    let mut world = world(&disk, SyncMode::Synced);
    assert_eq!(ask(&mut world, &format!("INSERT INTO k.t (a) VALUES ({THEIRS})")), None);
    let fail_at = disk.operations()..disk.operations() + 8;
    let fail_at = fail_at.map(|at| (at, helenus_engine::disk::DiskErrorKind::Other)).collect();
    disk.set_faults(helenus_engine::disk_memory::Faults { fail_at, ..Default::default() });
    let held = world.held.take().unwrap_or_default();
    assert_eq!(held.len(), 1);
    for task in held {
        let done = task.run(&world.member.shared);
        disk.set_faults(Default::default());
        world.coordinator.task_done(done);
    }
    world.pump();
    let answer = answer(&mut world).expect("an answer");
    assert!(answer.contains("WriteFailure"), "{answer}");
}

#[test]
fn a_batch_is_forgotten_when_its_hints_last() {
    for sync_mode in [SyncMode::Periodic, SyncMode::Synced] {
        let mut world = world(&MemoryDisk::new(), sync_mode);
        let insert = |a| format!("INSERT INTO k.t (a, b) VALUES ({a}, 5)");
        let text = format!("BEGIN BATCH {}; {}; APPLY BATCH", insert(OURS), insert(THEIRS));
        let answered = ask(&mut world, &text);
        assert_eq!(answered, None, "{sync_mode:?}: a part of it is but a hint");
        assert_eq!(
            world.query(&format!("SELECT b FROM k.t WHERE a = {OURS}"), &[]),
            "\\0\\0\\0\\u{5}",
            "it is written"
        );
        assert!(kept_batches(&mut world), "{sync_mode:?}: nothing but a hint in memory tells of a part of it");
        release(&mut world);
        assert!(answer(&mut world).is_some_and(|answer| answer.contains("Void")));
        assert!(!kept_batches(&mut world), "{sync_mode:?}");
    }
}

#[test]
fn hints_that_do_not_fit_on_the_disk_wait_for_space() {
    let disk = MemoryDisk::new();
    let mut world = world(&disk, SyncMode::Periodic);
    world.held = None;
    disk.set_faults(helenus_engine::disk_memory::Faults { capacity_bytes: Some(0), ..Default::default() });
    let refused = ask(&mut world, &format!("INSERT INTO k.t (a) VALUES ({THEIRS})")).expect("an answer");
    assert!(refused.contains("WriteFailure"), "nobody has it but this process: {refused}");
    disk.set_faults(helenus_engine::disk_memory::Faults::default());
    let done = ask(&mut world, &format!("INSERT INTO k.t (a) VALUES ({THEIRS})")).expect("an answer");
    assert!(done.contains("Void"), "{done}");
    let number = world.member.shared.hints.next_file(OTHER_HOST).expect("sealed").expect("a file");
    assert_eq!(world.member.shared.hints.read_file(OTHER_HOST, number).expect("read").0.len(), 2, "none was lost");
}
