//! INSERT … JSON: an INSERT of every column whose values come out of a JSON text. Its terms are markers of its own, behind those of the
//! request; what the text says is put there before they are evaluated.

use std::sync::Arc;

use helenus_cql::ast::{self, InsertJson, JsonValue, Marker, Term as RawTerm};
use helenus_model::schema::{Column, Table};
use helenus_model::types::CqlType;
use helenus_model::value::{EMPTY_IN_VECTOR, Json, from_json, name_from_json};
use rustc_hash::FxHashMap;

use super::plan::WritePlan;
use super::statement::{insert_into, refuse_counter_table, writable_table};
use crate::error::QueryError;
use crate::function::json::{is_told_alone, json_reason};
use crate::spec::ColumnSpec;
use crate::term::Preparer;
use crate::values::{BoundValue, BoundValues};

/// Where a statement's values come from.
#[derive(Clone, Debug)]
pub(super) struct JsonPlan {
    source: Source,
    /// Number of the first marker that stands for a column.
    first: usize,
    default_unset: bool,
}

#[derive(Clone, Debug)]
enum Source {
    /// The values of a literal.
    Known(Vec<Cell>),
    /// The marker of the text.
    Marker(u16),
}

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Null,
    Unset,
    Bytes(Vec<u8>),
    /// A vector with an empty element, which Cassandra refuses when the statement runs.
    EmptyInVector,
}

/// The request's values, and behind them those of the columns.
struct WithColumns<'a> {
    request: &'a dyn BoundValues,
    cells: &'a [Cell],
    first: usize,
}

impl BoundValues for WithColumns<'_> {
    fn len(&self) -> usize {
        self.first + self.cells.len()
    }

    fn get(&self, index: usize) -> BoundValue<'_> {
        let Some(column) = index.checked_sub(self.first) else { return self.request.get(index) };
        match self.cells.get(column) {
            Some(Cell::Bytes(bytes)) => BoundValue::Bytes(bytes),
            Some(Cell::Unset) => BoundValue::Unset,
            Some(Cell::Null | Cell::EmptyInVector) | None => BoundValue::Null,
        }
    }
}

impl JsonPlan {
    /// Calls `then` with the request's values and the columns'.
    pub(super) fn with_columns(
        &self,
        table: &Table,
        values: &dyn BoundValues,
        then: impl FnOnce(&dyn BoundValues) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let read;
        let cells = match &self.source {
            Source::Known(cells) => cells,
            Source::Marker(index) => {
                let text = match values.get(usize::from(*index)) {
                    BoundValue::Null => return Err(no_map()),
                    BoundValue::Unset => "",
                    BoundValue::Bytes(bytes) => {
                        std::str::from_utf8(bytes).map_err(|_| QueryError::invalid("String didn't validate."))?
                    }
                };
                read = read_columns(text, table, self.default_unset)?;
                &read
            }
        };
        let refused = || Err(QueryError::invalid(EMPTY_IN_VECTOR));
        let bind = || then(&WithColumns { request: values, cells, first: self.first });
        match cells.iter().position(|cell| *cell == Cell::EmptyInVector) {
            None => bind(),
            Some(place) if place < table.partition_key.len() + table.clustering.len() => refused(),
            // What is wrong with the key is told before.
            Some(_) => bind().and_then(|()| refused()),
        }
    }
}

fn no_map() -> QueryError {
    QueryError::invalid("Got null for INSERT JSON values")
}

/// The members by the columns they name, each with the place of the first that names it. Of members that name one column the last one
/// counts; those whose name is not written as the column's (in quotes, or in capitals) count as written behind those whose is.
fn by_name(members: Vec<(String, Json)>) -> FxHashMap<String, (usize, Json)> {
    let members = members.into_iter().enumerate().map(|(place, (name, value))| {
        let column = name_from_json(&name);
        (name != column, place, column, value)
    });
    let (rewritten, plain): (Vec<_>, Vec<_>) = members.partition(|(is_rewritten, ..)| *is_rewritten);
    let mut named: FxHashMap<String, (usize, Json)> = FxHashMap::default();
    for (_, place, column, value) in plain.into_iter().chain(rewritten) {
        match named.get_mut(&column) {
            Some(member) => *member = (member.0.min(place), value),
            None => {
                named.insert(column, (place, value));
            }
        }
    }
    named
}

fn cell(column: &Column, value: &Json) -> Result<Cell, QueryError> {
    let error = match from_json(&column.ty, value) {
        Ok(value) => return Ok(value.map_or(Cell::Null, Cell::Bytes)),
        Err(error) => error,
    };
    match error.message() {
        EMPTY_IN_VECTOR => Ok(Cell::EmptyInVector),
        text if is_told_alone(text) => Err(QueryError::invalid(text)),
        text => Err(QueryError::invalid(format!("Error decoding JSON value for {}: {text}", column.name))),
    }
}

/// A value for each column of the table, in the order of [`Table::visible_columns`].
fn read_columns(text: &str, table: &Table, default_unset: bool) -> Result<Vec<Cell>, QueryError> {
    let undecodable = |reason: &str| {
        QueryError::invalid(format!("Could not decode JSON string as a map: {reason}. (String was: {text})"))
    };
    let members = match Json::parse(text).map_err(|error| undecodable(json_reason(&error)))? {
        Json::Object(members) => members,
        Json::Null => return Err(no_map()),
        other => return Err(undecodable(&format!("a map is wanted, not {other}"))),
    };
    let mut named = by_name(members);
    let mut cells = Vec::new();
    for column in table.visible_columns() {
        cells.push(match named.remove(&column.name) {
            None if default_unset => Cell::Unset,
            None => Cell::Null,
            Some((_, value)) => cell(column, &value)?,
        });
    }
    match named.into_iter().min_by_key(|(_, (place, _))| *place) {
        Some((name, _)) => Err(QueryError::invalid(format!("JSON values map contains unrecognized column: {name}"))),
        None => Ok(cells),
    }
}

/// INSERT … JSON
///
/// # Errors
/// As [`super::prepare_insert`]; a literal that is no JSON object of the table's columns.
pub fn prepare_insert_json(insert: &InsertJson, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    let table = writable_table(&insert.table, preparer)?;
    refuse_counter_table(&table)?;
    let source = match &insert.json {
        JsonValue::Text(text) => Source::Known(read_columns(text, &table, insert.default_unset)?),
        JsonValue::Marker(marker) => {
            preparer.bind(marker, &ColumnSpec::named(&table, "[json]", CqlType::Text));
            Source::Marker(marker.index)
        }
    };
    let first = preparer.markers();
    let columns: Vec<ast::Name> = table.visible_columns().map(|column| ast::Name::new(column.name.clone())).collect();
    let values = (first..first + columns.len()).map(|index| match u16::try_from(index) {
        Ok(index) => Ok(RawTerm::Marker(Marker { index, name: None })),
        Err(_) => Err(QueryError::unsupported("INSERT JSON beside so many markers")),
    });
    let inner = ast::Insert {
        table: insert.table.clone(),
        values: values.collect::<Result<_, _>>()?,
        columns,
        if_not_exists: insert.if_not_exists,
        using: insert.using.clone(),
    };
    // What is bound in the terms is no marker of the request.
    let own = Preparer::new(*preparer.context(), &[]);
    let mut plan = insert_into(&inner, table, preparer, Some(own))?;
    plan.json = Some(Arc::new(JsonPlan { source, first, default_unset: insert.default_unset }));
    Ok(plan)
}
