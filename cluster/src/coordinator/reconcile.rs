//! Replicas that disagree: their answers merged, what each lacks sent to it, and the merged answer given when enough have it
//! (blocking read repair, so that quorum reads are monotonic: CASSANDRA-10726).

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_engine::cursor::PartitionCursor;
use helenus_engine::engine::ViewWriteError;
use helenus_engine::error::{ReadError, WriteError};
use helenus_engine::merge::{EncodedCursor, MergeCursor};
use helenus_model::key::{KeyRef, Position};
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::{Item, Marker, PartitionRef, PartitionWriter, RangeTombstone, Unfiltered};
use helenus_model::read::{PartitionConsumer, ReadCommand};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;

use uuid::Uuid;

use super::index_read::is_by_index;
use super::operation::Operation;
use super::read::{Phase, ReadState};
use super::short::{cut_behind, first_end};
use super::views::Waiter;
use super::{AwaitingSync, Coordinator, LOCAL, SlotId};
use crate::answer::{Answer, AnswerWriter, ShortEnd, shorten};
use crate::config::SyncMode;
use crate::message::{Message, Outcome, WriteKind};

/// Largest number of rows that a repeated short read asks for.
const SHORT_READ_ROWS_MAX: u32 = 1 << 20;

/// Answers of several replicas, partition by partition in ring order.
struct Answers<'a> {
    /// For each key the partition of each answer that has it.
    partitions: BTreeMap<KeyOrder<'a>, Vec<Option<PartitionRef<'a>>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyOrder<'a>(pub(super) helenus_model::token::Token, pub(super) &'a [u8]);

impl<'a> Answers<'a> {
    fn new(answers: &[&'a [u8]]) -> Self {
        let mut partitions: BTreeMap<KeyOrder<'a>, Vec<Option<PartitionRef<'a>>>> = BTreeMap::new();
        for (i, answer) in answers.iter().enumerate() {
            for (key, partition) in Answer::new(answer) {
                let row = partitions.entry(KeyOrder(key.token, key.key)).or_insert_with(|| vec![None; answers.len()]);
                row[i] = Some(partition);
            }
        }
        Answers { partitions }
    }
}

/// The merged answer, and for each replica the mutations that bring it up to date.
pub(super) struct Reconciled {
    pub(super) merged: Vec<u8>,
    pub(super) repairs: Vec<Vec<Vec<u8>>>,
}

/// Merges answers to `command`, all of which tell everything up to `end`.
pub(super) fn reconcile(
    table: &Table,
    command: &ReadCommand,
    answers: &[&[u8]],
    end: Option<ShortEnd<'_>>,
) -> Result<Reconciled, ReadError> {
    let mut merged = Vec::new();
    let mut repairs = vec![Vec::new(); answers.len()];
    let mut writer = AnswerWriter::new(&mut merged);
    for (KeyOrder(token, key), partitions) in Answers::new(answers).partitions {
        let key = KeyRef { token, key };
        let cursors = partitions.iter().flatten().map(|partition| EncodedCursor::new(*partition));
        let mut cursor = MergeCursor::new(table, cursors, command.reversed);
        let start = cursor.deletion();
        let mut body = Vec::new();
        PartitionWriter::begin(&mut body, start, cursor.static_row().as_ref().map(RowRef::bytes));
        while cursor.advance()? {
            if let Some(item) = cursor.current() {
                PartitionWriter::resume(&mut body).unfiltered(&item);
            }
        }
        PartitionWriter::resume(&mut body).end();
        let result = PartitionRef::new(&body);
        feed_partition(&mut writer, key, result);
        for (i, partition) in partitions.iter().enumerate() {
            if let Some(update) = lacking(table, command.reversed, result, *partition) {
                let mut mutation = Vec::new();
                encode_mutation(&mut mutation, key.key, &[(table.id, &update)]);
                repairs[i].push(mutation);
            }
        }
    }
    writer.finish_at(end);
    Ok(Reconciled { merged, repairs })
}

pub(super) fn feed_partition(writer: &mut AnswerWriter<'_>, key: KeyRef<'_>, partition: PartitionRef<'_>) {
    let _ = writer.partition(key, partition.deletion, partition.static_row);
    for item in partition.items() {
        if let Item::Unfiltered(item) = item {
            let _ = writer.unfiltered(item);
        }
    }
    let _ = writer.end_partition();
}

fn same_row(a: RowRef<'_>, b: RowRef<'_>) -> bool {
    let (x, y) = (a.header, b.header);
    x.liveness == y.liveness && x.deletion == y.deletion && a.cells().eq(b.cells())
}

/// The partition update that a replica with `have` (or nothing) lacks of `merged`; None when it lacks nothing.
fn lacking(table: &Table, reversed: bool, merged: PartitionRef<'_>, have: Option<PartitionRef<'_>>) -> Option<Vec<u8>> {
    let deletion = match have {
        Some(have) if have.deletion == merged.deletion => DeletionTime::LIVE,
        _ => merged.deletion,
    };
    let static_row = merged.static_row.filter(|row| {
        let known = have.and_then(|have| have.static_row);
        !row.is_empty() && known.is_none_or(|known| !same_row(*row, known))
    });
    let rows = lacking_rows(table, reversed, merged, have);
    let ranges = lacking_ranges(reversed, merged, have);
    if deletion.is_live() && static_row.is_none() && rows.is_empty() && ranges.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    let mut writer = PartitionWriter::begin(&mut out, deletion, static_row.as_ref().map(RowRef::bytes));
    ranges.iter().for_each(|range| writer.range(range));
    rows.iter().for_each(|(clustering, row)| writer.row(clustering, row.bytes()));
    writer.end();
    Some(out)
}

fn rows_of<'a>(partition: Option<PartitionRef<'a>>) -> Vec<(&'a [u8], RowRef<'a>)> {
    let items = partition.into_iter().flat_map(|partition| partition.items());
    items
        .filter_map(|item| match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => Some((clustering, row)),
            _ => None,
        })
        .collect()
}

