//! The signatures of native functions, by name.

use helenus_cql::ast::ArithmeticOperator;
use helenus_model::types::CqlType;

use super::{Argument, Body, MathFunction, ScalarFunction, arithmetic, cast};
use crate::error::QueryError;
use crate::spec::ColumnSpec;

pub(super) const NUMBERS: [CqlType; 9] = [
    CqlType::Tinyint,
    CqlType::Smallint,
    CqlType::Int,
    CqlType::Bigint,
    CqlType::Float,
    CqlType::Double,
    CqlType::Decimal,
    CqlType::Varint,
    CqlType::Counter,
];

/// Functions whose signatures do not depend on their arguments; None when the name is none of theirs.
pub(super) fn of_name(name: &str) -> Option<Vec<ScalarFunction>> {
    use CqlType::{Date, Duration, Time, Timestamp, Timeuuid, Uuid};
    let one = |arguments: &[CqlType], returns: CqlType, body: Body| {
        vec![ScalarFunction::new(name, arguments.to_vec(), returns, body)]
    };
    let each = |arguments: &[CqlType], returns: CqlType, body: Body| {
        let each =
            arguments.iter().map(|ty| ScalarFunction::new(name, vec![ty.clone()], returns.clone(), body.clone()));
        each.collect::<Vec<_>>()
    };
    Some(match name {
        "uuid" => one(&[], Uuid, Body::Uuid),
        "now" | "current_timeuuid" | "currenttimeuuid" => one(&[], Timeuuid, Body::Now),
        "current_timestamp" | "currenttimestamp" => one(&[], Timestamp, Body::CurrentTimestamp),
        "current_date" | "currentdate" => one(&[], Date, Body::CurrentDate),
        "current_time" | "currenttime" => one(&[], Time, Body::CurrentTime),
        "min_timeuuid" | "mintimeuuid" => one(&[Timestamp], Timeuuid, Body::MinTimeuuid),
        "max_timeuuid" | "maxtimeuuid" => one(&[Timestamp], Timeuuid, Body::MaxTimeuuid),
        "to_date" | "todate" => each(&[Timeuuid, Timestamp], Date, Body::ToDate),
        "to_timestamp" | "totimestamp" => each(&[Timeuuid, Date], Timestamp, Body::ToTimestamp),
        "to_unix_timestamp" | "tounixtimestamp" => {
            each(&[Timeuuid, Timestamp, Date], CqlType::Bigint, Body::ToUnixTimestamp)
        }
        "floor" => {
            let floor = |arguments: &[CqlType], returns| one(arguments, returns, Body::Floor);
            [
                floor(&[Timestamp, Duration], Timestamp),
                floor(&[Timestamp, Duration, Timestamp], Timestamp),
                floor(&[Timeuuid, Duration], Timestamp),
                floor(&[Timeuuid, Duration, Timestamp], Timestamp),
                floor(&[Date, Duration], Date),
                floor(&[Date, Duration, Date], Date),
                floor(&[Time, Duration], Time),
            ]
            .concat()
        }
        "abs" => math(name, MathFunction::Abs),
        "exp" => math(name, MathFunction::Exp),
        "log" => math(name, MathFunction::Log),
        "log10" => math(name, MathFunction::Log10),
        "round" => math(name, MathFunction::Round),
        "_negate" => {
            let negate = NUMBERS.iter().map(|ty| ScalarFunction {
                operator: Some("-"),
                ..ScalarFunction::new(name, vec![ty.clone()], ty.clone(), Body::Negate)
            });
            negate.collect()
        }
        "_add" => arithmetic::signatures(name, ArithmeticOperator::Add),
        "_substract" => arithmetic::signatures(name, ArithmeticOperator::Subtract),
        "_multiply" => arithmetic::signatures(name, ArithmeticOperator::Multiply),
        "_divide" => arithmetic::signatures(name, ArithmeticOperator::Divide),
        "_modulo" => arithmetic::signatures(name, ArithmeticOperator::Modulo),
        _ => return blob_functions(name).or_else(|| cast::signatures(name)),
    })
}

