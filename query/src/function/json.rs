//! `from_json`: its result has the type of the place it stands at.

use helenus_model::types::CqlType;
use helenus_model::value::{EMPTY_IN_VECTOR, Json, ValueError, from_json};

use super::{Argument, Body, ScalarFunction};
use crate::error::QueryError;
use crate::spec::ColumnSpec;

pub(super) fn signatures(
    name: &str,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
) -> Result<Vec<ScalarFunction>, QueryError> {
    let [argument] = arguments else {
        return Err(QueryError::invalid(format!("Invalid number of arguments for function system.{name}(text)")));
    };
    if let Some(found) = argument.exact_type(receiver)
        && !matches!(found, CqlType::Text | CqlType::Ascii)
    {
        return Err(QueryError::invalid(format!(
            "Function system.{name} requires an argument of type text, but found argument {} of type {found}",
            argument.text()
        )));
    }
    match wanted {
        Some(wanted) => Ok(vec![ScalarFunction::new("from_json", vec![CqlType::Text], wanted.clone(), Body::FromJson)]),
        None => {
            Err(QueryError::invalid(format!("{name}() cannot be used in the selection clause of a SELECT statement")))
        }
    }
}

pub(super) fn from_text(function: &ScalarFunction, text: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let text = String::from_utf8_lossy(text);
    let json = Json::parse(&text).map_err(|error| {
        let reason = json_reason(&error);
        function.failure(format!(
            "execution of 'system.{}[text]' failed: Could not decode JSON string '{text}': {reason}",
            function.name
        ))
    })?;
    from_json(&function.return_type, &json).map_err(|error| match error.message() {
        // Not one of Cassandra's own exceptions of values.
        text if is_told_alone(text) => QueryError::invalid(text),
        text => function.failure(format!("org.apache.cassandra.serializers.MarshalException: {text}")),
    })
}

/// What is wrong with a text that is no JSON.
pub(crate) fn json_reason(error: &ValueError) -> &str {
    error.message().strip_prefix("Error decoding JSON string: ").unwrap_or(error.message())
}

/// Words for a duration that cannot be read, and for empty elements of vectors: told as they are, wherever they stand.
pub(crate) fn is_told_alone(text: &str) -> bool {
    text == EMPTY_IN_VECTOR
        || text.starts_with("Unable to convert '") && text.ends_with("' to a duration")
        || text.starts_with("Invalid duration. ")
}
