//! Conditions with their values known, and whether a row fits them.

use std::borrow::Cow;
use std::cmp::Ordering;

use helenus_cql::ast::Operator;
use helenus_model::row::RowRef;
use helenus_model::schema::Column;
use helenus_model::time::LocalSeconds;
use helenus_model::types::CqlType;
use helenus_model::value::{Comparator, canonical_collection, components, decode_int, elements, entries};

use super::condition::{ColumnCondition, Target, Values};
use super::current;
use crate::error::QueryError;
use crate::term::{Term, Value, has_empty_null, validate_bound, without_nulls};
use crate::values::{BoundValue, BoundValues, ExecuteOptions};

/// A value of a condition; None is null.
type Wanted = Option<Box<[u8]>>;

/// A condition of one execution.
#[derive(Clone, Debug)]
pub(super) struct BoundCondition {
    pub(super) column: Column,
    target: BoundTarget,
    operator: Operator,
    /// One of them must fit.
    values: Vec<Wanted>,
    /// A value is unset, which is told when a row is tested.
    is_unset: bool,
    /// The order of what is compared.
    order: Comparator,
}

#[derive(Clone, Debug)]
enum BoundTarget {
    Whole,
    Key(Box<[u8]>, Comparator),
    Index(i32),
    Field(u16),
    /// What is wrong with the key or the index, told when a row is tested.
    Wrong(QueryError),
}

/// The values of `IN ?`. Nulls are among them, unlike elsewhere; only equality is asked for, so their place does not matter.
fn wanted_list(ty: &CqlType, list: &[u8]) -> Result<Vec<Wanted>, QueryError> {
    let (list, nulls) = without_nulls(list).map_or((Cow::Borrowed(list), 0), |(left, nulls)| (Cow::Owned(left), nulls));
    validate_bound(ty, &list)?;
    let empty_is_null = has_empty_null(ty, &list);
    let list = canonical_collection(ty, &list);
    let wanted = elements(&list).map(|element| (!(empty_is_null && element.is_empty())).then(|| element.into()));
    Ok(wanted.chain(std::iter::repeat_n(None, nulls)).collect())
}

fn unset() -> QueryError {
    QueryError::invalid("Invalid 'unset' value in condition")
}

