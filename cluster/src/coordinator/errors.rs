//! Refusals and failures as the protocol's errors: the one place where codes are given.

use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, FailureReason, Failures, Progress, WriteType};
use helenus_engine::error::{ReadError, WriteError};
use helenus_model::consistency::Consistency;
use helenus_query::error::QueryError;

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

/// 0x1500
pub(crate) fn write_failure(
    consistency: Consistency,
    received: u32,
    block_for: u32,
    write_type: WriteType,
    failures: Vec<(std::net::IpAddr, FailureReason)>,
) -> ErrorResponse {
    let message = format!("Operation failed - received {received} responses and {} failures", failures.len());
    let kind = ErrorKind::WriteFailure {
        progress: progress(consistency, received, block_for),
        failures: Failures::Reasons(failures),
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
    failures: Vec<(std::net::IpAddr, FailureReason)>,
) -> ErrorResponse {
    let message = format!("Operation failed - received {received} responses and {} failures", failures.len());
    let kind = ErrorKind::ReadFailure {
        progress: progress(consistency, received, block_for),
        failures: Failures::Reasons(failures),
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
        _ => FailureReason::Unknown.code(),
    }
}
