//! What a server's connection sends: responses and events, written straight into its output.

use super::startup::check_startup;
use super::{Stage, Step};
use crate::compress::Compression;
use crate::frame::{FrameHeader, HEADER_SIZE, RESPONSE_BIT};
use crate::limits::{CONSECUTIVE_ERRORS_MAX, RESPONSE_BODY_SIZE_MAX};
use crate::opcode::Opcode;
use crate::output::OutputFrames;
use crate::request::{EventKinds, Startup, StartupOptions};
use crate::response::{ErrorKind, ErrorResponse, Event, Extras, QueryResult, Response, RowsHead, RowsWriter};
use crate::segment::SegmentFormat;
use crate::version::ProtocolVersion;

/// Stream of events.
const EVENT_STREAM: i16 = -1;

/// A STARTUP that the caller has not answered.
#[derive(Debug)]
pub(super) struct PendingStartup {
    pub(super) stream: i16,
    pub(super) version: ProtocolVersion,
    pub(super) compression: Option<Compression>,
    pub(super) options: StartupOptions,
}

/// The sending half of a server's connection.
///
/// Sending READY or AUTHENTICATE in answer to STARTUP, and AUTH_SUCCESS, moves the connection on; nothing else has to be
/// told to it.
#[derive(Debug)]
pub struct Responses {
    frames: OutputFrames,
    pub(super) version: ProtocolVersion,
    pub(super) stage: Stage,
    pub(super) startup: Option<PendingStartup>,
    pub(super) accepted: Option<PendingStartup>,
    pub(super) registered: EventKinds,
    pub(super) closing: bool,
    /// Messages of one v5 segment that failed one after the other, and which segment.
    pub(super) consecutive_errors: u32,
    failing_segment: u64,
    /// Reused for what is inserted before a body.
    prefix: Vec<u8>,
}

impl Responses {
    pub(super) fn new() -> Self {
        Self {
            frames: OutputFrames::default(),
            version: ProtocolVersion::V5,
            stage: Stage::Established,
            startup: None,
            accepted: None,
            registered: EventKinds::NONE,
            closing: false,
            consecutive_errors: 0,
            failing_segment: 0,
            prefix: Vec::new(),
        }
    }

