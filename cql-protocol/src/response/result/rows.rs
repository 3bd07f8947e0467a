//! RESULT with rows, as a client reads it: values stay in the body.

use crate::notation::{DecodeError, Reader, write_int};
use crate::response::metadata::RowsMetadata;
use crate::version::ProtocolVersion;

/// Rows within a body: checked once, then walked without allocating.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// What is said about them.
    pub metadata: RowsMetadata,
    count: i32,
    content: &'a [u8],
}

/// A row within a body.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    values: Reader<'a>,
    column_count: i32,
}

impl<'a> Rows<'a> {
    /// Appends what follows the kind.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        self.metadata.encode(out, version);
        write_int(out, self.count);
        out.extend_from_slice(self.content);
    }

    /// Reads what follows the kind.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let metadata = RowsMetadata::decode(reader)?;
        let count = reader.int()?;
        if count < 0 {
            return Err(DecodeError::NegativeLength { notation: "a list of rows", length: count });
        }
        let all = reader.rest();
        if metadata.column_count > 0 {
            for _ in 0..count {
                for _ in 0..metadata.column_count {
                    reader.bytes()?;
                }
            }
        }
        let size = all.len() - reader.rest().len();
        Ok(Self { metadata, count, content: all.get(..size).unwrap_or_default() })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let column_count = self.metadata.column_count;
        let mut reader = Reader::new(self.content);
        (0..self.count).map_while(move |_| {
            let row = Row { values: reader, column_count };
            for _ in 0..column_count {
                reader.bytes().ok()?;
            }
            Some(row)
        })
    }
}

impl PartialEq for Rows<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.count == other.count && self.content == other.content
    }
}

impl<'a> Row<'a> {
    /// The values in the columns' order, none for null.
    pub fn values(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut reader = self.values;
        (0..self.column_count).map_while(move |_| reader.bytes().ok())
    }
}
