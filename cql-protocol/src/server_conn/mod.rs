//! A server's end of a connection, without the socket: bytes in, requests out; responses in, bytes out.
//!
//! It speaks for itself where the protocol leaves no choice: it answers OPTIONS, refuses versions, messages out of turn
//! and malformed ones, checks STARTUP, and says when the connection must be closed. Everything else is the caller's.

mod refusal;
mod responses;
mod startup;

use refusal::{Refusal, refuse_opcode};
pub(crate) use responses::segment_format;
pub use responses::{ResponseWriter, Responses};

use crate::deframe::Deframer;
use crate::frame::{FrameHeader, RESPONSE_BIT, flag};
use crate::limits::{REQUEST_BODY_SIZE_MAX_DEFAULT, UNAUTHENTICATED_BODY_SIZE_MAX};
use crate::opcode::Opcode;
use crate::request::{self, Request, RequestFrame, StartupOptions};
use crate::response::{Extras, Response, Supported};
use crate::version::ProtocolVersion;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// STARTUP was not accepted yet.
    Established,
    /// AUTHENTICATE was sent.
    Authenticating,
    /// Requests are welcome.
    Ready,
}

/// What a server decides about its connections.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Largest body of a request in bytes, once the client is authenticated.
    pub body_size_max: u32,
    /// Version of CQL in SUPPORTED.
    pub cql_version: String,
    /// False: only the newest version is spoken.
    pub allow_older_versions: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            body_size_max: REQUEST_BODY_SIZE_MAX_DEFAULT,
            cql_version: "3.4.7".to_owned(),
            allow_older_versions: true,
        }
    }
}

/// What [`ServerConn::next_request`] found.
#[derive(Debug)]
pub enum Received<'a> {
    /// A request, and where its answer goes, now or later. STARTUP comes checked: answer it with READY, AUTHENTICATE or
    /// an ERROR; nothing else is read before.
    Request(RequestFrame<'a>, &'a mut Responses),
    /// The connection has answered something itself: go on.
    Answered,
    /// More bytes are needed, or STARTUP waits for its answer.
    Incomplete,
    /// Send the output, then close. Nothing is read any more.
    Closed,
}

/// A server's end of a connection.
#[derive(Debug)]
pub struct ServerConn {
    config: ServerConfig,
    deframer: Deframer,
    responses: Responses,
    /// Stage that the deframer was told.
    known_stage: Stage,
}

