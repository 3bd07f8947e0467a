//! The CQL native protocol, v3, v4 and v5, both directions, without sockets.
