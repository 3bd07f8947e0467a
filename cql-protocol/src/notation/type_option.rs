//! The `[option]` of a type: a `[short]` id, then what the id asks for.
//!
//! A type that the version knows no id for travels as *custom*, id 0, with the name of Cassandra's class: date, time,
//! smallint and tinyint in v3, duration in v3 and v4, vectors always.

use super::integer::write_short;
use super::string::write_string;
use super::{DecodeError, Reader};
use crate::limits::TYPE_DEPTH_MAX;
use crate::version::ProtocolVersion;
use helenus_model::types::{CqlType, UdtDefinition};
use std::sync::Arc;

const CUSTOM: u16 = 0x00;
const TEXT: u16 = 0x0A;
const LIST: u16 = 0x20;
const MAP: u16 = 0x21;
const SET: u16 = 0x22;
const UDT: u16 = 0x30;
const TUPLE: u16 = 0x31;

/// Ids of the types without parameters, and the first version that has them.
static SIMPLE: [(CqlType, u16, ProtocolVersion); 20] = [
    (CqlType::Ascii, 0x01, ProtocolVersion::V3),
    (CqlType::Bigint, 0x02, ProtocolVersion::V3),
    (CqlType::Blob, 0x03, ProtocolVersion::V3),
    (CqlType::Boolean, 0x04, ProtocolVersion::V3),
    (CqlType::Counter, 0x05, ProtocolVersion::V3),
    (CqlType::Decimal, 0x06, ProtocolVersion::V3),
    (CqlType::Double, 0x07, ProtocolVersion::V3),
    (CqlType::Float, 0x08, ProtocolVersion::V3),
    (CqlType::Int, 0x09, ProtocolVersion::V3),
    (CqlType::Timestamp, 0x0B, ProtocolVersion::V3),
    (CqlType::Uuid, 0x0C, ProtocolVersion::V3),
    (CqlType::Text, 0x0D, ProtocolVersion::V3),
    (CqlType::Varint, 0x0E, ProtocolVersion::V3),
    (CqlType::Timeuuid, 0x0F, ProtocolVersion::V3),
    (CqlType::Inet, 0x10, ProtocolVersion::V3),
    (CqlType::Date, 0x11, ProtocolVersion::V4),
    (CqlType::Time, 0x12, ProtocolVersion::V4),
    (CqlType::Smallint, 0x13, ProtocolVersion::V4),
    (CqlType::Tinyint, 0x14, ProtocolVersion::V4),
    (CqlType::Duration, 0x15, ProtocolVersion::V5),
];

/// Appends the option of a type.
pub fn write_type(out: &mut Vec<u8>, cql_type: &CqlType, version: ProtocolVersion) {
    match cql_type {
        CqlType::List { element, .. } => {
            write_short(out, LIST);
            write_type(out, element, version);
        }
        CqlType::Set { element, .. } => {
            write_short(out, SET);
            write_type(out, element, version);
        }
        CqlType::Map { key, value, .. } => {
            write_short(out, MAP);
            write_type(out, key, version);
            write_type(out, value, version);
        }
        CqlType::Tuple(elements) => {
            write_short(out, TUPLE);
            write_short(out, count(elements.len()));
            for element in elements.iter() {
                write_type(out, element, version);
            }
        }
        CqlType::Udt { definition, .. } => {
            write_short(out, UDT);
            write_string(out, &definition.keyspace);
            write_string(out, &definition.name);
            write_short(out, count(definition.fields.len()));
            for (name, field) in &definition.fields {
                write_string(out, name);
                write_type(out, field, version);
            }
        }
        other => match SIMPLE.iter().find(|(simple, _, since)| simple == other && version >= *since) {
            Some((_, id, _)) => write_short(out, *id),
            None => {
                write_short(out, CUSTOM);
                write_string(out, &other.java_class());
            }
        },
    }
}

/// # Panics
/// If a tuple or UDT has more than 65,535 fields, which no schema allows.
fn count(fields: usize) -> u16 {
    u16::try_from(fields).expect("a schema has fewer than 65,536 fields")
}

