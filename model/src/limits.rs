//! The limits of data itself. Those of requests, queues and files stand in the crates that own them.

/// Longest partition key, and longest clustering value (Cassandra: FBUtilities.MAX_UNSIGNED_SHORT), bytes.
pub const KEY_BYTES_MAX: usize = 65_535;
/// Longest name of a keyspace or table, characters (SchemaConstants.NAME_LENGTH).
pub const NAME_CHARS_MAX: usize = 48;
/// Most clustering or partition-key columns a table may have; a bound on what a decoder allocates.
pub const KEY_COLUMNS_MAX: usize = 2_048;
/// Longest TTL, seconds: 20 years (Attributes.MAX_TTL).
pub const TTL_SECONDS_MAX: i32 = 630_720_000;
/// Deepest nesting of a type that a schema may have; user-defined types count with what is in them.
pub const TYPE_DEPTH_MAX: usize = 64;
/// Most parts of a type that a schema may have; those of a user-defined type count wherever it is used, and long names as several.
pub const TYPE_PARTS_MAX: usize = 65_536;
/// Most parts of the types of a table's columns together.
pub const TABLE_PARTS_MAX: usize = 1_048_576;
/// Bytes of the names in a type that count as one part.
pub const NAME_BYTES_OF_PART: usize = 16;
/// Deepest nesting that is read. More than may be written: class names have levels for what is frozen, and a user-defined type may
/// have grown since a name was written.
pub const TYPE_DEPTH_READ_MAX: usize = 160;
/// Most column ids a table ever hands out (dropped ones included).
pub const COLUMN_IDS_MAX: usize = 65_535;
