//! Native functions and operators: which there are, which of them a call means, what they answer.
//!
//! A call is resolved as Cassandra does: all functions of its name are collected, each argument is tried against each
//! signature, an exact match wins, else the one that fits; several that fit are an error.

mod arithmetic;
mod blob;
mod calendar;
mod cast;
mod collection;
mod decimal_math;
pub(crate) mod json;
mod mask;
mod math;
mod number;
mod signature;
mod temporal;
mod user;
mod vector;

use std::sync::Arc;

use helenus_cql::ast::{ArithmeticOperator, FunctionName, Name};
use helenus_model::schema::Table;
use helenus_model::token::Token;
use helenus_model::types::{CqlType, maybe_quote};
use helenus_model::value::{max_timeuuid, min_timeuuid, timeuuid_from_parts, to_json};

use crate::error::QueryError;
use crate::prepare::PrepareContext;
use crate::spec::ColumnSpec;
use crate::term::Assignability;
use crate::values::ExecuteOptions;

pub(crate) use arithmetic::sum;
pub use mask::Mask;
pub use math::MathFunction;
pub(crate) use number::is_number;
pub(crate) use user::has_function;
pub use user::{UserAggregate, UserFunction};
pub use vector::Similarity;

/// Longest value of which `to_json` is made, bytes. Each quote is escaped with as many characters again, so that JSON of JSON of JSON …
/// doubles at each step.
const JSON_VALUE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A function of one signature.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarFunction {
    /// Its name, as the statement spells it.
    pub name: String,
    /// Types of the arguments.
    pub argument_types: Vec<CqlType>,
    /// Type of the result.
    pub return_type: CqlType,
    /// The character of an operator.
    pub operator: Option<&'static str>,
    /// What it does.
    pub body: Body,
}

/// What a function does.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are Cassandra's native functions by name")]
pub enum Body {
    Uuid,
    Now,
    CurrentTimestamp,
    CurrentDate,
    CurrentTime,
    MinTimeuuid,
    MaxTimeuuid,
    ToDate,
    ToTimestamp,
    ToUnixTimestamp,
    Floor,
    ToBlob,
    FromBlob,
    Cast,
    Token,
    ToJson,
    FromJson,
    Mask(Mask),
    Math(MathFunction),
    MapKeys,
    MapValues,
    CollectionCount,
    CollectionMin,
    CollectionMax,
    CollectionSum,
    CollectionAverage,
    Similarity(Similarity),
    Negate,
    Arithmetic(ArithmeticOperator),
    User(Arc<UserFunction>),
    /// A native aggregate of numbers. Only the selection clause makes something of it.
    NumberAggregate,
    /// Only the selection clause makes something of it.
    UserAggregate(Arc<UserAggregate>),
}

/// An argument of a call that is still to be resolved.
pub trait Argument {
    /// Whether it may stand at `spec`.
    ///
    /// # Errors
    /// That cannot even be tried.
    fn assignability(&self, spec: &ColumnSpec) -> Result<Assignability, QueryError>;
    /// Its type, if that does not depend on where it stands.
    fn exact_type(&self, receiver: &ColumnSpec) -> Option<CqlType>;
    /// Its text, for messages.
    fn text(&self) -> String;
    /// True for a bind marker.
    fn is_marker(&self) -> bool;
    /// True for `(type) …`.
    fn is_hint(&self) -> bool;
    /// How many elements a list literal has.
    fn list_length(&self) -> Option<usize>;
}

/// The name of a native function without keyspace.
pub fn native_name(name: impl Into<String>) -> FunctionName {
    let name = name.into();
    // Casts are written with their keyspace in messages.
    let keyspace = name.starts_with("cast_as_").then(|| Name::new("system"));
    FunctionName { keyspace, name: Name::new(name) }
}

/// The name of the function behind an operator.
pub fn operation_name(operator: ArithmeticOperator) -> &'static str {
    match operator {
        ArithmeticOperator::Add => "_add",
        ArithmeticOperator::Subtract => "_substract",
        ArithmeticOperator::Multiply => "_multiply",
        ArithmeticOperator::Divide => "_divide",
        ArithmeticOperator::Modulo => "_modulo",
    }
}

