//! The prepared statements of a node, by id, as many as fit into their memory.
//!
//! When a new one does not fit, those go that were not executed for longest: each has a mark that its execution sets and that
//! buys it one more round (a clock). A client that executes one that is gone is told to prepare it again (UNPREPARED).

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::coordinator::statement::PreparedStatement;

/// Key of a statement: MD5 of keyspace and text.
pub type StatementId = [u8; 16];

/// See the module.
#[derive(Debug)]
pub struct PreparedStatements {
    bytes_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: FxHashMap<StatementId, Arc<PreparedStatement>>,
    /// Every id of `by_id` once, in the order in which they are looked at for eviction.
    order: VecDeque<StatementId>,
    bytes: usize,
    evicted: u64,
}

impl PreparedStatements {
    /// None yet; so many bytes at most.
    pub fn new(bytes_max: usize) -> Self {
        PreparedStatements { bytes_max, inner: Mutex::default() }
    }

    /// Bytes that all may take.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// A statement by id.
    pub fn get(&self, id: &StatementId) -> Option<Arc<PreparedStatement>> {
        self.inner.lock().by_id.get(id).cloned()
    }

    /// Statements kept.
    pub fn len(&self) -> usize {
        self.inner.lock().by_id.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Statements that went to make room, since the start.
    pub fn evicted(&self) -> u64 {
        self.inner.lock().evicted
    }

    /// Keeps a statement, in place of one of the same id.
    pub fn insert(&self, statement: Arc<PreparedStatement>) {
        let mut inner = self.inner.lock();
        let id = statement.id;
        inner.bytes += statement.bytes();
        match inner.by_id.insert(id, statement) {
            Some(old) => {
                old.evict();
                inner.bytes -= old.bytes();
            }
            None => inner.order.push_back(id),
        }
        inner.make_room(self.bytes_max, id);
    }
}

impl Inner {
    fn make_room(&mut self, bytes_max: usize, newest: StatementId) {
        while self.bytes > bytes_max
            && self.order.len() > 1
            && let Some(id) = self.order.pop_front()
        {
            let keeps = id == newest || self.by_id.get(&id).is_some_and(|statement| statement.take_used());
            if keeps {
                self.order.push_back(id);
            } else if let Some(statement) = self.by_id.remove(&id) {
                statement.evict();
                self.bytes -= statement.bytes();
                self.evicted += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::schema::Schema;
    use helenus_query::prepare::{PrepareContext, prepare, prepared_id};
    use helenus_query::system_tables::NodeTables;

    use super::*;

    fn statement(number: usize) -> Arc<PreparedStatement> {
        let text = format!("SELECT key FROM system.local WHERE key = '{number:05}'");
        let context = PrepareContext { schema: &Schema::default(), keyspace: None, local: &NodeTables };
        let prepared = prepare(&text, &context).expect("a statement");
        let id = prepared_id(&text, None);
        Arc::new(PreparedStatement::new(text, None, id, prepared))
    }

    #[test]
    fn what_is_not_executed_goes_first() {
        let all: Vec<_> = (0..20).map(statement).collect();
        let size = all[0].bytes();
        let cache = PreparedStatements::new(10 * size);
        for (number, statement) in all.iter().enumerate() {
            cache.insert(Arc::clone(statement));
            // The first is executed again and again.
            let _in_use = all[0].note_use();
            assert!(cache.len() <= 10, "after {number}");
        }
        let kept: Vec<usize> = (0..20).filter(|i| cache.get(&all[*i].id).is_some()).collect();
        assert_eq!(kept, [0, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        assert_eq!(cache.evicted(), 10);
        assert!(all[0].note_use(), "it may be executed from a coordinator's own table");
        assert!(!all[1].note_use(), "it may not");
    }

    #[test]
    fn one_of_the_same_id_takes_its_place() {
        let cache = PreparedStatements::new(1 << 20);
        let (old, new) = (statement(1), statement(1));
        cache.insert(Arc::clone(&old));
        cache.insert(Arc::clone(&new));
        assert_eq!(cache.len(), 1);
        assert!(!old.note_use() && new.note_use());
    }
}
