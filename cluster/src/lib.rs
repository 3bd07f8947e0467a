//! One member of the ring, whole, but without I/O: everything a node decides. No thread, no clock, no socket; the `node` crate
//! gives it real ones, the `sim` crate simulated ones.

pub mod metadata;
pub mod answer;
pub mod control;
pub mod hints;
pub mod message;
pub mod placement;
pub mod topology;