/// The place of argument `place` of a call at `receiver`: names its bind slot.
pub fn argument_spec(function: &ScalarFunction, place: usize, receiver: &ColumnSpec) -> ColumnSpec {
    let ty = function.argument_types.get(place).cloned().unwrap_or(CqlType::Blob);
    // What user functions take is never multi-cell, whatever their signatures say.
    let ty = if function.keyspace() == "system" { ty } else { ty.freeze() };
    receiver.inner(format!("arg{place}({})", function.full_name()), ty)
}

/// True for the names of native functions and aggregates.
pub(crate) fn is_native(name: &str) -> bool {
    name == "token" || is_aggregate(&native_name(name)) || signature::of_name(name).is_some()
}

/// True for the names of aggregates: they may not stand where a value is computed without rows.
pub fn is_aggregate(name: &FunctionName) -> bool {
    let native = name.keyspace.as_ref().is_none_or(|keyspace| keyspace.as_str() == "system");
    native && matches!(name.name.as_str(), "count" | "count_rows" | "min" | "max" | "sum" | "avg")
}

/// The function a call at `receiver` means.
///
/// # Errors
/// Unknown names, aggregates, no signature that fits or several, in Cassandra's words.
pub fn resolve(
    name: &FunctionName,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    context: &PrepareContext<'_>,
) -> Result<Arc<ScalarFunction>, QueryError> {
    let function = resolve_for_type(name, arguments, receiver, Some(&receiver.ty), context)?;
    if let Body::UserAggregate(_) = function.body {
        return Err(QueryError::invalid("Aggregation function are not supported in the where clause"));
    }
    Ok(function)
}

/// As [`resolve`], with the wanted type of the result apart: None when any will do.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_for_type(
    name: &FunctionName,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
    context: &PrepareContext<'_>,
) -> Result<Arc<ScalarFunction>, QueryError> {
    let called = crate::term::function_text(name);
    let table = || {
        context
            .schema
            .table(&receiver.keyspace, &receiver.table)
            .cloned()
            .or_else(|| context.local.table(&receiver.keyspace, &receiver.table))
    };
    let native = name.keyspace.as_ref().is_none_or(|keyspace| keyspace.as_str() == "system");
    // A function of the keyspace hides a native one that fits as well.
    let mut found = user::candidates(name, &receiver.keyspace, context)?;
    if is_aggregate(name) && found.is_empty() {
        return Err(QueryError::invalid("Aggregation function are not supported in the where clause"));
    }
    if native && !is_aggregate(name) {
        found.extend(candidates(name.name.as_str(), table, arguments, receiver, wanted)?);
    }
    let mut candidates = found;
    if candidates.len() == 1
        && let Some(only) = candidates.pop()
    {
        check_arguments(&only, arguments, receiver)?;
        return Ok(Arc::new(only));
    }
    if candidates.is_empty() {
        return Err(QueryError::invalid(format!("Unknown function {called} called")));
    }
    best_match(&called, candidates, arguments, receiver, wanted).map(Arc::new)
}

/// The type of what `sum` or `avg` takes of an argument; the result has the same.
///
/// # Errors
/// No signature fits, or several.
pub fn number_aggregate(
    name: &FunctionName,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
) -> Result<CqlType, QueryError> {
    let of =
        |ty: &CqlType| ScalarFunction::new(name.name.as_str(), vec![ty.clone()], ty.clone(), Body::NumberAggregate);
    let candidates = signature::NUMBERS.iter().map(of).collect();
    let found = best_match(&crate::term::function_text(name), candidates, arguments, receiver, None)?;
    Ok(found.return_type)
}

/// The only function of a name: says which argument is wrong.
fn check_arguments(
    function: &ScalarFunction,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
) -> Result<(), QueryError> {
    if arguments.len() != function.argument_types.len() {
        return Err(QueryError::invalid(format!(
            "Invalid number of arguments in call to function {}: {} required but {} provided",
            function.full_name(),
            function.argument_types.len(),
            arguments.len()
        )));
    }
    for (place, argument) in arguments.iter().enumerate() {
        let spec = argument_spec(function, place, receiver);
        if !takes(function, place, *argument, &spec)?.is_assignable() {
            check_dimension(*argument, &spec)?;
            return Err(QueryError::invalid(format!(
                "Type error: {} cannot be passed as argument {place} of function {} of type {}",
                argument.text(),
                function.full_name(),
                function.argument_types.get(place).unwrap_or(&spec.ty)
            )));
        }
    }
    Ok(())
}

