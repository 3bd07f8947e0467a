//! What can be wrong with a configuration, told in one line.

use std::fmt;

/// Where a value came from, so that an error can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file, counted from 1; 0 when unknown.
    File {
        /// The file's name as the caller gave it.
        name: String,
        /// The line, counted from 1; 0 when unknown.
        line: u64,
    },
    /// A `--set key=value` of the command line.
    CommandLine,
    /// Nobody wrote it: a default, or a rule over several keys.
    Derived,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { name, line: 0 } => write!(out, "{name}: "),
            Origin::File { name, line } => write!(out, "{name}:{line}: "),
            Origin::CommandLine => write!(out, "--set: "),
            Origin::Derived => Ok(()),
        }
    }
}

/// A configuration the node will not start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the offending value stands.
    pub origin: Origin,
    /// What is wrong, in one line, with the key's name in it.
    pub message: String,
}

impl ConfigError {
    /// An error at `origin`. Line breaks in `message` become spaces: an operator reads one line.
    pub fn new(origin: Origin, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        ConfigError { origin, message }
    }

    /// An error that follows from several keys together.
    pub fn derived(message: impl Into<String>) -> Self {
        ConfigError::new(Origin::Derived, message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.origin, self.message)
    }
}

impl std::error::Error for ConfigError {}
