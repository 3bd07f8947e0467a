//! What ALLOW FILTERING allows: tests of every row at the coordinator, after the replicas' answers were reconciled.

use std::cmp::Ordering;

use helenus_cql::ast::Operator;
use helenus_model::schema::Column;
use helenus_model::types::CqlType;
use helenus_model::value::{Comparator, elements, entries};

use super::assemble::{Inputs, RowView, Source};
use crate::error::QueryError;
use crate::restrict::{Filter, FilterTest, GroupTerm, tested_values, unsupported_null};
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions};

/// A filter of the statement and the inputs it looks at.
#[derive(Clone, Debug)]
pub(super) struct FilterPlan {
    filter: Filter,
    inputs: Vec<u16>,
    order: Vec<Comparator>,
    key_order: Comparator,
}

impl FilterPlan {
    /// Finds the filter's columns among the inputs.
    pub(super) fn new(filter: Filter, inputs: &mut Inputs) -> Self {
        let numbers = filter.columns.iter().map(|column| inputs.add(Source::of_column(column))).collect();
        let order = filter.columns.iter().map(|column| tested_order(column, &filter.test)).collect();
        let key_order = match filter.columns.first().map(|column| &column.ty) {
            Some(CqlType::Map { key, .. }) => Comparator::for_type(key),
            _ => Comparator::Bytes,
        };
        FilterPlan { filter, inputs: numbers, order, key_order }
    }

    /// The test with its values known.
    ///
    /// # Errors
    /// Null and unset values, bytes that are no value of their type.
    pub(super) fn evaluate(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<Check, QueryError> {
        let names: Vec<&str> = self.filter.columns.iter().map(|column| column.name.as_str()).collect();
        let one = |term: &Term| match term.evaluate(values, options)? {
            Value::Bytes(bytes) => Ok(bytes.into_owned().into_boxed_slice()),
            Value::Null => Err(unsupported_null(&names.join(", "))),
            Value::Unset => {
                Err(QueryError::invalid(format!("Unsupported unset value for column {}", names.join(", "))))
            }
        };
        let owned = |row: Vec<std::borrow::Cow<'_, [u8]>>| -> Vec<Box<[u8]>> {
            row.into_iter().map(|value| value.into_owned().into_boxed_slice()).collect()
        };
        let (kind, rows) = match &self.filter.test {
            FilterTest::Compare { operator, .. } if self.filter.multi && *operator != Operator::Equal => {
                return Err(QueryError::invalid("Multi-column slice restrictions cannot be used for filtering."));
            }
            FilterTest::In(_) if self.filter.columns.len() > 1 => {
                return Err(QueryError::invalid("Multicolumn IN filters are not supported"));
            }
            FilterTest::Compare { operator, value } => {
                let row = match value {
                    GroupTerm::Elements(terms) => terms.iter().map(&one).collect::<Result<_, _>>()?,
                    several => owned(several.evaluate_or(&names, values, options, &unsupported_null)?),
                };
                // A bound tuple may end early: what is not there is null.
                if let Some(name) = names.get(row.len()) {
                    return Err(unsupported_null(name));
                }
                let kind = match operator {
                    Operator::Less => CheckKind::Order(&[Ordering::Less]),
                    Operator::LessOrEqual => CheckKind::Order(&[Ordering::Less, Ordering::Equal]),
                    Operator::Greater => CheckKind::Order(&[Ordering::Greater]),
                    Operator::GreaterOrEqual => CheckKind::Order(&[Ordering::Greater, Ordering::Equal]),
                    _ => CheckKind::Among,
                };
                (kind, vec![row])
            }
            FilterTest::In(list) => {
                let name = names.first().copied().unwrap_or_default();
                let rows = tested_values(list, name, values, options)?;
                (CheckKind::Among, rows.into_iter().map(|value| vec![value]).collect())
            }
            FilterTest::Contains(term) => {
                let map = matches!(self.filter.columns.first().map(|column| &column.ty), Some(CqlType::Map { .. }));
                (if map { CheckKind::MapValue } else { CheckKind::Element }, vec![vec![one(term)?]])
            }
            FilterTest::ContainsKey(term) => (CheckKind::MapKey, vec![vec![one(term)?]]),
            FilterTest::Element { key, value } => {
                let part = |term: &Term, what: &str| match term.evaluate(values, options)? {
                    Value::Bytes(bytes) => Ok(bytes.into_owned().into_boxed_slice()),
                    absent => {
                        let kind = if absent == Value::Null { "null" } else { "unset" };
                        let name = names.join(", ");
                        Err(QueryError::invalid(format!("Unsupported {kind} map {what} for column {name}")))
                    }
                };
                (CheckKind::Entry(part(key, "key")?, self.key_order.clone()), vec![vec![part(value, "value")?]])
            }
        };
        Ok(Check { inputs: self.inputs.clone(), order: self.order.clone(), kind, rows })
    }
}

