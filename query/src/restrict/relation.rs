//! One relation, checked against the table's columns.

use std::sync::Arc;

use helenus_cql::ast::{self, InValues, Operator, Relation, Term as RawTerm};
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::types::{CqlType, maybe_quote};

use super::collect::{Collector, clustering_kind, in_kind};
use super::{
    ClusteringKind, ClusteringRestriction, Filter, FilterTest, GroupIn, GroupTerm, KeyPart, RestrictOptions,
    StatementKind,
};
use crate::error::QueryError;
use crate::spec::ColumnSpec;
use crate::term::{MARKER_TEXT, Preparer, term_text};

/// The column of a table by name.
///
/// # Errors
/// There is none.
pub(crate) fn existing_column<'t>(table: &'t Table, name: &ast::Name) -> Result<&'t Column, QueryError> {
    table.visible_column(name.as_str()).ok_or_else(|| {
        QueryError::invalid(format!(
            "Undefined column name {} in table {}.{}",
            maybe_quote(name.as_str()),
            maybe_quote(&table.keyspace),
            maybe_quote(&table.name)
        ))
    })
}

pub(super) fn add(
    relation: &Relation,
    table: &Arc<Table>,
    options: RestrictOptions,
    preparer: &mut Preparer<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), QueryError> {
    let writes = matches!(options.kind, StatementKind::Update | StatementKind::Delete);
    match relation {
        Relation::Column { operator: operator @ (Operator::Contains | Operator::ContainsKey), .. } if writes => {
            Err(QueryError::invalid(format!("Cannot use {} with {}", options.kind.name(), operator.symbol())))
        }
        Relation::Column { column, operator: Operator::NotEqual, value } => {
            let text = format!("{} != {}", column.as_str(), term_text(value));
            Err(QueryError::invalid(format!("Unsupported \"!=\" relation: {text}")))
        }
        Relation::Column { column, operator, value } => {
            column_relation(existing_column(table, column)?, *operator, value, table, preparer, collector)
        }
        Relation::In { column, values } => {
            in_relation(existing_column(table, column)?, values, table, preparer, collector)
        }
        Relation::IsNotNull(column) => {
            Err(QueryError::invalid(format!("Unsupported restriction: {column} IS NOT NULL")))
        }
        Relation::Element { column, key, operator, value } => {
            element_relation(existing_column(table, column)?, key, *operator, value, table, preparer, collector)
        }
        Relation::MultiColumn { columns, operator, value } => {
            let text = || format!("({}) {} {}", names(columns), operator.symbol(), term_text(value));
            if *operator == Operator::NotEqual {
                return Err(QueryError::invalid(format!("Unsupported \"!=\" relation: {}", text())));
            }
            let columns = clustering_columns(table, columns, &text)?;
            let value = group_term(value, &columns, table, preparer)?;
            collector.add_clustering(restriction(&columns, true, clustering_kind(*operator, value)))
        }
        Relation::MultiColumnIn { columns, values } => {
            let text = || format!("({}) IN {}", names(columns), in_text(values));
            let columns = clustering_columns(table, columns, &text)?;
            let list = group_in(values, &columns, table, preparer)?;
            collector.add_clustering(restriction(&columns, true, in_kind(list)))
        }
        Relation::Token { columns, operator, value } => {
            token_relation(columns, *operator, value, table, preparer, collector)
        }
        Relation::IndexExpression { index, .. }
            if table.indexes.iter().any(|known| known.name == index.name.as_str()) =>
        {
            Err(QueryError::invalid(format!(
                "Only CUSTOM indexes may be used in custom index expressions, {} is not valid",
                index.name
            )))
        }
        Relation::IndexExpression { index, .. } => Err(QueryError::invalid(format!(
            "Invalid index expression, index {} not found for {}.{}",
            index.name, table.keyspace, table.name
        ))),
    }
}

