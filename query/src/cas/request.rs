//! One execution of conditional statements: their conditions by row, the read that decides, and what is written.

use std::borrow::Cow;
use std::sync::Arc;

use helenus_model::key::KeyRef;
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{ColumnId, RowRef};
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::time::LocalSeconds;

use super::bound::BoundCondition;
use super::condition::{ColumnCondition, Conditions};
use super::current;
use super::late::LateWrite;
use crate::error::QueryError;
use crate::guardrail::{Guardrails, Warnings};
use crate::restrict::{StatementKind, check_key};
use crate::values::{BoundValues, ExecuteOptions, IdSource};
use crate::write::{WriteBatch, WritePlan};

/// What must hold of one row, or of the static row.
#[derive(Clone, Debug)]
enum RowConditions {
    Exists,
    NotExists,
    Columns(Vec<BoundCondition>),
}

/// A conditional write of one partition, its values bound. It owns what it needs and may wait.
#[derive(Clone, Debug)]
pub struct CasRequest {
    pub(super) table: Arc<Table>,
    key: Box<[u8]>,
    statics: Option<RowConditions>,
    /// By clustering, in table order.
    rows: Vec<(Box<[u8]>, RowConditions)>,
    /// Ids of the static and regular columns that are read.
    read_statics: Vec<ColumnId>,
    read_regulars: Vec<ColumnId>,
    /// The clusterings that are read; none: the first row.
    read_rows: Vec<Box<[u8]>>,
    /// Columns of a refused write's rows.
    pub(super) columns: Vec<Column>,
    /// What is written if the conditions hold, at a time that is none yet; None: nothing.
    mutation: Option<Vec<u8>>,
    /// Instead of `mutation`: what is bound when the partition was read.
    late: Option<LateWrite>,
    /// Instead of `mutation`: what is wrong with it, told when the conditions hold.
    wrong: Option<QueryError>,
    /// What guardrails say of what is written, told when the conditions hold.
    warnings: Warnings,
    /// A guardrail that it violates.
    violated: Option<QueryError>,
    now: LocalSeconds,
}

/// Collects the conditional statements of one request.
#[derive(Debug)]
pub struct CasBuilder {
    is_batch: bool,
    table: Option<Arc<Table>>,
    key: Box<[u8]>,
    statics: Option<RowConditions>,
    rows: Vec<(Box<[u8]>, RowConditions)>,
    tested: Vec<Column>,
    /// All columns are told: there was an IF [NOT] EXISTS.
    tells_all: bool,
    writes_regulars: bool,
    writes_statics: bool,
    /// The statements are bound when the partition was read.
    is_late: bool,
    late: Option<LateWrite>,
    /// What is wrong with what the statements write.
    wrong: Option<QueryError>,
    /// They hold for who asks.
    guardrails: Option<Arc<Guardrails>>,
    warnings: Warnings,
    violated: Option<QueryError>,
    /// The rows that something is added to.
    added_to: Vec<Box<[u8]>>,
}

impl CasBuilder {
    /// Of a batch, or of one statement. `is_late`: some statement is one that [`WritePlan::reads_current`]. `guardrails`: those that hold
    /// for who asks.
    pub fn new(is_batch: bool, is_late: bool, guardrails: Option<Arc<Guardrails>>) -> Self {
        CasBuilder {
            is_late,
            wrong: None,
            guardrails,
            warnings: Vec::new(),
            violated: None,
            added_to: Vec::new(),
            late: None,
            is_batch,
            table: None,
            key: Box::default(),
            statics: None,
            rows: Vec::new(),
            tested: Vec::new(),
            tells_all: false,
            writes_regulars: false,
            writes_statics: false,
        }
    }

    /// Adds a statement: its conditions here, what it writes to `out`. In a batch it may be one without conditions.
    ///
    /// # Errors
    /// Cassandra's refusals: several partitions, IN, contradictory conditions, and those of [`WritePlan::bind`].
    pub fn add(
        &mut self,
        plan: &WritePlan,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        plan.with_values(values, |values| self.add_with(plan, values, options, out))
    }

