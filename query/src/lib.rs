//! Statements turned into reads and writes.
