//! What a server does not let pass: versions, messages and frames, with Cassandra's words where it has any.

use super::{ServerConn, Stage, Step};
use crate::deframe::FrameError;
use crate::frame::{FrameHeader, HEADER_SIZE, flag};
use crate::opcode::Opcode;
use crate::response::ErrorResponse;
use crate::version::ProtocolVersion;

/// Number of the version that Cassandra 5.0 knows and this crate does not.
const BETA_VERSION: u8 = 6;

/// Code of CREDENTIALS, a message of version 1.
const CREDENTIALS: u8 = 4;

/// Why a message is refused.
pub(super) enum Refusal {
    /// It is out of turn; the next may be right.
    Message(String),
    /// Its header makes no sense.
    Header(String),
}

impl Refusal {
    pub(super) fn message(text: &str) -> Self {
        Self::Message(text.to_owned())
    }
}

/// An opcode that is unknown or not a request's.
pub(super) fn refuse_opcode(header: &FrameHeader, known: Option<Opcode>) -> Refusal {
    let direction = |response| if response { "RESPONSE" } else { "REQUEST" };
    let code = header.opcode;
    match known {
        None if code == CREDENTIALS && !header.response => Refusal::message("Unsupported message"),
        None => Refusal::Header(format!("Unknown opcode {code}")),
        Some(opcode) => {
            let (expected, got) = (direction(!opcode.is_request()), direction(header.response));
            Refusal::Header(format!(
                "Wrong protocol direction (expected {expected}, got {got}) for opcode {code} ({opcode})"
            ))
        }
    }
}

impl ServerConn {
    /// Refuses a version by its number. Before STARTUP the client may try another; later it must have lost its way.
    pub(super) fn refuse_version(&mut self, number: u8) -> Step {
        if number == BETA_VERSION {
            return self.refuse_beta();
        }
        let supported = ProtocolVersion::ADVERTISED.join(", ");
        let text = format!("Invalid or unsupported protocol version ({number}); supported versions are ({supported})");
        let error = ErrorResponse::protocol(text);
        self.deframer.skip_received(number);
        if matches!(number, 1 | 2) {
            self.responses.foreign_error(number, 0, 0, &error);
        } else {
            self.newest_version();
            self.responses.error(0, &error);
        }
        self.answered_or_lost()
    }

    /// Refuses a version that is spoken, but not here (`native_transport_allow_older_protocols`).
    pub(super) fn refuse_old_version(&mut self, version: ProtocolVersion) -> Step {
        let text = format!("Rejecting Protocol Version {version} < {}.", ProtocolVersion::V5);
        let error = ErrorResponse::protocol(text);
        self.deframer.skip_received(version.number());
        self.newest_version();
        self.responses.error(0, &error);
        self.answered_or_lost()
    }

    /// Refuses version 6, which Cassandra 5.0 has in beta: its header is needed for the flag that accepts that.
    fn refuse_beta(&mut self) -> Step {
        let Some(header) = FrameHeader::decode_prefix(self.deframer.peek()) else {
            return Step::Incomplete;
        };
        self.deframer.skip_received(BETA_VERSION);
        if header.flags & flag::USE_BETA == 0 {
            let text = "Beta version of the protocol used (6/v6-beta), but USE_BETA flag is unset";
            self.responses.foreign_error(BETA_VERSION, flag::USE_BETA, 0, &ErrorResponse::protocol(text));
        } else {
            self.newest_version();
            let text = "not supported yet: native protocol version 6/v6-beta";
            self.responses.error(header.stream, &ErrorResponse::protocol(text));
        }
        self.answered_or_lost()
    }

    /// Before STARTUP the answer to a version that is not spoken is in the newest one that is.
    fn newest_version(&mut self) {
        if self.responses.stage == Stage::Established {
            self.responses.version = ProtocolVersion::V5;
        }
    }

    fn answered_or_lost(&mut self) -> Step {
        if self.responses.stage == Stage::Established {
            return Step::Answered;
        }
        self.responses.closing = true;
        Step::Answered
    }

    /// Another version than the connection's. Cassandra's own text lacks a blank in v5.
    pub(super) fn refuse_other_version(&self, header: &FrameHeader) -> Refusal {
        let blank = if self.deframer.is_plain() { " " } else { "" };
        let got = match header.version {
            BETA_VERSION => "6/v6-beta".to_owned(),
            number => match ProtocolVersion::from_number(number) {
                Some(version) => version.to_string(),
                None => {
                    let supported = ProtocolVersion::ADVERTISED.join(", ");
                    return Refusal::Message(format!(
                        "Invalid or unsupported protocol version ({number}); supported versions are ({supported})"
                    ));
                }
            },
        };
        let version = self.responses.version;
        Refusal::Message(format!(
            "Invalid message version. Got {got} but previous{blank}messages on this connection had version {version}"
        ))
    }

    pub(super) fn refuse_message(&mut self, header: &FrameHeader, refusal: Refusal) -> Step {
        match refusal {
            Refusal::Message(text) => {
                let segment = self.deframer.segment_number;
                self.responses.refuse(header.stream, text, segment)
            }
            // The next message of a plain connection is found by the header, which cannot be trusted.
            Refusal::Header(text) if self.deframer.is_plain() => self.responses.lose(header.stream, text),
            Refusal::Header(text) => {
                let segment = self.deframer.segment_number;
                self.responses.refuse(header.stream, text, segment)
            }
        }
    }

    pub(super) fn refuse_frame(&mut self, error: &FrameError) -> Step {
        match error {
            FrameError::TooLarge { header, maximum, segmented } => self.refuse_size(header, *maximum, *segmented),
            FrameError::NegativeLength(header) => {
                let text = format!("Invalid value for envelope header body length field: {}", header.length);
                self.responses.lose(header.stream, text)
            }
            FrameError::Compressed(header, error) => self.responses.lose(header.stream, error.to_string()),
            FrameError::SegmentHeader(mismatch) => self.responses.lose(0, mismatch.to_string()),
            FrameError::SegmentPayload { read, computed } => {
                let text = "invalid, unrecoverable CRC mismatch detected in frame body. Read";
                let (read, computed) = (read.cast_signed(), computed.cast_signed());
                self.responses.lose(0, format!("{text} {read}, Computed {computed}"))
            }
            FrameError::Layout(text) => self.responses.lose(0, (*text).to_owned()),
        }
    }

    /// A body that is too large: its length is not believed, so nothing after it can be found.
    fn refuse_size(&mut self, header: &FrameHeader, maximum: u32, segmented: bool) -> Step {
        let length = header.length;
        if self.responses.stage == Stage::Established
            && let Some(version) = ProtocolVersion::from_number(header.version)
        {
            self.responses.version = version;
        }
        if self.responses.stage != Stage::Ready {
            let text = format!(
                "The connection is not yet in a valid state to process large CQL messages, usually this means that \
                 authentication is still pending: {length} bytes exceed the maximum of {maximum} bytes"
            );
            return self.responses.lose(header.stream, text);
        }
        let text = if segmented {
            format!("CQL Message of size {length} bytes exceeds allowed maximum of {maximum} bytes")
        } else {
            let total = i64::from(length) + HEADER_SIZE as i64;
            format!("Request is too big: length {total} exceeds maximum allowed length {maximum}.")
        };
        self.responses.lose(header.stream, text)
    }
}
