//! Single scenarios.

use helenus_model::rng::Rng;
use uuid::Uuid;

use super::test_network::{Network, address};
use super::{Config, Event, Gossiper};
use crate::limits::GENERATION_AHEAD_SECONDS_MAX;
use crate::state::ApplicationState;

fn times_of(network: &Network, node: usize, wanted: &Event) -> Vec<u64> {
    network.nodes[node].events.iter().filter(|(_, event)| event == wanted).map(|(time, _)| *time).collect()
}

#[test]
fn three_nodes_find_one_another_at_once() {
    // delay of the seed's start, time allowed after it
    for (seed_late_ms, limit_ms) in [(0, 120), (350, 150), (5_000, 150)] {
        let mut network = Network::new(3, 1, 7);
        network.start(1);
        network.start(2);
        network.run(seed_late_ms);
        network.start(0);
        network.run(limit_ms);
        network.assert_agreement();
    }
}

#[test]
fn a_cluster_restarts_from_saved_peers_without_its_seed() {
    let mut network = Network::started(3, 1, 8);
    for node in 0..3 {
        network.kill(node);
    }
    network.run(1_000);
    for node in 1..3 {
        network.start(node);
        let now_ms = network.now_ms;
        network.gossiper_mut(node).add_saved_endpoints(&[address(0), address(1), address(2)], now_ms);
    }
    network.run(300);
    assert!(network.sees(1, 2) && network.sees(2, 1));
}

#[test]
fn a_shutdown_is_seen_at_once_and_a_restart_ends_it() {
    let mut network = Network::started(3, 1, 9);
    network.run(20_000);
    network.shut_down(2);
    network.run(10);
    for node in 0..2 {
        assert!(!network.sees(node, 2));
        assert_eq!(times_of(&network, node, &Event::NodeShutdown { endpoint: address(2) }).len(), 1);
        let state = network.gossiper(node).endpoint_state(&address(2)).expect("still known");
        assert_eq!(state.get(ApplicationState::Status), Some("shutdown,true"));
        assert_eq!(state.get(ApplicationState::RpcReady), Some("false"));
    }
    network.run(10_000);
    network.start(2);
    network.run(300);
    network.assert_agreement();
}

#[test]
fn a_shutdown_reaches_who_missed_the_message() {
    let mut network = Network::started(4, 1, 10);
    network.cuts.insert((3, 1));
    network.shut_down(3);
    network.run(3_000);
    assert_eq!(times_of(&network, 1, &Event::NodeShutdown { endpoint: address(3) }).len(), 1);
    assert!(!network.sees(1, 3));
}

#[test]
fn gossip_stopped_and_started_again() {
    let mut network = Network::started(3, 1, 11);
    network.gossiper_mut(1).shutdown();
    network.run(1_000);
    assert!(!network.sees(0, 1) && !network.sees(2, 1));
    assert_eq!(network.gossiper(1).next_wakeup(), None);
    // What others say is not heard meanwhile, and the stopped node does not move.
    let now_ms = network.now_ms;
    network.gossiper_mut(1).on_tick(now_ms);
    assert_eq!(network.gossiper_mut(1).take_output().messages, []);
    let generation = network.gossiper(1).generation();
    network.gossiper_mut(1).start(generation, now_ms);
    assert_eq!(network.gossiper(1).generation(), generation + 1);
    let own = network.gossiper(1).endpoint_state(&address(1)).expect("a node knows itself");
    assert_eq!(own.get(ApplicationState::Status), Some("NORMAL,1"));
    network.run(2_000);
    network.assert_agreement();
}

