//! REGISTER: the kinds of events a client wants.

use crate::notation::{DecodeError, Reader, write_short, write_string};
use crate::version::ProtocolVersion;

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// A node joined or left.
    TopologyChange = 0,
    /// A node went up or down.
    StatusChange = 1,
    /// The schema changed.
    SchemaChange = 2,
    /// A trace is complete (v4 and later): accepted, never sent, as in Cassandra.
    TraceComplete = 3,
}

/// A set of kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventKinds {
    bits: u8,
}

/// A REGISTER message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// What the client wants to hear of, besides what it asked for before.
    pub kinds: EventKinds,
}

impl EventKind {
    /// All kinds.
    pub const EVERY: [Self; 4] = [Self::TopologyChange, Self::StatusChange, Self::SchemaChange, Self::TraceComplete];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopologyChange => "TOPOLOGY_CHANGE",
            Self::StatusChange => "STATUS_CHANGE",
            Self::SchemaChange => "SCHEMA_CHANGE",
            Self::TraceComplete => "TRACE_COMPLETE",
        }
    }

    /// The kind of a word, in any case.
    ///
    /// # Errors
    /// If there is none.
    pub fn from_name(name: &str) -> Result<Self, DecodeError> {
        Self::EVERY
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| DecodeError::Word { value: name.to_owned(), kind: "Type" })
    }
}

impl EventKinds {
    /// No kinds.
    pub const NONE: Self = Self { bits: 0 };
    /// The three kinds that are ever sent.
    pub const ALL: Self = Self { bits: 0b0111 };

    /// Whether a kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: EventKind) -> bool {
        self.bits & (1 << kind as u8) != 0
    }

    /// The set with one more kind.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Self {
        Self { bits: self.bits | (1 << kind as u8) }
    }

    /// The kinds in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }

    /// The kinds in the set.
    pub fn iter(self) -> impl Iterator<Item = EventKind> {
        EventKind::EVERY.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl Register {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed, or a kind is unknown to the version.
    pub fn decode(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let mut kinds = EventKinds::NONE;
        for _ in 0..reader.short()? {
            let kind = EventKind::from_name(reader.string()?)?;
            if kind == EventKind::TraceComplete && version < ProtocolVersion::V4 {
                let text = format!("Event {} not valid for protocol version {version}", kind.name());
                return Err(DecodeError::Number(text));
            }
            kinds = kinds.with(kind);
        }
        Ok(Self { kinds })
    }

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        #[expect(clippy::cast_possible_truncation, reason = "at most four kinds")]
        write_short(out, self.kinds.iter().count() as u16);
        for kind in self.kinds.iter() {
            write_string(out, kind.name());
        }
    }
}
