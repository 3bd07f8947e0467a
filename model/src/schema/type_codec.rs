//! Types as bytes of the metadata log: a tag, then what the type is made of.

use std::sync::Arc;

use crate::codec::{DecodeError, Reader, put_text, put_vint};
use crate::limits::TYPE_DEPTH_READ_MAX;
use crate::types::{CqlType, UdtDefinition};

const SIMPLE: [CqlType; 21] = [
    CqlType::Ascii,
    CqlType::Bigint,
    CqlType::Blob,
    CqlType::Boolean,
    CqlType::Counter,
    CqlType::Date,
    CqlType::Decimal,
    CqlType::Double,
    CqlType::Duration,
    CqlType::Empty,
    CqlType::Float,
    CqlType::Inet,
    CqlType::Int,
    CqlType::Smallint,
    CqlType::Text,
    CqlType::Time,
    CqlType::Timestamp,
    CqlType::Timeuuid,
    CqlType::Tinyint,
    CqlType::Uuid,
    CqlType::Varint,
];

pub(super) fn put_type(out: &mut Vec<u8>, ty: &CqlType) {
    match ty {
        CqlType::List { element, frozen } => {
            out.extend_from_slice(&[32, u8::from(*frozen)]);
            put_type(out, element);
        }
        CqlType::Set { element, frozen } => {
            out.extend_from_slice(&[33, u8::from(*frozen)]);
            put_type(out, element);
        }
        CqlType::Map { key, value, frozen } => {
            out.extend_from_slice(&[34, u8::from(*frozen)]);
            put_type(out, key);
            put_type(out, value);
        }
        CqlType::Tuple(parts) => {
            out.push(35);
            put_vint(out, parts.len() as u64);
            parts.iter().for_each(|part| put_type(out, part));
        }
        CqlType::Udt { definition, frozen } => {
            out.extend_from_slice(&[36, u8::from(*frozen)]);
            put_definition(out, definition);
        }
        CqlType::Vector { element, dimension } => {
            out.push(37);
            put_vint(out, u64::from(*dimension));
            put_type(out, element);
        }
        CqlType::Custom(class) => {
            out.push(38);
            put_text(out, class);
        }
        simple => {
            let tag = SIMPLE.iter().position(|candidate| candidate == simple);
            out.push(tag.expect("every simple type is in the table") as u8);
        }
    }
}

pub(super) fn read_type(reader: &mut Reader<'_>, depth: usize) -> Result<CqlType, DecodeError> {
    if depth > TYPE_DEPTH_READ_MAX {
        return Err(reader.invalid("depth of type"));
    }
    let inner = |reader: &mut Reader<'_>| read_type(reader, depth + 1).map(Arc::new);
    let tag = reader.u8()?;
    Ok(match tag {
        32 => CqlType::List { frozen: reader.bool()?, element: inner(reader)? },
        33 => CqlType::Set { frozen: reader.bool()?, element: inner(reader)? },
        34 => CqlType::Map { frozen: reader.bool()?, key: inner(reader)?, value: inner(reader)? },
        35 => {
            let count = reader.count()?;
            let parts: Result<Vec<_>, _> = (0..count).map(|_| read_type(reader, depth + 1)).collect();
            CqlType::Tuple(parts?.into())
        }
        36 => CqlType::Udt { frozen: reader.bool()?, definition: Arc::new(read_definition(reader, depth + 1)?) },
        37 => {
            let dimension = i32::try_from(reader.vint()?).map_err(|_| reader.invalid("vector dimension"))?;
            CqlType::Vector { dimension: dimension as u32, element: inner(reader)? }
        }
        38 => CqlType::Custom(reader.text()?.into()),
        tag => SIMPLE.get(usize::from(tag)).cloned().ok_or_else(|| reader.invalid("type tag"))?,
    })
}

pub(super) fn put_definition(out: &mut Vec<u8>, definition: &UdtDefinition) {
    put_text(out, &definition.keyspace);
    put_text(out, &definition.name);
    put_vint(out, definition.fields.len() as u64);
    for (name, ty) in &definition.fields {
        put_text(out, name);
        put_type(out, ty);
    }
}

pub(super) fn read_definition(reader: &mut Reader<'_>, depth: usize) -> Result<UdtDefinition, DecodeError> {
    let keyspace = reader.text()?.to_owned();
    let name = reader.text()?.to_owned();
    let count = reader.count()?;
    let mut fields = Vec::new();
    for _ in 0..count {
        fields.push((reader.text()?.to_owned(), read_type(reader, depth)?));
    }
    Ok(UdtDefinition { keyspace, name, fields })
}