#[test]
fn the_silent_are_convicted_and_return() {
    let mut network = Network::started(3, 1, 12);
    network.run(60_000);
    let killed_ms = network.now_ms;
    network.kill(2);
    network.run(15_000);
    assert!(network.sees(0, 2) && network.sees(1, 2));
    network.run(10_000);
    for node in 0..2 {
        let downs = times_of(&network, node, &Event::NodeDown { endpoint: address(2) });
        assert_eq!(downs.len(), 1);
        let after_ms = downs[0] - killed_ms;
        assert!((16_000..24_000).contains(&after_ms), "{after_ms} ms");
        assert_eq!(network.gossiper(node).down_since(&address(2)), Some(downs[0]));
    }
    network.start(2);
    network.run(300);
    network.assert_agreement();
    assert_eq!(network.gossiper(0).down_since(&address(2)), None);
}

#[test]
fn a_quick_restart_is_a_restart() {
    let mut network = Network::started(3, 1, 13);
    network.run(10_000);
    network.nodes[0].events.clear();
    network.kill(2);
    network.run(500);
    network.start(2);
    network.run(500);
    let endpoint = address(2);
    let generation = network.gossiper(2).generation();
    let life: Vec<&Event> = network.nodes[0]
        .events
        .iter()
        .map(|(_, event)| event)
        .filter(|event| !matches!(event, Event::StateChanged { .. }))
        .collect();
    let expected =
        [Event::NodeDown { endpoint }, Event::NodeRestarted { endpoint, generation }, Event::NodeUp { endpoint }];
    assert_eq!(life, expected.iter().collect::<Vec<_>>());
}

#[test]
fn own_pause_convicts_nobody() {
    // seed, length of the pause, whether what arrives meanwhile is lost, as it is when links are reset
    let cases = [
        (1, 30_000, false),
        (2, 6_000, false),
        (3, 4_000, false),
        (4, 300_000, false),
        (5, 30_000, true),
        (6, 6_000, true),
        (7, 300_000, true),
    ];
    for (seed, pause_ms, deaf) in cases {
        let mut network = Network::started(3, 1, seed);
        network.run(60_000);
        network.nodes[0].events.clear();
        let resumed_ms = network.now_ms + pause_ms;
        network.nodes[0].paused_until_ms = resumed_ms;
        let links = [(1, 0), (2, 0)];
        if deaf {
            network.cuts.extend(links);
        }
        network.run(pause_ms - 1);
        for link in links {
            network.cuts.remove(&link);
        }
        network.run(120_000);
        for (time, event) in &network.nodes[0].events {
            assert!(!matches!(event, Event::NodeDown { .. }), "{event:?} {} ms after", time - resumed_ms);
        }
        for node in 1..3 {
            let ups = times_of(&network, node, &Event::NodeUp { endpoint: address(0) });
            assert!(ups.iter().all(|up| *up < resumed_ms + 2_000), "up again late");
        }
        network.assert_agreement();
    }
}

#[test]
fn heard_of_is_not_up_until_it_answers() {
    let mut network = Network::new(3, 1, 14);
    // 1 and 2 hear of one another through 0 alone.
    network.cuts.extend([(1, 2), (2, 1)]);
    for node in 0..3 {
        network.start(node);
    }
    network.run(10_000);
    assert!(network.gossiper(1).endpoint_state(&address(2)).is_some());
    assert!(!network.sees(1, 2) && !network.sees(2, 1));
    assert!(network.sees(0, 1) && network.sees(1, 0));
    network.cuts.remove(&(1, 2));
    network.run(10_000);
    assert!(!network.sees(1, 2), "2 hears 1, but cannot answer");
    network.cuts.clear();
    network.run(3_000);
    network.assert_agreement();
}

#[test]
fn the_leaving_are_down_though_they_answer() {
    let mut network = Network::started(3, 1, 23);
    network.set(2, ApplicationState::Status, "LEFT,1,2");
    network.run(10_000);
    for node in 0..2 {
        assert!(!network.sees(node, 2));
        assert_eq!(times_of(&network, node, &Event::NodeDown { endpoint: address(2) }).len(), 1);
        assert_eq!(times_of(&network, node, &Event::NodeUp { endpoint: address(2) }).len(), 1);
    }
    network.set(2, ApplicationState::Status, "NORMAL,2");
    network.run(3_000);
    network.assert_agreement();
}

