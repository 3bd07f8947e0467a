//! Gossip messages and their bytes.
//!
//! All numbers are big-endian. `text` is a length in two bytes and that much UTF-8. `address` is 4 or 6 in one
//! byte, the address in 4 or 16, the port in two.
//!
//! ```text
//! message   version u8 = 1, kind u8, cluster id [16] (zeros: not known yet), body
//! SYN   1   cluster name text, partitioner text, complete u8 (0 or 1), count u16, digest…
//! ACK   2   count u16, digest…, count u16, delta…
//! ACK2  3   count u16, delta…
//! DOWN  4   generation u32, count u16 (0 or 1), delta…
//! ECHO  5   nonce u64
//! ECHOED 6  nonce u64
//! REFUSED 7 cluster name text, partitioner text
//! digest    address, generation u32, newest version u32
//! delta     address, generation u32, from version u32, heartbeat version u32 (0: none), count u16, value…
//! value     key u16, version u32, text
//! ```
//!
//! Nothing may follow. Framing and checksums belong to the internode link that carries the message.

use std::net::SocketAddr;

use uuid::Uuid;

use crate::delta::EndpointDelta;
use crate::digest::Digest;
use crate::limits::{MESSAGE_BYTES_MAX, NAME_BYTES_MAX, STATES_PER_ENDPOINT_MAX, VALUE_BYTES_MAX};
use crate::state::{ApplicationState, VersionedValue};
use crate::wire::{self, Reader};

/// Version of the encoding.
pub const VERSION: u8 = 1;

/// Bytes before the body.
pub(crate) const HEADER_LEN: usize = 2 + 16;

/// Smallest digest: an IPv4 one.
const DIGEST_LEN_MIN: usize = 7 + 4 + 4;
/// Smallest delta: IPv4, no values.
const DELTA_LEN_MIN: usize = 7 + 4 + 4 + 4 + 2;
/// Smallest value: an empty one.
const VALUE_LEN_MIN: usize = 2 + 4 + 2;

/// Bytes of a digest in a message.
pub(crate) fn digest_len(digest: &Digest) -> usize {
    wire::address_len(&digest.endpoint) + 4 + 4
}

/// What one node says to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Cluster of the sender, if it belongs to one yet.
    pub cluster_id: Option<Uuid>,
    /// The content.
    pub body: Body,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Opens an exchange: what the sender has.
    Syn {
        /// `cluster_name` of the sender.
        cluster_name: String,
        /// Class name of the sender's partitioner.
        partitioner: String,
        /// True if an endpoint that is not among the digests is unknown to the sender.
        complete: bool,
        /// What the sender has.
        digests: Vec<Digest>,
    },
    /// Answers a SYN.
    Ack {
        /// What the answerer wants.
        requests: Vec<Digest>,
        /// What the opener lacks.
        deltas: Vec<EndpointDelta>,
    },
    /// Closes an exchange.
    Ack2 {
        /// What the ACK asked for.
        deltas: Vec<EndpointDelta>,
    },
    /// The sender stops in good order.
    Shutdown {
        /// Life that ends.
        generation: u32,
        /// Its last state, as far as it fits.
        last: Option<EndpointDelta>,
    },
    /// Asks for a sign of life over the very path requests will take.
    Echo {
        /// Comes back in the answer.
        nonce: u64,
    },
    /// Answers an echo.
    EchoReply {
        /// Of the echo.
        nonce: u64,
    },
    /// Answers a SYN of another cluster, so that its sender can say so too.
    Refused {
        /// `cluster_name` of the answerer.
        cluster_name: String,
        /// Class name of the answerer's partitioner.
        partitioner: String,
    },
}

/// Why bytes are no gossip message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than any message may be.
    #[error("gossip message has {bytes} bytes, at most {MESSAGE_BYTES_MAX} are accepted")]
    MessageTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Ends early.
    #[error("gossip message ends inside {what}")]
    Truncated {
        /// The field that does not fit.
        what: &'static str,
    },
    /// A field is longer than its limit.
    #[error("{what} in a gossip message has {bytes} bytes or items, at most {bytes_max} are accepted")]
    TooLong {
        /// The field.
        what: &'static str,
        /// Its length or count.
        bytes: usize,
        /// Its limit.
        bytes_max: usize,
    },
    /// Written by a version this one cannot read.
    #[error("gossip message has version {found}, this node reads {VERSION}")]
    Version {
        /// Version in the message.
        found: u8,
    },
    /// Not a kind of message.
    #[error("gossip message has unknown kind {found}")]
    Kind {
        /// Kind in the message.
        found: u8,
    },
    /// Neither IPv4 nor IPv6.
    #[error("address in a gossip message has unknown family {family}")]
    AddressFamily {
        /// Family in the message.
        family: u8,
    },
    /// Text that is none.
    #[error("{what} in a gossip message is not UTF-8")]
    NotUtf8 {
        /// The field.
        what: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("{what} in a gossip message has the impossible value {found}")]
    Impossible {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u32,
    },
    /// Bytes after the end.
    #[error("gossip message is followed by {bytes} bytes")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

