//! `blob_as_x`.

use helenus_model::types::CqlType;
use helenus_model::value::{to_cql_literal, validate};

use super::ScalarFunction;
use crate::error::QueryError;

pub(super) fn from_blob(function: &ScalarFunction, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    match validate(&function.return_type, bytes) {
        Ok(()) => Ok(bytes.to_vec()),
        Err(_) => Err(QueryError::invalid(format!(
            "In call to function system.{}, value {} is not a valid binary representation for type {}",
            function.name,
            to_cql_literal(&CqlType::Blob, bytes),
            function.return_type
        ))),
    }
}