    /// Version of what is sent: the connection's once STARTUP came, before that the last request's.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Begins a response. Append its body, then finish it; dropping it leaves no trace.
    #[inline]
    pub fn begin(&mut self, stream: i16, opcode: Opcode) -> ResponseWriter<'_> {
        let version = self.version.number();
        let header = FrameHeader { version, response: true, flags: 0, stream, opcode: opcode.code(), length: 0 };
        self.frames.begin(&header);
        ResponseWriter { responses: self, stream, opcode, finished: false }
    }

    /// Sends a response.
    ///
    /// # Panics
    /// If a part of it is too large for its notation.
    pub fn send(&mut self, stream: i16, response: &Response<'_>, extras: &Extras) {
        let version = self.version;
        let mut writer = self.begin(stream, response.opcode());
        response.encode(writer.body(), version);
        writer.finish(extras);
    }

    /// Sends a response whose body was written elsewhere, in this connection's version.
    pub fn send_body(&mut self, stream: i16, opcode: Opcode, body: &[u8], extras: &Extras) {
        let mut writer = self.begin(stream, opcode);
        writer.body().extend_from_slice(body);
        writer.finish(extras);
    }

    /// Sends an ERROR.
    ///
    /// # Panics
    /// If a part of it is too large for its notation.
    pub fn error(&mut self, stream: i16, error: &ErrorResponse) {
        let version = self.version;
        let mut writer = self.begin(stream, Opcode::Error);
        error.encode(writer.body(), version);
        writer.finish(&Extras::NONE);
    }

    /// Sends READY: the answer to STARTUP without authentication, and to REGISTER.
    pub fn ready(&mut self, stream: i16) {
        self.send(stream, &Response::Ready, &Extras::NONE);
    }

    /// Sends AUTHENTICATE: the answer to STARTUP with authentication, naming the authenticator's class.
    pub fn authenticate(&mut self, stream: i16, class: &str) {
        self.send(stream, &Response::Authenticate(class), &Extras::NONE);
    }

    /// Sends AUTH_SUCCESS: the answer to the last AUTH_RESPONSE.
    ///
    /// # Panics
    /// If the token has 2 GiB or more.
    pub fn auth_success(&mut self, stream: i16, token: Option<&[u8]>) {
        self.send(stream, &Response::AuthSuccess(token), &Extras::NONE);
    }

    /// Sends a RESULT without content.
    #[inline]
    pub fn void(&mut self, stream: i16) {
        let version = self.version;
        let mut writer = self.begin(stream, Opcode::Result);
        QueryResult::Void.encode(writer.body(), version);
        writer.finish(&Extras::NONE);
    }

    /// Sends an event if the client has registered for its kind; tells whether.
    pub fn event(&mut self, event: &Event) -> bool {
        let wanted = self.stage == Stage::Ready && self.registered.contains(event.kind());
        if wanted {
            let version = self.version;
            let mut writer = self.begin(EVENT_STREAM, Opcode::Event);
            event.encode(writer.body(), version);
            writer.finish(&Extras::NONE);
        }
        wanted
    }

    /// Sends an ERROR in a frame of a version that this crate does not speak: 1 and 2 with their header of eight bytes
    /// (the stream is one byte there), others with nine.
    pub(super) fn foreign_error(&mut self, version: u8, flags: u8, stream: i16, error: &ErrorResponse) {
        let mut body = Vec::new();
        error.encode(&mut body, ProtocolVersion::V3);
        let length = i32::try_from(body.len()).unwrap_or_default();
        let header = FrameHeader { version, response: true, flags, stream, opcode: Opcode::Error.code(), length };
        self.frames.roll_back();
        let out = self.frames.body();
        let bytes: [u8; HEADER_SIZE] = header.encode();
        if version < 3 {
            out.extend_from_slice(&[version | RESPONSE_BIT, flags, bytes[3]]);
            out.extend_from_slice(&bytes[4..]);
        } else {
            out.extend_from_slice(&bytes);
        }
        out.extend_from_slice(&body);
    }

    /// Options of the STARTUP that waits for its answer or was accepted: keys in upper case.
    #[must_use]
    pub fn startup_options(&self) -> Option<&StartupOptions> {
        self.startup.as_ref().or(self.accepted.as_ref()).map(|startup| &startup.options)
    }

    /// Checks a STARTUP, and waits for its answer if it is right.
    pub(super) fn begin_startup(
        &mut self,
        message: &Startup<'_>,
        version: ProtocolVersion,
        stream: i16,
    ) -> Result<(), String> {
        let options = StartupOptions::from_message(message);
        let compression = check_startup(&options, version)?;
        self.startup = Some(PendingStartup { stream, version, compression, options });
        Ok(())
    }

    /// Notes what a client wants to hear of.
    pub(super) fn register(&mut self, kinds: EventKinds) {
        self.registered = self.registered.union(kinds);
    }

    /// Refuses a message. In v5 the whole segment is taken for garbage when messages fail one after the other.
    pub(super) fn refuse(&mut self, stream: i16, text: String, segment: u64) -> Step {
        if self.failing_segment != segment {
            self.failing_segment = segment;
            self.consecutive_errors = 0;
        }
        self.consecutive_errors += 1;
        let segmented = segment > 0;
        if segmented && self.consecutive_errors > CONSECUTIVE_ERRORS_MAX {
            return self.lose(stream, text);
        }
        self.error(stream, &ErrorResponse::protocol(text));
        Step::Answered
    }

    /// Refuses a message after which no other can be found.
    pub(super) fn lose(&mut self, stream: i16, text: String) -> Step {
        self.error(stream, &ErrorResponse::protocol(text));
        self.closing = true;
        Step::Answered
    }

    /// Whether there is something to send.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.frames.is_empty()
    }

    /// About how many bytes wait to be sent: stop reading requests while a slow client lets them grow.
    #[must_use]
    pub fn unsent_size(&self) -> usize {
        self.frames.unsent_size()
    }

    /// Everything to send now, for one write; then call [`Responses::sent`].
    pub fn output(&mut self) -> &[u8] {
        self.frames.unsent()
    }

    /// Notes how many bytes of [`Responses::output`] were sent.
    ///
    /// # Panics
    /// If that is more than there were.
    pub fn sent(&mut self, size: usize) {
        self.frames.sent(size);
    }

    /// Moves everything to send to the end of a buffer: swapped if that is empty, so that two buffers take turns.
    pub fn take_output(&mut self, buffer: &mut Vec<u8>) {
        self.frames.take_into(buffer);
    }

    /// What a finished response changes about the connection.
    #[inline]
    fn after(&mut self, stream: i16, opcode: Opcode) {
        if self.stage == Stage::Ready {
            return;
        }
        self.advance(stream, opcode);
    }

    fn advance(&mut self, stream: i16, opcode: Opcode) {
        if self.stage == Stage::Authenticating {
            if opcode == Opcode::AuthSuccess {
                self.stage = Stage::Ready;
            }
            return;
        }
        let Some(startup) = self.startup.take_if(|startup| startup.stream == stream) else {
            return;
        };
        self.stage = match opcode {
            Opcode::Ready => Stage::Ready,
            Opcode::Authenticate => Stage::Authenticating,
            _ => return,
        };
        if startup.version >= ProtocolVersion::V5 {
            self.frames.start_segments(segment_format(startup.compression));
        } else {
            self.frames.compress_bodies(startup.compression);
        }
        self.accepted = Some(startup);
    }
}

