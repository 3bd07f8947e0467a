//! What is wrong is said in one line, and the exit code tells.

use std::net::TcpListener;

use crate::process::{Folder, node, run};

/// The program ends with a failure and says exactly this one line.
fn check(words: &[&str], expected: &str) {
    let output = run(words);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), errors.trim_end()), (Some(1), expected), "{words:?}");
    assert_eq!(errors.lines().count(), 1, "{words:?}");
}

#[test]
fn a_bad_key() {
    let folder = Folder::new("bad-key");
    let directory = folder.join("data");
    check(
        &["node", "--address", "127.0.21.1", "--data-dir", &directory, "--set", "foo=1"],
        "helenus: --set: unknown key 'foo'",
    );
    let file = folder.join("cassandra.yaml");
    std::fs::write(&file, "cluster_name: x\nnum_tokens: many\n").expect("written");
    let output = run(&["node", "--config", &file, "--data-dir", &directory]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.starts_with(&format!("helenus: {file}:2: num_tokens: ")), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let missing = folder.join("no.yaml");
    check(&["node", "--config", &missing], &format!("helenus: {missing}: No such file or directory"));
    assert!(!folder.path().join("data").exists(), "nothing is made before the settings are known to be right");
}

#[test]
fn a_taken_port() {
    let folder = Folder::new("taken-port");
    let listener = TcpListener::bind("127.0.21.2:9042").expect("free");
    let node = ["node", "--address", "127.0.21.2", "--data-dir", &folder.join("data")];
    check(
        &node,
        "helenus: cannot listen on 127.0.21.2:9042 for clients: the port is taken: stop what listens there, or set \
         native_transport_port",
    );
    drop(listener);
    let _listener = TcpListener::bind("127.0.21.2:7000").expect("free");
    check(
        &node,
        "helenus: cannot listen on 127.0.21.2:7000 for other nodes: the port is taken: stop what listens there, or set \
         storage_port",
    );
    let cluster = ["cluster", "--nodes", "2", "--base-address", "127.0.21.1", "--dir", &folder.join("cluster")];
    check(
        &cluster,
        "helenus: cannot listen on 127.0.21.2:7000 for other nodes: the port is taken: stop what listens there, or set \
         storage_port (--set storage_port=…)",
    );
    assert!(!folder.path().join("cluster").exists(), "nothing is started");
}

#[test]
fn a_directory_that_cannot_be_used() {
    let folder = Folder::new("bad-directory");
    let file = folder.join("file");
    std::fs::write(&file, "x").expect("written");
    check(
        &["node", "--address", "127.0.21.3", "--data-dir", &file],
        &format!("helenus: data directory {file}: File exists"),
    );
    // Nobody may write here, root neither; in whose words differs from machine to machine.
    let output = run(&["node", "--address", "127.0.21.3", "--data-dir", "/sys/kernel"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.starts_with("helenus: data directory /sys/kernel"), "{errors}");
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    let directory = folder.join("data");
    let running = node("127.0.21.3", &directory, &[]);
    check(
        &["node", "--address", "127.0.21.4", "--data-dir", &directory],
        &format!(
            "helenus: data directory {directory} is locked by another Helenus process (pid {}): stop that one, or choose \
             another --data-dir",
            running.child.id()
        ),
    );
    drop(running);
    check(
        &["node", "--address", "127.0.21.3", "--data-dir", &directory, "--set", "cluster_name=other"],
        "helenus: Saved cluster name Test Cluster != configured name other",
    );
}

#[test]
fn a_seed_of_another_cluster() {
    let folder = Folder::new("other-cluster");
    let _seed = node("127.0.21.5", &folder.join("seed"), &["--set", "cluster_name=theirs"]);
    let words = ["node", "--address", "127.0.21.6", "--data-dir", &folder.join("data"), "--seeds", "127.0.21.5"];
    let output = run(&words);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let last = errors.lines().last().unwrap_or_default();
    assert!(last.starts_with("helenus: seed 127.0.21.5:7000: the other end belongs to cluster \"theirs"), "{errors}");
}

#[test]
fn words_that_make_no_sense() {
    let check = |words: &[&str], code, expected: &str| {
        let output = run(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {errors}");
        assert!(errors.starts_with(expected), "{words:?}: {errors}");
    };
    check(&["cluster", "--nodes", "0"], 1, "helenus: --nodes: 0 is not between 1 and 64\n");
    check(&["cluster", "--topology", "a"], 1, "helenus: --topology: 'a' is not DC:N\n");
    check(&["cluster", "--base-address", "localhost"], 2, "error: invalid value 'localhost'");
    check(&["nodetool", "foo"], 1, "nodetool: unrecognized subcommand 'foo'\nSee 'nodetool help'");
    check(&["nodetool"], 1, "nodetool: a command is needed");
    let refused = "nodetool: Failed to connect to '127.0.21.9:7199' - ConnectException: 'Connection refused'.\n";
    check(&["nodetool", "-h", "127.0.21.9", "status"], 1, refused);
}