/// What Cassandra tells of a list literal whose elements a vector takes, but not so many of them.
fn check_dimension(argument: &dyn Argument, spec: &ColumnSpec) -> Result<(), QueryError> {
    let (Some(length), CqlType::Vector { element, .. }) = (argument.list_length(), &spec.ty) else { return Ok(()) };
    let ty = CqlType::vector((**element).clone(), u32::try_from(length).unwrap_or(u32::MAX));
    if argument.assignability(&ColumnSpec { ty, ..spec.clone() })?.is_assignable() {
        return Err(QueryError::invalid(format!(
            "Unable to create a vector selector of type {} from {length} elements",
            spec.ty
        )));
    }
    Ok(())
}

/// Whether a function takes an argument: user functions take what is multi-cell, too.
fn takes(
    function: &ScalarFunction,
    place: usize,
    argument: &dyn Argument,
    spec: &ColumnSpec,
) -> Result<Assignability, QueryError> {
    let declared = |ty: &CqlType| argument.assignability(&ColumnSpec { ty: ty.clone(), ..spec.clone() });
    let types = function.argument_types.get(place);
    // A hint must be the declared type itself.
    if let (true, Some(ty)) = (argument.is_hint(), types) {
        return declared(ty);
    }
    let answer = argument.assignability(spec)?;
    match types {
        Some(ty) if !answer.is_assignable() && *ty != spec.ty => declared(ty),
        _ => Ok(answer),
    }
}

/// Whether a function takes all arguments.
fn fit(
    function: &ScalarFunction,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
) -> Result<Assignability, QueryError> {
    let mut fit = Assignability::Exact;
    for (place, argument) in arguments.iter().enumerate() {
        let spec = argument_spec(function, place, receiver);
        fit = fit.and(takes(function, place, *argument, &spec)?);
        if fit == Assignability::No {
            break;
        }
    }
    Ok(fit)
}

/// How near the types of an operator's function are to the type that is wanted of it. Of several that fit exactly Cassandra takes the
/// first of a hash table, after each start another one, and a narrow one does not hold all numbers: of equally near ones the last is the
/// widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    None,
    Result,
    Same,
}

impl Closeness {
    fn of(function: &ScalarFunction, wanted: Option<&CqlType>) -> Self {
        match wanted {
            Some(wanted) if function.operator.is_some() => match () {
                () if function.argument_types.iter().all(|ty| ty == wanted) => Closeness::Same,
                () if function.return_type == *wanted => Closeness::Result,
                () => Closeness::None,
            },
            _ => Closeness::Same,
        }
    }
}

/// The function that a call means: one that fits exactly, else the only one that fits.
fn best_match(
    called: &str,
    candidates: Vec<ScalarFunction>,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
) -> Result<ScalarFunction, QueryError> {
    let mut fitting: Vec<usize> = Vec::new();
    let mut exact: Option<(Closeness, &ScalarFunction)> = None;
    for (index, candidate) in candidates.iter().enumerate() {
        let returns = wanted.is_none_or(|wanted| candidate.returns(wanted).is_assignable());
        if !returns || candidate.argument_types.len() != arguments.len() {
            continue;
        }
        match fit(candidate, arguments, receiver)? {
            Assignability::Exact => {
                let closeness = Closeness::of(candidate, wanted);
                if closeness == Closeness::Same {
                    return Ok(candidate.clone());
                }
                if exact.is_none_or(|(best, _)| best <= closeness) {
                    exact = Some((closeness, candidate));
                }
            }
            Assignability::Weak => fitting.push(index),
            Assignability::No => {}
        }
    }
    if let Some((_, found)) = exact {
        return Ok(found.clone());
    }
    match (fitting.as_slice(), candidates.first().and_then(|candidate| candidate.operator)) {
        ([only], _) => candidates.get(*only).cloned().ok_or_else(|| QueryError::Server("function lost".to_owned())),
        (several, Some(_)) if arguments.len() == 2 && !arguments.iter().any(|argument| argument.is_marker()) => {
            let of_wanted = |candidate: &&ScalarFunction| {
                wanted.is_some_and(|wanted| candidate.argument_types.iter().all(|ty| ty == wanted))
            };
            let mut fitting = several.iter().filter_map(|index| candidates.get(*index));
            fitting.find(of_wanted).cloned().ok_or_else(|| no_match(called, &candidates, several, arguments))
        }
        (several, _) => Err(no_match(called, &candidates, several, arguments)),
    }
}

