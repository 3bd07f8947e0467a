//! The program: sockets, threads, files, configuration.

pub mod config;
