//! What nodes say to each other about the metadata log.

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_text, put_vint};
use uuid::Uuid;

use crate::topology::NodeInfo;

/// A Paxos ballot: ordered by counter, then by host, so that no two hosts share one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ballot {
    /// Grows with every attempt.
    pub counter: u64,
    /// Who tries.
    pub host: Uuid,
}

/// A message about the metadata log. Entries are encoded [`crate::metadata::Entry`]s.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataMessage {
    /// Phase 1: promise to accept nothing below this ballot for this epoch.
    Prepare {
        /// The epoch to be decided.
        epoch: u64,
        /// The proposer's ballot.
        ballot: Ballot,
    },
    /// Answer: promised, and this was accepted before.
    Promise {
        /// The epoch.
        epoch: u64,
        /// The ballot promised.
        ballot: Ballot,
        /// What was accepted for the epoch, with its ballot.
        accepted: Option<(Ballot, Vec<u8>)>,
    },
    /// Answer to Prepare or Accept: a higher ballot was promised.
    Reject {
        /// The epoch.
        epoch: u64,
        /// The ballot refused.
        ballot: Ballot,
        /// The ballot promised.
        promised: Ballot,
    },
    /// Phase 2: accept this entry.
    Accept {
        /// The epoch.
        epoch: u64,
        /// The proposer's ballot.
        ballot: Ballot,
        /// The entry.
        entry: Vec<u8>,
    },
    /// Answer: accepted, durably.
    Accepted {
        /// The epoch.
        epoch: u64,
        /// The ballot.
        ballot: Ballot,
    },
    /// Entries that were decided, from this epoch on.
    Entries {
        /// Epoch of the first.
        from: u64,
        /// The entries in order.
        entries: Vec<Vec<u8>>,
    },
    /// Send me the entries from this epoch on.
    Fetch {
        /// The first epoch wanted.
        from: u64,
    },
    /// I have applied everything up to this epoch.
    Applied {
        /// The epoch.
        epoch: u64,
    },
    /// Every live node has applied everything up to this epoch: said by its proposer.
    AppliedBy {
        /// The epoch.
        epoch: u64,
        /// Who has.
        hosts: Vec<Uuid>,
    },
    /// Do you know a cluster?
    Identify,
    /// Answer: its id (nil: none), name, and the last epoch.
    Identity {
        /// Cluster id; nil when there is none.
        cluster_id: Uuid,
        /// Cluster name of the sender's configuration.
        cluster_name: String,
        /// Last epoch applied.
        epoch: u64,
    },
    /// Take me into the ring, or take my new addresses.
    Join(NodeInfo),
    /// Answer to Join: no, because.
    JoinRefused {
        /// The reason, for the joining node's log.
        reason: String,
    },
}

fn put_ballot(out: &mut Vec<u8>, ballot: Ballot) {
    out.extend_from_slice(&ballot.counter.to_be_bytes());
    out.extend_from_slice(ballot.host.as_bytes());
}

fn read_ballot(reader: &mut Reader<'_>) -> Result<Ballot, DecodeError> {
    Ok(Ballot { counter: reader.u64()?, host: reader.uuid()? })
}

