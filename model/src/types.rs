//! CQL types (FEATURES 1.6) and their names in CQL and in Cassandra's Java class form.

use std::sync::Arc;

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
