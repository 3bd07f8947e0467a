//! Registers that clients swap: `UPDATE … SET v = new WHERE p = ? IF v = old`. Every new value is another, so what was swapped is a
//! chain: each value once, from null to the last.

use std::collections::BTreeMap;

use helenus_model::consistency::Consistency;

use super::history::Row;
use super::{Effect, Form, Operation, Outcome, Statement, Workload, was_not_begun};

/// A swap that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// What must be there; None: nothing.
    pub old: Option<i64>,
    /// What comes there.
    pub new: i64,
    /// When it was asked, microseconds.
    pub begun: u64,
    /// When it was answered; None: nobody knows what came of it.
    pub ended: Option<u64>,
}

/// The swaps of a register that may have been done, and what was last heard of it.
#[derive(Clone, Debug, Default)]
pub struct Swaps {
    done: Vec<Swap>,
    heard: Option<i64>,
    /// Values that refused swaps have told.
    told: Vec<Option<i64>>,
}

fn number(value: Option<&Option<Vec<u8>>>) -> Option<i64> {
    let bytes: [u8; 8] = value?.as_deref()?.try_into().ok()?;
    Some(i64::from_be_bytes(bytes))
}

impl Workload {
    /// A swap of what was last heard, by whoever.
    pub(super) fn swap(&mut self, p: i32, now: u64) -> Operation {
        let new = self.number();
        let old = self.swaps.get(&p).and_then(|swaps| swaps.heard);
        let expected = old.map_or_else(|| "null".to_owned(), |old| old.to_string());
        let text = format!("UPDATE sim.swaps SET v = {new} WHERE p = {p} IF v = {expected}");
        let level = if self.rng.chance(30) { Consistency::One } else { Consistency::Quorum };
        Operation {
            statement: Statement::Swap,
            values: Vec::new(),
            form: Form::Text,
            text: Some(text),
            level,
            timestamp: None,
            effect: Effect::Swap(p, old, new),
            begun: now,
        }
    }

    pub(super) fn note_swap(&mut self, operation: &Operation, outcome: &Outcome, now: u64) {
        let Effect::Swap(p, old, new) = operation.effect else { return };
        let swaps = self.swaps.entry(p).or_default();
        let mut swap = Swap { old, new, begun: operation.begun, ended: None };
        match outcome {
            Outcome::Rows(rows) => {
                let row: &[Option<Vec<u8>>] = rows.rows.first().map_or(&[], |row| row.as_slice());
                if row.first().is_some_and(|applied| applied.as_deref() == Some(&[1])) {
                    swap.ended = Some(now);
                    swaps.heard = Some(new);
                    swaps.done.push(swap);
                } else {
                    let found = number(row.get(1));
                    swaps.heard = found;
                    swaps.told.push(found);
                }
            }
            Outcome::Error(error) if was_not_begun(error) => {}
            _ => swaps.done.push(swap),
        }
    }

    /// Checks what was swapped at a register against what is there in the end.
    pub fn check_swaps(&self, p: i32, last: &[Row]) -> Result<(), String> {
        let last = number(last.first().and_then(|row| row.first()));
        match self.swaps.get(&p) {
            None => Ok(()),
            Some(swaps) => swaps.check(last),
        }
    }
}

impl Swaps {
    fn check(&self, last: Option<i64>) -> Result<(), String> {
        let mut by_old: BTreeMap<Option<i64>, Vec<Swap>> = BTreeMap::new();
        for swap in &self.done {
            by_old.entry(swap.old).or_default().push(*swap);
        }
        for (old, swaps) in &by_old {
            if swaps.iter().filter(|swap| swap.ended.is_some()).count() > 1 {
                return Err(format!("{old:?} was swapped twice: {swaps:?}"));
            }
        }
        let chain =
            chain(&by_old, last).ok_or_else(|| format!("no chain of swaps leads to {last:?}: {:?}", self.done))?;
        let lost = self.done.iter().find(|swap| swap.ended.is_some() && !chain.contains(swap));
        if let Some(lost) = lost {
            return Err(format!("an acknowledged swap is lost: {lost:?}, the chain is {chain:?}"));
        }
        let ghost = self.told.iter().flatten().find(|told| chain.iter().all(|swap| swap.new != **told));
        if let Some(ghost) = ghost {
            return Err(format!("{ghost} was told and is not among {chain:?}"));
        }
        let mut begun = 0;
        for swap in &chain {
            if swap.ended.is_some_and(|ended| ended < begun) {
                return Err(format!("{swap:?} was answered before one was asked that comes before it: {chain:?}"));
            }
            begun = begun.max(swap.begun);
        }
        Ok(())
    }
}

/// Swaps from null to the last value.
fn chain(by_old: &BTreeMap<Option<i64>, Vec<Swap>>, last: Option<i64>) -> Option<Vec<Swap>> {
    // Backwards there is no choice: every value was written by one swap.
    let by_new: BTreeMap<i64, Swap> = by_old.values().flatten().map(|swap| (swap.new, *swap)).collect();
    let mut chain = Vec::new();
    let mut at = last;
    while let Some(value) = at {
        let swap = by_new.get(&value)?;
        chain.push(*swap);
        at = swap.old;
    }
    chain.reverse();
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_checked() {
        let swap = |old: i64, new, begun, ended: u64| Swap {
            old: (old > 0).then_some(old),
            new,
            begun,
            ended: (ended > 0).then_some(ended),
        };
        let (a, b, c) = (swap(0, 1, 1, 2), swap(1, 2, 3, 4), swap(2, 3, 5, 6));
        for (done, told, last, sound) in [
            (vec![], vec![], None, true),
            (vec![a, b, c], vec![Some(2)], Some(3), true),
            (vec![a, b, c], vec![], Some(2), false),
            (vec![a, swap(1, 2, 3, 0), c], vec![], Some(3), true),
            (vec![a, swap(1, 2, 3, 0)], vec![], Some(1), true),
            (vec![a, c], vec![], Some(3), false),
            (vec![a, b, swap(1, 4, 3, 9)], vec![], Some(4), false),
            (vec![a, b], vec![Some(7)], Some(2), false),
            (vec![swap(0, 1, 5, 6), swap(1, 2, 3, 4)], vec![], Some(2), false),
        ] {
            let swaps = Swaps { done, heard: None, told };
            assert_eq!(swaps.check(last).is_ok(), sound, "{swaps:?} {last:?}");
        }
    }
}
