//! Bytes of every response in every version, both ways.

use super::*;
use crate::version::ProtocolVersion::{V3, V4, V5};
use helenus_model::consistency::Consistency;
use helenus_model::types::CqlType;

const EVERY: [ProtocolVersion; 3] = ProtocolVersion::EVERY;

#[track_caller]
fn check(response: &Response<'_>, versions: &[ProtocolVersion], expected: &[u8]) {
    check_as(response, response, versions, expected);
}

/// As `check`, for what an older version reads as something else.
#[track_caller]
fn check_as(sent: &Response<'_>, read: &Response<'_>, versions: &[ProtocolVersion], expected: &[u8]) {
    for &version in versions {
        let mut body = Vec::new();
        sent.encode(&mut body, version);
        assert_eq!(body.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{sent:?} in {version}");
        assert_eq!(Response::decode(read.opcode(), &body, version).as_ref(), Ok(read), "in {version}");
        body.extend_from_slice(&[1, 2, 3]);
        assert_eq!(Response::decode(read.opcode(), &body, version).as_ref(), Ok(read), "with more after it");
        for size in 0..expected.len() {
            let _ = Response::decode(read.opcode(), &expected[..size], version);
        }
    }
}

fn error(kind: ErrorKind) -> Response<'static> {
    Response::Error(ErrorResponse::new(kind, "m"))
}

/// A code, the text `m`, and what follows.
fn error_bytes(code: u32, fields: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], b"\0\x01m", fields].concat()
}

#[test]
fn short_messages() {
    check(&Response::Ready, &EVERY, b"");
    check(&Response::Authenticate("a.B"), &EVERY, b"\0\x03a.B");
    check(&Response::AuthChallenge(Some(b"x")), &EVERY, b"\0\0\0\x01x");
    check(&Response::AuthChallenge(None), &EVERY, b"\xff\xff\xff\xff");
    check(&Response::AuthSuccess(None), &EVERY, b"\xff\xff\xff\xff");
    check(&Response::AuthSuccess(Some(b"")), &EVERY, b"\0\0\0\0");
}

#[test]
fn supported() {
    let supported = Supported::of_server("3.4.7");
    assert_eq!(supported.get("COMPRESSION").unwrap(), ["snappy", "lz4"]);
    assert_eq!(supported.get("PRODUCT_TYPE"), None);
    // As recorded from Apache Cassandra 5.0.6.
    let expected = b"\0\x03\
        \0\x11PROTOCOL_VERSIONS\0\x04\0\x043/v3\0\x044/v4\0\x045/v5\0\x096/v6-beta\
        \0\x0bCOMPRESSION\0\x02\0\x06snappy\0\x03lz4\
        \0\x0bCQL_VERSION\0\x01\0\x053.4.7";
    check(&Response::Supported(supported), &EVERY, expected);
}

#[test]
fn errors_without_fields() {
    for (kind, code) in [
        (ErrorKind::ServerError, 0),
        (ErrorKind::ProtocolError, 0x0a),
        (ErrorKind::BadCredentials, 0x100),
        (ErrorKind::Overloaded, 0x1001),
        (ErrorKind::IsBootstrapping, 0x1002),
        (ErrorKind::TruncateError, 0x1003),
        (ErrorKind::SyntaxError, 0x2000),
        (ErrorKind::Unauthorized, 0x2100),
        (ErrorKind::Invalid, 0x2200),
        (ErrorKind::ConfigError, 0x2300),
    ] {
        check(&error(kind), &EVERY, &error_bytes(code, b""));
    }
    check(&error(ErrorKind::CdcWriteFailure), &[V4, V5], &error_bytes(0x1600, b""));
}

#[test]
fn errors_with_fields() {
    let unavailable = ErrorKind::Unavailable { consistency: Consistency::Quorum, required: 2, alive: 1 };
    check(&error(unavailable), &EVERY, &error_bytes(0x1000, b"\0\x04\0\0\0\x02\0\0\0\x01"));
    let table = ErrorKind::AlreadyExists { keyspace: "k".to_owned(), table: "t".to_owned() };
    check(&error(table), &EVERY, &error_bytes(0x2400, b"\0\x01k\0\x01t"));
    let keyspace = ErrorKind::AlreadyExists { keyspace: "k".to_owned(), table: String::new() };
    check(&error(keyspace), &EVERY, &error_bytes(0x2400, b"\0\x01k\0\0"));
    let unprepared = ErrorKind::Unprepared { id: vec![1, 2] };
    check(&error(unprepared), &EVERY, &error_bytes(0x2500, b"\0\x02\x01\x02"));
    let function = ErrorKind::FunctionFailure {
        keyspace: "k".to_owned(),
        name: "f".to_owned(),
        argument_types: vec!["int".to_owned()],
    };
    check(&error(function), &[V4, V5], &error_bytes(0x1400, b"\0\x01k\0\x01f\0\x01\0\x03int"));
}

