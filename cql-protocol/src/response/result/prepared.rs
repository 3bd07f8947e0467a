//! RESULT of PREPARE: ids, what to bind, and what rows to expect.

use crate::notation::{DecodeError, Reader, write_short_bytes};
use crate::response::metadata::{BindMetadata, RowsMetadata};
use crate::version::ProtocolVersion;

/// The answer to PREPARE.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Id of the statement, sixteen bytes.
    pub id: Vec<u8>,
    /// Id of the rows' metadata (v5).
    pub result_metadata_id: Option<Vec<u8>>,
    /// The markers.
    pub bind: BindMetadata,
    /// The rows that executing returns; [`RowsMetadata::NONE`] if it returns none.
    pub result: RowsMetadata,
}

impl Prepared {
    /// Appends what follows the kind; a missing metadata id is empty in v5, and left out before.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_short_bytes(out, &self.id);
        if version >= ProtocolVersion::V5 {
            write_short_bytes(out, self.result_metadata_id.as_deref().unwrap_or_default());
        }
        self.bind.encode(out, version);
        self.result.encode(out, version);
    }

    /// Reads what follows the kind.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let id = reader.short_bytes()?.to_vec();
        let has_id = version >= ProtocolVersion::V5;
        let result_metadata_id = if has_id { Some(reader.short_bytes()?.to_vec()) } else { None };
        let bind = BindMetadata::decode(reader, version)?;
        Ok(Self { id, result_metadata_id, bind, result: RowsMetadata::decode(reader)? })
    }
}
