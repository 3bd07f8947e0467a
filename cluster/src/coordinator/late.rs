//! Writes that come late: hints, and batches that are replayed. Of the tables they touch, some may be gone or truncated since; and
//! after `gc_grace_seconds` a write could bring back what a purged tombstone had deleted. What is left of the mutation is written.

use std::borrow::Cow;

use helenus_model::mutation::{MutationRef, encode_mutation};
use helenus_model::time::Now;
use uuid::Uuid;

use super::Coordinator;

/// What a late write must know of a table.
struct TableState {
    gc_grace_seconds: i64,
    /// Milliseconds since the epoch; `i64::MIN` if it never was.
    truncated_millis: i64,
}

/// The part of a mutation written at that time that may still be written; None: nothing of it, or it does not decode. `table` tells
/// of the tables that are there.
fn still_wanted<'a>(
    mutation: &'a [u8],
    written_millis: i64,
    now: Now,
    table: impl Fn(Uuid) -> Option<TableState>,
) -> Option<Cow<'a, [u8]>> {
    let decoded = MutationRef::validate(mutation).ok()?;
    let age_seconds = (now.wall_micros / 1000 - written_millis) / 1000;
    let mut count = 0;
    let wanted: Vec<(Uuid, &[u8])> = decoded
        .updates()
        .inspect(|_| count += 1)
        .filter(|(id, _)| {
            table(*id)
                .is_some_and(|table| age_seconds < table.gc_grace_seconds && written_millis > table.truncated_millis)
        })
        .collect();
    if wanted.is_empty() {
        return None;
    }
    if wanted.len() == count {
        return Some(Cow::Borrowed(mutation));
    }
    let mut out = Vec::with_capacity(mutation.len());
    encode_mutation(&mut out, decoded.key.key, &wanted);
    Some(Cow::Owned(out))
}

impl Coordinator {
    /// The part of a mutation written at that time, ms since the epoch, that may still be written.
    pub(super) fn still_wanted<'a>(&self, mutation: &'a [u8], written_millis: i64) -> Option<Cow<'a, [u8]>> {
        still_wanted(mutation, written_millis, self.now, |id| {
            let table = self.view.schema().table_by_id(id)?;
            let truncated_millis = self.shared.engine.truncated_at(id).map_or(i64::MIN, |micros| micros / 1000);
            Some(TableState { gc_grace_seconds: i64::from(table.params.gc_grace_seconds), truncated_millis })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_truncated_or_too_old_is_left_out() {
        let id = Uuid::from_u128;
        let now = Now { wall_micros: 100_000_000, monotonic_micros: 0 };
        let mutation = |tables: &[u128]| {
            let updates: Vec<(Uuid, &[u8])> = tables.iter().map(|table| (id(*table), &b"\0\0"[..])).collect();
            let mut out = Vec::new();
            encode_mutation(&mut out, b"key", &updates);
            out
        };
        // 1 is sound, 2 was truncated 50 s after the epoch, 3 is purged after 10 s, all others are gone.
        let table = |table: Uuid| match table.as_u128() {
            1 => Some(TableState { gc_grace_seconds: 864_000, truncated_millis: i64::MIN }),
            2 => Some(TableState { gc_grace_seconds: 864_000, truncated_millis: 50_000 }),
            3 => Some(TableState { gc_grace_seconds: 10, truncated_millis: i64::MIN }),
            _ => None,
        };
        for (tables, written_millis, expected) in [
            (&[1][..], 60_000, &[1][..]),
            (&[1, 4], 60_000, &[1]),
            (&[4, 1], 60_000, &[1]),
            (&[4], 60_000, &[]),
            (&[1, 2], 60_000, &[1, 2]),
            (&[1, 2], 50_000, &[1]),
            (&[2], 40_000, &[]),
            (&[3, 1], 95_000, &[3, 1]),
            (&[3, 1], 90_000, &[1]),
        ] {
            let bytes = mutation(tables);
            let wanted = still_wanted(&bytes, written_millis, now, table);
            let expected = (!expected.is_empty()).then(|| mutation(expected));
            assert_eq!(wanted.as_deref(), expected.as_deref(), "{tables:?} written at {written_millis}");
        }
        assert!(still_wanted(b"no mutation", 60_000, now, table).is_none());
    }
}
