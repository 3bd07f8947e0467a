//! The notations of the specification's section 3, one file each: how integers, strings, bytes, values, maps,
//! addresses, consistency levels and types stand in a body.
//!
//! Reading goes through [`Reader`], which borrows from the body and never reads past it; writing appends to a vector.

mod bytes;
mod collection;
mod consistency;
mod inet;
mod integer;
mod string;
mod type_option;
mod uuid;
mod value;

pub(crate) use bytes::insert;
pub use bytes::{write_bytes, write_short_bytes};
pub use collection::{
    BytesMap, StringList, StringMap, write_bytes_map, write_string_list, write_string_map, write_string_multimap,
};
pub use consistency::write_consistency;
pub use inet::{write_inet, write_inet_address};
pub use integer::{write_byte, write_int, write_long, write_short};
pub use string::{write_long_string, write_string};
pub use type_option::write_type;
pub use uuid::write_uuid;
pub use value::{NamedValueIterator, Value, ValueIterator, Values, ValuesBuffer, write_value};

/// Why the body of a message cannot be read. Its text is what the client gets in an ERROR of code PROTOCOL_ERROR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body ends within something.
    #[error("Not enough bytes to read {0}")]
    Truncated(&'static str),
    /// A length that must not be negative is.
    #[error("Invalid negative length {length} of {notation}")]
    NegativeLength {
        /// What the length belongs to.
        notation: &'static str,
        /// As read.
        length: i32,
    },
    /// A string is not UTF-8.
    #[error("Cannot decode string as UTF8: '{0}'")]
    NotUtf8(String),
    /// The length of a bound value is below −2.
    #[error("Invalid ByteBuf length {0}")]
    ValueLength(i32),
    /// A code that is no consistency level.
    #[error("Unknown code {0} for a consistency level")]
    Consistency(u16),
    /// An address with neither 4 nor 16 bytes.
    #[error("Invalid IP address of {0} bytes while deserializing inet address")]
    InetSize(u8),
    /// The id of a type option is unknown.
    #[error("Unknown option id {0}")]
    TypeOption(u16),
    /// Types are nested too deeply.
    #[error("Types are nested more than {0} levels deep")]
    TypeDepth(usize),
    /// A word that is not one of a list.
    #[error("Invalid value '{value}' for {kind}")]
    Word {
        /// As read.
        value: String,
        /// What the word should name.
        kind: &'static str,
    },
    /// A number that is not one of a list.
    #[error("{0}")]
    Number(String),
    /// The default timestamp is the one value that is not allowed.
    #[error(
        "Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807] (got -9223372036854775808)"
    )]
    Timestamp,
    /// A custom payload in a version that has none.
    #[error("Received frame with CUSTOM_PAYLOAD flag for native protocol version < 4")]
    CustomPayload,
}

/// Reads notations one after the other from a body, borrowing from it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of some bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `size` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] naming `notation` if there are fewer.
    pub fn take(&mut self, size: usize, notation: &'static str) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(DecodeError::Truncated(notation))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as an array.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] naming `notation` if there are fewer.
    pub fn take_array<const SIZE: usize>(&mut self, notation: &'static str) -> Result<[u8; SIZE], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<SIZE>().ok_or(DecodeError::Truncated(notation))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The bytes between an earlier state of this reader and now.
    fn since(&self, earlier: Self) -> &'a [u8] {
        let size = earlier.rest.len().saturating_sub(self.rest.len());
        earlier.rest.get(..size).unwrap_or_default()
    }
}
