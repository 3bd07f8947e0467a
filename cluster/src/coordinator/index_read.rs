//! Reads through a secondary index whose replicas disagree.
//!
//! Each replica tells the rows that have the value in its own data: a stale one may tell a row that has it no more, or not tell one that
//! has it now. While all replicas asked tell the same, that is the answer: a row that the merged data would have is told by the replica
//! that has the newest cell. When they differ:
//!
//! 1. The union of the rows told is cut at the first place at which a replica stopped because of a limit.
//! 2. These rows are read from the same replicas by their keys, reconciled and repaired like any other read. The statement's own check of
//!    the restrictions then decides.
//! 3. When fewer rows came of it than were asked for, and a replica had stopped at the limit of rows, step 1 is done again with a larger one.
//!    Behind the limit of bytes the execution's next command goes on.

use std::collections::{BTreeMap, BTreeSet};

use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::read::{ReadCommand, ReadLimits, ReadScope, Slice, Through, slices_behind};
use helenus_model::schema::{ColumnKind, Table};
use helenus_model::token::Token;

use super::operation::{Kind, Operation};
use super::read::ReadState;
use super::{Coordinator, SlotId};
use crate::answer::{Answer, ShortEnd, short_end};

/// Largest number of rows that a repeated read asks for.
const ROWS_MAX: u32 = 1 << 20;

/// A partition's key, and the clustering of a row.
type KeptEnd = (Box<[u8]>, Option<Box<[u8]>>);

/// A read through an index of which only the rows found are being read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexWait {
    /// The read through the index.
    command: ReadCommand,
    /// Replicas stopped at the limit: there may be more rows than were found.
    is_cut: bool,
    /// A replica's answer ended at its limit of bytes: partition and row behind which nothing was looked for. None for the row: behind the partition.
    end: Option<KeptEnd>,
}

impl IndexWait {
    /// Where the search ended too early.
    pub(super) fn end(&self) -> Option<ShortEnd<'_>> {
        self.end.as_ref().map(|(key, row)| ShortEnd { key, row: row.as_deref() })
    }

    /// The larger read through the index that is to be done again, if too few rows came of those found.
    pub(super) fn again(&self, merged: &[u8]) -> Option<ReadCommand> {
        let limits = &self.command.limits;
        let largest = limits.rows.min(limits.partitions);
        let (rows, partitions) = counts(merged, self.command.now);
        if !self.is_cut || rows >= limits.rows || partitions >= limits.partitions || largest >= ROWS_MAX {
            return None;
        }
        let mut command = self.command.clone();
        let more = |limit: u32| limit.saturating_mul(2);
        command.limits.rows = more(limits.rows);
        command.limits.partitions = more(limits.partitions);
        Some(command)
    }
}

/// Live rows of an answer, and partitions that have any, as limits count them.
fn counts(answer: &[u8], now: i64) -> (u32, u32) {
    let (mut rows, mut partitions) = (0_u32, 0_u32);
    for (_, partition) in Answer::new(answer) {
        let live = live_rows(partition, now).count() as u32;
        let static_live = partition.static_row.is_some_and(|row| row.is_live(now));
        let counted = if live == 0 { u32::from(static_live) } else { live };
        rows += counted;
        partitions += u32::from(counted > 0);
    }
    (rows, partitions)
}

fn live_rows<'a>(partition: PartitionRef<'a>, now: i64) -> impl Iterator<Item = &'a [u8]> {
    partition.items().filter_map(move |item| match item {
        Item::Unfiltered(Unfiltered::Row { clustering, row }) if row.is_live(now) => Some(clustering),
        _ => None,
    })
}

type Key<'a> = (Token, &'a [u8]);
/// Partitions and what is to be read of each.
type Listed = Vec<(Box<[u8]>, Vec<Slice>)>;

/// What answers to a read through an index tell together.
struct Found<'a> {
    /// The rows that any of them tells, up to where a replica stopped.
    listed: Listed,
    /// One stopped at the limit of rows.
    is_cut: bool,
    /// One stopped at its limit of bytes, before all others.
    end: Option<ShortEnd<'a>>,
}

