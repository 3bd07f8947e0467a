//! The layouts are Apache Cassandra 5.0.6's, taken from a running one.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::*;
use crate::admin::answers::KeyspaceAnswer;

const HOST: &str = "6dbea9de-40a7-4897-bb04-800fe11733a7";

fn node(last: u8, datacenter: &str, is_alive: bool, tokens: &[i64]) -> NodeAnswer {
    let host_id = if last == 99 { HOST.to_owned() } else { format!("00000000-0000-0000-0000-0000000000{last:02x}") };
    NodeAnswer {
        address: ([127, 0, 0, last], 7000).into(),
        host_id,
        datacenter: datacenter.to_owned(),
        rack: "rack1".to_owned(),
        is_alive,
        load: is_alive.then_some(324_680.0),
        tokens: tokens.to_vec(),
        schema_version: Some("c6241be3-4532-305c-a2a0-37277bfdfc34".to_owned()),
        release_version: Some("5.0.6".to_owned()),
    }
}

fn cluster(nodes: Vec<NodeAnswer>, ownership: Option<f64>) -> ClusterAnswer {
    let shares = |share: f64| nodes.iter().map(|node| (node.host_id.clone(), share)).collect();
    ClusterAnswer {
        name: "oracle".to_owned(),
        snitch: "org.apache.cassandra.locator.SimpleSnitch".to_owned(),
        ownership: ownership.map_or(Ownership::Meaningless, |share| Ownership::Effective(shares(share))),
        nodes,
        keyspaces: vec![
            KeyspaceAnswer {
                name: "nodet".to_owned(),
                class: "NetworkTopologyStrategy".to_owned(),
                options: BTreeMap::from([("datacenter1".to_owned(), "1".to_owned())]),
            },
            KeyspaceAnswer { name: "system".to_owned(), class: "LocalStrategy".to_owned(), options: BTreeMap::new() },
        ],
    }
}

fn one() -> Vec<NodeAnswer> {
    vec![node(99, "datacenter1", true, &[-8_123_935_817_163_038_788, 7_372_169_059_806_738_913])]
}

/// Ends of lines are marked, so that blanks before them are seen.
fn check(text: Result<String, Failure>, expected: &Expect) {
    let text = text.unwrap_or_else(|failure| format!("{failure:?}\n"));
    expected.assert_eq(&text.replace('\n', "$\n"));
}

#[test]
fn status_has_cassandras_layout() {
    check(
        status(&cluster(one(), Some(1.0)), None, false, false),
        &expect![[r#"
            Datacenter: datacenter1$
            =======================$
            Status=Up/Down$
            |/ State=Normal/Leaving/Joining/Moving$
            --  Address     Load        Tokens  Owns (effective)  Host ID                               Rack $
            UN  127.0.0.99  317.07 KiB  2       100.0%            6dbea9de-40a7-4897-bb04-800fe11733a7  rack1$
            $
        "#]],
    );
    check(
        status(&cluster(one(), None), None, true, false),
        &expect![[r#"
            Datacenter: datacenter1$
            =======================$
            Status=Up/Down$
            |/ State=Normal/Leaving/Joining/Moving$
            --  Address          Load        Tokens  Owns  Host ID                               Rack $
            UN  127.0.0.99:7000  317.07 KiB  2       ?     6dbea9de-40a7-4897-bb04-800fe11733a7  rack1$
            $
            Note: Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless$
        "#]],
    );
    let two = vec![node(1, "us-east", true, &[1, 2]), node(2, "eu-west", false, &[3, 4])];
    check(
        status(&cluster(two, Some(0.5)), None, false, false),
        &expect![[r#"
            Datacenter: eu-west$
            ===================$
            Status=Up/Down$
            |/ State=Normal/Leaving/Joining/Moving$
            --  Address    Load        Tokens  Owns (effective)  Host ID                               Rack $
            DN  127.0.0.2  ?           2       50.0%             00000000-0000-0000-0000-000000000002  rack1$
            $
            Datacenter: us-east$
            ===================$
            Status=Up/Down$
            |/ State=Normal/Leaving/Joining/Moving$
            --  Address    Load        Tokens  Owns (effective)  Host ID                               Rack $
            UN  127.0.0.1  317.07 KiB  2       50.0%             00000000-0000-0000-0000-000000000001  rack1$
            $
        "#]],
    );
    let mut unknown = cluster(one(), None);
    unknown.ownership = Ownership::UnknownKeyspace;
    let expected = Failure::Printed("\nError: The keyspace nope, does not exist\n".to_owned());
    assert_eq!(status(&unknown, Some("nope"), false, false), Err(expected));
}

#[test]
fn ring_has_cassandras_layout() {
    check(
        ring(&cluster(one(), None), None, false, false),
        &expect![[r#"
            $
            Datacenter: datacenter1$
            ==========$
            Address          Rack        Status State   Load            Owns                Token                                       $
                                                                                            7372169059806738913                         $
            127.0.0.99       rack1       Up     Normal  317.07 KiB      ?                   -8123935817163038788                        $
            127.0.0.99       rack1       Up     Normal  317.07 KiB      ?                   7372169059806738913                         $
            $
              Warning: "nodetool ring" is used to output all the tokens of a node.$
              To view status related info of a node use "nodetool status" instead.$
            $
            $
              Note: Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless$
        "#]],
    );
}

#[test]
fn describecluster_has_cassandras_layout() {
    check(
        Ok(describe(&cluster(one(), None), false)),
        &expect![[r#"
            Cluster Information:$
            	Name: oracle$
            	Snitch: org.apache.cassandra.locator.SimpleSnitch$
            	DynamicEndPointSnitch: disabled$
            	Partitioner: org.apache.cassandra.dht.Murmur3Partitioner$
            	Schema versions:$
            		c6241be3-4532-305c-a2a0-37277bfdfc34: [127.0.0.99]$
            $
            Stats for all nodes:$
            	Live: 1$
            	Joining: 0$
            	Moving: 0$
            	Leaving: 0$
            	Unreachable: 0$
            $
            Data Centers: $
            	datacenter1 #Nodes: 1 #Down: 0$
            $
            Database versions:$
            	5.0.6: [127.0.0.99:7000]$
            $
            Keyspaces:$
            	nodet -> Replication class: NetworkTopologyStrategy {datacenter1=1}$
            	system -> Replication class: LocalStrategy {}$
            $
            Note: Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless$
        "#]],
    );
}
