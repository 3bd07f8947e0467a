//! Deltas: the part of an endpoint's state that the other side lacks, cut to a byte budget.
//!
//! A delta holds everything of its endpoint with versions from `from_version` (exclusive) up to some version,
//! heartbeat included, in the order of versions. Cutting it short anywhere therefore leaves a valid delta, and a
//! receiver that has `from_version` can apply it without ever claiming a version whose predecessors it lacks.

use std::net::SocketAddr;

use crate::state::{ApplicationState, EndpointState, VersionedValue};
use crate::wire;

/// News of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDelta {
    /// Whose state.
    pub endpoint: SocketAddr,
    /// Which life of it.
    pub generation: u32,
    /// What the receiver must already have of that generation for this to apply; 0 for nothing.
    pub from_version: u32,
    /// The newest heartbeat, unless it is not newer than `from_version` or was cut off.
    pub heartbeat_version: Option<u32>,
    /// Values in the order of their versions.
    pub states: Vec<(ApplicationState, VersionedValue)>,
}

impl EndpointDelta {
    /// Bytes this takes in a message.
    pub fn encoded_len(&self) -> usize {
        let values: usize = self.states.iter().map(|(_, versioned)| state_len(versioned)).sum();
        header_len(&self.endpoint) + values
    }

    /// The newest version in it; `from_version` if it is empty.
    pub fn max_version(&self) -> u32 {
        let newest_value = self.states.iter().map(|(_, versioned)| versioned.version).max();
        self.from_version.max(newest_value.unwrap_or(0)).max(self.heartbeat_version.unwrap_or(0))
    }

    /// True if a holder of `local` may apply it without a gap below what it brings.
    pub fn applies_to(&self, local: Option<&EndpointState>) -> bool {
        match local {
            Some(local) if local.generation > self.generation => false,
            Some(local) if local.generation == self.generation => self.from_version <= local.max_version(),
            Some(_) | None => self.from_version == 0,
        }
    }
}

/// Collects deltas until the room is used up.
#[derive(Debug)]
pub struct DeltaBuilder {
    deltas: Vec<EndpointDelta>,
    room: usize,
}

impl DeltaBuilder {
    /// A builder for deltas of together at most `budget` encoded bytes.
    pub fn new(budget: usize) -> DeltaBuilder {
        DeltaBuilder { deltas: Vec::new(), room: budget }
    }

    /// Adds what is newer than `from_version` in `state`, as much as fits. Returns false if something was cut.
    pub fn add(&mut self, endpoint: SocketAddr, state: &EndpointState, from_version: u32) -> bool {
        let header = header_len(&endpoint);
        if self.room < header {
            return false;
        }
        let mut room = self.room - header;
        let mut delta = EndpointDelta {
            endpoint,
            generation: state.generation,
            from_version,
            heartbeat_version: None,
            states: Vec::new(),
        };
        let mut newer: Vec<_> = state.states().filter(|(_, versioned)| versioned.version > from_version).collect();
        newer.sort_by_key(|(_, versioned)| versioned.version);
        let mut complete = true;
        for (key, versioned) in newer {
            let length = state_len(versioned);
            if length > room {
                complete = false;
                break;
            }
            room -= length;
            delta.states.push((key, versioned.clone()));
        }
        let heartbeat = state.heartbeat_version;
        // A cut delta may bring the heartbeat only if it stands before the cut.
        if heartbeat > from_version && (complete || heartbeat <= delta.max_version()) {
            delta.heartbeat_version = Some(heartbeat);
        }
        if delta.heartbeat_version.is_some() || !delta.states.is_empty() {
            self.room = room;
            self.deltas.push(delta);
        }
        complete
    }

    /// The deltas collected.
    pub fn finish(self) -> Vec<EndpointDelta> {
        self.deltas
    }
}

fn header_len(endpoint: &SocketAddr) -> usize {
    // Address, generation, from_version, heartbeat (0 for none), count of values.
    wire::address_len(endpoint) + 4 + 4 + 4 + 2
}

fn state_len(versioned: &VersionedValue) -> usize {
    // Key, version, length, bytes.
    2 + 4 + 2 + versioned.value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 7000))
    }

    fn sample() -> EndpointState {
        let mut state = EndpointState::new(3);
        for (key, version, value) in [
            (ApplicationState::Status, 9, "NORMAL"),
            (ApplicationState::Load, 4, "1000"),
            (ApplicationState::Schema, 2, "abcd"),
            (ApplicationState::Dc, 1, "datacenter1"),
        ] {
            assert_eq!(state.set(key, version, value.into()), Ok(true));
        }
        state.heartbeat_version = 7;
        state
    }

    #[test]
    fn contents_by_from_version_and_budget() {
        let header = header_len(&address());
        // from_version, room for values, versions sent, heartbeat sent, complete
        type Case = (u32, usize, &'static [u32], Option<u32>, bool);
        let cases: [Case; 9] = [
            (0, 1000, &[1, 2, 4, 9], Some(7), true),
            (1, 1000, &[2, 4, 9], Some(7), true),
            (4, 1000, &[9], Some(7), true),
            (7, 1000, &[9], None, true),
            (9, 1000, &[], None, true),
            (0, 8 + 11, &[1], None, false),
            (0, 8 + 11 + 8 + 4 + 7, &[1, 2], None, false),
            (0, 3, &[], None, false),
            (8, 3, &[], None, false),
        ];
        for (from_version, room, versions, heartbeat, complete) in cases {
            let mut builder = DeltaBuilder::new(header + room);
            assert_eq!(builder.add(address(), &sample(), from_version), complete, "{from_version} {room}");
            let deltas = builder.finish();
            let sent: Vec<u32> =
                deltas.iter().flat_map(|delta| &delta.states).map(|(_, versioned)| versioned.version).collect();
            assert_eq!(sent, versions, "{from_version} {room}");
            assert_eq!(deltas.first().and_then(|delta| delta.heartbeat_version), heartbeat, "{from_version} {room}");
            for delta in deltas {
                assert!(delta.encoded_len() <= header + room);
            }
        }
    }

    #[test]
    fn a_heartbeat_older_than_the_cut_is_sent() {
        let mut state = sample();
        state.heartbeat_version = 3;
        assert_eq!(state.set(ApplicationState::Rack, 20, "x".repeat(500)), Ok(true));
        let mut builder = DeltaBuilder::new(300);
        assert!(!builder.add(address(), &state, 0));
        let deltas = builder.finish();
        assert_eq!(deltas[0].heartbeat_version, Some(3));
        assert_eq!(deltas[0].max_version(), 9);
    }

    #[test]
    fn a_gap_is_not_applied() {
        let delta = |generation, from_version| EndpointDelta {
            endpoint: address(),
            generation,
            from_version,
            heartbeat_version: Some(50),
            states: Vec::new(),
        };
        // sample() is generation 3, version 9
        let cases = [(3, 0, true), (3, 9, true), (3, 10, false), (2, 0, false), (4, 0, true), (4, 1, false)];
        for (generation, from_version, expected) in cases {
            assert_eq!(delta(generation, from_version).applies_to(Some(&sample())), expected);
        }
        assert!(delta(3, 0).applies_to(None));
        assert!(!delta(3, 1).applies_to(None));
    }
}
