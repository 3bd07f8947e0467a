//! QUERY: text and parameters.

use super::query_params::QueryParams;
use crate::notation::{DecodeError, Reader, write_long_string};
use crate::version::ProtocolVersion;

/// A QUERY message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query<'a> {
    /// Text of the statement.
    pub query: &'a str,
    /// Its parameters.
    pub params: QueryParams<'a>,
}

impl<'a> Query<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        Ok(Self { query: reader.long_string()?, params: QueryParams::decode(reader, version)? })
    }

    /// Appends the body.
    ///
    /// # Panics
    /// If a part has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_long_string(out, self.query);
        self.params.encode(out, version);
    }
}
