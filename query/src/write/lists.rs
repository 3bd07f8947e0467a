//! Elements of lists by place and by value: `l[i] = v`, `DELETE l[i]`, `l = l - […]`. A list's cells stand under time UUIDs that only a
//! read tells, so the coordinator reads the lists at the statement's consistency before it binds it, as Cassandra does. What another
//! client writes in between is not seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::key::{put_clustering_value, put_composite_component};
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::row::{CellKind, CellPathOrder, ColumnId, RowRef};
use helenus_model::schema::{Column, Table};
use helenus_model::time::{LocalSeconds, NO_TIMESTAMP, WriteTimestamp};
use helenus_model::types::CqlType;
use helenus_model::value::{decode_bigint, decode_int, elements};

use super::addition::has_sums;
use super::cells::CellWriter;
use super::operation::{Action, Operation};
use crate::error::QueryError;
use crate::restrict::Restrictions;
use crate::select::SelectPlan;
use crate::term::{Term, Value};

/// What a statement reads before it writes.
#[derive(Debug)]
pub struct ListRead {
    select: Arc<SelectPlan>,
    table: Arc<Table>,
    lists: Vec<ColumnId>,
}

/// Where a row is written: its partition and clustering; None for the static row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) key: &'a [u8],
    pub(super) clustering: Option<&'a [u8]>,
}

/// An element of a list.
#[derive(Clone, Debug)]
struct Element {
    path: Box<[u8]>,
    value: Box<[u8]>,
    timestamp: WriteTimestamp,
}

/// A column's list in its order.
type List = Vec<Element>;
/// Partition key, clustering (None: the static row), column.
type ListPlace = (Box<[u8]>, Option<Box<[u8]>>, ColumnId);

/// The lists that were read for a statement; for a conditional one also the values it may add to, each the one element of a list.
#[derive(Clone, Debug, Default)]
pub struct ListRows(BTreeMap<ListPlace, List>);

fn reads(operation: &Operation) -> bool {
    matches!(operation.action, Action::SetAt { .. } | Action::DeleteAt(_) | Action::DiscardValues(_))
}

impl ListRead {
    /// What these operations have to read; None when they need nothing.
    pub(super) fn of(restrictions: &Restrictions, statics: &[Operation], regulars: &[Operation]) -> Option<ListRead> {
        let mut lists: Vec<ColumnId> =
            statics.iter().chain(regulars).filter(|one| reads(one)).map(|one| one.column).collect();
        if lists.is_empty() {
            return None;
        }
        lists.dedup();
        let table = Arc::clone(&restrictions.table);
        let columns: Vec<&Column> = lists.iter().filter_map(|id| table.column_by_id(*id)).collect();
        let select = Arc::new(SelectPlan::of_lists(restrictions, &columns));
        Some(ListRead { select, lists, table })
    }

    /// The SELECT to be executed with the statement's values.
    pub fn select(&self) -> &Arc<SelectPlan> {
        &self.select
    }

    /// The lists in the rows of the SELECT, each value behind its length as in a RESULT.
    pub fn rows(&self, encoded: &[u8]) -> ListRows {
        let mut rows = ListRows::default();
        let mut values = Values(encoded);
        while !values.0.is_empty() {
            self.row(&mut values, &mut rows);
        }
        rows
    }

    fn row(&self, values: &mut Values<'_>, rows: &mut ListRows) {
        let mut key = Vec::new();
        let composite = self.table.partition_key.len() > 1;
        for _ in &self.table.partition_key {
            let value = values.next().unwrap_or_default();
            if composite {
                put_composite_component(&mut key, value);
            } else {
                key.extend_from_slice(value);
            }
        }
        let mut clustering = Vec::new();
        for _ in &self.table.clustering {
            put_clustering_value(&mut clustering, values.next());
        }
        for list in &self.lists {
            let (found, paths, times) = (values.next(), values.next(), values.next());
            let is_static = self.table.statics.iter().any(|column| column.id == *list);
            if let (Some(found), Some(paths), Some(times)) = (found, paths, times) {
                let place = (key.as_slice().into(), (!is_static).then(|| clustering.as_slice().into()), *list);
                let cells = elements(found).zip(elements(paths)).zip(elements(times));
                let element = |((value, path), time): ((&[u8], &[u8]), &[u8])| Element {
                    path: path.into(),
                    value: value.into(),
                    timestamp: decode_bigint(time).unwrap_or(NO_TIMESTAMP),
                };
                rows.0.insert(place, cells.map(element).collect());
            }
        }
    }
}

/// Values behind lengths of four bytes; a negative length is null.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let Some((length, rest)) = self.0.split_first_chunk::<4>() else {
            self.0 = &[];
            return None;
        };
        let length = i32::from_be_bytes(*length);
        let (value, rest) = rest.split_at_checked(usize::try_from(length).unwrap_or(0)).unwrap_or((rest, &[]));
        self.0 = rest;
        (length >= 0).then_some(value)
    }
}

impl ListRows {
    /// The lists of many cells, and the numbers and texts, in a partition that was read.
    pub(crate) fn of_partition(table: &Table, key: &[u8], partition: &PartitionRef<'_>, now: LocalSeconds) -> Self {
        let mut rows = ListRows::default();
        if let Some(row) = partition.static_row {
            rows.take(table, Place { key, clustering: None }, row, now);
        }
        for item in partition.items() {
            if let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item {
                rows.take(table, Place { key, clustering: Some(clustering) }, row, now);
            }
        }
        rows
    }

