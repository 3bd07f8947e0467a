//! What SET, VALUES and DELETE do to a column, checked against its type.

use helenus_cql::ast::{Assignment, Deletion, Name, Term as RawTerm};
use helenus_model::row::ColumnId;
use helenus_model::schema::{Column, Table};
use helenus_model::types::CqlType;
use helenus_model::value::Comparator;

use super::addition;
use crate::error::QueryError;
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term, term_text};

/// What is done to one column.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The column.
    pub column: ColumnId,
    /// What is done.
    pub action: Action,
    /// Its number among the statement's.
    pub place: usize,
}

/// The kinds of operations.
#[derive(Clone, Debug)]
pub enum Action {
    /// A column of one cell gets a value.
    Set(Term),
    /// A list is replaced.
    SetList(Term),
    /// A set is replaced.
    SetSet(Term, Comparator),
    /// A map is replaced.
    SetMap(Term, Comparator),
    /// A user-defined type is replaced.
    SetUserType(Term),
    /// Elements behind a list.
    Append(Term),
    /// Elements before a list.
    Prepend(Term),
    /// Elements into a set.
    AddToSet(Term, Comparator),
    /// Entries into a map.
    PutAll(Term, Comparator),
    /// Elements out of a set, or keys out of a map: a set of them.
    Discard(Term, Comparator),
    /// One entry of a map.
    PutEntry {
        /// Its key.
        key: Term,
        /// Its value.
        value: Term,
    },
    /// One key out of a map.
    DeleteKey(Term),
    /// One element out of a set.
    DeleteElement(Term),
    /// One field of a user-defined type: its number and value.
    SetField(u16, Term),
    /// A counter: what is added to it, or taken from it.
    Count {
        /// The number.
        by: Term,
        /// It is taken away.
        negative: bool,
    },
    /// A number or text: what is added to the value that was read.
    Add(Term),
    /// The element of a list at a place (read before) gets a value.
    SetAt {
        /// Which element.
        place: Term,
        /// Its value.
        value: Term,
    },
    /// The element of a list at a place (read before) is deleted.
    DeleteAt(Term),
    /// Elements of a list (read before) that are among these are deleted.
    DiscardValues(Term),
    /// A column of one cell is deleted.
    DeleteCell,
    /// A column of many cells is deleted.
    DeleteAll,
}

impl Operation {
    /// True when something is added to the value that a column of one cell has.
    pub(super) fn adds(&self) -> bool {
        matches!(self.action, Action::Add(_))
    }
}

fn operation(column: &Column, action: Action) -> Result<Operation, QueryError> {
    Ok(Operation { column: column.id, action, place: 0 })
}

fn refuse<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// What an INSERT of nothing but key columns writes: in a compact table, where there are no row markers, the empty value of its hidden
/// column.
pub(super) fn compact_value(table: &Table) -> Result<Option<Operation>, QueryError> {
    let Some(column) = table.compact_value() else { return Ok(None) };
    if column.ty != CqlType::Empty {
        return refuse(format!("Column {} is mandatory for this COMPACT STORAGE table", column.name));
    }
    operation(column, Action::Set(Term::Constant(Vec::new().into()))).map(Some)
}

/// `column = value`, also a value of INSERT.
pub(super) fn set(
    table: &Table,
    column: &Column,
    value: &RawTerm,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    let raw = value;
    let value = preparer.term(raw, &ColumnSpec::of_column(table, column))?;
    if column.ty.is_udt() && matches!(raw, RawTerm::Tuple(_)) {
        // Cassandra finds that out by a Java exception.
        return refuse(format!("Invalid tuple type literal for {} of type {}", column.name, column.ty));
    }
    if column.ty == CqlType::Counter {
        return refuse(format!(
            "Cannot set the value of counter column {} (counters can only be incremented/decremented, not set)",
            column.name
        ));
    }
    let action = match &column.ty {
        CqlType::List { frozen: false, .. } => Action::SetList(value),
        CqlType::Set { frozen: false, element } => Action::SetSet(value, Comparator::for_type(element)),
        CqlType::Map { frozen: false, key, .. } => Action::SetMap(value, Comparator::for_type(key)),
        CqlType::Udt { frozen: false, .. } => Action::SetUserType(value),
        _ => Action::Set(value),
    };
    operation(column, action)
}