fn column_relation(
    column: &Column,
    operator: Operator,
    value: &RawTerm,
    table: &Table,
    preparer: &mut Preparer<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), QueryError> {
    let text = || format!("{} {} {}", column.name, operator.symbol(), term_text(value));
    let is_inequality =
        matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual);
    if is_inequality && column.ty.contains_duration() {
        return Err(duration_slice(column));
    }
    check_column(column, operator)?;
    match operator {
        Operator::Contains | Operator::ContainsKey => {
            let key = operator == Operator::ContainsKey;
            let receiver = element_spec(table, column, key);
            let value = preparer.term(value, &receiver)?;
            let test = if key { FilterTest::ContainsKey(value) } else { FilterTest::Contains(value) };
            let filter = Filter { columns: vec![column.clone()], multi: false, test };
            return match column.kind {
                ColumnKind::Clustering => collector.add_clustering_contains(column, filter),
                ColumnKind::PartitionKey => collector.add_key_contains(column, filter),
                _ => collector.add_filter(filter),
            };
        }
        Operator::Like => {
            preparer.term(value, &ColumnSpec::of_column(table, column))?;
            return Err(QueryError::invalid(format!(
                "LIKE restriction is only supported on properly indexed columns. {} is not valid.",
                text()
            )));
        }
        _ => {}
    }
    let term = preparer.term(value, &ColumnSpec::of_column(table, column))?;
    // As in Cassandra an inequality counts, too, and the last marker wins.
    if column.kind == ColumnKind::PartitionKey {
        preparer.bind_key(value, table, column.position);
    }
    let is_slice = operator != Operator::Equal;
    let value = GroupTerm::Elements(vec![term]);
    match column.kind {
        ColumnKind::PartitionKey if is_slice => collector.add_key(column, KeyPart::Compare(vec![(operator, value)])),
        ColumnKind::PartitionKey => collector.add_key(column, KeyPart::Equal(value)),
        ColumnKind::Clustering => {
            collector.add_clustering(restriction(&[column], false, clustering_kind(operator, value)))
        }
        ColumnKind::Static | ColumnKind::Regular => {
            let test = FilterTest::Compare { operator, value };
            collector.add_filter(Filter { columns: vec![column.clone()], multi: false, test })
        }
    }
}

fn duration_slice(column: &Column) -> QueryError {
    let what = match &column.ty {
        CqlType::Duration => "duration columns",
        CqlType::Tuple(_) => "tuples containing durations",
        CqlType::Udt { .. } => "UDTs containing durations",
        _ => "collections containing durations",
    };
    QueryError::invalid(format!("Slice restrictions are not supported on {what}"))
}

/// Whether a column may stand before an operator at all.
fn check_column(column: &Column, operator: Operator) -> Result<(), QueryError> {
    let name = &column.name;
    if operator == Operator::ContainsKey && !matches!(column.ty, CqlType::Map { .. }) {
        return Err(QueryError::invalid(format!("Cannot use CONTAINS KEY on non-map column {name}")));
    }
    if operator == Operator::Contains && !column.ty.is_collection() {
        return Err(QueryError::invalid(format!("Cannot use CONTAINS on non-collection column {name}")));
    }
    if column.ty.is_udt() && column.ty.is_multi_cell() {
        return Err(QueryError::invalid(format!(
            "Non-frozen UDT column '{name}' ({}) cannot be restricted by any relation",
            column.ty
        )));
    }
    let contains = matches!(operator, Operator::Contains | Operator::ContainsKey);
    if column.ty.is_multi_cell() && !contains {
        return Err(QueryError::invalid(format!(
            "Collection column '{name}' ({}) cannot be restricted by a '{}' relation",
            column.ty,
            operator.symbol()
        )));
    }
    Ok(())
}

/// The place of a collection's element or a map's key.
fn element_spec(table: &Table, column: &Column, key: bool) -> ColumnSpec {
    match &column.ty {
        CqlType::Map { key: ty, .. } if key => {
            ColumnSpec::named(table, format!("key({})", column.name), (**ty).clone())
        }
        CqlType::Map { value: ty, .. } | CqlType::List { element: ty, .. } | CqlType::Set { element: ty, .. } => {
            ColumnSpec::named(table, format!("value({})", column.name), (**ty).clone())
        }
        other => ColumnSpec::named(table, column.name.clone(), other.clone()),
    }
}

