//! ERROR: a code, a text, and what the code asks for.
//!
//! Older versions lack some codes and fields; [`ErrorResponse::encode`] says the nearest thing that they have, as
//! Cassandra does.

use crate::error_code::ErrorCode;
use crate::notation::{
    DecodeError, Reader, write_byte, write_consistency, write_inet_address, write_int, write_short, write_short_bytes,
    write_string, write_string_list,
};
use crate::version::ProtocolVersion;
use helenus_model::consistency::Consistency;
use std::net::IpAddr;

/// An ERROR message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The text for humans.
    pub message: String,
    /// The code with its fields.
    pub kind: ErrorKind,
}

/// A code of an ERROR message with its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the specification's; shared fields are described in their types")]
pub enum ErrorKind {
    ServerError,
    ProtocolError,
    BadCredentials,
    Unavailable {
        consistency: Consistency,
        required: i32,
        alive: i32,
    },
    Overloaded,
    IsBootstrapping,
    TruncateError,
    /// `contentions` is there for CAS in v5 only.
    WriteTimeout {
        progress: Progress,
        write_type: WriteType,
        contentions: Option<u16>,
    },
    ReadTimeout {
        progress: Progress,
        data_present: bool,
    },
    ReadFailure {
        progress: Progress,
        failures: Failures,
        data_present: bool,
    },
    FunctionFailure {
        keyspace: String,
        name: String,
        argument_types: Vec<String>,
    },
    WriteFailure {
        progress: Progress,
        failures: Failures,
        write_type: WriteType,
    },
    CdcWriteFailure,
    CasWriteUnknown {
        progress: Progress,
    },
    SyntaxError,
    Unauthorized,
    Invalid,
    ConfigError,
    /// `table` is empty if it is the keyspace that exists.
    AlreadyExists {
        keyspace: String,
        table: String,
    },
    Unprepared {
        id: Vec<u8>,
    },
}

/// How far a request came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Level that was asked for.
    pub consistency: Consistency,
    /// Replicas that answered.
    pub received: i32,
    /// Replicas that the level needs.
    pub block_for: i32,
}

/// What kind of write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum WriteType {
    Simple,
    Batch,
    UnloggedBatch,
    Counter,
    BatchLog,
    Cas,
    View,
    Cdc,
}

/// The replicas that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failures {
    /// Each with its reason; before v5 only their number is sent.
    Reasons(Vec<(IpAddr, FailureReason)>),
    /// Only their number: what a client before v5 reads.
    Count(i32),
}

/// Why a replica failed: codes of v5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Cassandra's")]
pub enum FailureReason {
    Unknown,
    ReadTooManyTombstones,
    Timeout,
    IncompatibleSchema,
    ReadSize,
    NodeDown,
    IndexNotAvailable,
    ReadTooManyIndexes,
    /// A code that this crate does not know.
    Other(u16),
}

impl ErrorResponse {
    /// An error.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { message: message.into(), kind }
    }

    /// A PROTOCOL_ERROR.
    #[must_use]
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ProtocolError, message)
    }

    /// The same error in the words of a version.
    fn downgraded(&self, version: ProtocolVersion) -> Option<Self> {
        let timed_out =
            |progress: &Progress| format!("Operation timed out - received only {} responses.", progress.received);
        let cas = |progress: &Progress| {
            let kind = ErrorKind::WriteTimeout { progress: *progress, write_type: WriteType::Cas, contentions: None };
            Self::new(kind, timed_out(progress))
        };
        let before_v4 = version < ProtocolVersion::V4;
        let before_v5 = version < ProtocolVersion::V5;
        match &self.kind {
            ErrorKind::ReadFailure { progress, data_present, .. } if before_v4 => Some(Self::new(
                ErrorKind::ReadTimeout { progress: *progress, data_present: *data_present },
                timed_out(progress),
            )),
            ErrorKind::WriteFailure { progress, write_type, .. } if before_v4 => Some(Self::new(
                ErrorKind::WriteTimeout { progress: *progress, write_type: *write_type, contentions: None },
                timed_out(progress),
            )),
            ErrorKind::FunctionFailure { .. } | ErrorKind::CdcWriteFailure if before_v4 => {
                let name = self.kind.code().name();
                Some(Self::new(ErrorKind::Invalid, format!("ERROR {name}: {}", self.message)))
            }
            ErrorKind::WriteTimeout { progress, contentions: Some(_), .. } if before_v5 => Some(cas(progress)),
            ErrorKind::CasWriteUnknown { progress } if before_v5 => Some(cas(progress)),
            _ => None,
        }
    }

    /// Appends the body.
    ///
    /// # Panics
    /// If an id has 64 KiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        if let Some(downgraded) = self.downgraded(version) {
            return downgraded.encode(out, version);
        }
        write_int(out, self.kind.code().number().cast_signed());
        write_string(out, &self.message);
        self.kind.encode_fields(out, version);
    }

    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed or its code is unknown.
    pub fn decode(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let number = reader.int()?;
        let code = ErrorCode::from_number(number.cast_unsigned())
            .ok_or_else(|| DecodeError::Number(format!("Unknown error code {number}")))?;
        let message = reader.string()?.to_owned();
        Ok(Self { message, kind: ErrorKind::decode_fields(code, reader, version)? })
    }
}

