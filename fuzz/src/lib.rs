//! What the fuzz targets share: taking a run of bytes apart, and a store of one table.

pub mod input;
pub mod store;
