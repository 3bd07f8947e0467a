//! The small part of regular expressions that bodies use: characters, classes, `.`, and `? * +` behind them.

use crate::heap::{Fault, Outcome};
use crate::run::Machine;

/// What matches one unit.
#[derive(Clone, Debug)]
enum Atom {
    Unit(u16),
    Any,
    /// Ranges; whether it is what is outside them.
    Class(Vec<(u16, u16)>, bool),
}

/// A pattern: atoms with how often each may come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    atoms: Vec<(Atom, usize, usize)>,
    from_start: bool,
    to_end: bool,
}

const SPACES: [(u16, u16); 2] = [(9, 13), (32, 32)];
const DIGITS: [(u16, u16); 1] = [(48, 57)];
const WORDS: [(u16, u16); 4] = [(48, 57), (65, 90), (95, 95), (97, 122)];

fn class(letter: u16) -> Option<(Vec<(u16, u16)>, bool)> {
    Some(match letter as u8 {
        b's' => (SPACES.to_vec(), false),
        b'S' => (SPACES.to_vec(), true),
        b'd' => (DIGITS.to_vec(), false),
        b'D' => (DIGITS.to_vec(), true),
        b'w' => (WORDS.to_vec(), false),
        b'W' => (WORDS.to_vec(), true),
        _ => return None,
    })
}

/// What `\letter` stands for, if that is one unit.
fn escaped(letter: u16) -> Option<u16> {
    match letter as u8 {
        _ if letter > 127 => None,
        b't' => Some(9),
        b'n' => Some(10),
        b'r' => Some(13),
        b'f' => Some(12),
        other if !other.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    }
}

impl Pattern {
    /// The pattern of a text; None when it is beyond what is supported.
    pub(crate) fn parse(text: &[u16]) -> Option<Pattern> {
        let mut pattern = Pattern::default();
        let mut rest = text;
        if let Some((94, behind)) = rest.split_first().map(|(unit, behind)| (*unit, behind)) {
            pattern.from_start = true;
            rest = behind;
        }
        while let Some((unit, behind)) = rest.split_first() {
            rest = behind;
            let atom = match *unit {
                // ^ $ ( ) { } | and quantifiers without anything in front.
                36 if rest.is_empty() => {
                    pattern.to_end = true;
                    break;
                }
                36 | 40 | 41 | 94 | 123 | 125 | 124 | 42 | 43 | 63 => return None,
                46 => Atom::Any,
                92 => {
                    let (letter, behind) = rest.split_first()?;
                    rest = behind;
                    match (class(*letter), escaped(*letter)) {
                        (Some((ranges, outside)), _) => Atom::Class(ranges, outside),
                        (None, Some(unit)) => Atom::Unit(unit),
                        (None, None) => return None,
                    }
                }
                91 => {
                    let (atom, behind) = bracket(rest)?;
                    rest = behind;
                    atom
                }
                unit => Atom::Unit(unit),
            };
            let (least, most) = match rest.first() {
                Some(42) => (0, usize::MAX),
                Some(43) => (1, usize::MAX),
                Some(63) => (0, 1),
                _ => (1, 1),
            };
            if (least, most) != (1, 1) {
                rest = rest.get(1..)?;
                // Reluctant and possessive ones.
                if matches!(rest.first(), Some(43 | 63 | 42)) {
                    return None;
                }
            }
            pattern.atoms.push((atom, least, most));
        }
        Some(pattern)
    }

    /// Where a match that begins at `at` ends.
    fn match_at(&self, m: &mut Machine<'_>, text: &[u16], at: usize) -> Outcome<Option<usize>> {
        if self.from_start && at > 0 {
            return Ok(None);
        }
        self.match_atoms(m, text, at, 0)
    }

    fn match_atoms(&self, m: &mut Machine<'_>, text: &[u16], at: usize, number: usize) -> Outcome<Option<usize>> {
        m.work(1)?;
        let Some((atom, least, most)) = self.atoms.get(number) else {
            return Ok((!self.to_end || at == text.len()).then_some(at));
        };
        let mut end = at;
        while end - at < *most && text.get(end).is_some_and(|unit| atom.accepts(*unit)) {
            end += 1;
        }
        m.work((end - at) as u64 / 8)?;
        while end - at >= *least {
            if let Some(found) = self.match_atoms(m, text, end, number + 1)? {
                return Ok(Some(found));
            }
            if end == at {
                break;
            }
            end -= 1;
        }
        Ok(None)
    }

    /// The first match from `from`: its start and end.
    pub(crate) fn find(&self, m: &mut Machine<'_>, text: &[u16], from: usize) -> Outcome<Option<(usize, usize)>> {
        for start in from..=text.len() {
            if let Some(end) = self.match_at(m, text, start)? {
                return Ok(Some((start, end)));
            }
        }
        Ok(None)
    }

    /// Whether the whole text matches.
    pub(crate) fn is_match(&self, m: &mut Machine<'_>, text: &[u16]) -> Outcome<bool> {
        let whole = Pattern { to_end: true, from_start: true, ..self.clone() };
        Ok(whole.match_at(m, text, 0)?.is_some())
    }
}

impl Atom {
    fn accepts(&self, unit: u16) -> bool {
        match self {
            Atom::Unit(only) => unit == *only,
            Atom::Any => !matches!(unit, 10 | 13 | 0x85 | 0x2028 | 0x2029),
            Atom::Class(ranges, outside) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&unit)) != *outside,
        }
    }
}

/// Behind `[`: the class and what is behind it.
fn bracket(mut rest: &[u16]) -> Option<(Atom, &[u16])> {
    let mut ranges = Vec::new();
    let outside = rest.first() == Some(&94);
    if outside {
        rest = rest.get(1..)?;
    }
    loop {
        let (unit, behind) = rest.split_first()?;
        rest = behind;
        let from = match *unit {
            93 if !ranges.is_empty() => return Some((Atom::Class(ranges, outside), rest)),
            91 | 93 | 38 => return None,
            92 => {
                let (letter, behind) = rest.split_first()?;
                rest = behind;
                if let Some((more, false)) = class(*letter) {
                    ranges.extend(more);
                    continue;
                }
                escaped(*letter)?
            }
            unit => unit,
        };
        match rest {
            [45, 93, ..] => ranges.push((from, from)),
            [45, to, behind @ ..] if *to != 92 && *to != 91 && *to >= from => {
                ranges.push((from, *to));
                rest = behind;
            }
            [45, ..] => return None,
            _ => ranges.push((from, from)),
        }
    }
}

/// The pattern of a text at run time.
pub(crate) fn compiled(text: &[u16]) -> Outcome<Pattern> {
    Pattern::parse(text).ok_or_else(|| {
        Fault::Limit(format!("not supported yet: the regular expression {}", String::from_utf16_lossy(text)))
    })
}
