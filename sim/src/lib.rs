//! A simulated world around whole members of a cluster.
