//! Turning written terms into checked ones, and collecting the bind slots on the way.

use helenus_cql::ast::{CqlTypeName, Literal, LiteralKind, Marker, Term as RawTerm};
use helenus_model::schema::Table;
use helenus_model::types::CqlType;

use super::meanings::Meanings;
use super::text::qualified_term_text;
use super::{Term, Value, assign, literal};
use crate::error::QueryError;
use crate::function::{ScalarFunction, argument_spec};
use crate::prepare::PrepareContext;
use crate::spec::{BindSlot, ColumnSpec};
use crate::values::{ExecuteOptions, NoIds, NoValues};

/// Checks the terms of one statement and remembers what its markers are for.
pub struct Preparer<'a> {
    context: PrepareContext<'a>,
    slots: Vec<Option<BindSlot>>,
    names: Vec<Option<String>>,
    /// Marker, table and place of partition-key columns that get their value from a marker alone.
    key_markers: Vec<(u16, uuid::Uuid, u16)>,
    /// The functions that the calls in the term at hand mean at receivers.
    pub(super) meanings: Meanings,
    /// Warnings for the client.
    pub warnings: Vec<String>,
}

/// What was collected while a statement was checked.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The bind slots, in the order of the markers.
    pub binds: Vec<BindSlot>,
    /// The names of `:name` markers; None for `?`.
    pub marker_names: Vec<Option<String>>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
}

impl<'a> Preparer<'a> {
    /// For a statement with `markers` (names of `:name`, None for `?`).
    pub fn new(context: PrepareContext<'a>, markers: &[Option<String>]) -> Self {
        Preparer {
            context,
            slots: vec![None; markers.len()],
            names: markers.to_vec(),
            key_markers: Vec::new(),
            meanings: Meanings::default(),
            warnings: Vec::new(),
        }
    }

    /// What the statement is prepared against.
    pub fn context(&self) -> &PrepareContext<'a> {
        &self.context
    }

    /// How many markers the statement has.
    pub fn markers(&self) -> usize {
        self.slots.len()
    }

    /// Says what a marker is for. A named marker's slot has the marker's name.
    pub fn bind(&mut self, marker: &Marker, spec: &ColumnSpec) {
        let mut slot = spec.clone();
        if let Some(name) = &marker.name {
            slot.name.clone_from(&name.text);
        }
        let index = usize::from(marker.index);
        if index >= self.slots.len() {
            self.slots.resize(index + 1, None);
            self.names.resize(index + 1, None);
        }
        if let Some(place) = self.slots.get_mut(index) {
            *place = Some(slot);
        }
    }

    /// Says that a partition-key column gets its value from `term`; counts for routing when that is a marker.
    pub fn bind_key(&mut self, term: &RawTerm, table: &Table, position: u16) {
        match term {
            RawTerm::Marker(marker) => self.key_markers.push((marker.index, table.id, position)),
            RawTerm::TypeHint { term, .. } => self.bind_key(term, table, position),
            // Parentheses, unless the key is a tuple.
            RawTerm::Tuple(elements) => {
                let ty = table.partition_key.get(usize::from(position)).map(|column| &column.ty);
                if let ([only], Some(ty)) = (elements.as_slice(), ty)
                    && assign::is_parenthesis(elements, ty)
                {
                    self.bind_key(only, table, position);
                }
            }
            _ => {}
        }
    }

    /// For each partition-key column of the table the (last) marker that gives its value; None unless all have one.
    pub fn partition_key_binds(&self, table: &Table) -> Option<Vec<u16>> {
        let mut found = vec![None; table.partition_key.len()];
        for (marker, id, position) in &self.key_markers {
            if *id == table.id {
                *found.get_mut(usize::from(*position))? = Some(*marker);
            }
        }
        found.into_iter().collect()
    }

    /// The slots and warnings of the statement.
    ///
    /// # Errors
    /// A marker stands where nothing says what it is for.
    pub fn finish(self) -> Result<Collected, QueryError> {
        let slots: Option<Vec<BindSlot>> = self.slots.into_iter().collect();
        let binds = slots.ok_or_else(|| QueryError::unsupported("a bind marker at this place"))?;
        Ok(Collected { binds, marker_names: self.names, warnings: self.warnings })
    }

    /// Checks a term against its receiver.
    ///
    /// # Errors
    /// Wrong types, wrong literals, unknown functions, in Cassandra's words.
    pub fn term(&mut self, term: &RawTerm, receiver: &ColumnSpec) -> Result<Term, QueryError> {
        if matches!(term, RawTerm::Literal(_) | RawTerm::Null | RawTerm::Marker(_)) {
            return self.term_inside(term, receiver);
        }
        self.meanings.enter();
        let prepared = self.term_inside(term, receiver);
        self.meanings.leave();
        prepared
    }

    fn term_inside(&mut self, term: &RawTerm, receiver: &ColumnSpec) -> Result<Term, QueryError> {
        match term {
            RawTerm::Literal(literal) if is_now(literal, receiver) => {
                Ok(Term::Function { function: ScalarFunction::current_timestamp().into(), arguments: Vec::new() })
            }
            RawTerm::Literal(literal) => Ok(Term::constant(literal::encode(literal, receiver)?)),
            RawTerm::Null if receiver.ty == CqlType::Counter => {
                Err(QueryError::invalid("Invalid null value for counter increment/decrement"))
            }
            RawTerm::Null => Ok(Term::Null),
            RawTerm::Marker(marker) => {
                self.bind(marker, receiver);
                Ok(Term::Marker { index: marker.index, ty: receiver.ty.clone() })
            }
            RawTerm::List(elements) => self.list_literal(elements, receiver).and_then(fold),
            RawTerm::Set(elements) => self.set_literal(elements, receiver).and_then(fold),
            RawTerm::Map(entries) => self.map_literal(entries, receiver).and_then(fold),
            RawTerm::UserType(fields) => self.user_type_literal(fields, receiver).and_then(fold),
            RawTerm::Tuple(elements) if assign::is_parenthesis(elements, &receiver.ty) => match elements.first() {
                Some(only) => self.term(only, receiver),
                None => Ok(Term::Null),
            },
            RawTerm::Tuple(elements) => self.tuple_literal(elements, receiver).and_then(fold),
            RawTerm::TypeHint { type_name, term: inner } => {
                let ty = self.hint_type(type_name, receiver)?;
                let hint = super::qualified_type_text(type_name, &receiver.keyspace);
                let text = qualified_term_text(inner, &receiver.keyspace);
                let hinted = receiver.inner(format!("({hint}){text}"), ty);
                if !self.assignability(inner, &hinted)?.is_assignable() {
                    return Err(QueryError::invalid(format!("Cannot cast value {text} to type {hint}")));
                }
                if !assign::type_assignability(&receiver.ty, &hinted.ty).is_assignable() {
                    return Err(QueryError::invalid(format!(
                        "Cannot assign value {} to {} of type {}",
                        hinted.name, receiver.name, receiver.ty
                    )));
                }
                self.term(inner, receiver)
            }
            RawTerm::Function { .. } | RawTerm::Cast { .. } | RawTerm::Negation(_) | RawTerm::Arithmetic { .. } => {
                self.call(term, receiver)
            }
        }
    }

    fn call(&mut self, term: &RawTerm, receiver: &ColumnSpec) -> Result<Term, QueryError> {
        let function = self.resolve_call(term, receiver)?;
        if !function.returns(&receiver.ty).is_assignable() {
            let what = match function.operator {
                Some(operator) => format!("operation {operator}"),
                None => format!("function {}", function.full_name()),
            };
            return Err(QueryError::invalid(format!(
                "Type error: cannot assign result of {what} (type {}) to {} (type {})",
                function.return_type, receiver.name, receiver.ty
            )));
        }
        let (_, arguments) = assign::call_parts(term);
        if arguments.len() != function.argument_types.len() {
            return Err(QueryError::invalid(format!(
                "Incorrect number of arguments specified for function {} (expected {}, found {})",
                function.signature(),
                function.argument_types.len(),
                arguments.len()
            )));
        }
        let mut terms = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.into_iter().enumerate() {
            let spec = argument_spec(&function, place, receiver);
            terms.push(match argument {
                RawTerm::TypeHint { type_name, term } if function.keyspace() != "system" => {
                    self.term(&frozen_hint(type_name, term), &spec)?
                }
                _ => self.term(argument, &spec)?,
            });
        }
        Ok(Term::Function { function, arguments: terms })
    }
}

