//! Materialized views, as the schema knows them. A view is a table of its keyspace; what makes it one stands here.

use std::cmp::Ordering;

use uuid::Uuid;

use crate::codec::{DecodeError, Reader, put_bytes, put_text, put_vint};
use crate::row::ColumnId;
use crate::schema::Table;
use crate::types::CqlType;
use crate::value::{Comparator, elements, entries};

/// What makes a table a view. Its regular columns have the ids of the base table's, so that cells go over as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDefinition {
    /// The base table.
    pub base: Uuid,
    /// Its name.
    pub base_name: String,
    /// `SELECT *`: a column that is added to the base table is added to the view.
    pub include_all: bool,
    /// The WHERE as `system_schema.views` shows it.
    pub where_clause: String,
    /// What the WHERE asks of the base table's primary key, beside IS NOT NULL.
    pub conditions: Vec<ViewCondition>,
    /// The base table's regular column that is part of the view's primary key, if one is.
    pub extra: Option<ColumnId>,
}

/// A condition on key columns of the base table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewCondition {
    /// The columns, by name: one, or several that are compared together.
    pub columns: Vec<String>,
    /// How they are compared.
    pub operator: ViewOperator,
    /// With what: one value a column. [`ViewOperator::Equal`] holds when any of them is equal. The part of [`ViewOperator::Contains`].
    pub values: Vec<Vec<Vec<u8>>>,
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewOperator {
    /// `=` and `IN`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `CONTAINS`, of a frozen collection
    Contains,
    /// `CONTAINS KEY`, of a frozen map
    ContainsKey,
}

impl ViewOperator {
    /// All of them, in the order of their numbers in the metadata log.
    const ALL: [ViewOperator; 7] = [
        ViewOperator::Equal,
        ViewOperator::Less,
        ViewOperator::LessOrEqual,
        ViewOperator::Greater,
        ViewOperator::GreaterOrEqual,
        ViewOperator::Contains,
        ViewOperator::ContainsKey,
    ];

    /// Whether a value compares so with what is wanted.
    fn holds(self, ty: &CqlType, value: &[u8], wanted: &[u8]) -> bool {
        let is_it = |ty: &CqlType, part: &[u8]| Comparator::for_type(ty).compare(part, wanted).is_eq();
        match (self, ty) {
            (ViewOperator::Contains, CqlType::List { element, .. } | CqlType::Set { element, .. }) => {
                elements(value).any(|part| is_it(element, part))
            }
            (ViewOperator::Contains, CqlType::Map { value: ty, .. }) => entries(value).any(|(_, part)| is_it(ty, part)),
            (ViewOperator::ContainsKey, CqlType::Map { key, .. }) => entries(value).any(|(part, _)| is_it(key, part)),
            _ => self.holds_in(Comparator::for_type(ty).compare(value, wanted)),
        }
    }

    fn holds_in(self, order: Ordering) -> bool {
        match self {
            ViewOperator::Equal => order.is_eq(),
            ViewOperator::Less => order.is_lt(),
            ViewOperator::LessOrEqual => order.is_le(),
            ViewOperator::Greater => order.is_gt(),
            ViewOperator::GreaterOrEqual => order.is_ge(),
            ViewOperator::Contains | ViewOperator::ContainsKey => false,
        }
    }
}

impl ViewCondition {
    /// Whether a base row fulfils it; `value` gives the value of a key column.
    fn holds<'v>(&self, base: &Table, value: &dyn Fn(&str) -> Option<&'v [u8]>) -> bool {
        if let [name] = self.columns.as_slice() {
            let (Some(column), Some(value)) = (base.column(name), value(name)) else { return false };
            let mut wanted = self.values.iter().filter_map(|values| values.first());
            return wanted.any(|wanted| self.operator.holds(&column.ty, value, wanted));
        }
        self.values.iter().any(|values| {
            let mut order = Ordering::Equal;
            for (name, wanted) in self.columns.iter().zip(values) {
                let (Some(column), Some(value)) = (base.column(name), value(name)) else { return false };
                order = order.then_with(|| Comparator::for_type(&column.ty).compare(value, wanted));
            }
            self.operator.holds_in(order)
        })
    }
}

