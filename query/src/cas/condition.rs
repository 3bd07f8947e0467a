//! Conditions checked against their table.

use helenus_cql::ast::{self, Condition, ConditionTarget, ConditionTest, InValues, Operator};
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::types::CqlType;

use crate::error::QueryError;
use crate::restrict::existing_column;
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term};

/// What must hold for a write to be applied.
#[derive(Clone, Debug)]
pub enum Conditions {
    /// `IF NOT EXISTS`
    NotExists,
    /// `IF EXISTS`
    Exists,
    /// `IF c = 1 AND …`
    Columns(Vec<ColumnCondition>),
}

/// One condition on a column.
#[derive(Clone, Debug)]
pub struct ColumnCondition {
    /// The column.
    pub column: Column,
    pub(super) target: Target,
    /// `=` for IN.
    pub(super) operator: Operator,
    pub(super) values: Values,
}

/// The part of the column that is looked at.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Whole,
    /// A map's key or a list's index.
    Element(Term),
    /// A field of a user-defined type, by number.
    Field(u16),
}

/// What it is compared with: one of these must fit.
#[derive(Clone, Debug)]
pub(super) enum Values {
    One(Term),
    List(Vec<Term>),
    /// `IN ?`: a list of values, and its type.
    Marker {
        index: u16,
        ty: CqlType,
    },
}

impl Conditions {
    /// The conditions of UPDATE and DELETE.
    ///
    /// # Errors
    /// Cassandra's refusals, in its words.
    pub fn prepare(
        conditions: &ast::Conditions,
        table: &Table,
        preparer: &mut Preparer<'_>,
    ) -> Result<Option<Self>, QueryError> {
        Ok(match conditions {
            ast::Conditions::None => None,
            ast::Conditions::IfExists => Some(Conditions::Exists),
            ast::Conditions::If(list) => {
                let list = list.iter().map(|condition| prepare_one(condition, table, preparer));
                Some(Conditions::Columns(list.collect::<Result<_, _>>()?))
            }
        })
    }

    fn any_of(&self, kind: ColumnKind) -> bool {
        matches!(self, Conditions::Columns(list) if list.iter().any(|condition| condition.column.kind == kind))
    }

    /// Whether one of them looks at a regular column.
    pub fn look_at_regulars(&self) -> bool {
        self.any_of(ColumnKind::Regular)
    }

    /// Whether one of them looks at a static column.
    pub fn look_at_statics(&self) -> bool {
        self.any_of(ColumnKind::Static)
    }
}

fn prepare_one(
    condition: &Condition,
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<ColumnCondition, QueryError> {
    let column = existing_column(table, &condition.column)?;
    if column.ty == CqlType::Counter {
        return Err(QueryError::invalid("Conditions on counters are not supported"));
    }
    let whole = ColumnSpec::of_column(table, column);
    let name = &column.name;
    let (target, spec) = match &condition.target {
        ConditionTarget::Column => (Target::Whole, whole),
        ConditionTarget::Element(key) => {
            let (key_spec, spec) = match &column.ty {
                CqlType::List { element, .. } => (
                    whole.inner(format!("idx({name})"), CqlType::Int),
                    whole.inner(format!("value({name})"), (**element).clone()),
                ),
                CqlType::Map { key, value, .. } => (
                    whole.inner(format!("key({name})"), (**key).clone()),
                    whole.inner(format!("value({name})"), (**value).clone()),
                ),
                CqlType::Set { .. } => {
                    return Err(QueryError::invalid(format!("Invalid element access syntax for set column {name}")));
                }
                _ => {
                    return Err(QueryError::invalid(format!(
                        "Invalid element access syntax for non-collection column {name}"
                    )));
                }
            };
            if let ConditionTest::Compare(operator, _) = &condition.test {
                refuse_durations(*operator, &spec.ty)?;
            }
            (Target::Element(preparer.term(key, &key_spec)?), spec)
        }
        ConditionTarget::Field(field) => {
            let CqlType::Udt { definition, .. } = &column.ty else {
                return Err(QueryError::invalid(format!("Invalid field access syntax for non-UDT column {name}")));
            };
            let place = definition.fields.iter().position(|(known, _)| *known == field.text);
            let Some((place, (_, ty))) = place.and_then(|place| Some((place, definition.fields.get(place)?))) else {
                return Err(QueryError::invalid(format!("Unknown field {field} for column {name}")));
            };
            (Target::Field(place as u16), whole.inner(format!("{name}.{field}"), ty.clone()))
        }
    };
    let (operator, values) = test(&condition.test, column, &spec, preparer)?;
    if column.kind.is_primary_key() {
        return Err(QueryError::invalid(format!("PRIMARY KEY column '{name}' cannot have IF conditions")));
    }
    Ok(ColumnCondition { column: column.clone(), target, operator, values })
}

fn test(
    test: &ConditionTest,
    column: &Column,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<(Operator, Values), QueryError> {
    match test {
        ConditionTest::Compare(operator, value) => {
            let spec = compared(*operator, column, spec)?;
            refuse_durations(*operator, &spec.ty)?;
            Ok((*operator, Values::One(preparer.term(value, &spec)?)))
        }
        ConditionTest::In(InValues::List(terms)) => {
            let terms = terms.iter().map(|term| preparer.term(term, spec)).collect::<Result<_, _>>()?;
            Ok((Operator::Equal, Values::List(terms)))
        }
        ConditionTest::In(InValues::Marker(marker)) => {
            let ty = CqlType::list(spec.ty.clone(), false);
            preparer.bind(marker, &spec.inner(format!("in({})", spec.name), ty.clone()));
            Ok((Operator::Equal, Values::Marker { index: marker.index, ty }))
        }
    }
}

/// The place of a condition's value: for CONTAINS that of an element.
fn compared(operator: Operator, column: &Column, spec: &ColumnSpec) -> Result<ColumnSpec, QueryError> {
    let name = &column.name;
    let inner = |what: &str, ty: &CqlType| Ok(spec.inner(format!("{what}({name})"), ty.clone()));
    match (operator, &column.ty) {
        (Operator::ContainsKey, CqlType::Map { key, .. }) => inner("key", key),
        (Operator::ContainsKey, _) => {
            Err(QueryError::invalid(format!("Cannot use CONTAINS KEY on non-map column {name}")))
        }
        (Operator::Contains, CqlType::Map { value: ty, .. } | CqlType::List { element: ty, .. })
        | (Operator::Contains, CqlType::Set { element: ty, .. }) => inner("value", ty),
        (Operator::Contains, _) => {
            Err(QueryError::invalid(format!("Cannot use CONTAINS on non-collection column {name}")))
        }
        _ => Ok(spec.clone()),
    }
}

/// Durations have no order.
fn refuse_durations(operator: Operator, ty: &CqlType) -> Result<(), QueryError> {
    let is_slice =
        matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual);
    if !is_slice || !ty.contains_duration() {
        return Ok(());
    }
    let what = match ty {
        CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. } => "collections",
        CqlType::Tuple(_) => "tuples",
        CqlType::Udt { .. } => "UDTs",
        _ => {
            let symbol = operator.symbol();
            return Err(QueryError::invalid(format!("Slice conditions ( {symbol} ) are not supported on durations")));
        }
    };
    Err(QueryError::invalid(format!("Slice conditions are not supported on {what} containing durations")))
}