const PROGRESS: Progress = Progress { consistency: Consistency::LocalQuorum, received: 1, block_for: 2 };
const PROGRESS_BYTES: &[u8] = b"\0\x06\0\0\0\x01\0\0\0\x02";
const TIMED_OUT: &str = "Operation timed out - received only 1 responses.";

fn with_progress(fields: &[u8]) -> Vec<u8> {
    [PROGRESS_BYTES, fields].concat()
}

/// What an older version gets in place of a failure: the text of a timeout.
fn timed_out(code: u32, fields: &[u8]) -> Vec<u8> {
    let size = u16::try_from(TIMED_OUT.len()).unwrap();
    [&code.to_be_bytes()[..], &size.to_be_bytes(), TIMED_OUT.as_bytes(), PROGRESS_BYTES, fields].concat()
}

fn timed_out_response(kind: ErrorKind) -> Response<'static> {
    Response::Error(ErrorResponse::new(kind, TIMED_OUT))
}

fn write_timeout(write_type: WriteType, contentions: Option<u16>) -> ErrorKind {
    ErrorKind::WriteTimeout { progress: PROGRESS, write_type, contentions }
}

#[test]
fn timeouts() {
    for write_type in WriteType::EVERY {
        let name = write_type.name();
        let size = u16::try_from(name.len()).unwrap().to_be_bytes();
        let fields = with_progress(&[&size[..], name.as_bytes()].concat());
        let expected = error_bytes(0x1100, &fields);
        check(&error(write_timeout(write_type, None)), &[V3, V4], &expected);
        if write_type != WriteType::Cas {
            check(&error(write_timeout(write_type, None)), &[V5], &expected);
        }
    }
    let contended = error(write_timeout(WriteType::Cas, Some(7)));
    check(&contended, &[V5], &error_bytes(0x1100, &with_progress(b"\0\x03CAS\0\x07")));
    let read = timed_out_response(write_timeout(WriteType::Cas, None));
    check_as(&contended, &read, &[V3, V4], &timed_out(0x1100, b"\0\x03CAS"));
    for (data_present, byte) in [(false, b"\0"), (true, b"\x01")] {
        let kind = ErrorKind::ReadTimeout { progress: PROGRESS, data_present };
        check(&error(kind), &EVERY, &error_bytes(0x1200, &with_progress(byte)));
    }
}

#[test]
fn failures() {
    let reasons = vec![
        ("10.0.0.1".parse().unwrap(), FailureReason::ReadTooManyTombstones),
        ("::1".parse().unwrap(), FailureReason::Other(99)),
    ];
    let map = b"\0\0\0\x02\x04\x0a\0\0\x01\0\x01\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x63";
    let read = |failures| ErrorKind::ReadFailure { progress: PROGRESS, failures, data_present: true };
    let write = |failures| ErrorKind::WriteFailure { progress: PROGRESS, failures, write_type: WriteType::Simple };

    let sent = error(read(Failures::Reasons(reasons.clone())));
    check(&sent, &[V5], &error_bytes(0x1300, &with_progress(&[map, &b"\x01"[..]].concat())));
    let counted = error(read(Failures::Count(2)));
    check_as(&sent, &counted, &[V4], &error_bytes(0x1300, &with_progress(b"\0\0\0\x02\x01")));
    check(&counted, &[V4], &error_bytes(0x1300, &with_progress(b"\0\0\0\x02\x01")));
    let old = timed_out_response(ErrorKind::ReadTimeout { progress: PROGRESS, data_present: true });
    check_as(&sent, &old, &[V3], &timed_out(0x1200, b"\x01"));

    let sent = error(write(Failures::Reasons(reasons)));
    check(&sent, &[V5], &error_bytes(0x1500, &with_progress(&[map, &b"\0\x06SIMPLE"[..]].concat())));
    let counted = error(write(Failures::Count(2)));
    check_as(&sent, &counted, &[V4], &error_bytes(0x1500, &with_progress(b"\0\0\0\x02\0\x06SIMPLE")));
    let old = timed_out_response(write_timeout(WriteType::Simple, None));
    check_as(&sent, &old, &[V3], &timed_out(0x1100, b"\0\x06SIMPLE"));

    let unknown = error(ErrorKind::CasWriteUnknown { progress: PROGRESS });
    check(&unknown, &[V5], &error_bytes(0x1700, PROGRESS_BYTES));
    let old = timed_out_response(write_timeout(WriteType::Cas, None));
    check_as(&unknown, &old, &[V3, V4], &timed_out(0x1100, b"\0\x03CAS"));
    for code in 0..9 {
        assert_eq!(FailureReason::from_code(code).code(), code);
    }
}