    fn take(&mut self, table: &Table, place: Place<'_>, row: RowRef<'_>, now: LocalSeconds) {
        for cell in row.cells().filter(|cell| cell.is_live(now)) {
            let is_wanted = table.column_by_id(cell.column).is_some_and(|column| match &column.ty {
                CqlType::List { frozen: false, .. } => true,
                ty => has_sums(ty),
            });
            if is_wanted {
                let path = cell.path.unwrap_or_default();
                let element = Element { path: path.into(), value: cell.value.into(), timestamp: cell.timestamp };
                let place = (place.key.into(), place.clustering.map(Into::into), cell.column);
                self.0.entry(place).or_default().push(element);
            }
        }
    }

    /// The value of a column of one cell.
    pub(super) fn value(&self, place: Place<'_>, column: ColumnId) -> Option<&[u8]> {
        let place = (place.key.into(), place.clustering.map(Into::into), column);
        self.0.get(&place)?.first().map(|cell| &*cell.value)
    }

    /// The list with what the same statement has written to it already, in `pending`.
    fn list(&self, place: Place<'_>, column: ColumnId, pending: Option<RowRef<'_>>, table: &Table) -> List {
        let place = (place.key.into(), place.clustering.map(Into::into), column);
        let mut list = self.0.get(&place).cloned().unwrap_or_default();
        let Some(pending) = pending else { return list };
        for cell in pending.cells().filter(|cell| cell.column == column) {
            if cell.kind == CellKind::ComplexDeletion {
                list.retain(|element| element.timestamp > cell.timestamp);
                continue;
            }
            let path = cell.path.unwrap_or_default();
            let place = list.iter().position(|element| *element.path == *path);
            match (cell.kind, place.and_then(|place| list.get_mut(place))) {
                (CellKind::Tombstone, Some(element)) if cell.timestamp >= element.timestamp => {
                    list.retain(|element| *element.path != *path);
                }
                (CellKind::Live | CellKind::Expiring, Some(element))
                    if (cell.timestamp, cell.value) > (element.timestamp, &*element.value) =>
                {
                    element.value = cell.value.into();
                    element.timestamp = cell.timestamp;
                }
                (CellKind::Live | CellKind::Expiring, None) => {
                    list.push(Element { path: path.into(), value: cell.value.into(), timestamp: cell.timestamp });
                }
                _ => {}
            }
        }
        list.sort_by(|a, b| table.compare_paths(column, &a.path, &b.path));
        list
    }
}

impl CellWriter<'_> {
    /// An operation on a list that was read.
    pub(super) fn write_list(&mut self, operation: &Operation) -> Result<(), QueryError> {
        let Some(lists) = self.lists else {
            return Err(QueryError::Server("a list was not read before it was written".to_owned()));
        };
        let column = operation.column;
        let list = lists.list(self.place, column, self.pending, self.table);
        match &operation.action {
            Action::SetAt { place, value } => {
                let place = place.evaluate(self.values, self.options)?;
                let value = value.evaluate(self.values, self.options)?;
                let place = match place {
                    Value::Unset => return Err(QueryError::invalid("Invalid unset value for list index")),
                    place => place_in_list(&place)?,
                };
                let path = path_at(&list, place, "Attempted to set an element on a list which is null")?;
                match value {
                    Value::Null => self.tombstone(column, Some(path)),
                    Value::Unset => {}
                    Value::Bytes(value) => self.value(column, Some(path), &value),
                }
            }
            Action::DeleteAt(place) => {
                let place = match place.evaluate(self.values, self.options)? {
                    Value::Unset => return Ok(()),
                    place => place_in_list(&place)?,
                };
                let path = path_at(&list, place, "Attempted to delete an element from a list which is null")?;
                self.tombstone(column, Some(path));
            }
            Action::DiscardValues(term) => self.discard_values(column, term, &list)?,
            _ => {}
        }
        Ok(())
    }

    fn discard_values(&mut self, column: ColumnId, term: &Term, list: &[Element]) -> Result<(), QueryError> {
        if let Value::Bytes(unwanted) = term.evaluate(self.values, self.options)? {
            for element in list.iter().filter(|element| elements(&unwanted).any(|other| *other == *element.value)) {
                self.tombstone(column, Some(&element.path));
            }
        }
        Ok(())
    }
}

/// The number of a list's element; neither null nor empty.
fn place_in_list(place: &Value<'_>) -> Result<i32, QueryError> {
    place.bytes().and_then(decode_int).ok_or_else(|| QueryError::invalid("Invalid null value for list index"))
}

/// The path of a list's element.
fn path_at<'l>(list: &'l [Element], place: i32, empty: &str) -> Result<&'l [u8], QueryError> {
    if list.is_empty() {
        return Err(QueryError::invalid(empty));
    }
    match usize::try_from(place).ok().and_then(|place| list.get(place)) {
        Some(element) => Ok(&element.path),
        None => Err(QueryError::invalid(format!("List index {place} out of bound, list has size {}", list.len()))),
    }
}
