//! Type names of statements resolved to types, with Cassandra's refusals.

use std::sync::Arc;

use helenus_cql::ast::{CqlTypeName, Name, NativeType, QualifiedName};
use helenus_model::limits::TYPE_PARTS_MAX;
use helenus_model::schema::Keyspace;
use helenus_model::types::{CqlType, TypeError, UdtDefinition, parse_written_class};

use crate::error::QueryError;

/// The type a statement names. `keyspace` is the one whose user-defined types it may use: its name and, if it exists, itself.
/// The result of nested multi-cell types is frozen where Cassandra freezes it by itself (tuples, vectors), refused where it asks
/// for `frozen<>`.
///
/// # Errors
/// Unknown types, types of another keyspace, `frozen<>` around simple types, nested collections and UDTs without `frozen<>`,
/// dimensions out of range, counters and durations inside collections where they may not stand, and what [`check_size`] refuses.
pub fn resolve_type(
    name: &CqlTypeName,
    keyspace_name: &str,
    keyspace: Option<&Keyspace>,
) -> Result<CqlType, QueryError> {
    let ty = Resolver { keyspace_name, keyspace }.resolve(name, false)?;
    check_size(&ty)?;
    Ok(ty)
}

/// Whether a schema may have the type.
///
/// # Errors
/// Types that are nested too deeply or have too many parts.
pub(crate) fn check_size(ty: &CqlType) -> Result<(), QueryError> {
    ty.check_size().map_err(|error| match error {
        TypeError::TooLarge => {
            QueryError::unsupported(format_args!("types of more than {TYPE_PARTS_MAX} parts, nested ones counted"))
        }
        error => QueryError::invalid(error.to_string()),
    })
}

/// The type as messages and result columns write it: as the statement spells it, `varchar` too.
pub(crate) fn type_text(name: &CqlTypeName) -> String {
    match name {
        CqlTypeName::Native(native) => native.name().to_owned(),
        CqlTypeName::Custom(class) => match parse_written_class(class) {
            Ok(ty) => format!("'{}'", ty.java_class()),
            Err(_) => format!("'{class}'"),
        },
        CqlTypeName::UserType(name) => match &name.keyspace {
            Some(keyspace) => format!("{keyspace}.{}", name.name),
            None => name.name.to_string(),
        },
        CqlTypeName::Frozen(inner) => frozen_text(inner),
        CqlTypeName::List(inner) => format!("list<{}>", type_text(inner)),
        CqlTypeName::Set(inner) => format!("set<{}>", type_text(inner)),
        CqlTypeName::Map(key, value) => format!("map<{}, {}>", type_text(key), type_text(value)),
        CqlTypeName::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(frozen_text).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        CqlTypeName::Vector(element, dimension) => format!("vector<{}, {dimension}>", type_text(element)),
    }
}

/// As [`type_text`], frozen with all that is in it.
fn frozen_text(name: &CqlTypeName) -> String {
    match name {
        CqlTypeName::Frozen(inner) => frozen_text(inner),
        CqlTypeName::UserType(_) => format!("frozen<{}>", type_text(name)),
        CqlTypeName::List(inner) => format!("frozen<list<{}>>", frozen_text(inner)),
        CqlTypeName::Set(inner) => format!("frozen<set<{}>>", frozen_text(inner)),
        CqlTypeName::Map(key, value) => format!("frozen<map<{}, {}>>", frozen_text(key), frozen_text(value)),
        // Simple, or written as frozen already.
        CqlTypeName::Native(_) | CqlTypeName::Custom(_) | CqlTypeName::Tuple(_) | CqlTypeName::Vector(..) => {
            type_text(name)
        }
    }
}

/// The type as messages write it once it is resolved: user-defined ones with their keyspace.
pub(crate) fn qualified_type_text(ty: &CqlTypeName, keyspace: &str) -> String {
    type_text(&qualified(ty, keyspace))
}

fn qualified(ty: &CqlTypeName, keyspace: &str) -> CqlTypeName {
    let inner = |ty: &CqlTypeName| Box::new(qualified(ty, keyspace));
    match ty {
        CqlTypeName::UserType(name) if name.keyspace.is_none() => {
            CqlTypeName::UserType(QualifiedName { keyspace: Some(Name::new(keyspace)), name: name.name.clone() })
        }
        CqlTypeName::Frozen(ty) => CqlTypeName::Frozen(inner(ty)),
        CqlTypeName::List(element) => CqlTypeName::List(inner(element)),
        CqlTypeName::Set(element) => CqlTypeName::Set(inner(element)),
        CqlTypeName::Map(key, value) => CqlTypeName::Map(inner(key), inner(value)),
        CqlTypeName::Tuple(parts) => CqlTypeName::Tuple(parts.iter().map(|part| qualified(part, keyspace)).collect()),
        CqlTypeName::Vector(element, dimension) => CqlTypeName::Vector(inner(element), *dimension),
        CqlTypeName::Native(_) | CqlTypeName::Custom(_) | CqlTypeName::UserType(_) => ty.clone(),
    }
}

