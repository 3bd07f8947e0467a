//! The WHERE of a materialized view: which rows of the base table belong into it.

use std::sync::Arc;

use helenus_cql::ast::{Operator, Relation};
use helenus_model::schema::{Column, Schema, Table, ViewCondition, ViewOperator};

use super::view::listed;
use crate::error::QueryError;
use crate::prepare::{NoSystemTables, PrepareContext};
use crate::restrict::{
    self, ClusteringKind, FilterTest, GroupIn, GroupTerm, KeyPart, PartitionRestriction, RestrictOptions, Restrictions,
    StatementKind, existing_column,
};
use crate::term::{Preparer, Term, Value};
use crate::values::{ExecuteOptions, NoIds, NoValues};

fn refuse<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// See the module.
pub(super) struct ViewWhere {
    /// As `system_schema.views` shows it.
    pub(super) text: String,
    pub(super) conditions: Vec<ViewCondition>,
    /// Columns that may not be null.
    not_null: Vec<String>,
    /// Columns that are restricted otherwise.
    restricted: Vec<String>,
}

impl ViewWhere {
    /// Checks the relations as those of a SELECT of the base table.
    pub(super) fn of(
        relations: &[Relation],
        base: &Arc<Table>,
        view: &str,
        schema: &Schema,
    ) -> Result<ViewWhere, QueryError> {
        if relations.iter().any(|relation| matches!(relation, Relation::Token { .. })) {
            return refuse("Cannot use token relation when defining a materialized view");
        }
        if relations.iter().any(|relation| matches!(relation, Relation::IndexExpression { .. })) {
            return refuse(format!(
                "WHERE clause for materialized view '{view}' cannot contain custom index expressions"
            ));
        }
        let mut not_null = Vec::new();
        let mut others = Vec::new();
        for relation in relations {
            match relation {
                Relation::IsNotNull(column) => not_null.push(existing_column(base, column)?.name.clone()),
                other => others.push(other.clone()),
            }
        }
        let context = PrepareContext { schema, keyspace: Some(&base.keyspace), local: &NoSystemTables };
        let mut preparer = Preparer::new(context, &[]);
        let options = RestrictOptions { kind: StatementKind::Select, allow_filtering: true, only_statics: false };
        let restrictions = restrict::prepare(&others, base, options, &mut preparer)?;
        let mut found = Found { conditions: Vec::new(), restricted: Vec::new() };
        found.add_all(&restrictions, base)?;
        Ok(ViewWhere {
            text: helenus_cql::print::relations_text(relations),
            conditions: found.conditions,
            not_null,
            restricted: found.restricted,
        })
    }

    /// Every column of the view's key must be restricted, and no column but those of the base table's key otherwise than by IS NOT NULL.
    pub(super) fn check(&self, key: &[&Column], base: &Table) -> Result<(), QueryError> {
        let is_restricted = |name: &String| self.not_null.contains(name) || self.restricted.contains(name);
        let free: Vec<String> =
            key.iter().map(|column| column.name.clone()).filter(|name| !is_restricted(name)).collect();
        if !free.is_empty() {
            return refuse(format!(
                "Primary key columns {} must be restricted with 'IS NOT NULL' or otherwise",
                listed(free.into_iter())
            ));
        }
        let is_regular = |name: &&String| base.column(name).is_some_and(|column| !column.kind.is_primary_key());
        let illegal: Vec<String> = self.restricted.iter().filter(is_regular).cloned().collect();
        if !illegal.is_empty() {
            return refuse(format!(
                "Non-primary key columns can only be restricted with 'IS NOT NULL' (got: {} restricted illegally)",
                listed(illegal.into_iter()).replace(", ", ",")
            ));
        }
        Ok(())
    }
}

/// Restrictions as conditions.
struct Found {
    conditions: Vec<ViewCondition>,
    restricted: Vec<String>,
}

fn constants() -> ExecuteOptions<'static> {
    ExecuteOptions { timestamp: 0, now: 0, now_millis: 0, ids: &NoIds }
}

