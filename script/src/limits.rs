//! What one body and one call may take.

/// Longest body, bytes.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of expressions and statements; a chain of operators counts as nested.
pub(crate) const DEPTH_MAX: u32 = 80;
/// Most local variables.
pub(crate) const LOCALS_MAX: usize = 1_000;
/// Steps of one call: each expression and statement is one, work on long values counts by their length. About a third of a second.
pub(crate) const STEPS_MAX: u64 = 5_000_000;
/// Bytes of all objects that one call makes.
pub(crate) const HEAP_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bits of a BigInteger, and of the digits of a BigDecimal.
pub(crate) const BIG_BITS_MAX: u64 = 200_000;
/// Deepest nesting of collections that `equals`, `hashCode` and `toString` follow.
pub(crate) const OBJECT_DEPTH_MAX: u32 = 64;
