//! The program as a user meets it: its command line, its one-line errors, a node's life.

mod cluster;
mod errors;
mod life;
mod nodetool;
mod process;
