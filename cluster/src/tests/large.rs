//! Statements that name a value of megabytes many times: they are refused before what they ask for is put together.

use super::*;

/// Bytes of the value.
const VALUE_BYTES: usize = 12 * 1024 * 1024;

fn times(item: &str, count: usize) -> String {
    vec![item; count].join(", ")
}

#[test]
fn what_is_made_of_a_large_value_has_a_bound() {
    let mut world = World::new(MemoryDisk::new());
    for text in [
        KEYSPACE,
        "CREATE TABLE k.t (a text, b text, v text, PRIMARY KEY (a, b))",
        "INSERT INTO k.t (a, b) VALUES ('q', 'b')",
    ] {
        world.query(text, &[]);
    }
    let value = vec![b'x'; VALUE_BYTES];
    world.send("INSERT INTO k.t (a, b, v) VALUES ('p', 'b', ?)", &[Value::Bytes(&value)]);
    (0..20).for_each(|_| world.pump());
    assert!(world.client.next_response().is_ok_and(|answer| answer.is_some()), "written");
    let mut check = |select: &str, from: &str, expected: &str| {
        world.send(&format!("SELECT {select} FROM k.t WHERE a {from}"), &[]);
        world.pump();
        let frame = world.client.next_response().expect("sound").expect("an answer");
        let answer = match frame.response {
            Response::Error(error) => format!("{:?}: {:.200}", error.kind, error.message),
            Response::Result(QueryResult::Rows(rows)) => format!("{} row", rows.iter().count()),
            other => format!("{other:.200?}"),
        };
        let what: String = select.chars().take(40).collect();
        assert!(answer.contains(expected), "{what}: {answer}");
    };
    let result = "ServerError: Response exceeds the maximum of 268435456 bytes";
    let parts = "Invalid: not supported yet: values whose parts have more than 67108864 bytes together";
    check("v", "= 'p'", "1 row");
    check("v + v", "= 'p'", "1 row");
    check("(v, v, v)", "= 'p'", "1 row");
    check(&times("v", 10_000), "= 'p'", result);
    check(&times("v + 'x'", 1_000), "= 'p'", result);
    check(&times("max(v)", 1_000), "= 'p'", parts);
    check(
        &times("v", 10_000),
        "IN ('p', 'q') ORDER BY b",
        "Invalid: ORDER BY with IN on the partition key would sort too many rows",
    );
    check("v + v + v", "= 'p'", "the text would have more than 33554432 bytes");
    check(&format!("({})", times("v", 10_000)), "= 'p'", parts);
    check(&format!("[{}]", times("v", 10_000)), "= 'p'", parts);
    check(&format!("(set<text>){{{}}}", times("v + 'x'", 1_000)), "= 'p'", parts);
    check(&format!("(map<text, text>){{{}}}", times("v: v", 1_000)), "= 'p'", parts);
    check(&format!("JSON {}", times("v", 1_000)), "= 'p'", parts);
    check(&format!("(b, [{}])", times("v", 10_000)), "= 'p'", parts);
}

#[test]
fn what_is_made_of_a_large_bound_value_has_a_bound() {
    let mut world = World::new(MemoryDisk::new());
    world.query(KEYSPACE, &[]);
    world.query("CREATE TABLE k.t (a text PRIMARY KEY, v text, t tuple<text, text, text, text, text, text>)", &[]);
    let value = vec![b'x'; VALUE_BYTES];
    let mut check = |column: &str, term: &str, expected: &str| {
        let mut buffer = ValuesBuffer::named();
        buffer.push("v", Value::Bytes(&value));
        let params = QueryParams::new(Consistency::One).with_values(buffer.values());
        let query = format!("INSERT INTO k.t (a, {column}) VALUES ('k', {term})");
        world.client.send(&Request::Query(Query { query: &query, params }), false);
        (0..20).for_each(|_| world.pump());
        let frame = world.client.next_response().expect("sound").expect("an answer");
        let Response::Error(error) = frame.response else { panic!("{column}: {:?}", frame.response) };
        assert!(error.message.contains(expected), "{column}: {}", error.message);
    };
    check("t", &format!("({})", times(":v", 6)), "values whose parts have more than 67108864 bytes together");
    check("v", "(text) :v + (text) :v + (text) :v", "the text would have more than 33554432 bytes");
}
