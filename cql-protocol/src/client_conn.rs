//! A client's end of a connection, without the socket: requests in, bytes out; bytes in, responses out. Good enough for
//! simulated clients and for tests; it keeps no timeouts and never retries.

use crate::compress::{CompressError, Compression};
use crate::deframe::{Deframer, FrameError};
use crate::frame::{FrameHeader, RESPONSE_BIT, flag};
use crate::limits::RESPONSE_BODY_SIZE_MAX;
use crate::notation::{DecodeError, Reader, write_bytes_map};
use crate::opcode::Opcode;
use crate::output::OutputFrames;
use crate::request::startup::option;
use crate::request::{Request, StartupOptions};
use crate::response::{self, Response, ResponseFrame};
use crate::segment::HeaderMismatch;
use crate::server_conn::segment_format;
use crate::version::ProtocolVersion;

/// Why a connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server speaks another version: the number it answered in, and its words if it said any.
    #[error("the server answers in version {number}: {message}")]
    Version {
        /// Number of the version.
        number: u8,
        /// Text of its ERROR.
        message: String,
    },
    /// A message cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A body cannot be decompressed.
    #[error(transparent)]
    Compressed(#[from] CompressError),
    /// The header of a segment is damaged.
    #[error(transparent)]
    Segment(#[from] HeaderMismatch),
    /// Frames cannot be told apart any more.
    #[error("{0}")]
    Frame(String),
}

/// A client's end of a connection.
#[derive(Debug)]
pub struct ClientConn {
    version: ProtocolVersion,
    compression: Option<Compression>,
    deframer: Deframer,
    frames: OutputFrames,
    /// Stream of the STARTUP that is not answered yet.
    startup: Option<i16>,
    /// Streams in use, a bit each.
    streams: Vec<u64>,
}

/// Size of the header in versions 1 and 2, in bytes.
const OLD_HEADER_SIZE: usize = 8;

/// Streams that a client can use.
const STREAM_COUNT: usize = 1 << 15;

impl ClientConn {
    /// A connection just opened, that will ask for a version and a compression.
    #[must_use]
    pub fn new(version: ProtocolVersion, compression: Option<Compression>) -> Self {
        Self {
            version,
            compression,
            deframer: Deframer::new(RESPONSE_BODY_SIZE_MAX),
            frames: OutputFrames::default(),
            startup: None,
            streams: Vec::new(),
        }
    }

    /// Version asked for.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Sends STARTUP with CQL_VERSION 3.0.0, the compression and other options; returns the stream of its answer.
    pub fn startup(&mut self, others: &[(&str, &str)]) -> i16 {
        let mut options = StartupOptions::default();
        options.set(option::CQL_VERSION, "3.0.0");
        if let Some(compression) = self.compression {
            options.set(option::COMPRESSION, compression.name());
        }
        for (key, value) in others {
            options.set(key, value);
        }
        let stream = self.take_stream().unwrap_or_default();
        self.begin(Opcode::Startup, stream, 0);
        options.encode(self.frames.body());
        self.frames.finish();
        self.startup = Some(stream);
        stream
    }

    /// Sends a request; returns the stream of its answer, or none if all 32,768 are in use.
    ///
    /// # Panics
    /// If a part of the request is too large for its notation.
    pub fn send(&mut self, request: &Request<'_>, tracing: bool) -> Option<i16> {
        self.send_with_payload(request, tracing, &[])
    }

    /// Sends a request with a custom payload (v4 and later; left out before).
    ///
    /// # Panics
    /// If a part of the request is too large for its notation.
    pub fn send_with_payload(
        &mut self,
        request: &Request<'_>,
        tracing: bool,
        payload: &[(&str, Option<&[u8]>)],
    ) -> Option<i16> {
        let stream = self.take_stream()?;
        let with_payload = !payload.is_empty() && self.version >= ProtocolVersion::V4;
        let mut flags = if tracing { flag::TRACING } else { 0 };
        if with_payload {
            flags |= flag::CUSTOM_PAYLOAD;
        }
        self.begin(request.opcode(), stream, flags);
        if with_payload {
            write_bytes_map(self.frames.body(), payload);
        }
        request.encode(self.frames.body(), self.version);
        self.frames.finish();
        Some(stream)
    }

    fn begin(&mut self, opcode: Opcode, stream: i16, flags: u8) {
        let version = self.version.number();
        self.frames.begin(&FrameHeader { version, response: false, flags, stream, opcode: opcode.code(), length: 0 });
    }

    fn take_stream(&mut self) -> Option<i16> {
        let word = match self.streams.iter().position(|word| *word != u64::MAX) {
            Some(word) => word,
            None if self.streams.len() < STREAM_COUNT / 64 => {
                self.streams.push(0);
                self.streams.len() - 1
            }
            None => return None,
        };
        let bit = self.streams[word].trailing_ones();
        self.streams[word] |= 1 << bit;
        i16::try_from(word * 64 + bit as usize).ok()
    }

    fn give_stream_back(&mut self, stream: i16) {
        let Ok(stream) = usize::try_from(stream) else {
            return;
        };
        if let Some(word) = self.streams.get_mut(stream / 64) {
            *word &= !(1 << (stream % 64));
        }
    }

    /// Requests that wait for an answer.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.streams.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Everything to send now; then call [`ClientConn::sent`].
    pub fn output(&mut self) -> &[u8] {
        self.frames.unsent()
    }

    /// Notes how many bytes of [`ClientConn::output`] were sent.
    ///
    /// # Panics
    /// If that is more than there were.
    pub fn sent(&mut self, size: usize) {
        self.frames.sent(size);
    }

    /// Moves everything to send to the end of a buffer.
    pub fn take_output(&mut self, buffer: &mut Vec<u8>) {
        self.frames.take_into(buffer);
    }

    /// Room to read into from the socket, not empty; then call [`ClientConn::received`].
    pub fn room(&mut self) -> &mut [u8] {
        self.deframer.input.room()
    }

    /// Notes how many bytes were read into [`ClientConn::room`].
    ///
    /// # Panics
    /// If that is more than the room.
    pub fn received(&mut self, size: usize) {
        self.deframer.input.received(size);
    }

    /// Takes bytes from the server by copying them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.deframer.input.feed(bytes);
    }

    /// The next response or event, or none if more bytes are needed.
    ///
    /// # Errors
    /// If the server cannot be understood: then the connection is of no more use.
    pub fn next_response(&mut self) -> Result<Option<ResponseFrame<'_>>, ClientError> {
        if let Some(refusal) = self.old_refusal() {
            return Err(refusal);
        }
        let Some(located) = self.deframer.next_frame().map_err(client_error)? else {
            return Ok(None);
        };
        let header = located.header;
        let opcode = Opcode::from_code(header.opcode)
            .filter(|opcode| header.response && !opcode.is_request())
            .ok_or_else(|| ClientError::Frame(format!("Unknown opcode {}", header.opcode)))?;
        if header.version != self.version.number() {
            let body = self.deframer.body(&located);
            let message = match response::decode_body(opcode, header.flags, header.stream, body, self.version) {
                Ok(ResponseFrame { response: Response::Error(error), .. }) => error.message,
                _ => String::new(),
            };
            return Err(ClientError::Version { number: header.version, message });
        }
        self.give_stream_back(header.stream);
        if self.startup == Some(header.stream) {
            self.startup = None;
            if matches!(opcode, Opcode::Ready | Opcode::Authenticate) {
                self.follow_startup();
            }
        }
        let body = self.deframer.body(&located);
        Ok(Some(response::decode_body(opcode, header.flags, header.stream, body, self.version)?))
    }

    /// A server that is too old, or that takes us for it, answers with a header of eight bytes.
    fn old_refusal(&mut self) -> Option<ClientError> {
        if !self.deframer.is_plain() {
            return None;
        }
        let bytes = self.deframer.peek();
        let number = bytes.first()? & !RESPONSE_BIT;
        if number >= ProtocolVersion::V3.number() || bytes.len() < OLD_HEADER_SIZE {
            return None;
        }
        let mut reader = Reader::new(bytes.get(OLD_HEADER_SIZE..)?);
        let message = reader.int().and_then(|_| reader.string()).unwrap_or_default().to_owned();
        Some(ClientError::Version { number, message })
    }

    /// What both sides do once STARTUP is answered.
    fn follow_startup(&mut self) {
        if self.version >= ProtocolVersion::V5 {
            let format = segment_format(self.compression);
            self.deframer.start_segments(format);
            self.frames.start_segments(format);
        } else {
            self.deframer.compress_bodies(self.compression);
            self.frames.compress_bodies(self.compression);
        }
    }
}

fn client_error(error: FrameError) -> ClientError {
    match error {
        FrameError::TooLarge { header, maximum, .. } => {
            ClientError::Frame(format!("A body of {} bytes exceeds the maximum of {maximum} bytes", header.length))
        }
        FrameError::NegativeLength(header) => ClientError::Frame(format!("A body of {} bytes", header.length)),
        FrameError::Compressed(_, error) => ClientError::Compressed(error),
        FrameError::SegmentHeader(mismatch) => ClientError::Segment(mismatch),
        FrameError::SegmentPayload { read, computed } => {
            ClientError::Frame(format!("CRC mismatch in frame body. Read {read}, Computed {computed}"))
        }
        FrameError::Layout(text) => ClientError::Frame(text.to_owned()),
    }
}
