//! The program: sockets, threads, files, configuration.
