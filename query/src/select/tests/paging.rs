//! Pages put together are the whole result, and damaged paging states are refused.

use proptest::prelude::*;

use super::store::Store;
use super::{page, plan, shared_sample as sample};
use crate::error::QueryError;
use crate::select::PageRequest;
use crate::sink::RowCollector;
use crate::values::NoValues;

const STATEMENTS: [&str; 20] = [
    "SELECT * FROM t",
    "SELECT k FROM t",
    "SELECT * FROM t WHERE k = 1",
    "SELECT * FROM t WHERE k = 3",
    "SELECT * FROM t WHERE k IN (1, 3, 7, 5)",
    "SELECT * FROM t WHERE k IN (1, 3, 7, 5) AND c IN (1, 3)",
    "SELECT * FROM t WHERE k = 1 ORDER BY c DESC",
    "SELECT * FROM t LIMIT 7",
    "SELECT * FROM t PER PARTITION LIMIT 2",
    "SELECT * FROM t PER PARTITION LIMIT 2 LIMIT 5",
    "SELECT * FROM t WHERE k IN (1, 7, 5) PER PARTITION LIMIT 2",
    "SELECT DISTINCT k, s FROM t",
    "SELECT * FROM t WHERE v > 10 ALLOW FILTERING",
    "SELECT * FROM t WHERE v > 10 PER PARTITION LIMIT 2 LIMIT 6 ALLOW FILTERING",
    "SELECT * FROM t WHERE token(k) > -4069959284402364209",
    "SELECT * FROM d WHERE k = 1 AND (c1, c2) > (1, 2)",
    "SELECT * FROM d WHERE k = 1 AND c1 IN (1, 3) ORDER BY c1",
    "SELECT k, c1, count(*), sum(v) FROM d GROUP BY k, c1",
    "SELECT k, c1, count(*) FROM d GROUP BY k, c1 LIMIT 3",
    "SELECT k, count(*) FROM t GROUP BY k",
];

type Rows = Vec<Vec<Option<Vec<u8>>>>;

fn pages(store: &Store, statement: &str, size: u32) -> Result<(Rows, Vec<Vec<u8>>), QueryError> {
    let plan = plan(store, statement)?;
    let (mut sink, mut states, mut state) = (RowCollector::default(), Vec::new(), None::<Vec<u8>>);
    loop {
        let before = sink.rows.len();
        let request = PageRequest { size: Some(size), state: state.as_deref() };
        let (next, _) = page(store, &plan, &NoValues, request, &mut sink)?;
        assert!(sink.rows.len() - before <= size as usize, "{statement}: a page of more than {size} rows");
        match next {
            None => return Ok((sink.rows, states)),
            Some(next) => {
                assert_eq!(sink.rows.len() - before, size as usize, "{statement}: a page is not full");
                states.push(next.clone());
                state = Some(next);
            }
        }
        assert!(states.len() < 1000, "{statement}: pages without end");
    }
}

#[test]
fn pages_are_the_whole() {
    let store = sample();
    for statement in STATEMENTS {
        let mut whole = RowCollector::default();
        let plan = plan(store, statement).unwrap();
        page(store, &plan, &NoValues, PageRequest::default(), &mut whole).unwrap();
        for size in 1..16 {
            let (rows, _) = pages(store, statement, size).unwrap();
            assert_eq!(rows, whole.rows, "{statement} in pages of {size}");
        }
    }
}

#[test]
fn states_belong_to_their_statement() {
    let store = sample();
    let (_, states) = pages(store, "SELECT * FROM t", 2).unwrap();
    for (statement, fits) in [("SELECT * FROM t", true), ("SELECT k FROM t", false), ("SELECT * FROM d", false)] {
        let plan = plan(store, statement).unwrap();
        let request = PageRequest { size: Some(2), state: Some(&states[0]) };
        let found = page(store, &plan, &NoValues, request, &mut RowCollector::default());
        assert_eq!(found.is_ok(), fits, "{statement}: {found:?}");
    }
}

#[test]
fn sorted_queries_refuse_pages() {
    let store = sample();
    for limit in ["", " LIMIT 2"] {
        let error = pages(store, &format!("SELECT k, c FROM t WHERE k IN (1, 7) ORDER BY c{limit}"), 2).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Cannot page queries with both ORDER BY and a IN restriction on the partition key")
        );
    }
}

proptest! {
    #[test]
    fn damaged_states_are_refused(statement in 0..STATEMENTS.len(), which in any::<prop::sample::Index>(),
                                  at in any::<prop::sample::Index>(), with in 1u8.., cut in any::<bool>()) {
        let store = sample();
        let (_, states) = pages(store, STATEMENTS[statement], 1).unwrap();
        prop_assume!(!states.is_empty());
        let mut state = states[which.index(states.len())].clone();
        let at = at.index(state.len());
        if cut {
            state.truncate(at);
        } else {
            state[at] ^= with;
        }
        let plan = plan(store, STATEMENTS[statement]).unwrap();
        let request = PageRequest { size: Some(1), state: Some(&state) };
        let found = page(store, &plan, &NoValues, request, &mut RowCollector::default());
        prop_assert_eq!(found.unwrap_err(), QueryError::protocol("Invalid value for the paging state"));
    }

    #[test]
    fn any_bytes_as_state_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let store = sample();
        let plan = plan(store, "SELECT * FROM t").unwrap();
        let request = PageRequest { size: Some(1), state: Some(&bytes) };
        let found = page(store, &plan, &NoValues, request, &mut RowCollector::default());
        prop_assert!(found.is_err());
    }
}
