//! Reads that an operation of this coordinator wants for itself, through the same replicas, digests and repairs as a client's.

use helenus_cql_protocol::response::ErrorResponse;
use helenus_model::consistency::Consistency;
use helenus_model::read::ReadCommand;

use super::operation::{Kind, Operation};
use super::read::ReadWait;
use super::{Coordinator, SlotId, errors};
use crate::answer;

/// Most bytes of one replica's answer: half of what a link holds before it is given up. What is decided needs all of them at once.
const ANSWER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// A read of one partition for an operation that goes on with what is found.
#[derive(Debug)]
pub(super) struct InnerRead {
    /// Who wants it.
    pub(super) reader: SlotId,
    pub(super) level: Consistency,
    pub(super) read: ReadWait,
}

impl Coordinator {
    /// Reads one partition at a level for `reader`, which is told by [`Coordinator::inner_read_done`].
    pub(super) fn begin_inner_read(
        &mut self,
        reader: SlotId,
        keyspace: &str,
        mut command: ReadCommand,
        level: Consistency,
    ) -> Result<(), ErrorResponse> {
        command.limits.bytes = ANSWER_BYTES_MAX;
        let read = self.plan_read(keyspace, command, level)?;
        let deadline = self.deadline(self.shared.config.read_timeout_millis);
        let kind = Kind::Read(Box::new(InnerRead { reader, level, read }));
        let id = self.begin(Operation::new(None, deadline, kind));
        self.send_reads(id);
        Ok(())
    }

    /// The read is answered.
    pub(super) fn deliver_inside(&mut self, id: SlotId, answer: &[u8]) {
        if let Some(Operation { kind: Kind::Read(inner), .. }) = self.end(id) {
            let read = match answer::short_end(answer) {
                None => Ok(answer.to_vec()),
                Some(_) => {
                    let text = format!("The rows that the conditions name have more than {ANSWER_BYTES_MAX} bytes");
                    Err(errors::invalid(text))
                }
            };
            self.inner_read_done(inner.reader, read);
        }
    }
}