impl ServerConn {
    /// A connection just accepted.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        let deframer = Deframer::new(UNAUTHENTICATED_BODY_SIZE_MAX.min(config.body_size_max));
        Self { config, deframer, responses: Responses::new(), known_stage: Stage::Established }
    }

    /// Room to read into from the socket, not empty; then call [`ServerConn::received`].
    pub fn room(&mut self) -> &mut [u8] {
        self.deframer.input.room()
    }

    /// Notes how many bytes were read into [`ServerConn::room`].
    ///
    /// # Panics
    /// If that is more than the room.
    pub fn received(&mut self, size: usize) {
        self.deframer.input.received(size);
    }

    /// Takes bytes from the client by copying them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.deframer.input.feed(bytes);
    }

    /// The sending half, for answers that come later and for events.
    pub fn responses(&mut self) -> &mut Responses {
        &mut self.responses
    }

    /// How far the connection is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.responses.stage
    }

    /// Version agreed on, once STARTUP was accepted.
    #[must_use]
    pub fn version(&self) -> Option<ProtocolVersion> {
        (self.responses.stage != Stage::Established).then_some(self.responses.version)
    }

    /// Options of the STARTUP that waits for its answer or was accepted: keys in upper case.
    #[must_use]
    pub fn startup_options(&self) -> Option<&StartupOptions> {
        self.responses.startup_options()
    }

    /// Whether the connection is to be closed once its output is sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.responses.closing
    }

    /// The next request. Call it until it says [`Received::Incomplete`] or [`Received::Closed`], then send the output.
    #[inline]
    pub fn next_request(&mut self) -> Received<'_> {
        if self.known_stage != Stage::Ready {
            self.adopt_stage();
        }
        if let Some(step) = self.before_frame() {
            return step.into();
        }
        let located = match self.deframer.next_frame() {
            Ok(Some(located)) => located,
            Ok(None) => return Received::Incomplete,
            Err(error) => return self.refuse_frame(&error).into(),
        };
        let (version, opcode) = match self.judge_header(&located.header) {
            Ok(known) => known,
            Err(refusal) => return self.refuse_message(&located.header, refusal).into(),
        };
        if opcode == Opcode::Options {
            return self.answer_options(located.header.stream).into();
        }
        let segment = self.deframer.segment_number;
        let body = self.deframer.body(&located);
        let (custom_payload, request) = match request::decode_body(opcode, located.header.flags, body, version) {
            Ok(decoded) => decoded,
            Err(error) => {
                let stream = located.header.stream;
                return self.responses.refuse(stream, error.to_string(), segment).into();
            }
        };
        match &request {
            Request::Startup(message) => {
                if let Err(text) = self.responses.begin_startup(message, version, located.header.stream) {
                    return self.responses.refuse(located.header.stream, text, segment).into();
                }
            }
            Request::Register(register) => self.responses.register(register.kinds),
            _ => {}
        }
        self.responses.consecutive_errors = 0;
        let frame = RequestFrame {
            version,
            stream: located.header.stream,
            tracing: located.header.flags & flag::TRACING != 0,
            custom_payload,
            body_size: body.len(),
            request,
        };
        Received::Request(frame, &mut self.responses)
    }

    /// What can be said without looking for a whole frame.
    #[inline]
    fn before_frame(&mut self) -> Option<Step> {
        if self.responses.closing {
            return Some(Step::Closed);
        }
        if self.responses.startup.is_some() {
            return Some(Step::Incomplete);
        }
        if !self.deframer.is_plain() {
            return None;
        }
        let number = self.deframer.peek().first()? & !RESPONSE_BIT;
        match ProtocolVersion::from_number(number) {
            None => Some(self.refuse_version(number)),
            Some(version) if version < ProtocolVersion::V5 && !self.config.allow_older_versions => {
                Some(self.refuse_old_version(version))
            }
            Some(_) => None,
        }
    }

    /// Lets the receiving half follow what the sending half has made of the connection.
    fn adopt_stage(&mut self) {
        if self.known_stage == self.responses.stage {
            return;
        }
        if self.known_stage == Stage::Established
            && let Some(startup) = &self.responses.accepted
        {
            if startup.version >= ProtocolVersion::V5 {
                self.deframer.start_segments(segment_format(startup.compression));
            } else {
                self.deframer.compress_bodies(startup.compression);
            }
        }
        self.known_stage = self.responses.stage;
        if self.known_stage == Stage::Ready {
            self.deframer.body_size_max = self.config.body_size_max;
        }
    }

    /// Whether a message of this header may come now.
    #[inline]
    fn judge_header(&mut self, header: &FrameHeader) -> Result<(ProtocolVersion, Opcode), Refusal> {
        let known = ProtocolVersion::from_number(header.version);
        let stage = self.responses.stage;
        let version = match known {
            Some(version) if stage == Stage::Established => {
                self.responses.version = version;
                version
            }
            Some(version) if version == self.responses.version => version,
            _ => return Err(self.refuse_other_version(header)),
        };
        let opcode = match Opcode::from_code(header.opcode) {
            Some(opcode) if opcode.is_request() && !header.response => opcode,
            known => return Err(refuse_opcode(header, known)),
        };
        match (stage, opcode) {
            (Stage::Ready, Opcode::Startup) => {
                Err(Refusal::message("Unexpected message STARTUP, the connection is already initialized"))
            }
            (Stage::Ready, Opcode::AuthResponse) => {
                Err(Refusal::message("Unexpected message AUTH_RESPONSE, the connection is already initialized"))
            }
            (Stage::Ready, _)
            | (Stage::Established, Opcode::Startup | Opcode::Options)
            | (Stage::Authenticating, Opcode::AuthResponse) => Ok((version, opcode)),
            (Stage::Established, _) => {
                Err(Refusal::Message(format!("Unexpected message {opcode}, expecting STARTUP or OPTIONS")))
            }
            (Stage::Authenticating, _) => {
                Err(Refusal::Message(format!("Unexpected message {opcode}, expecting SASL_RESPONSE")))
            }
        }
    }

    fn answer_options(&mut self, stream: i16) -> Step {
        self.responses.consecutive_errors = 0;
        let supported = Response::Supported(Supported::of_server(&self.config.cql_version));
        self.responses.send(stream, &supported, &Extras::NONE);
        Step::Answered
    }

    /// Bytes allocated for input.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        self.deframer.allocated()
    }
}

/// What [`Received`] says without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Answered,
    Incomplete,
    Closed,
}

impl From<Step> for Received<'_> {
    fn from(step: Step) -> Self {
        match step {
            Step::Answered => Self::Answered,
            Step::Incomplete => Self::Incomplete,
            Step::Closed => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests;
