//! A node from its start over its clients to its end.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{ERROR, Folder, OPTIONS, QUERY, RESULT, SUPPORTED, ask, connect, node, query, session};

/// The last eight bytes of a RESULT of one row with one bigint.
fn number(result: &[u8]) -> i64 {
    result.last_chunk().map_or(-1, |bytes| i64::from_be_bytes(*bytes))
}

fn write_rows(address: &str) {
    let mut stream = session(address);
    query(&mut stream, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    query(&mut stream, "CREATE TABLE k.t (a int PRIMARY KEY, b text)");
    for i in 0..100 {
        query(&mut stream, &format!("INSERT INTO k.t (a, b) VALUES ({i}, 'x')"));
    }
}

fn count(address: &str) -> i64 {
    number(&query(&mut session(address), "SELECT count(*) FROM k.t"))
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    for (name, address, sync) in
        [("periodic", "127.0.22.1", "commitlog_sync=periodic"), ("batch", "127.0.22.2", "commitlog_sync=batch")]
    {
        let folder = Folder::new(&format!("kill-{name}"));
        let directory = folder.join("data");
        let mut running = node(address, &directory, &["--set", sync]);
        write_rows(address);
        running.tell(Signal::KILL);
        assert_eq!(running.wait(), None, "killed");
        let _again = node(address, &directory, &["--set", sync]);
        assert_eq!(count(address), 100, "{name}");
    }
}

#[test]
fn a_node_that_is_asked_to_stop_flushes_and_ends_well() {
    let folder = Folder::new("stop");
    let directory = folder.join("data");
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = node("127.0.22.3", &directory, &[]);
        if signal == Signal::TERM {
            write_rows("127.0.22.3");
        }
        assert_eq!(count("127.0.22.3"), 100);
        running.tell(signal);
        assert_eq!(running.wait(), Some(0), "{signal:?}");
        let tables = folder.path().join("data").join("data").join("k");
        let table = std::fs::read_dir(tables).expect("a keyspace").next().expect("a table").expect("an entry");
        let files = std::fs::read_dir(table.path()).expect("a table").count();
        assert!(files >= 8, "the memtable is on disk: {files} files");
    }
}

#[test]
fn neither_load_nor_silence_keeps_a_node_from_ending() {
    const ADDRESS: &str = "127.0.22.6";
    let folder = Folder::new("stop-under-load");
    let directory = folder.join("data");
    let mut running = node(ADDRESS, &directory, &[]);
    write_rows(ADDRESS);
    let text = "z".repeat(200_000);
    query(&mut session(ADDRESS), &format!("INSERT INTO k.t (a, b) VALUES (-1, '{text}')"));
    // Clients that say nothing, that are in the middle of a message, that take no answer.
    let silent: Vec<_> = (0..3).map(|_| connect(ADDRESS).expect("a connection")).collect();
    let mut halfway = session(ADDRESS);
    halfway.write_all(&[4, 0, 0, 1, 7, 0, 0]).expect("sent");
    let mut deaf = session(ADDRESS);
    let select = b"SELECT b FROM k.t WHERE a = -1";
    let mut frame = vec![4, 0, 0, 1, 7, 0, 0, 0, 4 + select.len() as u8 + 3, 0, 0, 0, select.len() as u8];
    frame.extend_from_slice(select);
    frame.extend_from_slice(&[0, 1, 0]);
    deaf.write_all(&frame.repeat(200)).expect("sent");
    let acknowledged = AtomicU64::new(0);
    let started = std::thread::scope(|scope| {
        for worker in 1..=3u64 {
            let acknowledged = &acknowledged;
            let mut stream = session(ADDRESS);
            scope.spawn(move || {
                for i in 0.. {
                    let insert = format!("INSERT INTO k.t (a, b) VALUES ({}, 'y')", worker * 1_000_000 + i);
                    let mut body = (insert.len() as u32).to_be_bytes().to_vec();
                    body.extend_from_slice(insert.as_bytes());
                    body.extend_from_slice(&[0, 1, 0]);
                    match ask(&mut stream, QUERY, &body) {
                        Ok((RESULT, _)) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        _ => break,
                    };
                }
            });
        }
        while acknowledged.load(Ordering::Relaxed) < 300 {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.tell(Signal::TERM);
        let started = Instant::now();
        assert_eq!(running.wait(), Some(0));
        started
    });
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop((silent, halfway, deaf));
    let _again = node(ADDRESS, &directory, &[]);
    let found = count(ADDRESS) as u64;
    // A row whose answer was on its way may be there as well: one a worker at most.
    let wanted = acknowledged.into_inner() + 101;
    assert!((wanted..=wanted + 3).contains(&found), "{found} rows, {wanted} acknowledged");
}

#[test]
fn bad_input_ends_its_own_connection_only() {
    let folder = Folder::new("bad-input");
    let _node = node("127.0.22.4", &folder.join("data"), &[]);
    let mut other = session("127.0.22.4");
    for bad in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &[4, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0xff],
        &[4, 0, 0, 1, 99, 0, 0, 0, 0],
    ] {
        let mut stream = connect("127.0.22.4").expect("a connection");
        std::io::Write::write_all(&mut stream, bad).expect("sent");
        std::net::TcpStream::shutdown(&stream, std::net::Shutdown::Write).expect("still open");
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        assert!(answer.get(4).is_none_or(|opcode| *opcode == ERROR), "{bad:?}: {answer:?}");
    }
    assert_eq!(ask(&mut other, OPTIONS, &[]).expect("an answer").0, SUPPORTED);
}

#[test]
fn a_client_that_reads_slowly_gets_everything() {
    let folder = Folder::new("slow-reader");
    let _node = node("127.0.22.5", &folder.join("data"), &[]);
    let mut stream = session("127.0.22.5");
    query(&mut stream, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    query(&mut stream, "CREATE TABLE k.t (a int PRIMARY KEY, b text)");
    let text = "y".repeat(100_000);
    query(&mut stream, &format!("INSERT INTO k.t (a, b) VALUES (1, '{text}')"));
    // More answers than any socket's buffer takes, asked for before the first is read.
    let select = "SELECT b FROM k.t WHERE a = 1";
    let mut frame = vec![4, 0, 0, 1, 7];
    frame.extend_from_slice(&((4 + select.len() + 3) as u32).to_be_bytes());
    frame.extend_from_slice(&(select.len() as u32).to_be_bytes());
    frame.extend_from_slice(select.as_bytes());
    frame.extend_from_slice(&[0, 1, 0]);
    let frames = frame.repeat(300);
    let mut writer = stream.try_clone().expect("a second handle");
    let asking = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &frames));
    for i in 0..300 {
        let mut header = [0; 9];
        stream.read_exact(&mut header).expect("an answer");
        let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) as usize;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        assert!(header[4] == 8 && length > text.len(), "answer {i}");
    }
    asking.join().expect("the thread ended").expect("everything was sent");
}
