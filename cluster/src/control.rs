//! The parts of a member of which there is one a node: the metadata log, gossip, hints and batch replay.

pub mod metadata_log;
pub mod metadata_message;
mod metadata_store;

pub use metadata_store::MetadataStoreError;
