//! The header of a frame (v3, v4), called an envelope in v5: nine bytes before every message.
//!
//! ```text
//! byte 0      version, bit 7 set in a response
//! byte 1      flags
//! bytes 2..4  stream, signed, big-endian
//! byte 4      opcode
//! bytes 5..9  length of the body, signed, big-endian
//! ```

/// Size of the header in bytes.
pub const HEADER_SIZE: usize = 9;

/// Bit of the first byte that marks a response.
pub const RESPONSE_BIT: u8 = 0x80;

/// Flags of a frame.
pub mod flag {
    /// The body is compressed (v3, v4; ignored in v5).
    pub const COMPRESSED: u8 = 0x01;
    /// Request: trace it. Response: the body begins with the id of the trace.
    pub const TRACING: u8 = 0x02;
    /// The body carries a custom payload (v4 and later).
    pub const CUSTOM_PAYLOAD: u8 = 0x04;
    /// The body of a response carries warnings (v4 and later).
    pub const WARNING: u8 = 0x08;
    /// The client accepts a version in beta (v5 and later).
    pub const USE_BETA: u8 = 0x10;
}

/// The header of a frame, any version from 3, not yet judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Number of the version, 0 to 127.
    pub version: u8,
    /// Whether the frame goes from the server to the client.
    pub response: bool,
    /// See [`flag`].
    pub flags: u8,
    /// Chosen by the client, 0 to 32767; −1 for events.
    pub stream: i16,
    /// Code of the message's kind.
    pub opcode: u8,
    /// Size of the body in bytes; a negative one is malformed.
    pub length: i32,
}

impl FrameHeader {
    /// Reads a header.
    #[must_use]
    pub const fn decode(bytes: &[u8; HEADER_SIZE]) -> Self {
        let [version, flags, stream_high, stream_low, opcode, length_0, length_1, length_2, length_3] = *bytes;
        Self {
            version: version & !RESPONSE_BIT,
            response: version & RESPONSE_BIT != 0,
            flags,
            stream: i16::from_be_bytes([stream_high, stream_low]),
            opcode,
            length: i32::from_be_bytes([length_0, length_1, length_2, length_3]),
        }
    }

    /// Reads a header at the beginning of some bytes, if they are enough.
    #[must_use]
    pub fn decode_prefix(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk::<HEADER_SIZE>().map(Self::decode)
    }

    /// The header's bytes.
    #[must_use]
    pub const fn encode(&self) -> [u8; HEADER_SIZE] {
        let [stream_high, stream_low] = self.stream.to_be_bytes();
        let [length_0, length_1, length_2, length_3] = self.length.to_be_bytes();
        let response = if self.response { RESPONSE_BIT } else { 0 };
        [
            (self.version & !RESPONSE_BIT) | response,
            self.flags,
            stream_high,
            stream_low,
            self.opcode,
            length_0,
            length_1,
            length_2,
            length_3,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: FrameHeader, bytes: [u8; HEADER_SIZE]) {
        assert_eq!(header.encode(), bytes);
        assert_eq!(FrameHeader::decode(&bytes), header);
        assert_eq!(FrameHeader::decode_prefix(&bytes), Some(header));
        assert_eq!(FrameHeader::decode_prefix(&bytes[..8]), None);
    }

    #[test]
    fn headers_go_both_ways() {
        let request = FrameHeader { version: 4, response: false, flags: 0, stream: 0, opcode: 5, length: 0 };
        check(request, [0x04, 0, 0, 0, 0x05, 0, 0, 0, 0]);
        let response =
            FrameHeader { version: 5, response: true, flags: 0x1f, stream: 0x0102, opcode: 0x10, length: 0x0304_0506 };
        check(response, [0x85, 0x1f, 1, 2, 0x10, 3, 4, 5, 6]);
        let event = FrameHeader { version: 3, response: true, flags: 0, stream: -1, opcode: 0x0c, length: -2 };
        check(event, [0x83, 0, 0xff, 0xff, 0x0c, 0xff, 0xff, 0xff, 0xfe]);
    }
}
