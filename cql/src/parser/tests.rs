use super::*;
use crate::print;
use crate::tests::unescaped;

macro_rules! tables {
    ($folder:literal: $($name:literal)*) => {
        [$(($name, include_str!(concat!("../../test_data/", $folder, "/", $name, ".cql"))),)*]
    };
}

/// Statements that Cassandra's parser accepts: each with the canonical text of its tree.
#[test]
fn accepted_statements() {
    let tables = tables!("ok": "batch" "delete" "describe" "function" "index" "insert" "keyspace" "other" "permission" "role" "select"
        "table" "trigger" "type" "update" "view");
    let mut count = 0;
    for (name, table) in tables {
        for line in table.lines() {
            let (text, canonical) = line.split_once('\t').expect("a statement and its canonical text");
            let (text, canonical) = (unescaped(text), unescaped(canonical));
            let parsed = parse(&text).unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
            assert_eq!(print::statement_text(&parsed.statement), canonical, "{name}: {text}");
            assert_eq!(parse(&canonical), Ok(parsed), "{name}: {canonical}");
            count += 1;
        }
    }
    assert!(count >= 700, "only {count} statements");
}

/// Statements that Cassandra's parser refuses: each with its message, or the part of it before the quoted statement.
#[test]
fn refused_statements() {
    let tables = tables!("err": "batch" "delete" "describe" "function" "index" "insert" "keyspace" "other" "permission" "role" "select"
        "table" "trigger" "type" "update" "view");
    let mut count = 0;
    for (name, table) in tables {
        for line in table.lines() {
            let (text, expected) = line.split_once('\t').expect("a statement and its error");
            let text = unescaped(text);
            let error = match parse(&text) {
                Err(error) => error,
                Ok(parsed) => panic!("{name}: {text}: parsed as {parsed:?}"),
            };
            let whole = error.message == expected;
            let position = expected.starts_with("line ");
            assert!(
                whole || position && error.message.starts_with(&format!("{expected} (")),
                "{name}: {text}\n   expected {expected}\n        got {}",
                error.message
            );
            if position {
                let prefix = format!("line {}:{} ", error.line, error.column);
                assert!(error.message.starts_with(&prefix), "{name}: {text}: {error:?}");
            }
            count += 1;
        }
    }
    assert!(count >= 1000, "only {count} statements");
}

#[track_caller]
fn markers(text: &str, expected: &[Option<&str>]) {
    let parsed = parse(text).unwrap();
    let names: Vec<Option<&str>> = parsed.markers.iter().map(Option::as_deref).collect();
    assert_eq!(names, expected, "{text}");
}

#[test]
fn markers_are_numbered_in_the_order_of_the_text() {
    markers("SELECT * FROM t", &[]);
    markers(
        "SELECT f(?), m[:k] FROM t WHERE a = :A AND b IN ? AND (c, d) IN (?, :x) LIMIT :\"L\"",
        &[None, Some("k"), Some("a"), None, None, Some("x"), Some("L")],
    );
    markers(
        "BEGIN BATCH USING TIMESTAMP ? INSERT INTO t (a) VALUES (:v); UPDATE t SET a = ? WHERE k = :v; DELETE m[?] FROM t WHERE k = 1; APPLY BATCH",
        &[None, Some("v"), None, Some("v"), None],
    );
    // read as a keyword first, then as a column
    markers("SELECT json FROM t WHERE a = ?", &[None]);
    markers("SELECT (a) + ?, (int)? FROM t", &[None, None]);
}

#[test]
fn a_marker_knows_its_number() {
    let statement = parse("INSERT INTO t (a, b) VALUES (?, [:x, ?])").unwrap().statement;
    let Statement::Insert(insert) = statement else { panic!("{statement:?}") };
    let Some(Term::List(list)) = insert.values.get(1) else { panic!("{insert:?}") };
    let marker =
        |index, name: Option<&str>| Term::Marker(crate::ast::Marker { index, name: name.map(crate::ast::Name::new) });
    assert_eq!(insert.values[0], marker(0, None));
    assert_eq!(list, &[marker(1, Some("x")), marker(2, None)]);
}

#[track_caller]
fn too_deep(text: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.message.contains("nested deeper than"), "{error}");
}

#[test]
fn nesting_is_limited_in_every_form() {
    let many = 100_000;
    let nested = |before: &str, open: &str, inner: &str, close: &str, after: &str| {
        format!("{before}{}{inner}{}{after}", open.repeat(many), close.repeat(many))
    };
    too_deep(&nested("INSERT INTO t (a) VALUES (", "(", "1", ")", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "[", "1", "]", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "{", "1", "}", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "{a: ", "1", "}", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "f(", "1", ")", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "(int)", "1", "", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "cast(", "1", " as int)", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "1 + ", "1", "", ")"));
    too_deep(&nested("INSERT INTO t (a) VALUES (", "1 * ", "1", "", ")"));
    too_deep(&nested("SELECT ", "(", "1", ")", " FROM t"));
    too_deep(&nested("SELECT ", "[", "1", "]", " FROM t"));
    too_deep(&nested("SELECT ", "{", "1", "}", " FROM t"));
    too_deep(&nested("SELECT ", "f(", "1", ")", " FROM t"));
    too_deep(&nested("SELECT ", "cast(", "1", " as int)", " FROM t"));
    too_deep(&nested("SELECT ", "- ", "1", "", " FROM t"));
    too_deep(&nested("SELECT ", "1 + ", "1", "", " FROM t"));
    too_deep(&nested("SELECT * FROM t WHERE ", "(", "a = 1", ")", ""));
    too_deep(&nested("CREATE TABLE t (a ", "frozen<", "int", ">", ")"));
    too_deep(&nested("CREATE TABLE t (a ", "map<int, ", "int", ">", ")"));
    // tried in two ways, given up in both
    for text in [
        nested("SELECT ", "(int)", "1", "", " FROM t"),
        nested("SELECT a", ".b", "", "", " FROM t"),
        nested("SELECT a", "[1]", "", "", " FROM t"),
        nested("SELECT JSON ", "(", "1", ")", " FROM t"),
        nested("SELECT JSON DISTINCT ", "(a)((", "1", "))", " FROM t"),
    ] {
        assert!(parse(&text).is_err());
    }
}

