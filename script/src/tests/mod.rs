//! Bodies with arguments, and what they give: a table a feature.

mod bodies;

use helenus_model::types::{CqlType, parse_cql_type};
use helenus_model::value::to_text;

use crate::{Function, Signature};

/// Compiles and calls a body. The signature is `CALLED` or `NULL`, types of the arguments, `->`, type of the result; arguments are named
/// a, b, c. Values are texts of the types; `null` is null. The answer is the text of the result, `! ` and an exception, or `? ` and why
/// the body was refused.
fn answer(signature: &str, body: &str, values: &[&str]) -> String {
    let (arguments, return_type) = signature.split_once(" -> ").expect("a signature");
    let (called, arguments) = match arguments.strip_prefix("CALLED ") {
        Some(arguments) => (true, arguments),
        None => (false, arguments),
    };
    let ty = |text: &str| -> CqlType { parse_cql_type(text.trim(), "ks", &|_, _| None).expect("a type") };
    let arguments: Vec<(String, CqlType)> = arguments
        .split(';')
        .filter(|text| !text.trim().is_empty())
        .zip(["a", "b", "c", "d"])
        .map(|(text, name)| (name.to_owned(), ty(text)))
        .collect();
    let return_type = ty(return_type);
    let signature =
        Signature { arguments: &arguments, return_type: &return_type, called_on_null_input: called, body, types: &[] };
    let function = match Function::compile(&signature) {
        Ok(function) => function,
        Err(error) => return format!("? {}: {}", error.line, error.message),
    };
    let values: Vec<Option<Vec<u8>>> =
        values.iter().zip(&arguments).map(|(text, (_, ty))| (*text != "null").then(|| encoded(ty, text))).collect();
    let values: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
    match function.call(&values) {
        Ok(Some(bytes)) => to_text(&return_type, &bytes),
        Ok(None) => "null".to_owned(),
        Err(failure) => format!("! {}", failure.0),
    }
}

/// A value of a type: collections as JSON, all others as text.
fn encoded(ty: &CqlType, text: &str) -> Vec<u8> {
    if ty.is_collection() || matches!(ty, CqlType::Tuple(_) | CqlType::Vector { .. }) {
        let json = helenus_model::value::Json::parse(text).expect("JSON");
        return helenus_model::value::from_json(ty, &json).expect("a value").expect("not null");
    }
    helenus_model::value::parse_text(ty, text).expect("a value")
}

/// Checks one table.
fn check(table: &[(&str, &str, &[&str], &str)]) {
    for (signature, body, values, expected) in table {
        assert_eq!(answer(signature, body, values), *expected, "{signature}: {body} of {values:?}");
    }
}
