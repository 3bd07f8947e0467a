//! Which code is reached, and which variables have a value there.

use super::Unassigned;

/// The state before or behind a statement.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Variables that may have no value yet.
    pub(super) unassigned: Unassigned,
    /// False behind `return`, `throw`, `break`, `continue` and endless loops.
    pub(super) live: bool,
}

impl Flow {
    pub(super) fn start() -> Self {
        Flow { unassigned: Unassigned::new(), live: true }
    }

    pub(super) fn dead() -> Self {
        Flow { unassigned: Unassigned::new(), live: false }
    }

    /// Where two ways meet.
    pub(super) fn meet(self, other: Flow) -> Flow {
        match (self.live, other.live) {
            (false, _) => other,
            (_, false) => self,
            _ => Flow { unassigned: &self.unassigned | &other.unassigned, live: true },
        }
    }

    /// Where this meets one that may not be.
    pub(super) fn meet_some(self, other: Option<Flow>) -> Flow {
        match other {
            Some(other) => self.meet(other),
            None => self,
        }
    }
}
