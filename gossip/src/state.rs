//! What is known of one endpoint: its generation, its heartbeat and its versioned values.

use std::collections::BTreeMap;
use std::fmt;

use crate::limits::{ENDPOINT_BYTES_MAX, STATES_PER_ENDPOINT_MAX, VALUE_BYTES_MAX};

macro_rules! application_states {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// The name of a gossiped value: Cassandra's, in Cassandra's order, then our own.
        ///
        /// The order is the one `nodetool gossipinfo` prints in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ApplicationState {
            $($(#[$doc])* $variant,)*
            /// A name this version does not know. It is kept and passed on: dropping it would hide it from the
            /// nodes that learn of its endpoint through us.
            Unknown(u16),
        }

        impl ApplicationState {
            /// All names this version knows, in order.
            pub const ALL: &'static [ApplicationState] = &[$(ApplicationState::$variant,)*];

            /// The number that stands for it in messages. Cassandra's ordinal, or 1000 and up for our own.
            pub fn code(self) -> u16 {
                match self {
                    $(ApplicationState::$variant => $code,)*
                    ApplicationState::Unknown(code) => code,
                }
            }

            /// The name that a number stands for.
            pub fn from_code(code: u16) -> ApplicationState {
                match code {
                    $($code => ApplicationState::$variant,)*
                    other => ApplicationState::Unknown(other),
                }
            }
        }

        impl fmt::Display for ApplicationState {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(ApplicationState::$variant => formatter.write_str($name),)*
                    ApplicationState::Unknown(code) => write!(formatter, "UNKNOWN_{code}"),
                }
            }
        }
    };
}

application_states! {
    /// What the node is doing in the ring: `NORMAL,token`, `BOOT,…`, `LEAVING,…`, `LEFT,…`, `shutdown,true`.
    Status = 0, "STATUS";
    /// Bytes of live data, as a decimal number.
    Load = 1, "LOAD";
    /// Schema version, a UUID.
    Schema = 2, "SCHEMA";
    /// Data centre.
    Dc = 3, "DC";
    /// Rack.
    Rack = 4, "RACK";
    /// Version of Cassandra the node speaks for.
    ReleaseVersion = 5, "RELEASE_VERSION";
    /// Who coordinates the removal of this endpoint.
    RemovalCoordinator = 6, "REMOVAL_COORDINATOR";
    /// Internode address without port.
    InternalIp = 7, "INTERNAL_IP";
    /// Native transport address without port.
    RpcAddress = 8, "RPC_ADDRESS";
    /// Not used; keeps Cassandra's numbering.
    Padding11 = 9, "X_11_PADDING";
    /// Burden the node puts itself at, for the dynamic snitch.
    Severity = 10, "SEVERITY";
    /// Version of the internode protocol.
    NetVersion = 11, "NET_VERSION";
    /// The node's UUID.
    HostId = 12, "HOST_ID";
    /// Tokens, decimal, separated by commas.
    Tokens = 13, "TOKENS";
    /// `true` once the node answers CQL.
    RpcReady = 14, "RPC_READY";
    /// Internode address and port.
    InternalAddressAndPort = 15, "INTERNAL_ADDRESS_AND_PORT";
    /// Native transport address and port.
    NativeAddressAndPort = 16, "NATIVE_ADDRESS_AND_PORT";
    /// As STATUS, in the form of Cassandra 4.0 and later.
    StatusWithPort = 17, "STATUS_WITH_PORT";
    /// Versions of the SSTables the node holds, such as `big-nb`.
    SstableVersions = 18, "SSTABLE_VERSIONS";
    /// `FULL`, `STUFFED`, `SPACIOUS` or `NOT_AVAILABLE`.
    DiskUsage = 19, "DISK_USAGE";
    /// Build states of secondary indexes, JSON.
    IndexStatus = 20, "INDEX_STATUS";
    /// Newest metadata epoch the node has applied, decimal. Ours.
    MetadataEpoch = 1000, "METADATA_EPOCH";
    /// Id of the cluster the node belongs to, a UUID. Ours.
    ClusterId = 1001, "CLUSTER_ID";
}

/// A value and the version its owner gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedValue {
    /// Higher is newer; compared only within one generation of one endpoint.
    pub version: u32,
    /// The value, at most [`VALUE_BYTES_MAX`] bytes.
    pub value: String,
}

/// Why a value cannot be gossiped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// One value is too long.
    #[error("value of {key} has {bytes} bytes, at most {VALUE_BYTES_MAX} are gossiped")]
    ValueTooLong {
        /// Its name.
        key: ApplicationState,
        /// Its length in bytes.
        bytes: usize,
    },
    /// All values together are too long.
    #[error("the values of one endpoint would have {bytes} bytes, at most {ENDPOINT_BYTES_MAX} are gossiped")]
    EndpointTooLarge {
        /// Their length in bytes.
        bytes: usize,
    },
    /// Too many names.
    #[error("an endpoint gossips at most {STATES_PER_ENDPOINT_MAX} values")]
    TooManyStates,
}

/// Everything known of one endpoint.
///
/// Invariant, kept by sender and receiver: who holds version `v` of a generation holds every value of that
/// generation with a version up to `v` that its owner has not replaced since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointState {
    /// When the process started, in seconds since 1970, strictly greater at every start. 0: known only by address.
    pub generation: u32,
    /// Version of the newest heartbeat; 0 before the first.
    pub heartbeat_version: u32,
    states: BTreeMap<ApplicationState, VersionedValue>,
    bytes: usize,
}

impl EndpointState {
    /// Nothing known yet of this generation.
    pub fn new(generation: u32) -> EndpointState {
        EndpointState { generation, ..EndpointState::default() }
    }

