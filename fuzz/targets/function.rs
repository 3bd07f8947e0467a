//! Any text as the body of a user function: compiling ends without a panic, what compiles runs within its limits, and what it
//! returns is a value of its type.
#![no_main]

use std::sync::Arc;

use helenus_fuzz::input::Input;
use helenus_model::types::{CqlType, UdtDefinition};
use helenus_model::value::{canonical_collection, validate};
use helenus_script::{Function, Signature};
use libfuzzer_sys::fuzz_target;

fn types() -> [CqlType; 16] {
    let fields = vec![("n".to_owned(), CqlType::Int), ("t".to_owned(), CqlType::Text)];
    let definition = UdtDefinition { keyspace: "ks".to_owned(), name: "u".to_owned(), fields };
    [
        CqlType::Int,
        CqlType::Bigint,
        CqlType::Double,
        CqlType::Float,
        CqlType::Boolean,
        CqlType::Text,
        CqlType::Blob,
        CqlType::Varint,
        CqlType::Decimal,
        CqlType::Timestamp,
        CqlType::Smallint,
        CqlType::list(CqlType::Int, true),
        CqlType::set(CqlType::Text, true),
        CqlType::map(CqlType::Text, CqlType::Double, true),
        CqlType::tuple(vec![CqlType::Int, CqlType::Text]),
        CqlType::Udt { definition: Arc::new(definition), frozen: true },
    ]
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let types = types();
    let any = |byte: u8| types[usize::from(byte) % types.len()].clone();
    let (a, b, result) = (any(input.byte()), any(input.byte()), any(input.byte()));
    let called_on_null_input = input.byte() & 1 == 1;
    let values = [input.short(), input.short()];
    let Ok(body) = std::str::from_utf8(input.rest()) else { return };
    let arguments = [("a".to_owned(), a), ("b".to_owned(), b)];
    let udts: Vec<Arc<UdtDefinition>> = types
        .iter()
        .filter_map(|ty| if let CqlType::Udt { definition, .. } = ty { Some(Arc::clone(definition)) } else { None })
        .collect();
    let signature =
        Signature { arguments: &arguments, return_type: &result, called_on_null_input, body, types: &udts };
    let function = match Function::compile(&signature) {
        Ok(function) => function,
        Err(error) => {
            assert!(!error.message.is_empty() && error.line > 0, "{body:?}: {error:?}");
            return;
        }
    };
    // Only valid values reach a function; an argument that is none becomes null.
    let valid: Vec<Option<&[u8]>> = arguments
        .iter()
        .zip(values)
        .map(|((_, ty), bytes)| {
            let is_valid = validate(ty, bytes).is_ok() && canonical_collection(ty, bytes) == bytes;
            is_valid.then_some(bytes)
        })
        .collect();
    match function.call(&valid) {
        Ok(Some(bytes)) => assert_eq!(validate(&result, &bytes), Ok(()), "{body:?}"),
        Ok(None) => {}
        Err(failure) => assert!(!failure.0.is_empty(), "{body:?}"),
    }
});