impl MetadataMessage {
    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            MetadataMessage::Prepare { epoch, ballot } => {
                out.push(1);
                put_vint(out, *epoch);
                put_ballot(out, *ballot);
            }
            MetadataMessage::Promise { epoch, ballot, accepted } => {
                out.push(2);
                put_vint(out, *epoch);
                put_ballot(out, *ballot);
                out.push(u8::from(accepted.is_some()));
                if let Some((ballot, entry)) = accepted {
                    put_ballot(out, *ballot);
                    put_bytes(out, entry);
                }
            }
            MetadataMessage::Reject { epoch, ballot, promised } => {
                out.push(3);
                put_vint(out, *epoch);
                put_ballot(out, *ballot);
                put_ballot(out, *promised);
            }
            MetadataMessage::Accept { epoch, ballot, entry } => {
                out.push(4);
                put_vint(out, *epoch);
                put_ballot(out, *ballot);
                put_bytes(out, entry);
            }
            MetadataMessage::Accepted { epoch, ballot } => {
                out.push(5);
                put_vint(out, *epoch);
                put_ballot(out, *ballot);
            }
            MetadataMessage::Entries { from, entries } => {
                out.push(6);
                put_vint(out, *from);
                put_vint(out, entries.len() as u64);
                entries.iter().for_each(|entry| put_bytes(out, entry));
            }
            MetadataMessage::Fetch { from } => {
                out.push(7);
                put_vint(out, *from);
            }
            MetadataMessage::Applied { epoch } => {
                out.push(8);
                put_vint(out, *epoch);
            }
            MetadataMessage::Identify => out.push(9),
            MetadataMessage::Identity { cluster_id, cluster_name, epoch } => {
                out.push(10);
                out.extend_from_slice(cluster_id.as_bytes());
                put_text(out, cluster_name);
                put_vint(out, *epoch);
            }
            MetadataMessage::Join(node) => {
                out.push(11);
                node.encode(out);
            }
            MetadataMessage::JoinRefused { reason } => {
                out.push(12);
                put_text(out, reason);
            }
            MetadataMessage::AppliedBy { epoch, hosts } => {
                out.push(13);
                put_vint(out, *epoch);
                put_vint(out, hosts.len() as u64);
                hosts.iter().for_each(|host| out.extend_from_slice(host.as_bytes()));
            }
        }
    }

    /// Reads a message, every field checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let reader = &mut Reader::new(bytes);
        let message = match reader.u8()? {
            1 => MetadataMessage::Prepare { epoch: reader.vint()?, ballot: read_ballot(reader)? },
            2 => MetadataMessage::Promise {
                epoch: reader.vint()?,
                ballot: read_ballot(reader)?,
                accepted: if reader.bool()? { Some((read_ballot(reader)?, reader.bytes()?.to_vec())) } else { None },
            },
            3 => MetadataMessage::Reject {
                epoch: reader.vint()?,
                ballot: read_ballot(reader)?,
                promised: read_ballot(reader)?,
            },
            4 => MetadataMessage::Accept {
                epoch: reader.vint()?,
                ballot: read_ballot(reader)?,
                entry: reader.bytes()?.to_vec(),
            },
            5 => MetadataMessage::Accepted { epoch: reader.vint()?, ballot: read_ballot(reader)? },
            6 => {
                let from = reader.vint()?;
                let count = reader.count()?;
                let entries: Result<_, DecodeError> = (0..count).map(|_| Ok(reader.bytes()?.to_vec())).collect();
                MetadataMessage::Entries { from, entries: entries? }
            }
            7 => MetadataMessage::Fetch { from: reader.vint()? },
            8 => MetadataMessage::Applied { epoch: reader.vint()? },
            9 => MetadataMessage::Identify,
            10 => MetadataMessage::Identity {
                cluster_id: reader.uuid()?,
                cluster_name: reader.text()?.to_owned(),
                epoch: reader.vint()?,
            },
            11 => MetadataMessage::Join(NodeInfo::decode(reader)?),
            12 => MetadataMessage::JoinRefused { reason: reader.text()?.to_owned() },
            13 => {
                let epoch = reader.vint()?;
                let hosts: Result<_, DecodeError> = (0..reader.count()?).map(|_| reader.uuid()).collect();
                MetadataMessage::AppliedBy { epoch, hosts: hosts? }
            }
            _ => return Err(reader.invalid("metadata message")),
        };
        reader.finish()?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_applied_comes_back() {
        for hosts in [Vec::new(), vec![Uuid::from_u128(7)], (0..300).map(Uuid::from_u128).collect()] {
            let message = MetadataMessage::AppliedBy { epoch: 300, hosts };
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            assert_eq!(MetadataMessage::decode(&bytes).as_ref(), Ok(&message));
            bytes.pop();
            assert!(MetadataMessage::decode(&bytes).is_err());
        }
    }
}