/// The type as the answer to CREATE FUNCTION tells it: with the keyspace of user-defined ones, and tuples without `frozen<>`.
pub(crate) fn written_type_text(ty: &CqlTypeName, keyspace: &str) -> String {
    let text = |ty: &CqlTypeName| written_type_text(ty, keyspace);
    match ty {
        CqlTypeName::Native(native) => native.name().to_owned(),
        CqlTypeName::Custom(class) => format!("'{class}'"),
        CqlTypeName::UserType(name) => format!("{keyspace}.{}", name.name),
        CqlTypeName::Frozen(inner) => match &**inner {
            CqlTypeName::Tuple(_) | CqlTypeName::Vector(..) | CqlTypeName::Frozen(_) => text(inner),
            _ => format!("frozen<{}>", text(inner)),
        },
        CqlTypeName::List(inner) => format!("list<{}>", text(inner)),
        CqlTypeName::Set(inner) => format!("set<{}>", text(inner)),
        CqlTypeName::Map(key, value) => format!("map<{}, {}>", text(key), text(value)),
        CqlTypeName::Tuple(parts) => format!("tuple<{}>", parts.iter().map(text).collect::<Vec<_>>().join(", ")),
        CqlTypeName::Vector(element, dimension) => format!("vector<{}, {dimension}>", text(element)),
    }
}

/// The built-in type of this name.
pub(crate) fn native_type(native: NativeType) -> CqlType {
    match native {
        NativeType::Ascii => CqlType::Ascii,
        NativeType::Bigint => CqlType::Bigint,
        NativeType::Blob => CqlType::Blob,
        NativeType::Boolean => CqlType::Boolean,
        NativeType::Counter => CqlType::Counter,
        NativeType::Date => CqlType::Date,
        NativeType::Decimal => CqlType::Decimal,
        NativeType::Double => CqlType::Double,
        NativeType::Duration => CqlType::Duration,
        NativeType::Float => CqlType::Float,
        NativeType::Inet => CqlType::Inet,
        NativeType::Int => CqlType::Int,
        NativeType::Smallint => CqlType::Smallint,
        NativeType::Text | NativeType::Varchar => CqlType::Text,
        NativeType::Time => CqlType::Time,
        NativeType::Timestamp => CqlType::Timestamp,
        NativeType::Timeuuid => CqlType::Timeuuid,
        NativeType::Tinyint => CqlType::Tinyint,
        NativeType::Uuid => CqlType::Uuid,
        NativeType::Varint => CqlType::Varint,
    }
}

struct Resolver<'a> {
    keyspace_name: &'a str,
    keyspace: Option<&'a Keyspace>,
}