    /// The value under `key`.
    pub fn get(&self, key: ApplicationState) -> Option<&str> {
        self.states.get(&key).map(|versioned| versioned.value.as_str())
    }

    /// The value under `key` with its version.
    pub fn get_versioned(&self, key: ApplicationState) -> Option<&VersionedValue> {
        self.states.get(&key)
    }

    /// All values in Cassandra's order.
    pub fn states(&self) -> impl Iterator<Item = (ApplicationState, &VersionedValue)> {
        self.states.iter().map(|(key, versioned)| (*key, versioned))
    }

    /// The newest version of heartbeat or value: what a digest says.
    pub fn max_version(&self) -> u32 {
        let newest_value = self.states.values().map(|versioned| versioned.version).max();
        newest_value.unwrap_or(0).max(self.heartbeat_version)
    }

    /// Sets a value if its version is newer than the one here; says whether it was.
    ///
    /// # Errors
    /// When a limit of this crate would be passed; nothing has changed then.
    pub fn set(&mut self, key: ApplicationState, version: u32, value: String) -> Result<bool, StateError> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(StateError::ValueTooLong { key, bytes: value.len() });
        }
        let old = self.states.get(&key);
        if old.is_some_and(|old| old.version >= version) {
            return Ok(false);
        }
        if old.is_none() && self.states.len() >= STATES_PER_ENDPOINT_MAX {
            return Err(StateError::TooManyStates);
        }
        let bytes = self.bytes - old.map_or(0, |old| old.value.len()) + value.len();
        if bytes > ENDPOINT_BYTES_MAX {
            return Err(StateError::EndpointTooLarge { bytes });
        }
        self.bytes = bytes;
        self.states.insert(key, VersionedValue { version, value });
        Ok(true)
    }

    /// What the node says it is doing: STATUS_WITH_PORT, else STATUS, up to the first comma.
    pub fn status(&self) -> Option<&str> {
        let value = self.get(ApplicationState::StatusWithPort).or_else(|| self.get(ApplicationState::Status))?;
        value.split(',').next()
    }

    /// True after the node has said that it stops.
    pub fn is_shut_down(&self) -> bool {
        self.status() == Some(STATUS_SHUTDOWN)
    }

    /// True in a status in which the node is never marked up, whatever its heartbeat: shut down, leaving for
    /// good, or hibernating while it replaces another.
    pub fn is_dead(&self) -> bool {
        self.status().is_some_and(|status| DEAD_STATUSES.contains(&status))
    }
}

/// First word of the status of a node that stopped in good order.
pub const STATUS_SHUTDOWN: &str = "shutdown";

const DEAD_STATUSES: [&str; 5] = [STATUS_SHUTDOWN, "removing", "removed", "LEFT", "hibernate"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_round_trip() {
        for key in ApplicationState::ALL {
            assert_eq!(ApplicationState::from_code(key.code()), *key);
            assert!(!key.to_string().is_empty());
        }
        assert_eq!(ApplicationState::from_code(777), ApplicationState::Unknown(777));
        assert_eq!(ApplicationState::Unknown(777).to_string(), "UNKNOWN_777");
        let mut sorted = ApplicationState::ALL.to_vec();
        sorted.sort();
        assert_eq!(sorted, ApplicationState::ALL);
    }

    #[test]
    fn only_newer_versions_replace() {
        let mut state = EndpointState::new(1);
        let steps = [(5, "a", true, "a", 5), (5, "b", false, "a", 5), (4, "c", false, "a", 5), (9, "d", true, "d", 9)];
        for (version, value, changed, expected, max) in steps {
            assert_eq!(state.set(ApplicationState::Load, version, value.into()), Ok(changed));
            assert_eq!(state.get(ApplicationState::Load), Some(expected));
            assert_eq!(state.max_version(), max);
        }
        state.heartbeat_version = 12;
        assert_eq!(state.max_version(), 12);
    }

    #[test]
    fn limits_hold() {
        let mut state = EndpointState::new(1);
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        assert!(matches!(state.set(ApplicationState::Load, 1, long), Err(StateError::ValueTooLong { .. })));
        for code in 0..4 {
            let value = "x".repeat(VALUE_BYTES_MAX);
            assert_eq!(state.set(ApplicationState::from_code(code), 1, value), Ok(true));
        }
        let value = "x".repeat(100);
        assert!(matches!(state.set(ApplicationState::Rack, 2, value), Err(StateError::EndpointTooLarge { .. })));
        for code in 0..60 {
            assert_eq!(state.set(ApplicationState::Unknown(2000 + code), 3, String::new()), Ok(true));
        }
        assert_eq!(state.set(ApplicationState::Rack, 4, String::new()), Err(StateError::TooManyStates));
    }

    #[test]
    fn statuses() {
        let cases = [
            (ApplicationState::Status, "NORMAL,-17", false, false),
            (ApplicationState::Status, "shutdown,true", true, true),
            (ApplicationState::StatusWithPort, "shutdown,true", true, true),
            (ApplicationState::StatusWithPort, "LEFT,1,2", false, true),
            (ApplicationState::Status, "BOOT,5", false, false),
            (ApplicationState::Status, "hibernate,true", false, true),
            (ApplicationState::Load, "shutdown,true", false, false),
        ];
        for (key, value, shut_down, dead) in cases {
            let mut state = EndpointState::new(1);
            assert_eq!(state.set(key, 1, value.into()), Ok(true));
            assert_eq!((state.is_shut_down(), state.is_dead()), (shut_down, dead), "{key} {value}");
        }
    }
}
