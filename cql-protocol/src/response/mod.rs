//! What servers send: one file per message, reading and writing side by side.

mod error;
mod event;
mod metadata;
pub mod result;
mod schema_change;
mod supported;

pub use error::{ErrorKind, ErrorResponse, FailureReason, Failures, Progress, WriteType};
pub use event::Event;
pub use metadata::{BindMetadata, Column, ColumnSpec, EncodedColumns, RowsMetadata};
pub use result::{Prepared, QueryResult, Row, Rows, RowsHead, RowsProgress, RowsWriter};
pub use schema_change::{ChangeKind, SchemaChange, SchemaTarget};
pub use supported::Supported;

use crate::frame::flag;
use crate::notation::{
    BytesMap, DecodeError, Reader, StringList, write_bytes, write_bytes_map, write_string, write_string_list,
    write_uuid,
};
use crate::opcode::Opcode;
use crate::version::ProtocolVersion;
use uuid::Uuid;

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub enum Response<'a> {
    /// The request failed.
    Error(ErrorResponse),
    /// STARTUP or REGISTER was accepted.
    Ready,
    /// STARTUP was accepted; the class names the authenticator to satisfy.
    Authenticate(&'a str),
    /// The answer to OPTIONS.
    Supported(Supported),
    /// The answer to QUERY, PREPARE, EXECUTE and BATCH.
    Result(QueryResult<'a>),
    /// Something happened.
    Event(Event),
    /// Another token is needed.
    AuthChallenge(Option<&'a [u8]>),
    /// The client is authenticated.
    AuthSuccess(Option<&'a [u8]>),
}

impl<'a> Response<'a> {
    /// Appends the body.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Error(error) => error.encode(out, version),
            Self::Ready => {}
            Self::Authenticate(class) => write_string(out, class),
            Self::Supported(supported) => supported.encode(out),
            Self::Result(result) => result.encode(out, version),
            Self::Event(event) => event.encode(out, version),
            Self::AuthChallenge(token) | Self::AuthSuccess(token) => write_bytes(out, *token),
        }
    }

    /// Reads the body, after its prefix. Bytes past its end are ignored, as the specification asks.
    ///
    /// # Errors
    /// If it is malformed or the opcode is not a response's.
    pub fn decode(opcode: Opcode, body: &'a [u8], version: ProtocolVersion) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(body);
        Ok(match opcode {
            Opcode::Error => Self::Error(ErrorResponse::decode(reader, version)?),
            Opcode::Ready => Self::Ready,
            Opcode::Authenticate => Self::Authenticate(reader.string()?),
            Opcode::Supported => Self::Supported(Supported::decode(reader)?),
            Opcode::Result => Self::Result(QueryResult::decode(reader, version)?),
            Opcode::Event => Self::Event(Event::decode(reader)?),
            Opcode::AuthChallenge => Self::AuthChallenge(reader.bytes()?),
            Opcode::AuthSuccess => Self::AuthSuccess(reader.bytes()?),
            other => {
                return Err(DecodeError::Number(format!("Unexpected REQUEST message {other}, expecting RESPONSE")));
            }
        })
    }

    /// The kind of the message.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Error(_) => Opcode::Error,
            Self::Ready => Opcode::Ready,
            Self::Authenticate(_) => Opcode::Authenticate,
            Self::Supported(_) => Opcode::Supported,
            Self::Result(_) => Opcode::Result,
            Self::Event(_) => Opcode::Event,
            Self::AuthChallenge(_) => Opcode::AuthChallenge,
            Self::AuthSuccess(_) => Opcode::AuthSuccess,
        }
    }
}

/// What a server sends before the message itself, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Id of the trace that the client asked for.
    pub tracing_id: Option<Uuid>,
    /// Warnings for humans (v4 and later; left out before).
    pub warnings: Vec<String>,
    /// Payload of a custom handler (v4 and later; left out before).
    pub custom_payload: Vec<(String, Option<Vec<u8>>)>,
}

impl Extras {
    /// Nothing.
    pub const NONE: Self = Self { tracing_id: None, warnings: Vec::new(), custom_payload: Vec::new() };

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracing_id.is_none() && self.warnings.is_empty() && self.custom_payload.is_empty()
    }

    /// Appends the prefix; returns the flags that announce it.
    ///
    /// # Panics
    /// If a payload has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) -> u8 {
        let mut flags = 0;
        if let Some(id) = self.tracing_id {
            flags |= flag::TRACING;
            write_uuid(out, id);
        }
        if version >= ProtocolVersion::V4 && !self.warnings.is_empty() {
            flags |= flag::WARNING;
            write_string_list(out, &self.warnings);
        }
        if version >= ProtocolVersion::V4 && !self.custom_payload.is_empty() {
            flags |= flag::CUSTOM_PAYLOAD;
            write_bytes_map(out, &self.custom_payload);
        }
        flags
    }
}

/// A response with what its frame says about it.
#[derive(Clone, Debug)]
pub struct ResponseFrame<'a> {
    /// Version of the frame.
    pub version: ProtocolVersion,
    /// Stream of the request, −1 for events.
    pub stream: i16,
    /// Id of the trace.
    pub tracing_id: Option<Uuid>,
    /// Warnings.
    pub warnings: StringList<'a>,
    /// Payload of a custom handler.
    pub custom_payload: Option<BytesMap<'a>>,
    /// The response.
    pub response: Response<'a>,
}

/// Reads a body with its prefix.
///
/// # Errors
/// If the body is malformed.
pub(crate) fn decode_body(
    opcode: Opcode,
    flags: u8,
    stream: i16,
    body: &[u8],
    version: ProtocolVersion,
) -> Result<ResponseFrame<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let tracing_id = if flags & flag::TRACING != 0 { Some(reader.uuid()?) } else { None };
    let warnings = if flags & flag::WARNING != 0 { reader.string_list()? } else { StringList::default() };
    let custom_payload = if flags & flag::CUSTOM_PAYLOAD != 0 { Some(reader.bytes_map()?) } else { None };
    let response = Response::decode(opcode, reader.rest(), version)?;
    Ok(ResponseFrame { version, stream, tracing_id, warnings, custom_payload, response })
}

#[cfg(test)]
mod tests;
