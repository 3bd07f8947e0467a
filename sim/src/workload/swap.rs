//! Registers that clients swap: `UPDATE … SET v = new WHERE p = ? IF v = old`. Every new value is another, so what was swapped is a
//! chain: each value once, from null to the last.

use std::collections::BTreeMap;

use helenus_model::consistency::Consistency;

use super::history::Row;
use super::{Effect, Form, Operation, Outcome, Statement, Workload, was_not_begun};
use crate::world::Rows;

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

/// A value that a client was told, by a read at SERIAL or by a refused swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was there.
    pub value: Option<i64>,
    /// When it was asked, microseconds.
    pub begun: u64,
    /// When it was answered.
    pub ended: u64,
}

/// The swaps of a register that may have been done, and what was last heard of it.
#[derive(Clone, Debug, Default)]
pub struct Swaps {
    done: Vec<Swap>,
    heard: Option<i64>,
    told: Vec<Told>,
    /// Swaps that were refused although what they wanted was there.
    refused: Vec<Swap>,
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
        // At ONE and ANY a decision is told before others know of it.
        let level = match self.rng.below(10) {
            0..4 => Consistency::One,
            4 => Consistency::Any,
            _ => Consistency::Quorum,
        };
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

    pub(super) fn note_look(&mut self, p: i32, begun: u64, ended: u64, rows: &Rows) {
        let value = number(rows.rows.first().and_then(|row| row.first()));
        let swaps = self.swaps.entry(p).or_default();
        swaps.heard = value;
        swaps.told.push(Told { value, begun, ended });
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
                    let value = number(row.get(1));
                    if value == old {
                        swaps.refused.push(swap);
                    }
                    swaps.heard = value;
                    swaps.told.push(Told { value, begun: operation.begun, ended: now });
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
        if let Some(refused) = self.refused.first() {
            return Err(format!("{refused:?} was refused, although its old value was there"));
        }
        self.check_order(&chain)
    }

    /// Swaps come in the order of the chain, and who was told a value between the swap that made it and the next one: none was
    /// answered before one was asked that comes before it.
    fn check_order(&self, chain: &[Swap]) -> Result<(), String> {
        let mut told: BTreeMap<Option<i64>, Vec<Told>> = BTreeMap::new();
        for one in &self.told {
            told.entry(one.value).or_default().push(*one);
        }
        let mut begun = 0;
        for place in 0..=chain.len() {
            let value = place.checked_sub(1).and_then(|before| chain.get(before)).map(|swap| swap.new);
            let here = told.remove(&value).unwrap_or_default();
            if let Some(early) = here.iter().find(|one| one.ended < begun) {
                return Err(format!("{early:?} was answered before one was asked that comes before it: {chain:?}"));
            }
            begun = here.iter().map(|one| one.begun).fold(begun, u64::max);
            let Some(swap) = chain.get(place) else { break };
            if swap.ended.is_some_and(|ended| ended < begun) {
                return Err(format!("{swap:?} was answered before one was asked that comes before it: {chain:?}"));
            }
            begun = begun.max(swap.begun);
        }
        match told.into_values().flatten().next() {
            Some(ghost) => Err(format!("{ghost:?} is not among {chain:?}")),
            None => Ok(()),
        }
    }
}

/// A read at SERIAL.
pub(super) fn look(p: i32, now: u64) -> Operation {
    Operation {
        statement: Statement::Look,
        values: Vec::new(),
        form: Form::Text,
        text: Some(format!("SELECT v FROM sim.swaps WHERE p = {p}")),
        level: Consistency::Serial,
        timestamp: None,
        effect: Effect::Look(p),
        begun: now,
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
        let told = |value: i64, begun, ended| Told { value: (value > 0).then_some(value), begun, ended };
        let (a, b, c) = (swap(0, 1, 1, 2), swap(1, 2, 3, 4), swap(2, 3, 5, 6));
        for (done, told, last, sound) in [
            (vec![], vec![], None, true),
            (vec![a, b, c], vec![told(2, 4, 6)], Some(3), true),
            (vec![a, b, c], vec![], Some(2), false),
            (vec![a, swap(1, 2, 3, 0), c], vec![], Some(3), true),
            (vec![a, swap(1, 2, 3, 0)], vec![], Some(1), true),
            (vec![a, c], vec![], Some(3), false),
            (vec![a, b, swap(1, 4, 3, 9)], vec![], Some(4), false),
            (vec![a, b], vec![told(7, 5, 6)], Some(2), false),
            (vec![swap(0, 1, 5, 6), swap(1, 2, 3, 4)], vec![], Some(2), false),
            // Told too early, too late, and as late as may be.
            (vec![a, b], vec![told(2, 1, 2)], Some(2), false),
            (vec![a, b], vec![told(1, 5, 6)], Some(2), false),
            (vec![a, b], vec![told(1, 4, 6)], Some(2), true),
            (vec![a, b], vec![told(0, 3, 4)], Some(2), false),
            // It went back from one reader to the next.
            (vec![a, swap(1, 2, 3, 20)], vec![told(2, 5, 6), told(1, 7, 8)], Some(2), false),
            (vec![a, swap(1, 2, 3, 20)], vec![told(1, 5, 6), told(2, 7, 8)], Some(2), true),
        ] {
            let swaps = Swaps { done, told, ..Swaps::default() };
            assert_eq!(swaps.check(last).is_ok(), sound, "{swaps:?} {last:?}");
        }
        let refused = Swaps { done: vec![a], refused: vec![swap(1, 5, 3, 4)], ..Swaps::default() };
        assert!(refused.check(Some(1)).is_err());
    }
}
