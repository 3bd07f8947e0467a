//! Types as they are written: names are not resolved, nesting is not judged.

use super::QualifiedName;

/// A type as the statement writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CqlTypeName {
    /// One of the built-in scalar types.
    Native(NativeType),
    /// A Java class in single quotes.
    Custom(String),
    /// A user-defined type, or a word that is none of the others.
    UserType(QualifiedName),
    /// `frozen<…>`
    Frozen(Box<CqlTypeName>),
    /// `list<…>`
    List(Box<CqlTypeName>),
    /// `set<…>`
    Set(Box<CqlTypeName>),
    /// `map<…, …>`
    Map(Box<CqlTypeName>, Box<CqlTypeName>),
    /// `tuple<…>`, never empty.
    Tuple(Vec<CqlTypeName>),
    /// `vector<…, dimension>`; the parser does not judge the dimension, it may be zero or negative.
    Vector(Box<CqlTypeName>, i32),
}

/// The built-in scalar types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the CQL type of that name")]
pub enum NativeType {
    Ascii,
    Bigint,
    Blob,
    Boolean,
    Counter,
    Date,
    Decimal,
    Double,
    Duration,
    Float,
    Inet,
    Int,
    Smallint,
    Text,
    Time,
    Timestamp,
    Timeuuid,
    Tinyint,
    Uuid,
    Varchar,
    Varint,
}

impl NativeType {
    /// Every native type.
    pub const ALL: [NativeType; 21] = [
        NativeType::Ascii,
        NativeType::Bigint,
        NativeType::Blob,
        NativeType::Boolean,
        NativeType::Counter,
        NativeType::Date,
        NativeType::Decimal,
        NativeType::Double,
        NativeType::Duration,
        NativeType::Float,
        NativeType::Inet,
        NativeType::Int,
        NativeType::Smallint,
        NativeType::Text,
        NativeType::Time,
        NativeType::Timestamp,
        NativeType::Timeuuid,
        NativeType::Tinyint,
        NativeType::Uuid,
        NativeType::Varchar,
        NativeType::Varint,
    ];

    /// The type's name in CQL, lower case.
    pub fn name(self) -> &'static str {
        match self {
            NativeType::Ascii => "ascii",
            NativeType::Bigint => "bigint",
            NativeType::Blob => "blob",
            NativeType::Boolean => "boolean",
            NativeType::Counter => "counter",
            NativeType::Date => "date",
            NativeType::Decimal => "decimal",
            NativeType::Double => "double",
            NativeType::Duration => "duration",
            NativeType::Float => "float",
            NativeType::Inet => "inet",
            NativeType::Int => "int",
            NativeType::Smallint => "smallint",
            NativeType::Text => "text",
            NativeType::Time => "time",
            NativeType::Timestamp => "timestamp",
            NativeType::Timeuuid => "timeuuid",
            NativeType::Tinyint => "tinyint",
            NativeType::Uuid => "uuid",
            NativeType::Varchar => "varchar",
            NativeType::Varint => "varint",
        }
    }
}
