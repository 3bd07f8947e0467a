//! TRUNCATE: on every node at once; all must be alive.

use std::sync::Arc;

use helenus_cql_protocol::response::{ErrorKind, ErrorResponse};
use helenus_model::consistency::Consistency;
use helenus_model::schema::Table;

use super::client::{Asker, Handled, Reply};
use super::consistency::Unavailable;
use super::operation::{Kind, Operation};
use super::{Coordinator, SlotId, errors};
use crate::message::{Message, Outcome};

/// A TRUNCATE that waits for other nodes.
#[derive(Debug)]
pub(super) struct TruncateWait {
    peers: Vec<u16>,
}

impl Coordinator {
    /// Empties a table everywhere.
    pub(super) fn truncate(&mut self, asker: Asker, table: &Arc<Table>) -> Handled {
        if table.view.is_some() {
            return errors::invalid("Cannot TRUNCATE materialized view directly; must truncate base table instead")
                .into();
        }
        let up: Vec<u16> = (0..self.peers.len() as u16).filter(|peer| self.peers[usize::from(*peer)].up).collect();
        let nodes = self.view.ring.nodes.len() as u32;
        let alive = up.len() as u32 + 1;
        if alive < nodes {
            return errors::unavailable(Consistency::All, Unavailable { required: nodes, alive }).into();
        }
        if let Err(error) = self.shared.engine.truncate(table.id, self.now) {
            return failed(error.to_string()).into();
        }
        if up.is_empty() {
            return Handled::Reply(Reply::Void, Vec::new());
        }
        let message = Message::Truncate { table: table.id, truncated_at: self.now.wall_micros };
        let deadline = self.deadline(self.shared.config.truncate_timeout_millis);
        let wait = TruncateWait { peers: up.clone() };
        let id = self.begin(Operation::new(Some(asker), deadline, Kind::Truncate(wait)));
        for peer in up {
            self.request(peer, id, 0, &message);
        }
        Handled::Later
    }

    pub(super) fn truncate_acknowledged(&mut self, id: SlotId, peer: u16, outcome: Outcome) {
        let Some(Operation { kind: Kind::Truncate(wait), .. }) = self.operations.get_mut(id) else { return };
        if !wait.peers.contains(&peer) {
            return;
        }
        wait.peers.retain(|waiting| *waiting != peer);
        if let Outcome::Failed(_) = outcome {
            let host = self.peers[usize::from(peer)].host;
            return self.truncate_finished(id, Reply::Error(failed(format!("Error during truncate on node {host}"))));
        }
        if wait.peers.is_empty() {
            self.truncate_finished(id, Reply::Void);
        }
    }

    pub(super) fn truncate_expired(&mut self, id: SlotId) {
        let text = "Truncate timed out - received only part of the responses";
        self.truncate_finished(id, Reply::Error(failed(text.to_owned())));
    }

    fn truncate_finished(&mut self, id: SlotId, reply: Reply) {
        if let Some(asker) = self.end(id).and_then(|operation| operation.asker) {
            self.respond(asker, reply, Vec::new());
        }
    }
}

fn failed(message: String) -> ErrorResponse {
    ErrorResponse::new(ErrorKind::TruncateError, message)
}