fn in_relation(
    column: &Column,
    values: &InValues,
    table: &Table,
    preparer: &mut Preparer<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), QueryError> {
    if column.ty.is_multi_cell() {
        return Err(QueryError::invalid(if column.ty.is_udt() {
            format!("Non-frozen UDT column '{}' ({}) cannot be restricted by any relation", column.name, column.ty)
        } else {
            format!("Collection column '{}' ({}) cannot be restricted by a 'IN' relation", column.name, column.ty)
        }));
    }
    let list = match values {
        InValues::Marker(marker) => {
            let ty = CqlType::list(column.ty.clone(), false);
            preparer.bind(marker, &ColumnSpec::named(table, format!("in({})", column.name), ty.clone()));
            GroupIn::Marker { index: marker.index, ty, multi: false }
        }
        InValues::List(terms) => {
            let spec = ColumnSpec::of_column(table, column);
            let mut list = Vec::with_capacity(terms.len());
            for term in terms {
                list.push(GroupTerm::Elements(vec![preparer.term(term, &spec)?]));
                if column.kind == ColumnKind::PartitionKey {
                    preparer.bind_key(term, table, column.position);
                }
            }
            GroupIn::List(list)
        }
    };
    match column.kind {
        ColumnKind::PartitionKey => {
            let part = match in_kind(list) {
                ClusteringKind::Equal(only) => KeyPart::Equal(only),
                ClusteringKind::In(list) => KeyPart::In(list),
                ClusteringKind::Slice { .. } => return Ok(()),
            };
            collector.add_key(column, part)
        }
        ColumnKind::Clustering => collector.add_clustering(restriction(&[column], false, in_kind(list))),
        ColumnKind::Static | ColumnKind::Regular => {
            let test = match in_kind(list) {
                ClusteringKind::Equal(value) => FilterTest::Compare { operator: Operator::Equal, value },
                ClusteringKind::In(list) => FilterTest::In(list),
                ClusteringKind::Slice { .. } => return Ok(()),
            };
            collector.add_filter(Filter { columns: vec![column.clone()], multi: false, test })
        }
    }
}

fn element_relation(
    column: &Column,
    key: &RawTerm,
    operator: Operator,
    value: &RawTerm,
    table: &Table,
    preparer: &mut Preparer<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), QueryError> {
    let name = &column.name;
    let refuse = |text: String| Err(QueryError::invalid(text));
    if matches!(column.ty, CqlType::List { .. }) {
        return refuse(format!("Indexes on list entries ({name}[index] = value) are not currently supported."));
    }
    if !matches!(column.ty, CqlType::Map { .. }) {
        return refuse(format!("Column {name} cannot be used as a map"));
    }
    if !column.ty.is_multi_cell() {
        return refuse(format!("Map-entry equality predicates on frozen map column {name} are not supported"));
    }
    if operator != Operator::Equal {
        return refuse("Only EQ relations are supported on map entries".to_owned());
    }
    let key = preparer.term(key, &element_spec(table, column, true))?;
    let value = preparer.term(value, &element_spec(table, column, false))?;
    let test = FilterTest::Element { key, value };
    collector.add_filter(Filter { columns: vec![column.clone()], multi: false, test })
}

fn restriction(columns: &[&Column], multi: bool, kind: ClusteringKind) -> ClusteringRestriction {
    let first = columns.first().map_or(0, |column| usize::from(column.position));
    ClusteringRestriction { first, width: columns.len(), multi, kind }
}

fn names(columns: &[ast::Name]) -> String {
    columns.iter().map(ast::Name::as_str).collect::<Vec<_>>().join(", ")
}

fn in_text(values: &InValues) -> String {
    match values {
        InValues::Marker(_) => MARKER_TEXT.to_owned(),
        InValues::List(terms) => format!("({})", terms.iter().map(term_text).collect::<Vec<_>>().join(", ")),
    }
}

