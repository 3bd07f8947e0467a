//! Names of Cassandra's own classes for types that a version of the protocol has no option for.

use helenus_model::types::CqlType;
use std::fmt::Write;

/// Package of the types' classes.
const PACKAGE: &str = "org.apache.cassandra.db.marshal.";

/// The full class name of a type with its parameters, as Cassandra prints it.
pub(super) fn class_name(cql_type: &CqlType) -> String {
    let mut out = String::new();
    append(&mut out, cql_type);
    out
}

fn append(out: &mut String, cql_type: &CqlType) {
    match cql_type {
        CqlType::Custom(name) => out.push_str(name),
        CqlType::List { element, frozen } => parameters(out, "ListType", &[element], *frozen),
        CqlType::Set { element, frozen } => parameters(out, "SetType", &[element], *frozen),
        CqlType::Map { key, value, frozen } => parameters(out, "MapType", &[key, value], *frozen),
        CqlType::Tuple(elements) => {
            let elements: Vec<&CqlType> = elements.iter().collect();
            parameters(out, "TupleType", &elements, false);
        }
        CqlType::Udt { definition, frozen } => {
            open_frozen(out, *frozen);
            let _ = write!(
                out,
                "{PACKAGE}UserType({},{}",
                definition.keyspace,
                hex(&definition.name)
            );
            for (name, field) in &definition.fields {
                let _ = write!(out, ",{}:", hex(name));
                append(out, field);
            }
            out.push(')');
            close_frozen(out, *frozen);
        }
        CqlType::Vector { element, dimension } => {
            let _ = write!(out, "{PACKAGE}VectorType(");
            append(out, element);
            let _ = write!(out, " , {dimension})");
        }
        simple => {
            let _ = write!(out, "{PACKAGE}{}", simple_class(simple));
        }
    }
}

fn parameters(out: &mut String, class: &str, elements: &[&CqlType], frozen: bool) {
    open_frozen(out, frozen);
    let _ = write!(out, "{PACKAGE}{class}(");
    for (position, element) in elements.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        append(out, element);
    }
    out.push(')');
    close_frozen(out, frozen);
}

fn open_frozen(out: &mut String, frozen: bool) {
    if frozen {
        let _ = write!(out, "{PACKAGE}FrozenType(");
    }
}

fn close_frozen(out: &mut String, frozen: bool) {
    if frozen {
        out.push(')');
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Class of a type without parameters.
fn simple_class(cql_type: &CqlType) -> &'static str {
    match cql_type {
        CqlType::Ascii => "AsciiType",
        CqlType::Bigint => "LongType",
        CqlType::Boolean => "BooleanType",
        CqlType::Counter => "CounterColumnType",
        CqlType::Date => "SimpleDateType",
        CqlType::Decimal => "DecimalType",
        CqlType::Double => "DoubleType",
        CqlType::Duration => "DurationType",
        CqlType::Empty => "EmptyType",
        CqlType::Float => "FloatType",
        CqlType::Inet => "InetAddressType",
        CqlType::Int => "Int32Type",
        CqlType::Smallint => "ShortType",
        CqlType::Text => "UTF8Type",
        CqlType::Time => "TimeType",
        CqlType::Timestamp => "TimestampType",
        CqlType::Timeuuid => "TimeUUIDType",
        CqlType::Tinyint => "ByteType",
        CqlType::Uuid => "UUIDType",
        CqlType::Varint => "IntegerType",
        _ => "BytesType",
    }
}
