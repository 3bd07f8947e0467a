//! The driver's classes as Cassandra passes them: `UDTValue`, `TupleValue`, `LocalDate`, `Duration`, and `udfContext`.
//!
//! Values of user-defined types and tuples keep their components serialized; a getter decodes one. Its name says which Java type is
//! wanted: there must be a codec from the component's type to it.

use helenus_model::types::CqlType;
use helenus_model::value::{DATE_EPOCH, Duration, encode_date_from_epoch_days, parse_text};

use super::Members;
use super::math::{int, long};
use super::text::at;
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, null_pointer, thrown};
use crate::run::Machine;

/// Type and place of the component an argument names.
fn component(m: &Machine<'_>, a: &[Value]) -> Outcome<(CqlType, usize)> {
    let Object::Components { ty, values } = m.heap.get(at(a, 0))? else { return null_pointer() };
    let by_name = matches!(at(a, 1), Value::Object(_) | Value::Null);
    let place = if by_name {
        let name = m.string(at(a, 1))?;
        let CqlType::Udt { definition, .. } = ty else { return null_pointer() };
        let (wanted, exact) = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(name) => (name.to_owned(), true),
            None => (name.clone(), false),
        };
        let found = definition
            .fields
            .iter()
            .position(|(field, _)| *field == wanted || (!exact && field.eq_ignore_ascii_case(&wanted)));
        match found {
            Some(place) => place,
            None => {
                return thrown(Class::IllegalArgumentException, format!("{name} is not a field defined in this UDT"));
            }
        }
    } else {
        let index = int(a, 1);
        match usize::try_from(index).ok().filter(|place| *place < values.len()) {
            Some(place) => place,
            None => {
                return thrown(
                    Class::ArrayIndexOutOfBoundsException,
                    format!("Index {index} out of bounds for length {}", values.len()),
                );
            }
        }
    };
    let component = match ty {
        CqlType::Tuple(parts) => parts.get(place).cloned(),
        CqlType::Udt { definition, .. } => definition.fields.get(place).map(|(_, ty)| ty.clone()),
        _ => None,
    };
    Ok((component.unwrap_or(CqlType::Blob), place))
}

/// The Java type that a kind of getter and setter is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
    Varint,
    Decimal,
    Uuid,
    Inet,
    Date,
    Timestamp,
    Time,
    List,
    Set,
    Map,
    Udt,
    Tuple,
    Any,
}

fn has_codec(kind: Kind, ty: &CqlType) -> bool {
    match kind {
        Kind::Bool => *ty == CqlType::Boolean,
        Kind::Byte => *ty == CqlType::Tinyint,
        Kind::Short => *ty == CqlType::Smallint,
        Kind::Int => *ty == CqlType::Int,
        Kind::Long => matches!(ty, CqlType::Bigint | CqlType::Counter | CqlType::Time),
        Kind::Float => *ty == CqlType::Float,
        Kind::Double => *ty == CqlType::Double,
        Kind::Text => matches!(ty, CqlType::Text | CqlType::Ascii),
        Kind::Bytes => *ty == CqlType::Blob,
        Kind::Varint => *ty == CqlType::Varint,
        Kind::Decimal => *ty == CqlType::Decimal,
        Kind::Uuid => matches!(ty, CqlType::Uuid | CqlType::Timeuuid),
        Kind::Inet => *ty == CqlType::Inet,
        Kind::Date => *ty == CqlType::Date,
        Kind::Timestamp => *ty == CqlType::Timestamp,
        Kind::Time => *ty == CqlType::Time,
        Kind::List => matches!(ty, CqlType::List { .. } | CqlType::Vector { .. }),
        Kind::Set => matches!(ty, CqlType::Set { .. }),
        Kind::Map => matches!(ty, CqlType::Map { .. }),
        Kind::Udt => ty.is_udt(),
        Kind::Tuple => matches!(ty, CqlType::Tuple(_)),
        Kind::Any => true,
    }
}

