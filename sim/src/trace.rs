//! The trace of a run: a hash over everything that happened, and lines for people when they are wanted.

use std::fmt;

/// Hashes what happens and, on demand, prints it.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    prints: bool,
}

fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

impl Trace {
    /// Of a run of `seed`; `prints` writes lines to standard error.
    pub fn new(seed: u64, prints: bool) -> Self {
        Trace { hash: mix(0x243f_6a88_85a3_08d3, seed), prints }
    }

    /// Notes numbers.
    #[inline]
    pub fn numbers(&mut self, now: u64, numbers: [u64; 3]) {
        self.hash = numbers.into_iter().fold(mix(self.hash, now), mix);
    }

    /// Notes bytes that are on their way.
    #[inline]
    pub fn bytes(&mut self, now: u64, place: u64, bytes: &[u8]) {
        self.numbers(now, [place, bytes.len() as u64, u64::from(crc32fast::hash(bytes))]);
    }

    /// Prints a line, if lines are wanted.
    #[inline]
    pub fn line(&self, now: u64, text: impl FnOnce() -> String) {
        if self.prints {
            eprintln!("{:>10.3} ms  {}", now as f64 / 1000.0, text());
        }
    }

    /// True when lines are wanted.
    pub fn prints(&self) -> bool {
        self.prints
    }

    /// What everything so far comes to.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// A hash as people read it.
#[derive(Clone, Copy, Debug)]
pub struct HashText(pub u64);

impl fmt::Display for HashText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
