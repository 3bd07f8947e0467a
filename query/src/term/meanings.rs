//! What the calls in a term mean, remembered while the term is prepared. Each overload of a function asks what each argument would be at
//! its parameter: without a memory the work would grow with the number of overloads to the power of the nesting.

use std::cell::RefCell;
use std::sync::Arc;

use helenus_cql::ast::Term as RawTerm;
use helenus_model::types::CqlType;
use rustc_hash::FxHashMap;

use crate::function::ScalarFunction;

/// A type that was wanted of a call (None: any) and the function it means there; None: there is none.
type Meaning = (Option<CqlType>, Option<Arc<ScalarFunction>>);

/// The memory. Terms are told apart by where they lie: it holds only while the outermost term is being prepared.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    depth: usize,
    known: RefCell<FxHashMap<usize, Vec<Meaning>>>,
}

fn place(term: &RawTerm) -> usize {
    std::ptr::from_ref(term) as usize
}

impl Meanings {
    /// A term begins.
    pub(super) fn enter(&mut self) {
        self.depth += 1;
    }

    /// It ends; with the outermost one everything is forgotten.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.known.get_mut().clear();
        }
    }

    fn look<T>(&self, term: &RawTerm, wanted: Option<&CqlType>, then: impl Fn(&Meaning) -> Option<T>) -> Option<T> {
        if self.depth == 0 {
            return None;
        }
        let known = self.known.borrow();
        known.get(&place(term))?.iter().find(|(ty, _)| ty.as_ref() == wanted).and_then(then)
    }

    /// The function that a call means where this type is wanted.
    pub(super) fn find(&self, term: &RawTerm, wanted: Option<&CqlType>) -> Option<Arc<ScalarFunction>> {
        self.look(term, wanted, |(_, function)| function.clone())
    }

    /// Whether a call is known to mean nothing there.
    pub(super) fn is_known_to_fail(&self, term: &RawTerm, wanted: &CqlType) -> bool {
        self.look(term, Some(wanted), |(_, function)| function.is_none().then_some(())).is_some()
    }

    fn put(&self, term: &RawTerm, meaning: Meaning) {
        if self.depth > 0 {
            self.known.borrow_mut().entry(place(term)).or_default().push(meaning);
        }
    }

    /// Remembers what [`Meanings::find`] is to answer.
    pub(super) fn remember(&self, term: &RawTerm, wanted: Option<&CqlType>, function: &Arc<ScalarFunction>) {
        self.put(term, (wanted.cloned(), Some(Arc::clone(function))));
    }

    /// Remembers that a call means nothing there.
    pub(super) fn remember_failure(&self, term: &RawTerm, wanted: &CqlType) {
        self.put(term, (Some(wanted.clone()), None));
    }
}