impl ErrorKind {
    /// The code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::ServerError => ErrorCode::ServerError,
            Self::ProtocolError => ErrorCode::ProtocolError,
            Self::BadCredentials => ErrorCode::BadCredentials,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::IsBootstrapping => ErrorCode::IsBootstrapping,
            Self::TruncateError => ErrorCode::TruncateError,
            Self::WriteTimeout { .. } => ErrorCode::WriteTimeout,
            Self::ReadTimeout { .. } => ErrorCode::ReadTimeout,
            Self::ReadFailure { .. } => ErrorCode::ReadFailure,
            Self::FunctionFailure { .. } => ErrorCode::FunctionFailure,
            Self::WriteFailure { .. } => ErrorCode::WriteFailure,
            Self::CdcWriteFailure => ErrorCode::CdcWriteFailure,
            Self::CasWriteUnknown { .. } => ErrorCode::CasWriteUnknown,
            Self::SyntaxError => ErrorCode::SyntaxError,
            Self::Unauthorized => ErrorCode::Unauthorized,
            Self::Invalid => ErrorCode::Invalid,
            Self::ConfigError => ErrorCode::ConfigError,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::Unprepared { .. } => ErrorCode::Unprepared,
        }
    }

    fn encode_fields(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Unavailable { consistency, required, alive } => {
                write_consistency(out, *consistency);
                write_int(out, *required);
                write_int(out, *alive);
            }
            Self::WriteTimeout { progress, write_type, contentions } => {
                progress.encode(out);
                write_string(out, write_type.name());
                if *write_type == WriteType::Cas && version >= ProtocolVersion::V5 {
                    write_short(out, contentions.unwrap_or_default());
                }
            }
            Self::ReadTimeout { progress, data_present } => {
                progress.encode(out);
                write_byte(out, u8::from(*data_present));
            }
            Self::ReadFailure { progress, failures, data_present } => {
                progress.encode(out);
                failures.encode(out, version);
                write_byte(out, u8::from(*data_present));
            }
            Self::FunctionFailure { keyspace, name, argument_types } => {
                write_string(out, keyspace);
                write_string(out, name);
                write_string_list(out, argument_types);
            }
            Self::WriteFailure { progress, failures, write_type } => {
                progress.encode(out);
                failures.encode(out, version);
                write_string(out, write_type.name());
            }
            Self::CasWriteUnknown { progress } => progress.encode(out),
            Self::AlreadyExists { keyspace, table } => {
                write_string(out, keyspace);
                write_string(out, table);
            }
            Self::Unprepared { id } => write_short_bytes(out, id),
            _ => {}
        }
    }

    fn decode_fields(code: ErrorCode, reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        Ok(match code {
            ErrorCode::ServerError => Self::ServerError,
            ErrorCode::ProtocolError => Self::ProtocolError,
            ErrorCode::BadCredentials => Self::BadCredentials,
            ErrorCode::Unavailable => {
                Self::Unavailable { consistency: reader.consistency()?, required: reader.int()?, alive: reader.int()? }
            }
            ErrorCode::Overloaded => Self::Overloaded,
            ErrorCode::IsBootstrapping => Self::IsBootstrapping,
            ErrorCode::TruncateError => Self::TruncateError,
            ErrorCode::WriteTimeout => {
                let progress = Progress::decode(reader)?;
                let write_type = WriteType::decode(reader)?;
                let counted = write_type == WriteType::Cas && version >= ProtocolVersion::V5;
                let contentions = if counted { Some(reader.short()?) } else { None };
                Self::WriteTimeout { progress, write_type, contentions }
            }
            ErrorCode::ReadTimeout => {
                Self::ReadTimeout { progress: Progress::decode(reader)?, data_present: reader.byte()? != 0 }
            }
            ErrorCode::ReadFailure => Self::ReadFailure {
                progress: Progress::decode(reader)?,
                failures: Failures::decode(reader, version)?,
                data_present: reader.byte()? != 0,
            },
            ErrorCode::FunctionFailure => Self::FunctionFailure {
                keyspace: reader.string()?.to_owned(),
                name: reader.string()?.to_owned(),
                argument_types: reader.string_list()?.iter().map(str::to_owned).collect(),
            },
            ErrorCode::WriteFailure => Self::WriteFailure {
                progress: Progress::decode(reader)?,
                failures: Failures::decode(reader, version)?,
                write_type: WriteType::decode(reader)?,
            },
            ErrorCode::CdcWriteFailure => Self::CdcWriteFailure,
            ErrorCode::CasWriteUnknown => Self::CasWriteUnknown { progress: Progress::decode(reader)? },
            ErrorCode::SyntaxError => Self::SyntaxError,
            ErrorCode::Unauthorized => Self::Unauthorized,
            ErrorCode::Invalid => Self::Invalid,
            ErrorCode::ConfigError => Self::ConfigError,
            ErrorCode::AlreadyExists => {
                Self::AlreadyExists { keyspace: reader.string()?.to_owned(), table: reader.string()?.to_owned() }
            }
            ErrorCode::Unprepared => Self::Unprepared { id: reader.short_bytes()?.to_vec() },
        })
    }
}