impl BoundCondition {
    pub(super) fn new(
        condition: &ColumnCondition,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Self, QueryError> {
        let ColumnCondition { column, target, operator, values: wanted } = condition;
        let mut is_unset = false;
        let mut one = |term: &Term| -> Result<Wanted, QueryError> {
            Ok(match term.evaluate(values, options)? {
                Value::Bytes(bytes) => Some(bytes.into_owned().into_boxed_slice()),
                Value::Null => None,
                Value::Unset => {
                    is_unset = true;
                    None
                }
            })
        };
        let target = match target {
            Target::Whole => BoundTarget::Whole,
            Target::Field(place) => BoundTarget::Field(*place),
            Target::Element(term) => bound_element(&column.ty, term, values, options)?,
        };
        let values = match wanted {
            Values::One(term) => vec![one(term)?],
            Values::List(terms) => {
                let mut list = Vec::with_capacity(terms.len());
                for term in terms {
                    match term.evaluate(values, options)? {
                        Value::Unset => {}
                        Value::Null => list.push(None),
                        Value::Bytes(bytes) => list.push(Some(bytes.into_owned().into_boxed_slice())),
                    }
                }
                list
            }
            Values::Marker { index, ty } => match values.get(usize::from(*index)) {
                BoundValue::Unset => return Err(unset()),
                BoundValue::Null => return Err(QueryError::invalid("Invalid null list in IN condition")),
                BoundValue::Bytes(list) => wanted_list(ty, list)?,
            },
        };
        let order = Comparator::for_type(&compared_type(&column.ty, &target, *operator));
        Ok(BoundCondition { column: column.clone(), target, operator: *operator, values, is_unset, order })
    }

    /// Whether a row fits; None is a row that is not there.
    pub(super) fn fits(&self, row: Option<RowRef<'_>>, now: LocalSeconds) -> Result<bool, QueryError> {
        let value = row.and_then(|row| current::value(row, &self.column, now));
        let value = match &self.target {
            BoundTarget::Whole => value,
            BoundTarget::Wrong(error) => return Err(error.clone()),
            BoundTarget::Field(place) => {
                let field = value.as_deref().and_then(|value| components(value).nth(usize::from(*place)));
                field.flatten().map(<[u8]>::to_vec)
            }
            BoundTarget::Key(key, order) => value.as_deref().and_then(|value| {
                entries(value).find(|(found, _)| order.compare(found, key).is_eq()).map(|(_, value)| value.to_vec())
            }),
            // A frozen list that is null has no index to be wrong.
            BoundTarget::Index(_) if value.is_none() && !self.column.ty.is_multi_cell() => None,
            BoundTarget::Index(index) => {
                let index = usize::try_from(*index)
                    .map_err(|_| QueryError::invalid(format!("Invalid negative list index {index}")))?;
                value.as_deref().and_then(|value| elements(value).nth(index)).map(<[u8]>::to_vec)
            }
        };
        if self.is_unset {
            return Err(unset());
        }
        for wanted in &self.values {
            if self.fits_one(value.as_deref(), wanted.as_deref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The kind of a whole collection of cells that is compared with another. One without elements is null.
    fn collection_of_cells(&self) -> Option<&'static str> {
        let compares = !matches!(self.operator, Operator::Contains | Operator::ContainsKey);
        match &self.column.ty {
            _ if !compares || !matches!(self.target, BoundTarget::Whole) => None,
            CqlType::List { frozen: false, .. } => Some("list"),
            CqlType::Set { frozen: false, .. } => Some("set"),
            CqlType::Map { frozen: false, .. } => Some("map"),
            _ => None,
        }
    }

    fn fits_empty(&self, value: Option<&[u8]>, kind: &str) -> Result<bool, QueryError> {
        match self.operator {
            Operator::Equal => Ok(value.is_none()),
            Operator::NotEqual => Ok(value.is_some()),
            operator => Err(QueryError::invalid(format!(
                "Invalid comparison with an empty {kind} for operator \"{}\"",
                operator.symbol()
            ))),
        }
    }

    fn fits_one(&self, value: Option<&[u8]>, wanted: Option<&[u8]>) -> Result<bool, QueryError> {
        let Some(wanted) = wanted else {
            return match self.operator {
                Operator::Equal => Ok(value.is_none()),
                Operator::NotEqual => Ok(value.is_some()),
                operator => Err(QueryError::invalid(format!(
                    "Invalid comparison with null for operator \"{}\"",
                    operator.symbol()
                ))),
            };
        };
        if let Some(kind) = self.collection_of_cells()
            && elements(wanted).left() == 0
        {
            return self.fits_empty(value, kind);
        }
        let Some(value) = value else { return Ok(self.operator == Operator::NotEqual) };
        let order = || self.order.compare(value, wanted);
        let same = |part: &[u8]| self.order.compare(part, wanted).is_eq();
        let is_map = matches!(self.column.ty, CqlType::Map { .. });
        Ok(match self.operator {
            Operator::Equal => order().is_eq(),
            Operator::NotEqual => order().is_ne(),
            Operator::Less => order() == Ordering::Less,
            Operator::LessOrEqual => order().is_le(),
            Operator::Greater => order() == Ordering::Greater,
            Operator::GreaterOrEqual => order().is_ge(),
            Operator::Contains if is_map => entries(value).any(|(_, part)| same(part)),
            Operator::Contains => elements(value).any(same),
            Operator::ContainsKey => entries(value).any(|(key, _)| same(key)),
            Operator::Like => false,
        })
    }
}

fn bound_element(
    ty: &CqlType,
    term: &Term,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<BoundTarget, QueryError> {
    let kind = if matches!(ty, CqlType::Map { .. }) { "map" } else { "list" };
    let wrong =
        |what: &str| BoundTarget::Wrong(QueryError::invalid(format!("Invalid {what} value for {kind} element access")));
    let element = match term.evaluate(values, options)? {
        Value::Bytes(bytes) => bytes,
        // In Cassandra an unset key is an empty one.
        Value::Unset if kind == "map" => std::borrow::Cow::Borrowed(&[][..]),
        Value::Null => return Ok(wrong("null")),
        Value::Unset => return Ok(wrong("unset")),
    };
    Ok(match ty {
        CqlType::Map { key, .. } => BoundTarget::Key(element.into(), Comparator::for_type(key)),
        _ => match decode_int(&element) {
            Some(index) => BoundTarget::Index(index),
            None => wrong("null"),
        },
    })
}

/// The type of what is compared: the column's, or of a part of it.
fn compared_type(ty: &CqlType, target: &BoundTarget, operator: Operator) -> CqlType {
    match (target, operator, ty) {
        (BoundTarget::Field(place), _, CqlType::Udt { definition, .. }) => {
            definition.fields.get(usize::from(*place)).map_or_else(|| ty.clone(), |(_, ty)| ty.clone())
        }
        (BoundTarget::Whole, Operator::ContainsKey, CqlType::Map { key, .. }) => (**key).clone(),
        (
            BoundTarget::Key(..) | BoundTarget::Index(_),
            _,
            CqlType::Map { value: part, .. } | CqlType::List { element: part, .. },
        )
        | (
            BoundTarget::Whole,
            Operator::Contains,
            CqlType::Map { value: part, .. } | CqlType::List { element: part, .. } | CqlType::Set { element: part, .. },
        ) => (**part).clone(),
        _ => ty.clone(),
    }
}
