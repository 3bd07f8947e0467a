//! Digests: how much of an endpoint's state a node has, and what follows from comparing two of them.

use std::net::SocketAddr;

use crate::state::EndpointState;

/// How much of one endpoint's state somebody has. In an ACK it is a request: "send what is newer than this".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Whose state.
    pub endpoint: SocketAddr,
    /// Which life of that endpoint.
    pub generation: u32,
    /// Newest version held of it; 0 for nothing.
    pub max_version: u32,
}

/// What to do about one digest of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Both have the same.
    Equal,
    /// They have more: ask for what is newer than this version of this generation.
    Request {
        /// The generation they have.
        generation: u32,
        /// The newest version of it here.
        have_version: u32,
    },
    /// We have more: send what is newer than this version.
    Send {
        /// The newest version they have of our generation; 0 for everything.
        from_version: u32,
    },
}

impl Digest {
    /// Compares what they have (`self`) with what is here.
    pub fn compare(&self, local: Option<&EndpointState>) -> Comparison {
        let Some(local) = local else {
            return Comparison::Request { generation: self.generation, have_version: 0 };
        };
        let local_version = local.max_version();
        if self.generation > local.generation {
            Comparison::Request { generation: self.generation, have_version: 0 }
        } else if self.generation < local.generation {
            Comparison::Send { from_version: 0 }
        } else if self.max_version > local_version {
            Comparison::Request { generation: self.generation, have_version: local_version }
        } else if self.max_version < local_version {
            Comparison::Send { from_version: self.max_version }
        } else {
            Comparison::Equal
        }
    }

    /// How far apart the two sides are, in versions: the order in which a reply with limited room deals with
    /// digests is from the farthest to the nearest, so that who lags most catches up first.
    pub fn distance(&self, local: Option<&EndpointState>) -> u32 {
        match local {
            Some(local) if local.generation == self.generation => local.max_version().abs_diff(self.max_version),
            // Another life, or unknown here: all of what they have, or all of what is here.
            Some(local) => local.max_version().max(self.max_version),
            None => self.max_version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons() {
        let request = |generation, have_version| Comparison::Request { generation, have_version };
        let send = |from_version| Comparison::Send { from_version };
        // (their generation, their version), (our generation, our version), expected, distance
        let cases = [
            ((7, 10), Some((7, 10)), Comparison::Equal, 0),
            ((7, 12), Some((7, 10)), request(7, 10), 2),
            ((7, 8), Some((7, 10)), send(8), 2),
            ((7, 0), Some((7, 10)), send(0), 10),
            ((8, 3), Some((7, 10)), request(8, 0), 10),
            ((6, 90), Some((7, 10)), send(0), 90),
            ((7, 5), None, request(7, 0), 5),
            ((7, 5), Some((0, 0)), request(7, 0), 5),
        ];
        for ((generation, max_version), ours, expected, distance) in cases {
            let digest = Digest { endpoint: SocketAddr::from(([127, 0, 0, 1], 7000)), generation, max_version };
            let local = ours.map(|(generation, version)| {
                let mut state = EndpointState::new(generation);
                state.heartbeat_version = version;
                state
            });
            assert_eq!(digest.compare(local.as_ref()), expected, "{digest:?} {ours:?}");
            assert_eq!(digest.distance(local.as_ref()), distance, "{digest:?} {ours:?}");
        }
    }
}