/// Rows of `merged` that `have` has not, or differently; in table order.
fn lacking_rows<'a>(
    table: &Table,
    reversed: bool,
    merged: PartitionRef<'a>,
    have: Option<PartitionRef<'_>>,
) -> Vec<(&'a [u8], RowRef<'a>)> {
    let mut out = Vec::new();
    let known = rows_of(have);
    let mut known = known.iter().peekable();
    for (clustering, row) in rows_of(Some(merged)) {
        let order = |at: &[u8]| {
            let order = table.comparator().compare(at, clustering);
            if reversed { order.reverse() } else { order }
        };
        while known.next_if(|(at, _)| order(at).is_lt()).is_some() {}
        let same = known.peek().is_some_and(|(at, other)| order(at).is_eq() && same_row(row, *other));
        if !same {
            out.push((clustering, row));
        }
    }
    if reversed {
        out.reverse();
    }
    out
}

fn markers_of<'a>(partition: Option<PartitionRef<'a>>) -> Vec<Marker<'a>> {
    let items = partition.into_iter().flat_map(|partition| partition.items());
    items
        .filter_map(|item| match item {
            Item::Unfiltered(Unfiltered::Marker(marker)) => Some(marker),
            _ => None,
        })
        .collect()
}

/// All range deletions of `merged` when `have` does not tell the same ones.
fn lacking_ranges<'a>(
    reversed: bool,
    merged: PartitionRef<'a>,
    have: Option<PartitionRef<'_>>,
) -> Vec<RangeTombstone<'a>> {
    let markers = markers_of(Some(merged));
    if markers == markers_of(have) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for pair in markers.windows(2) {
        let [first, second] = pair else { continue };
        if first.open.is_live() {
            continue;
        }
        let (start, end) = if reversed { (second.position, first.position) } else { (first.position, second.position) };
        out.push(RangeTombstone { start, end, deletion: first.open });
    }
    out
}

