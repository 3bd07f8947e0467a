//! The rows a conditional write answers.

use helenus_model::key::{ClusteringValues, split_partition_key};
use helenus_model::partition::PartitionRef;
use helenus_model::row::RowRef;
use helenus_model::schema::ColumnKind;
use helenus_model::types::CqlType;

use super::request::CasRequest;
use crate::sink::RowSink;
use crate::spec::ColumnSpec;

impl CasRequest {
    fn applied_column(&self) -> ColumnSpec {
        ColumnSpec::named(&self.table, "[applied]", CqlType::Boolean)
    }

    /// One row: `[applied]` is true. Returns the columns.
    pub fn success(&self, sink: &mut dyn RowSink) -> Vec<ColumnSpec> {
        sink.value(Some(&[1]));
        sink.end_row();
        vec![self.applied_column()]
    }

    /// `[applied]` is false, beside the values that were found; alone when nothing was found. Returns the columns.
    pub fn refusal(&self, current: Option<&PartitionRef<'_>>, sink: &mut dyn RowSink) -> Vec<ColumnSpec> {
        let mut columns = vec![self.applied_column()];
        let statics = current.and_then(|current| self.live_static(current));
        let rows: Vec<(&[u8], RowRef<'_>)> =
            current.map(|current| self.live_rows(current).collect()).unwrap_or_default();
        if rows.is_empty() && statics.is_none() {
            sink.value(Some(&[0]));
            sink.end_row();
            return columns;
        }
        columns.extend(self.columns.iter().map(|column| ColumnSpec::of_column(&self.table, column)));
        for (clustering, row) in &rows {
            self.put_row(Some((*clustering, *row)), statics, sink);
        }
        if rows.is_empty() {
            self.put_row(None, statics, sink);
        }
        columns
    }

    fn put_row(&self, row: Option<(&[u8], RowRef<'_>)>, statics: Option<RowRef<'_>>, sink: &mut dyn RowSink) {
        let key = self.key();
        let keys = split_partition_key(key.key, self.table.partition_key.len()).unwrap_or_default();
        sink.value(Some(&[0]));
        for column in &self.columns {
            let place = usize::from(column.position);
            match column.kind {
                ColumnKind::PartitionKey => sink.value(keys.get(place).copied()),
                ColumnKind::Clustering => {
                    sink.value(row.and_then(|(clustering, _)| ClusteringValues::new(clustering).nth(place).flatten()));
                }
                ColumnKind::Static => sink.value(self.value(statics, column).as_deref()),
                ColumnKind::Regular => sink.value(self.value(row.map(|(_, row)| row), column).as_deref()),
            }
        }
        sink.end_row();
    }
}