    fn add_with(
        &mut self,
        plan: &WritePlan,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        let kind = if plan.kind == StatementKind::Update { "updates" } else { "deletions" };
        let keys = plan.restrictions().partition_keys(values, options)?.unwrap_or_default();
        keys.iter().try_for_each(|key| check_key(key))?;
        let ([key], true) = (keys.as_slice(), plan.restrictions().partition.is_single_key()) else {
            return Err(self.several_partitions(kind));
        };
        match &self.table {
            None => {
                self.table = Some(Arc::clone(&plan.table));
                self.key.clone_from(key);
            }
            Some(table) if table.id != plan.table.id => {
                return Err(QueryError::invalid("Batch with conditions cannot span multiple tables"));
            }
            Some(_) if self.key != *key => {
                return Err(QueryError::invalid("Batch with conditions cannot span multiple partitions"));
            }
            Some(_) => {}
        }
        if plan.restrictions().has_clustering_in() {
            return Err(QueryError::invalid(format!(
                "IN on the clustering key columns is not supported with conditional {kind}"
            )));
        }
        self.writes_regulars |= plan.table.clustering.is_empty() || plan.restricts_clustering();
        if let Some(conditions) = &plan.conditions {
            let clustering = match plan.only_statics() && !plan.restricts_clustering() {
                true => None,
                false => {
                    let clusterings = plan.restrictions().row_clusterings(values, options)?;
                    Some(clusterings.into_iter().next().unwrap_or_default().into_boxed_slice())
                }
            };
            self.writes_statics |= plan.writes_statics();
            if plan.adds_to_rows() {
                self.added_to.extend(clustering.clone());
            }
            self.conditions(conditions, clustering, values, options)?;
        } else if plan.restrictions().has_whole_clustering() {
            plan.restrictions().row_clusterings(values, options)?;
        } else if plan.restricts_clustering() {
            check_slices(plan, values, options)?;
        }
        if self.is_late {
            self.late.get_or_insert_with(|| LateWrite::new(options)).push(plan, values);
        } else if self.wrong.is_none() {
            // As Cassandra, which binds what is written when the conditions hold.
            self.wrong = plan.bind_conditional(values, options, None, out).err();
        }
        if let (Some(guardrails), None, None) = (&self.guardrails, &self.wrong, &self.violated) {
            self.violated = guardrails.guard_sizes(plan, values, options, &mut self.warnings).err();
        }
        Ok(())
    }

    /// Cassandra fails at a batch of several partitions in one statement by an exception that it does not expect.
    fn several_partitions(&self, kind: &str) -> QueryError {
        if self.is_batch {
            return QueryError::Server(
                "java.lang.IllegalArgumentException: Batch with conditions cannot span multiple partitions (you cannot use IN on the partition key)".to_owned(),
            );
        }
        QueryError::invalid(format!("IN on the partition key is not supported with conditional {kind}"))
    }