impl Message {
    /// The bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.push(VERSION);
        out.push(self.body.kind());
        wire::put_id(&mut out, self.cluster_id);
        self.body.encode(&mut out);
        out
    }

    /// Reads a message back.
    ///
    /// # Errors
    /// When the bytes are not exactly one message within the limits. Never allocates more than a small multiple
    /// of the bytes given.
    pub fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(DecodeError::MessageTooLong { bytes: bytes.len() });
        }
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(DecodeError::Version { found: version });
        }
        let kind = reader.u8("kind")?;
        let cluster_id = reader.id("cluster id")?;
        let body = Body::decode(kind, &mut reader)?;
        match reader.remaining() {
            0 => Ok(Message { cluster_id, body }),
            bytes => Err(DecodeError::Trailing { bytes }),
        }
    }
}

impl Body {
    fn kind(&self) -> u8 {
        match self {
            Body::Syn { .. } => 1,
            Body::Ack { .. } => 2,
            Body::Ack2 { .. } => 3,
            Body::Shutdown { .. } => 4,
            Body::Echo { .. } => 5,
            Body::EchoReply { .. } => 6,
            Body::Refused { .. } => 7,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Body::Syn { cluster_name, partitioner, complete, digests } => {
                wire::put_text(out, cluster_name);
                wire::put_text(out, partitioner);
                out.push(u8::from(*complete));
                put_digests(out, digests);
            }
            Body::Ack { requests, deltas } => {
                put_digests(out, requests);
                put_deltas(out, deltas);
            }
            Body::Ack2 { deltas } => put_deltas(out, deltas),
            Body::Shutdown { generation, last } => {
                wire::put_u32(out, *generation);
                put_deltas(out, last.as_slice());
            }
            Body::Echo { nonce } | Body::EchoReply { nonce } => wire::put_u64(out, *nonce),
            Body::Refused { cluster_name, partitioner } => {
                wire::put_text(out, cluster_name);
                wire::put_text(out, partitioner);
            }
        }
    }

    fn decode(kind: u8, reader: &mut Reader<'_>) -> Result<Body, DecodeError> {
        match kind {
            1 => Ok(Body::Syn {
                cluster_name: reader.text(NAME_BYTES_MAX, "cluster name")?.to_owned(),
                partitioner: reader.text(NAME_BYTES_MAX, "partitioner")?.to_owned(),
                complete: match reader.u8("complete")? {
                    0 => false,
                    1 => true,
                    found => {
                        return Err(DecodeError::Impossible { what: "complete", found: found.into() });
                    }
                },
                digests: digests(reader)?,
            }),
            2 => Ok(Body::Ack { requests: digests(reader)?, deltas: deltas(reader)? }),
            3 => Ok(Body::Ack2 { deltas: deltas(reader)? }),
            4 => {
                let generation = reader.u32("generation")?;
                let mut deltas = deltas(reader)?;
                let last = deltas.pop();
                if !deltas.is_empty() {
                    return Err(DecodeError::TooLong { what: "last state", bytes: deltas.len() + 1, bytes_max: 1 });
                }
                Ok(Body::Shutdown { generation, last })
            }
            5 => Ok(Body::Echo { nonce: reader.u64("nonce")? }),
            6 => Ok(Body::EchoReply { nonce: reader.u64("nonce")? }),
            7 => Ok(Body::Refused {
                cluster_name: reader.text(NAME_BYTES_MAX, "cluster name")?.to_owned(),
                partitioner: reader.text(NAME_BYTES_MAX, "partitioner")?.to_owned(),
            }),
            found => Err(DecodeError::Kind { found }),
        }
    }
}

fn put_digests(out: &mut Vec<u8>, digests: &[Digest]) {
    wire::put_count(out, digests.len());
    for digest in digests {
        wire::put_address(out, &digest.endpoint);
        wire::put_u32(out, digest.generation);
        wire::put_u32(out, digest.max_version);
    }
}

