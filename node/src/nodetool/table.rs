//! Columns of text, as Cassandra's TableBuilder prints them: every cell padded to its column's width, the last one too.

/// Rows of a table. Tables that are to have the same widths are printed together.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Adds a row.
    pub(super) fn add<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }

    /// The text, with `separator` between columns.
    pub(super) fn text(&self, separator: &str) -> String {
        self.text_of_widths(separator, &self.widths())
    }

    fn text_of_widths(&self, separator: &str, widths: &[usize]) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            out.push_str(&cells.join(separator));
            out.push('\n');
        }
        out
    }
}

/// The texts of tables whose columns have the same widths.
pub(super) fn shared_widths(tables: &[Table], separator: &str) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for table in tables {
        for (column, width) in table.widths().into_iter().enumerate() {
            match widths.get_mut(column) {
                Some(found) => *found = width.max(*found),
                None => widths.push(width),
            }
        }
    }
    tables.iter().map(|table| table.text_of_widths(separator, &widths)).collect()
}
