//! The CQL native protocol, v3, v4 and v5, both directions, without sockets.
//!
//! [`ServerConn`] and [`ClientConn`] are the two ends of a connection: bytes in, messages out, messages in, bytes out.
//! They know no socket, clock or task. Below them, from the wire up: [`segment`] (v5), [`frame`], [`compress`],
//! [`notation`], then [`request`] and [`response`] with one file per message.
//!
//! # A server's loop
//!
//! Requests borrow from the connection's input; answers are written straight into its output, which leaves in one write
//! a batch.
//!
//! ```
//! use helenus_cql_protocol::request::Request;
//! use helenus_cql_protocol::response::{ErrorKind, ErrorResponse};
//! use helenus_cql_protocol::{ClientConn, ProtocolVersion, Received, ServerConfig, ServerConn};
//!
//! // Called whenever the socket had bytes; returns what to write to it, and whether to close it then.
//! fn on_bytes(connection: &mut ServerConn, bytes: &[u8]) -> (Vec<u8>, bool) {
//!     connection.feed(bytes); // or read straight into `room()`, then `received(size)`
//!     loop {
//!         match connection.next_request() {
//!             Received::Request(frame, responses) => match frame.request {
//!                 Request::Startup(_) | Request::Register(_) => responses.ready(frame.stream),
//!                 Request::Query(_) | Request::Execute(_) => responses.void(frame.stream),
//!                 _ => {
//!                     let text = "not supported yet: this message";
//!                     responses.error(frame.stream, &ErrorResponse::new(ErrorKind::Invalid, text));
//!                 }
//!             },
//!             Received::Answered => {}
//!             Received::Incomplete | Received::Closed => break,
//!         }
//!     }
//!     let mut output = Vec::new();
//!     connection.responses().take_output(&mut output); // or `output()`, then `sent(size)`
//!     (output, connection.is_closing())
//! }
//!
//! let mut server = ServerConn::new(ServerConfig::default());
//! let mut client = ClientConn::new(ProtocolVersion::V5, None);
//! let stream = client.startup(&[]);
//! let (answer, closing) = on_bytes(&mut server, client.output());
//! client.feed(&answer);
//! assert_eq!(client.next_response().unwrap().unwrap().stream, stream);
//! assert!(!closing);
//! ```
//!
//! A request that cannot be answered at once is copied by the caller as far as it needs it; its answer goes to
//! [`ServerConn::responses`] later, in any order. Rows are written by [`response::RowsWriter`], from
//! [`ResponseWriter::rows`] straight into the output, or into a buffer of the caller's for a read that pauses.

pub mod client_conn;
pub mod compress;
mod deframe;
#[cfg(test)]
mod end_to_end_tests;
pub mod error_code;
pub mod frame;
#[cfg(test)]
mod fuzz_tests;
mod input;
pub mod limits;
pub mod notation;
pub mod opcode;
mod output;
pub mod request;
pub mod response;
pub mod segment;
pub mod server_conn;
pub mod version;

pub use client_conn::{ClientConn, ClientError};
pub use compress::Compression;
pub use opcode::Opcode;
pub use server_conn::{Received, ResponseWriter, Responses, ServerConfig, ServerConn, Stage};
pub use version::ProtocolVersion;
