//! Several scans in step: partition by partition, each merged over the sources that have it.

use std::ops::Deref;

use helenus_model::key::{DecoratedKey, KeyRef};
use helenus_model::schema::Table;

use crate::cursor::PartitionScan;
use crate::error::ReadError;
use crate::merge::MergeCursor;

/// See the module.
#[derive(Debug)]
pub(crate) struct MergedScan<T, C> {
    merge: MergeCursor<T, C>,
    /// Which sources stand at a partition.
    living: Vec<bool>,
}

impl<T: Deref<Target = Table>, C: PartitionScan> MergedScan<T, C> {
    /// Over scans that have not moved yet.
    pub(crate) fn new(table: T, mut scans: Vec<C>, reversed: bool) -> Result<Self, ReadError> {
        let mut living = Vec::with_capacity(scans.len());
        for scan in &mut scans {
            living.push(scan.next_partition()?);
        }
        Ok(MergedScan { merge: MergeCursor::idle(table, scans, reversed), living })
    }

    /// Begins the next partition; None at the end. It is read from [`MergedScan::merge`] and left by [`MergedScan::leave`].
    pub(crate) fn next_key(&mut self) -> Option<DecoratedKey> {
        let sources = self.merge.cursors().zip(&self.living).filter(|(_, living)| **living);
        let first = sources.map(|(source, _)| source.key()).min()?.to_owned();
        let mut living = self.living.iter();
        self.merge.restart(|source| *living.next().unwrap_or(&false) && source.key() == first.as_ref());
        Some(first)
    }

    /// The partition at hand.
    pub(crate) fn merge(&mut self) -> &mut MergeCursor<T, C> {
        &mut self.merge
    }

    /// Leaves the partition of `key`, also in its middle.
    pub(crate) fn leave(&mut self, key: KeyRef<'_>) -> Result<(), ReadError> {
        for (source, living) in self.merge.cursors_mut().zip(&mut self.living) {
            if *living && source.key() == key {
                *living = source.next_partition()?;
            }
        }
        Ok(())
    }
}