fn java_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "java.lang.Boolean",
        Kind::Byte => "java.lang.Byte",
        Kind::Short => "java.lang.Short",
        Kind::Int => "java.lang.Integer",
        Kind::Long | Kind::Time => "java.lang.Long",
        Kind::Float => "java.lang.Float",
        Kind::Double => "java.lang.Double",
        Kind::Text => "java.lang.String",
        Kind::Bytes => "java.nio.ByteBuffer",
        Kind::Varint => "java.math.BigInteger",
        Kind::Decimal => "java.math.BigDecimal",
        Kind::Uuid => "java.util.UUID",
        Kind::Inet => "java.net.InetAddress",
        Kind::Date => "org.apache.cassandra.cql3.functions.types.LocalDate",
        Kind::Timestamp => "java.util.Date",
        Kind::List => "java.util.List<?>",
        Kind::Set => "java.util.Set<?>",
        Kind::Map => "java.util.Map<?, ?>",
        Kind::Udt => "org.apache.cassandra.cql3.functions.types.UDTValue",
        Kind::Tuple => "org.apache.cassandra.cql3.functions.types.TupleValue",
        Kind::Any => "ANY",
    }
}

fn check(kind: Kind, ty: &CqlType) -> Outcome<()> {
    if has_codec(kind, ty) {
        return Ok(());
    }
    let shown = match ty {
        CqlType::Text => "varchar".to_owned(),
        ty => ty.to_string(),
    };
    thrown(
        Class::CodecNotFoundException,
        format!("Codec not found for requested operation: [{shown} <-> {}]", java_name(kind)),
    )
}

fn get(m: &mut Machine<'_>, a: &[Value], kind: Kind) -> Outcome<Value> {
    let (ty, place) = component(m, a)?;
    check(kind, &ty)?;
    let Object::Components { values, .. } = m.heap.get(at(a, 0))? else { return null_pointer() };
    let bytes = values.get(place).cloned().flatten();
    let value = m.decode(&ty, bytes.as_deref())?;
    Ok(match (kind, value) {
        // Primitives have no null.
        (Kind::Bool, Value::Null) => Value::Boolean(false),
        (Kind::Byte, Value::Null) => Value::Byte(0),
        (Kind::Short, Value::Null) => Value::Short(0),
        (Kind::Int, Value::Null) => Value::Int(0),
        (Kind::Long | Kind::Time, Value::Null) => Value::Long(0),
        (Kind::Float, Value::Null) => Value::Float(0.0),
        (Kind::Double, Value::Null) => Value::Double(0.0),
        // Collections are empty rather than null.
        (Kind::List | Kind::Set | Kind::Map, Value::Null) => {
            let empty = 0_i32.to_be_bytes();
            m.decode(&ty, Some(&empty))?
        }
        (_, value) => value,
    })
}

fn set(m: &mut Machine<'_>, a: &[Value], kind: Kind) -> Outcome<Value> {
    let (ty, place) = component(m, a)?;
    check(kind, &ty)?;
    let bytes = m.encode(&ty, at(a, 2))?;
    m.heap.charge(bytes.as_ref().map_or(0, Vec::len))?;
    if let Object::Components { values, .. } = m.heap.get_mut(at(a, 0))?
        && let Some(old) = values.get_mut(place)
    {
        *old = bytes;
    }
    Ok(at(a, 0))
}