/// Where the `limit`-th live row of an answer stands; None when it has fewer. A partition of which only the static row is live
/// counts as one row.
fn place_of_row<'a>(
    table: &Table,
    command: &ReadCommand,
    answer: &'a [u8],
    limit: u32,
) -> Option<(KeyOrder<'a>, Option<Position<'a>>)> {
    let mut left = limit;
    for (key, partition) in Answer::new(answer) {
        let order = KeyOrder(key.token, key.key);
        let before = left;
        for item in partition.items() {
            let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item else { continue };
            left -= u32::from(command.counts(&row, table.is_strict()));
            if left == 0 {
                return Some((order, Some(Position::row(clustering))));
            }
        }
        if left == before && partition.static_row.is_some_and(|row| row.is_live(command.now)) {
            left -= 1;
            if left == 0 {
                return Some((order, None));
            }
        }
    }
    None
}

/// The last place an answer tells of.
fn end_of(answer: &[u8]) -> Option<(KeyOrder<'_>, Option<Position<'_>>)> {
    let (key, partition) = Answer::new(answer).last()?;
    let position = partition.items().last().and_then(|item| match item {
        Item::Unfiltered(item) => Some(item.position()),
        Item::Range(_) => None,
    });
    Some((KeyOrder(key.token, key.key), position))
}

/// True when a replica stopped at the limit before the last row that would be returned: what it would have told next may
/// change the result (short read protection, CASSANDRA-2643).
fn is_short(table: &Table, command: &ReadCommand, answers: &[&[u8]], merged: &[u8]) -> bool {
    let rows = command.limits.rows.min(command.limits.per_partition);
    let stopped: Vec<_> =
        answers.iter().filter(|answer| place_of_row(table, command, answer, rows).is_some()).collect();
    if stopped.is_empty() {
        return false;
    }
    if command.limits.per_partition < command.limits.rows {
        // Each partition may have been cut: they are safe when all replicas tell the same.
        return answers.windows(2).any(|pair| rows_in(pair[0]) != rows_in(pair[1]));
    }
    let Some(place) = place_of_row(table, command, merged, rows) else { return true };
    stopped.iter().any(|answer| {
        end_of(answer).is_none_or(|end| match (end.1, place.1) {
            _ if end.0 != place.0 => end.0 < place.0,
            (Some(end), Some(place)) => {
                let order = table.comparator().compare_positions(end, place);
                if command.reversed { order.is_gt() } else { order.is_lt() }
            }
            (end, place) => end.is_none() && place.is_some(),
        })
    })
}

fn rows_in(answer: &[u8]) -> Vec<Vec<u8>> {
    let rows = Answer::new(answer).flat_map(|(_, partition)| rows_of(Some(partition)));
    rows.map(|(clustering, _)| clustering.to_vec()).collect()
}

impl Coordinator {
    /// All replicas asked have given full answers.
    pub(super) fn reconcile_answers(&mut self, id: SlotId) {
        let Some(mut operation) = self.operations.take(id) else { return };
        let Some(read) = operation.reading() else { return self.operations.put_back(id, operation) };
        let Some(command) = read.command().cloned() else { return self.operations.put_back(id, operation) };
        let (mut peers, mut answers) = (Vec::new(), Vec::new());
        for target in &read.targets {
            if let ReadState::Data(data) = &target.state {
                peers.push(target.peer);
                answers.push(data.as_slice());
            }
        }
        let Some(table) = self.view.schema().table_by_id(command.table).cloned() else {
            self.operations.put_back(id, operation);
            return self.fail_read(id, false);
        };
        if is_by_index(&command) {
            self.operations.put_back(id, operation);
            return self.read_found_rows(id, &table);
        }
        // What some replica has said nothing of is none of this round's.
        let end = first_end(&table, &command, &answers);
        let cut = end.map(|end| cut_behind(&table, &command, &answers, end));
        let answers = match &cut {
            Some(cut) => cut.iter().map(Vec::as_slice).collect(),
            None => answers,
        };
        let mut reconciled = reconcile(&table, &command, &answers, end);
        let short =
            reconciled.as_ref().is_ok_and(|reconciled| is_short(&table, &command, &answers, &reconciled.merged));
        if short && command.limits.rows < SHORT_READ_ROWS_MAX {
            // Some replica stopped at the limit with rows that others have deleted: ask for more (short read protection, CASSANDRA-2643).
            if let Some(command) = read.command_mut() {
                let more = |limit: u32| limit.saturating_mul(2);
                command.limits.rows = more(command.limits.rows);
                command.limits.per_partition = more(command.limits.per_partition);
            }
            self.operations.put_back(id, operation);
            return self.ask_fully(id, &peers);
        }
        let found_end = read.index.as_ref().and_then(|index| index.end());
        if let (Ok(reconciled), Some(end)) = (&mut reconciled, found_end) {
            shorten(&mut reconciled.merged, end);
        }
        self.operations.put_back(id, operation);
        match reconciled {
            Ok(reconciled) if self.find_more_rows(id, &peers, &reconciled.merged) => {}
            Ok(reconciled) => self.repair(id, &table, &peers, reconciled),
            Err(error) => {
                tracing::error!(%error, "replicas' answers cannot be merged");
                self.fail_read(id, false);
            }
        }
    }

