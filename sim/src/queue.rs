//! What is going to happen, in order of time; at one time, in the order in which it was decided.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use helenus_cluster::control::{ControlEvent, ControlRequest};
use helenus_cluster::task::Task;
use helenus_engine::log::LogPosition;
use uuid::Uuid;

use crate::fault::Mend;
use crate::net::Side;

/// One life of a member's process: a restart is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberRun {
    /// Number of the member, from 0.
    pub member: usize,
    /// Number of the life.
    pub run: u32,
}

/// A coordinator in one life of its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Whose.
    pub at: MemberRun,
    /// Its number.
    pub number: usize,
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// Time passes for a coordinator.
    CoordinatorTick(Place),
    /// A coordinator's batch ends.
    Flush(Place),
    /// A task's time is over: it runs.
    Task(Place, Box<Task>),
    /// The control part told a coordinator something.
    Tell(Place, Box<ControlEvent>),
    /// The log is on the device.
    Synced(Place, LogPosition),
    /// A coordinator wants a link.
    Dial(Place, Uuid),
    /// Time passes for a control part.
    ControlTick(MemberRun),
    /// A coordinator asked the control part.
    Request(MemberRun, Box<ControlRequest>),
    /// The device is done with the log.
    Sync(MemberRun),
    /// Background work.
    Job(MemberRun),
    /// Something comes over a link.
    Item(u64, Side),
    /// One end of a link finds out that it is dead.
    Broken(u64, Side),
    /// Nobody answered on a link.
    DialTimeout(u64),
    /// A client opens a connection.
    Connect(usize),
    /// A client asks something.
    Ask(usize),
    /// A client asks something of a register at which others are at work.
    Gather(usize, i32),
    /// A fault while clients are at work at one register.
    GatherFault,
    /// A client gives up on a request.
    GiveUp(usize, u64),
    /// The next fault.
    Fault,
    /// The end of one.
    Mend(Mend),
    /// A dead member starts.
    Restart(usize),
}

#[derive(Debug)]
struct Entry {
    at: u64,
    sequence: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap's largest is the next one.
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

/// Events to come.
#[derive(Debug, Default)]
pub struct Queue {
    heap: BinaryHeap<Entry>,
    sequence: u64,
    now: u64,
}

impl Queue {
    /// Simulated time, microseconds from the start of the run.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Adds an event `delay` microseconds from now.
    pub fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Adds an event.
    pub fn at(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.heap.push(Entry { at: at.max(self.now), sequence: self.sequence, event });
    }

    /// Takes the next event and sets the time to its.
    pub fn pop(&mut self) -> Option<Event> {
        let entry = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }

    /// Lets time pass up to `at` without an event.
    pub fn pass(&mut self, at: u64) {
        debug_assert!(self.next_at().is_none_or(|next| next > at), "an event is not passed over");
        self.now = self.now.max(at);
    }

    /// When the next event comes.
    pub fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_in_the_order_given() {
        let mut queue = Queue::default();
        for (delay, client) in [(5, 0), (3, 1), (5, 2), (0, 3)] {
            queue.after(delay, Event::Ask(client));
        }
        let mut seen = Vec::new();
        while let Some(Event::Ask(client)) = queue.pop() {
            seen.push((queue.now(), client));
        }
        assert_eq!(seen, [(0, 3), (3, 1), (5, 0), (5, 2)]);
    }
}
