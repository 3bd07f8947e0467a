//! The clusterings and slices a WHERE names.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use helenus_model::key::{ClusteringValues, Position, PositionBuf, put_clustering_value};
use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::read::Slice;
use helenus_model::schema::{Column, SortOrder, Table};

use super::bound::{null_value, unset_value};
use super::partition::check_product;
use super::{GroupIn, GroupTerm, Restrictions};
use crate::error::QueryError;
use crate::term::Value;
use crate::values::{BoundValues, ExecuteOptions};

/// A restriction of one clustering column or of several at once.
#[derive(Clone, Debug)]
pub struct ClusteringRestriction {
    /// Place of the first column.
    pub first: usize,
    /// How many columns it is about.
    pub width: usize,
    /// Written with parentheses: `(a, b) > …`.
    pub multi: bool,
    /// What it says.
    pub kind: ClusteringKind,
}

impl ClusteringRestriction {
    pub(super) fn is_slice(&self) -> bool {
        matches!(self.kind, ClusteringKind::Slice { .. })
    }
}

/// What a clustering restriction says.
#[derive(Clone, Debug)]
pub enum ClusteringKind {
    /// `=`
    Equal(GroupTerm),
    /// `IN`
    In(GroupIn),
    /// Bounds.
    Slice {
        /// Lower bound.
        start: Option<SliceBound>,
        /// Upper bound.
        end: Option<SliceBound>,
    },
}

/// One end of a slice.
#[derive(Clone, Debug)]
pub struct SliceBound {
    /// The values: of all the restriction's columns or of the first of them.
    pub value: GroupTerm,
    /// Whether they are included.
    pub inclusive: bool,
}

impl Restrictions {
    /// True when every clustering column is fixed by = or IN.
    pub fn has_whole_clustering(&self) -> bool {
        let fixed: usize = self
            .clustering
            .iter()
            .filter(|restriction| !restriction.is_slice())
            .map(|restriction| restriction.width)
            .sum();
        fixed == self.table.clustering.len()
    }

    /// True when a clustering column is restricted by IN.
    pub(crate) fn has_clustering_in(&self) -> bool {
        self.clustering.iter().any(|restriction| matches!(restriction.kind, ClusteringKind::In(_)))
    }