/// Why a call finds no function: none or several of the candidates fit.
fn no_match(called: &str, candidates: &[ScalarFunction], fitting: &[usize], arguments: &[&dyn Argument]) -> QueryError {
    let operator = candidates.first().and_then(|candidate| candidate.operator);
    let text = |place: usize| arguments.get(place).map(|argument| argument.text()).unwrap_or_default();
    QueryError::invalid(match (fitting, operator) {
        ([], Some(operator)) if arguments.len() == 2 => {
            format!("the '{operator}' operation is not supported between {} and {}", text(0), text(1))
        }
        ([], _) => format!(
            "Invalid call to function {}{called}, none of its type signatures match (known type signatures: {})",
            if called.starts_with('_') { "system." } else { "" },
            signatures(candidates.iter())
        ),
        (_, Some(_)) if arguments.len() == 1 => "Ambiguous negation: use type casts to disambiguate".to_owned(),
        (_, Some(operator)) => format!(
            "Ambiguous '{operator}' operation with args {} and {}: use type hint to disambiguate, example '(int) ?'",
            text(0),
            text(1)
        ),
        (several, None) => format!(
            "Ambiguous call to function {called} (can be matched by following signatures: {}): use type casts to disambiguate",
            signatures(several.iter().filter_map(|index| candidates.get(*index)))
        ),
    })
}

/// An argument's type in a signature, where tuples are not called frozen; what is inside of them is.
fn signature_type(ty: &CqlType) -> String {
    let text = ty.to_string();
    let tuple = text.strip_prefix("frozen<").and_then(|rest| rest.strip_suffix('>'));
    tuple.filter(|tuple| tuple.starts_with("tuple<")).map_or(text.clone(), str::to_owned)
}

fn signatures<'f>(functions: impl Iterator<Item = &'f ScalarFunction>) -> String {
    functions.map(ScalarFunction::signature).collect::<Vec<_>>().join(", ")
}

/// Every function of a name that a call could mean.
fn candidates(
    name: &str,
    table: impl Fn() -> Option<Arc<Table>>,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
) -> Result<Vec<ScalarFunction>, QueryError> {
    if name == "token" {
        let Some(table) = table() else { return Ok(Vec::new()) };
        let types = table.partition_key.iter().map(|column| column.ty.clone()).collect();
        return Ok(vec![ScalarFunction::new(name, types, CqlType::Bigint, Body::Token)]);
    }
    if let Some(found) = signature::of_name(name) {
        return Ok(found);
    }
    match name {
        "from_json" | "fromjson" => json::signatures(name, arguments, receiver, wanted),
        "similarity_cosine" | "similarity_euclidean" | "similarity_dot_product" => {
            vector::signatures(name, arguments, receiver, wanted)
        }
        _ if name.starts_with("mask_") => mask::signatures(name, arguments, receiver, wanted),
        _ => signature::of_generic(name, arguments, receiver),
    }
}

impl ScalarFunction {
    pub(crate) fn new(name: &str, argument_types: Vec<CqlType>, return_type: CqlType, body: Body) -> Self {
        ScalarFunction { name: name.to_owned(), argument_types, return_type, operator: None, body }
    }

    /// `current_timestamp()`
    pub(crate) fn current_timestamp() -> Self {
        ScalarFunction::new("current_timestamp", Vec::new(), CqlType::Timestamp, Body::CurrentTimestamp)
    }

