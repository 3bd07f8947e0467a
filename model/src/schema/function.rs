//! User functions and aggregates of a keyspace.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::change::resolve;
use super::type_codec::{put_type, read_type};
use crate::codec::{DecodeError, Reader, put_bytes, put_text, put_vint};
use crate::types::{CqlType, UdtDefinition};

/// A user function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionDefinition {
    /// Its keyspace.
    pub keyspace: String,
    /// Its name; overloads share it.
    pub name: String,
    /// Names and types of the arguments. Collections and user-defined types stand as written, without `frozen`.
    pub arguments: Vec<(String, CqlType)>,
    /// Type of the result.
    pub return_type: CqlType,
    /// `CALLED ON NULL INPUT`; else a null argument makes a null result.
    pub called_on_null_input: bool,
    /// `java`
    pub language: String,
    /// The text between the quotes.
    pub body: String,
}

/// A user aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateDefinition {
    /// Its keyspace, where its functions live, too.
    pub keyspace: String,
    /// Its name.
    pub name: String,
    /// Types of the arguments.
    pub argument_types: Vec<CqlType>,
    /// `SFUNC`: takes the state and the arguments, gives the next state.
    pub state_function: String,
    /// `STYPE`
    pub state_type: CqlType,
    /// `FINALFUNC`: takes the state, gives the result.
    pub final_function: Option<String>,
    /// `INITCOND`, serialized; None is null.
    pub initial_condition: Option<Vec<u8>>,
    /// Type of the result.
    pub return_type: CqlType,
}

impl FunctionDefinition {
    /// The argument types as the system tables and the protocol write them.
    pub fn type_texts(&self) -> Vec<String> {
        self.arguments.iter().map(|(_, ty)| ty.to_string()).collect()
    }

    /// Every type in its signature.
    pub fn types(&self) -> impl Iterator<Item = &CqlType> {
        self.arguments.iter().map(|(_, ty)| ty).chain([&self.return_type])
    }

    /// Whether it is the overload with these argument types; what is frozen does not count.
    pub fn has_types(&self, types: &[CqlType]) -> bool {
        self.arguments.len() == types.len()
            && self.arguments.iter().zip(types).all(|((_, own), other)| own.freeze() == other.freeze())
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.keyspace);
        put_text(out, &self.name);
        put_vint(out, self.arguments.len() as u64);
        for (name, ty) in &self.arguments {
            put_text(out, name);
            put_type(out, ty);
        }
        put_type(out, &self.return_type);
        out.push(u8::from(self.called_on_null_input));
        put_text(out, &self.language);
        put_text(out, &self.body);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (keyspace, name) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let mut arguments = Vec::new();
        for _ in 0..reader.count()? {
            arguments.push((reader.text()?.to_owned(), read_type(reader, 0)?));
        }
        Ok(FunctionDefinition {
            keyspace,
            name,
            arguments,
            return_type: read_type(reader, 0)?,
            called_on_null_input: reader.bool()?,
            language: reader.text()?.to_owned(),
            body: reader.text()?.to_owned(),
        })
    }
}

impl AggregateDefinition {
    /// The argument types as the system tables and the protocol write them.
    pub fn type_texts(&self) -> Vec<String> {
        self.argument_types.iter().map(ToString::to_string).collect()
    }

    /// Every type in its signature.
    pub fn types(&self) -> impl Iterator<Item = &CqlType> {
        self.argument_types.iter().chain([&self.state_type, &self.return_type])
    }

    /// Whether it is the overload with these argument types; what is frozen does not count.
    pub fn has_types(&self, types: &[CqlType]) -> bool {
        self.argument_types.len() == types.len()
            && self.argument_types.iter().zip(types).all(|(own, other)| own.freeze() == other.freeze())
    }

    /// The types of the state function's arguments.
    pub fn state_arguments(&self) -> Vec<CqlType> {
        std::iter::once(&self.state_type).chain(&self.argument_types).cloned().collect()
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.keyspace);
        put_text(out, &self.name);
        put_vint(out, self.argument_types.len() as u64);
        self.argument_types.iter().for_each(|ty| put_type(out, ty));
        put_text(out, &self.state_function);
        put_type(out, &self.state_type);
        out.push(u8::from(self.final_function.is_some()));
        put_text(out, self.final_function.as_deref().unwrap_or_default());
        out.push(u8::from(self.initial_condition.is_some()));
        put_bytes(out, self.initial_condition.as_deref().unwrap_or_default());
        put_type(out, &self.return_type);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (keyspace, name) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let mut argument_types = Vec::new();
        for _ in 0..reader.count()? {
            argument_types.push(read_type(reader, 0)?);
        }
        let (state_function, state_type) = (reader.text()?.to_owned(), read_type(reader, 0)?);
        let final_function = optional(reader.bool()?, reader.text()?.to_owned());
        let initial_condition = optional(reader.bool()?, reader.bytes()?.to_vec());
        let return_type = read_type(reader, 0)?;
        Ok(AggregateDefinition {
            keyspace,
            name,
            argument_types,
            state_function,
            state_type,
            final_function,
            initial_condition,
            return_type,
        })
    }
}

fn optional<T>(there: bool, value: T) -> Option<T> {
    there.then_some(value)
}

/// Puts a definition in the place of the one with the same name and types, else behind all others.
pub(super) fn put_function(functions: &mut Vec<Arc<FunctionDefinition>>, definition: &FunctionDefinition) {
    let types: Vec<CqlType> = definition.arguments.iter().map(|(_, ty)| ty.clone()).collect();
    let definition = Arc::new(definition.clone());
    match functions.iter_mut().find(|other| other.name == definition.name && other.has_types(&types)) {
        Some(place) => *place = definition,
        None => functions.push(definition),
    }
}

/// As [`put_function`].
pub(super) fn put_aggregate(aggregates: &mut Vec<Arc<AggregateDefinition>>, definition: &AggregateDefinition) {
    let definition = Arc::new(definition.clone());
    let types = &definition.argument_types;
    match aggregates.iter_mut().find(|other| other.name == definition.name && other.has_types(types)) {
        Some(place) => *place = definition,
        None => aggregates.push(definition),
    }
}

/// Gives functions and aggregates the present definitions of the types they name.
pub(super) fn resolve_functions(
    functions: &mut [Arc<FunctionDefinition>],
    aggregates: &mut [Arc<AggregateDefinition>],
    types: &BTreeMap<String, Arc<UdtDefinition>>,
) {
    for function in functions {
        if function.types().any(CqlType::contains_udt) {
            let function = Arc::make_mut(function);
            function.arguments.iter_mut().for_each(|(_, ty)| *ty = resolve(ty, types));
            function.return_type = resolve(&function.return_type, types);
        }
    }
    for aggregate in aggregates {
        if aggregate.types().any(CqlType::contains_udt) {
            let aggregate = Arc::make_mut(aggregate);
            aggregate.argument_types.iter_mut().for_each(|ty| *ty = resolve(ty, types));
            aggregate.state_type = resolve(&aggregate.state_type, types);
            aggregate.return_type = resolve(&aggregate.return_type, types);
        }
    }
}

/// Takes the types of a dropped function or aggregate apart.
pub(super) fn put_types(out: &mut Vec<u8>, types: &[CqlType]) {
    put_vint(out, types.len() as u64);
    types.iter().for_each(|ty| put_type(out, ty));
}

pub(super) fn read_types(reader: &mut Reader<'_>) -> Result<Vec<CqlType>, DecodeError> {
    (0..reader.count()?).map(|_| read_type(reader, 0)).collect()
}