#[test]
fn version_3_sees_functions_and_cdc_as_invalid() {
    let function =
        ErrorKind::FunctionFailure { keyspace: String::new(), name: String::new(), argument_types: Vec::new() };
    for (kind, text) in
        [(function, "ERROR FUNCTION_FAILURE: m"), (ErrorKind::CdcWriteFailure, "ERROR CDC_WRITE_FAILURE: m")]
    {
        let read = Response::Error(ErrorResponse::new(ErrorKind::Invalid, text));
        let size = u16::try_from(text.len()).unwrap().to_be_bytes();
        let expected = [&[0, 0, 0x22, 0][..], &size, text.as_bytes()].concat();
        check_as(&error(kind), &read, &[V3], &expected);
    }
}

fn change(change: ChangeKind, target: SchemaTarget) -> SchemaChange {
    SchemaChange { change, keyspace: "k".to_owned(), target }
}

#[test]
fn schema_changes() {
    let named = |name: &str| name.to_owned();
    let types = vec![named("int"), named("text")];
    for (sent, expected) in [
        (change(ChangeKind::Created, SchemaTarget::Keyspace), &b"\0\x07CREATED\0\x08KEYSPACE\0\x01k"[..]),
        (
            change(ChangeKind::Updated, SchemaTarget::Table { name: named("t") }),
            b"\0\x07UPDATED\0\x05TABLE\0\x01k\0\x01t",
        ),
        (
            change(ChangeKind::Dropped, SchemaTarget::Type { name: named("u") }),
            b"\0\x07DROPPED\0\x04TYPE\0\x01k\0\x01u",
        ),
    ] {
        let result = Response::Result(QueryResult::SchemaChange(sent.clone()));
        check(&result, &EVERY, &[b"\0\0\0\x05", expected].concat());
        let event = Response::Event(Event::SchemaChange(sent));
        check(&event, &EVERY, &[b"\0\x0dSCHEMA_CHANGE", expected].concat());
    }
    let keyspace = Response::Event(Event::SchemaChange(change(ChangeKind::Updated, SchemaTarget::Keyspace)));
    for (target, word) in [
        (SchemaTarget::Function { name: named("f"), argument_types: types.clone() }, &b"\0\x08FUNCTION"[..]),
        (SchemaTarget::Aggregate { name: named("f"), argument_types: types.clone() }, b"\0\x09AGGREGATE"),
    ] {
        let event = Response::Event(Event::SchemaChange(change(ChangeKind::Created, target)));
        let expected = [b"\0\x0dSCHEMA_CHANGE\0\x07CREATED", word, b"\0\x01k\0\x01f\0\x02\0\x03int\0\x04text"].concat();
        check(&event, &[V4, V5], &expected);
        let old = b"\0\x0dSCHEMA_CHANGE\0\x07UPDATED\0\x08KEYSPACE\0\x01k\0\0";
        check_as(&event, &keyspace, &[V3], old);
    }
}

#[test]
fn events() {
    let address = "127.0.0.1:9042".parse().unwrap();
    for (event, expected) in [
        (Event::NewNode(address), &b"\0\x0fTOPOLOGY_CHANGE\0\x08NEW_NODE"[..]),
        (Event::RemovedNode(address), b"\0\x0fTOPOLOGY_CHANGE\0\x0cREMOVED_NODE"),
        (Event::Up(address), b"\0\x0dSTATUS_CHANGE\0\x02UP"),
        (Event::Down(address), b"\0\x0dSTATUS_CHANGE\0\x04DOWN"),
    ] {
        check(&Response::Event(event), &EVERY, &[expected, b"\x04\x7f\0\0\x01\0\0\x23\x52"].concat());
    }
}

fn column(table: &str, name: &str, cql_type: CqlType) -> Column {
    Column { keyspace: "k".into(), table: table.into(), name: name.to_owned(), cql_type }
}

#[test]
fn results() {
    check(&Response::Result(QueryResult::Void), &EVERY, b"\0\0\0\x01");
    check(&Response::Result(QueryResult::SetKeyspace("k")), &EVERY, b"\0\0\0\x03\0\x01k");
    assert!(Response::decode(Opcode::Result, b"\0\0\0\x06", V4).is_err());
}

