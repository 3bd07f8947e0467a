//! EVENT: what the server tells without being asked, on stream −1.

use super::schema_change::SchemaChange;
use crate::notation::{DecodeError, Reader, write_inet, write_string};
use crate::request::EventKind;
use crate::version::ProtocolVersion;
use std::net::SocketAddr;

/// An EVENT message. Addresses are those that clients connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum Event {
    NewNode(SocketAddr),
    RemovedNode(SocketAddr),
    Up(SocketAddr),
    Down(SocketAddr),
    SchemaChange(SchemaChange),
}

impl Event {
    /// What a client registers for to get it.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::NewNode(_) | Self::RemovedNode(_) => EventKind::TopologyChange,
            Self::Up(_) | Self::Down(_) => EventKind::StatusChange,
            Self::SchemaChange(_) => EventKind::SchemaChange,
        }
    }

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_string(out, self.kind().name());
        let (word, address) = match self {
            Self::NewNode(address) => ("NEW_NODE", address),
            Self::RemovedNode(address) => ("REMOVED_NODE", address),
            Self::Up(address) => ("UP", address),
            Self::Down(address) => ("DOWN", address),
            Self::SchemaChange(change) => return change.encode(out, version),
        };
        write_string(out, word);
        write_inet(out, *address);
    }

    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match EventKind::from_name(reader.string()?)? {
            EventKind::SchemaChange => Ok(Self::SchemaChange(SchemaChange::decode(reader)?)),
            EventKind::TopologyChange => match reader.string()? {
                "NEW_NODE" => Ok(Self::NewNode(reader.inet()?)),
                "REMOVED_NODE" => Ok(Self::RemovedNode(reader.inet()?)),
                other => Err(DecodeError::Word { value: other.to_owned(), kind: "Change" }),
            },
            EventKind::StatusChange => match reader.string()? {
                "UP" => Ok(Self::Up(reader.inet()?)),
                "DOWN" => Ok(Self::Down(reader.inet()?)),
                other => Err(DecodeError::Word { value: other.to_owned(), kind: "Status" }),
            },
            EventKind::TraceComplete => {
                Err(DecodeError::Word { value: "TRACE_COMPLETE".to_owned(), kind: "an event of this crate" })
            }
        }
    }
}
