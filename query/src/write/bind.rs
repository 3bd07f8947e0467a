//! One execution of a [`WritePlan`]: values in, rows and deletions out.
//!
//! The mutation's shape is Cassandra's: INSERT leaves a row marker, UPDATE does not; DELETE of a whole clustering is a row deletion,
//! of a prefix or slice a range tombstone, of none a partition deletion; static columns go to the static row.

use helenus_model::key::{ClusteringValues, put_clustering_value};
use helenus_model::partition::RangeTombstone;
use helenus_model::row::{DeletionTime, RowHeader, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::WriteTimestamp;

use super::attributes::{TimeToLive, check_timestamp};
use super::cells::CellWriter;
use super::count::merge_writes;
use super::draft::{Scratch, WriteBatch};
use super::indexed;
use super::lists::{ListRows, Place};
use super::operation::Operation;
use super::plan::{SingleRow, WritePlan};
use crate::error::QueryError;
use crate::restrict::{check_key, check_length, check_product, sort_keys};
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions};

/// What an execution knows before it looks at rows.
struct Execution<'a> {
    plan: &'a WritePlan,
    values: &'a dyn BoundValues,
    options: &'a ExecuteOptions<'a>,
    timestamp: WriteTimestamp,
    time_to_live: TimeToLive,
    lists: Option<&'a ListRows>,
}

impl WritePlan {
    /// Adds what the statement writes with these values.
    ///
    /// # Errors
    /// Values that are wrong, null or unset where they may not be; the batch is to be thrown away then.
    pub fn bind(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        self.bind_with(values, options, None, out)
    }

    /// As [`WritePlan::bind_with`], of a statement that stands alone: its time is looked at before anything else. In a batch it is not.
    ///
    /// # Errors
    /// As [`WritePlan::bind_with`].
    pub fn bind_alone(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        lists: Option<&ListRows>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        let timestamp = self.attributes.timestamp(values, options)?;
        self.with_values(values, |values| self.bind_values_at(Ok(timestamp), values, options, lists, out))
    }

