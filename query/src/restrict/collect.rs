//! Merging restrictions of the same columns, and deciding which name rows and which only filter them.

use std::sync::Arc;

use helenus_cql::ast::Operator;
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::types::CqlType;

use super::index;
use super::partition::missing_columns;
use super::{
    ClusteringKind, ClusteringRestriction, Filter, FilterTest, GroupIn, GroupTerm, IndexUse, Indexing, KeyPart,
    PartitionRestriction, RestrictOptions, Restrictions, SliceBound, StatementKind, TokenRestriction,
};
use crate::error::QueryError;
use crate::term::Term;

/// The start of the message apps look for.
pub(crate) const REQUIRES_ALLOW_FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING";

/// What has been said so far.
pub(super) struct Collector<'a> {
    table: &'a Arc<Table>,
    options: RestrictOptions,
    keys: Vec<Option<KeyPart>>,
    token: Option<TokenRestriction>,
    clustering: Vec<ClusteringRestriction>,
    /// The clustering columns whose elements are restricted.
    contains: Vec<usize>,
    filters: Vec<Filter>,
}

/// The restrictions that an index answers.
struct Uses {
    keys: Vec<IndexUse>,
    /// Of each restriction of clustering columns how many it is on.
    clustering: Vec<(usize, Option<IndexUse>)>,
    filters: Vec<IndexUse>,
}

impl Uses {
    fn of(collector: &Collector<'_>) -> Self {
        let table = collector.table;
        let keys = table.partition_key.iter().zip(&collector.keys);
        let clustering = collector.clustering.iter();
        Uses {
            keys: keys.filter_map(|(column, part)| index::of_key_part(table, column, part.as_ref()?)).collect(),
            clustering: clustering.map(|one| (one.width, index::of_clustering(table, one))).collect(),
            filters: collector.filters.iter().filter_map(|filter| index::of_filter(table, filter)).collect(),
        }
    }

