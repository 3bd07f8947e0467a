//! Every bound of this crate.

/// Longest value of one application state, in bytes of UTF-8. 1,536 tokens in decimal fit.
pub const VALUE_BYTES_MAX: usize = 65_535;

/// Most application states one endpoint may carry.
pub const STATES_PER_ENDPOINT_MAX: usize = 64;

/// Most bytes all values of one endpoint may have together.
pub const ENDPOINT_BYTES_MAX: usize = 256 * 1024;

/// Most endpoints a node keeps; news of further ones are dropped.
pub const ENDPOINTS_MAX: usize = 4096;

/// Longest cluster or partitioner name in a message, in bytes.
pub const NAME_BYTES_MAX: usize = 1024;

/// Longest encoded message any node accepts, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Smallest message budget that may be configured: one value of full length must fit, or it would never arrive.
pub const MESSAGE_BUDGET_MIN: usize = 2 * (VALUE_BYTES_MAX + NAME_BYTES_MAX);

/// Message budget unless told, in bytes.
pub const MESSAGE_BUDGET_DEFAULT: usize = 256 * 1024;

/// A generation further in the future than this (seconds) is a broken clock or a broken packet.
pub const GENERATION_AHEAD_SECONDS_MAX: u64 = 86_400 * 365;

/// Arrival intervals the failure detector averages over.
pub const ARRIVAL_SAMPLES_MAX: usize = 1000;

/// Most endpoints addressed at once in the first rounds after a start.
pub const FIRST_ROUND_TARGETS_MAX: usize = 16;

/// Endpoints told at once when something worth hurrying for has changed.
pub const EAGER_TARGETS_MAX: usize = 3;

/// Most endpoints remembered as belonging to another cluster or as having an implausible generation, so that each
/// is reported once.
pub const STRANGERS_MAX: usize = 64;