    /// Looks at the partition keys an execution names.
    ///
    /// # Errors
    /// They are null, unset, empty or too long; a JSON text that holds them is none.
    pub fn check_keys(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<(), QueryError> {
        self.with_values(values, |values| self.check_partition_keys(values, options))
    }

    /// As [`WritePlan::bind`], with what was read for the statement ([`WritePlan::list_read`]).
    ///
    /// # Errors
    /// As [`WritePlan::bind`]; places that the lists do not have.
    pub fn bind_with(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        lists: Option<&ListRows>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        self.with_values(values, |values| {
            self.bind_values_at(self.attributes.timestamp(values, options), values, options, lists, out)
        })
    }

    /// Calls `then` with the request's values and, for INSERT JSON, those of the columns behind them.
    #[inline]
    pub(crate) fn with_values(
        &self,
        values: &dyn BoundValues,
        then: impl FnOnce(&dyn BoundValues) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        match &self.json {
            None => then(values),
            Some(json) => json.with_columns(&self.table, values, then),
        }
    }

    /// As [`WritePlan::bind_with`], with the values of [`WritePlan::with_values`] and the time of the options: what is written with
    /// conditions has the ballot's time, whatever a statement of the batch says of its own.
    pub(crate) fn bind_conditional(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        lists: Option<&ListRows>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        self.bind_values_at(Ok(options.timestamp), values, options, lists, out)
    }

    fn bind_values_at(
        &self,
        timestamp: Result<WriteTimestamp, QueryError>,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        lists: Option<&ListRows>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        let times = timestamp
            .and_then(|timestamp| Ok((timestamp, self.attributes.time_to_live(&self.table, values, options)?)))
            .and_then(|times| check_timestamp(times.0).map(|()| times));
        let (timestamp, time_to_live) = match times {
            Ok(times) => times,
            Err(error) => {
                // What is wrong with the key is told first.
                self.check_partition_keys(values, options)?;
                return if self.names_rows(values, options)? { Err(error) } else { Ok(()) };
            }
        };
        let execution = Execution { plan: self, values, options, timestamp, time_to_live, lists };
        let mut scratch = std::mem::take(&mut out.scratch);
        let done = match &self.single {
            Some(single) => execution.single_row(single, &mut scratch, out),
            None => execution.many_rows(&mut scratch, out),
        };
        out.scratch = scratch;
        done
    }
}

fn no_columns_of_ranges() -> QueryError {
    QueryError::invalid("Range deletions are not supported for specific columns")
}

impl WritePlan {
    /// Looks at the partition keys an execution names.
    ///
    /// # Errors
    /// They are null, unset, empty or too long.
    pub(super) fn check_partition_keys(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<(), QueryError> {
        let keys = self.restrictions.partition_keys(values, options)?.unwrap_or_default();
        keys.iter().try_for_each(|key| check_key(key))
    }

    /// Whether the WHERE names rows at all: an IN may be empty. Ranges are not looked at.
    fn names_rows(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<bool, QueryError> {
        if self.deletes_rows() && !self.restrictions.has_whole_clustering() {
            return Ok(true);
        }
        Ok(!self.writes_rows() || !self.restrictions.clustering_prefixes(values, options)?.is_empty())
    }
}

impl WritePlan {
    /// How many rows an execution writes cells to; the row of statics does not count beside others.
    ///
    /// # Errors
    /// Those of the values.
    pub(crate) fn rows_written(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<usize, QueryError> {
        let keys = self.restrictions.partition_keys(values, options)?.unwrap_or_default().len();
        let whole = self.writes_rows() && self.restrictions.has_whole_clustering();
        let rows = if whole { self.restrictions.row_clusterings(values, options)?.len() } else { 1 };
        Ok(keys.saturating_mul(rows))
    }
}

impl Execution<'_> {
    fn deletion(&self) -> DeletionTime {
        DeletionTime { marked_at: self.timestamp, local: self.options.now }
    }

    /// One partition, at most one row of it.
    fn single_row(&self, single: &SingleRow, scratch: &mut Scratch, out: &mut WriteBatch) -> Result<(), QueryError> {
        scratch.clear();
        let table = &self.plan.table;
        self.partition_key(single, scratch)?;
        for (term, column) in single.clustering.iter().zip(&table.clustering) {
            let value = self.key_value(term, &column.name)?;
            put_clustering_value(&mut scratch.clustering, Some(value.bytes().unwrap_or_default()));
        }
        check_length(&scratch.clustering)?;
        let writes_row = single.clustering.len() == table.clustering.len();
        if !writes_row && self.plan.deletes_columns() {
            return Err(no_columns_of_ranges());
        }
        if self.plan.deletes_rows() && single.clustering.is_empty() {
            out.add(table, &scratch.key, self.deletion(), None, None);
            return Ok(());
        }
        if writes_row {
            let place = Place { key: &scratch.key, clustering: Some(&scratch.clustering) };
            self.row(place, &mut scratch.row, &mut scratch.spare)?;
        }
        let place = Place { key: &scratch.key, clustering: None };
        self.static_row(place, &mut scratch.static_row, &mut scratch.spare)?;
        let row = (!scratch.row.is_empty()).then_some((&*scratch.clustering, &*scratch.row));
        let static_row = (!scratch.static_row.is_empty()).then_some(&*scratch.static_row);
        if row.is_some() || static_row.is_some() {
            out.add(table, &scratch.key, DeletionTime::LIVE, static_row, row);
        }
        Ok(())
    }

    fn key_value<'v>(&'v self, term: &'v Term, column: &str) -> Result<Value<'v>, QueryError> {
        match term.evaluate(self.values, self.options)? {
            Value::Null => Err(QueryError::invalid(format!("Invalid null value in condition for column {column}"))),
            Value::Unset => Err(QueryError::invalid(format!("Invalid unset value for column {column}"))),
            bytes => Ok(bytes),
        }
    }

    fn partition_key(&self, single: &SingleRow, scratch: &mut Scratch) -> Result<(), QueryError> {
        let columns = &self.plan.table.partition_key;
        let composite = columns.len() > 1;
        let mut length = 0;
        for (term, column) in single.partition.iter().zip(columns) {
            let value = self.key_value(term, &column.name)?;
            let bytes = value.bytes().unwrap_or_default();
            length += bytes.len();
            if length > helenus_model::limits::KEY_BYTES_MAX {
                // The whole length is told: the rest of the columns counts too.
                return Err(self.whole_key_length(single)?);
            }
            if composite {
                helenus_model::key::put_composite_component(&mut scratch.key, bytes);
            } else {
                scratch.key.extend_from_slice(bytes);
            }
        }
        check_key(&scratch.key)
    }

    fn whole_key_length(&self, single: &SingleRow) -> Result<QueryError, QueryError> {
        let mut length = 0;
        for (term, column) in single.partition.iter().zip(&self.plan.table.partition_key) {
            length += self.key_value(term, &column.name)?.bytes().map_or(0, <[u8]>::len);
        }
        Ok(crate::restrict::key_too_long(length))
    }

    /// Every partition and row the WHERE names.
    fn many_rows(&self, scratch: &mut Scratch, out: &mut WriteBatch) -> Result<(), QueryError> {
        let restrictions = &self.plan.restrictions;
        let table = &self.plan.table;
        let mut keys = restrictions.partition_keys(self.values, self.options)?.unwrap_or_default();
        for key in &keys {
            check_key(key)?;
        }
        if keys.len() > 1 {
            // Of lists by place, what is wrong with the first key's is told; of keys that are the same number only one is meant.
            sort_keys(table, &mut keys);
        }
        if self.plan.deletes_rows() && restrictions.clustering.is_empty() {
            for key in &keys {
                out.add(table, key, self.deletion(), None, None);
            }
            return Ok(());
        }
        if self.plan.deletes_rows() && !restrictions.has_whole_clustering() {
            let slices = restrictions.slices(self.values, self.options)?;
            check_product([keys.len(), slices.len()].into_iter())?;
            for slice in &slices {
                check_length(&slice.start.prefix)?;
                check_length(&slice.end.prefix)?;
            }
            for key in &keys {
                for slice in &slices {
                    let range = RangeTombstone {
                        start: slice.start.as_ref(),
                        end: slice.end.as_ref(),
                        deletion: self.deletion(),
                    };
                    out.add_range(table, key, &range);
                }
            }
            return Ok(());
        }
        if self.plan.deletes_columns() && !restrictions.has_whole_clustering() {
            let is_whole = restrictions.clustering.is_empty();
            let prefixes = restrictions.clustering_prefixes(self.values, self.options)?;
            let slices = || restrictions.slices(self.values, self.options);
            // What is wrong with the bounds of one column is not told any more.
            let writes = is_whole
                || match restrictions.clustering.last() {
                    Some(last) if last.multi => !slices()?.is_empty(),
                    _ => !prefixes.is_empty() && slices().map_or(true, |slices| !slices.is_empty()),
                };
            return if writes && !keys.is_empty() { Err(no_columns_of_ranges()) } else { Ok(()) };
        }
        let clusterings =
            if self.plan.writes_rows() { restrictions.row_clusterings(self.values, self.options)? } else { Vec::new() };
        if self.plan.writes_rows() && clusterings.is_empty() {
            return Ok(());
        }
        check_no_empty_clustering(table, &clusterings)?;
        check_product([keys.len(), clusterings.len()].into_iter())?;
        for key in &keys {
            if !self.plan.writes_rows() {
                self.add_static_row(key, scratch, out)?;
            }
            // Each row is bound anew: places in lists must not be given twice. Static columns are written with every row, as Cassandra
            // does: counters count, and lists grow, once for each.
            for clustering in &clusterings {
                scratch.row.clear();
                let place = Place { key, clustering: Some(clustering) };
                self.row(place, &mut scratch.row, &mut scratch.spare)?;
                if !scratch.row.is_empty() {
                    out.add(table, key, DeletionTime::LIVE, None, Some((clustering, &scratch.row)));
                }
                self.add_static_row(key, scratch, out)?;
            }
        }
        Ok(())
    }

    fn add_static_row(&self, key: &[u8], scratch: &mut Scratch, out: &mut WriteBatch) -> Result<(), QueryError> {
        scratch.clear();
        let place = Place { key, clustering: None };
        self.static_row(place, &mut scratch.static_row, &mut scratch.spare)?;
        if !scratch.static_row.is_empty() {
            out.add(&self.plan.table, key, DeletionTime::LIVE, Some(&scratch.static_row), None);
        }
        Ok(())
    }

    /// Encodes the row of a clustering; nothing when nothing is written.
    fn row(&self, place: Place<'_>, out: &mut Vec<u8>, spare: &mut Vec<u8>) -> Result<(), QueryError> {
        if self.plan.deletes_rows() {
            RowHeader { deletion: self.deletion(), ..RowHeader::EMPTY }.encode(out);
            return Ok(());
        }
        let TimeToLive { ttl, expires_at } = self.time_to_live;
        let marker = self.plan.marks_rows;
        let header = RowHeader::of_statement(self.timestamp, ttl, expires_at, marker);
        self.cells(place, &header, &self.plan.regulars, marker, out, spare)
    }

    /// Encodes the static row; nothing when nothing is written.
    fn static_row(&self, place: Place<'_>, out: &mut Vec<u8>, spare: &mut Vec<u8>) -> Result<(), QueryError> {
        if self.plan.statics.is_empty() {
            return Ok(());
        }
        let TimeToLive { ttl, expires_at } = self.time_to_live;
        let header = RowHeader::of_statement(self.timestamp, ttl, expires_at, false);
        self.cells(place, &header, &self.plan.statics, false, out, spare)
    }

    fn cells(
        &self,
        place: Place<'_>,
        header: &RowHeader,
        operations: &[Operation],
        keep_empty: bool,
        out: &mut Vec<u8>,
        spare: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        let start = out.len();
        header.encode(out);
        let bare = out.len();
        if self.plan.merges && self.lists.is_none() {
            self.merge_operations(place, header, operations, out)?;
        } else if self.plan.merges {
            for operation in operations {
                self.merge_operation(place, header, operation, out, spare)?;
            }
        } else {
            let mut writer = self.writer(place, header, out);
            for operation in operations {
                writer.write(operation).map_err(|error| self.first_error(place, header, operations, error))?;
            }
        }
        if out.len() == bare && !keep_empty {
            out.truncate(start);
        } else if !self.plan.table.indexes.is_empty() {
            indexed::check_row(&self.plan.table, &out[start..])?;
        }
        Ok(())
    }

    /// What is wrong with the first operation of the statement that cannot be done: cells are written in another order.
    #[cold]
    fn first_error(
        &self,
        place: Place<'_>,
        header: &RowHeader,
        operations: &[Operation],
        error: QueryError,
    ) -> QueryError {
        let mut stated: Vec<&Operation> = operations.iter().collect();
        stated.sort_by_key(|operation| operation.place);
        let mut row = Vec::new();
        let mut writer = self.writer(place, header, &mut row);
        stated.into_iter().find_map(|operation| writer.write(operation).err()).unwrap_or(error)
    }

    fn writer<'w>(&'w self, place: Place<'w>, header: &'w RowHeader, out: &'w mut Vec<u8>) -> CellWriter<'w> {
        CellWriter {
            lists: self.lists,
            place,
            pending: None,
            table: &self.plan.table,
            header,
            timestamp: self.timestamp,
            time_to_live: self.time_to_live,
            now: self.options.now,
            values: self.values,
            options: self.options,
            out,
        }
    }

    /// As [`Execution::merge_operation`] for each, where none has to know what those before it wrote. Rows of about one size are merged, so
    /// that many operations take not much longer than few.
    fn merge_operations(
        &self,
        place: Place<'_>,
        header: &RowHeader,
        operations: &[Operation],
        row: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        let merged = |older: &[u8], newer: &[u8]| {
            let mut both = Vec::with_capacity(older.len() + newer.len());
            merge_writes(&self.plan.table, RowRef::new(older), RowRef::new(newer), &mut both);
            both
        };
        // Each with the logarithm of how many operations it is made of.
        let mut rows: Vec<(u32, Vec<u8>)> = Vec::new();
        for operation in operations {
            let (mut size, mut last) = (0, Vec::new());
            header.encode(&mut last);
            self.writer(place, header, &mut last).write(operation)?;
            while let Some((_, before)) = rows.pop_if(|(before, _)| *before == size) {
                last = merged(&before, &last);
                size += 1;
            }
            rows.push((size, last));
        }
        if let Some(all) = rows.into_iter().map(|(_, one)| one).rev().reduce(|newer, older| merged(&older, &newer)) {
            *row = all;
        }
        Ok(())
    }

    /// Operations on one column each make a row of their own; merged, their cells stand in order and the stronger of two stays.
    fn merge_operation(
        &self,
        place: Place<'_>,
        header: &RowHeader,
        operation: &Operation,
        row: &mut Vec<u8>,
        spare: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        let mut single = Vec::new();
        header.encode(&mut single);
        let mut writer = self.writer(place, header, &mut single);
        writer.pending = Some(RowRef::new(row));
        writer.write(operation)?;
        spare.clear();
        merge_writes(&self.plan.table, RowRef::new(row), RowRef::new(&single), spare);
        std::mem::swap(row, spare);
        Ok(())
    }
}

/// An empty value is no clustering of a compact table with one clustering column.
fn check_no_empty_clustering(table: &Table, clusterings: &[Vec<u8>]) -> Result<(), QueryError> {
    let is_empty =
        |clustering: &Vec<u8>| ClusteringValues::new(clustering).next().flatten().is_some_and(<[u8]>::is_empty);
    if table.params.storage.refuses_empty_clustering() && clusterings.iter().any(is_empty) {
        let name = table.clustering.first().map_or("", |column| column.name.as_str());
        return Err(QueryError::invalid(format!("Invalid empty or null value for column {name}")));
    }
    Ok(())
}
