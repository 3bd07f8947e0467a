//! EXECUTE: the id of a prepared statement, from v5 on the id of the metadata the client knows, and parameters.

use super::query_params::QueryParams;
use crate::notation::{DecodeError, Reader, write_short_bytes};
use crate::version::ProtocolVersion;

/// An EXECUTE message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Execute<'a> {
    /// Id from the answer to PREPARE, sixteen bytes if it is one of ours.
    pub id: &'a [u8],
    /// Id of the metadata that the client has cached; none before v5.
    pub result_metadata_id: Option<&'a [u8]>,
    /// Its parameters.
    pub params: QueryParams<'a>,
}

impl<'a> Execute<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    #[inline]
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let id = reader.short_bytes()?;
        let result_metadata_id = if version >= ProtocolVersion::V5 { Some(reader.short_bytes()?) } else { None };
        Ok(Self { id, result_metadata_id, params: QueryParams::decode(reader, version)? })
    }

    /// Appends the body; a missing metadata id is empty in v5, and left out before.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_short_bytes(out, self.id);
        if version >= ProtocolVersion::V5 {
            write_short_bytes(out, self.result_metadata_id.unwrap_or_default());
        }
        self.params.encode(out, version);
    }
}
