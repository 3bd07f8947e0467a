//! A merged partition without what may be forgotten.

use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::row::{DeletionTime, Purger, RowRef, purge_row};

/// Cuts the items of one partition.
#[derive(Debug)]
pub(crate) struct PartitionPurger {
    purger: Purger,
    row: Vec<u8>,
}

impl PartitionPurger {
    pub(crate) fn new(purger: Purger) -> Self {
        PartitionPurger { purger, row: Vec::new() }
    }

    /// What is left of a deletion.
    pub(crate) fn deletion(&self, deletion: DeletionTime) -> DeletionTime {
        if self.purger.may_purge_deletion(deletion) { DeletionTime::LIVE } else { deletion }
    }

    /// What is left of a row; most have nothing that could ever go, and stay as they are.
    pub(crate) fn row<'a>(&'a mut self, row: RowRef<'a>) -> Option<RowRef<'a>> {
        if row.is_immortal() {
            return Some(row);
        }
        self.row.clear();
        purge_row(row, &self.purger, &mut self.row).then(|| RowRef::new(&self.row))
    }

    /// What is left of an item.
    pub(crate) fn item<'a>(&'a mut self, item: Unfiltered<'a>) -> Option<Unfiltered<'a>> {
        match item {
            Unfiltered::Row { clustering, row } => self.row(row).map(|row| Unfiltered::Row { clustering, row }),
            Unfiltered::Marker(marker) => {
                let (close, open) = (self.deletion(marker.close), self.deletion(marker.open));
                let told = !close.is_live() || !open.is_live();
                told.then_some(Unfiltered::Marker(Marker { position: marker.position, close, open }))
            }
        }
    }
}