    fn conditions(
        &mut self,
        conditions: &Conditions,
        clustering: Option<Box<[u8]>>,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<(), QueryError> {
        match conditions {
            Conditions::Exists => self.existence(clustering, RowConditions::Exists),
            Conditions::NotExists => self.existence(clustering, RowConditions::NotExists),
            Conditions::Columns(list) => {
                let of_kind =
                    |kind| list.iter().filter(move |condition: &&ColumnCondition| condition.column.kind == kind);
                let bind = |condition: &ColumnCondition| BoundCondition::new(condition, values, options);
                let regulars: Vec<_> = of_kind(ColumnKind::Regular).map(bind).collect::<Result<_, _>>()?;
                let statics: Vec<_> = of_kind(ColumnKind::Static).map(bind).collect::<Result<_, _>>()?;
                // Told in this order: regular ones first, as Cassandra does.
                for condition in of_kind(ColumnKind::Regular).chain(of_kind(ColumnKind::Static)) {
                    if !self.tested.contains(&condition.column) {
                        self.tested.push(condition.column.clone());
                    }
                }
                if !regulars.is_empty() {
                    self.columns(clustering, regulars)?;
                }
                if !statics.is_empty() {
                    self.columns(None, statics)?;
                }
                Ok(())
            }
        }
    }

    /// The conditions of a row so far; None is the static row.
    fn place(&mut self, clustering: Option<&[u8]>) -> Option<&mut RowConditions> {
        match clustering {
            None => self.statics.as_mut(),
            Some(clustering) => {
                self.rows.iter_mut().find(|(known, _)| **known == *clustering).map(|(_, conditions)| conditions)
            }
        }
    }

    fn put(&mut self, clustering: Option<Box<[u8]>>, conditions: RowConditions) {
        match clustering {
            None => self.statics = Some(conditions),
            Some(clustering) => self.rows.push((clustering, conditions)),
        }
    }

    fn existence(&mut self, clustering: Option<Box<[u8]>>, new: RowConditions) -> Result<(), QueryError> {
        self.tells_all = true;
        let not = if matches!(new, RowConditions::NotExists) { "NOT " } else { "" };
        match (self.place(clustering.as_deref()), &new) {
            (None, _) => self.put(clustering, new),
            (Some(RowConditions::Exists), RowConditions::Exists)
            | (Some(RowConditions::NotExists), RowConditions::NotExists) => {}
            (Some(RowConditions::Columns(_)), _) => {
                return Err(QueryError::invalid(format!(
                    "Cannot mix IF conditions and IF {not}EXISTS for the same row"
                )));
            }
            (Some(_), _) => {
                return Err(QueryError::invalid("Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row"));
            }
        }
        Ok(())
    }

    fn columns(&mut self, clustering: Option<Box<[u8]>>, new: Vec<BoundCondition>) -> Result<(), QueryError> {
        match self.place(clustering.as_deref()) {
            None => self.put(clustering, RowConditions::Columns(new)),
            Some(RowConditions::Columns(known)) => known.extend(new),
            Some(_) => {
                return Err(QueryError::invalid("Cannot mix IF conditions and IF NOT EXISTS for the same row"));
            }
        }
        Ok(())
    }

    /// The request, with what the statements wrote to `write`, which is finished. None: there was no statement.
    pub fn finish(self, write: &WriteBatch, now: LocalSeconds) -> Option<CasRequest> {
        let table = self.table?;
        let mut rows = self.rows;
        rows.sort_by(|a, b| table.comparator().compare(&a.0, &b.0));
        let ids = |all: bool, columns: &[Column], kind| -> Vec<ColumnId> {
            let tested = self.tested.iter().filter(|column| column.kind == kind);
            let mut ids: Vec<_> = match all {
                true => columns.iter().map(|column| column.id).collect(),
                false => tested.map(|column| column.id).collect(),
            };
            ids.sort_unstable();
            ids
        };
        let columns = if self.tells_all {
            table.visible_columns().cloned().collect()
        } else {
            let keys = table.partition_key.iter().chain(&table.clustering).filter(|_| self.is_batch);
            let keys = keys.filter(|column| !table.is_hidden(column));
            keys.cloned().chain(self.tested.iter().cloned()).collect()
        };
        let read_statics = ids(self.writes_statics, &table.statics, ColumnKind::Static);
        let read_regulars = ids(self.writes_regulars, &table.regulars, ColumnKind::Regular);
        let wrong = self.wrong;
        let mutation = write.mutations().next().filter(|_| wrong.is_none()).map(|mutation| mutation.bytes.to_vec());
        let (key, statics) = (self.key, self.statics);
        let late = self.late;
        let mut read_rows = self.added_to;
        read_rows.extend(rows.iter().map(|(clustering, _)| clustering.clone()));
        read_rows.sort_by(|a, b| table.comparator().compare(a, b));
        read_rows.dedup();
        Some(CasRequest {
            table,
            key,
            statics,
            rows,
            read_statics,
            read_regulars,
            read_rows,
            columns,
            mutation,
            late,
            wrong,
            warnings: self.warnings,
            violated: self.violated,
            now,
        })
    }
}

/// What is wrong with the rows that a DELETE without conditions names is told before any is looked at, but for null as a bound of one
/// column.
fn check_slices(plan: &WritePlan, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<(), QueryError> {
    let restrictions = plan.restrictions();
    restrictions.slices(values, options).map(drop).or_else(|error| {
        restrictions.clustering_prefixes(values, options)?;
        if restrictions.has_null_bound(values, options)? { Ok(()) } else { Err(error) }
    })
}

impl CasRequest {
    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The partition key.
    pub fn key(&self) -> KeyRef<'_> {
        KeyRef::new(&self.key)
    }

    /// What is known before the read of what is written if the conditions hold, at a time that is none yet.
    pub fn mutation(&self) -> Option<&[u8]> {
        self.mutation.as_deref()
    }

    /// What guardrails say of what is written, once.
    pub fn take_warnings(&mut self) -> Warnings {
        std::mem::take(&mut self.warnings)
    }

    /// What is written if the conditions hold, at a time that is none yet; None: nothing. `current`: as for [`CasRequest::applies`].
    ///
    /// # Errors
    /// Places that lists do not have, and wrong values beside them; a guardrail that is violated.
    pub fn written(
        &self,
        current: Option<&PartitionRef<'_>>,
        ids: &dyn IdSource,
    ) -> Result<Option<Cow<'_, [u8]>>, QueryError> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let written = match &self.late {
            Some(late) => late.bind(&self.key, current, ids)?.map(Cow::Owned),
            None => self.mutation.as_deref().map(Cow::Borrowed),
        };
        self.violated.clone().map_or(Ok(written), Err)
    }

    /// The read that decides. With conditions on static columns only, the first row tells whether the partition has any.
    pub fn read_command(&self) -> ReadCommand {
        let mut ids: Vec<ColumnId> = self.read_statics.iter().chain(&self.read_regulars).copied().collect();
        ids.sort_unstable();
        let (slices, limits) = if self.read_rows.is_empty() {
            (vec![Slice::all()], ReadLimits { rows: 1, ..ReadLimits::NONE })
        } else {
            (self.read_rows.iter().map(|clustering| Slice::of_prefix(clustering)).collect(), ReadLimits::NONE)
        };
        ReadCommand {
            table: self.table.id,
            schema_epoch: self.table.epoch,
            scope: ReadScope::Partition { key: self.key.clone() },
            slices,
            reversed: false,
            columns: ColumnFilter::Only(ids.into()),
            limits,
            now: self.now,
            through: None,
        }
    }

    /// Whether the conditions hold. `current` is what the read found of the partition; None: nothing.
    ///
    /// # Errors
    /// Comparisons with null, negative indexes.
    pub fn applies(&self, current: Option<&PartitionRef<'_>>) -> Result<bool, QueryError> {
        if let Some(conditions) = &self.statics
            && !self.row_applies(conditions, current.and_then(|current| self.live_static(current)))?
        {
            return Ok(false);
        }
        for (clustering, conditions) in &self.rows {
            let row = current.and_then(|current| {
                self.live_rows(current).find(|(found, _)| self.table.comparator().compare(found, clustering).is_eq())
            });
            if !self.row_applies(conditions, row.map(|(_, row)| row))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn row_applies(&self, conditions: &RowConditions, row: Option<RowRef<'_>>) -> Result<bool, QueryError> {
        match conditions {
            RowConditions::Exists => Ok(row.is_some()),
            RowConditions::NotExists => Ok(row.is_none()),
            RowConditions::Columns(list) => {
                for condition in list {
                    if !condition.fits(row, self.now)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// The value of a static or regular column that is read.
    pub(super) fn value(&self, row: Option<RowRef<'_>>, column: &Column) -> Option<Vec<u8>> {
        let wanted = if column.kind == ColumnKind::Static { &self.read_statics } else { &self.read_regulars };
        if wanted.binary_search(&column.id).is_err() {
            return None;
        }
        current::value(row?, column, self.now)
    }

    fn has_live_cell(&self, row: RowRef<'_>, wanted: &[ColumnId]) -> bool {
        row.cells().any(|cell| wanted.binary_search(&cell.column).is_ok() && cell.is_live(self.now))
    }

    /// The static row, if one of the columns read has a value.
    pub(super) fn live_static<'a>(&self, current: &PartitionRef<'a>) -> Option<RowRef<'a>> {
        current.static_row.filter(|row| self.has_live_cell(*row, &self.read_statics))
    }

    /// The rows that are there, seen by the columns read.
    pub(super) fn live_rows<'a>(&self, current: &PartitionRef<'a>) -> impl Iterator<Item = (&'a [u8], RowRef<'a>)> {
        current.items().filter_map(|item| match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row })
                if row.header.liveness.is_live(self.now) || self.has_live_cell(row, &self.read_regulars) =>
            {
                Some((clustering, row))
            }
            _ => None,
        })
    }
}
