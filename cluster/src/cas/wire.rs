//! What proposers and registers say to each other, as bytes.
//!
//! ```text
//! register := table id 16 bytes, partition key (u16 length, bytes)
//! value    := origin 16 bytes, count u8, origin 16 bytes * count, mutation (the rest; empty: nothing is written)
//! promise  := 1, taken, taken          the accepted value, the decided one
//! taken    := 0 | 1, ballot 16 bytes, value (vint length, bytes)
//! answer   := promise | 0, ballot 16 bytes (a later one was promised) | 2 (accepted) | 3, reason u16 (failed)
//! ```
//!
//! Ballots are time UUIDs. The origin of a value is the ballot it was first proposed at; whoever finds it half decided proposes it
//! again at a ballot of his own, and its proposer knows it by its origin. Behind it stand the origins of the values that were decided
//! before it, the latest first: so a proposer whose value was decided learns it also when others were decided since.

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_bytes16};
use helenus_model::mutation::MutationRef;
use uuid::Uuid;

use super::ballot::Ballot;

/// How many decisions a value remembers.
pub(crate) const BEFORE_MAX: usize = 16;

/// A value of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// The ballot it was first proposed at; its time is the mutation's timestamp.
    pub(crate) origin: Ballot,
    /// Origins of the values decided before it, the latest first, up to [`BEFORE_MAX`] of them.
    pub(crate) before: Vec<Ballot>,
    /// What is to be applied; empty: nothing.
    pub(crate) mutation: Vec<u8>,
}

impl Value {
    /// Nothing is written.
    pub(crate) fn nothing(origin: Ballot) -> Self {
        Value { origin, before: Vec::new(), mutation: Vec::new() }
    }

    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_bytes());
        self.encode_into(&mut out);
        out
    }

    fn encoded_bytes(&self) -> usize {
        17 + 16 * self.before.len() + self.mutation.len()
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.origin.to_uuid().as_bytes());
        debug_assert!(self.before.len() <= BEFORE_MAX);
        out.push(self.before.len() as u8);
        for before in &self.before {
            out.extend_from_slice(before.to_uuid().as_bytes());
        }
        out.extend_from_slice(&self.mutation);
    }

    /// Reads a value, every byte checked.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let value = ValueRef::decode(bytes)?;
        let origins = value.before.chunks_exact(16).filter_map(|bytes| Uuid::from_slice(bytes).ok());
        let before = origins.map(Ballot::from_uuid).collect();
        Ok(Value { origin: value.origin, before, mutation: value.mutation.to_vec() })
    }
}

/// A value where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueRef<'a> {
    pub(crate) origin: Ballot,
    /// As of [`Value`], 16 bytes each.
    before: &'a [u8],
    pub(crate) mutation: &'a [u8],
    /// All of it.
    pub(crate) bytes: &'a [u8],
}

impl<'a> ValueRef<'a> {
    /// Reads a value, every byte checked.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let origin = Ballot::from_uuid(reader.uuid()?);
        let count = usize::from(reader.u8()?);
        if count > BEFORE_MAX {
            return Err(reader.invalid("count of decisions"));
        }
        let before = reader.take(16 * count)?;
        let mutation = reader.rest();
        if !mutation.is_empty() {
            MutationRef::validate(mutation)?;
        }
        Ok(ValueRef { origin, before, mutation, bytes })
    }
}

/// A value taken at a ballot: accepted, or decided.
pub(crate) type Taken = Option<(Ballot, Value)>;

/// What a register answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has promised this later ballot.
    Refused(Ballot),
    /// Promised.
    Promised {
        /// The latest value it accepted, unless it is decided.
        accepted: Taken,
        /// The latest it knows to be decided.
        decided: Taken,
    },
    /// Accepted.
    Accepted,
    /// The replica cannot tell, for the protocol's reason.
    Failed(u16),
}

impl Answer {
    /// Appends the answer.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Answer::Refused(ballot) => {
                out.push(0);
                out.extend_from_slice(ballot.to_uuid().as_bytes());
            }
            Answer::Promised { accepted, decided } => {
                out.push(1);
                put_taken(out, accepted);
                put_taken(out, decided);
            }
            Answer::Accepted => out.push(2),
            Answer::Failed(reason) => {
                out.push(3);
                out.extend_from_slice(&reason.to_be_bytes());
            }
        }
    }

    /// Reads an answer, every byte checked.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let answer = match reader.u8()? {
            0 => Answer::Refused(Ballot::from_uuid(reader.uuid()?)),
            1 => Answer::Promised { accepted: read_taken(&mut reader)?, decided: read_taken(&mut reader)? },
            2 => Answer::Accepted,
            3 => Answer::Failed(reader.u16()?),
            _ => return Err(reader.invalid("answer of a register")),
        };
        reader.finish()?;
        Ok(answer)
    }
}

fn put_taken(out: &mut Vec<u8>, taken: &Taken) {
    match taken {
        None => out.push(0),
        Some((ballot, value)) => {
            out.push(1);
            out.extend_from_slice(ballot.to_uuid().as_bytes());
            put_bytes(out, &value.encode());
        }
    }
}

fn read_taken(reader: &mut Reader<'_>) -> Result<Taken, DecodeError> {
    if !reader.bool()? {
        return Ok(None);
    }
    let ballot = Ballot::from_uuid(reader.uuid()?);
    Ok(Some((ballot, Value::decode(reader.bytes()?)?)))
}

/// The name of a register, and the value that is proposed, if one is.
pub(crate) fn register_bytes(table: Uuid, key: &[u8], value: Option<&Value>) -> Vec<u8> {
    let mut out = Vec::with_capacity(18 + key.len() + value.map_or(0, Value::encoded_bytes));
    out.extend_from_slice(table.as_bytes());
    put_bytes16(&mut out, key);
    if let Some(value) = value {
        value.encode_into(&mut out);
    }
    out
}

/// Table, partition key and value of what [`register_bytes`] wrote. The value is not checked.
pub(crate) fn read_register(bytes: &[u8]) -> Result<(Uuid, &[u8], &[u8]), DecodeError> {
    let mut reader = Reader::new(bytes);
    Ok((reader.uuid()?, reader.bytes16()?, reader.rest()))
}