impl Reader<'_> {
    /// The option of a type. What the wire does not tell is assumed: collections and UDTs are not frozen.
    ///
    /// # Errors
    /// If the body ends, an id is unknown, or the type is nested too deeply.
    pub fn cql_type(&mut self) -> Result<CqlType, DecodeError> {
        self.cql_type_at(0)
    }

    fn cql_type_at(&mut self, depth: usize) -> Result<CqlType, DecodeError> {
        if depth >= TYPE_DEPTH_MAX {
            return Err(DecodeError::TypeDepth(TYPE_DEPTH_MAX));
        }
        let depth = depth + 1;
        match self.short()? {
            CUSTOM => Ok(CqlType::Custom(Arc::from(self.string()?))),
            TEXT => Ok(CqlType::Text),
            LIST => Ok(CqlType::List { element: Arc::new(self.cql_type_at(depth)?), frozen: false }),
            SET => Ok(CqlType::Set { element: Arc::new(self.cql_type_at(depth)?), frozen: false }),
            MAP => Ok(CqlType::Map {
                key: Arc::new(self.cql_type_at(depth)?),
                value: Arc::new(self.cql_type_at(depth)?),
                frozen: false,
            }),
            TUPLE => {
                let mut elements = Vec::new();
                for _ in 0..self.short()? {
                    elements.push(self.cql_type_at(depth)?);
                }
                Ok(CqlType::Tuple(Arc::from(elements)))
            }
            UDT => self.udt_at(depth),
            id => SIMPLE
                .iter()
                .find(|(_, simple, _)| *simple == id)
                .map(|(simple, _, _)| simple.clone())
                .ok_or(DecodeError::TypeOption(id)),
        }
    }

    fn udt_at(&mut self, depth: usize) -> Result<CqlType, DecodeError> {
        let keyspace = self.string()?.to_owned();
        let name = self.string()?.to_owned();
        let mut fields = Vec::new();
        for _ in 0..self.short()? {
            fields.push((self.string()?.to_owned(), self.cql_type_at(depth)?));
        }
        Ok(CqlType::Udt { definition: Arc::new(UdtDefinition { keyspace, name, fields }), frozen: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolVersion::{V3, V4, V5};

    fn list(element: CqlType, frozen: bool) -> CqlType {
        CqlType::List { element: Arc::new(element), frozen }
    }

    fn check(cql_type: &CqlType, version: ProtocolVersion, expected: &[u8]) {
        let mut out = Vec::new();
        write_type(&mut out, cql_type, version);
        assert_eq!(out, expected, "{cql_type:?} in {version}");
        let mut reader = Reader::new(&out);
        let read = reader.cql_type().unwrap();
        assert!(reader.rest().is_empty());
        let mut again = Vec::new();
        write_type(&mut again, &read, version);
        assert_eq!(again, out);
    }

    fn custom(name: &str) -> Vec<u8> {
        let mut out = vec![0, 0];
        write_string(&mut out, &format!("org.apache.cassandra.db.marshal.{name}"));
        out
    }

    #[test]
    fn simple_types() {
        for version in [V3, V4, V5] {
            for (simple, id, since) in &SIMPLE {
                if version >= *since {
                    check(simple, version, &id.to_be_bytes());
                }
            }
        }
        assert_eq!(Reader::new(&[0, 0x0a]).cql_type(), Ok(CqlType::Text));
        assert_eq!(Reader::new(&[0, 0x16]).cql_type(), Err(DecodeError::TypeOption(0x16)));
    }

    #[test]
    fn types_that_a_version_does_not_know_are_custom() {
        check(&CqlType::Date, V3, &custom("SimpleDateType"));
        check(&CqlType::Time, V3, &custom("TimeType"));
        check(&CqlType::Smallint, V3, &custom("ShortType"));
        check(&CqlType::Tinyint, V3, &custom("ByteType"));
        check(&CqlType::Duration, V3, &custom("DurationType"));
        check(&CqlType::Duration, V4, &custom("DurationType"));
        check(&CqlType::Empty, V5, &custom("EmptyType"));
        let vector = CqlType::Vector { element: Arc::new(CqlType::Float), dimension: 3 };
        let name = "VectorType(org.apache.cassandra.db.marshal.FloatType , 3)";
        check(&vector, V5, &custom(name));
        check(&list(vector, true), V4, &[&[0, 0x20][..], &custom(name)].concat());
        check(&CqlType::Custom(Arc::from("com.example.Own")), V5, b"\0\0\0\x0fcom.example.Own");
    }

    #[test]
    fn types_with_parameters() {
        check(&list(CqlType::Int, true), V4, &[0, 0x20, 0, 9]);
        check(&CqlType::Set { element: Arc::new(CqlType::Text), frozen: false }, V3, &[0, 0x22, 0, 0x0d]);
        let map =
            CqlType::Map { key: Arc::new(CqlType::Int), value: Arc::new(list(CqlType::Blob, true)), frozen: false };
        check(&map, V5, &[0, 0x21, 0, 9, 0, 0x20, 0, 3]);
        check(&CqlType::Tuple(Arc::from([CqlType::Int, CqlType::Duration])), V5, &[0, 0x31, 0, 2, 0, 9, 0, 0x15]);
        let definition = UdtDefinition {
            keyspace: "k".to_owned(),
            name: "u".to_owned(),
            fields: vec![("é".to_owned(), CqlType::Int), ("b".to_owned(), list(CqlType::Text, true))],
        };
        let udt = CqlType::Udt { definition: Arc::new(definition), frozen: true };
        check(&udt, V4, b"\0\x30\0\x01k\0\x01u\0\x02\0\x02\xc3\xa9\0\x09\0\x01b\0\x20\0\x0d");
    }

    #[test]
    fn nesting_is_limited() {
        let bytes = [0, 0x20].repeat(100_000);
        assert_eq!(Reader::new(&bytes).cql_type(), Err(DecodeError::TypeDepth(TYPE_DEPTH_MAX)));
    }
}
