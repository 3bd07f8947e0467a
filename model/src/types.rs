//! CQL types and their names in CQL and in Cassandra's Java class form.

mod cql_name;
mod cql_text;
mod java_class;
mod name;
mod properties;
mod size;

pub use cql_text::{UdtResolver, parse_cql_type};
pub use java_class::{
    composite_components, composite_java_class, parse_clustering_class, parse_java_class, parse_written_class,
    reversed_java_class,
};
pub use name::{is_reserved_word, maybe_quote, quote};

use std::sync::Arc;

use thiserror::Error;

/// A CQL data type. `frozen` is recorded on the collection or UDT itself; tuples and vectors are always frozen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CqlType {
    /// `ascii`
    Ascii,
    /// `bigint`: 64-bit signed.
    Bigint,
    /// `blob`
    Blob,
    /// `boolean`
    Boolean,
    /// `counter`
    Counter,
    /// `date`: unsigned days, 2^31 is 1970-01-01.
    Date,
    /// `decimal`: scale and unscaled varint.
    Decimal,
    /// `double`
    Double,
    /// `duration`: months, days, nanoseconds.
    Duration,
    /// `empty`: the type of nothing, found in old schemas.
    Empty,
    /// `float`
    Float,
    /// `inet`
    Inet,
    /// `int`: 32-bit signed.
    Int,
    /// `smallint`
    Smallint,
    /// `text` (also `varchar`)
    Text,
    /// `time`: nanoseconds since midnight.
    Time,
    /// `timestamp`: milliseconds since the epoch.
    Timestamp,
    /// `timeuuid`
    Timeuuid,
    /// `tinyint`
    Tinyint,
    /// `uuid`
    Uuid,
    /// `varint`
    Varint,
    /// `list<element>`
    List {
        /// Type of the elements.
        element: Arc<CqlType>,
        /// True when stored as one value.
        frozen: bool,
    },
    /// `set<element>`
    Set {
        /// Type of the elements.
        element: Arc<CqlType>,
        /// True when stored as one value.
        frozen: bool,
    },
    /// `map<key, value>`
    Map {
        /// Type of the keys.
        key: Arc<CqlType>,
        /// Type of the values.
        value: Arc<CqlType>,
        /// True when stored as one value.
        frozen: bool,
    },
    /// `tuple<…>`
    Tuple(Arc<[CqlType]>),
    /// A user-defined type.
    Udt {
        /// Its definition as of the schema epoch it was resolved in.
        definition: Arc<UdtDefinition>,
        /// True when stored as one value.
        frozen: bool,
    },
    /// `vector<element, dimension>`
    Vector {
        /// Type of the elements.
        element: Arc<CqlType>,
        /// Number of elements.
        dimension: u32,
    },
    /// A Java class that is not one of the above, as its full name with parameters.
    Custom(Arc<str>),
}

/// A user-defined type: name and fields in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UdtDefinition {
    /// Keyspace the type lives in.
    pub keyspace: String,
    /// Name, without quotes.
    pub name: String,
    /// Fields in declaration order.
    pub fields: Vec<(String, CqlType)>,
}

/// Why the text of a type was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TypeError {
    /// The text does not follow the grammar.
    #[error("Syntax error parsing '{text}' at char {at}: {reason}")]
    Syntax {
        /// The whole text.
        text: String,
        /// Byte offset of the fault.
        at: usize,
        /// What was expected.
        reason: &'static str,
    },
    /// A user-defined type nobody declared.
    #[error("Unknown type {0}")]
    UnknownType(String),
    /// A Java class that is no type.
    #[error("Unable to find abstract-type class '{0}'")]
    UnknownClass(String),
    /// Nested deeper than [`TYPE_DEPTH_MAX`](crate::limits::TYPE_DEPTH_MAX).
    #[error("Type is nested too deeply")]
    TooDeep,
    /// Of more parts than [`TYPE_PARTS_MAX`](crate::limits::TYPE_PARTS_MAX).
    #[error("Type has too many parts")]
    TooLarge,
    /// Well-formed, but not a type.
    #[error("{0}")]
    Invalid(String),
}
