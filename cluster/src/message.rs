//! What nodes say to each other.
//!
//! A link carries frames; a frame is a batch of messages under one checksum:
//!
//! ```text
//! frame   := length u32 (of what follows the checksum), CRC32 u32 of that, message*
//! message := vint length, kind u8, request id u64, fields
//! ```
//!
//! Requests and answers go over the same link: an answer returns on the link its request came on, so it reaches the coordinator
//! that waits for it. Values stay where they are: [`Message`] borrows from the frame.

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_vint};
use helenus_model::consistency::Consistency;
use thiserror::Error;
use uuid::Uuid;

/// Longest frame accepted, bytes: a batch of messages, or one message of up to this size.
pub const FRAME_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes in front of a frame's messages.
pub const FRAME_HEADER_BYTES: usize = 8;

/// Why a write is sent; it decides what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// A client's write.
    Normal,
    /// A hint: the write was missed when the node was down.
    Hint,
    /// Read repair.
    Repair,
    /// Replay of a batch.
    Replay,
}

/// What a replica did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed; the number is the protocol's failure reason.
    Failed(u16),
}

/// One message, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Apply a mutation.
    Write {
        /// Why.
        kind: WriteKind,
        /// Epoch of the sender's schema: who is behind fetches first.
        schema_epoch: u64,
        /// The mutation's bytes.
        mutation: &'a [u8],
    },
    /// Answer to `Write`, `Count`, `BatchStore`, `Truncate`, `CasCommit`.
    Ack(Outcome),
    /// Execute a read.
    Read {
        /// True: only the digest is wanted.
        digest: bool,
        /// Epoch of the sender's schema.
        schema_epoch: u64,
        /// A `ReadCommand`'s bytes.
        command: &'a [u8],
    },
    /// Answer to `Read`: partitions as `answer` encodes them.
    Data(&'a [u8]),
    /// Answer to `Read` with `digest`.
    Digest([u8; 16]),
    /// Answer to `Read`: it failed, for the protocol's reason.
    ReadFailed(u16),
    /// Keep a batch until `BatchRemove`.
    BatchStore {
        /// Its id, a time UUID.
        batch: Uuid,
        /// Epoch of the sender's schema: who replays the batch must know its tables and columns.
        schema_epoch: u64,
        /// The mutations, as `batchlog` encodes them.
        mutations: &'a [u8],
    },
    /// A batch is done with; there is no answer.
    BatchRemove {
        /// Its id.
        batch: Uuid,
    },
    /// Remove all data of a table.
    Truncate {
        /// The table.
        table: Uuid,
        /// Writes up to this timestamp are gone, microseconds.
        truncated_at: i64,
    },
    /// Lead a write to counters, and answer when its level is met.
    Count {
        /// Epoch of the sender's schema.
        schema_epoch: u64,
        /// The client's level.
        level: Consistency,
        /// A mutation whose counters' cells hold what is to be added.
        increments: &'a [u8],
    },
    /// Promise a ballot of a conditional write's register.
    CasPrepare {
        /// The ballot, a time UUID.
        ballot: Uuid,
        /// Epoch of the sender's schema.
        schema_epoch: u64,
        /// The register, as `cas::wire` encodes it.
        register: &'a [u8],
    },
    /// Accept a value at a ballot.
    CasPropose {
        /// The ballot.
        ballot: Uuid,
        /// Epoch of the sender's schema.
        schema_epoch: u64,
        /// The register and the value, as `cas::wire` encodes them.
        proposal: &'a [u8],
    },
    /// Apply what is decided; the answer is an `Ack`.
    CasCommit {
        /// The ballot it was decided at.
        ballot: Uuid,
        /// Epoch of the sender's schema.
        schema_epoch: u64,
        /// The register and the value, as `cas::wire` encodes them.
        decision: &'a [u8],
    },
    /// Answer to `CasPrepare` and `CasPropose`, as `cas::wire` encodes it.
    CasAnswer(&'a [u8]),
    /// Gossip (control links only).
    Gossip(&'a [u8]),
    /// The metadata log's messages (control links only).
    Metadata(&'a [u8]),
}

impl Message<'_> {
    /// Appends the message to a frame being built.
    pub fn encode(&self, id: u64, out: &mut Vec<u8>) {
        let (kind, head, body): (u8, [u8; 16], &[u8]) = match self {
            Message::Write { kind, schema_epoch, mutation } => {
                let kind = match kind {
                    WriteKind::Normal => 1,
                    WriteKind::Hint => 2,
                    WriteKind::Repair => 3,
                    WriteKind::Replay => 4,
                };
                return put(out, id, kind, &schema_epoch.to_be_bytes(), mutation);
            }
            Message::Ack(Outcome::Done) => return put(out, id, 5, &[], &[]),
            Message::Ack(Outcome::Failed(reason)) => return put(out, id, 6, &reason.to_be_bytes(), &[]),
            Message::Read { digest, schema_epoch, command } => {
                return put(out, id, if *digest { 8 } else { 7 }, &schema_epoch.to_be_bytes(), command);
            }
            Message::Data(data) => return put(out, id, 9, &[], data),
            Message::Digest(digest) => return put(out, id, 10, digest, &[]),
            Message::ReadFailed(reason) => return put(out, id, 11, &reason.to_be_bytes(), &[]),
            Message::BatchStore { batch, schema_epoch, mutations } => {
                let mut head = [0; 24];
                head[..16].copy_from_slice(batch.as_bytes());
                head[16..].copy_from_slice(&schema_epoch.to_be_bytes());
                return put(out, id, 12, &head, mutations);
            }
            Message::BatchRemove { batch } => (13, *batch.as_bytes(), &[]),
            Message::Truncate { table, truncated_at } => (14, *table.as_bytes(), &truncated_at.to_be_bytes()),
            Message::Count { schema_epoch, level, increments } => {
                let mut head = [0; 10];
                head[..8].copy_from_slice(&schema_epoch.to_be_bytes());
                head[8..].copy_from_slice(&level.code().to_be_bytes());
                return put(out, id, 32, &head, increments);
            }
            Message::CasPrepare { ballot, schema_epoch, register } => {
                return put(out, id, 17, &cas_head(ballot, *schema_epoch), register);
            }
            Message::CasPropose { ballot, schema_epoch, proposal } => {
                return put(out, id, 18, &cas_head(ballot, *schema_epoch), proposal);
            }
            Message::CasCommit { ballot, schema_epoch, decision } => {
                return put(out, id, 19, &cas_head(ballot, *schema_epoch), decision);
            }
            Message::CasAnswer(answer) => return put(out, id, 20, &[], answer),
            Message::Gossip(bytes) => return put(out, id, 15, &[], bytes),
            Message::Metadata(bytes) => return put(out, id, 16, &[], bytes),
        };
        put(out, id, kind, &head, body);
    }
}

fn cas_head(ballot: &Uuid, schema_epoch: u64) -> [u8; 24] {
    let mut head = [0; 24];
    head[..16].copy_from_slice(ballot.as_bytes());
    head[16..].copy_from_slice(&schema_epoch.to_be_bytes());
    head
}

fn put(out: &mut Vec<u8>, id: u64, kind: u8, head: &[u8], body: &[u8]) {
    put_vint(out, (1 + 8 + head.len() + body.len()) as u64);
    out.push(kind);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(body);
}

impl<'a> Message<'a> {
    /// Reads the next message of a frame: request id and message. Bodies are checked by whoever uses them.
    pub fn decode(reader: &mut Reader<'a>) -> Result<(u64, Message<'a>), DecodeError> {
        let mut fields = Reader::new(reader.bytes()?);
        let kind = fields.u8()?;
        let id = fields.u64()?;
        let write = |fields: &mut Reader<'a>, kind| -> Result<Message<'a>, DecodeError> {
            Ok(Message::Write { kind, schema_epoch: fields.u64()?, mutation: fields.rest() })
        };
        let message = match kind {
            1 => write(&mut fields, WriteKind::Normal)?,
            2 => write(&mut fields, WriteKind::Hint)?,
            3 => write(&mut fields, WriteKind::Repair)?,
            4 => write(&mut fields, WriteKind::Replay)?,
            5 => Message::Ack(Outcome::Done),
            6 => Message::Ack(Outcome::Failed(fields.u16()?)),
            7 | 8 => Message::Read { digest: kind == 8, schema_epoch: fields.u64()?, command: fields.rest() },
            9 => Message::Data(fields.rest()),
            10 => Message::Digest(fields.array()?),
            11 => Message::ReadFailed(fields.u16()?),
            12 => Message::BatchStore { batch: fields.uuid()?, schema_epoch: fields.u64()?, mutations: fields.rest() },
            13 => Message::BatchRemove { batch: fields.uuid()? },
            14 => Message::Truncate { table: fields.uuid()?, truncated_at: fields.i64()? },
            15 => Message::Gossip(fields.rest()),
            16 => Message::Metadata(fields.rest()),
            17 => Message::CasPrepare { ballot: fields.uuid()?, schema_epoch: fields.u64()?, register: fields.rest() },
            18 => Message::CasPropose { ballot: fields.uuid()?, schema_epoch: fields.u64()?, proposal: fields.rest() },
            19 => Message::CasCommit { ballot: fields.uuid()?, schema_epoch: fields.u64()?, decision: fields.rest() },
            20 => Message::CasAnswer(fields.rest()),
            32 => {
                let schema_epoch = fields.u64()?;
                let level = Consistency::from_code(fields.u16()?).ok_or_else(|| fields.invalid("consistency level"))?;
                Message::Count { schema_epoch, level, increments: fields.rest() }
            }
            _ => return Err(fields.invalid("message kind")),
        };
        Ok((id, message))
    }
}

/// Messages for one link, gathered until they are sent as one frame.
#[derive(Debug, Default)]
pub struct FrameBuilder {
    bytes: Vec<u8>,
}

impl FrameBuilder {
    /// Adds a message.
    #[inline]
    pub fn push(&mut self, id: u64, message: &Message<'_>) {
        if self.bytes.is_empty() {
            self.bytes.resize(FRAME_HEADER_BYTES, 0);
        }
        message.encode(id, &mut self.bytes);
    }

    /// True when there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes gathered.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the frame and appends it to `out`.
    pub fn take_into(&mut self, out: &mut Vec<u8>) {
        if self.bytes.is_empty() {
            return;
        }
        let length = (self.bytes.len() - FRAME_HEADER_BYTES) as u32;
        let checksum = crc32fast::hash(&self.bytes[FRAME_HEADER_BYTES..]);
        self.bytes[..4].copy_from_slice(&length.to_be_bytes());
        self.bytes[4..8].copy_from_slice(&checksum.to_be_bytes());
        out.extend_from_slice(&self.bytes);
        self.bytes.clear();
    }
}

/// A link's bytes are not what the peer sent; the link is closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A length beyond the limit.
    #[error("internode frame of {0} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLong(usize),
    /// The checksum does not match.
    #[error("internode frame is damaged: its checksum does not match")]
    Checksum,
    /// A message is not one.
    #[error("internode message: {0}")]
    Decode(#[from] DecodeError),
}

/// If `bytes` start with a whole frame: its messages and its length, to be consumed. None: more bytes are needed.
pub fn split_frame(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, FrameError> {
    let Some((head, rest)) = bytes.split_at_checked(FRAME_HEADER_BYTES) else { return Ok(None) };
    let mut reader = Reader::new(head);
    let length = reader.u32()? as usize;
    let checksum = reader.u32()?;
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(length));
    }
    let Some(messages) = rest.get(..length) else { return Ok(None) };
    if crc32fast::hash(messages) != checksum {
        return Err(FrameError::Checksum);
    }
    Ok(Some((messages, FRAME_HEADER_BYTES + length)))
}

/// Appends several byte strings as one body, for messages that carry a list.
pub fn put_list<'a>(out: &mut Vec<u8>, items: impl ExactSizeIterator<Item = &'a [u8]>) {
    put_vint(out, items.len() as u64);
    items.for_each(|item| put_bytes(out, item));
}