/// An assignment of UPDATE. `conditional`: the UPDATE has conditions, and so knows what is there.
pub(super) fn assign(
    table: &Table,
    column: &Column,
    assignment: &Assignment,
    conditional: bool,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    let spec = ColumnSpec::of_column(table, column);
    match assignment {
        Assignment::Set { value, .. } => set(table, column, value, preparer),
        Assignment::Add { value, .. } if conditional && addition::is_of(&column.ty) => {
            operation(column, Action::Add(addition::term(column, value, &spec, preparer)?))
        }
        Assignment::Add { value, .. } => add(column, value, &spec, preparer),
        Assignment::Subtract { value, .. } => subtract(column, value, &spec, preparer),
        Assignment::Prepend { value, .. } => {
            let text = || format!("{0} = {1} - {0}", column.name, term_text(value));
            let value = preparer.term(value, &spec)?;
            match &column.ty {
                CqlType::List { frozen: false, .. } => operation(column, Action::Prepend(value)),
                CqlType::List { .. } => {
                    refuse(format!("Invalid operation ({}) for frozen list column {}", text(), column.name))
                }
                _ => refuse(format!("Invalid operation ({}) for non list column {}", text(), column.name)),
            }
        }
        Assignment::SetElement { key, value, .. } => set_element(column, key, value, &spec, preparer),
        Assignment::SetField { field, value, .. } => set_field(column, field, value, &spec, preparer),
    }
}

/// Refuses `+` and `-` on what is neither a counter nor a collection of cells.
fn check_many_cells(column: &Column, text: &str, adds: bool) -> Result<(), QueryError> {
    if column.ty == CqlType::Counter {
        return Ok(());
    }
    if !column.ty.is_collection() {
        // A user-defined type is a tuple, too.
        let kind = match &column.ty {
            CqlType::Tuple(_) | CqlType::Udt { .. } if adds => "tuple",
            _ => "non counter",
        };
        return refuse(format!("Invalid operation ({text}) for {kind} column {}", column.name));
    }
    if !column.ty.is_multi_cell() {
        return refuse(format!("Invalid operation ({text}) for frozen collection column {}", column.name));
    }
    Ok(())
}

fn add(
    column: &Column,
    value: &RawTerm,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    check_many_cells(column, &format!("{0} = {0} + {1}", column.name, term_text(value)), true)?;
    let action = match &column.ty {
        CqlType::List { .. } => Action::Append(preparer.term(value, spec)?),
        CqlType::Set { element, .. } => Action::AddToSet(preparer.term(value, spec)?, Comparator::for_type(element)),
        CqlType::Map { key, .. } => {
            let term = preparer.term(value, spec).map_err(|_| {
                QueryError::invalid(format!(
                    "Value for a map addition has to be a map, but was: '{}'",
                    term_text(value)
                ))
            })?;
            Action::PutAll(term, Comparator::for_type(key))
        }
        _ => Action::Count { by: preparer.term(value, spec)?, negative: false },
    };
    operation(column, action)
}

fn subtract(
    column: &Column,
    value: &RawTerm,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    check_many_cells(column, &format!("{0} = {0} - {1}", column.name, term_text(value)), false)?;
    let action = match &column.ty {
        CqlType::List { .. } => Action::DiscardValues(preparer.term(value, spec)?),
        CqlType::Set { element, .. } => Action::Discard(preparer.term(value, spec)?, Comparator::for_type(element)),
        CqlType::Map { key, .. } => {
            let keys = spec.inner(spec.name.clone(), CqlType::set((**key).clone(), false));
            let term = preparer.term(value, &keys).map_err(|_| {
                QueryError::invalid(format!(
                    "Value for a map substraction has to be a set, but was: '{}'",
                    term_text(value)
                ))
            })?;
            Action::Discard(term, Comparator::for_type(key))
        }
        _ => Action::Count { by: preparer.term(value, spec)?, negative: true },
    };
    operation(column, action)
}

