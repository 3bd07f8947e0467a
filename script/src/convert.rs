//! Serialized values to objects and back, as the driver's codecs inside Cassandra do it.

use helenus_model::types::CqlType;
use helenus_model::value::{
    CollectionBuilder, DATE_EPOCH, Decimal, Duration, TupleBuilder, VectorBuilder, components, decode_bigint,
    decode_boolean, decode_date, decode_double, decode_float, decode_inet, decode_int, decode_smallint, decode_text,
    decode_time, decode_timestamp, decode_tinyint, decode_uuid, decode_varint, elements, encode_date_from_epoch_days,
    encode_inet, encode_varint, is_valid_ascii, nullable_elements, nullable_entries, vector_elements,
};

use crate::classes::Class;
use crate::heap::{Freedom, Heap, Object, Order, Outcome, Table, Value, thrown};
use crate::run::Machine;
use crate::types::{Primitive, Type};

/// The type an argument or result has in the body. `primitive`: where Java has one.
pub(crate) fn java_type(ty: &CqlType, primitive: bool) -> Option<Type> {
    let simple = |kind: Primitive| if primitive { Type::Primitive(kind) } else { Type::of(kind.boxed()) };
    let inner = |ty: &CqlType| java_type(ty, false);
    Some(match ty {
        CqlType::Ascii | CqlType::Text => Type::string(),
        CqlType::Bigint | CqlType::Counter | CqlType::Time => simple(Primitive::Long),
        CqlType::Blob | CqlType::Custom(_) => Type::of(Class::ByteBuffer),
        CqlType::Boolean => simple(Primitive::Boolean),
        CqlType::Date => Type::of(Class::LocalDate),
        CqlType::Decimal => Type::of(Class::BigDecimal),
        CqlType::Double => simple(Primitive::Double),
        CqlType::Duration => Type::of(Class::Duration),
        CqlType::Empty => return None,
        CqlType::Float => simple(Primitive::Float),
        CqlType::Inet => Type::of(Class::InetAddress),
        CqlType::Int => simple(Primitive::Int),
        CqlType::Smallint => simple(Primitive::Short),
        CqlType::Timestamp => Type::of(Class::Date),
        CqlType::Timeuuid | CqlType::Uuid => Type::of(Class::Uuid),
        CqlType::Tinyint => simple(Primitive::Byte),
        CqlType::Varint => Type::of(Class::BigInteger),
        CqlType::List { element, .. } | CqlType::Vector { element, .. } => {
            Type::Class(Class::List, vec![inner(element)?])
        }
        CqlType::Set { element, .. } => Type::Class(Class::Set, vec![inner(element)?]),
        CqlType::Map { key, value, .. } => Type::Class(Class::Map, vec![inner(key)?, inner(value)?]),
        CqlType::Tuple(_) => Type::of(Class::TupleValue),
        CqlType::Udt { .. } => Type::of(Class::UdtValue),
    })
}

impl Heap {
    /// The value of serialized bytes; null when they are empty and that means nothing.
    pub(crate) fn decode(&mut self, ty: &CqlType, bytes: Option<&[u8]>) -> Outcome<Value> {
        let Some(bytes) = bytes else { return Ok(Value::Null) };
        if bytes.is_empty() && ty.is_empty_value_meaningless() {
            return Ok(Value::Null);
        }
        let object = match ty {
            CqlType::Ascii | CqlType::Text => Object::Text(decode_text(bytes).encode_utf16().collect()),
            CqlType::Bigint | CqlType::Counter => return Ok(decode_bigint(bytes).map_or(Value::Null, Value::Long)),
            CqlType::Time => return Ok(decode_time(bytes).map_or(Value::Null, Value::Long)),
            CqlType::Blob | CqlType::Custom(_) | CqlType::Empty => {
                Object::Bytes { data: bytes.to_vec(), position: 0, limit: bytes.len() }
            }
            CqlType::Boolean => return Ok(decode_boolean(bytes).map_or(Value::Null, Value::Boolean)),
            CqlType::Double => return Ok(decode_double(bytes).map_or(Value::Null, Value::Double)),
            CqlType::Float => return Ok(decode_float(bytes).map_or(Value::Null, Value::Float)),
            CqlType::Int => return Ok(decode_int(bytes).map_or(Value::Null, Value::Int)),
            CqlType::Smallint => return Ok(decode_smallint(bytes).map_or(Value::Null, Value::Short)),
            CqlType::Tinyint => return Ok(decode_tinyint(bytes).map_or(Value::Null, Value::Byte)),
            CqlType::Date => match decode_date(bytes) {
                Some(date) => Object::LocalDate(date.wrapping_sub(DATE_EPOCH) as i32),
                None => return Ok(Value::Null),
            },
            CqlType::Timestamp => match decode_timestamp(bytes) {
                Some(millis) => Object::Date(millis),
                None => return Ok(Value::Null),
            },
            CqlType::Decimal => match Decimal::from_bytes(bytes) {
                Some(decimal) => Object::Decimal(decimal),
                None => return Ok(Value::Null),
            },
            CqlType::Varint => match decode_varint(bytes) {
                Some(number) => Object::Big(number),
                None => return Ok(Value::Null),
            },
            CqlType::Duration => match Duration::from_bytes(bytes) {
                Ok(duration) => Object::Duration(duration),
                Err(_) => return Ok(Value::Null),
            },
            CqlType::Inet => match decode_inet(bytes) {
                Some(address) => Object::Inet(address),
                None => return Ok(Value::Null),
            },
            CqlType::Timeuuid | CqlType::Uuid => match decode_uuid(bytes) {
                Some(uuid) => Object::Uuid(uuid.as_u128()),
                None => return Ok(Value::Null),
            },
            CqlType::Tuple(parts) => self.components(ty, parts.len(), bytes),
            CqlType::Udt { definition, .. } => self.components(ty, definition.fields.len(), bytes),
            CqlType::List { element, .. } => {
                let items: Outcome<Vec<Value>> =
                    nullable_elements(bytes).map(|item| self.decode(element, item)).collect();
                Object::List { class: Class::ArrayList, items: items?, freedom: Freedom::Free, changes: 0 }
            }
            CqlType::Vector { element, .. } => {
                let items = vector_elements(bytes, element.value_length_if_fixed());
                let items: Outcome<Vec<Value>> = items.map(|item| self.decode(element, Some(item))).collect();
                Object::List { class: Class::ArrayList, items: items?, freedom: Freedom::Free, changes: 0 }
            }
            // Filled by the machine, which knows hashes.
            CqlType::Set { .. } | CqlType::Map { .. } => Object::Plain,
        };
        self.make(object)
    }

