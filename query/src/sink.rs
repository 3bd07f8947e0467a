//! Where result rows go: `cluster` implements this with the protocol's RESULT encoding.

use crate::error::QueryError;

/// Receives the rows of a result, value by value.
pub trait RowSink {
    /// The next value of the row, in the order of the result's columns; None is null.
    fn value(&mut self, value: Option<&[u8]>);
    /// The row is complete.
    fn end_row(&mut self);

    /// Why no more rows are taken: the result is too large already. What comes behind that is dropped.
    #[inline]
    fn refusal(&self) -> Option<QueryError> {
        None
    }

    /// A whole row: the same as its values one by one and the row's end.
    #[inline]
    fn row(&mut self, values: &[Option<&[u8]>]) {
        for value in values {
            self.value(*value);
        }
        self.end_row();
    }
}

/// Rows kept as they come, for tests and for aggregation over results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCollector {
    /// Complete rows.
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    row: Vec<Option<Vec<u8>>>,
}

impl RowSink for RowCollector {
    fn value(&mut self, value: Option<&[u8]>) {
        self.row.push(value.map(<[u8]>::to_vec));
    }

    fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }
}
