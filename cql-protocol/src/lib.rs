//! The CQL native protocol, v3, v4 and v5, both directions, without sockets.

pub mod error_code;
pub mod frame;
pub mod limits;
pub mod notation;
pub mod opcode;
pub mod request;
pub mod version;

pub use version::ProtocolVersion;
