//! Random faults, then healing: whatever has happened, all running nodes agree soon after.

use proptest::prelude::*;

use super::test_network::{Network, address};
use crate::state::ApplicationState;

const NODES: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    Run(u64),
    CutOneWay(usize, usize),
    Split(u8),
    Heal,
    Loss(u64),
    Slow(u64),
    Kill(usize),
    Start(usize, bool),
    StartWithLostGeneration(usize),
    ShutDown(usize),
    Pause(usize, u64),
    Set(usize, u16, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let node = || 0..NODES;
    prop_oneof![
        6 => (1u64..25_000).prop_map(Step::Run),
        2 => (node(), node()).prop_map(|(from, to)| Step::CutOneWay(from, to)),
        1 => any::<u8>().prop_map(Step::Split),
        1 => Just(Step::Heal),
        1 => (0u64..60).prop_map(Step::Loss),
        1 => (1u64..3_000).prop_map(Step::Slow),
        2 => node().prop_map(Step::Kill),
        3 => (node(), any::<bool>()).prop_map(|(node, saved)| Step::Start(node, saved)),
        1 => node().prop_map(Step::StartWithLostGeneration),
        1 => node().prop_map(Step::ShutDown),
        1 => (node(), 1u64..60_000).prop_map(|(node, pause_ms)| Step::Pause(node, pause_ms)),
        3 => (node(), 1u16..6, 0usize..60_000).prop_map(|(node, key, length)| Step::Set(node, key, length)),
    ]
}

fn perform(network: &mut Network, step: &Step, lost: &mut [bool; NODES]) {
    match *step {
        Step::Run(duration_ms) => network.run(duration_ms),
        Step::CutOneWay(from, to) => {
            network.cuts.insert((from, to));
        }
        Step::Split(mask) => {
            let side = |node: usize| mask >> node & 1;
            let pairs = (0..NODES).flat_map(|from| (0..NODES).map(move |to| (from, to)));
            network.cuts.extend(pairs.filter(|(from, to)| side(*from) != side(*to)));
        }
        Step::Heal => heal(network),
        Step::Loss(percent) => network.loss_percent = percent,
        Step::Slow(delay_ms) => network.delay_ms_max = delay_ms,
        Step::Kill(node) => network.kill(node),
        Step::Start(node, saved) => {
            if network.nodes[node].gossiper.is_none() {
                network.start(node);
                if saved {
                    let everyone: Vec<_> = (0..NODES).map(address).collect();
                    let now_ms = network.now_ms;
                    network.gossiper_mut(node).add_saved_endpoints(&everyone, now_ms);
                }
            }
        }
        // Once a node: two lives that both lost their generation and never met may take the same one.
        Step::StartWithLostGeneration(node) => {
            if network.nodes[node].gossiper.is_none() && !lost[node] {
                lost[node] = true;
                network.start_with(node, 1_690_000_000);
            }
        }
        Step::ShutDown(node) => network.shut_down(node),
        Step::Pause(node, pause_ms) => network.nodes[node].paused_until_ms = network.now_ms + pause_ms,
        Step::Set(node, key, length) => {
            let letter = char::from(b'a' + u8::try_from(length % 26).expect("below 26"));
            network.set(node, ApplicationState::Unknown(3_000 + key), &letter.to_string().repeat(length.min(50_000)));
        }
    }
}

fn heal(network: &mut Network) {
    network.cuts.clear();
    network.loss_percent = 0;
    network.duplicate_percent = 5;
    network.delay_ms_max = 20;
    for node in &mut network.nodes {
        node.paused_until_ms = node.paused_until_ms.min(network.now_ms);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn all_agree_after_healing(
        seed in any::<u64>(),
        seeds in 1usize..4,
        steps in proptest::collection::vec(any_step(), 1..40),
    ) {
        let mut network = Network::new(NODES, seeds, seed);
        network.duplicate_percent = 5;
        for node in 0..NODES {
            network.start(node);
        }
        let mut lost = [false; NODES];
        for step in &steps {
            perform(&mut network, step, &mut lost);
        }
        heal(&mut network);
        // Everybody up first: nodes that were never introduced to one another need a running seed.
        for node in 0..NODES {
            if network.nodes[node].gossiper.is_none() {
                network.start(node);
            }
        }
        // Slow messages of before may arrive for three seconds more.
        network.run(3_000);
        network.run_until_agreement(15_000);
        // And from then on nobody changes his mind.
        for node in &mut network.nodes {
            node.events.clear();
        }
        network.run(60_000);
        for node in &network.nodes {
            prop_assert!(node.events.is_empty(), "{:?}", node.events);
        }
        // The survivors also agree on who is dead, once the detectors have had their time.
        network.kill(NODES - 1);
        network.run_until_agreement(40_000);
    }
}