#[test]
fn nesting_up_to_the_limit_parses_and_prints() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("{1: ", "}"), ("1 + ", "")] {
        let depth = MAX_NESTING - 2;
        let text = format!("INSERT INTO t (a) VALUES ({}1{})", open.repeat(depth), close.repeat(depth));
        let parsed = parse(&text).unwrap();
        assert_eq!(print::statement_text(&parsed.statement), text);
    }
}

#[test]
fn breadth_is_not_limited() {
    let list = vec!["1"; 500_000].join(",");
    let parsed = parse(&format!("SELECT * FROM t WHERE a IN ({list})")).unwrap();
    let Statement::Select(select) = parsed.statement else { panic!("not a select") };
    let [crate::ast::Relation::In { values: crate::ast::InValues::List(values), .. }] = select.relations.as_slice()
    else {
        panic!("not one IN")
    };
    assert_eq!(values.len(), 500_000);
}

/// Where Cassandra's parser fails with a Java exception, which its answer wraps.
#[test]
fn numbers_beyond_java_are_refused() {
    for (text, reason) in [
        (
            "INSERT INTO t (a) VALUES (1e400)",
            "Character I is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
        ),
        ("CREATE TABLE t (a vector<int, 99999999999> PRIMARY KEY)", "For input string: \"99999999999\""),
        ("ALTER TABLE t DROP a USING TIMESTAMP 99999999999999999999", "For input string: \"99999999999999999999\""),
    ] {
        let expected = format!("Failed parsing statement: [{text}] reason: NumberFormatException {reason}");
        assert_eq!(parse(text).unwrap_err().message, expected);
    }
}

#[test]
fn markers_are_limited() {
    let statement = |count: usize| format!("INSERT INTO t (a) VALUES ([{}])", vec!["?"; count].join(","));
    assert_eq!(parse(&statement(MAX_MARKERS)).unwrap().markers.len(), MAX_MARKERS);
    let error = parse(&statement(MAX_MARKERS + 1)).unwrap_err();
    assert!(error.invalid);
    assert_eq!(error.message, "Too many markers(?). 65536 markers exceed the allowed maximum of 65535");
}

#[test]
fn tokens_are_limited() {
    let list = "1,".repeat(MAX_TOKENS / 2);
    let error = parse(&format!("SELECT * FROM t WHERE a IN ({list}1)")).unwrap_err();
    assert_eq!(error.message, "Statement has more than the 2000000 tokens allowed");
}

#[test]
fn length_is_limited() {
    let statement = |length: usize| {
        let rest = "INSERT INTO t (a) VALUES ('')".len();
        format!("INSERT INTO t (a) VALUES ('{}')", "x".repeat(length - rest))
    };
    assert!(parse(&statement(MAX_STATEMENT_BYTES)).is_ok());
    assert!(parse(&statement(MAX_STATEMENT_BYTES + 1)).is_err());
}

#[test]
fn many_entries_in_maps_and_assignments_are_no_burden() {
    let entries: Vec<String> = (0..100_000).map(|index| format!("'{index}': 1")).collect();
    assert!(parse(&format!("CREATE KEYSPACE k WITH a = {{{}}}", entries.join(","))).is_ok());
    let assignments: Vec<String> = (0..100_000).map(|index| format!("c{index} = 1")).collect();
    assert!(parse(&format!("UPDATE t SET {} WHERE k = 1", assignments.join(","))).is_ok());
    let properties: Vec<String> = (0..100_000).map(|index| format!("p{index} = 1")).collect();
    assert!(parse(&format!("ALTER TABLE t WITH {}", properties.join(" AND "))).is_ok());
}

#[test]
fn types_parse_alone() {
    for text in [
        "int",
        "text",
        "frozen<map<text, list<int>>>",
        "tuple<int, text>",
        "vector<float, 3>",
        "ks.u",
        "\"U\"",
        "'org.apache.cassandra.db.marshal.Int32Type'",
    ] {
        let type_name = parse_type(text).unwrap();
        assert_eq!(print::type_name_text(&type_name), text);
    }
    for (text, message) in [
        ("", "line 0:-1 no viable alternative at input '<EOF>'"),
        ("int int", "line 1:4 no viable alternative at input 'int' ([int] int)"),
        ("list<int", "line 0:-1 mismatched input '<EOF>' expecting '>'"),
        ("frozen<int>", "frozen<> is only allowed on collections, tuples, and user-defined types (got int)"),
    ] {
        assert_eq!(parse_type(text).unwrap_err().message, message, "{text}");
    }
}

#[test]
fn terms_parse_alone() {
    for text in ["1", "'it''s'", "{1: 'a'}", "{a: 1}", "[1, 2]", "(1, 'x')", "f(?)", "- 5", "-1", "NULL", "0xff"] {
        assert_eq!(print::term_text(&parse_term(text).unwrap()), text);
    }
    assert!(parse_term("1 2").is_err());
    assert!(parse_term("").is_err());
}
