//! User functions and aggregates: found in the schema, compiled when a statement is prepared.

use std::sync::{Arc, OnceLock};

use helenus_cql::ast::FunctionName;
use helenus_model::schema::{AggregateDefinition, FunctionDefinition, Keyspace};
use helenus_model::types::CqlType;
use helenus_script::{Function, Signature};

use super::{Body, ScalarFunction};
use crate::error::QueryError;
use crate::prepare::PrepareContext;

/// A user function; its body is compiled at the first call.
#[derive(Debug)]
pub struct UserFunction {
    definition: Arc<FunctionDefinition>,
    keyspace: Arc<Keyspace>,
    code: OnceLock<Result<Function, QueryError>>,
}

impl PartialEq for UserFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition == other.definition
    }
}

impl UserFunction {
    fn new(definition: &Arc<FunctionDefinition>, keyspace: &Arc<Keyspace>) -> Self {
        UserFunction { definition: Arc::clone(definition), keyspace: Arc::clone(keyspace), code: OnceLock::new() }
    }

    /// Compiles a function's body.
    ///
    /// # Errors
    /// It is wrong, or uses what is not supported yet, in the words Cassandra wraps its compiler's in.
    pub fn compile(definition: &FunctionDefinition, keyspace: &Keyspace) -> Result<Function, QueryError> {
        let types: Vec<_> = keyspace.types.values().cloned().collect();
        let signature = Signature {
            arguments: &definition.arguments,
            return_type: &definition.return_type,
            called_on_null_input: definition.called_on_null_input,
            body: &definition.body,
            types: &types,
        };
        Function::compile(&signature).map_err(|error| {
            QueryError::invalid(format!("Java source compilation failed:\nLine {}: {}\n", error.line, error.message))
        })
    }

    /// Its keyspace.
    pub fn keyspace(&self) -> &str {
        &self.definition.keyspace
    }

    /// Calls it.
    ///
    /// # Errors
    /// The exception it ended with, as `FunctionFailure`.
    pub fn call(&self, arguments: &[Option<&[u8]>]) -> Result<Option<Vec<u8>>, QueryError> {
        let code = self.code.get_or_init(|| UserFunction::compile(&self.definition, &self.keyspace));
        code.as_ref().map_err(Clone::clone)?.call(arguments).map_err(|failure| QueryError::FunctionFailure {
            keyspace: self.definition.keyspace.clone(),
            name: self.definition.name.clone(),
            argument_types: self.definition.type_texts(),
            message: failure.0,
        })
    }
}

/// A user aggregate with its functions.
#[derive(Debug, PartialEq)]
pub struct UserAggregate {
    definition: Arc<AggregateDefinition>,
    step: UserFunction,
    last: Option<UserFunction>,
}

impl UserAggregate {
    fn new(definition: &Arc<AggregateDefinition>, keyspace: &Arc<Keyspace>) -> Result<Self, QueryError> {
        let find = |name: &str, types: &[CqlType]| {
            let found = keyspace.functions.iter().find(|function| function.name == name && function.has_types(types));
            let found = found.ok_or_else(|| QueryError::Server(format!("function {name} of an aggregate is gone")))?;
            Ok::<_, QueryError>(UserFunction::new(found, keyspace))
        };
        let last = match &definition.final_function {
            Some(name) => Some(find(name, std::slice::from_ref(&definition.state_type))?),
            None => None,
        };
        Ok(UserAggregate {
            step: find(&definition.state_function, &definition.state_arguments())?,
            last,
            definition: Arc::clone(definition),
        })
    }

    /// The state before the first row.
    pub fn initial(&self) -> Option<Vec<u8>> {
        self.definition.initial_condition.clone()
    }

    /// The state after another row. A state function that takes no nulls leaves the state alone when there is one.
    ///
    /// # Errors
    /// The state function failed.
    pub fn add(&self, state: &mut Option<Vec<u8>>, arguments: &[Option<&[u8]>]) -> Result<(), QueryError> {
        if !self.step.definition.called_on_null_input && (state.is_none() || arguments.contains(&None)) {
            return Ok(());
        }
        let all: Vec<Option<&[u8]>> = std::iter::once(state.as_deref()).chain(arguments.iter().copied()).collect();
        *state = self.step.call(&all)?;
        Ok(())
    }

    /// The result.
    ///
    /// # Errors
    /// The final function failed.
    pub fn result(&self, state: Option<&[u8]>) -> Result<Option<Vec<u8>>, QueryError> {
        match &self.last {
            Some(last) => last.call(&[state]),
            None => Ok(state.map(<[u8]>::to_vec)),
        }
    }
}

/// The user functions and aggregates that a call in a statement on a keyspace could mean.
pub(super) fn candidates(
    name: &FunctionName,
    keyspace: &str,
    context: &PrepareContext<'_>,
) -> Result<Vec<ScalarFunction>, QueryError> {
    let keyspace = name.keyspace.as_ref().map_or(keyspace, |keyspace| keyspace.as_str());
    let Some(keyspace) = context.schema.keyspace(keyspace) else { return Ok(Vec::new()) };
    let name = name.name.as_str();
    let mut found = Vec::new();
    for definition in keyspace.functions.iter().filter(|function| function.name == name) {
        let types = definition.arguments.iter().map(|(_, ty)| ty.clone()).collect();
        let body = Body::User(Arc::new(UserFunction::new(definition, keyspace)));
        found.push(ScalarFunction::new(name, types, definition.return_type.clone(), body));
    }
    for definition in keyspace.aggregates.iter().filter(|aggregate| aggregate.name == name) {
        let body = Body::UserAggregate(Arc::new(UserAggregate::new(definition, keyspace)?));
        let types = definition.argument_types.clone();
        found.push(ScalarFunction::new(name, types, definition.return_type.clone(), body));
    }
    Ok(found)
}

/// Whether a name without keyspace means a function of this keyspace rather than a native one.
pub(crate) fn has_function(name: &str, keyspace: &str, context: &PrepareContext<'_>) -> bool {
    context.schema.keyspace(keyspace).is_some_and(|keyspace| {
        keyspace.functions.iter().any(|function| function.name == name)
            || keyspace.aggregates.iter().any(|aggregate| aggregate.name == name)
    })
}

impl UserAggregate {
    /// Its keyspace.
    pub fn keyspace(&self) -> &str {
        &self.definition.keyspace
    }
}
