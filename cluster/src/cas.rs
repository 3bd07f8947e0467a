//! The registers of conditional writes: for each partition of a table one Paxos register, kept by each of the partition's replicas as a
//! row of its `system.paxos`.
//!
//! A coordinator proposes (`coordinator/cas.rs`):
//!
//! 1. *Prepare*: a ballot, later than all it has seen. A replica that has promised no later one promises it, and tells the latest
//!    value it accepted and the latest it knows to be decided. Enough promises: nobody earlier can decide any more.
//! 2. A value that was accepted and, for all the promises tell, not decided is proposed again first. Replicas that lack the latest
//!    decision get it. Then the partition is read at the quorum, and the conditions decide what is proposed.
//! 3. *Propose*: a replica that has promised no later ballot accepts. Enough acceptances: it is decided.
//! 4. *Commit*: the decided mutation is applied, with the ballot's time as its timestamp.
//!
//! Promises and acceptances are on the device before they are answered, but for one: where a partition has one replica and that one
//! proposes, its promise to itself is kept in memory only. A crash ends the round that rests on it, whose value nobody else can have
//! accepted. (Beside other replicas that would not do: they may have accepted what this one would then not remember to be bound by.)
//!
//! Times of ballots are whole microseconds; of two ballots of one time a register takes only the first, so the times of its decisions
//! grow.

pub(crate) mod ballot;
pub(crate) mod register;
pub(crate) mod wire;

#[cfg(test)]
mod tests;
