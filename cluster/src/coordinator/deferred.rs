//! Peers' requests made under a schema this node has not applied yet: they wait until it has (decision 0003: who is behind
//! fetches what is missing), for a while and up to a number of bytes.

use std::collections::VecDeque;

use helenus_model::codec::Reader;

use super::{Coordinator, LinkId};
use crate::control::ControlRequest;
use crate::message::Message;

/// Bytes of requests that wait at most; more are dropped, and their senders keep hints.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a request waits, ms: as long as its sender.
const WAIT_MILLIS: u64 = 2_000;
/// Between two requests to the control part, ms.
const ASK_MILLIS: u64 = 50;

/// Requests that wait for a schema.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    requests: VecDeque<(u64, LinkId, Vec<u8>)>,
    bytes: usize,
    ask_at: u64,
}

impl Coordinator {
    /// Keeps a request until the schema it was made under is here.
    pub(super) fn defer(&mut self, link: LinkId, id: u64, message: &Message<'_>) {
        let now = self.now.monotonic_millis();
        if self.deferred.ask_at <= now {
            self.deferred.ask_at = now + ASK_MILLIS;
            self.requests.push(ControlRequest::CatchUp);
        }
        let mut bytes = Vec::new();
        message.encode(id, &mut bytes);
        if self.deferred.bytes + bytes.len() > BYTES_MAX {
            tracing::warn!("requests under a schema that is not here yet fill their buffer: one is dropped");
            self.count_dropped(&bytes);
            return;
        }
        self.deferred.bytes += bytes.len();
        self.deferred.requests.push_back((now + WAIT_MILLIS, link, bytes));
    }

    /// The schema is another one: what waited is tried again.
    pub(super) fn run_deferred(&mut self) {
        self.deferred.bytes = 0;
        for (_, link, bytes) in std::mem::take(&mut self.deferred.requests) {
            if let Ok((id, message)) = Message::decode(&mut Reader::new(&bytes)) {
                self.peer_request(link, id, message);
            }
        }
    }

    /// Drops what has waited too long.
    pub(super) fn expire_deferred(&mut self) {
        let now = self.now.monotonic_millis();
        while let Some((_, _, bytes)) = self.deferred.requests.pop_front_if(|(deadline, _, _)| *deadline <= now) {
            self.deferred.bytes -= bytes.len();
            self.count_dropped(&bytes);
        }
    }

    fn count_dropped(&self, bytes: &[u8]) {
        let stats = &self.shared.stats;
        match Message::decode(&mut Reader::new(bytes)) {
            Ok((_, Message::Read { .. })) => self.count_failure(&stats.dropped_reads),
            _ => self.count_failure(&stats.dropped_writes),
        }
    }
}
