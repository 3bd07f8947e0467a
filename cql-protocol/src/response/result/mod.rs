//! RESULT: one of five kinds.

mod prepared;
mod rows;
mod rows_writer;

pub use prepared::Prepared;
pub use rows::{Row, Rows};
pub use rows_writer::{RowsHead, RowsProgress, RowsWriter};

use super::schema_change::SchemaChange;
use crate::notation::{DecodeError, Reader, write_int, write_string};
use crate::version::ProtocolVersion;

/// Numbers of the kinds.
pub(crate) mod kind {
    pub(crate) const VOID: i32 = 1;
    pub(crate) const ROWS: i32 = 2;
    pub(crate) const SET_KEYSPACE: i32 = 3;
    pub(crate) const PREPARED: i32 = 4;
    pub(crate) const SCHEMA_CHANGE: i32 = 5;
}

/// A RESULT message.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryResult<'a> {
    /// Done; nothing to tell.
    Void,
    /// Rows. A server writes them with [`RowsWriter`].
    Rows(Rows<'a>),
    /// The keyspace in use is now another.
    SetKeyspace(&'a str),
    /// The answer to PREPARE.
    Prepared(Prepared),
    /// The schema changed.
    SchemaChange(SchemaChange),
}

impl<'a> QueryResult<'a> {
    /// Appends the body.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Self::Void => write_int(out, kind::VOID),
            Self::Rows(rows) => {
                write_int(out, kind::ROWS);
                rows.encode(out, version);
            }
            Self::SetKeyspace(keyspace) => {
                write_int(out, kind::SET_KEYSPACE);
                write_string(out, keyspace);
            }
            Self::Prepared(prepared) => {
                write_int(out, kind::PREPARED);
                prepared.encode(out, version);
            }
            Self::SchemaChange(change) => {
                write_int(out, kind::SCHEMA_CHANGE);
                change.encode(out, version);
            }
        }
    }

    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        match reader.int()? {
            kind::VOID => Ok(Self::Void),
            kind::ROWS => Ok(Self::Rows(Rows::decode(reader)?)),
            kind::SET_KEYSPACE => Ok(Self::SetKeyspace(reader.string()?)),
            kind::PREPARED => Ok(Self::Prepared(Prepared::decode(reader, version)?)),
            kind::SCHEMA_CHANGE => Ok(Self::SchemaChange(SchemaChange::decode(reader)?)),
            other => Err(DecodeError::Number(format!("Unknown kind id {other} in RESULT message"))),
        }
    }
}