    /// As messages give it: `system.f : (int) -> text`.
    pub fn signature(&self) -> String {
        let arguments: Vec<String> = self.argument_types.iter().map(signature_type).collect();
        let name = match self.body {
            // The only one that is made of a table.
            Body::Token => self.name.clone(),
            _ => format!("{}.{}", maybe_quote(self.keyspace()), maybe_quote(&self.name)),
        };
        format!("{name} : ({}) -> {}", arguments.join(", "), self.return_type)
    }

    /// Its keyspace.
    pub fn keyspace(&self) -> &str {
        match &self.body {
            Body::User(function) => function.keyspace(),
            Body::UserAggregate(aggregate) => aggregate.keyspace(),
            _ => "system",
        }
    }

    /// Its name with its keyspace.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.keyspace(), self.name)
    }

    /// Whether its result may stand where a type is wanted. Results of user functions are as good as frozen ones.
    pub(crate) fn returns(&self, wanted: &CqlType) -> Assignability {
        let answer = crate::term::type_assignability(wanted, &self.return_type);
        if answer.is_assignable() || self.keyspace() == "system" {
            return answer;
        }
        crate::term::type_assignability(&wanted.freeze(), &self.return_type.freeze())
    }

    /// Cassandra makes it anew for each call, of the types it finds there.
    pub(crate) fn is_made_for_call(&self) -> bool {
        const FAMILIES: [&str; 5] = ["mask_", "similarity_", "collection_", "from_json", "to_json"];
        const NAMES: [&str; 5] = ["fromjson", "tojson", "map_keys", "map_values", "token"];
        let named = || FAMILIES.iter().any(|start| self.name.starts_with(start)) || NAMES.contains(&self.name.as_str());
        self.keyspace() == "system" && named()
    }

    /// The same arguments always give the same result.
    pub fn is_pure(&self) -> bool {
        !matches!(self.body, Body::Uuid | Body::Now | Body::CurrentTimestamp | Body::CurrentDate | Body::CurrentTime)
    }

    /// Calls the function. Null arguments make a null result, but for `to_json`.
    ///
    /// # Errors
    /// Division by zero and the like as `FunctionFailure`, values that cannot be converted as `Invalid`.
    pub fn execute(
        &self,
        arguments: &[Option<&[u8]>],
        options: &ExecuteOptions<'_>,
    ) -> Result<Option<Vec<u8>>, QueryError> {
        if let Body::User(function) = &self.body {
            return function.call(arguments);
        }
        if self.body == Body::ToJson {
            let ty = self.argument_types.first().unwrap_or(&CqlType::Blob);
            let value = arguments.first().copied().flatten();
            let value = value.filter(|bytes| !bytes.is_empty() || !ty.is_empty_value_meaningless());
            if value.is_some_and(|bytes| bytes.len() > JSON_VALUE_BYTES_MAX) {
                return Err(QueryError::unsupported(format_args!(
                    "to_json of values of more than {JSON_VALUE_BYTES_MAX} bytes"
                )));
            }
            let json = value.map_or_else(|| "null".to_owned(), |bytes| to_json(ty, bytes));
            return Ok(Some(json.into_bytes()));
        }
        if let Body::Mask(mask) = &self.body {
            return mask::call(*mask, self, arguments);
        }
        // The bytes of an empty value are none; anything else made of it is null.
        let mut present = Vec::with_capacity(arguments.len());
        for (argument, ty) in arguments.iter().zip(&self.argument_types) {
            match argument {
                // The bytes of an empty value are none; anything else made of it is null.
                Some(bytes)
                    if bytes.is_empty()
                        && ty.is_empty_value_meaningless()
                        && !matches!(self.body, Body::Token | Body::ToBlob) =>
                {
                    return Ok(None);
                }
                Some(bytes) => present.push(*bytes),
                None => return Ok(None),
            }
        }
        if present.len() != self.argument_types.len() {
            return Err(QueryError::Server(format!("wrong number of arguments of {}", self.name)));
        }
        self.call(&present, options)
    }

    fn call(&self, arguments: &[&[u8]], options: &ExecuteOptions<'_>) -> Result<Option<Vec<u8>>, QueryError> {
        let first = arguments.first().copied().unwrap_or_default();
        Ok(match &self.body {
            Body::Uuid => {
                let bytes = options.ids.random().to_be_bytes();
                Some(uuid::Builder::from_random_bytes(bytes).into_uuid().as_bytes().to_vec())
            }
            Body::Now => Some(next_timeuuid(options).to_vec()),
            Body::CurrentTimestamp => Some(options.now_millis.to_be_bytes().to_vec()),
            Body::CurrentDate => Some(temporal::date_of_millis(options.now_millis).to_vec()),
            Body::CurrentTime => {
                Some((options.now_millis.rem_euclid(calendar::MILLIS_PER_DAY) * 1_000_000).to_be_bytes().to_vec())
            }
            Body::MinTimeuuid => number::bigint(first).map(|millis| min_timeuuid(millis).as_bytes().to_vec()),
            Body::MaxTimeuuid => number::bigint(first).map(|millis| max_timeuuid(millis).as_bytes().to_vec()),
            Body::ToDate => self.millis_of(first).map(|millis| temporal::date_of_millis(millis).to_vec()),
            Body::ToTimestamp | Body::ToUnixTimestamp => {
                self.millis_of(first).map(|millis| millis.to_be_bytes().to_vec())
            }
            Body::Floor => temporal::floor(&self.argument_types, arguments)?,
            Body::ToBlob => Some(first.to_vec()),
            Body::FromBlob => Some(blob::from_blob(self, first)?),
            Body::Cast => cast::cast(self.argument_types.first().unwrap_or(&CqlType::Blob), &self.return_type, first)?,
            Body::Token => Some(token_of(arguments)?.0.to_be_bytes().to_vec()),
            Body::ToJson | Body::Mask(_) => None,
            Body::FromJson => json::from_text(self, first)?,
            // User functions were called before; aggregates are never.
            Body::User(function) => function.call(&arguments.iter().map(|value| Some(*value)).collect::<Vec<_>>())?,
            Body::NumberAggregate | Body::UserAggregate(_) => None,
            Body::Math(function) => math::call(*function, &self.return_type, first)?,
            Body::MapKeys => collection::map_keys(first),
            Body::MapValues => collection::map_values(first),
            Body::CollectionCount => collection::count(first),
            Body::CollectionMin | Body::CollectionMax | Body::CollectionSum | Body::CollectionAverage => {
                collection::aggregate(self, first)?
            }
            Body::Similarity(similarity) => vector::similarity(*similarity, arguments)?,
            Body::Negate => arithmetic::negate(&self.return_type, first)?,
            Body::Arithmetic(operator) => arithmetic::operate(self, *operator, arguments)?,
        })
    }

    fn millis_of(&self, bytes: &[u8]) -> Option<i64> {
        temporal::millis_of(self.argument_types.first()?, bytes)
    }

    /// A failure of this function, in the words of user defined ones.
    pub(crate) fn failure(&self, message: impl Into<String>) -> QueryError {
        let argument_types: Vec<String> = self.argument_types.iter().map(ToString::to_string).collect();
        let message = message.into();
        let message = match (self.operator, self.argument_types.as_slice()) {
            (Some(operator), [left, right]) => format!("the operation '{left} {operator} {right}' failed: {message}"),
            (Some(operator), [only]) => format!("the operation '{operator}{only}' failed: {message}"),
            _ => message,
        };
        QueryError::FunctionFailure { keyspace: "system".to_owned(), name: self.name.clone(), argument_types, message }
    }
}

/// The token of partition-key values: serialized bare when there is one, else as a composite.
fn token_of(values: &[&[u8]]) -> Result<Token, QueryError> {
    match values {
        [only] => Ok(Token::of_key(only)),
        several => {
            let mut key = Vec::new();
            for value in several {
                if value.len() > helenus_model::limits::KEY_BYTES_MAX {
                    return Err(crate::restrict::key_too_long(value.len()));
                }
                helenus_model::key::put_composite_component(&mut key, value);
            }
            Ok(Token::of_key(&key))
        }
    }
}

/// The next time UUID of this node.
pub(crate) fn next_timeuuid(options: &ExecuteOptions<'_>) -> [u8; 16] {
    timeuuid_from_parts(options.ids.next_ticks(), options.ids.clock_and_node()).into_bytes()
}
