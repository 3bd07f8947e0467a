//! The program: sockets, threads, files, configuration.

mod admin;
pub mod cli;
mod clients;
pub mod clock;
pub mod config;
mod control_thread;
mod data_directory;
mod environment;
mod fatal;
mod handshake;
mod jobs;
mod links;
mod listen;
mod local_cluster;
mod log_sync;
mod member_config;
mod nodetool;
pub mod real_disk;
mod say;
mod shell;
mod socket;
mod start;
mod tasks;
#[cfg(test)]
mod testing;