/// Reads what [`put_list`] wrote.
pub fn read_list(bytes: &[u8]) -> Result<Vec<&[u8]>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.count()?;
    let items: Result<Vec<_>, _> = (0..count).map(|_| reader.bytes()).collect();
    let items = items?;
    reader.finish()?;
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back_and_damage_is_noticed() {
        let messages = [
            Message::Write { kind: WriteKind::Normal, schema_epoch: 3, mutation: b"m" },
            Message::Write { kind: WriteKind::Hint, schema_epoch: 3, mutation: b"m" },
            Message::Write { kind: WriteKind::Repair, schema_epoch: 3, mutation: b"" },
            Message::Write { kind: WriteKind::Replay, schema_epoch: 3, mutation: b"m" },
            Message::Ack(Outcome::Done),
            Message::Ack(Outcome::Failed(5)),
            Message::Read { digest: false, schema_epoch: 4, command: b"c" },
            Message::Read { digest: true, schema_epoch: 4, command: b"c" },
            Message::Data(b"data"),
            Message::Digest([7; 16]),
            Message::ReadFailed(2),
            Message::BatchStore { batch: Uuid::from_u128(1), schema_epoch: 9, mutations: b"b" },
            Message::BatchRemove { batch: Uuid::from_u128(2) },
            Message::Truncate { table: Uuid::from_u128(3), truncated_at: -5 },
            Message::Count { schema_epoch: 5, level: Consistency::LocalQuorum, increments: b"i" },
            Message::CasPrepare { ballot: Uuid::from_u128(4), schema_epoch: 5, register: b"r" },
            Message::CasPropose { ballot: Uuid::from_u128(4), schema_epoch: 5, proposal: b"p" },
            Message::CasCommit { ballot: Uuid::from_u128(4), schema_epoch: 5, decision: b"d" },
            Message::CasAnswer(b"a"),
            Message::Gossip(b"g"),
            Message::Metadata(b"x"),
        ];
        let mut builder = FrameBuilder::default();
        for (i, message) in messages.iter().enumerate() {
            builder.push(i as u64, message);
        }
        let mut frame = Vec::new();
        builder.take_into(&mut frame);
        assert!(builder.is_empty());
        let (body, length) = split_frame(&frame).expect("sound").expect("whole");
        assert_eq!(length, frame.len());
        let mut reader = Reader::new(body);
        for (i, message) in messages.iter().enumerate() {
            assert_eq!(Message::decode(&mut reader), Ok((i as u64, *message)));
        }
        assert!(reader.is_empty());
        for cut in 0..frame.len() {
            assert_eq!(split_frame(&frame[..cut]), Ok(None), "cut at {cut}");
        }
        for at in 4..frame.len() {
            let mut damaged = frame.clone();
            damaged[at] ^= 1;
            assert!(split_frame(&damaged).is_err(), "byte {at}");
        }
        assert_eq!(split_frame(&[0xff; 8]), Err(FrameError::TooLong(0xffff_ffff)));
    }
}
