//! Which SSTables to merge, and merging them.

pub(crate) mod purge;
pub(crate) mod size_tiered;
pub(crate) mod strategy;
