//! Functions of collections: keys, values, count, min, max, sum, avg.

use helenus_cql::ast::ArithmeticOperator;
use helenus_model::types::CqlType;
use helenus_model::value::{Comparator, elements, encode_list, entries};

use super::{Body, ScalarFunction, arithmetic};
use crate::error::QueryError;

pub(super) fn map_keys(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(encode_list(entries(bytes).map(|(key, _)| key)))
}

pub(super) fn map_values(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(encode_list(entries(bytes).map(|(_, value)| value)))
}

pub(super) fn count(bytes: &[u8]) -> Option<Vec<u8>> {
    Some((elements(bytes).left() as i32).to_be_bytes().to_vec())
}

pub(super) fn aggregate(function: &ScalarFunction, bytes: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let ty = &function.return_type;
    let order = Comparator::for_type(ty);
    Ok(match function.body {
        Body::CollectionMin => elements(bytes).min_by(|a, b| order.compare(a, b)).map(<[u8]>::to_vec),
        Body::CollectionMax => elements(bytes).max_by(|a, b| order.compare(a, b)).map(<[u8]>::to_vec),
        Body::CollectionSum => Some(sum(ty, bytes)?),
        _ => {
            let count = elements(bytes).count() as i64;
            if count == 0 {
                return Ok(super::number::Number::Long(0).encode(ty).ok().flatten());
            }
            let wide = wide_type(ty);
            let total = sum_as(ty, &wide, bytes)?;
            let count =
                super::number::Number::Long(count).encode(&wide).map_err(QueryError::invalid)?.unwrap_or_default();
            let average = apply(ArithmeticOperator::Divide, &wide, &total, &count)?;
            super::cast::cast(&wide, ty, &average)?
        }
    })
}

/// Averages of integers are taken without overflow.
fn wide_type(ty: &CqlType) -> CqlType {
    match ty {
        CqlType::Float | CqlType::Double => CqlType::Double,
        CqlType::Decimal => CqlType::Decimal,
        _ => CqlType::Varint,
    }
}

fn sum(ty: &CqlType, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    sum_as(ty, ty, bytes)
}

fn sum_as(ty: &CqlType, wide: &CqlType, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    let zero = super::number::Number::Long(0).encode(wide).map_err(QueryError::invalid)?;
    let mut total = zero.unwrap_or_default();
    for element in elements(bytes) {
        let Some(element) = super::cast::cast(ty, wide, element)? else { continue };
        total = apply(ArithmeticOperator::Add, wide, &total, &element)?;
    }
    Ok(total)
}

fn apply(operator: ArithmeticOperator, ty: &CqlType, left: &[u8], right: &[u8]) -> Result<Vec<u8>, QueryError> {
    let function = ScalarFunction {
        operator: Some(operator.symbol()),
        ..ScalarFunction::new(
            super::operation_name(operator),
            vec![ty.clone(), ty.clone()],
            ty.clone(),
            Body::Arithmetic(operator),
        )
    };
    Ok(arithmetic::operate(&function, operator, &[left, right])?.unwrap_or_default())
}