/// The columns of a multi-column relation: clustering columns, one behind the other.
fn clustering_columns<'t>(
    table: &'t Table,
    columns: &[ast::Name],
    text: &dyn Fn() -> String,
) -> Result<Vec<&'t Column>, QueryError> {
    let mut out: Vec<&Column> = Vec::with_capacity(columns.len());
    for name in columns {
        let column = existing_column(table, name)?;
        if column.kind != ColumnKind::Clustering {
            return Err(QueryError::invalid(format!(
                "Multi-column relations can only be applied to clustering columns but was applied to: {name}"
            )));
        }
        if out.iter().any(|other| other.name == column.name) {
            return Err(QueryError::invalid(format!("Column \"{name}\" appeared twice in a relation: {}", text())));
        }
        if out.last().is_some_and(|last| column.position != last.position + 1) {
            return Err(QueryError::invalid(format!(
                "Clustering columns must appear in the PRIMARY KEY order in multi-column relations: {}",
                text()
            )));
        }
        out.push(column);
    }
    Ok(out)
}

fn tuple_type(columns: &[&Column]) -> CqlType {
    CqlType::tuple(columns.iter().map(|column| column.ty.clone()))
}

fn joined(columns: &[&Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(",")
}

fn group_term(
    value: &RawTerm,
    columns: &[&Column],
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<GroupTerm, QueryError> {
    match value {
        RawTerm::Marker(marker) => {
            let ty = tuple_type(columns);
            preparer.bind(marker, &ColumnSpec::named(table, format!("({})", joined(columns)), ty.clone()));
            Ok(GroupTerm::Marker { index: marker.index, ty })
        }
        RawTerm::Tuple(elements) => {
            if elements.len() != columns.len() {
                return Err(QueryError::invalid(format!(
                    "Expected {} elements in value tuple, but got {}: {}",
                    columns.len(),
                    elements.len(),
                    term_text(value)
                )));
            }
            let mut terms = Vec::with_capacity(elements.len());
            for (element, column) in elements.iter().zip(columns) {
                terms.push(preparer.term(element, &ColumnSpec::of_column(table, column))?);
            }
            Ok(GroupTerm::Tuple(terms))
        }
        other => Err(QueryError::invalid(format!("Invalid value for a multi-column relation: {}", term_text(other)))),
    }
}

fn group_in(
    values: &InValues,
    columns: &[&Column],
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<GroupIn, QueryError> {
    match values {
        InValues::Marker(marker) => {
            let ty = CqlType::list(tuple_type(columns), false);
            preparer.bind(marker, &ColumnSpec::named(table, format!("in({})", joined(columns)), ty.clone()));
            Ok(GroupIn::Marker { index: marker.index, ty, multi: true })
        }
        InValues::List(terms) => {
            let terms = terms.iter().map(|term| group_term(term, columns, table, preparer));
            Ok(GroupIn::List(terms.collect::<Result<_, _>>()?))
        }
    }
}

fn token_relation(
    columns: &[ast::Name],
    operator: Operator,
    value: &RawTerm,
    table: &Table,
    preparer: &mut Preparer<'_>,
    collector: &mut Collector<'_>,
) -> Result<(), QueryError> {
    let mut found = Vec::with_capacity(columns.len());
    for name in columns {
        found.push(existing_column(table, name)?);
    }
    if !table.partition_key.iter().all(|column| found.contains(&column)) {
        return Err(QueryError::invalid(
            "The token() function must be applied to all partition key components or none of them",
        ));
    }
    let mut positions = Vec::with_capacity(columns.len());
    for column in found {
        if column.kind == ColumnKind::PartitionKey && positions.contains(&column.position) {
            return Err(QueryError::invalid("The token() function contains duplicate partition key components"));
        }
        if column.kind != ColumnKind::PartitionKey {
            return Err(QueryError::invalid("The token() function must contains only partition key components"));
        }
        positions.push(column.position);
    }
    if !positions.is_sorted() {
        let names: Vec<&str> = table.partition_key.iter().map(|column| column.name.as_str()).collect();
        return Err(QueryError::invalid(format!(
            "The token function arguments must be in the partition key order: {}",
            names.join(", ")
        )));
    }
    if operator == Operator::NotEqual {
        let text = format!("token({}) != {}", names(columns), term_text(value));
        return Err(QueryError::invalid(format!("Unsupported \"!=\" relation: {text}")));
    }
    let spec = ColumnSpec::named(table, "partition key token", CqlType::Bigint);
    let value = preparer.term(value, &spec)?;
    collector.add_token(operator, value)
}
