//! The partition keys a WHERE names.

use std::borrow::Cow;
use std::cmp::Ordering;

use helenus_cql::ast::Operator;
use helenus_model::key::{KeyRef, put_composite_component, split_partition_key};
use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::schema::Table;
use helenus_model::value::Comparator;

use super::{GroupIn, GroupTerm, Restrictions, TokenRestriction, key_too_long};
use crate::error::QueryError;
use crate::values::{BoundValues, ExecuteOptions};

/// What is said about one partition-key column.
#[derive(Clone, Debug)]
pub enum KeyPart {
    /// `=`
    Equal(GroupTerm),
    /// `IN`
    In(GroupIn),
    /// An inequality: filters only.
    Compare(Vec<(Operator, GroupTerm)>),
}

/// What is said about the partition key.
#[derive(Clone, Debug)]
pub enum PartitionRestriction {
    /// Nothing, or not enough to name partitions (the rest is among the filters then): all partitions.
    All,
    /// Every column by = or IN.
    Keys(Vec<KeyPart>),
    /// A range of tokens.
    Token(TokenRestriction),
}

impl PartitionRestriction {
    /// True when a whole key is given, by = only.
    pub fn is_single_key(&self) -> bool {
        matches!(self, PartitionRestriction::Keys(parts) if parts.iter().all(|part| matches!(part, KeyPart::Equal(_))))
    }
}

impl Restrictions {
    /// The partition keys that are named and whose tokens lie where they must, each once, in the order they are met; empty for an empty
    /// IN. None when the keys are not named one by one.
    ///
    /// # Errors
    /// Null and unset values. Empty keys and keys beyond 65535 bytes are not told here.
    pub fn partition_keys(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Option<Vec<Box<[u8]>>>, QueryError> {
        let PartitionRestriction::Keys(parts) = &self.partition else { return Ok(None) };
        let mut columns = Vec::with_capacity(parts.len());
        for (part, column) in parts.iter().zip(&self.table.partition_key) {
            let found = part_values(part, &column.name, values, options)?;
            if found.is_empty() {
                // Behind an empty IN nothing is looked at.
                return Ok(Some(Vec::new()));
            }
            columns.push(found);
        }
        check_product(columns.iter().map(Vec::len))?;
        let mut keys: Vec<Box<[u8]>> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        for combination in combinations(&columns) {
            let mut key = Vec::new();
            append_key(&mut key, &combination)?;
            let key: Box<[u8]> = key.into();
            if seen.insert(key.clone()) {
                keys.push(key);
            }
        }
        // Nothing is said of keys that lie elsewhere.
        if let Some(tokens) = &self.key_tokens {
            let is_between = tokens.contains(values, options)?;
            keys.retain(|key| is_between(KeyRef::new(key)));
        }
        Ok(Some(keys))
    }
}

fn part_values<'v>(
    part: &'v KeyPart,
    name: &str,
    values: &'v dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Vec<Cow<'v, [u8]>>, QueryError> {
    match part {
        KeyPart::Equal(term) => term.evaluate(&[name], values, options),
        KeyPart::In(list) => Ok(list.evaluate(&[name], values, options)?.into_iter().flatten().collect()),
        KeyPart::Compare(_) => Ok(Vec::new()),
    }
}

/// Every choice of one value a column; the caller has checked that they are not too many.
fn combinations<'a>(columns: &'a [Vec<Cow<'a, [u8]>>]) -> Vec<Vec<&'a [u8]>> {
    let mut all: Vec<Vec<&[u8]>> = vec![Vec::new()];
    for column in columns {
        let mut longer = Vec::with_capacity(all.len() * column.len());
        for head in &all {
            for value in column {
                let mut row = head.clone();
                row.push(value);
                longer.push(row);
            }
        }
        all = longer;
    }
    all
}

/// Appends a partition key made of its columns' values; whether it is a good one is not looked at.
///
/// # Errors
/// It is longer than any key.
fn append_key(out: &mut Vec<u8>, values: &[&[u8]]) -> Result<(), QueryError> {
    match values {
        [only] => out.extend_from_slice(only),
        several => {
            let length: usize = several.iter().map(|value| value.len()).sum();
            if length > KEY_BYTES_MAX {
                return Err(key_too_long(length));
            }
            for value in several {
                put_composite_component(out, value);
            }
        }
    }
    Ok(())
}

/// Most keys or clusterings the INs of one statement may multiply to: what a request may make a node hold.
const PRODUCT_MAX: usize = 65_535;

/// Checks how many combinations lists of these lengths have.
pub(crate) fn check_product(mut lengths: impl Iterator<Item = usize>) -> Result<(), QueryError> {
    let product = lengths.try_fold(1_usize, |product, length| product.checked_mul(length));
    match product {
        Some(..=PRODUCT_MAX) => Ok(()),
        _ => Err(QueryError::invalid(format!(
            "The cartesian product of values in IN conditions is greater than {PRODUCT_MAX}"
        ))),
    }
}

/// Names of the partition-key columns that have no part.
pub(super) fn missing_columns(table: &Table, parts: &[Option<KeyPart>]) -> Vec<String> {
    let missing = table.partition_key.iter().zip(parts).filter(|(_, part)| part.is_none());
    missing.map(|(column, _)| column.name.clone()).collect()
}

/// IN gives its partitions in the order of the key's values, not of their tokens; of values that are the same number in other
/// bytes (1.0 and 1.00) the one named first.
pub(crate) fn sort_keys(table: &Table, keys: &mut Vec<Box<[u8]>>) {
    let orders: Vec<Comparator> = table.partition_key.iter().map(|column| Comparator::for_type(&column.ty)).collect();
    let compare = |a: &[u8], b: &[u8]| {
        let (Ok(a), Ok(b)) = (split_partition_key(a, orders.len()), split_partition_key(b, orders.len())) else {
            return a.cmp(b);
        };
        let each = orders.iter().zip(a.iter().zip(&b)).map(|(order, (a, b))| order.compare(a, b));
        each.fold(Ordering::Equal, Ordering::then)
    };
    keys.sort_by(|a, b| compare(a, b));
    keys.dedup_by(|a, b| compare(a, b).is_eq());
}