fn math(name: &str, function: MathFunction) -> Vec<ScalarFunction> {
    let each = NUMBERS.iter().map(|ty| ScalarFunction::new(name, vec![ty.clone()], ty.clone(), Body::Math(function)));
    each.collect()
}

/// `x_as_blob`, `blob_as_x` and their old spellings.
fn blob_functions(name: &str) -> Option<Vec<ScalarFunction>> {
    let to = name.strip_suffix("_as_blob").or_else(|| name.strip_suffix("asblob"));
    let from = name.strip_prefix("blob_as_").or_else(|| name.strip_prefix("blobas"));
    let ty = |text: &str| CqlType::native(text).filter(|ty| !matches!(ty, CqlType::Blob | CqlType::Empty));
    if let Some(ty) = to.and_then(ty) {
        return Some(vec![ScalarFunction::new(name, vec![ty], CqlType::Blob, Body::ToBlob)]);
    }
    let ty = from.and_then(ty)?;
    Some(vec![ScalarFunction::new(name, vec![CqlType::Blob], ty, Body::FromBlob)])
}

/// Functions whose signature follows from the types of their arguments.
pub(super) fn of_generic(
    name: &str,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
) -> Result<Vec<ScalarFunction>, QueryError> {
    let parameter = match name {
        "to_json" | "tojson" => "any",
        "map_keys" | "map_values" => "map",
        "collection_count" => "collection",
        "collection_min" | "collection_max" | "collection_sum" | "collection_avg" => "numeric_set_or_list",
        _ => return Ok(Vec::new()),
    };
    if arguments.len() != 1 {
        return Err(QueryError::invalid(format!(
            "Invalid number of arguments for function system.{name}({parameter})"
        )));
    }
    let types: Vec<Option<CqlType>> = arguments.iter().map(|argument| argument.exact_type(receiver)).collect();
    let Some(Some(first)) = types.first() else {
        return Err(QueryError::invalid(format!(
            "Cannot infer type of argument {} in call to function system.{name}({parameter}): use type casts to disambiguate",
            arguments.first().map(|argument| argument.text()).unwrap_or_default(),
        )));
    };
    let wrong = |what: &str| {
        QueryError::invalid(format!(
            "Function system.{name} requires a {what} argument, but found argument {} of type {first}",
            arguments.first().map(|argument| argument.text()).unwrap_or_default()
        ))
    };
    let own_name = if name == "tojson" { "to_json" } else { name };
    let of = |returns: CqlType, body: Body| vec![ScalarFunction::new(own_name, vec![first.clone()], returns, body)];
    Ok(match (name, first) {
        ("to_json" | "tojson", _) => of(CqlType::Text, Body::ToJson),
        ("map_keys", CqlType::Map { key, .. }) => of(CqlType::set((**key).clone(), true), Body::MapKeys),
        ("map_values", CqlType::Map { value, .. }) => of(CqlType::list((**value).clone(), true), Body::MapValues),
        ("map_keys" | "map_values", _) => return Err(wrong("map")),
        ("collection_count", ty) if ty.is_collection() => of(CqlType::Int, Body::CollectionCount),
        ("collection_count", _) => return Err(wrong("collection")),
        (_, CqlType::List { element, .. } | CqlType::Set { element, .. }) if name.starts_with("collection_") => {
            let element = (**element).clone();
            let numeric = NUMBERS.contains(&element);
            match name {
                "collection_min" => of(element, Body::CollectionMin),
                "collection_max" => of(element, Body::CollectionMax),
                "collection_sum" if numeric => of(element, Body::CollectionSum),
                "collection_avg" if numeric => of(element, Body::CollectionAverage),
                _ => return Err(wrong("numeric set/list")),
            }
        }
        ("collection_min" | "collection_max", _) => return Err(wrong("set or list")),
        _ => return Err(wrong("numeric set/list")),
    })
}
