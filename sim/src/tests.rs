//! Short runs: they repeat, they pass, and they find planted faults.

use helenus_cluster::config::SyncMode;

use crate::options::{FaultKinds, Options, Sabotage};
use crate::runner::run;

/// A run of a few hundred requests with three replicas.
fn short(seed: u64) -> Options {
    Options { operations: 250, work_micros: 8_000_000, replication: 3, ..Options::from_seed(seed) }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (first, second, other) = (run(short(1)), run(short(1)), run(short(2)));
    assert_eq!(first.hash, second.hash);
    assert_eq!(first.operations, second.operations);
    assert_ne!(first.hash, other.hash);
}

#[test]
fn a_few_seeds_keep_every_promise() {
    for seed in [1, 25, 36] {
        let report = run(short(seed));
        assert!(report.failure.is_none(), "seed {seed}: {:?}", report.failure);
        assert!(report.acknowledged > 20 && report.faults > 0, "seed {seed}: {report:?}");
    }
}

#[test]
fn planted_faults_are_found() {
    let kills = FaultKinds { kills: true, kills_all: true, ..FaultKinds::default() };
    let cuts = FaultKinds { power_cuts: true, ..FaultKinds::default() };
    for (sabotage, faults, sync_mode) in
        [(Sabotage::AnswerBeforeLog, kills, SyncMode::Periodic), (Sabotage::AnswerBeforeSync, cuts, SyncMode::Synced)]
    {
        let found = (1..=8).any(|seed| run(Options { sabotage, faults, sync_mode, ..short(seed) }).failure.is_some());
        assert!(found, "{sabotage:?}");
    }
}

/// In batch and group mode nobody is shown what a power cut could still take back: here a slow device, and one replica each.
#[test]
fn reads_do_not_go_back_in_a_power_cut() {
    let faults = FaultKinds { power_cuts: true, ..FaultKinds::default() };
    for seed in 1..=12 {
        let report = run(Options {
            replication: 1,
            sync_mode: SyncMode::Synced,
            sync_micros_max: 400_000,
            faults,
            fault_pause_micros: 300_000,
            ..short(seed)
        });
        assert!(report.failure.is_none(), "seed {seed}: {:?}", report.failure);
    }
}

/// Clients meet at few registers while messages are late, links break, processes die and the power fails: each register's swaps and
/// SERIAL reads have one order.
#[test]
fn swaps_and_serial_reads_have_one_order() {
    let busy = |seed| Options {
        swaps_of_thousand: 1000,
        gather_percent: 100,
        delay_micros: (200, 3_000),
        fault_pause_micros: 600_000,
        operations: 400,
        ..short(seed)
    };
    let faults = FaultKinds { delays: true, breaks: true, kills: true, ..FaultKinds::default() };
    // A power cut takes what is not on the device, in periodic mode what was acknowledged too, but no decision.
    let cuts = FaultKinds { power_cuts: true, ..FaultKinds::default() };
    for (faults, replication, sync_micros_max, seeds) in
        [(faults, 3, 2_000, 9..=12), (cuts, 3, 20_000, 1..=2), (cuts, 1, 20_000, 1..=4)]
    {
        for seed in seeds {
            let sync_mode = SyncMode::Periodic;
            let report = run(Options { faults, replication, sync_mode, sync_micros_max, ..busy(seed) });
            assert!(report.failure.is_none(), "seed {seed}, {faults:?}, {replication} replicas: {:?}", report.failure);
        }
    }
}
