//! How often the members did what only faults make them do: a run that never does it says nothing about it.

use std::fmt;
use std::ops::AddAssign;
use std::sync::atomic::Ordering;

use helenus_cluster::shared::MemberStats;

/// Counts over all lives of all members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Hints written.
    pub hints_written: u64,
    /// Hints delivered.
    pub hints_delivered: u64,
    /// Hints given up: torn, or their table gone.
    pub hints_dropped: u64,
    /// Batches replayed.
    pub batches_replayed: u64,
    /// Digest mismatches.
    pub read_repairs: u64,
    /// Answers to reads that ended at their limit of bytes.
    pub short_answers: u64,
    /// Starts that found the log's end torn.
    pub torn_logs: u64,
    /// Epochs of the metadata log.
    pub epochs: u64,
}

impl Coverage {
    /// Adds what one life of a member did.
    pub fn add_life(&mut self, stats: &MemberStats) {
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        self.hints_written += get(&stats.hints_written);
        self.hints_delivered += get(&stats.hints_delivered);
        self.hints_dropped += get(&stats.hints_dropped);
        self.batches_replayed += get(&stats.batches_replayed);
        self.read_repairs += get(&stats.read_repairs);
        self.short_answers += get(&stats.short_answers);
    }
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        self.hints_written += other.hints_written;
        self.hints_delivered += other.hints_delivered;
        self.hints_dropped += other.hints_dropped;
        self.batches_replayed += other.batches_replayed;
        self.read_repairs += other.read_repairs;
        self.short_answers += other.short_answers;
        self.torn_logs += other.torn_logs;
        self.epochs += other.epochs;
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} hints written, {} delivered, {} dropped; {} batches replayed; {} read repairs; {} short answers; {} torn logs; {} epochs",
            self.hints_written,
            self.hints_delivered,
            self.hints_dropped,
            self.batches_replayed,
            self.read_repairs,
            self.short_answers,
            self.torn_logs,
            self.epochs
        )
    }
}