/// A hint for what a user function takes, which is never multi-cell.
fn frozen_hint(type_name: &CqlTypeName, term: &RawTerm) -> RawTerm {
    let type_name = match type_name {
        CqlTypeName::List(_) | CqlTypeName::Set(_) | CqlTypeName::Map(..) | CqlTypeName::UserType(_) => {
            CqlTypeName::Frozen(Box::new(type_name.clone()))
        }
        _ => type_name.clone(),
    };
    RawTerm::TypeHint { type_name, term: Box::new(term.clone()) }
}

/// `'now'` where a timestamp is wanted.
fn is_now(literal: &Literal, receiver: &ColumnSpec) -> bool {
    receiver.ty == CqlType::Timestamp && literal.kind == LiteralKind::String && literal.text.eq_ignore_ascii_case("now")
}

/// Cassandra's words for `[…]` where no list or vector is wanted.
pub(super) fn not_a_list(ty: &CqlType) -> QueryError {
    QueryError::invalid(format!("Unexpected receiver type '{ty}'; only list and vector are expected"))
}

/// Works out a literal whose parts are all known.
fn fold(term: Term) -> Result<Term, QueryError> {
    let known = match &term {
        Term::List(parts) | Term::Tuple(parts) => parts.iter().all(Term::is_terminal),
        Term::Set { elements, .. } | Term::Vector { elements, .. } => elements.iter().all(Term::is_terminal),
        Term::Map { entries, .. } => entries.iter().all(|(key, value)| key.is_terminal() && value.is_terminal()),
        Term::UserType { fields, .. } => fields.iter().all(Term::is_terminal),
        _ => false,
    };
    if !known {
        return Ok(term);
    }
    let options = ExecuteOptions { timestamp: 0, now: 0, now_millis: 0, ids: &NoIds };
    let folded = match term.evaluate(&NoValues, &options)? {
        Value::Bytes(bytes) => Term::constant(bytes.into_owned()),
        Value::Null | Value::Unset => Term::Null,
    };
    Ok(folded)
}
