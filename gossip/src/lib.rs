//! Cluster membership by gossip, without sockets or clocks.
//!
//! Every node keeps one [`state::EndpointState`] per endpoint it knows: a generation (when that process
//! started), a heartbeat, and named values, each with a version that only its owner raises. Nodes reconcile
//! these by the exchange Apache Cassandra uses:
//!
//! 1. SYN: what I have, as one digest (generation, newest version) an endpoint.
//! 2. ACK: what is newer here, and digests of what is newer there.
//! 3. ACK2: what the ACK asked for.
//!
//! A heartbeat that stops growing raises the suspicion of the [`detector`], until the endpoint is marked down.
//!
//! Gossip carries liveness, load and the newest metadata epoch. It is **never** the authority on who owns
//! data or on the schema: that is the metadata log.
//!
//! The crate knows no socket, no clock and no ambient randomness. [`gossiper::Gossiper`] takes the time in
//! milliseconds of a monotonic clock with every call and leaves what it wants done in an output.

pub mod delta;
pub mod detector;
pub mod digest;
pub mod gossiper;
pub mod info;
pub mod limits;
pub mod message;
pub mod state;
mod wire;

pub use gossiper::{Config, ConfigError, Event, Gossiper, Outgoing, Output};
pub use message::{DecodeError, Message};
pub use state::{ApplicationState, EndpointState, StateError, VersionedValue};
