//! A read as Cassandra writes it into warnings and logs (`ReadCommand.toCQLString`): CQL, but for the reader only.

use helenus_model::key::{ClusteringValues, RingKey, RingPosition, split_partition_key};
use helenus_model::read::{ColumnFilter, ReadCommand, ReadScope, Slice};
use helenus_model::schema::{Column, SortOrder, Table};
use helenus_model::types::maybe_quote;
use helenus_model::value::to_cql_literal;

/// The text of a read. What the coordinator filters afterwards is not in it.
pub(crate) fn read_text(table: &Table, command: &ReadCommand) -> String {
    let columns = match &command.columns {
        ColumnFilter::All => "*".to_owned(),
        filter @ ColumnFilter::Only(_) => {
            let wanted = table.statics.iter().chain(&table.regulars).filter(|column| filter.includes(column.id));
            names(wanted)
        }
    };
    let from = format!("{}.{}", maybe_quote(&table.keyspace), maybe_quote(&table.name));
    let mut out = format!("SELECT {columns} FROM {from}");
    let relations = relations(table, command);
    if !relations.is_empty() {
        out.push_str(" WHERE ");
        out.push_str(&relations.join(" AND "));
    }
    if command.reversed {
        let order = |column: &Column| match column.order {
            SortOrder::Ascending => format!("{} DESC", maybe_quote(&column.name)),
            SortOrder::Descending => format!("{} ASC", maybe_quote(&column.name)),
        };
        out.push_str(" ORDER BY ");
        out.push_str(&table.clustering.iter().map(order).collect::<Vec<_>>().join(", "));
    }
    if command.limits.rows != u32::MAX {
        out.push_str(&format!(" LIMIT {}", command.limits.rows));
    }
    if command.limits.per_partition != u32::MAX {
        out.push_str(&format!(" PER PARTITION LIMIT {}", command.limits.per_partition));
    }
    out.push_str(" ALLOW FILTERING");
    out
}

fn names<'c>(columns: impl Iterator<Item = &'c Column>) -> String {
    columns.map(|column| maybe_quote(&column.name).into_owned()).collect::<Vec<_>>().join(", ")
}

fn relations(table: &Table, command: &ReadCommand) -> Vec<String> {
    let mut out = Vec::new();
    match &command.scope {
        ReadScope::Partition { key } => {
            let values = split_partition_key(key, table.partition_key.len()).unwrap_or_default();
            out.extend(
                table.partition_key.iter().zip(values).map(|(column, value)| relation(column, "=", Some(value))),
            );
        }
        ReadScope::Range { start, end, .. } => {
            let token = format!("token({})", names(table.partition_key.iter()));
            if *start != RingPosition::FIRST {
                let sign = if start.key == RingKey::After { ">" } else { ">=" };
                out.push(format!("{token} {sign} {}", start.token.0));
            }
            if *end != RingPosition::LAST {
                let sign = if end.key == RingKey::Before { "<" } else { "<=" };
                out.push(format!("{token} {sign} {}", end.token.0));
            }
        }
    }
    out.extend(rows(table, &command.slices));
    out
}

fn relation(column: &Column, sign: &str, value: Option<&[u8]>) -> String {
    let value = value.map_or_else(|| "null".to_owned(), |value| to_cql_literal(&column.ty, value));
    format!("{} {sign} {value}", maybe_quote(&column.name))
}

/// What the slices say of the clustering columns. CQL makes slices that are alike but for the values of one column.
fn rows(table: &Table, slices: &[Slice]) -> Vec<String> {
    let complete = |slice: &Slice| {
        let values = ClusteringValues::new(slice.as_prefix()?);
        let literal = |(column, value): (&Column, Option<&[u8]>)| {
            value.map_or_else(|| "null".to_owned(), |value| to_cql_literal(&column.ty, value))
        };
        let literals: Vec<String> = table.clustering.iter().zip(values).map(literal).collect();
        (literals.len() == table.clustering.len() && !literals.is_empty()).then(|| literals.join(", "))
    };
    if let Some(clusterings) = slices.iter().map(complete).collect::<Option<Vec<String>>>()
        && !clusterings.is_empty()
    {
        let columns = names(table.clustering.iter());
        return vec![match (clusterings.as_slice(), table.clustering.len()) {
            ([only], 1) => format!("{columns} = {only}"),
            (many, 1) => format!("{columns} IN ({})", many.join(", ")),
            ([only], _) => format!("({columns}) = ({only})"),
            (many, _) => {
                format!("({columns}) IN ({})", many.iter().map(|c| format!("({c})")).collect::<Vec<_>>().join(", "))
            }
        }];
    }
    let [slice] = slices else { return Vec::new() };
    let mut out = Vec::new();
    let (mut starts, mut ends) = (ClusteringValues::new(&slice.start.prefix), ClusteringValues::new(&slice.end.prefix));
    for column in &table.clustering {
        match (starts.next(), ends.next()) {
            (None, None) => break,
            (Some(start), Some(end)) if start == end => out.push(relation(column, "=", start)),
            (start, end) => {
                let signs = match column.order {
                    SortOrder::Ascending => [(">", ">="), ("<", "<=")],
                    SortOrder::Descending => [("<", "<="), (">", ">=")],
                };
                let [(above, from), (below, to)] = signs;
                if let Some(start) = start {
                    out.push(relation(column, if slice.start.weight > 0 { above } else { from }, start));
                }
                if let Some(end) = end {
                    out.push(relation(column, if slice.end.weight < 0 { below } else { to }, end));
                }
                break;
            }
        }
    }
    out
}