fn found<'a>(table: &Table, command: &ReadCommand, answers: &[&'a [u8]]) -> Found<'a> {
    let order = table.comparator();
    let mut partitions: BTreeMap<Key<'a>, Vec<&'a [u8]>> = BTreeMap::new();
    // Partitions of which a replica told no more than PER PARTITION LIMIT: all their rows are looked at.
    let mut whole: BTreeSet<Key<'_>> = BTreeSet::new();
    let mut cut: Option<(Key<'a>, Option<&'a [u8]>)> = None;
    let mut is_short = false;
    for answer in answers {
        let (rows, told) = counts(answer, command.now);
        let mut last = None;
        for (key, partition) in Answer::new(answer) {
            let key = (key.token, key.key);
            let rows = partitions.entry(key).or_default();
            let before = rows.len();
            rows.extend(live_rows(partition, command.now));
            if (rows.len() - before) as u32 >= command.limits.per_partition {
                whole.insert(key);
            }
            last = Some((key, rows.last().copied().filter(|_| rows.len() > before)));
        }
        let is_full = rows >= command.limits.rows || told >= command.limits.partitions;
        let ended = !is_full && short_end(answer).is_some();
        if (is_full || ended)
            && let Some(last) = last
        {
            let is_first = cut.is_none_or(|cut| match last.0.cmp(&cut.0) {
                std::cmp::Ordering::Equal => match (last.1, cut.1) {
                    (Some(a), Some(b)) => order.compare(a, b).is_lt(),
                    (a, _) => a.is_none(),
                },
                unequal => unequal.is_lt(),
            });
            if is_first {
                (cut, is_short) = (Some(last), ended);
            }
        }
    }
    let of_partitions = is_of_partitions(table, command);
    let mut listed = Vec::with_capacity(partitions.len());
    let mut end = None;
    for (key, mut rows) in partitions {
        if cut.is_some_and(|cut| key > cut.0) {
            break;
        }
        let cut = cut.filter(|cut| cut.0 == key);
        let mut behind = None;
        let slices = if of_partitions || whole.contains(&key) || rows.is_empty() {
            slices_of_partition(table, command, key.1)
        } else {
            rows.sort_by(|a, b| order.compare(a, b));
            rows.dedup();
            behind = cut.and_then(|cut| cut.1);
            let rows = rows.iter().filter(|row| behind.is_none_or(|end| order.compare(row, end).is_le()));
            rows.map(|row| Slice::of_prefix(row)).collect()
        };
        listed.push((Box::from(key.1), slices));
        end = cut.filter(|_| is_short).map(|_| ShortEnd { key: key.1, row: behind });
    }
    Found { listed, is_cut: cut.is_some() && !is_short, end }
}

fn is_of_partitions(table: &Table, command: &ReadCommand) -> bool {
    let Some(Through::Index { index, .. }) = command.through.as_deref() else { return false };
    let index = table.indexes.iter().find(|known| known.id == *index);
    let column = index.and_then(|index| table.column(&index.column));
    column.is_some_and(|column| matches!(column.kind, ColumnKind::Static | ColumnKind::PartitionKey))
}

fn slices_of_partition(table: &Table, command: &ReadCommand, key: &[u8]) -> Vec<Slice> {
    match &command.scope {
        ReadScope::Range { resume: Some((at, Some(place))), .. } if **at == *key => {
            slices_behind(table.comparator(), &command.slices, place.as_ref(), command.reversed)
        }
        _ => command.slices.clone(),
    }
}

impl Coordinator {
    /// Replicas have told different rows: the rows themselves are read from them.
    pub(super) fn read_found_rows(&mut self, id: SlotId, table: &Table) {
        let Some(Operation { kind: Kind::Select(select), .. }) = self.operations.get_mut(id) else { return };
        let read = &mut select.read;
        let Some(command) = read.command().cloned() else { return };
        let (mut peers, mut answers) = (Vec::new(), Vec::new());
        for target in &read.targets {
            if let ReadState::Data(data) = &target.state {
                peers.push(target.peer);
                answers.push(data.as_slice());
            }
        }
        let Found { listed, is_cut, end } = found(table, &command, &answers);
        let end = end.map(|end| (end.key.into(), end.row.map(Into::into)));
        if let Some(current) = read.command_mut() {
            let limits = ReadLimits { bytes: command.limits.bytes, ..ReadLimits::NONE };
            *current = ReadCommand { limits, through: Some(Box::new(Through::Rows(listed))), ..command.clone() };
        }
        read.index = Some(Box::new(IndexWait { command, is_cut, end }));
        self.ask_fully(id, &peers);
    }

    /// Too few rows came of those found: more are looked for. False: they are enough, or there are no more.
    pub(super) fn find_more_rows(&mut self, id: SlotId, peers: &[u16], merged: &[u8]) -> bool {
        let Some(Operation { kind: Kind::Select(select), .. }) = self.operations.get_mut(id) else { return false };
        let read = &mut select.read;
        // What has ended at the limit of bytes would end there again: the execution goes on behind it.
        if short_end(merged).is_some() {
            return false;
        }
        let Some(again) = read.index.as_ref().and_then(|index| index.again(merged)) else { return false };
        read.index = None;
        if let Some(current) = read.command_mut() {
            *current = again;
        }
        self.ask_fully(id, peers);
        true
    }
}

/// True for a read whose rows a replica finds by an index.
pub(super) fn is_by_index(command: &ReadCommand) -> bool {
    matches!(command.through.as_deref(), Some(Through::Index { .. }))
}
