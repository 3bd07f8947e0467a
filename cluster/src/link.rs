//! What two nodes say to each other before anything else on a link.
//!
//! ```text
//! hello := magic "HLNS", version u8 = 1, kind u8, length u16 (of the rest),
//!          cluster id 16 bytes, host id 16 bytes, internode address (vint length, text), cluster name (vint length, text),
//!          epoch vint, coordinators u16
//! ```

use std::net::SocketAddr;

use helenus_model::codec::{DecodeError, Reader, put_text, put_vint};
use thiserror::Error;
use uuid::Uuid;

/// Version of the internode protocol.
pub const LINK_VERSION: u8 = 1;
/// Bytes before the variable part.
pub const HELLO_HEAD_BYTES: usize = 8;
const MAGIC: &[u8; 4] = b"HLNS";

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Requests of a coordinator, and their answers.
    Data,
    /// Gossip and metadata.
    Control,
}

/// The first thing either side sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What the link is for.
    pub kind: LinkKind,
    /// Nil while the sender knows no cluster.
    pub cluster_id: Uuid,
    /// The sender's identity.
    pub host_id: Uuid,
    /// Where the sender is reached.
    pub internode: SocketAddr,
    /// The sender's `cluster_name`.
    pub cluster_name: String,
    /// Epoch of the sender's metadata; 0 while it knows no cluster.
    pub epoch: u64,
    /// Coordinators of the sender, each of which opens a data link.
    pub coordinators: u16,
}

/// A link is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HelloError {
    /// The other end is no Helenus node.
    #[error("the other end does not speak Helenus's internode protocol")]
    Magic,
    /// It speaks another version.
    #[error("the other end speaks version {0} of the internode protocol, this node {LINK_VERSION}")]
    Version(u8),
    /// It is of another cluster.
    #[error("the other end belongs to cluster \"{theirs}\", this node to \"{own}\"")]
    Cluster {
        /// Its cluster.
        theirs: String,
        /// Ours.
        own: String,
    },
    /// Its words make no sense.
    #[error("handshake: {0}")]
    Decode(#[from] DecodeError),
}

impl Hello {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        rest.extend_from_slice(self.cluster_id.as_bytes());
        rest.extend_from_slice(self.host_id.as_bytes());
        put_text(&mut rest, &self.internode.to_string());
        put_text(&mut rest, &self.cluster_name);
        put_vint(&mut rest, self.epoch);
        rest.extend_from_slice(&self.coordinators.to_be_bytes());
        let mut out = MAGIC.to_vec();
        out.push(LINK_VERSION);
        out.push(match self.kind {
            LinkKind::Data => 0,
            LinkKind::Control => 1,
        });
        out.extend_from_slice(&(rest.len() as u16).to_be_bytes());
        out.extend_from_slice(&rest);
        out
    }

    /// From the first [`HELLO_HEAD_BYTES`]: how many bytes follow.
    pub fn rest_length(head: &[u8; HELLO_HEAD_BYTES]) -> Result<usize, HelloError> {
        let [a, b, c, d, version, _, high, low] = *head;
        if [a, b, c, d] != *MAGIC {
            return Err(HelloError::Magic);
        }
        if version != LINK_VERSION {
            return Err(HelloError::Version(version));
        }
        Ok(usize::from(u16::from_be_bytes([high, low])))
    }

    /// From the head and the rest.
    pub fn decode(head: &[u8; HELLO_HEAD_BYTES], rest: &[u8]) -> Result<Self, HelloError> {
        let mut reader = Reader::new(rest);
        let kind = match head[5] {
            0 => LinkKind::Data,
            1 => LinkKind::Control,
            _ => return Err(reader.invalid("link kind").into()),
        };
        let cluster_id = reader.uuid()?;
        let host_id = reader.uuid()?;
        let internode = reader.text()?.parse().map_err(|_| reader.invalid("address"))?;
        let cluster_name = reader.text()?.to_owned();
        let epoch = reader.vint()?;
        let coordinators = u16::from_be_bytes(reader.array()?);
        reader.finish()?;
        Ok(Hello { kind, cluster_id, host_id, internode, cluster_name, epoch, coordinators })
    }

    /// Checks that the other end may talk to this one. Data links need the same cluster; a control link may come from a node that
    /// knows none yet.
    pub fn check(&self, own: &Hello) -> Result<(), HelloError> {
        let same_id = self.cluster_id == own.cluster_id;
        let undecided = self.kind == LinkKind::Control && (self.cluster_id.is_nil() || own.cluster_id.is_nil());
        if self.cluster_name != own.cluster_name || !(same_id || undecided) {
            let name = |hello: &Hello| format!("{} ({})", hello.cluster_name, hello.cluster_id);
            return Err(HelloError::Cluster { theirs: name(self), own: name(own) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(kind: LinkKind, cluster: u128, name: &str) -> Hello {
        Hello {
            kind,
            cluster_id: Uuid::from_u128(cluster),
            host_id: Uuid::from_u128(5),
            internode: ([127, 0, 0, 1], 7000).into(),
            cluster_name: name.to_owned(),
            epoch: 300,
            coordinators: 2,
        }
    }

    #[test]
    fn hellos_read_back() {
        let sent = hello(LinkKind::Control, 7, "test");
        let bytes = sent.encode();
        let (head, rest) = bytes.split_first_chunk::<HELLO_HEAD_BYTES>().expect("a head");
        assert_eq!(Hello::rest_length(head), Ok(rest.len()));
        assert_eq!(Hello::decode(head, rest), Ok(sent));
        for cut in 0..rest.len() {
            assert!(Hello::decode(head, &rest[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(Hello::rest_length(b"GET / HT"), Err(HelloError::Magic));
        assert_eq!(Hello::rest_length(b"HLNS\x02\x00\x00\x00"), Err(HelloError::Version(2)));
    }

    #[test]
    fn only_the_same_cluster_is_let_in() {
        let own = |kind| hello(kind, 7, "test");
        let check = |kind, cluster, name, allowed: bool| {
            assert_eq!(hello(kind, cluster, name).check(&own(kind)).is_ok(), allowed, "{kind:?} {cluster} {name}");
        };
        check(LinkKind::Data, 7, "test", true);
        check(LinkKind::Data, 0, "test", false);
        check(LinkKind::Control, 0, "test", true);
        check(LinkKind::Control, 8, "test", false);
        check(LinkKind::Control, 7, "other", false);
    }
}