fn set_element(
    column: &Column,
    key: &RawTerm,
    value: &RawTerm,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    let name = &column.name;
    let text = || format!("{name}[{}] = {}", term_text(key), term_text(value));
    if !column.ty.is_collection() {
        return refuse(format!("Invalid operation ({}) for non collection column {name}", text()));
    }
    if !column.ty.is_multi_cell() {
        return refuse(format!("Invalid operation ({}) for frozen collection column {name}", text()));
    }
    match &column.ty {
        CqlType::Map { key: key_type, value: value_type, .. } => {
            let key = preparer.term(key, &spec.inner(format!("key({name})"), (**key_type).clone()))?;
            let value = preparer.term(value, &spec.inner(format!("value({name})"), (**value_type).clone()))?;
            operation(column, Action::PutEntry { key, value })
        }
        CqlType::List { element, .. } => {
            let place = preparer.term(key, &spec.inner(format!("idx({name})"), CqlType::Int))?;
            let value = preparer.term(value, &spec.inner(format!("value({name})"), (**element).clone()))?;
            operation(column, Action::SetAt { place, value })
        }
        _ => refuse(format!("Invalid operation ({}) for set column {name}", text())),
    }
}

/// The number and type of a field of a user-defined type of many cells.
fn field_of<'t>(column: &'t Column, field: &Name) -> Result<(u16, &'t CqlType), QueryError> {
    let CqlType::Udt { definition, .. } = &column.ty else { return refuse(String::new()) };
    let found = definition.fields.iter().enumerate().find(|(_, (name, _))| *name == field.text);
    match found {
        Some((place, (_, ty))) => Ok((place as u16, ty)),
        None => refuse(format!("UDT column {} does not have a field named {field}", column.name)),
    }
}

fn set_field(
    column: &Column,
    field: &Name,
    value: &RawTerm,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    let name = &column.name;
    let text = || format!("{name}.{field} = {}", term_text(value));
    if !column.ty.is_udt() {
        return refuse(format!("Invalid operation ({}) for non-UDT column {name}", text()));
    }
    if !column.ty.is_multi_cell() {
        return refuse(format!("Invalid operation ({}) for frozen UDT column {name}", text()));
    }
    let (place, ty) = field_of(column, field)?;
    let value = preparer.term(value, &spec.inner(format!("{name}.{field}"), ty.clone()))?;
    operation(column, Action::SetField(place, value))
}

/// An element of `DELETE a, b['k'], c.f`.
pub(super) fn delete(
    table: &Table,
    column: &Column,
    deletion: &Deletion,
    preparer: &mut Preparer<'_>,
) -> Result<Operation, QueryError> {
    let name = &column.name;
    match deletion {
        Deletion::Column(_) if column.is_complex() => operation(column, Action::DeleteAll),
        Deletion::Column(_) => operation(column, Action::DeleteCell),
        Deletion::Element { key, .. } => {
            if !column.ty.is_collection() {
                return refuse(format!("Invalid deletion operation for non collection column {name}"));
            }
            if !column.ty.is_multi_cell() {
                return refuse(format!("Invalid deletion operation for frozen collection column {name}"));
            }
            let spec = |name: String, ty: &CqlType| ColumnSpec::named(table, name, ty.clone());
            match &column.ty {
                CqlType::Map { key: ty, .. } => {
                    operation(column, Action::DeleteKey(preparer.term(key, &spec(format!("key({name})"), ty))?))
                }
                CqlType::Set { element: ty, .. } => {
                    operation(column, Action::DeleteElement(preparer.term(key, &spec(format!("value({name})"), ty))?))
                }
                _ => {
                    let place = preparer.term(key, &spec(format!("idx({name})"), &CqlType::Int))?;
                    operation(column, Action::DeleteAt(place))
                }
            }
        }
        Deletion::Field { field, .. } => {
            if !column.ty.is_udt() {
                return refuse(format!("Invalid field deletion operation for non-UDT column {name}"));
            }
            if !column.ty.is_multi_cell() {
                return refuse(format!("Frozen UDT column {name} does not support field deletions"));
            }
            let (place, _) = field_of(column, field)?;
            operation(column, Action::SetField(place, Term::Null))
        }
    }
}
