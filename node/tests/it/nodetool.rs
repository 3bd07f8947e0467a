//! nodetool against a node.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::process::{Folder, node, nodetool, query, run, session};

const ADDRESS: &str = "127.0.23.1";

fn http(method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect((ADDRESS, 7199)).expect("the admin port is open");
    write!(stream, "{method} {path} HTTP/1.0\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn metric(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is missing"))
}

#[test]
fn commands() {
    let folder = Folder::new("nodetool");
    let _node = node(ADDRESS, &folder.join("data"), &[]);
    let mut stream = session(ADDRESS);
    query(&mut stream, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    query(&mut stream, "CREATE TABLE k.t (a int PRIMARY KEY, b text)");
    query(&mut stream, "INSERT INTO k.t (a, b) VALUES (1, 'x')");

    let contains = |words: &[&str], expected: &str| {
        let text = nodetool(ADDRESS, words);
        assert!(text.contains(expected), "{words:?}: {text}");
    };
    contains(&["status"], "\nUN  127.0.23.1  ");
    contains(&["status", "k"], "  100.0%            ");
    contains(&["ring"], "127.0.23.1       rack1       Up     Normal  ");
    contains(&["info"], "Native Transport active: true\n");
    contains(&["info", "-T"], "\nToken                  : ");
    contains(&["version"], "ReleaseVersion: 5.0.6\n");
    contains(&["describecluster"], "\tk -> Replication class: SimpleStrategy {replication_factor=1}\n");
    contains(&["gossipinfo"], "/127.0.23.1\n  generation:");
    contains(&["tpstats"], "\nMutationStage                  0      0       ");
    contains(&["tpstats"], "\nCacheCleanupExecutor           0      0       0 ");
    contains(&["tpstats"], "\nPAXOS_PROPOSE_RSP                 0           0.0      0.0      0.0      0.0\n");
    contains(&["getendpoints", "k", "t", "-1"], "127.0.23.1\n");
    contains(&["listpendinghints"], "This node does not have any pending hints\n");
    contains(&["tablestats", "k.t"], "\t\tSSTable count: 0\n");
    contains(&["tablestats", "k.t"], "\t\tMemtable cell count: 1\n");
    contains(&["tablestats", "k.t"], "\t\tCompacted partition mean bytes: 0\n");
    contains(&["flush", "k", "t"], "");
    contains(&["tablestats", "k.t"], "\t\tSSTable count: 1\n");
    // A table of one partition of about thirty bytes.
    contains(&["tablestats", "k.t"], "\t\tMemtable switch count: 1\n");
    contains(&["tablestats", "k.t"], "\t\tBloom filter space used: 16\n");
    for unknown in ["mean bytes: 0\n", "Local write latency: NaN", "Space used (total): 0\n", "Max SSTable size: 0B"] {
        assert!(!nodetool(ADDRESS, &["tablestats", "k.t"]).contains(unknown), "{unknown}");
    }
    query(&mut stream, "SELECT * FROM k.t");
    contains(&["tablestats", "k.t"], "\t\tAverage live cells per slice (last five minutes): 1.0\n");
    contains(&["tablestats", "k.t"], "\t\tMaximum live cells per slice (last five minutes): 1\n");
    contains(&["info"], "\nNetwork Cache          : size 0 bytes,");
    query(&mut stream, "INSERT INTO k.t (a, b) VALUES (2, 'x')");
    contains(&["flush"], "");
    contains(&["tablestats", "k.t"], "\t\tSSTable count: 2\n");
    contains(&["compact", "k"], "");
    contains(&["tablestats", "k.t"], "\t\tSSTable count: 1\n");

    // The files of one table, copied, come into another of the same columns.
    query(&mut stream, "CREATE TABLE k.u (a int PRIMARY KEY, b text)");
    let copied = folder.path().join("copied");
    std::fs::create_dir(&copied).expect("made");
    let tables = std::fs::read_dir(folder.path().join("data/data/k")).expect("the keyspace's directory");
    let table = tables.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("t-")).expect("t");
    for file in std::fs::read_dir(table.path()).expect("the table's directory").flatten() {
        if !file.file_name().to_string_lossy().contains("Helenus") {
            std::fs::copy(file.path(), copied.join(file.file_name())).expect("copied");
        }
    }
    let directory = copied.display().to_string();
    contains(&["import", "--copy-data", "k", "u", &directory], "");
    contains(&["tablestats", "k.u"], "\t\tNumber of partitions (estimate): 2\n");
    contains(&["import", "k", "u", &directory], "");
    contains(&["tablestats", "k.u"], "\t\tSSTable count: 2\n");
    assert_eq!(std::fs::read_dir(&copied).expect("there").count(), 0, "moved");

    let refused = |words: &[&str], code, expected: &str| {
        let output = run(&[&["nodetool", "-h", ADDRESS], words].concat());
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&said).as_ref()),
            (Some(code), expected),
            "{words:?}"
        );
    };
    let see = "See 'nodetool help' or 'nodetool help <command>'.\n";
    refused(&["flush", "nope"], 1, &format!("nodetool: Keyspace [nope] does not exist.\n{see}"));
    refused(&["getendpoints", "nope", "t", "1"], 1, &format!("nodetool: Unknown keyspace 'nope'\n{see}"));
    refused(&["getendpoints", "k", "no", "1"], 1, &format!("nodetool: Unknown table 'no' in keyspace 'k'\n{see}"));
    refused(&["status", "nope"], 1, "\nError: The keyspace nope, does not exist\n");
    let empty = format!("Some directories failed to import:\n{directory}: {directory}: no SSTables (500)");
    refused(&["import", "k", "u", &directory], 2, &format!("error: {empty}\n"));
    refused(
        &["import", "k", "u"],
        1,
        &format!("nodetool: import requires keyspace, table name and directories\n{see}"),
    );
    refused(&["tablestats", "nope"], 1, &format!("nodetool: Unknown keyspace: nope\n{see}"));

    let page = http("GET", "/metrics");
    assert!(metric(&page, "org_apache_cassandra_metrics_client_connected_native_clients") >= 1.0);
    assert_eq!(metric(&page, "org_apache_cassandra_metrics_compaction_completed_tasks"), 1.0);
    assert_eq!(metric(&page, "org_apache_cassandra_metrics_client_request_latency_count{request_type=\"Write\"}"), 2.0);
    assert!(http("POST", "/nodetool/flush").starts_with("HTTP/1.0 403 "), "without the token");

    contains(&["drain"], "");
    contains(&["info"], "Native Transport active: false\n");
    contains(&["drain"], "");
}

#[test]
fn the_name_nodetool_is_enough() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helenus"));
    let output = command.arg0("nodetool").args(["-h", "127.0.23.9", "info"]).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.starts_with("nodetool: Failed to connect to '127.0.23.9:7199'"), "{errors}");
}