impl ViewDefinition {
    /// Whether a base row, by the values of its key columns, belongs into the view.
    pub fn selects<'v>(&self, base: &Table, value: &dyn Fn(&str) -> Option<&'v [u8]>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(base, value))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.base.as_bytes());
        put_text(out, &self.base_name);
        out.push(u8::from(self.include_all));
        put_text(out, &self.where_clause);
        put_vint(out, self.conditions.len() as u64);
        for condition in &self.conditions {
            put_vint(out, condition.columns.len() as u64);
            condition.columns.iter().for_each(|name| put_text(out, name));
            let number = ViewOperator::ALL.iter().position(|operator| *operator == condition.operator);
            put_vint(out, number.unwrap_or(0) as u64);
            put_vint(out, condition.values.len() as u64);
            for values in &condition.values {
                put_vint(out, values.len() as u64);
                values.iter().for_each(|value| put_bytes(out, value));
            }
        }
        out.push(u8::from(self.extra.is_some()));
        out.extend_from_slice(&self.extra.unwrap_or(0).to_be_bytes());
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let base = reader.uuid()?;
        let base_name = reader.text()?.to_owned();
        let include_all = reader.bool()?;
        let where_clause = reader.text()?.to_owned();
        let count = reader.count()?;
        let conditions: Result<_, DecodeError> = (0..count).map(|_| decode_condition(reader)).collect();
        let conditions = conditions?;
        let has_extra = reader.bool()?;
        let extra = reader.u16()?;
        Ok(ViewDefinition { base, base_name, include_all, where_clause, conditions, extra: has_extra.then_some(extra) })
    }
}

fn decode_condition(reader: &mut Reader<'_>) -> Result<ViewCondition, DecodeError> {
    let count = reader.count()?;
    let columns: Result<Vec<_>, DecodeError> = (0..count).map(|_| Ok(reader.text()?.to_owned())).collect();
    let columns = columns?;
    let number = usize::try_from(reader.vint()?).unwrap_or(usize::MAX);
    let operator = ViewOperator::ALL.get(number).copied().ok_or_else(|| reader.invalid("operator of a view"))?;
    let mut values = Vec::new();
    for _ in 0..reader.count()? {
        let count = reader.count()?;
        let tuple: Result<Vec<_>, DecodeError> = (0..count).map(|_| Ok(reader.bytes()?.to_vec())).collect();
        values.push(tuple?);
    }
    Ok(ViewCondition { columns, operator, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_read_back() {
        let definition = ViewDefinition {
            base: Uuid::from_u128(5),
            base_name: "t".to_owned(),
            include_all: true,
            where_clause: "k = 1 AND (a, b) > (1, 2)".to_owned(),
            conditions: vec![
                ViewCondition {
                    columns: vec!["k".to_owned()],
                    operator: ViewOperator::Equal,
                    values: vec![vec![vec![1]], vec![vec![2]]],
                },
                ViewCondition {
                    columns: vec!["a".to_owned(), "b".to_owned()],
                    operator: ViewOperator::Greater,
                    values: vec![vec![vec![1], vec![]]],
                },
                ViewCondition {
                    columns: vec!["k".to_owned()],
                    operator: ViewOperator::ContainsKey,
                    values: vec![vec![vec![3]]],
                },
            ],
            extra: Some(7),
        };
        let mut bytes = Vec::new();
        definition.encode(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(ViewDefinition::decode(&mut reader), Ok(definition));
        assert!(reader.finish().is_ok());
        for cut in 0..bytes.len() {
            assert!(ViewDefinition::decode(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}");
        }
    }
}