    #[expect(clippy::unused_self, reason = "beside its likes")]
    fn components(&self, ty: &CqlType, count: usize, bytes: &[u8]) -> Object {
        let mut values: Vec<Option<Vec<u8>>> =
            components(bytes).take(count).map(|part| part.map(<[u8]>::to_vec)).collect();
        values.resize(count, None);
        Object::Components { ty: ty.clone(), values }
    }
}

impl Machine<'_> {
    /// The value of serialized bytes.
    pub(crate) fn decode(&mut self, ty: &CqlType, bytes: Option<&[u8]>) -> Outcome<Value> {
        let Some(present) = bytes else { return Ok(Value::Null) };
        self.work(present.len() as u64 / 16)?;
        match ty {
            CqlType::List { element, .. } => {
                let items: Outcome<Vec<Value>> =
                    nullable_elements(present).map(|item| self.decode(element, item)).collect();
                self.new_list(items?)
            }
            CqlType::Vector { element, .. } => {
                let items = vector_elements(present, element.value_length_if_fixed());
                let items: Outcome<Vec<Value>> = items.map(|item| self.decode(element, Some(item))).collect();
                self.new_list(items?)
            }
            CqlType::Set { element, .. } => {
                let set =
                    Object::Set { class: Class::LinkedHashSet, table: Table::new(Order::Linked), read_only: false };
                let set = self.heap.make(set)?;
                for item in elements(present) {
                    let item = self.decode(element, Some(item))?;
                    self.table_put(set, item, Value::Null)?;
                }
                Ok(set)
            }
            CqlType::Map { key, value, .. } => {
                let map =
                    Object::Map { class: Class::LinkedHashMap, table: Table::new(Order::Linked), read_only: false };
                let map = self.heap.make(map)?;
                for (k, v) in nullable_entries(present) {
                    let (k, v) = (self.decode(key, Some(k))?, self.decode(value, v)?);
                    self.table_put(map, k, v)?;
                }
                Ok(map)
            }
            simple => self.heap.decode(simple, bytes),
        }
    }

    /// The serialized form of a value; None for null.
    pub(crate) fn encode(&mut self, ty: &CqlType, value: Value) -> Outcome<Option<Vec<u8>>> {
        self.work(1)?;
        let object = match (ty, value) {
            (_, Value::Null) => return Ok(None),
            (CqlType::Boolean, Value::Boolean(value)) => return Ok(Some(vec![u8::from(value)])),
            (CqlType::Tinyint, Value::Byte(value)) => return Ok(Some(value.to_be_bytes().to_vec())),
            (CqlType::Smallint, Value::Short(value)) => return Ok(Some(value.to_be_bytes().to_vec())),
            (CqlType::Int, Value::Int(value)) => return Ok(Some(value.to_be_bytes().to_vec())),
            (CqlType::Bigint | CqlType::Counter | CqlType::Time, Value::Long(value)) => {
                return Ok(Some(value.to_be_bytes().to_vec()));
            }
            (CqlType::Float, Value::Float(value)) => return Ok(Some(value.to_be_bytes().to_vec())),
            (CqlType::Double, Value::Double(value)) => return Ok(Some(value.to_be_bytes().to_vec())),
            (_, Value::Object(_)) => self.heap.get(value)?,
            _ => return self.wrong_class(ty, value),
        };
        Ok(Some(match (ty, object) {
            (CqlType::Ascii | CqlType::Text, Object::Text(units)) => {
                let bytes = encode_text(units);
                if *ty == CqlType::Ascii && !is_valid_ascii(&bytes) {
                    return thrown(
                        Class::IllegalArgumentException,
                        format!("{} is not a valid ASCII String", String::from_utf8_lossy(&bytes)),
                    );
                }
                bytes
            }
            (CqlType::Blob | CqlType::Custom(_), Object::Bytes { data, position, limit }) => {
                data.get(*position..*limit).unwrap_or_default().to_vec()
            }
            (CqlType::Date, Object::LocalDate(days)) => encode_date_from_epoch_days(*days).to_vec(),
            (CqlType::Timestamp, Object::Date(millis)) => millis.to_be_bytes().to_vec(),
            (CqlType::Decimal, Object::Decimal(decimal)) => decimal.to_bytes(),
            (CqlType::Varint, Object::Big(number)) => encode_varint(number),
            (CqlType::Duration, Object::Duration(duration)) => duration.to_bytes(),
            (CqlType::Inet, Object::Inet(address)) => encode_inet(*address),
            (CqlType::Uuid, Object::Uuid(uuid)) => uuid.to_be_bytes().to_vec(),
            (CqlType::Timeuuid, Object::Uuid(uuid)) => {
                if (uuid >> 76) & 0xf != 1 {
                    let uuid = uuid::Uuid::from_u128(*uuid);
                    return thrown(
                        Class::IllegalArgumentException,
                        format!("{uuid} is not a Type 1 (time-based) UUID"),
                    );
                }
                uuid.to_be_bytes().to_vec()
            }
            (CqlType::Tuple(_) | CqlType::Udt { .. }, Object::Components { ty: found, values }) => {
                if !same_components(ty, found) {
                    return self.wrong_class(ty, value);
                }
                let mut builder = TupleBuilder::default();
                values.iter().for_each(|part| builder.push(part.as_deref()));
                builder.finish()
            }
            (
                CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. } | CqlType::Vector { .. },
                Object::List { .. } | Object::Set { .. } | Object::Map { .. } | Object::View { .. },
            ) => return self.encode_collection(ty, value).map(Some),
            _ => return self.wrong_class(ty, value),
        }))
    }

    fn encode_collection(&mut self, ty: &CqlType, value: Value) -> Outcome<Vec<u8>> {
        let no_nulls = || thrown(Class::NullPointerException, "Collection elements cannot be null");
        let mut builder = CollectionBuilder::default();
        match ty {
            CqlType::Map { key, value: value_type, .. } => {
                for (k, v) in self.map_entries(value)? {
                    match (self.encode(key, k)?, self.encode(value_type, v)?) {
                        (Some(k), Some(v)) => builder.push_entry(&k, &v),
                        (None, _) => return thrown(Class::NullPointerException, "Map keys cannot be null"),
                        (_, None) => return thrown(Class::NullPointerException, "Map values cannot be null"),
                    }
                }
            }
            CqlType::List { element, .. } | CqlType::Set { element, .. } => {
                let is_list = matches!(self.heap.get(value)?, Object::List { .. });
                if is_list != matches!(ty, CqlType::List { .. }) {
                    return self.wrong_class(ty, value);
                }
                for item in self.items(value)? {
                    match self.encode(element, item)? {
                        Some(bytes) => builder.push(&bytes),
                        None => return no_nulls(),
                    }
                }
            }
            CqlType::Vector { element, dimension } => {
                let items = self.items(value)?;
                if items.len() != *dimension as usize {
                    return thrown(
                        Class::IllegalArgumentException,
                        format!("Required {dimension} elements, but saw {}", items.len()),
                    );
                }
                let mut builder = VectorBuilder::new(element.value_length_if_fixed());
                for item in items {
                    match self.encode(element, item)? {
                        Some(bytes) => builder.push(&bytes),
                        None => return no_nulls(),
                    }
                }
                return Ok(builder.finish());
            }
            _ => {}
        }
        Ok(builder.finish())
    }

    fn wrong_class<T>(&self, ty: &CqlType, value: Value) -> Outcome<T> {
        let found = self.class_of(value).full_name();
        let wanted = java_type(ty, false).and_then(|ty| ty.class()).map_or("", Class::full_name);
        thrown(Class::ClassCastException, format!("class {found} cannot be cast to class {wanted}"))
    }
}

/// Java writes `?` for half a character.
pub(crate) fn encode_text(units: &[u16]) -> Vec<u8> {
    let text: String = char::decode_utf16(units.iter().copied()).map(|unit| unit.unwrap_or('?')).collect();
    text.into_bytes()
}

/// Whether a tuple or user-defined value of one type may stand for the other: whether it is frozen does not matter.
fn same_components(a: &CqlType, b: &CqlType) -> bool {
    match (a, b) {
        (CqlType::Udt { definition: a, .. }, CqlType::Udt { definition: b, .. }) => {
            a.keyspace == b.keyspace && a.name == b.name
        }
        (CqlType::Tuple(a), CqlType::Tuple(b)) => a.len() == b.len(),
        _ => false,
    }
}