#[test]
fn prepared() {
    let bind = BindMetadata { partition_key_indexes: vec![1], columns: vec![column("t", "a", CqlType::Int)] };
    let result = RowsMetadata::of_columns(vec![column("t", "a", CqlType::Int), column("u", "b", CqlType::Text)]);
    let old = Prepared { id: vec![1], result_metadata_id: None, bind, result };
    let columns = b"\0\x01k\0\x01t\0\x01a\0\x09";
    let rest = b"\0\0\0\0\0\0\0\x02\0\x01k\0\x01t\0\x01a\0\x09\0\x01k\0\x01u\0\x01b\0\x0d";
    let v4 = [&b"\0\0\0\x04\0\x01\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x01"[..], columns, rest].concat();
    check(&Response::Result(QueryResult::Prepared(old.clone())), &[V4], &v4);
    let new = Prepared { result_metadata_id: Some(vec![2]), ..old.clone() };
    let v5 = [&b"\0\0\0\x04\0\x01\x01\0\x01\x02\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x01"[..], columns, rest].concat();
    check(&Response::Result(QueryResult::Prepared(new)), &[V5], &v5);
    let v3 = [&b"\0\0\0\x04\0\x01\x01\0\0\0\x01\0\0\0\x01"[..], columns, rest].concat();
    let mut without_indexes = old.clone();
    without_indexes.bind.partition_key_indexes.clear();
    let read = Response::Result(QueryResult::Prepared(without_indexes));
    check_as(&Response::Result(QueryResult::Prepared(old)), &read, &[V3], &v3);
    let write =
        Prepared { id: vec![1], result_metadata_id: None, bind: BindMetadata::default(), result: RowsMetadata::NONE };
    let expected = b"\0\0\0\x04\0\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0";
    check(&Response::Result(QueryResult::Prepared(write)), &[V4], expected);
}

/// Two columns of one table.
fn two_columns(version: ProtocolVersion) -> EncodedColumns {
    let (a, b) = (column("t", "a", CqlType::Int), column("t", "b", CqlType::Text));
    EncodedColumns::new(&[a.spec(), b.spec()], version)
}

const TWO_COLUMNS: &[u8] = b"\0\x01k\0\x01t\0\x01a\0\x09\0\x01b\0\x0d";
const TWO_ROWS: &[u8] = b"\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0\0\0\0\0\0\x02yz";

fn write_rows(head: &RowsHead<'_>, version: ProtocolVersion, paging_state: Option<&[u8]>) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let mut writer = RowsWriter::new(&mut out, head, version);
    writer.value(Some(b"x"));
    assert_eq!(writer.row_count(), 0);
    writer.value(None);
    assert_eq!((writer.row_count(), writer.size()), (1, 9));
    let progress = writer.suspend();
    let mut writer = RowsWriter::resume(&mut out, progress);
    writer.value(Some(b""));
    writer.value_with(|out| out.extend_from_slice(b"yz"));
    assert_eq!(writer.row_count(), 2);
    writer.finish(paging_state);
    out.split_off(6)
}

#[track_caller]
fn check_rows(bytes: &[u8], version: ProtocolVersion, expected: &[&[u8]]) -> RowsMetadata {
    assert_eq!(bytes.escape_ascii().to_string(), expected.concat().escape_ascii().to_string());
    let response = Response::decode(Opcode::Result, bytes, version).unwrap();
    let mut again = Vec::new();
    response.encode(&mut again, version);
    let Response::Result(QueryResult::Rows(rows)) = response else { panic!("{response:?}") };
    assert_eq!((rows.len(), rows.is_empty()), (2, false));
    let values: Vec<Vec<_>> = rows.iter().map(|row| row.values().collect()).collect();
    assert_eq!(values, [vec![Some(&b"x"[..]), None], vec![Some(b""), Some(b"yz")]]);
    if rows.metadata.columns.is_some() {
        assert_eq!(again, bytes);
    }
    rows.metadata
}

#[test]
fn rows_with_all_columns() {
    for version in EVERY {
        let columns = two_columns(version);
        let bytes = write_rows(&RowsHead::new(&columns), version, None);
        let expected = [&b"\0\0\0\x02\0\0\0\x01\0\0\0\x02"[..], TWO_COLUMNS, TWO_ROWS];
        let metadata = check_rows(&bytes, version, &expected);
        assert_eq!(metadata.columns.unwrap()[1], column("t", "b", CqlType::Text));
    }
}