    /// Sends each replica what it lacks and waits for the acknowledgements: the answer may not be older than what the next read
    /// will say, so a replica that cannot be repaired leaves the read without an answer.
    fn repair(&mut self, id: SlotId, table: &Arc<Table>, peers: &[u16], reconciled: Reconciled) {
        let blocking = table.params.read_repair.eq_ignore_ascii_case("BLOCKING");
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let mut part = read.next_part();
        let mut waiting = Vec::new();
        let mut lost = false;
        let schema_epoch = self.view.schema().epoch;
        for (peer, mutations) in peers.iter().zip(&reconciled.repairs).filter(|_| blocking) {
            for mutation in mutations {
                let sent = if *peer == LOCAL {
                    self.repair_here(id, part, table.id, mutation)
                } else if self.peers[usize::from(*peer)].up {
                    let message = Message::Write { kind: WriteKind::Repair, schema_epoch, mutation };
                    self.request(*peer, id, part, &message);
                    Repair::Waits
                } else {
                    Repair::Lost
                };
                match sent {
                    Repair::Done => {}
                    Repair::Waits => waiting.push((part, *peer)),
                    Repair::Lost => lost = true,
                }
                part += 1;
            }
        }
        if lost {
            self.fail_read(id, true);
        } else if waiting.is_empty() {
            self.deliver(id, &reconciled.merged);
        } else if let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) {
            read.phase = Phase::Repair { merged: reconciled.merged, waiting };
        }
    }

    /// Repairs this node itself.
    fn repair_here(&mut self, id: SlotId, part: u32, table: Uuid, mutation: &[u8]) -> Repair {
        let durable = self.is_durable(table);
        let applied = match self.shared.engine.apply(mutation, durable) {
            Err(WriteError::HasViews) => match self.apply_viewed(mutation, durable, Waiter::Repair(id, part)) {
                None => return Repair::Waits,
                Some(applied) => applied,
            },
            applied => applied.map_err(ViewWriteError::from),
        };
        match applied {
            Ok(position) => {
                self.log_dirty = true;
                if durable && self.shared.config.sync_mode == SyncMode::Synced {
                    self.unsynced.push_back((position, AwaitingSync::Operation(id, part)));
                    return Repair::Waits;
                }
                Repair::Done
            }
            Err(error) => {
                tracing::error!(%error, "a repair failed here");
                Repair::Lost
            }
        }
    }

    /// A replica has taken a repair, or cannot.
    pub(super) fn repair_acknowledged(&mut self, id: SlotId, part: u32, outcome: Outcome) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let Phase::Repair { merged, waiting } = &mut read.phase else { return };
        let Some(at) = waiting.iter().position(|(waits, _)| *waits == part) else { return };
        if outcome != Outcome::Done {
            return self.fail_read(id, true);
        }
        waiting.swap_remove(at);
        if waiting.is_empty() {
            let merged = std::mem::take(merged);
            self.deliver(id, &merged);
        }
    }

    /// The link to a peer closed: if it was to take a repair, nobody knows whether it has.
    pub(super) fn repair_lost_peer(&mut self, id: SlotId, peer: u16) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let Phase::Repair { waiting, .. } = &read.phase else { return };
        if waiting.iter().any(|(_, waits)| *waits == peer) {
            self.fail_read(id, true);
        }
    }
}

/// What became of a repair.
enum Repair {
    Done,
    Waits,
    Lost,
}