/// Format of v5 segments for the compression agreed on.
pub(crate) fn segment_format(compression: Option<Compression>) -> SegmentFormat {
    match compression {
        Some(_) => SegmentFormat::Lz4,
        None => SegmentFormat::Uncompressed,
    }
}

/// A response being written. Dropped without being finished, it never was.
#[derive(Debug)]
pub struct ResponseWriter<'a> {
    responses: &'a mut Responses,
    stream: i16,
    opcode: Opcode,
    finished: bool,
}

impl ResponseWriter<'_> {
    /// Version to encode for.
    #[must_use]
    pub fn version(&self) -> ProtocolVersion {
        self.responses.version
    }

    /// The buffer to append the body to. Other responses stand in it before this one and must not be touched.
    #[inline]
    pub fn body(&mut self) -> &mut Vec<u8> {
        self.responses.frames.body()
    }

    /// Size of the body so far in bytes.
    #[must_use]
    pub fn body_size(&self) -> usize {
        self.responses.frames.body_size()
    }

    /// Begins the rows of a RESULT: the body must be empty.
    ///
    /// # Panics
    /// If the head's id has 64 KiB or more.
    pub fn rows(&mut self, head: &RowsHead<'_>) -> RowsWriter<'_> {
        let version = self.responses.version;
        RowsWriter::new(self.responses.frames.body(), head, version)
    }

    /// Ends the response. One that is too large for a frame becomes an ERROR.
    ///
    /// # Panics
    /// If a custom payload has 2 GiB or more.
    #[inline]
    pub fn finish(mut self, extras: &Extras) {
        if !extras.is_empty() {
            self.insert(extras);
        }
        let size = self.responses.frames.body_size();
        if size > RESPONSE_BODY_SIZE_MAX as usize {
            let text =
                format!("Response of {size} bytes exceeds the maximum of {RESPONSE_BODY_SIZE_MAX} bytes of a frame");
            return self.fail(&ErrorResponse::new(ErrorKind::ServerError, text));
        }
        self.finished = true;
        self.responses.frames.finish();
        self.responses.after(self.stream, self.opcode);
    }

    /// Drops what was written and sends an ERROR in its place.
    ///
    /// # Panics
    /// If a part of the error is too large for its notation.
    pub fn fail(mut self, error: &ErrorResponse) {
        self.finished = true;
        self.responses.frames.roll_back();
        self.responses.error(self.stream, error);
    }

    fn insert(&mut self, extras: &Extras) {
        let mut prefix = std::mem::take(&mut self.responses.prefix);
        prefix.clear();
        let flags = extras.encode(&mut prefix, self.responses.version);
        self.responses.frames.prefix(flags, &prefix);
        self.responses.prefix = prefix;
    }
}

impl Drop for ResponseWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.responses.frames.roll_back();
        }
    }
}
