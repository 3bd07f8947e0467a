//! Answers of several replicas of which some have ended at their limit of bytes: only what all of them tell can be merged.

use std::cmp::Ordering;

use helenus_model::key::{KeyRef, Position};
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::read::{PartitionConsumer, ReadCommand};
use helenus_model::schema::Table;

use super::reconcile::{KeyOrder, feed_partition};
use crate::answer::{Answer, AnswerWriter, ShortEnd, short_end};

/// Where the first of the answers that have ended too early has ended; None: all are whole.
pub(super) fn first_end<'a>(table: &Table, command: &ReadCommand, answers: &[&'a [u8]]) -> Option<ShortEnd<'a>> {
    let ends = answers.iter().filter_map(|answer| short_end(answer));
    ends.min_by(|a, b| compare(table, command.reversed, *a, *b))
}

/// Which of two places comes first as a read goes.
pub(super) fn compare(table: &Table, reversed: bool, a: ShortEnd<'_>, b: ShortEnd<'_>) -> Ordering {
    order_of(a.key).cmp(&order_of(b.key)).then_with(|| match (a.row, b.row) {
        (Some(a), Some(b)) if reversed => table.comparator().compare(b, a),
        (Some(a), Some(b)) => table.comparator().compare(a, b),
        // Behind a partition is behind all of its rows.
        (a, b) => b.is_some().cmp(&a.is_some()),
    })
}

fn order_of(key: &[u8]) -> KeyOrder<'_> {
    KeyOrder(KeyRef::new(key).token, key)
}

/// The answers without what stands behind `end`.
pub(super) fn cut_behind(table: &Table, command: &ReadCommand, answers: &[&[u8]], end: ShortEnd<'_>) -> Vec<Vec<u8>> {
    answers.iter().map(|answer| cut_one(table, command, answer, end)).collect()
}

fn cut_one(table: &Table, command: &ReadCommand, answer: &[u8], end: ShortEnd<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.len());
    let mut writer = AnswerWriter::of_whole(&mut out, command.reversed);
    let last = order_of(end.key);
    for (key, partition) in Answer::new(answer) {
        match (KeyOrder(key.token, key.key).cmp(&last), end.row) {
            (Ordering::Less, _) | (Ordering::Equal, None) => feed_partition(&mut writer, key, partition),
            (Ordering::Equal, Some(row)) => feed_up_to(&mut writer, table, command.reversed, key, partition, row),
            (Ordering::Greater, _) => break,
        }
    }
    writer.finish_at(Some(end));
    out
}

/// Gives a partition up to and with the place of a row.
fn feed_up_to(
    writer: &mut AnswerWriter<'_>,
    table: &Table,
    reversed: bool,
    key: KeyRef<'_>,
    partition: PartitionRef<'_>,
    row: &[u8],
) {
    let end = Position { prefix: row, weight: if reversed { -1 } else { 1 } };
    let is_within = |item: &Unfiltered<'_>| {
        let order = table.comparator().compare_positions(item.position(), end);
        if reversed { order.is_gt() } else { order.is_lt() }
    };
    let _ = writer.partition(key, partition.deletion, partition.static_row);
    for item in partition.items() {
        let Item::Unfiltered(item) = item else { continue };
        if !is_within(&item) {
            break;
        }
        let _ = writer.unfiltered(item);
    }
    writer.leave_behind(row);
}