impl Resolver<'_> {
    /// `frozen`: within `frozen<>` or a tuple, where all collections are frozen, also those that do not say so.
    /// The parser bounds how deep a name is nested.
    fn resolve(&self, name: &CqlTypeName, frozen: bool) -> Result<CqlType, QueryError> {
        let inner = |name: &CqlTypeName| self.resolve(name, frozen);
        let text = || if frozen { frozen_text(name) } else { type_text(name) };
        check_parts(&text, name, frozen)?;
        Ok(match name {
            CqlTypeName::Native(native) => native_type(*native),
            CqlTypeName::Custom(class) => {
                let ty = parse_written_class(class)
                    .map_err(|error| QueryError::Syntax(format!("Error setting type {class}: {error}")))?;
                self.defined(ty)?
            }
            CqlTypeName::UserType(name) => {
                self.user_type(name.keyspace.as_ref().map(|k| k.as_str()), name.name.as_str())?
            }
            CqlTypeName::Frozen(inside) => match self.resolve(inside, true)? {
                vector @ CqlType::Vector { .. } => vector,
                frozen if frozen.is_frozen() || frozen.is_multi_cell() => frozen.freeze(),
                _ => {
                    return Err(QueryError::invalid(
                        "frozen<> is only allowed on collections, tuples, and user-defined types (got ".to_owned()
                            + &type_text(inside)
                            + ")",
                    ));
                }
            },
            CqlTypeName::List(element) => CqlType::list(inner(element)?, frozen),
            CqlTypeName::Set(element) => CqlType::set(inner(element)?, frozen),
            CqlTypeName::Map(key, value) => {
                let value = inner(value)?;
                CqlType::map(inner(key)?, value, frozen)
            }
            CqlTypeName::Tuple(parts) => {
                let inner = |name: &CqlTypeName| self.resolve(name, true);
                let parts = parts.iter().map(inner).collect::<Result<Vec<_>, _>>()?;
                if parts.contains(&CqlType::Counter) {
                    return Err(QueryError::invalid("Counters are not allowed inside tuples"));
                }
                CqlType::tuple(parts)
            }
            CqlTypeName::Vector(element, dimension) => {
                let element = self.resolve(element, false)?;
                match u32::try_from(*dimension) {
                    Ok(dimension @ 1..) => CqlType::vector(element.freeze(), dimension),
                    Ok(0) | Err(_) => {
                        return Err(QueryError::invalid(format!(
                            "vectors may only have positive dimensions; given {dimension}"
                        )));
                    }
                }
            }
        })
    }

    /// A class says what a user-defined type is like. One that is not there, or is not like this, would change into what is there
    /// with the next change of a type, and values written before could not be read any more.
    fn defined(&self, ty: CqlType) -> Result<CqlType, QueryError> {
        let inner = |ty: &Arc<CqlType>| Ok::<_, QueryError>(Arc::new(self.defined((**ty).clone())?));
        Ok(match ty {
            CqlType::List { element, frozen } => CqlType::List { element: inner(&element)?, frozen },
            CqlType::Set { element, frozen } => CqlType::Set { element: inner(&element)?, frozen },
            CqlType::Map { key, value, frozen } => CqlType::Map { key: inner(&key)?, value: inner(&value)?, frozen },
            CqlType::Vector { element, dimension } => CqlType::Vector { element: inner(&element)?, dimension },
            CqlType::Tuple(parts) => {
                CqlType::Tuple(parts.iter().map(|part| self.defined(part.clone())).collect::<Result<_, _>>()?)
            }
            CqlType::Udt { definition, frozen } => {
                CqlType::Udt { definition: self.definition_like(&definition)?, frozen }
            }
            other => other,
        })
    }

    fn definition_like(&self, named: &Arc<UdtDefinition>) -> Result<Arc<UdtDefinition>, QueryError> {
        // What is in a user-defined type is frozen, whether its words say so or not.
        let class = |definition: &Arc<UdtDefinition>| {
            CqlType::Udt { definition: Arc::clone(definition), frozen: true }.java_class()
        };
        let there = self.keyspace.and_then(|keyspace| keyspace.types.get(&named.name));
        match there {
            Some(there) if class(there) == class(named) => Ok(Arc::clone(there)),
            _ => Err(QueryError::unsupported(format_args!(
                "{}, for no type {}.{} is defined like this in keyspace {}",
                CqlType::Udt { definition: Arc::clone(named), frozen: false }.java_class(),
                named.keyspace,
                named.name,
                self.keyspace_name
            ))),
        }
    }

    fn user_type(&self, keyspace: Option<&str>, name: &str) -> Result<CqlType, QueryError> {
        if let Some(other) = keyspace
            && other != self.keyspace_name
        {
            return Err(QueryError::invalid(format!(
                "Statement on keyspace {} cannot refer to a user type in keyspace {other}; user types can only be used in the keyspace they are defined in",
                self.keyspace_name
            )));
        }
        match self.keyspace.and_then(|keyspace| keyspace.types.get(name)) {
            Some(definition) => Ok(CqlType::Udt { definition: definition.clone(), frozen: false }),
            None => Err(QueryError::invalid(format!("Unknown type {}.{name}", self.keyspace_name))),
        }
    }
}

/// What the parts of a collection may not be, which Cassandra looks at before it looks for the types they name: values first, then keys.
fn check_parts(text: &dyn Fn() -> String, name: &CqlTypeName, frozen: bool) -> Result<(), QueryError> {
    let (key, value) = match name {
        CqlTypeName::List(value) | CqlTypeName::Set(value) => (None, value),
        CqlTypeName::Map(key, value) => (Some(key), value),
        _ => return Ok(()),
    };
    for (part, is_key) in [Some((value, false)), key.map(|key| (key, true))].into_iter().flatten() {
        let refused = match &**part {
            CqlTypeName::Native(NativeType::Counter) => "Counters are not allowed inside collections",
            // Durations have no order. What holds some Cassandra takes, and compares its bytes.
            CqlTypeName::Native(NativeType::Duration) if is_key => "Durations are not allowed as map keys",
            CqlTypeName::Native(NativeType::Duration) if matches!(name, CqlTypeName::Set(_)) => {
                "Durations are not allowed inside sets"
            }
            CqlTypeName::UserType(_) if !frozen => "Non-frozen UDTs are not allowed inside collections",
            CqlTypeName::List(_) | CqlTypeName::Set(_) | CqlTypeName::Map(..) if !frozen => {
                "Non-frozen collections are not allowed inside collections"
            }
            _ => continue,
        };
        return Err(QueryError::invalid(format!("{refused}: {}", text())));
    }
    Ok(())
}
