//! Refusals and failures as the protocol's errors: the one place where codes are given.

use std::net::SocketAddr;

use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, FailureReason, Failures, Progress, WriteType};
use helenus_engine::error::{ReadError, WriteError};
use helenus_model::consistency::Consistency;
use helenus_model::key::split_partition_key;
use helenus_model::value::to_text;
use helenus_query::error::QueryError;
use helenus_query::write::MutationOut;

use super::consistency::Unavailable;

/// A refused statement.
pub(crate) fn query_error(error: QueryError) -> ErrorResponse {
    match error {
        QueryError::Syntax(message) => ErrorResponse::new(ErrorKind::SyntaxError, message),
        QueryError::Invalid(message) => ErrorResponse::new(ErrorKind::Invalid, message),
        QueryError::Unauthorized(message) => ErrorResponse::new(ErrorKind::Unauthorized, message),
        QueryError::Config(message) => ErrorResponse::new(ErrorKind::ConfigError, message),
        QueryError::AlreadyExists { keyspace, table, message } => {
            ErrorResponse::new(ErrorKind::AlreadyExists { keyspace, table }, message)
        }
        QueryError::FunctionFailure { keyspace, name, argument_types, message } => {
            ErrorResponse::new(ErrorKind::FunctionFailure { keyspace, name, argument_types }, message)
        }
        QueryError::Protocol(message) => ErrorResponse::new(ErrorKind::ProtocolError, message),
        QueryError::Server(message) => ErrorResponse::new(ErrorKind::ServerError, message),
    }
}

/// 0x2200 with this text.
pub(crate) fn invalid(message: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(ErrorKind::Invalid, message)
}

/// A mutation above `max_mutation_size`.
pub(crate) fn oversized(mutation: &MutationOut<'_>, most: usize) -> ErrorResponse {
    let table = mutation.table;
    let values = split_partition_key(mutation.key.key, table.partition_key.len()).unwrap_or_default();
    let key = table.partition_key.iter().zip(values).map(|(column, value)| to_text(&column.ty, value));
    let key: Vec<String> = key.collect();
    invalid(format!(
        "Rejected an oversized mutation ({}/{most}) for keyspace: {}. Top keys are: {}.{}",
        mutation.bytes.len(),
        table.keyspace,
        table.name,
        key.join(":")
    ))
}

/// 0x0000 with this text.
pub(crate) fn server(message: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(ErrorKind::ServerError, message)
}

/// 0x1000
pub(crate) fn unavailable(consistency: Consistency, error: Unavailable) -> ErrorResponse {
    let Unavailable { required, alive } = error;
    let kind = ErrorKind::Unavailable { consistency, required: required as i32, alive: alive as i32 };
    ErrorResponse::new(kind, format!("Cannot achieve consistency level {consistency}"))
}

/// 0x1001
pub(crate) fn overloaded() -> ErrorResponse {
    ErrorResponse::new(
        ErrorKind::Overloaded,
        "Server is in overloaded state. Cannot accept more requests at this point",
    )
}

/// Cassandra's words for an operation that replicas could not do.
fn failed(received: u32, failures: &[(SocketAddr, FailureReason)]) -> String {
    let reason = |(address, reason): &(SocketAddr, FailureReason)| format!("{} from /{address}", reason.name());
    let reasons: Vec<String> = failures.iter().map(reason).collect();
    format!("Operation failed - received {received} responses and {} failures: {}", failures.len(), reasons.join(", "))
}

fn reasons(failures: Vec<(SocketAddr, FailureReason)>) -> Failures {
    Failures::Reasons(failures.into_iter().map(|(address, reason)| (address.ip(), reason)).collect())
}

fn progress(consistency: Consistency, received: u32, block_for: u32) -> Progress {
    Progress { consistency, received: received as i32, block_for: block_for as i32 }
}

/// 0x1100
pub(crate) fn write_timeout(
    consistency: Consistency,
    received: u32,
    block_for: u32,
    write_type: WriteType,
) -> ErrorResponse {
    let kind =
        ErrorKind::WriteTimeout { progress: progress(consistency, received, block_for), write_type, contentions: None };
    ErrorResponse::new(kind, format!("Operation timed out - received only {received} responses."))
}

/// 0x1100 of a conditional write that came behind others, or whose replicas did not answer.
pub(crate) fn cas_timeout(consistency: Consistency, received: u32, block_for: u32, contentions: u16) -> ErrorResponse {
    let kind = ErrorKind::WriteTimeout {
        progress: progress(consistency, received, block_for),
        write_type: WriteType::Cas,
        contentions: Some(contentions),
    };
    let text = format!(
        "CAS operation timed out: received {received} of {block_for} required responses after {contentions} contention retries"
    );
    ErrorResponse::new(kind, text)
}

/// 0x1500
pub(crate) fn write_failure(
    consistency: Consistency,
    received: u32,
    block_for: u32,
    write_type: WriteType,
    failures: Vec<(SocketAddr, FailureReason)>,
) -> ErrorResponse {
    let message = failed(received, &failures);
    let kind = ErrorKind::WriteFailure {
        progress: progress(consistency, received, block_for),
        failures: reasons(failures),
        write_type,
    };
    ErrorResponse::new(kind, message)
}

/// 0x1200
pub(crate) fn read_timeout(
    consistency: Consistency,
    received: u32,
    block_for: u32,
    data_present: bool,
) -> ErrorResponse {
    let kind = ErrorKind::ReadTimeout { progress: progress(consistency, received, block_for), data_present };
    ErrorResponse::new(kind, format!("Operation timed out - received only {received} responses."))
}

/// 0x1300
pub(crate) fn read_failure(
    consistency: Consistency,
    received: u32,
    block_for: u32,
    data_present: bool,
    failures: Vec<(SocketAddr, FailureReason)>,
) -> ErrorResponse {
    let message = failed(received, &failures);
    let kind = ErrorKind::ReadFailure {
        progress: progress(consistency, received, block_for),
        failures: reasons(failures),
        data_present,
    };
    ErrorResponse::new(kind, message)
}

/// The protocol's reason for a write that this node could not do.
pub(crate) fn write_reason(error: &WriteError) -> u16 {
    match error {
        WriteError::UnknownTable(_) => FailureReason::IncompatibleSchema.code(),
        _ => FailureReason::Unknown.code(),
    }
}

/// The protocol's reason for a read that this node could not do.
pub(crate) fn read_reason(error: &ReadError) -> u16 {
    match error {
        ReadError::UnknownTable(_) => FailureReason::IncompatibleSchema.code(),
        ReadError::TooManyTombstones(_) => FailureReason::ReadTooManyTombstones.code(),
        ReadError::IndexNotAvailable(_) => FailureReason::IndexNotAvailable.code(),
        _ => FailureReason::Unknown.code(),
    }
}

/// Cassandra's warning to who prepares a statement whose tables are looked up in the keyspace in use; told once a connection.
pub(super) fn use_with_prepared(keyspace: &str, id: &[u8; 16]) -> String {
    let id = u128::from_be_bytes(*id);
    format!(
        "`USE <keyspace>` with prepared statements is considered to be an anti-pattern due to ambiguity in non-qualified table names. Please consider removing instances of `Session#setKeyspace(<keyspace>)`, `Session#execute(\"USE <keyspace>\")` and `cluster.newSession(<keyspace>)` from your code, and always use fully qualified table names (e.g. <keyspace>.<table>). Keyspace used: {keyspace}, statement keyspace: {keyspace}, statement id: {id:032x}"
    )
}
