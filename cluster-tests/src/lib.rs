//! Scenarios over simulated members, real processes, real drivers and Apache Cassandra.