#[test]
fn rows_without_columns_keep_the_flag_of_one_table() {
    let columns = two_columns(V4);
    let head = RowsHead { skip_metadata: true, ..RowsHead::new(&columns) };
    let bytes = write_rows(&head, V4, Some(b"pp"));
    let metadata = check_rows(&bytes, V4, &[b"\0\0\0\x02\0\0\0\x07\0\0\0\x02\0\0\0\x02pp", TWO_ROWS]);
    assert_eq!((metadata.columns, metadata.paging_state.unwrap()), (None, b"pp".to_vec()));
}

#[test]
fn rows_with_a_paging_state_and_new_metadata() {
    let columns = two_columns(V5);
    let head = RowsHead { columns: &columns, skip_metadata: true, new_metadata_id: Some(b"id") };
    let bytes = write_rows(&head, V5, Some(b"pp"));
    let expected = [&b"\0\0\0\x02\0\0\0\x0b\0\0\0\x02\0\0\0\x02pp\0\x02id"[..], TWO_COLUMNS, TWO_ROWS];
    let metadata = check_rows(&bytes, V5, &expected);
    assert_eq!(metadata.new_metadata_id.unwrap(), b"id");
    let bytes = write_rows(&head, V4, None);
    check_rows(&bytes, V4, &[b"\0\0\0\x02\0\0\0\x05\0\0\0\x02", TWO_ROWS]);
}

#[test]
fn rows_of_several_tables_name_each() {
    let (a, b) = (column("t", "a", CqlType::Int), column("u", "b", CqlType::Date));
    let columns = EncodedColumns::new(&[a.spec(), b.spec()], V4);
    assert_eq!(columns.count(), 2);
    let bytes = write_rows(&RowsHead::new(&columns), V4, None);
    let described = b"\0\x01k\0\x01t\0\x01a\0\x09\0\x01k\0\x01u\0\x01b\0\x11";
    check_rows(&bytes, V4, &[b"\0\0\0\x02\0\0\0\0\0\0\0\x02", described, TWO_ROWS]);
}

#[test]
fn rows_without_any_column() {
    let columns = EncodedColumns::new(&[], V4);
    let mut out = Vec::new();
    let mut writer = RowsWriter::new(&mut out, &RowsHead::new(&columns), V4);
    writer.empty_row();
    writer.empty_row();
    assert_eq!(writer.row_count(), 2);
    writer.finish(None);
    assert_eq!(out, b"\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\x02");
    let Ok(Response::Result(QueryResult::Rows(rows))) = Response::decode(Opcode::Result, &out, V4) else { panic!() };
    assert_eq!(rows.iter().count(), 2);
}

#[test]
fn counts_without_their_elements_are_refused() {
    for bytes in [
        &b"\0\0\0\x02\0\0\0\0\x7f\xff\xff\xff"[..],
        b"\0\0\0\x02\0\0\0\x04\0\0\0\x01\x7f\xff\xff\xff",
        b"\0\0\0\x02\0\0\0\x04\xff\xff\xff\xff\0\0\0\x01",
        b"\0\0\0\x02\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff",
        b"\0\0\0\x04\0\x01\x01\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff",
    ] {
        assert!(Response::decode(Opcode::Result, bytes, V4).is_err(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_stands_before_the_message() {
    let extras = Extras {
        tracing_id: Some(Uuid::from_u128(1)),
        warnings: vec!["w".to_owned()],
        custom_payload: vec![("p".to_owned(), Some(vec![7]))],
    };
    assert!(!extras.is_empty() && Extras::NONE.is_empty());
    let id = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
    for (version, flags, rest) in [
        (V5, 0x0e, &b"\0\x01\0\x01w\0\x01\0\x01p\0\0\0\x01\x07"[..]),
        (V4, 0x0e, b"\0\x01\0\x01w\0\x01\0\x01p\0\0\0\x01\x07"),
        (V3, 0x02, b""),
    ] {
        let mut body = Vec::new();
        assert_eq!(extras.encode(&mut body, version), flags);
        assert_eq!(body, [id, rest].concat());
        Response::Ready.encode(&mut body, version);
        let frame = decode_body(Opcode::Ready, flags, 3, &body, version).unwrap();
        assert_eq!((frame.stream, frame.tracing_id, frame.response), (3, extras.tracing_id, Response::Ready));
        let is_new = version > V3;
        assert_eq!(frame.warnings.iter().collect::<Vec<_>>(), if is_new { vec!["w"] } else { vec![] });
        let payload = frame.custom_payload.map(|payload| payload.iter().collect::<Vec<_>>());
        assert_eq!(payload, is_new.then(|| vec![("p", Some(&[7][..]))]));
    }
}
