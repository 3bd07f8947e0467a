//! A simulated world around whole members of a cluster.
//!
//! Members of `helenus-cluster`, two coordinators each, run in one thread over disks in memory, a network and clients that exist
//! only as events of one queue. Everything that happens follows from one seed: the same seed gives the same run, to the byte.
//!
//! A run ([`runner::run_seed`]) has two phases. In the first, clients work while faults come: delays, broken links, partitions,
//! one-way cuts, killed processes, power cuts. In the second everything is mended; then every request must succeed within a minute
//! of simulated time, and every promise in [`check`] is checked.

pub mod check;
pub mod client;
pub mod coverage;
pub mod fault;
pub mod net;
pub mod options;
pub mod queue;
pub mod runner;
pub mod trace;
pub mod workload;
pub mod world;

#[cfg(test)]
mod tests;
