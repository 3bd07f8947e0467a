//! What a gossiper keeps of one other endpoint.

use crate::state::EndpointState;

/// One other endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// What it said of itself.
    pub(super) state: EndpointState,
    /// Marked up.
    pub(super) alive: bool,
    /// When news of it last arrived, in milliseconds.
    pub(super) updated_ms: u64,
    /// When it was last marked down, in milliseconds.
    pub(super) down_since_ms: Option<u64>,
    /// How many more echoes are worth the try since it last showed life; 0 unless it did so while down.
    pub(super) echoes_left: u32,
    /// The echo it has not answered yet, and when it was sent.
    pub(super) echo: Option<(u64, u64)>,
    /// It said that this life of it ends.
    pub(super) shut_down: bool,
}

impl Peer {
    /// A peer first seen at `now_ms`.
    pub(super) fn new(state: EndpointState, now_ms: u64) -> Peer {
        Peer { state, updated_ms: now_ms, ..Peer::default() }
    }

    /// May be marked up if it answers.
    pub(super) fn may_live(&self) -> bool {
        self.state.generation > 0 && !self.shut_down && !self.state.is_dead()
    }
}
