//! Every limit of this crate, in one place.

/// Default largest body of a request in bytes, in every version: `native_transport_max_frame_size` (v3, v4) and
/// `native_transport_max_message_size` (v5) of Apache Cassandra 5.0 are both 16 MiB unless the heap is tiny.
pub const REQUEST_BODY_SIZE_MAX_DEFAULT: u32 = 16 * 1024 * 1024;

/// Largest body of a request in bytes before the client is authenticated: a stranger cannot make the server buffer more.
pub const UNAUTHENTICATED_BODY_SIZE_MAX: u32 = 16 * 1024;

/// Largest body of a response in bytes that a client of this crate accepts: the protocol's own 256 MB.
pub const RESPONSE_BODY_SIZE_MAX: u32 = 256 * 1024 * 1024;

/// Largest payload of a v5 segment in bytes: its length has 17 bits.
pub const SEGMENT_PAYLOAD_SIZE_MAX: usize = (1 << 17) - 1;

/// A v5 segment holding at least this many bytes takes no further envelope.
pub const SEGMENT_PAYLOAD_SIZE_TARGET: usize = 32 * 1024;

/// Envelopes of one v5 segment that may fail one after the other before the connection is closed:
/// `consecutive_message_errors_threshold`.
pub const CONSECUTIVE_ERRORS_MAX: u32 = 1;

/// Depth of nested types in a type option or a class name.
pub const TYPE_DEPTH_MAX: usize = 32;

/// Bytes of free room a connection offers to a read from its socket.
pub const READ_SIZE_MIN: usize = 16 * 1024;

/// An empty input or output buffer larger than this many bytes is given back.
pub const IDLE_BUFFER_SIZE_MAX: usize = 256 * 1024;

/// Responses (v3, v4) with a smaller body in bytes are never compressed.
pub const COMPRESSED_BODY_SIZE_MIN: usize = 64;

/// First guess at the room that compressed bytes need: this many times their size …
pub const DECOMPRESSION_FACTOR: usize = 8;

/// … plus this many bytes. More is allocated only once the data has proved to fill it.
pub const DECOMPRESSION_ALLOWANCE: usize = 256 * 1024;

/// Options of a STARTUP that are kept; drivers send fewer than ten.
pub const STARTUP_OPTIONS_MAX: usize = 128;
