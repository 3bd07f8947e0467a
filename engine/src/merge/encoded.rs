//! A replica's answer as a source of a merge.

use helenus_model::partition::{Item, Items, PartitionRef, Unfiltered};
use helenus_model::row::{DeletionTime, RowRef};

use crate::cursor::PartitionCursor;
use crate::error::ReadError;

/// A cursor over an encoded partition of a read answer: rows and markers in reading order, already cut to the slices.
#[derive(Clone, Debug)]
pub struct EncodedCursor<'a> {
    partition: PartitionRef<'a>,
    items: Items<'a>,
    current: Option<Unfiltered<'a>>,
}

impl<'a> EncodedCursor<'a> {
    /// Over a partition that was validated at the border.
    pub fn new(partition: PartitionRef<'a>) -> Self {
        EncodedCursor { partition, items: partition.items(), current: None }
    }
}

impl PartitionCursor for EncodedCursor<'_> {
    fn deletion(&self) -> DeletionTime {
        self.partition.deletion
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.partition.static_row
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        self.current = None;
        for item in self.items.by_ref() {
            // Ranges belong to mutations; an answer has none.
            if let Item::Unfiltered(item) = item {
                self.current = Some(item);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        self.current
    }
}