impl Progress {
    fn encode(&self, out: &mut Vec<u8>) {
        write_consistency(out, self.consistency);
        write_int(out, self.received);
        write_int(out, self.block_for);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { consistency: reader.consistency()?, received: reader.int()?, block_for: reader.int()? })
    }
}

impl Failures {
    fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Reasons(reasons) => {
                write_int(out, i32::try_from(reasons.len()).expect("a cluster has fewer than 2^31 nodes"));
                if version >= ProtocolVersion::V5 {
                    for (address, reason) in reasons {
                        write_inet_address(out, *address);
                        write_short(out, reason.code());
                    }
                }
            }
            Self::Count(count) => write_int(out, if version >= ProtocolVersion::V5 { 0 } else { *count }),
        }
    }

    fn decode(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let count = reader.int()?;
        if version < ProtocolVersion::V5 {
            return Ok(Self::Count(count));
        }
        let mut reasons = Vec::new();
        for _ in 0..count {
            reasons.push((reader.inet_address()?, FailureReason::from_code(reader.short()?)));
        }
        Ok(Self::Reasons(reasons))
    }
}

impl WriteType {
    /// All kinds.
    pub const EVERY: [Self; 8] = [
        Self::Simple,
        Self::Batch,
        Self::UnloggedBatch,
        Self::Counter,
        Self::BatchLog,
        Self::Cas,
        Self::View,
        Self::Cdc,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
            Self::Batch => "BATCH",
            Self::UnloggedBatch => "UNLOGGED_BATCH",
            Self::Counter => "COUNTER",
            Self::BatchLog => "BATCH_LOG",
            Self::Cas => "CAS",
            Self::View => "VIEW",
            Self::Cdc => "CDC",
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.string()?;
        Self::EVERY
            .into_iter()
            .find(|write_type| write_type.name() == name)
            .ok_or_else(|| DecodeError::Word { value: name.to_owned(), kind: "WriteType" })
    }
}

impl FailureReason {
    const NAMED: [Self; 8] = [
        Self::Unknown,
        Self::ReadTooManyTombstones,
        Self::Timeout,
        Self::IncompatibleSchema,
        Self::ReadSize,
        Self::NodeDown,
        Self::IndexNotAvailable,
        Self::ReadTooManyIndexes,
    ];

    /// The reason of a code.
    #[must_use]
    pub fn from_code(code: u16) -> Self {
        Self::NAMED.get(usize::from(code)).copied().unwrap_or(Self::Other(code))
    }

    /// Cassandra's name of it, as error messages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown | Self::Other(_) => "UNKNOWN",
            Self::ReadTooManyTombstones => "READ_TOO_MANY_TOMBSTONES",
            Self::Timeout => "TIMEOUT",
            Self::IncompatibleSchema => "INCOMPATIBLE_SCHEMA",
            Self::ReadSize => "READ_SIZE",
            Self::NodeDown => "NODE_DOWN",
            Self::IndexNotAvailable => "INDEX_NOT_AVAILABLE",
            Self::ReadTooManyIndexes => "READ_TOO_MANY_INDEXES",
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Unknown => 0,
            Self::ReadTooManyTombstones => 1,
            Self::Timeout => 2,
            Self::IncompatibleSchema => 3,
            Self::ReadSize => 4,
            Self::NodeDown => 5,
            Self::IndexNotAvailable => 6,
            Self::ReadTooManyIndexes => 7,
            Self::Other(code) => code,
        }
    }
}