    fn any(&self) -> bool {
        !self.keys.is_empty() || !self.filters.is_empty() || self.clustering.iter().any(|(_, found)| found.is_some())
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(table: &'a Arc<Table>, options: RestrictOptions) -> Self {
        let keys = vec![None; table.partition_key.len()];
        Collector {
            table,
            options,
            keys,
            token: None,
            clustering: Vec::new(),
            contains: Vec::new(),
            filters: Vec::new(),
        }
    }

    pub(super) fn add_key(&mut self, column: &Column, part: KeyPart) -> Result<(), QueryError> {
        if self.filters.iter().any(|filter| filter.columns.iter().any(|other| other.name == column.name)) {
            return Err(only_contains(&column.name));
        }
        let Some(place) = self.keys.get_mut(usize::from(column.position)) else { return Ok(()) };
        *place = Some(match (place.take(), part) {
            (None, part) => part,
            (Some(KeyPart::Equal(_)), _) => return Err(twice(&column.name, "an Equal")),
            (Some(KeyPart::In(_)), _) => return Err(twice(&column.name, "a IN")),
            (Some(KeyPart::Compare(mut bounds)), KeyPart::Compare(more)) => {
                for (operator, _) in &more {
                    let same_end = |(other, _): &(Operator, GroupTerm)| is_lower(*other) == is_lower(*operator);
                    if bounds.iter().any(same_end) {
                        return Err(two_bounds(&column.name, is_lower(*operator)));
                    }
                }
                bounds.extend(more);
                KeyPart::Compare(bounds)
            }
            (Some(KeyPart::Compare(_)), _) => return Err(both_kinds(&column.name)),
        });
        Ok(())
    }

    pub(super) fn add_token(&mut self, operator: Operator, value: Term) -> Result<(), QueryError> {
        let names = self.key_names();
        let token = self.token.get_or_insert_default();
        let equal = operator == Operator::Equal;
        if token.equal.is_some() {
            return Err(twice(&names, "an Equal"));
        }
        if equal && (token.start.is_some() || token.end.is_some()) {
            return Err(QueryError::invalid(format!(
                "Columns \"{names}\" cannot be restricted by both an equality and an inequality relation"
            )));
        }
        let inclusive = matches!(operator, Operator::LessOrEqual | Operator::GreaterOrEqual);
        let place = match operator {
            Operator::Equal => {
                token.equal = Some(value);
                return Ok(());
            }
            operator if is_lower(operator) => &mut token.start,
            _ => &mut token.end,
        };
        if place.is_some() {
            return Err(two_bounds(&names, is_lower(operator)));
        }
        *place = Some((value, inclusive));
        Ok(())
    }

    fn key_names(&self) -> String {
        let names: Vec<&str> = self.table.partition_key.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    pub(super) fn add_clustering(&mut self, new: ClusteringRestriction) -> Result<(), QueryError> {
        let overlaps =
            |old: &ClusteringRestriction| new.first < old.first + old.width && old.first < new.first + new.width;
        let by_index = self.may_use_indexes() && index::of_clustering(self.table, &new).is_some();
        let is_ordered = !self.options.allow_filtering && !by_index;
        if let Some(index) = self.clustering.iter().position(overlaps) {
            let (first, is_slice) = (new.first, new.is_slice());
            let old = self.clustering.remove(index);
            let merged = self.merge(old, new)?;
            self.clustering.insert(index, merged);
            return if is_ordered { self.check_order(first, is_slice) } else { Ok(()) };
        }
        if let Some(common) = (new.first..new.first + new.width).find(|position| self.contains.contains(position)) {
            return Err(only_contains(self.clustering_name(common)));
        }
        if is_ordered {
            self.check_order(new.first, new.is_slice())?;
        }
        let at = self.clustering.iter().position(|old| old.first > new.first).unwrap_or(self.clustering.len());
        self.clustering.insert(at, new);
        Ok(())
    }

    /// Whether a restriction from the column at `new` on may stand beside those that were before it.
    fn check_order(&self, new: usize, is_slice: bool) -> Result<(), QueryError> {
        let places = || self.clustering.iter().map(|r| r.first).chain(self.contains.iter().copied());
        let Some(last) = places().max() else { return Ok(()) };
        if new > last && self.clustering.last().is_some_and(|slice| slice.first == last && slice.is_slice()) {
            return Err(self.behind_inequality(new, last));
        }
        if new < last && is_slice {
            let next = places().filter(|first| *first > new).min().unwrap_or(last);
            return Err(QueryError::invalid(format!(
                "PRIMARY KEY column \"{}\" cannot be restricted (preceding column \"{}\" is restricted by a non-EQ relation)",
                self.clustering_name(next),
                self.clustering_name(new)
            )));
        }
        Ok(())
    }

    fn behind_inequality(&self, column: usize, preceding: usize) -> QueryError {
        QueryError::invalid(format!(
            "Clustering column \"{}\" cannot be restricted (preceding column \"{}\" is restricted by a non-EQ relation)",
            self.clustering_name(column),
            self.clustering_name(preceding)
        ))
    }

    fn clustering_name(&self, position: usize) -> &str {
        self.table.clustering.get(position).map_or("", |column| column.name.as_str())
    }

    fn merge(
        &self,
        old: ClusteringRestriction,
        new: ClusteringRestriction,
    ) -> Result<ClusteringRestriction, QueryError> {
        let from = old.first.max(new.first);
        let to = (old.first + old.width).min(new.first + new.width);
        let common: Vec<&str> = (from..to).map(|position| self.clustering_name(position)).collect();
        let common = common.join(" ,");
        match (old.kind, new.kind) {
            (ClusteringKind::Equal(_), _) => Err(twice(&common, "an Equal")),
            (ClusteringKind::In(_), _) => Err(twice(&common, "a IN")),
            (ClusteringKind::Slice { start, end }, ClusteringKind::Slice { start: new_start, end: new_end }) => {
                if old.first != new.first {
                    return Err(QueryError::invalid(format!(
                        "Column \"{}\" cannot be restricted by two inequalities not starting with the same column",
                        self.clustering_name(from)
                    )));
                }
                if start.is_some() && new_start.is_some() {
                    return Err(two_bounds(&common, true));
                }
                if end.is_some() && new_end.is_some() {
                    return Err(two_bounds(&common, false));
                }
                Ok(ClusteringRestriction {
                    first: old.first,
                    width: old.width.max(new.width),
                    multi: old.multi || new.multi,
                    kind: ClusteringKind::Slice { start: start.or(new_start), end: end.or(new_end) },
                })
            }
            (ClusteringKind::Slice { .. }, _) => Err(both_kinds(&common)),
        }
    }

    /// CONTAINS on a frozen collection that is a clustering column: it filters, but Cassandra takes it for a restriction of the clustering.
    pub(super) fn add_clustering_contains(&mut self, column: &Column, filter: Filter) -> Result<(), QueryError> {
        let position = usize::from(column.position);
        if let Some(old) = self.clustering.iter().find(|old| (old.first..old.first + old.width).contains(&position)) {
            return Err(match old.kind {
                ClusteringKind::Equal(_) => twice(&column.name, "an Equal"),
                ClusteringKind::In(_) => twice(&column.name, "a IN"),
                ClusteringKind::Slice { .. } => both_kinds(&column.name),
            });
        }
        if !self.options.allow_filtering
            && let Some(last) = self.clustering.last()
            && last.is_slice()
            && position > last.first
            && self.contains.iter().all(|before| *before < last.first)
        {
            return Err(self.behind_inequality(position, last.first));
        }
        self.contains.push(position);
        self.filters.push(filter);
        Ok(())
    }

    /// CONTAINS on a frozen collection of the partition key.
    pub(super) fn add_key_contains(&mut self, column: &Column, filter: Filter) -> Result<(), QueryError> {
        match self.keys.get(usize::from(column.position)) {
            Some(Some(KeyPart::Equal(_))) => Err(twice(&column.name, "an Equal")),
            Some(Some(KeyPart::In(_))) => Err(twice(&column.name, "a IN")),
            Some(Some(KeyPart::Compare(_))) => Err(both_kinds(&column.name)),
            _ => self.add_filter(filter),
        }
    }

    fn check_contains(&self) -> Result<(), QueryError> {
        let is_contains = |filter: &Filter| {
            matches!(filter.test, FilterTest::Contains(_) | FilterTest::ContainsKey(_))
                && filter.columns.iter().any(|column| column.kind == ColumnKind::Clustering)
        };
        if !self.options.allow_filtering && self.filters.iter().any(is_contains) {
            return Err(QueryError::invalid(
                "Clustering columns can only be restricted with CONTAINS with a secondary index or filtering",
            ));
        }
        Ok(())
    }

    pub(super) fn add_filter(&mut self, filter: Filter) -> Result<(), QueryError> {
        if let [column] = filter.columns.as_slice() {
            for before in &self.filters {
                if before.columns.first().is_some_and(|other| other.name == column.name) {
                    check_beside(&column.name, &before.test, &filter.test)?;
                }
            }
        }
        self.filters.push(filter);
        Ok(())
    }

    fn may_use_indexes(&self) -> bool {
        self.options.kind == StatementKind::Select && !self.table.indexes.is_empty()
    }

    pub(super) fn finish(mut self) -> Result<Restrictions, QueryError> {
        if self.may_use_indexes() {
            let uses = Uses::of(&self);
            if uses.any() {
                return self.finish_indexed(uses);
            }
        }
        let mut key_filters = Vec::new();
        let partition = self.finish_partition(&mut key_filters)?;
        let filters_keys = !key_filters.is_empty() || self.filters.iter().any(is_of_key);
        if filters_keys && self.options.kind == StatementKind::Select && !self.options.allow_filtering {
            return Err(QueryError::invalid(REQUIRES_ALLOW_FILTERING));
        }
        self.check_only_statics()?;
        self.check_contains()?;
        let clustering_filters = self.finish_clustering()?;
        self.check_vectors()?;
        if !self.filters.is_empty() && self.options.kind != StatementKind::Select {
            let mut names: Vec<&str> = Vec::new();
            for filter in &self.filters {
                names.extend(filter.columns.iter().map(|column| column.name.as_str()));
            }
            names.sort_unstable();
            names.dedup();
            return Err(QueryError::invalid(format!(
                "Non PRIMARY KEY columns found in where clause: {} ",
                names.join(", ")
            )));
        }
        let mut filters = key_filters;
        filters.extend(clustering_filters);
        filters.extend(self.filters_by_name());
        if !filters.is_empty() && !self.options.allow_filtering {
            return Err(QueryError::invalid(REQUIRES_ALLOW_FILTERING));
        }
        let key_tokens = self.token;
        Ok(Restrictions {
            table: Arc::clone(self.table),
            partition,
            key_tokens,
            clustering: self.clustering,
            filters,
            indexing: Indexing::default(),
        })
    }

    /// With an index for at least one restriction less has to be said: what names no rows is filtered, and only what the index does not
    /// answer asks for ALLOW FILTERING.
    fn finish_indexed(mut self, uses: Uses) -> Result<Restrictions, QueryError> {
        let was_allowed = std::mem::replace(&mut self.options.allow_filtering, true);
        // Beside a whole key token(…) only filters; beside parts of it these do.
        let by_keys = self.token.is_none() || self.keys.iter().all(Option::is_some);
        let has_in = by_keys && self.keys.iter().any(|part| matches!(part, Some(KeyPart::In(_))));
        let no_key = self.keys.iter().all(Option::is_none) && self.token.is_none();
        let restricts_clustering = self.clustering.iter().map(|restriction| restriction.width).sum::<usize>();
        let mut key_filters = Vec::new();
        let partition = self.finish_partition(&mut key_filters)?;
        self.check_only_statics()?;
        let mut clustering_filters = self.finish_clustering()?;
        self.check_vectors()?;
        let is_range = !matches!(partition, PartitionRestriction::Keys(_));
        let by_clustering = no_key
            || !key_filters.is_empty()
            || !clustering_filters.is_empty()
            || (is_range && uses.clustering.iter().any(|(_, found)| found.is_some()));
        let is_wanted = by_clustering || !self.filters.is_empty();
        if is_wanted && has_in {
            return Err(QueryError::invalid(
                "Select on indexed columns and with IN clause for the PRIMARY KEY are not supported",
            ));
        }
        let mut restrictions = key_filters.len() + self.filters.len();
        let mut candidates: Vec<IndexUse> = Vec::new();
        if !key_filters.is_empty() {
            candidates.extend(uses.keys);
        }
        if by_clustering {
            restrictions += restricts_clustering;
            // What an index could answer is looked at as a filter, though it names rows as well: so its nulls are refused.
            clustering_filters.splice(..0, self.indexed_prefix());
            candidates.extend(uses.clustering.into_iter().filter_map(|(_, found)| found));
        }
        candidates.extend(uses.filters);
        let needs_filtering = is_wanted && !was_allowed && (candidates.is_empty() || restrictions > 1);
        let found = candidates.into_iter().next().filter(|_| is_wanted);
        let mut filters = key_filters;
        filters.extend(clustering_filters);
        filters.extend(self.filters_by_name());
        Ok(Restrictions {
            table: Arc::clone(self.table),
            partition,
            key_tokens: self.token,
            clustering: self.clustering,
            filters,
            indexing: Indexing { is_wanted, found, needs_filtering },
        })
    }

    /// Restrictions of the clustering's prefix from the first one that an index answers, as filters.
    fn indexed_prefix(&self) -> Vec<Filter> {
        let is_indexed = |r: &ClusteringRestriction| index::of_clustering(self.table, r).is_some();
        let from = self.clustering.iter().position(is_indexed).unwrap_or(self.clustering.len());
        self.clustering.iter().skip(from).flat_map(|r| self.as_filters(r.clone())).collect()
    }

    fn check_vectors(&self) -> Result<(), QueryError> {
        let columns = self.filters.iter().flat_map(|filter| &filter.columns);
        let vectors = columns.filter(|column| matches!(column.ty, CqlType::Vector { .. }));
        // Cassandra looks at the first by name only.
        let first = vectors.min_by(|a, b| a.name.cmp(&b.name));
        if self.may_use_indexes() && first.is_some_and(|column| index::is_indexed(self.table, column)) {
            return Err(QueryError::invalid("Vector indexes only support ANN queries"));
        }
        Ok(())
    }

    /// What is said of columns outside the primary key, as Cassandra goes through it: by their names.
    fn filters_by_name(&mut self) -> Vec<Filter> {
        let mut filters = std::mem::take(&mut self.filters);
        let place = |filter: &Filter| {
            filter
                .columns
                .first()
                .filter(|column| column.kind != ColumnKind::Clustering)
                .map(|column| column.name.clone())
        };
        filters.sort_by_cached_key(place);
        filters
    }

    fn check_only_statics(&self) -> Result<(), QueryError> {
        if !self.options.only_statics || (self.clustering.is_empty() && self.contains.is_empty()) {
            return Ok(());
        }
        match self.options.kind {
            StatementKind::Insert => Ok(()),
            StatementKind::Select => {
                Err(QueryError::invalid("Cannot restrict clustering columns when selecting only static columns"))
            }
            kind => Err(QueryError::invalid(format!(
                "Invalid restrictions on clustering columns since the {} statement modifies only static columns",
                kind.name()
            ))),
        }
    }

    fn finish_partition(&mut self, filters: &mut Vec<Filter>) -> Result<PartitionRestriction, QueryError> {
        let kind = self.options.kind;
        let is_slice = |part: &Option<KeyPart>| matches!(part, Some(KeyPart::Compare(_)));
        if kind != StatementKind::Select {
            // Beside a whole key the token only says which of the keys are meant.
            let missing = missing_columns(self.table, &self.keys);
            if self.token.is_some() && !missing.is_empty() {
                return Err(QueryError::invalid(format!(
                    "The token function cannot be used in WHERE clauses for {} statements",
                    kind.name()
                )));
            }
            if !missing.is_empty() {
                return Err(QueryError::invalid(format!(
                    "Some partition key parts are missing: {}",
                    missing.join(", ")
                )));
            }
            if self.keys.iter().any(is_slice) {
                return Err(QueryError::invalid(format!(
                    "Only EQ and IN relation are supported on the partition key (unless you use the token() function) for {} statements",
                    kind.name()
                )));
            }
        }
        if self.keys.iter().all(Option::is_none)
            && let Some(token) = self.token.take()
        {
            return Ok(PartitionRestriction::Token(token));
        }
        let parts = std::mem::take(&mut self.keys);
        if parts.iter().all(Option::is_none) {
            return Ok(PartitionRestriction::All);
        }
        if parts.iter().all(|part| part.is_some() && !is_slice(part)) {
            return Ok(PartitionRestriction::Keys(parts.into_iter().flatten().collect()));
        }
        let token = self.token.take();
        for (part, column) in parts.into_iter().zip(&self.table.partition_key) {
            let columns = || vec![column.clone()];
            match part {
                None => {}
                Some(KeyPart::Equal(value)) => filters.push(Filter {
                    columns: columns(),
                    multi: false,
                    test: FilterTest::Compare { operator: Operator::Equal, value },
                }),
                Some(KeyPart::In(list)) => {
                    filters.push(Filter { columns: columns(), multi: false, test: FilterTest::In(list) })
                }
                Some(KeyPart::Compare(bounds)) => filters.extend(bounds.into_iter().map(|(operator, value)| Filter {
                    columns: columns(),
                    multi: false,
                    test: FilterTest::Compare { operator, value },
                })),
            }
        }
        Ok(token.map_or(PartitionRestriction::All, PartitionRestriction::Token))
    }

    /// Leaves in `self.clustering` what names rows; the rest is answered as filters.
    fn finish_clustering(&mut self) -> Result<Vec<Filter>, QueryError> {
        let kind = self.options.kind;
        let is_slice = ClusteringRestriction::is_slice;
        if !kind.allows_clustering_slices() {
            if self.clustering.iter().any(is_slice) {
                return Err(QueryError::invalid(format!(
                    "Slice restrictions are not supported on the clustering columns in {} statements",
                    kind.name()
                )));
            }
            let restricted =
                |position: usize| self.clustering.iter().any(|r| (r.first..r.first + r.width).contains(&position));
            let missing: Vec<&str> = (0..self.table.clustering.len())
                .filter(|position| !restricted(*position))
                .map(|position| self.clustering_name(position))
                .collect();
            // Rows of compact tables may lack the last values of their clustering.
            let may_lack = self.table.params.storage.is_compact() && !self.clustering.is_empty();
            if !missing.is_empty() && !self.options.only_statics && !may_lack {
                return Err(QueryError::invalid(format!("Some clustering keys are missing: {}", missing.join(", "))));
            }
        }
        let mut next = 0;
        let mut usable = 0;
        for restriction in &self.clustering {
            if restriction.first != next {
                break;
            }
            usable += 1;
            next += restriction.width;
            if is_slice(restriction) {
                break;
            }
        }
        let left = self.clustering.split_off(usable);
        if let Some(first) = left.first()
            && !self.options.allow_filtering
        {
            if first.first != next {
                return Err(QueryError::invalid(format!(
                    "PRIMARY KEY column \"{}\" cannot be restricted as preceding column \"{}\" is not restricted",
                    self.clustering_name(first.first),
                    self.clustering_name(next)
                )));
            }
            let preceding = self.clustering.last().map_or(0, |slice| slice.first);
            return Err(self.behind_inequality(first.first, preceding));
        }
        Ok(left.into_iter().flat_map(|restriction| self.as_filters(restriction)).collect())
    }

    fn as_filters(&self, restriction: ClusteringRestriction) -> Vec<Filter> {
        let columns = |width: usize| -> Vec<Column> {
            let range = restriction.first..restriction.first + width;
            self.table.clustering.get(range).unwrap_or_default().to_vec()
        };
        let multi = restriction.multi;
        let bound = |bound: Option<SliceBound>, strict: Operator, inclusive: Operator| {
            bound.map(|bound| Filter {
                columns: columns(bound.value.width()),
                multi,
                test: FilterTest::Compare {
                    operator: if bound.inclusive { inclusive } else { strict },
                    value: bound.value,
                },
            })
        };
        match restriction.kind {
            ClusteringKind::Equal(value) => vec![Filter {
                columns: columns(restriction.width),
                multi,
                test: FilterTest::Compare { operator: Operator::Equal, value },
            }],
            ClusteringKind::In(list) => {
                vec![Filter { columns: columns(restriction.width), multi, test: FilterTest::In(list) }]
            }
            ClusteringKind::Slice { start, end } => {
                let start = bound(start, Operator::Greater, Operator::GreaterOrEqual);
                let end = bound(end, Operator::Less, Operator::LessOrEqual);
                start.into_iter().chain(end).collect()
            }
        }
    }
}

fn is_of_key(filter: &Filter) -> bool {
    filter.columns.iter().any(|column| column.kind == ColumnKind::PartitionKey)
}

/// Whether a column may be restricted by `test` beside what was said of it before.
fn check_beside(column: &str, before: &FilterTest, test: &FilterTest) -> Result<(), QueryError> {
    let is_one = |list: &GroupIn| matches!(list, GroupIn::List(terms) if terms.len() == 1);
    match (before, test) {
        (FilterTest::Compare { operator: Operator::Equal, .. }, _) => Err(twice(column, "an Equal")),
        (FilterTest::In(list), _) => Err(twice(column, if is_one(list) { "an Equal" } else { "a IN" })),
        (FilterTest::Compare { operator: before, .. }, FilterTest::Compare { operator, .. })
            if *operator != Operator::Equal =>
        {
            let lower = is_lower(*operator);
            if is_lower(*before) == lower { Err(two_bounds(column, lower)) } else { Ok(()) }
        }
        (FilterTest::Compare { .. }, _) => Err(both_kinds(column)),
        (_, FilterTest::Compare { .. } | FilterTest::In(_)) => Err(only_contains(column)),
        _ => Ok(()),
    }
}

/// The restriction of a comparison or equality on clustering columns.
pub(super) fn clustering_kind(operator: Operator, value: GroupTerm) -> ClusteringKind {
    let bound = |inclusive| Some(SliceBound { value: value.clone(), inclusive });
    match operator {
        Operator::Less => ClusteringKind::Slice { start: None, end: bound(false) },
        Operator::LessOrEqual => ClusteringKind::Slice { start: None, end: bound(true) },
        Operator::Greater => ClusteringKind::Slice { start: bound(false), end: None },
        Operator::GreaterOrEqual => ClusteringKind::Slice { start: bound(true), end: None },
        _ => ClusteringKind::Equal(value),
    }
}

/// An IN of one written value is an equality, as in Cassandra.
pub(super) fn in_kind(list: GroupIn) -> ClusteringKind {
    match list {
        GroupIn::List(mut terms) if terms.len() == 1 => match terms.pop() {
            Some(only) => ClusteringKind::Equal(only),
            None => ClusteringKind::In(GroupIn::List(terms)),
        },
        several => ClusteringKind::In(several),
    }
}

fn is_lower(operator: Operator) -> bool {
    matches!(operator, Operator::Greater | Operator::GreaterOrEqual)
}

fn twice(columns: &str, what: &str) -> QueryError {
    QueryError::invalid(format!("{columns} cannot be restricted by more than one relation if it includes {what}"))
}

fn both_kinds(columns: &str) -> QueryError {
    QueryError::invalid(format!(
        "Column \"{columns}\" cannot be restricted by both an equality and an inequality relation"
    ))
}

fn only_contains(column: &str) -> QueryError {
    QueryError::invalid(format!(
        "Collection column {column} can only be restricted by CONTAINS, CONTAINS KEY, or map-entry equality"
    ))
}

fn two_bounds(columns: &str, lower: bool) -> QueryError {
    let end = if lower { "start" } else { "end" };
    QueryError::invalid(format!("More than one restriction was found for the {end} bound on {columns}"))
}
