//! `helenus cluster`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::process::{Folder, Running, answers_cql, helenus, nodetool};

/// A cluster, and the lines it said until it was ready.
fn cluster(words: &[&str]) -> (Running, Vec<String>) {
    let mut command = helenus();
    command.arg("cluster").args(words).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(&mut command);
    let lines = until_ready(&mut running);
    (running, lines)
}

/// What a cluster says until it is ready.
fn until_ready(running: &mut Running) -> Vec<String> {
    let stdout = running.child.stdout.take().expect("a pipe");
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("text");
        let is_ready = line.starts_with("ready: ");
        lines.push(line);
        if is_ready {
            return lines;
        }
    }
    panic!("the cluster ended: {lines:?}");
}

fn pids(lines: &[String]) -> Vec<Pid> {
    let pid = |line: &String| line.split_whitespace().nth(2)?.parse().ok().and_then(Pid::from_raw);
    lines.iter().filter(|line| line.contains("  pid ")).filter_map(pid).collect()
}

fn wait_for_end(pids: &[Pid]) {
    let deadline = std::time::Instant::now() + crate::process::PATIENCE;
    while pids.iter().any(|pid| test_kill_process(*pid).is_ok()) {
        assert!(std::time::Instant::now() < deadline, "nodes outlive their cluster");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_cluster_starts_stops_and_goes_on() {
    let folder = Folder::new("cluster");
    let directory = folder.join("nodes");
    let words = ["--topology", "us-east:2,eu-west:1", "--base-address", "127.0.24.1", "--dir", &directory];
    for round in 0..2 {
        let (mut running, lines) = cluster(&words);
        let pids = pids(&lines);
        assert_eq!(pids.len(), 3, "{lines:?}");
        assert!(
            lines.iter().any(|line| line.contains("--address 127.0.24.3 ") && line.contains("--dc eu-west")),
            "{lines:?}"
        );
        assert!((1..=3).all(|last| answers_cql(&format!("127.0.24.{last}"))), "round {round}");
        let status = nodetool("127.0.24.3", &["status"]);
        assert!(status.contains("Datacenter: us-east") && status.contains("Datacenter: eu-west"), "{status}");
        assert_eq!(status.matches("  127.0.24.").count(), 3, "{status}");
        running.tell(Signal::INT);
        assert_eq!(running.wait(), Some(0), "round {round}");
        wait_for_end(&pids);
    }
}

#[test]
fn a_death_is_told_and_left_at_that() {
    let folder = Folder::new("death");
    let directory = folder.join("nodes");
    let mut command = helenus();
    command.args(["cluster", "--nodes", "2", "--base-address", "127.0.26.1", "--dir", &directory]);
    let mut running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let lines = until_ready(&mut running);
    let pids = pids(&lines);
    kill_process(pids[1], Signal::KILL).expect("it is there");
    let stderr = running.child.stderr.take().expect("a pipe");
    let said = BufReader::new(stderr).lines().next().expect("a line").expect("text");
    let log = folder.path().join("nodes").join("127.0.26.2.log");
    let pid = pids[1].as_raw_nonzero();
    assert_eq!(said, format!("127.0.26.2  pid {pid} has died: signal: 9 (SIGKILL); see {}", log.display()));
    // Longer than a restart would wait.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert!(answers_cql("127.0.26.1"), "the other one lives");
    assert!(!answers_cql("127.0.26.2"), "nobody asked for it to be started again");
    running.tell(Signal::INT);
    assert_eq!(running.wait(), Some(0));
    wait_for_end(&pids);
}

#[test]
fn nodes_do_not_outlive_their_cluster() {
    let folder = Folder::new("orphans");
    let directory = folder.join("nodes");
    let words = ["--nodes", "2", "--base-address", "127.0.25.1", "--dir", &directory, "--restart"];
    let (mut running, lines) = cluster(&words);
    let first = pids(&lines);
    kill_process(first[1], Signal::KILL).expect("it is there");
    let deadline = std::time::Instant::now() + crate::process::PATIENCE;
    std::thread::sleep(std::time::Duration::from_millis(200));
    while !answers_cql("127.0.25.2") {
        assert!(std::time::Instant::now() < deadline, "the node is not started again");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.tell(Signal::KILL);
    running.wait();
    wait_for_end(&first);
    while answers_cql("127.0.25.2") {
        assert!(std::time::Instant::now() < deadline, "the second one lives on");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
