//! Secondary indexes, as the schema knows them.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::codec::{DecodeError, Reader, put_text, put_vint};
use crate::types::maybe_quote;

/// Which part of its column an index covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexTarget {
    /// The column's value.
    Simple,
    /// The elements of a list or set, the values of a map.
    Values,
    /// The keys of a map.
    Keys,
    /// The pairs of key and value of a map.
    Entries,
    /// A frozen collection as a whole.
    Full,
}

impl IndexTarget {
    /// All of them, in the order of their numbers in the metadata log.
    const ALL: [IndexTarget; 5] =
        [IndexTarget::Simple, IndexTarget::Values, IndexTarget::Keys, IndexTarget::Entries, IndexTarget::Full];

    /// As `values(c)` has it; empty for a plain column.
    pub fn name(self) -> &'static str {
        match self {
            IndexTarget::Simple => "",
            IndexTarget::Values => "values",
            IndexTarget::Keys => "keys",
            IndexTarget::Entries => "entries",
            IndexTarget::Full => "full",
        }
    }
}

/// A secondary index: for each value of a column the rows that have it, kept by every node for its own rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Identity, given when it is made: an index of the same name made later has another.
    pub id: Uuid,
    /// Name, without quotes; unique in its keyspace.
    pub name: String,
    /// Column of its table.
    pub column: String,
    /// Which part of the column.
    pub target: IndexTarget,
}

impl Index {
    /// The target as `system_schema.indexes` and CREATE INDEX have it: `c`, `values(c)`, ….
    pub fn target_text(&self) -> String {
        match self.target {
            IndexTarget::Simple => maybe_quote(&self.column).into_owned(),
            target => format!("{}({})", target.name(), maybe_quote(&self.column)),
        }
    }

    /// `options` of `system_schema.indexes`.
    pub fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("target".to_owned(), self.target_text())])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.id.as_bytes());
        put_text(out, &self.name);
        put_text(out, &self.column);
        let number = IndexTarget::ALL.iter().position(|target| *target == self.target);
        put_vint(out, number.unwrap_or(0) as u64);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = reader.uuid()?;
        let name = reader.text()?.to_owned();
        let column = reader.text()?.to_owned();
        let number = usize::try_from(reader.vint()?).unwrap_or(usize::MAX);
        let target = IndexTarget::ALL.get(number).copied().ok_or_else(|| reader.invalid("index target"))?;
        Ok(Index { id, name, column, target })
    }
}
