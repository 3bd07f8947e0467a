//! PREPARE: text, and from v5 on flags and a keyspace.

use crate::notation::{DecodeError, Reader, write_int, write_long_string, write_string};
use crate::version::ProtocolVersion;

/// Bit that announces a keyspace.
const KEYSPACE: i32 = 0x01;

/// A PREPARE message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepare<'a> {
    /// Text of the statement.
    pub query: &'a str,
    /// Keyspace of unqualified names (v5).
    pub keyspace: Option<&'a str>,
}

impl<'a> Prepare<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let query = reader.long_string()?;
        let has_keyspace = version >= ProtocolVersion::V5 && reader.int()? & KEYSPACE != 0;
        let keyspace = if has_keyspace { Some(reader.string()?) } else { None };
        Ok(Self { query, keyspace })
    }

    /// Appends the body; the keyspace is left out before v5.
    ///
    /// # Panics
    /// If the text has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_long_string(out, self.query);
        if version >= ProtocolVersion::V5 {
            write_int(out, if self.keyspace.is_some() { KEYSPACE } else { 0 });
            if let Some(keyspace) = self.keyspace {
                write_string(out, keyspace);
            }
        }
    }
}
