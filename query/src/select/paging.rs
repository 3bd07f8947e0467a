//! The paging state: where a page ended, as bytes that a client keeps for us. It is a position only: what is read next is decided by
//! the statement, to which the state is bound.
//!
//! ```text
//! state := version u8 = 1, table id 16, statement hash u64, kind u8 (0 behind a partition, 1 inside one),
//!          key (u16 length, bytes), [clustering (vint length, bytes) if inside],
//!          rows left of LIMIT u32, rows left of PER PARTITION LIMIT u32, check u32
//! ```

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_bytes16};
use helenus_model::key::validate_clustering;
use helenus_model::schema::Table;

use crate::error::QueryError;

const VERSION: u8 = 1;

/// A place between rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PagingState {
    /// The partition of the last row.
    pub(super) key: Box<[u8]>,
    /// The last row's clustering; None when its partition is done.
    pub(super) clustering: Option<Box<[u8]>>,
    /// Rows left of LIMIT; `u32::MAX` for no limit.
    pub(super) limit_left: u32,
    /// Rows left of PER PARTITION LIMIT in this partition; `u32::MAX` for no limit.
    pub(super) partition_left: u32,
}

impl PagingState {
    /// The state as bytes.
    pub(super) fn encode(&self, table: &Table, statement: u64) -> Vec<u8> {
        let clustering = self.clustering.as_ref().map_or(0, |c| c.len() + 4);
        let mut out = Vec::with_capacity(40 + self.key.len() + clustering);
        out.push(VERSION);
        out.extend_from_slice(table.id.as_bytes());
        out.extend_from_slice(&statement.to_be_bytes());
        out.push(u8::from(self.clustering.is_some()));
        put_bytes16(&mut out, &self.key);
        if let Some(clustering) = &self.clustering {
            put_bytes(&mut out, clustering);
        }
        out.extend_from_slice(&self.limit_left.to_be_bytes());
        out.extend_from_slice(&self.partition_left.to_be_bytes());
        let check = hash(&out) as u32;
        out.extend_from_slice(&check.to_be_bytes());
        out
    }

    /// Reads a state a client sent.
    ///
    /// # Errors
    /// It is none, or one of another table or statement.
    pub(super) fn decode(bytes: &[u8], table: &Table, statement: u64) -> Result<Self, QueryError> {
        Self::read(bytes, table, statement).map_err(|_| invalid())
    }

    fn read(bytes: &[u8], table: &Table, statement: u64) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION || reader.uuid()? != table.id || reader.u64()? != statement {
            return Err(reader.invalid("paging state"));
        }
        let inside = reader.bool()?;
        let key: Box<[u8]> = reader.bytes16()?.into();
        let clustering = if inside {
            let clustering = reader.bytes()?;
            if validate_clustering(clustering, table.clustering.len())? != table.clustering.len() {
                return Err(reader.invalid("clustering"));
            }
            Some(clustering.into())
        } else {
            None
        };
        let (limit_left, partition_left) = (reader.u32()?, reader.u32()?);
        let body = reader.position();
        let check = reader.u32()?;
        reader.finish()?;
        if bytes.get(..body).is_none_or(|body| hash(body) as u32 != check) || limit_left == 0 {
            return Err(reader.invalid("paging state"));
        }
        helenus_model::key::split_partition_key(&key, table.partition_key.len())?;
        Ok(PagingState { key, clustering, limit_left, partition_left })
    }
}

/// Cassandra's words for a paging state that makes no sense.
pub(super) fn invalid() -> QueryError {
    QueryError::protocol("Invalid value for the paging state")
}

/// FNV-1a with a final mix: binds states to statements and tells damage; it keeps nobody out.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}