macro_rules! accessors {
    ($this:literal $index:literal $($get:literal $set:literal $java:literal $kind:ident)*) => {
        &[
            $(
                (concat!($get, "(", $index, ") ", $java), |m, a| get(m, a, Kind::$kind)),
                (concat!($set, "(", $index, ",", $java, ") ", $this), |m, a| set(m, a, Kind::$kind)),
            )*
            (concat!("getList(", $index, ",Object) List"), |m, a| get(m, a, Kind::List)),
            (concat!("getSet(", $index, ",Object) Set"), |m, a| get(m, a, Kind::Set)),
            (concat!("getMap(", $index, ",Object,Object) Map"), |m, a| get(m, a, Kind::Map)),
            (concat!("getObject(", $index, ") Object"), |m, a| get(m, a, Kind::Any)),
            (concat!("isNull(", $index, ") boolean"), |m, a| {
                let (_, place) = component(m, a)?;
                match m.heap.get(at(a, 0))? {
                    Object::Components { values, .. } => {
                        Ok(Value::Boolean(values.get(place).is_none_or(Option::is_none)))
                    }
                    _ => null_pointer(),
                }
            }),
            (concat!("setToNull(", $index, ") ", $this), |m, a| set(m, &[at(a, 0), at(a, 1), Value::Null], Kind::Any)),
        ]
    };
    (both $this:literal $index:literal) => {
        accessors! { $this $index
            "getBool" "setBool" "boolean" Bool
            "getByte" "setByte" "byte" Byte
            "getShort" "setShort" "short" Short
            "getInt" "setInt" "int" Int
            "getLong" "setLong" "long" Long
            "getFloat" "setFloat" "float" Float
            "getDouble" "setDouble" "double" Double
            "getString" "setString" "String" Text
            "getBytes" "setBytes" "ByteBuffer" Bytes
            "getVarint" "setVarint" "BigInteger" Varint
            "getDecimal" "setDecimal" "BigDecimal" Decimal
            "getUUID" "setUUID" "UUID" Uuid
            "getInet" "setInet" "InetAddress" Inet
            "getDate" "setDate" "LocalDate" Date
            "getTimestamp" "setTimestamp" "Date" Timestamp
            "getTime" "setTime" "long" Time
            "getList" "setList" "List" List
            "getSet" "setSet" "Set" Set
            "getMap" "setMap" "Map" Map
            "getUDTValue" "setUDTValue" "UDTValue" Udt
            "getTupleValue" "setTupleValue" "TupleValue" Tuple
        }
    };
}

const TUPLE: &[super::Method] = accessors!(both "TupleValue" "int");
const UDT_BY_PLACE: &[super::Method] = accessors!(both "UDTValue" "int");
const UDT_BY_NAME: &[super::Method] = accessors!(both "UDTValue" "String");

pub(super) fn components(class: Class) -> Members {
    if class == Class::TupleValue {
        return Members { methods: TUPLE, ..Members::default() };
    }
    Members { methods: UDT_BY_PLACE, more: UDT_BY_NAME, ..Members::default() }
}

/// A value of nothing but nulls.
fn empty(m: &mut Machine<'_>, ty: &CqlType, wanted: Class) -> Outcome<Value> {
    let count = match (ty, wanted) {
        (CqlType::Tuple(parts), Class::TupleValue) => parts.len(),
        (CqlType::Udt { definition, .. }, Class::UdtValue) => definition.fields.len(),
        _ => {
            return thrown(
                Class::IllegalStateException,
                format!(
                    "Cannot create a {} for type {ty}",
                    if wanted == Class::UdtValue { "UDTValue" } else { "TupleValue" }
                ),
            );
        }
    };
    m.heap.make(Object::Components { ty: ty.clone(), values: vec![None; count] })
}

fn of_argument(m: &mut Machine<'_>, a: &[Value], wanted: Class) -> Outcome<Value> {
    let code = m.code;
    let found = match at(a, 1) {
        Value::Int(place) => usize::try_from(place).ok().and_then(|place| code.arguments.get(place)),
        name => {
            let name = m.string(name)?;
            code.arguments.iter().find(|(other, _)| *other == name)
        }
    };
    match found {
        Some((_, ty)) => empty(m, ty, wanted),
        None => thrown(Class::IllegalArgumentException, "Function does not have such an argument"),
    }
}

pub(super) fn context() -> Members {
    Members {
        methods: &[
            ("newArgUDTValue(int) UDTValue", |m, a| of_argument(m, a, Class::UdtValue)),
            ("newArgUDTValue(String) UDTValue", |m, a| of_argument(m, a, Class::UdtValue)),
            ("newArgTupleValue(int) TupleValue", |m, a| of_argument(m, a, Class::TupleValue)),
            ("newArgTupleValue(String) TupleValue", |m, a| of_argument(m, a, Class::TupleValue)),
            ("newReturnUDTValue() UDTValue", |m, _| empty(m, &m.code.return_type, Class::UdtValue)),
            ("newReturnTupleValue() TupleValue", |m, _| empty(m, &m.code.return_type, Class::TupleValue)),
            ("newUDTValue(String) UDTValue", |m, a| {
                let name = m.string(at(a, 1))?;
                let code = m.code;
                match code.types.iter().find(|definition| definition.name == name) {
                    Some(definition) => {
                        let ty = CqlType::Udt { definition: definition.clone(), frozen: true };
                        empty(m, &ty, Class::UdtValue)
                    }
                    None => thrown(
                        Class::IllegalArgumentException,
                        format!("No UDT named {name} exists in the keyspace of the function"),
                    ),
                }
            }),
            ("newTupleValue(String) TupleValue", |m, a| {
                let text = m.string(at(a, 1))?;
                match helenus_model::types::parse_cql_type(&text, "", &|_, _| None) {
                    Ok(ty) => empty(m, &ty.freeze(), Class::TupleValue),
                    Err(error) => thrown(Class::IllegalStateException, error.to_string()),
                }
            }),
        ],
        ..Members::default()
    }
}

