//! BATCH: a kind, statements as text or prepared id with values by position, and parameters.

use super::query_params::QueryParams;
use crate::notation::{DecodeError, Reader, Values, write_byte, write_long_string, write_short, write_short_bytes};
use crate::version::ProtocolVersion;

/// Kind of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BatchKind {
    /// All or nothing, by way of the batch log.
    Logged = 0,
    /// No batch log.
    Unlogged = 1,
    /// Counter updates only.
    Counter = 2,
}

/// What a statement of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchQuery<'a> {
    /// Text.
    Text(&'a str),
    /// Id of a prepared statement.
    Prepared(&'a [u8]),
}

/// A statement of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchStatement<'a> {
    /// Text or id.
    pub query: BatchQuery<'a>,
    /// Its bound values, by position.
    pub values: Values<'a>,
}

/// The statements of a batch as they stand in the body: checked once, then walked without allocating.
#[derive(Clone, Copy, Debug)]
pub struct BatchStatements<'a> {
    count: u16,
    version: ProtocolVersion,
    bytes: &'a [u8],
}

/// A BATCH message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'a> {
    /// Its kind.
    pub kind: BatchKind,
    /// Its statements, at most 65,535.
    pub statements: BatchStatements<'a>,
    /// Its parameters; values, page size and paging state mean nothing here.
    pub params: QueryParams<'a>,
}

/// The statements of a batch being gathered by a client.
#[derive(Clone, Debug)]
pub struct BatchBuffer {
    count: u16,
    version: ProtocolVersion,
    bytes: Vec<u8>,
}

impl<'a> Batch<'a> {
    /// Reads the body. The flag for named values is ignored: values of a batch have no names (CASSANDRA-10246).
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let kind = match reader.byte()? {
            0 => BatchKind::Logged,
            1 => BatchKind::Unlogged,
            2 => BatchKind::Counter,
            other => {
                return Err(DecodeError::Number(format!("Invalid BATCH message type {}", other.cast_signed())));
            }
        };
        let statements = BatchStatements::decode(reader, version)?;
        let params = QueryParams::decode(reader, version)?;
        Ok(Self { kind, statements, params })
    }

    /// Appends the body. The statements must have been gathered or read in the same version.
    ///
    /// # Panics
    /// If a part has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_byte(out, self.kind as u8);
        write_short(out, self.statements.count);
        out.extend_from_slice(self.statements.bytes);
        self.params.encode(out, version);
    }
}

impl<'a> BatchStatements<'a> {
    fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let count = reader.short()?;
        let all = reader.rest();
        for _ in 0..count {
            read_statement(reader, version)?;
        }
        let size = all.len() - reader.rest().len();
        Ok(Self { count, version, bytes: all.get(..size).unwrap_or_default() })
    }

    /// Number of statements.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The statements in order.
    pub fn iter(&self) -> impl Iterator<Item = BatchStatement<'a>> + use<'a> {
        let version = self.version;
        let mut reader = Reader::new(self.bytes);
        (0..self.count).map_while(move |_| read_statement(&mut reader, version).ok())
    }
}

impl PartialEq for BatchStatements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl BatchBuffer {
    /// No statements yet, for a connection of a version.
    #[must_use]
    pub fn new(version: ProtocolVersion) -> Self {
        Self { count: 0, version, bytes: Vec::new() }
    }

    /// Adds a statement.
    ///
    /// # Panics
    /// If there are 65,535 already, or an id is too long.
    pub fn push(&mut self, query: BatchQuery<'_>, values: Values<'_>) {
        self.count = self.count.checked_add(1).expect("at most 65,535 statements");
        match query {
            BatchQuery::Text(text) => {
                write_byte(&mut self.bytes, 0);
                write_long_string(&mut self.bytes, text);
            }
            BatchQuery::Prepared(id) => {
                write_byte(&mut self.bytes, 1);
                write_short_bytes(&mut self.bytes, id);
            }
        }
        values.encode(&mut self.bytes);
    }

    /// The statements so far, to put into a [`Batch`].
    #[must_use]
    pub fn statements(&self) -> BatchStatements<'_> {
        BatchStatements { count: self.count, version: self.version, bytes: &self.bytes }
    }
}

fn read_statement<'a>(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<BatchStatement<'a>, DecodeError> {
    let query = match reader.byte()? {
        0 => BatchQuery::Text(reader.long_string()?),
        1 => BatchQuery::Prepared(reader.short_bytes()?),
        kind => {
            return Err(DecodeError::Number(format!(
                "Invalid query kind in BATCH messages. Must be 0 or 1 but got {}",
                kind.cast_signed()
            )));
        }
    };
    Ok(BatchStatement { query, values: Values::decode(reader, false, version)? })
}