fn digests(reader: &mut Reader<'_>) -> Result<Vec<Digest>, DecodeError> {
    let count = reader.count(DIGEST_LEN_MIN, "digests")?;
    let mut digests = Vec::with_capacity(count);
    for _ in 0..count {
        digests.push(Digest {
            endpoint: reader.address()?,
            generation: generation(reader)?,
            max_version: reader.u32("version")?,
        });
    }
    Ok(digests)
}

fn put_deltas(out: &mut Vec<u8>, deltas: &[EndpointDelta]) {
    wire::put_count(out, deltas.len());
    for delta in deltas {
        wire::put_address(out, &delta.endpoint);
        wire::put_u32(out, delta.generation);
        wire::put_u32(out, delta.from_version);
        wire::put_u32(out, delta.heartbeat_version.unwrap_or(0));
        wire::put_count(out, delta.states.len());
        for (key, versioned) in &delta.states {
            wire::put_u16(out, key.code());
            wire::put_u32(out, versioned.version);
            wire::put_text(out, &versioned.value);
        }
    }
}

fn deltas(reader: &mut Reader<'_>) -> Result<Vec<EndpointDelta>, DecodeError> {
    let count = reader.count(DELTA_LEN_MIN, "deltas")?;
    let mut deltas = Vec::with_capacity(count);
    for _ in 0..count {
        deltas.push(delta(reader)?);
    }
    Ok(deltas)
}

fn delta(reader: &mut Reader<'_>) -> Result<EndpointDelta, DecodeError> {
    let endpoint: SocketAddr = reader.address()?;
    let generation = generation(reader)?;
    let from_version = reader.u32("version")?;
    let heartbeat_version = match reader.u32("heartbeat")? {
        0 => None,
        version => Some(version),
    };
    let count = reader.count(VALUE_LEN_MIN, "values")?;
    if count > STATES_PER_ENDPOINT_MAX {
        return Err(DecodeError::TooLong { what: "values", bytes: count, bytes_max: STATES_PER_ENDPOINT_MAX });
    }
    let mut states = Vec::with_capacity(count);
    for _ in 0..count {
        let key = ApplicationState::from_code(reader.u16("key")?);
        let version = reader.u32("version")?;
        let value = reader.text(VALUE_BYTES_MAX, "value")?.to_owned();
        states.push((key, VersionedValue { version, value }));
    }
    Ok(EndpointDelta { endpoint, generation, from_version, heartbeat_version, states })
}

