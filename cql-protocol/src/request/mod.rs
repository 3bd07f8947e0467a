//! What clients send: one file per message, reading and writing side by side.

mod auth_response;
mod batch;
mod execute;
mod prepare;
mod query;
mod query_params;
mod register;
pub mod startup;

pub use auth_response::AuthResponse;
pub use batch::{Batch, BatchBuffer, BatchKind, BatchQuery, BatchStatement, BatchStatements};
pub use execute::Execute;
pub use prepare::Prepare;
pub use query::Query;
pub use query_params::QueryParams;
pub use register::{EventKind, EventKinds, Register};
pub use startup::{Startup, StartupOptions};

use crate::frame::flag;
use crate::notation::{BytesMap, DecodeError, Reader};
use crate::opcode::Opcode;
use crate::version::ProtocolVersion;

/// A request, borrowing from the connection's input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each holds the message of its name")]
pub enum Request<'a> {
    Startup(Startup<'a>),
    Options,
    Query(Query<'a>),
    Prepare(Prepare<'a>),
    Execute(Execute<'a>),
    Batch(Batch<'a>),
    Register(Register),
    AuthResponse(AuthResponse<'a>),
}

impl<'a> Request<'a> {
    /// Reads the body of a request, after its custom payload. Bytes past its end are ignored, as the specification asks.
    ///
    /// # Errors
    /// If the body is malformed or the opcode is not a request's.
    #[inline]
    pub fn decode(opcode: Opcode, body: &'a [u8], version: ProtocolVersion) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(body);
        Ok(match opcode {
            Opcode::Execute => Self::Execute(Execute::decode(reader, version)?),
            Opcode::Query => Self::Query(Query::decode(reader, version)?),
            Opcode::Batch => Self::Batch(Batch::decode(reader, version)?),
            Opcode::Prepare => Self::Prepare(Prepare::decode(reader, version)?),
            Opcode::Startup => Self::Startup(Startup::decode(reader)?),
            Opcode::Options => Self::Options,
            Opcode::Register => Self::Register(Register::decode(reader, version)?),
            Opcode::AuthResponse => Self::AuthResponse(AuthResponse::decode(reader)?),
            other => {
                return Err(DecodeError::Number(format!("Unexpected RESPONSE message {other}, expecting REQUEST")));
            }
        })
    }

    /// Appends the body.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Startup(startup) => StartupOptions::from_message(startup).encode(out),
            Self::Options => {}
            Self::Query(query) => query.encode(out, version),
            Self::Prepare(prepare) => prepare.encode(out, version),
            Self::Execute(execute) => execute.encode(out, version),
            Self::Batch(batch) => batch.encode(out, version),
            Self::Register(register) => register.encode(out),
            Self::AuthResponse(response) => response.encode(out),
        }
    }

    /// The kind of the message.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Startup(_) => Opcode::Startup,
            Self::Options => Opcode::Options,
            Self::Query(_) => Opcode::Query,
            Self::Prepare(_) => Opcode::Prepare,
            Self::Execute(_) => Opcode::Execute,
            Self::Batch(_) => Opcode::Batch,
            Self::Register(_) => Opcode::Register,
            Self::AuthResponse(_) => Opcode::AuthResponse,
        }
    }
}

/// A request with what its frame says about it.
#[derive(Clone, Copy, Debug)]
pub struct RequestFrame<'a> {
    /// Version of the connection.
    pub version: ProtocolVersion,
    /// The answer must carry the same.
    pub stream: i16,
    /// Whether the client wants a trace of a QUERY, PREPARE, EXECUTE or BATCH.
    pub tracing: bool,
    /// What the client sent along (v4 and later).
    pub custom_payload: Option<BytesMap<'a>>,
    /// Size of the body in bytes, for limits on what is in flight.
    pub body_size: usize,
    /// The request.
    pub request: Request<'a>,
}

/// Reads a body that begins with a custom payload if the flags say so, and the request after it.
///
/// # Errors
/// If the body is malformed.
#[inline]
pub(crate) fn decode_body(
    opcode: Opcode,
    flags: u8,
    body: &[u8],
    version: ProtocolVersion,
) -> Result<(Option<BytesMap<'_>>, Request<'_>), DecodeError> {
    if flags & flag::CUSTOM_PAYLOAD == 0 {
        return Ok((None, Request::decode(opcode, body, version)?));
    }
    if version < ProtocolVersion::V4 {
        return Err(DecodeError::CustomPayload);
    }
    let mut reader = Reader::new(body);
    let payload = reader.bytes_map()?;
    Ok((Some(payload), Request::decode(opcode, reader.rest(), version)?))
}

#[cfg(test)]
mod tests;
