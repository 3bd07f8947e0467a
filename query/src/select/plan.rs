//! A checked SELECT.

use std::sync::Arc;

use helenus_cql::ast;
use helenus_model::schema::{Column, ColumnKind, SortOrder, Table};
use helenus_model::types::CqlType;
use helenus_model::value::json_name;
use rustc_hash::FxHashMap;

use super::aggregate::AggregatePlan;
use super::assemble::{Inputs, Source};
use super::execution::SelectExecution;
use super::filter::FilterPlan;
use super::paging;
use super::selection::{Constant, Selection, find_column, prepare_selection, prepare_selector, selects_only_statics};
use super::selector::Selector;
use super::sort::SortPlan;
use super::{PageRequest, ResultColumn};
use crate::error::QueryError;
use crate::restrict::{
    self, ClusteringKind, Filter, FilterTest, GroupIn, IndexUse, KeyPart, PartitionRestriction, RestrictOptions,
    Restrictions, StatementKind,
};
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term};
use crate::values::{BoundValues, ExecuteOptions};

/// Cassandra's refusal of a query that filters.
const NEEDS_FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING";

const OUT_OF_ORDER: &str =
    "Group by currently only support groups of columns following their declared order in the PRIMARY KEY";

/// Columns of a plain plan at most: their values stand in an array on the stack.
pub(super) const PLAIN_COLUMNS_MAX: usize = 16;

/// A SELECT checked against a schema; shared by its executions.
#[derive(Debug)]
pub struct SelectPlan {
    pub(super) table: Arc<Table>,
    pub(super) columns: Vec<ResultColumn>,
    pub(super) selectors: Vec<Selector>,
    /// Set when every result column is a value of the row as it is: its number among the inputs.
    pub(super) simple: Option<Box<[u16]>>,
    /// The result's columns are the inputs, one by one, and every row that is found is one of the result: nothing is tested, sorted,
    /// grouped or built of cells.
    pub(super) plain: bool,
    pub(super) constants: Vec<Constant>,
    pub(super) aggregates: Vec<AggregatePlan>,
    pub(super) inputs: Inputs,
    pub(super) impure: bool,
    pub(super) restrictions: Restrictions,
    pub(super) filters: Vec<FilterPlan>,
    /// Rows are tested beyond what the index by which they are found says already.
    pub(super) filters_rows: bool,
    pub(super) distinct: bool,
    pub(super) reversed: bool,
    pub(super) sort: Option<SortPlan>,
    pub(super) group_by: Option<GroupPlan>,
    pub(super) limit: Option<Term>,
    pub(super) per_partition_limit: Option<Term>,
    pub(super) allows_filtering: bool,
    /// A partition with nothing but a static row gives a row.
    pub(super) full_partitions: bool,
    /// It reads for a write: keys are looked at before clusterings, as in a write.
    pub(super) is_of_write: bool,
    /// Binds paging states to the statement.
    pub(super) hash: u64,
    pub(super) warnings: Vec<String>,
}

/// GROUP BY: rows of equal leading key columns are one group.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    /// Clustering columns the groups are made by; the partition key always belongs to them.
    pub(super) clustering: usize,
    /// A function of the clustering column behind these, whose value is a part of what makes a group.
    pub(super) bucket: Option<Bucket>,
}

/// A function of one clustering column in GROUP BY.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// The function.
    pub(super) selector: Selector,
    /// The column's number among the inputs.
    pub(super) input: u16,
}

impl SelectPlan {
    /// The columns of the result.
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// The table it reads.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The table's keyspace.
    pub fn keyspace(&self) -> &str {
        &self.table.keyspace
    }

    /// True when it reads ranges of partitions instead of naming them.
    pub fn is_range(&self) -> bool {
        !matches!(self.restrictions.partition, PartitionRestriction::Keys(_))
    }

    /// Warnings for the client.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// True when it computes aggregates.
    pub(super) fn is_aggregate(&self) -> bool {
        !self.aggregates.is_empty() || self.group_by.is_some()
    }

    /// Whether GROUP BY has a function of a clustering column.
    pub(super) fn has_bucket(&self) -> bool {
        self.group_by.as_ref().is_some_and(|group| group.bucket.is_some())
    }