    /// The prefixes that the equalities and INs give, encoded, each once, in table order: whole clusterings if
    /// [`Restrictions::has_whole_clustering`]. One empty prefix when nothing is said.
    ///
    /// # Errors
    /// Null and unset values, values beyond 65535 bytes.
    pub fn clustering_prefixes(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<Vec<u8>>, QueryError> {
        let (prefixes, _) = self.prefixes(values, options, false)?;
        for prefix in &prefixes {
            check_length(prefix)?;
        }
        Ok(prefixes)
    }

    /// As [`Restrictions::clustering_prefixes`], of any length: what no row can have finds none. A bound tuple that ends early is the
    /// clustering of no row; with `takes_short` it names all that begin with it where neither another restriction nor all columns
    /// are named, and whether there was one is told.
    fn prefixes(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        takes_short: bool,
    ) -> Result<(Vec<Vec<u8>>, bool), QueryError> {
        let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
        let mut has_short = false;
        for (place, restriction) in self.clustering.iter().enumerate() {
            let names = self.names(restriction.first, restriction.width);
            let mut rows = match &restriction.kind {
                ClusteringKind::Equal(term) if restriction.multi => {
                    vec![term.evaluate_or(&names, values, options, &null_column)?]
                }
                ClusteringKind::In(list) if restriction.multi => {
                    list.evaluate_or(&names, values, options, &|_: &str| null_columns(&names))?
                }
                ClusteringKind::Equal(term) => vec![term.evaluate(&names, values, options)?],
                ClusteringKind::In(list) => list.evaluate(&names, values, options)?,
                ClusteringKind::Slice { .. } => break,
            };
            if restriction.multi {
                let is_whole = |row: &Vec<Cow<'_, [u8]>>| row.len() == restriction.width;
                if takes_short && place + 1 == self.clustering.len() && !self.has_whole_clustering() {
                    has_short = !rows.iter().all(is_whole);
                } else {
                    rows.retain(is_whole);
                }
            }
            check_product([prefixes.len(), rows.len()].into_iter())?;
            let mut longer = Vec::with_capacity(prefixes.len() * rows.len());
            for prefix in &prefixes {
                for row in &rows {
                    let mut next = prefix.clone();
                    put_values(&mut next, row);
                    longer.push(next);
                }
            }
            prefixes = longer;
            if prefixes.is_empty() {
                // Behind an empty IN nothing is looked at.
                return Ok((prefixes, has_short));
            }
        }
        if prefixes.len() > 1 {
            let comparator = self.table.comparator();
            prefixes.sort_by(|a, b| comparator.compare(a, b));
            prefixes.dedup_by(|a, b| comparator.compare(a, b).is_eq());
        }
        Ok((prefixes, has_short))
    }

    /// The clusterings of the rows that a statement writes: [`Restrictions::clustering_prefixes`], with a null for each of the last
    /// values that a compact table's row may lack.
    ///
    /// # Errors
    /// As [`Restrictions::clustering_prefixes`].
    pub fn row_clusterings(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<Vec<u8>>, QueryError> {
        let mut clusterings = self.clustering_prefixes(values, options)?;
        let given: usize = self.clustering.iter().map(|restriction| restriction.width).sum();
        for _ in given..self.table.clustering.len() {
            clusterings.iter_mut().for_each(|clustering| put_clustering_value(clustering, None));
        }
        Ok(clusterings)
    }

    /// The slices of each partition, in table order, none empty, none overlapping another. Their bounds may be longer than a clustering.
    ///
    /// # Errors
    /// Null and unset values.
    pub fn slices(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<Vec<Slice>, QueryError> {
        self.slices_with(values, options, false)
    }

    /// As [`Restrictions::slices`], for a read: null may be the end of a range of one column, and stands before every value then, in
    /// either order.
    ///
    /// # Errors
    /// As [`Restrictions::slices`].
    pub fn read_slices(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<Slice>, QueryError> {
        self.slices_with(values, options, true)
    }

    fn slices_with(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        takes_null: bool,
    ) -> Result<Vec<Slice>, QueryError> {
        let (prefixes, has_short) = self.prefixes(values, options, true)?;
        let Some(ClusteringRestriction { first, width, multi, kind: ClusteringKind::Slice { start, end } }) =
            self.clustering.last()
        else {
            let slices = prefixes.iter().map(|prefix| Slice::of_prefix(prefix)).collect();
            return Ok(if has_short { self.apart(slices) } else { slices });
        };
        if prefixes.is_empty() {
            return Ok(Vec::new());
        }
        let names = self.names(*first, *width);
        let how = BoundRules { names: &names, multi: *multi, takes_null: takes_null && !multi };
        let evaluated = |bound: &Option<SliceBound>| {
            bound.as_ref().map(|bound| evaluate_bound(bound, how, values, options)).transpose()
        };
        let descends = |column: &Column| column.order == SortOrder::Descending;
        let (start, end) = if !multi && self.table.clustering.get(*first).is_some_and(descends) {
            let end = evaluated(end)?;
            (evaluated(start)?, end)
        } else {
            (evaluated(start)?, evaluated(end)?)
        };
        let (start, end) = (start.transpose()?, end.transpose()?);
        let columns = self.table.clustering.get(*first..).unwrap_or_default();
        let mut slices = Vec::new();
        for prefix in &prefixes {
            slice_prefix(&self.table, columns, prefix, start.as_ref(), end.as_ref(), &mut slices)?;
        }
        Ok(slices)
    }

    /// True when `=` and IN restrict every clustering column.
    pub fn names_rows(&self) -> bool {
        let width: usize = self.clustering.iter().map(|restriction| restriction.width).sum();
        width == self.table.clustering.len() && self.clustering.last().is_some_and(|last| !last.is_slice())
    }

    /// True when a bound of one column is null.
    ///
    /// # Errors
    /// Another one is unset, or its value is wrong.
    pub fn has_null_bound(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<bool, QueryError> {
        let Some(ClusteringRestriction { first, kind: ClusteringKind::Slice { start, end }, multi: false, .. }) =
            self.clustering.last()
        else {
            return Ok(false);
        };
        let name = self.table.clustering.get(*first).map_or("", |column| &column.name);
        let mut found = false;
        for bound in [start, end].into_iter().flatten() {
            let GroupTerm::Elements(terms) = &bound.value else { return Ok(false) };
            for term in terms {
                match term.evaluate(values, options)? {
                    Value::Unset => return Err(unset_value(name)),
                    Value::Null => found = true,
                    Value::Bytes(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// The slices without those that lie in another one.
    fn apart(&self, mut slices: Vec<Slice>) -> Vec<Slice> {
        let order =
            |a: &PositionBuf, b: &PositionBuf| self.table.comparator().compare_positions(a.as_ref(), b.as_ref());
        // Where two begin at one place the longer one is first.
        slices.sort_by(|a, b| order(&a.start, &b.start).then(order(&b.end, &a.end)));
        slices.dedup_by(|inner, outer| order(&inner.end, &outer.end).is_le());
        slices
    }

    fn names(&self, first: usize, width: usize) -> Vec<&str> {
        let columns = self.table.clustering.get(first..first + width).unwrap_or_default();
        columns.iter().map(|column| column.name.as_str()).collect()
    }
}

/// Appends values to an encoded clustering prefix.
fn put_values(out: &mut Vec<u8>, values: &[Cow<'_, [u8]>]) {
    for value in values {
        put_clustering_value(out, Some(value));
    }
}

fn null_column(column: &str) -> QueryError {
    QueryError::invalid(format!("Invalid null value for column {column}"))
}

fn null_columns(columns: &[&str]) -> QueryError {
    QueryError::invalid(format!("Invalid null value in condition for columns: [{}]", columns.join(", ")))
}

/// Checks the length of all values of a clustering together.
pub(crate) fn check_length(clustering: &[u8]) -> Result<(), QueryError> {
    if clustering.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    let length: usize = ClusteringValues::new(clustering).map(|value| value.map_or(0, <[u8]>::len)).sum();
    if length > KEY_BYTES_MAX { Err(super::key_too_long(length)) } else { Ok(()) }
}

/// The values, None for null, and whether they are included.
type Bound = (Vec<Option<Vec<u8>>>, bool);

/// What holds for both ends of a range.
#[derive(Clone, Copy)]
struct BoundRules<'a> {
    /// Of the columns.
    names: &'a [&'a str],
    /// It is written with parentheses.
    multi: bool,
    takes_null: bool,
}

/// An end of a range. The inner error is a null in a tuple, which is told when both ends are known.
fn evaluate_bound(
    bound: &SliceBound,
    how: BoundRules<'_>,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Result<Bound, QueryError>, QueryError> {
    if how.takes_null && bound.value.is_null(values, options)? {
        return Ok(Ok((vec![None], bound.inclusive)));
    }
    let has_null = Cell::new(false);
    let null = |name: &str| {
        has_null.set(true);
        null_value(name)
    };
    match bound.value.evaluate_or(how.names, values, options, &null) {
        Ok(values) => Ok(Ok((values.into_iter().map(|value| Some(value.into_owned())).collect(), bound.inclusive))),
        Err(error) if how.multi && has_null.get() => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// The parts of a partition under `prefix` whose next columns lie between the bounds.
///
/// A comparison of tuples is one slice only if all its columns run the same way. In general `(a, b) > (1, 2)` is `a > 1` or
/// (`a = 1` and `b > 2`): a slice for each column, and the two bounds' slices are intersected.
fn slice_prefix(
    table: &Table,
    columns: &[Column],
    prefix: &[u8],
    start: Option<&Bound>,
    end: Option<&Bound>,
    out: &mut Vec<Slice>,
) -> Result<(), QueryError> {
    let whole = || vec![Slice::of_prefix(prefix)];
    let lower = start.map_or_else(|| Ok(whole()), |bound| half(columns, prefix, bound, true))?;
    let upper = end.map_or_else(|| Ok(whole()), |bound| half(columns, prefix, bound, false))?;
    let order = |a: &PositionBuf, b: &PositionBuf| table.comparator().compare_positions(a.as_ref(), b.as_ref());
    let mut found = Vec::new();
    for low in &lower {
        for high in &upper {
            let start = if order(&low.start, &high.start) == Ordering::Less { &high.start } else { &low.start };
            let end = if order(&low.end, &high.end) == Ordering::Greater { &high.end } else { &low.end };
            if order(start, end) == Ordering::Less {
                found.push(Slice { start: start.clone(), end: end.clone() });
            }
        }
    }
    found.sort_by(|a, b| order(&a.start, &b.start));
    for slice in found {
        match out.last_mut() {
            // Neighbours, as `a > 1` and `a = 1 and b > 2` are when both run upward, are one slice.
            Some(last) if order(&last.end, &slice.start) != Ordering::Less => last.end = slice.end,
            _ => out.push(slice),
        }
    }
    Ok(())
}

/// The slices of everything above (`lower`) or below a bound.
fn half(columns: &[Column], prefix: &[u8], bound: &Bound, lower: bool) -> Result<Vec<Slice>, QueryError> {
    let (values, inclusive) = bound;
    if values.is_empty() {
        return Ok(vec![Slice::of_prefix(prefix)]);
    }
    let mut slices = Vec::with_capacity(values.len() + 1);
    let mut equal = prefix.to_vec();
    for (value, column) in values.iter().zip(columns) {
        let mut with_value = equal.clone();
        put_clustering_value(&mut with_value, value.as_deref());
        let ascending = column.order == SortOrder::Ascending;
        // Strictly beyond the value, in table order.
        slices.push(if ascending == lower {
            Slice {
                start: Position { prefix: &with_value, weight: 1 }.to_owned(),
                end: Position { prefix: &equal, weight: 1 }.to_owned(),
            }
        } else {
            Slice {
                start: Position { prefix: &equal, weight: -1 }.to_owned(),
                end: Position { prefix: &with_value, weight: -1 }.to_owned(),
            }
        });
        equal = with_value;
    }
    if *inclusive {
        slices.push(Slice::of_prefix(&equal));
    }
    Ok(slices)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use helenus_model::schema::{ColumnKind, TableParams, TableParts};
    use helenus_model::types::CqlType;
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    /// A table of four int clustering columns with these orders.
    fn table(orders: [bool; 4]) -> Table {
        let column = |(position, descending): (usize, &bool)| Column {
            id: 0,
            name: format!("c{position}"),
            ty: CqlType::Int,
            kind: ColumnKind::Clustering,
            position: position as u16,
            order: if *descending { SortOrder::Descending } else { SortOrder::Ascending },
        };
        Table::new(TableParts {
            id: uuid::Uuid::nil(),
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            epoch: 0,
            columns: orders.iter().enumerate().map(column).collect(),
            dropped: Vec::new(),
            next_column_id: 0,
            params: TableParams { extensions: BTreeMap::new(), ..TableParams::default() },
            indexes: Vec::new(),
            view: None,
        })
    }

    fn encoded(values: &[i32]) -> Vec<u8> {
        let mut out = Vec::new();
        for value in values {
            put_clustering_value(&mut out, Some(&value.to_be_bytes()));
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Whatever way the columns run, a row lies in a slice exactly if the comparison of its values holds, and slices stand in
        /// table order without touching.
        #[test]
        fn slices_hold_the_rows_that_compare_so(
            orders in any::<[bool; 4]>(),
            prefix in 0..3_i32,
            start in proptest::option::of((proptest::collection::vec(0..3_i32, 1..4), any::<bool>())),
            end in proptest::option::of((proptest::collection::vec(0..3_i32, 1..4), any::<bool>())),
        ) {
            let table = table(orders);
            let columns = &table.clustering[1..];
            let bytes = |bound: &Option<(Vec<i32>, bool)>| bound.as_ref().map(|(values, inclusive)| {
                (values.iter().map(|value| Some(value.to_be_bytes().to_vec())).collect::<Vec<_>>(), *inclusive)
            });
            let mut slices = Vec::new();
            let (low, high) = (bytes(&start), bytes(&end));
            slice_prefix(&table, columns, &encoded(&[prefix]), low.as_ref(), high.as_ref(), &mut slices).expect("short values");
            let order = |a: Position<'_>, b: Position<'_>| table.comparator().compare_positions(a, b);
            for pair in slices.windows(2) {
                prop_assert!(order(pair[0].end.as_ref(), pair[1].start.as_ref()).is_lt());
            }
            for row in 0..81 {
                let row = [row / 27 % 3, row / 9 % 3, row / 3 % 3, row % 3];
                let clustering = encoded(&row);
                let place = Position::row(&clustering);
                let inside = slices.iter().any(|slice| {
                    order(slice.start.as_ref(), place).is_lt() && order(place, slice.end.as_ref()).is_lt()
                });
                let above = start.as_ref().is_none_or(|(values, inclusive)| {
                    let compared = row[1..=values.len()].cmp(values);
                    compared.is_gt() || (*inclusive && compared.is_eq())
                });
                let below = end.as_ref().is_none_or(|(values, inclusive)| {
                    let compared = row[1..=values.len()].cmp(values);
                    compared.is_lt() || (*inclusive && compared.is_eq())
                });
                prop_assert_eq!(inside, row[0] == prefix && above && below, "{:?} {:?}", row, slices);
            }
        }
    }
}
