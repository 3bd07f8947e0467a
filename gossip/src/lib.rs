//! Cluster membership by gossip, without sockets or clocks.