/// A generation in a message is never 0: that is an endpoint nobody has heard of.
fn generation(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    match reader.u32("generation")? {
        0 => Err(DecodeError::Impossible { what: "generation", found: 0 }),
        generation => Ok(generation),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_address() -> impl Strategy<Value = SocketAddr> {
        prop_oneof![
            any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
            any::<([u8; 16], u16)>().prop_map(SocketAddr::from),
        ]
    }

    fn any_digest() -> impl Strategy<Value = Digest> {
        (any_address(), 1u32.., any::<u32>()).prop_map(|(endpoint, generation, max_version)| Digest {
            endpoint,
            generation,
            max_version,
        })
    }

    fn any_delta() -> impl Strategy<Value = EndpointDelta> {
        let value = (any::<u16>(), any::<u32>(), ".{0,40}")
            .prop_map(|(code, version, value)| (ApplicationState::from_code(code), VersionedValue { version, value }));
        let heartbeat = proptest::option::of(1..u32::MAX);
        (any_address(), 1u32.., any::<u32>(), heartbeat, proptest::collection::vec(value, 0..8)).prop_map(
            |(endpoint, generation, from_version, heartbeat_version, states)| EndpointDelta {
                endpoint,
                generation,
                from_version,
                heartbeat_version,
                states,
            },
        )
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let digests = || proptest::collection::vec(any_digest(), 0..6);
        let deltas = || proptest::collection::vec(any_delta(), 0..6);
        let body = prop_oneof![
            (".{0,20}", ".{0,20}", any::<bool>(), digests()).prop_map(
                |(cluster_name, partitioner, complete, digests)| Body::Syn {
                    cluster_name,
                    partitioner,
                    complete,
                    digests
                }
            ),
            (digests(), deltas()).prop_map(|(requests, deltas)| Body::Ack { requests, deltas }),
            deltas().prop_map(|deltas| Body::Ack2 { deltas }),
            (1u32.., proptest::option::of(any_delta()))
                .prop_map(|(generation, last)| Body::Shutdown { generation, last }),
            any::<u64>().prop_map(|nonce| Body::Echo { nonce }),
            any::<u64>().prop_map(|nonce| Body::EchoReply { nonce }),
            (".{0,20}", ".{0,20}").prop_map(|(cluster_name, partitioner)| Body::Refused { cluster_name, partitioner }),
        ];
        let cluster_id = proptest::option::of((1..u128::MAX).prop_map(Uuid::from_u128));
        (cluster_id, body).prop_map(|(cluster_id, body)| Message { cluster_id, body })
    }

    proptest! {
        #[test]
        fn messages_round_trip(message in any_message()) {
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn announced_lengths_are_the_real_ones(digest in any_digest(), delta in any_delta()) {
            let mut out = Vec::new();
            put_digests(&mut out, &[digest]);
            prop_assert_eq!(out.len(), 2 + digest_len(&digest));
            out.clear();
            put_deltas(&mut out, std::slice::from_ref(&delta));
            prop_assert_eq!(out.len(), 2 + delta.encoded_len());
        }

        #[test]
        fn every_cut_message_is_refused(message in any_message(), cut in any::<prop::sample::Index>()) {
            let bytes = message.encode();
            prop_assert!(Message::decode(&bytes[..cut.index(bytes.len())]).is_err());
            let mut longer = bytes;
            longer.push(0);
            prop_assert!(Message::decode(&longer).is_err());
        }

        /// Whatever is read from damaged bytes is a message that can be written again: nothing is out of limits.
        #[test]
        fn damaged_messages_never_panic(
            message in any_message(),
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = message.encode();
            for (place, byte) in damage {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(decoded) = Message::decode(&bytes) {
                prop_assert_eq!(decoded.encode(), bytes);
            }
        }

        #[test]
        fn random_bytes_never_panic(kind in 0u8..9, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = vec![VERSION, kind];
            bytes.extend(rest);
            if let Ok(decoded) = Message::decode(&bytes) {
                prop_assert_eq!(decoded.encode(), bytes);
            }
        }
    }

    #[test]
    fn refusals() {
        let header = |kind: u8| {
            let mut bytes = vec![VERSION, kind];
            bytes.extend([0; 16]);
            bytes
        };
        let with = |kind: u8, rest: &[u8]| [header(kind), rest.to_vec()].concat();
        let address = [4, 127, 0, 0, 1, 0x1b, 0x58];
        let digest = |generation: u8| [&address[..], &[0, 0, 0, generation], &[0, 0, 0, 9]].concat();
        let delta_with_count =
            |count: [u8; 2]| [&[0, 1][..], &address, &[0, 0, 0, 1], &[0; 4], &[0, 0, 0, 5], &count].concat();
        let cases = [
            (vec![], DecodeError::Truncated { what: "version" }),
            (vec![2, 1], DecodeError::Version { found: 2 }),
            (with(0, &[]), DecodeError::Kind { found: 0 }),
            (with(8, &[]), DecodeError::Kind { found: 8 }),
            (with(1, &[0xff, 0xff]), DecodeError::TooLong { what: "cluster name", bytes: 65_535, bytes_max: 1024 }),
            (with(1, &[0, 5, b'a']), DecodeError::Truncated { what: "cluster name" }),
            (with(1, &[0, 1, 0xff, 0, 0, 1, 0, 0]), DecodeError::NotUtf8 { what: "cluster name" }),
            (with(1, &[0, 0, 0, 0, 2, 0, 0]), DecodeError::Impossible { what: "complete", found: 2 }),
            // 65,535 digests are announced, none follows
            (with(1, &[0, 0, 0, 0, 1, 0xff, 0xff]), DecodeError::Truncated { what: "digests" }),
            (with(3, &[0xff, 0xff]), DecodeError::Truncated { what: "deltas" }),
            (with(3, &delta_with_count([0xff, 0xff])), DecodeError::Truncated { what: "values" }),
            (
                with(3, &[delta_with_count([0, 65]), vec![0; 65 * 8]].concat()),
                DecodeError::TooLong { what: "values", bytes: 65, bytes_max: 64 },
            ),
            (
                with(2, &[&[0, 1][..], &digest(0), &[0, 0]].concat()),
                DecodeError::Impossible { what: "generation", found: 0 },
            ),
            (
                with(2, &[&[0, 1][..], &[5], &digest(1)[1..], &[0, 0]].concat()),
                DecodeError::AddressFamily { family: 5 },
            ),
            (with(5, &[0; 9]), DecodeError::Trailing { bytes: 1 }),
            (vec![VERSION; MESSAGE_BYTES_MAX + 1], DecodeError::MessageTooLong { bytes: MESSAGE_BYTES_MAX + 1 }),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Message::decode(&bytes), Err(expected));
        }
    }
}