#[test]
fn the_split_meet_again_without_a_seed() {
    let mut network = Network::started(3, 1, 24);
    network.kill(0);
    network.cuts.extend([(1, 2), (2, 1)]);
    network.run(60_000);
    assert!(!network.sees(1, 2) && !network.sees(2, 1));
    network.cuts.clear();
    network.run(10_000);
    network.assert_agreement();
}

#[test]
fn a_lossy_start_is_quick_all_the_same() {
    let mut total_ms = 0;
    for seed in 0..20 {
        let mut network = Network::new(3, 1, seed);
        network.loss_percent = 30;
        for node in 0..3 {
            network.start(node);
        }
        total_ms += network.run_until_agreement(5_000);
    }
    assert!(total_ms <= 20 * 1_500, "{total_ms} ms in 20 starts");
}

#[test]
fn clusters_do_not_mix() {
    let ids = [Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)), None];
    // name and id of node 1; node 0 has "Test Cluster" and id 1
    let cases = [
        ("Other", ids[2], true),
        ("Other", ids[0], true),
        ("Test Cluster", ids[1], true),
        ("Test Cluster", ids[2], false),
    ];
    for (name, id, refused) in cases {
        let mut network = Network::new(2, 1, 15);
        network.nodes[1].config.cluster_name = name.to_owned();
        for (node, id) in [(0, ids[0]), (1, id)] {
            network.start(node);
            if let Some(id) = id {
                network.gossiper_mut(node).set_cluster_id(id, 0).expect("short");
            }
        }
        network.run(5_000);
        for node in 0..2 {
            let other = 1 - node;
            assert_eq!(network.sees(node, other), !refused, "{name} {id:?}");
            let reports = network.nodes[node].events.iter().filter(
                |(_, event)| matches!(event, Event::WrongCluster { endpoint, .. } if *endpoint == address(other)),
            );
            assert_eq!(reports.count(), usize::from(refused), "{name} {id:?}");
            assert_eq!(network.gossiper(node).endpoint_state(&address(other)).is_none(), refused);
        }
    }
}

#[test]
fn the_removed_are_quarantined() {
    let mut network = Network::started(3, 1, 16);
    let now_ms = network.now_ms;
    network.gossiper_mut(0).remove_endpoint(address(2), now_ms);
    network.run(50_000);
    assert!(network.gossiper(0).endpoint_state(&address(2)).is_none(), "others still speak of it");
    assert_eq!(times_of(&network, 0, &Event::NodeRemoved { endpoint: address(2) }).len(), 1);
    network.run(15_000);
    assert!(network.sees(0, 2), "it lives, and the quarantine is over");

    let now_ms = network.now_ms;
    network.gossiper_mut(0).remove_endpoint(address(2), now_ms);
    network.gossiper_mut(0).set_members(&[address(0), address(1), address(2)], now_ms);
    network.run(5_000);
    assert!(network.sees(0, 2), "a member again");
}

#[test]
fn silent_strangers_are_forgotten() {
    let mut network = Network::started(3, 1, 17);
    for node in 0..3 {
        let now_ms = network.now_ms;
        network.gossiper_mut(node).set_members(&[address(0), address(1)], now_ms);
    }
    network.run(100_000);
    network.assert_agreement();
    network.kill(2);
    network.run(40_000);
    for node in 0..2 {
        assert!(network.gossiper(node).endpoint_state(&address(2)).is_none());
    }
    // A member is never forgotten.
    network.kill(1);
    network.run(100_000);
    assert!(network.gossiper(0).endpoint_state(&address(1)).is_some());
    assert_eq!(network.gossiper(0).unreachable_endpoints().collect::<Vec<_>>(), [address(1)]);
}

#[test]
fn a_lost_generation_is_raised() {
    let mut network = Network::started(3, 1, 18);
    network.run(5_000);
    let before = network.gossiper(2).generation();
    network.kill(2);
    network.run(100);
    network.start_with(2, before - 10_000_000);
    network.run(1_500);
    assert_eq!(network.gossiper(2).generation(), before + 1);
    network.assert_agreement();
}