/// The order of what is compared: the column's values or those inside them.
fn tested_order(column: &Column, test: &FilterTest) -> Comparator {
    let ty = match (test, &column.ty) {
        (FilterTest::Contains(_), CqlType::List { element, .. } | CqlType::Set { element, .. }) => element,
        (FilterTest::Contains(_) | FilterTest::Element { .. }, CqlType::Map { value, .. }) => value,
        (FilterTest::ContainsKey(_), CqlType::Map { key, .. }) => key,
        (_, ty) => ty,
    };
    Comparator::for_type(ty)
}

#[derive(Clone, Debug)]
enum CheckKind {
    Among,
    Order(&'static [Ordering]),
    Element,
    MapKey,
    MapValue,
    Entry(Box<[u8]>, Comparator),
}

/// A test of one execution.
#[derive(Clone, Debug)]
pub(super) struct Check {
    inputs: Vec<u16>,
    order: Vec<Comparator>,
    kind: CheckKind,
    rows: Vec<Vec<Box<[u8]>>>,
}

impl Check {
    /// True when the row passes. Null never does.
    pub(super) fn passes(&self, row: &RowView<'_>) -> bool {
        match &self.kind {
            CheckKind::Among => self.rows.iter().any(|wanted| self.compare(row, wanted) == Some(Ordering::Equal)),
            CheckKind::Order(orders) => {
                self.rows.iter().all(|wanted| self.compare(row, wanted).is_some_and(|order| orders.contains(&order)))
            }
            CheckKind::Element => self.value(row).is_some_and(|value| elements(value).any(|e| self.equals(e))),
            CheckKind::MapKey => self.value(row).is_some_and(|value| entries(value).any(|(key, _)| self.equals(key))),
            CheckKind::MapValue => self.value(row).is_some_and(|value| entries(value).any(|(_, v)| self.equals(v))),
            CheckKind::Entry(key, key_order) => self.value(row).is_some_and(|value| {
                entries(value).any(|(found, value)| key_order.compare(found, key).is_eq() && self.equals(value))
            }),
        }
    }

    fn value<'a>(&self, row: &RowView<'a>) -> Option<&'a [u8]> {
        row.value(*self.inputs.first()?)
    }

    fn equals(&self, value: &[u8]) -> bool {
        let wanted = self.rows.first().and_then(|row| row.first());
        matches!((wanted, self.order.first()), (Some(wanted), Some(order)) if order.compare(value, wanted).is_eq())
    }

    /// The columns against a row of values, the first difference deciding; None when a column is null.
    fn compare(&self, row: &RowView<'_>, wanted: &[Box<[u8]>]) -> Option<Ordering> {
        for ((input, order), wanted) in self.inputs.iter().zip(&self.order).zip(wanted) {
            match order.compare(row.value(*input)?, wanted) {
                Ordering::Equal => {}
                unequal => return Some(unequal),
            }
        }
        Some(Ordering::Equal)
    }
}
