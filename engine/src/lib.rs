//! One node's storage: commit log, memtables, SSTables, compaction.