#[test]
fn an_implausible_generation_is_reported_and_ignored() {
    let mut network = Network::started(2, 1, 19);
    network.kill(1);
    let own = network.gossiper(0).generation();
    let ahead = u32::try_from(GENERATION_AHEAD_SECONDS_MAX).expect("a year is short") + own + 1_000;
    network.start_with(1, ahead);
    network.run(3_000);
    let reports = times_of(&network, 0, &Event::ImplausibleGeneration { endpoint: address(1), generation: ahead });
    assert_eq!(reports.len(), 1);
    assert!(network.gossiper(0).endpoint_state(&address(1)).is_some_and(|state| state.generation == own));
}

#[test]
fn changes_spread_before_the_next_round_and_load_does_not_hurry() {
    let mut network = Network::started(3, 1, 20);
    // Past the hurry of the start, and right behind a round of the node that changes.
    network.run(5_000);
    let rounds_done = network.gossiper(1).next_wakeup().expect("it runs");
    network.run(rounds_done + 50 - network.now_ms);
    network.set(1, ApplicationState::Load, "123.0");
    assert!(network.gossiper(1).next_wakeup().is_some_and(|due| due > network.now_ms + 500));
    network.set(1, ApplicationState::MetadataEpoch, "42");
    network.run(200);
    for node in [0, 2] {
        assert_eq!(network.gossiper(node).newest_epoch(), Some((42, address(1))));
        let seen = network.gossiper(node).endpoint_state(&address(1)).expect("known");
        assert_eq!(seen.get(ApplicationState::Load), Some("123.0"));
    }
}

#[test]
fn more_state_than_fits_one_message_arrives() {
    let mut network = Network::new(3, 1, 21);
    network.start(0);
    network.start(1);
    let keys = [ApplicationState::Tokens, ApplicationState::IndexStatus, ApplicationState::Unknown(555)];
    for node in 0..2 {
        for key in keys {
            network.set(node, key, &"x".repeat(60_000));
        }
    }
    network.run(10_000);
    network.assert_agreement();
    network.start(2);
    network.run(5_000);
    network.assert_agreement();
    assert!(network.longest_message > 100_000);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut network = Network::new(4, 2, seed);
        network.loss_percent = 20;
        for node in 0..4 {
            network.start(node);
        }
        network.run(30_000);
        let events: Vec<_> = network.nodes.iter().map(|node| node.events.clone()).collect();
        (network.messages_sent, events)
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

#[test]
fn forty_nodes_agree_soon() {
    let mut network = Network::new(40, 3, 22);
    for node in 0..40 {
        network.start(node);
    }
    let took_ms = network.run_until_agreement(5_000);
    assert!(took_ms <= 2_000, "{took_ms} ms");
}

#[test]
fn gossipinfo_has_cassandras_layout() {
    let mut gossiper = Gossiper::new(Config::new(address(0), "Test Cluster"), Rng::new(1)).expect("good settings");
    for (key, value) in [
        (ApplicationState::HostId, "6dbea9de-40a7-4897-bb04-800fe11733a7"),
        (ApplicationState::Tokens, "-1,5"),
        (ApplicationState::Status, "NORMAL,-1"),
        (ApplicationState::MetadataEpoch, "17"),
    ] {
        gossiper.set_local(key, value.to_owned(), 0).expect("short");
    }
    gossiper.start(1_700_000_000, 0);
    gossiper.on_tick(0);
    let lines = "  generation:1700000000\n  heartbeat:5\n  STATUS:3:NORMAL,-1\n  \
                 HOST_ID:1:6dbea9de-40a7-4897-bb04-800fe11733a7\n  METADATA_EPOCH:4:17\n  TOKENS:2:<hidden>\n";
    assert_eq!(gossiper.gossip_info(false), format!("/127.0.0.1\n{lines}"));
    assert_eq!(gossiper.gossip_info(true), format!("/127.0.0.1:7000\n{lines}"));
}
