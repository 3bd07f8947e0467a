//! Functions of collections: keys, values, count, min, max, sum, avg.

use helenus_model::value::{Comparator, elements, encode_list, entries};

use super::{Body, ScalarFunction};
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
        Body::CollectionSum => crate::select::sum_of(ty, elements(bytes))?,
        _ => crate::select::average_of(ty, elements(bytes))?,
    })
}
