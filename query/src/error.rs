//! Why a statement is refused, in Cassandra's classes; the protocol's codes are given at the edge.

use thiserror::Error;

/// A refused statement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// 0x2000: the text is no CQL.
    #[error("{0}")]
    Syntax(String),
    /// 0x2200: it is, but cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// 0x2100: the role may not.
    #[error("{0}")]
    Unauthorized(String),
    /// 0x2300: an option of a schema statement is wrong.
    #[error("{0}")]
    Config(String),
    /// 0x2400: it is there already. `table` is empty for a keyspace.
    #[error("{message}")]
    AlreadyExists {
        /// Keyspace.
        keyspace: String,
        /// Table or type; empty for a keyspace.
        table: String,
        /// Cassandra's words.
        message: String,
    },
    /// 0x1400: a function failed.
    #[error("{message}")]
    FunctionFailure {
        /// Keyspace of the function.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its argument types.
        argument_types: Vec<String>,
        /// What happened.
        message: String,
    },
    /// 0x000A: a value of the request itself makes no sense, such as a paging state.
    #[error("{0}")]
    Protocol(String),
    /// 0x0000: a fault of ours.
    #[error("{0}")]
    Server(String),
}

impl QueryError {
    /// 0x2200 with this text.
    pub fn invalid(message: impl Into<String>) -> Self {
        QueryError::Invalid(message.into())
    }

    /// 0x000A with this text.
    pub fn protocol(message: impl Into<String>) -> Self {
        QueryError::Protocol(message.into())
    }

    /// 0x2200 "not supported yet: …".
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        QueryError::Invalid(format!("not supported yet: {what}"))
    }
}
