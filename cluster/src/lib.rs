//! One member of the ring, whole, but without I/O: everything a node decides. No thread, no clock, no socket; the `node` crate
//! gives it real ones, the `sim` crate simulated ones.

pub mod answer;
mod cas;
pub mod config;
pub mod control;
pub mod coordinator;
pub mod hints;
/// Guardrails, for who reads them out of a configuration.
pub use helenus_query::guardrail;
pub mod link;
pub mod member;
pub mod message;
pub mod metadata;
pub mod placement;
pub mod prepared;
pub mod reach;
mod read_text;
mod roles;
pub mod scan;
pub mod shared;
mod system;
pub mod task;
#[cfg(test)]
mod tests;
pub mod throttle;
pub mod topology;
pub mod view;
mod views;