    /// Starts an execution. `values` must be as many as the statement has markers.
    ///
    /// # Errors
    /// Values that may not stand where they are, paging states that make no sense.
    pub fn start(
        self: &Arc<Self>,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        page: PageRequest<'_>,
    ) -> Result<SelectExecution, QueryError> {
        SelectExecution::start(self, values, options, page)
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// Checks a SELECT.
///
/// # Errors
/// What Cassandra refuses, in its words; "not supported yet: …".
pub fn prepare_select(
    select: &ast::Select,
    preparer: &mut Preparer<'_>,
) -> Result<(SelectPlan, Arc<Table>), QueryError> {
    let (table, _) = preparer.context().find_table(&select.table)?;
    let only_statics = selects_only_statics(&select.clause, &table, preparer)?;
    for ordering in &select.order_by {
        find_column(&table, ordering.column.as_str())?;
    }
    let virtual_table = matches!(table.keyspace.as_str(), "system_views" | "system_virtual_schema");
    let options = RestrictOptions {
        kind: StatementKind::Select,
        allow_filtering: select.allow_filtering || virtual_table,
        only_statics,
    };
    let restrictions = restrict::prepare(&select.relations, &table, options, preparer)?;
    let has_clustering = !restrictions.clustering.is_empty();
    let mut selection = prepare_selection(&select.clause, &table, preparer)?;
    let is_range = !matches!(restrictions.partition, PartitionRestriction::Keys(_));
    if select.distinct {
        check_distinct(select, &table, &selection, &restrictions, is_range)?;
    }
    let group_by = prepare_group_by(select, &table, &restrictions, &mut selection, preparer)?;
    let aggregate = !selection.aggregates.is_empty() || group_by.is_some();
    if select.per_partition_limit.is_some() && aggregate && group_by.is_none() {
        return invalid("PER PARTITION LIMIT is not allowed with aggregate queries.");
    }
    let reversed = prepare_order(select, &table, &restrictions, is_range)?;
    if restrictions.indexing.needs_filtering
        || (is_range && has_clustering && !options.allow_filtering && !restrictions.indexing.is_wanted)
    {
        return invalid(NEEDS_FILTERING);
    }
    let limit = limit_term(select.limit.as_ref(), "[limit]", &table, preparer)?;
    let per_partition_limit =
        limit_term(select.per_partition_limit.as_ref(), "[per_partition_limit]", &table, preparer)?;
    let several_keys = names_several_keys(&restrictions);
    let sort = if several_keys && !select.order_by.is_empty() {
        Some(prepare_sort(select, &table, &mut selection.inputs, reversed)?)
    } else {
        None
    };
    let full_partitions = !has_clustering
        && !filters_kind(&restrictions, ColumnKind::Clustering)
        && !filters_kind(&restrictions, ColumnKind::Regular);
    let filters_rows = restrictions.filters.iter().any(|filter| !is_by_index(filter, &restrictions));
    let filters =
        restrictions.filters.iter().map(|filter| FilterPlan::new(filter.clone(), &mut selection.inputs)).collect();
    let simple: Option<Box<[u16]>> = selection
        .selectors
        .iter()
        .map(|selector| if let Selector::Input(input) = selector { Some(*input) } else { None })
        .collect();
    let by_token = matches!(restrictions.partition, PartitionRestriction::Token(_));
    let names_key = by_token || filters_kind(&restrictions, ColumnKind::PartitionKey);
    let warns_of_keys = several_keys || !by_token && filters_several_keys(&restrictions);
    let warnings = aggregate_warnings(aggregate, is_range && !names_key, warns_of_keys);
    let (columns, selectors, simple) = if select.json {
        let members = selection.columns.into_iter().zip(selection.selectors);
        let members = members.map(|(column, selector)| (json_name(&column.name), column.ty, selector)).collect();
        (vec![ColumnSpec::named(&table, "[json]", CqlType::Text)], vec![Selector::Json(members)], None)
    } else {
        (selection.columns, selection.selectors, simple)
    };
    let only_inputs = simple.as_ref().is_some_and(|simple| {
        let in_order = simple.iter().zip(0_u16..).all(|(input, place)| *input == place);
        in_order && simple.len() == selection.inputs.len() && simple.len() <= PLAIN_COLUMNS_MAX
    });
    let plain = only_inputs
        && selection.inputs.are_plain()
        && selection.aggregates.is_empty()
        && restrictions.filters.is_empty()
        && sort.is_none()
        && group_by.is_none();
    let plan = SelectPlan {
        columns,
        selectors,
        simple,
        plain,
        constants: selection.constants,
        aggregates: selection.aggregates,
        inputs: selection.inputs,
        impure: selection.impure,
        restrictions,
        filters,
        filters_rows,
        distinct: select.distinct,
        reversed,
        sort,
        group_by,
        limit,
        per_partition_limit,
        allows_filtering: select.allow_filtering,
        full_partitions,
        is_of_write: false,
        hash: paging::hash(format!("{select:?}").as_bytes()),
        warnings,
        table: Arc::clone(&table),
    };
    Ok((plan, table))
}

/// True for the filter that the index answers by which rows are found.
fn is_by_index(filter: &Filter, restrictions: &Restrictions) -> bool {
    let same = |index: &IndexUse| filter.columns.iter().all(|column| column.name == index.index.column);
    restrictions.filters.len() == 1 && restrictions.indexing.found.as_ref().is_some_and(same)
}

fn aggregate_warnings(aggregate: bool, is_range: bool, several_keys: bool) -> Vec<String> {
    match (aggregate, is_range, several_keys) {
        (true, true, _) => vec!["Aggregation query used without partition key".to_owned()],
        (true, false, true) => vec!["Aggregation query used on multiple partition keys (IN restriction)".to_owned()],
        _ => Vec::new(),
    }
}

fn filters_kind(restrictions: &Restrictions, kind: ColumnKind) -> bool {
    restrictions.filters.iter().any(|filter| filter.columns.iter().any(|column| column.kind == kind))
}

/// An IN of one written value is an equality.
fn is_several(list: &GroupIn) -> bool {
    !matches!(list, GroupIn::List(terms) if terms.len() == 1)
}

/// An IN of a part of the partition key that only filters.
fn filters_several_keys(restrictions: &Restrictions) -> bool {
    restrictions.filters.iter().any(|filter| {
        let of_key = filter.columns.iter().any(|column| column.kind == ColumnKind::PartitionKey);
        of_key && matches!(&filter.test, FilterTest::In(list) if is_several(list))
    })
}

fn names_several_keys(restrictions: &Restrictions) -> bool {
    match &restrictions.partition {
        PartitionRestriction::Keys(parts) => {
            parts.iter().any(|part| matches!(part, KeyPart::In(list) if is_several(list)))
        }
        _ => false,
    }
}

/// As [`names_several_keys`], also of a part of the key that only filters, and not beside a token.
fn names_several_parts(restrictions: &Restrictions) -> bool {
    let filters_parts = |filter: &Filter| {
        let of_key = filter.columns.iter().any(|column| column.kind == ColumnKind::PartitionKey);
        of_key && matches!(&filter.test, FilterTest::In(list) if is_several(list))
    };
    match &restrictions.partition {
        PartitionRestriction::Keys(_) => names_several_keys(restrictions),
        PartitionRestriction::All => restrictions.filters.iter().any(filters_parts),
        PartitionRestriction::Token(_) => false,
    }
}

fn not_of_partition(name: &str) -> String {
    format!("SELECT DISTINCT queries must only request partition key columns and/or static columns (not {name})")
}

fn check_distinct(
    select: &ast::Select,
    table: &Table,
    selection: &Selection,
    restrictions: &Restrictions,
    is_range: bool,
) -> Result<(), QueryError> {
    if select.per_partition_limit.is_some() {
        return invalid("PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries");
    }
    if !restrictions.clustering.is_empty()
        || filters_kind(restrictions, ColumnKind::Clustering)
        || filters_kind(restrictions, ColumnKind::Regular)
    {
        return invalid(
            "SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or static columns.",
        );
    }
    for (kind, name) in &selection.kinds {
        if !matches!(kind, ColumnKind::PartitionKey | ColumnKind::Static) {
            return invalid(not_of_partition(name));
        }
    }
    // The rows of several partitions are sorted by what is selected with them.
    if let (Some(ordering), true) = (select.order_by.first(), names_several_parts(restrictions)) {
        let column = find_column(table, ordering.column.as_str())?;
        if !matches!(column.kind, ColumnKind::PartitionKey | ColumnKind::Static) {
            return invalid(not_of_partition(&column.name));
        }
    }
    if is_range {
        for column in &table.partition_key {
            if !selection.kinds.iter().any(|(_, name)| *name == column.name) {
                return invalid(format!(
                    "SELECT DISTINCT queries must request all the partition key columns (missing {})",
                    column.name
                ));
            }
        }
    }
    Ok(())
}

fn limit_term(
    term: Option<&ast::Term>,
    name: &str,
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<Option<Term>, QueryError> {
    term.map(|term| preparer.term(term, &ColumnSpec::named(table, name, CqlType::Int))).transpose()
}

/// Clustering columns that have exactly one value.
fn is_equal(restrictions: &Restrictions, position: usize) -> bool {
    restrictions.clustering.iter().any(|restriction| {
        let fixed = match &restriction.kind {
            ClusteringKind::Equal(_) => true,
            ClusteringKind::In(list) => !is_several(list),
            ClusteringKind::Slice { .. } => false,
        };
        fixed && (restriction.first..restriction.first + restriction.width).contains(&position)
    }) || is_filtered_to_one(restrictions, ColumnKind::Clustering, position)
}

/// Key columns that have exactly one value in the rows that pass the filters.
fn is_filtered_to_one(restrictions: &Restrictions, kind: ColumnKind, position: usize) -> bool {
    restrictions.filters.iter().any(|filter| {
        let equal = matches!(filter.test, FilterTest::Compare { operator: ast::Operator::Equal, .. });
        equal && filter.columns.iter().any(|column| column.kind == kind && usize::from(column.position) == position)
    })
}

/// Whether ORDER BY asks for the rows from last to first.
fn prepare_order(
    select: &ast::Select,
    table: &Table,
    restrictions: &Restrictions,
    is_range: bool,
) -> Result<bool, QueryError> {
    if select.order_by.is_empty() {
        return Ok(false);
    }
    if select.order_by.iter().any(|ordering| ordering.ann_of.is_some()) {
        return Err(QueryError::unsupported("ORDER BY … ANN OF"));
    }
    if restrictions.indexing.is_wanted {
        return invalid("ORDER BY with 2ndary indexes is not supported, except for ANN queries.");
    }
    if is_range {
        return invalid("ORDER BY is only supported when the partition key is restricted by an EQ or an IN.");
    }
    let (mut next, mut reversed) = (0_usize, None);
    for ordering in orderings(select) {
        let column = find_column(table, ordering.column.as_str())?;
        if column.kind != ColumnKind::Clustering {
            return invalid(format!(
                "Order by is currently only supported on the clustered columns of the PRIMARY KEY, got {}",
                column.name
            ));
        }
        while next != usize::from(column.position) {
            if next > usize::from(column.position) || !is_equal(restrictions, next) {
                return invalid(
                    "Order by currently only supports the ordering of columns following their declared order in the PRIMARY KEY",
                );
            }
            next += 1;
        }
        next += 1;
        let against = (ordering.direction == ast::Direction::Descending) != (column.order == SortOrder::Descending);
        if reversed.is_some_and(|reversed| reversed != against) {
            return invalid("Unsupported order by relation");
        }
        reversed = Some(against);
    }
    Ok(reversed.unwrap_or(false))
}

/// The columns of ORDER BY. One that is named several times stands where it is named first, and is ordered as it is said last.
fn orderings(select: &ast::Select) -> Vec<&ast::Ordering> {
    let mut found: Vec<&ast::Ordering> = Vec::with_capacity(select.order_by.len());
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    for ordering in &select.order_by {
        let place = *places.entry(ordering.column.as_str()).or_insert(found.len());
        match found.get_mut(place) {
            Some(earlier) => *earlier = ordering,
            None => found.push(ordering),
        }
    }
    found
}

/// The order of rows of several partitions: by the values of the columns, whatever the table's order is.
fn prepare_sort(
    select: &ast::Select,
    table: &Table,
    inputs: &mut Inputs,
    reversed: bool,
) -> Result<SortPlan, QueryError> {
    let mut sort = SortPlan::new(reversed);
    for ordering in orderings(select) {
        let column = find_column(table, ordering.column.as_str())?;
        let input = inputs.add(Source::of_column(column));
        sort.push(input, &column.ty, ordering.direction == ast::Direction::Descending);
    }
    Ok(sort)
}

fn prepare_group_by(
    select: &ast::Select,
    table: &Table,
    restrictions: &Restrictions,
    selection: &mut Selection,
    preparer: &mut Preparer<'_>,
) -> Result<Option<GroupPlan>, QueryError> {
    if select.group_by.is_empty() {
        return Ok(None);
    }
    let key_equal = |position: u16| match &restrictions.partition {
        PartitionRestriction::Keys(parts) => {
            matches!(parts.get(usize::from(position)), Some(KeyPart::Equal(_)))
        }
        _ => is_filtered_to_one(restrictions, ColumnKind::PartitionKey, usize::from(position)),
    };
    let mut wanted = table.partition_key.iter().chain(&table.clustering).peekable();
    let mut plan = GroupPlan { clustering: 0, bucket: None };
    for selector in &select.group_by {
        let column = match selector {
            ast::Selector::Column(name) => {
                let column = find_column(table, name.as_str())?;
                if !column.kind.is_primary_key() {
                    return invalid(format!(
                        "Group by is currently only supported on the columns of the PRIMARY KEY, got {}",
                        column.name
                    ));
                }
                if plan.bucket.is_some() {
                    return invalid("Functions are only supported on the last element of the GROUP BY clause");
                }
                column
            }
            function => {
                let (bucket, column) = prepare_bucket(function, table, selection, preparer)?;
                plan.bucket = Some(bucket);
                column
            }
        };
        loop {
            let Some(next) = wanted.next() else {
                return invalid(OUT_OF_ORDER);
            };
            if next.name == column.name {
                if column.kind == ColumnKind::Clustering {
                    plan.clustering = usize::from(column.position) + usize::from(plan.bucket.is_none());
                }
                break;
            }
            let skipped = match next.kind {
                ColumnKind::PartitionKey => key_equal(next.position),
                _ => is_equal(restrictions, usize::from(next.position)),
            };
            if !skipped {
                return invalid(OUT_OF_ORDER);
            }
        }
        if let Some(bucket) = &plan.bucket {
            check_monotonic(&bucket.selector)?;
        }
    }
    if wanted.next().is_some_and(|column| column.kind == ColumnKind::PartitionKey) {
        return invalid("Group by is not supported on only a part of the partition key");
    }
    if select.distinct && (plan.clustering > 0 || plan.bucket.is_some()) {
        return invalid("Grouping on clustering columns is not allowed for SELECT DISTINCT queries");
    }
    Ok(Some(plan))
}

/// Functions in GROUP BY must keep the order of their column.
fn check_monotonic(selector: &Selector) -> Result<(), QueryError> {
    use crate::function::Body;
    let Selector::Call { function, arguments } = selector else { return Ok(()) };
    let is_constant = |argument: &Selector| matches!(argument, Selector::Constant(_));
    let monotonic = match function.body {
        Body::Floor => match arguments.split_first() {
            Some((first, others)) => !is_constant(first) && others.iter().all(is_constant),
            None => false,
        },
        Body::ToDate | Body::ToTimestamp | Body::ToUnixTimestamp | Body::Cast => true,
        _ => false,
    };
    if !monotonic {
        let quoted = helenus_model::types::maybe_quote(&function.name);
        let types = function.argument_types.iter().zip(arguments).map(|(ty, argument)| match argument {
            Selector::Constant(_) => format!("{ty}(constant)"),
            _ => ty.to_string(),
        });
        return invalid(format!(
            "Only monotonic functions are supported in the GROUP BY clause. Got: {}.{quoted} : ({}) -> {} ",
            function.keyspace(),
            types.collect::<Vec<_>>().join(", "),
            function.return_type
        ));
    }
    arguments.iter().try_for_each(check_monotonic)
}

/// A function in GROUP BY, and the clustering column it is of.
fn prepare_bucket<'t>(
    function: &ast::Selector,
    table: &'t Table,
    selection: &mut Selection,
    preparer: &mut Preparer<'_>,
) -> Result<(Bucket, &'t Column), QueryError> {
    if let ast::Selector::Function { name, .. } = function
        && crate::function::is_aggregate(name)
    {
        return invalid(format!(
            "Aggregate functions are not supported within the GROUP BY clause, got: system.{}",
            name.name
        ));
    }
    let (selector, columns) = prepare_selector(function, table, selection, preparer)?;
    let [name] = columns.as_slice() else {
        return invalid(match columns.len() {
            0 => "GROUP BY functions must have one clustering column name as parameter".to_owned(),
            _ => {
                format!("GROUP BY functions accept only one clustering column as parameter, got: {}", columns.join(","))
            }
        });
    };
    let column = find_column(table, name)?;
    if column.kind != ColumnKind::Clustering {
        return invalid(format!("Group by functions are only supported on clustering columns, got {name}"));
    }
    let input = selection.inputs.add(Source::of_column(column));
    Ok((Bucket { selector, input }, column))
}
