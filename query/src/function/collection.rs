//! Functions of collections: keys, values, count, min, max, sum, avg.

use helenus_model::value::{CollectionBuilder, Comparator, elements, encode_list, nullable_elements, nullable_entries};

use super::{Body, ScalarFunction};
use crate::error::QueryError;

pub(super) fn map_keys(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(encode_list(nullable_entries(bytes).map(|(key, _)| key)))
}

pub(super) fn map_values(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut values = CollectionBuilder::default();
    nullable_entries(bytes).for_each(|(_, value)| values.push_nullable(value));
    Some(values.finish())
}

pub(super) fn count(bytes: &[u8]) -> Option<Vec<u8>> {
    Some((elements(bytes).left() as i32).to_be_bytes().to_vec())
}

pub(super) fn aggregate(function: &ScalarFunction, bytes: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let ty = &function.return_type;
    let order = Comparator::for_type(ty);
    // As in aggregates of rows, nulls do not count.
    let elements = || nullable_elements(bytes).flatten();
    Ok(match function.body {
        Body::CollectionMin => elements().min_by(|a, b| order.compare(a, b)).map(<[u8]>::to_vec),
        Body::CollectionMax => elements().max_by(|a, b| order.compare(a, b)).map(<[u8]>::to_vec),
        Body::CollectionSum => crate::select::sum_of(ty, elements())?,
        _ => crate::select::average_of(ty, elements())?,
    })
}