impl Found {
    fn add_all(&mut self, restrictions: &Restrictions, base: &Table) -> Result<(), QueryError> {
        if let PartitionRestriction::Keys(parts) = &restrictions.partition {
            for (part, column) in parts.iter().zip(&base.partition_key) {
                match part {
                    KeyPart::Equal(value) => self.compare(&[column], ViewOperator::Equal, value)?,
                    KeyPart::In(list) => self.among(&[column], list)?,
                    KeyPart::Compare(bounds) => {
                        for (operator, value) in bounds {
                            self.compare(&[column], operator_of(*operator)?, value)?;
                        }
                    }
                }
            }
        }
        for restriction in &restrictions.clustering {
            let columns = base.clustering.get(restriction.first..).unwrap_or_default();
            let columns: Vec<&Column> = columns.iter().take(restriction.width).collect();
            match &restriction.kind {
                ClusteringKind::Equal(value) => self.compare(&columns, ViewOperator::Equal, value)?,
                ClusteringKind::In(list) => self.among(&columns, list)?,
                ClusteringKind::Slice { start, end } => {
                    for (bound, strict, inclusive) in [
                        (start, ViewOperator::Greater, ViewOperator::GreaterOrEqual),
                        (end, ViewOperator::Less, ViewOperator::LessOrEqual),
                    ] {
                        let Some(bound) = bound else { continue };
                        let columns = columns.get(..bound.value.width()).unwrap_or(&columns);
                        self.compare(columns, if bound.inclusive { inclusive } else { strict }, &bound.value)?;
                    }
                }
            }
        }
        for filter in &restrictions.filters {
            let columns: Vec<&Column> = filter.columns.iter().collect();
            if columns.iter().any(|column| !column.kind.is_primary_key()) {
                self.restricted.extend(columns.iter().map(|column| column.name.clone()));
                continue;
            }
            match &filter.test {
                FilterTest::Compare { operator, value } => self.compare(&columns, operator_of(*operator)?, value)?,
                FilterTest::In(list) => self.among(&columns, list)?,
                FilterTest::Contains(part) => self.contains(&columns, ViewOperator::Contains, part)?,
                FilterTest::ContainsKey(part) => self.contains(&columns, ViewOperator::ContainsKey, part)?,
                _ => return Err(QueryError::unsupported("this restriction in the WHERE of a materialized view")),
            }
        }
        Ok(())
    }

    fn note(&mut self, columns: &[&Column]) -> Vec<String> {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        self.restricted.extend(names.iter().cloned());
        names
    }

    fn compare(&mut self, columns: &[&Column], operator: ViewOperator, value: &GroupTerm) -> Result<(), QueryError> {
        let names = self.note(columns);
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let values = value.evaluate(&texts, &NoValues, &constants())?;
        let values = vec![values.into_iter().map(|value| value.into_owned()).collect()];
        self.conditions.push(ViewCondition { columns: names, operator, values });
        Ok(())
    }

    fn contains(&mut self, columns: &[&Column], operator: ViewOperator, part: &Term) -> Result<(), QueryError> {
        let columns = self.note(columns);
        let value = match part.evaluate(&NoValues, &constants())? {
            Value::Bytes(bytes) => bytes.into_owned(),
            Value::Null | Value::Unset => return Err(restrict::unsupported_null(&columns.join(", "))),
        };
        self.conditions.push(ViewCondition { columns, operator, values: vec![vec![value]] });
        Ok(())
    }

    fn among(&mut self, columns: &[&Column], list: &GroupIn) -> Result<(), QueryError> {
        let names = self.note(columns);
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let values = list.evaluate(&texts, &NoValues, &constants())?;
        let values = values.into_iter().map(|tuple| tuple.into_iter().map(|value| value.into_owned()).collect());
        let values = values.collect();
        self.conditions.push(ViewCondition { columns: names, operator: ViewOperator::Equal, values });
        Ok(())
    }
}

fn operator_of(operator: Operator) -> Result<ViewOperator, QueryError> {
    Ok(match operator {
        Operator::Equal => ViewOperator::Equal,
        Operator::Less => ViewOperator::Less,
        Operator::LessOrEqual => ViewOperator::LessOrEqual,
        Operator::Greater => ViewOperator::Greater,
        Operator::GreaterOrEqual => ViewOperator::GreaterOrEqual,
        _ => return Err(QueryError::unsupported("this operator in the WHERE of a materialized view")),
    })
}