fn days(m: &Machine<'_>, value: Value) -> Outcome<i32> {
    match m.heap.get(value)? {
        Object::LocalDate(days) => Ok(*days),
        _ => null_pointer(),
    }
}

/// A field of the date written as year, month and day.
fn field(m: &Machine<'_>, value: Value, place: usize) -> Outcome<Value> {
    let days = days(m, value)?;
    let text = helenus_model::value::to_text(&CqlType::Date, &encode_date_from_epoch_days(days));
    let negative = text.starts_with('-');
    let parts: Vec<i32> = text.trim_start_matches('-').split('-').filter_map(|part| part.parse().ok()).collect();
    let part = parts.get(place).copied().unwrap_or(0);
    Ok(Value::Int(if negative && place == 0 { -part } else { part }))
}

pub(super) fn local_date() -> Members {
    Members {
        methods: &[
            ("getDaysSinceEpoch() int", |m, a| Ok(Value::Int(days(m, at(a, 0))?))),
            ("getMillisSinceEpoch() long", |m, a| Ok(Value::Long(i64::from(days(m, at(a, 0))?) * 86_400_000))),
            ("getYear() int", |m, a| field(m, at(a, 0), 0)),
            ("getMonth() int", |m, a| field(m, at(a, 0), 1)),
            ("getDay() int", |m, a| field(m, at(a, 0), 2)),
        ],
        statics: &[
            ("fromDaysSinceEpoch(int) LocalDate", |m, a| m.heap.make(Object::LocalDate(int(a, 0)))),
            ("fromMillisSinceEpoch(long) LocalDate", |m, a| match i32::try_from(long(a, 0).div_euclid(86_400_000)) {
                Ok(days) => m.heap.make(Object::LocalDate(days)),
                Err(_) => Err(Fault::Thrown(Class::IllegalArgumentException, None)),
            }),
            ("fromYearMonthDay(int,int,int) LocalDate", |m, a| {
                let text = format!("{:04}-{:02}-{:02}", int(a, 0), int(a, 1), int(a, 2));
                let bytes = parse_text(&CqlType::Date, &text).ok();
                match bytes.as_deref().and_then(helenus_model::value::decode_date) {
                    Some(date) => m.heap.make(Object::LocalDate(date.wrapping_sub(DATE_EPOCH) as i32)),
                    None => Err(Fault::Thrown(Class::IllegalArgumentException, None)),
                }
            }),
        ],
        ..Members::default()
    }
}

fn duration_of(m: &Machine<'_>, value: Value) -> Outcome<Duration> {
    match m.heap.get(value)? {
        Object::Duration(duration) => Ok(*duration),
        _ => null_pointer(),
    }
}

pub(super) fn duration() -> Members {
    Members {
        methods: &[
            ("getMonths() int", |m, a| Ok(Value::Int(duration_of(m, at(a, 0))?.months))),
            ("getDays() int", |m, a| Ok(Value::Int(duration_of(m, at(a, 0))?.days))),
            ("getNanoseconds() long", |m, a| Ok(Value::Long(duration_of(m, at(a, 0))?.nanoseconds))),
        ],
        statics: &[("newInstance(int,int,long) Duration", |m, a| {
            match Duration::new(int(a, 0), int(a, 1), long(a, 2)) {
                Ok(duration) => m.heap.make(Object::Duration(duration)),
                Err(error) => thrown(Class::IllegalArgumentException, error.message()),
            }
        })],
        ..Members::default()
    }
}
