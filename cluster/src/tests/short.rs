//! Answers that end at their limit of bytes: a statement's rows are the same however small the pieces are that it reads.

use super::*;

const SCHEMA: &[&str] = &[
    KEYSPACE,
    "CREATE TABLE k.t (a text, b text, s text static, v text, PRIMARY KEY (a, b))",
    "CREATE TABLE k.one (a text PRIMARY KEY, v text)",
    "CREATE INDEX ON k.t (v)",
];

/// Partitions with rows, with deleted rows before, between and behind them, with a static row alone, with one behind deleted rows only,
/// and with nothing left.
fn fill(world: &mut World) {
    let mut run = |text: &str| {
        let answer = world.query(text, &[]);
        assert!(["void", "SchemaChange"].contains(&answer.as_str()), "{text}: {answer}");
    };
    SCHEMA.iter().for_each(|text| run(text));
    for (a, rows) in [("p", 6), ("q", 3), ("dead", 4), ("gone", 2)] {
        for b in 0..rows {
            run(&format!("INSERT INTO k.t (a, b, v) VALUES ('{a}', '{b}', 'v{}')", b % 2));
            run(&format!("INSERT INTO k.one (a, v) VALUES ('{a}{b}', 'v{b}')"));
        }
    }
    for a in ["p", "dead", "static"] {
        run(&format!("UPDATE k.t SET s = 'st' WHERE a = '{a}'"));
    }
    for b in [0, 3] {
        run(&format!("DELETE FROM k.t WHERE a = 'p' AND b = '{b}'"));
    }
    for b in 0..4 {
        run(&format!("DELETE FROM k.t WHERE a = 'dead' AND b = '{b}'"));
    }
    run("DELETE FROM k.t WHERE a = 'q' AND b > '1'");
    run("DELETE FROM k.t WHERE a = 'gone'");
    run("DELETE FROM k.one WHERE a = 'p0'");
}

fn world(answer_bytes_max: u32) -> World {
    let mut world = World::configured(MemoryDisk::new(), |config| {
        config.answer_bytes_max = answer_bytes_max;
        // None: every read runs as a task, which encodes an answer.
        config.inline_rows_max = 0;
    });
    fill(&mut world);
    world
}

/// A statement's rows, however many reads they take.
fn rows(world: &mut World, select: &str) -> String {
    world.send(select, &[]);
    (0..20).for_each(|_| world.pump());
    let frame = world.client.next_response().expect("sound").expect(select);
    let Response::Result(QueryResult::Rows(rows)) = frame.response else { panic!("{select}: {:?}", frame.response) };
    let row = |row: helenus_cql_protocol::response::Row<'_>| {
        let values = row.values().map(|value| value.map(String::from_utf8_lossy));
        format!("{:?}", values.collect::<Vec<_>>())
    };
    rows.iter().map(row).collect::<Vec<_>>().join(" ")
}

#[test]
fn rows_are_the_same_however_little_an_answer_holds() {
    let mut whole = world(u32::MAX);
    assert_eq!(whole.query("SELECT b, v, s FROM k.t WHERE a = 'p'", &[]), "1,v1,st 2,v0,st 4,v0,st 5,v1,st");
    assert_eq!(whole.query("SELECT a, b, s FROM k.t WHERE a = 'dead'", &[]), "dead,null,st");
    for answer_bytes_max in [1, 40, 100, 300] {
        let mut world = world(answer_bytes_max);
        let mut check = |select: &str| assert_eq!(rows(&mut world, select), rows(&mut whole, select), "{select}");
        check("SELECT b, v, s FROM k.t WHERE a = 'p'");
        check("SELECT b, v, s FROM k.t WHERE a = 'p' ORDER BY b DESC");
        check("SELECT b, v, s FROM k.t WHERE a = 'q' ORDER BY b DESC");
        check("SELECT a, b, s FROM k.t WHERE a = 'dead'");
        check("SELECT a, b, s FROM k.t WHERE a = 'static'");
        check("SELECT a, b, s, v FROM k.t");
        check("SELECT a, b FROM k.t LIMIT 3");
        check("SELECT a, b FROM k.t PER PARTITION LIMIT 1");
        check("SELECT a, b FROM k.t PER PARTITION LIMIT 2 LIMIT 3");
        check("SELECT a, b FROM k.t WHERE a IN ('p', 'q', 'dead') PER PARTITION LIMIT 2");
        check("SELECT a, b FROM k.t WHERE a IN ('p', 'q') ORDER BY b");
        check("SELECT a, b FROM k.t WHERE a = 'p' AND b IN ('0', '1', '3', '5')");
        check("SELECT a, b FROM k.t WHERE a = 'p' AND b > '1' AND b < '5'");
        check("SELECT DISTINCT a, s FROM k.t");
        check("SELECT DISTINCT a, s FROM k.t LIMIT 2");
        check("SELECT a, count(*), max(b) FROM k.t GROUP BY a");
        check("SELECT a, b, count(v) FROM k.t GROUP BY a, b");
        check("SELECT count(*) FROM k.t");
        check("SELECT a, b FROM k.t WHERE v = 'v1'");
        check("SELECT a, b FROM k.t WHERE v = 'v0' AND a = 'p'");
        check("SELECT a, b FROM k.t WHERE b = '1' ALLOW FILTERING");
        check("SELECT * FROM k.one");
        check("SELECT * FROM k.one WHERE a IN ('p0', 'p1', 'q1')");
    }
}
