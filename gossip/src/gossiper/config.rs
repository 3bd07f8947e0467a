//! Settings of a gossiper.

use std::net::SocketAddr;

use crate::detector::DetectorConfig;
use crate::limits::{MESSAGE_BUDGET_DEFAULT, MESSAGE_BUDGET_MIN, MESSAGE_BYTES_MAX, NAME_BYTES_MAX};

/// Class name of the one partitioner that Helenus has.
pub const MURMUR3_PARTITIONER: &str = "org.apache.cassandra.dht.Murmur3Partitioner";

/// Settings of a gossiper; times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Address under which the other nodes know this one.
    pub address: SocketAddr,
    /// `cluster_name`.
    pub cluster_name: String,
    /// Class name of the partitioner.
    pub partitioner: String,
    /// Where to look for others at first, and again and again; may contain this node itself.
    pub seeds: Vec<SocketAddr>,
    /// Between two heartbeats.
    pub interval_ms: u64,
    /// Between two rounds while nobody has answered since the start, and when something is worth hurrying for.
    pub eager_interval_ms: u64,
    /// How many rounds after a start may be hurried until somebody answers.
    pub eager_start_rounds: u32,
    /// The failure detector.
    pub detector: DetectorConfig,
    /// How long a removed endpoint is not listened to.
    pub quarantine_ms: u64,
    /// How long an endpoint that is not a member of the ring may be silent before it is forgotten.
    pub stranger_timeout_ms: u64,
    /// Longest message sent, in bytes.
    pub message_budget_bytes: usize,
}

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A time is zero.
    #[error("gossip {setting} must be above 0 ms")]
    Zero {
        /// Which.
        setting: &'static str,
    },
    /// A name is empty or too long.
    #[error("{setting} has {bytes} bytes, 1 to {NAME_BYTES_MAX} are possible")]
    Name {
        /// Which.
        setting: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// Message budget out of range.
    #[error("gossip message budget of {bytes} bytes is not within {MESSAGE_BUDGET_MIN} to {MESSAGE_BYTES_MAX}")]
    MessageBudget {
        /// The budget.
        bytes: usize,
    },
    /// The phi threshold is outside what Cassandra takes.
    #[error("phi_convict_threshold must be between 5 and 16")]
    PhiConvictThreshold,
}

impl Config {
    /// Cassandra's settings for a node at `address`, without seeds.
    pub fn new(address: SocketAddr, cluster_name: &str) -> Config {
        Config {
            address,
            cluster_name: cluster_name.to_owned(),
            partitioner: MURMUR3_PARTITIONER.to_owned(),
            seeds: Vec::new(),
            interval_ms: 1000,
            eager_interval_ms: 50,
            eager_start_rounds: 200,
            detector: DetectorConfig::for_interval(1000),
            quarantine_ms: 60_000,
            stranger_timeout_ms: 30_000,
            message_budget_bytes: MESSAGE_BUDGET_DEFAULT,
        }
    }

    /// The same with another time between heartbeats, and the figures of the detector that follow from it.
    #[must_use]
    pub fn with_interval(mut self, interval_ms: u64) -> Config {
        let threshold = self.detector.phi_convict_threshold;
        self.interval_ms = interval_ms;
        self.eager_interval_ms = self.eager_interval_ms.min(interval_ms);
        self.detector = DetectorConfig::for_interval(interval_ms);
        self.detector.phi_convict_threshold = threshold;
        self
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let times = [
            ("interval", self.interval_ms),
            ("eager interval", self.eager_interval_ms),
            ("detector interval", self.detector.interval_ms_max),
            ("local pause", self.detector.local_pause_ms_max),
        ];
        for (setting, time) in times {
            if time == 0 {
                return Err(ConfigError::Zero { setting });
            }
        }
        for (setting, name) in [("cluster_name", &self.cluster_name), ("partitioner", &self.partitioner)] {
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                return Err(ConfigError::Name { setting, bytes: name.len() });
            }
        }
        if !(MESSAGE_BUDGET_MIN..=MESSAGE_BYTES_MAX).contains(&self.message_budget_bytes) {
            return Err(ConfigError::MessageBudget { bytes: self.message_budget_bytes });
        }
        if !(5.0..=16.0).contains(&self.detector.phi_convict_threshold) {
            return Err(ConfigError::PhiConvictThreshold);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let good = || Config::new(SocketAddr::from(([127, 0, 0, 1], 7000)), "Test Cluster");
        assert_eq!(good().validate(), Ok(()));
        assert_eq!(good().with_interval(50).validate(), Ok(()));
        let bad = [
            Config { interval_ms: 0, ..good() },
            Config { eager_interval_ms: 0, ..good() },
            Config { cluster_name: String::new(), ..good() },
            Config { cluster_name: "x".repeat(NAME_BYTES_MAX + 1), ..good() },
            Config { message_budget_bytes: MESSAGE_BUDGET_MIN - 1, ..good() },
            Config { message_budget_bytes: MESSAGE_BYTES_MAX + 1, ..good() },
            Config { detector: DetectorConfig { phi_convict_threshold: 4.9, ..good().detector }, ..good() },
            Config { detector: DetectorConfig { phi_convict_threshold: f64::NAN, ..good().detector }, ..good() },
        ];
        for config in bad {
            assert!(config.validate().is_err(), "{config:?}");
        }
    }
}
