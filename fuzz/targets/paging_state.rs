//! Any bytes as a paging state of a statement: they are refused or they are a position, from which the statement reads on to its
//! end, page by page, each page's state being good for the next.
#![no_main]

use std::sync::{Arc, OnceLock};

use helenus_cql::ast;
use helenus_engine::cursor::ReadMode;
use helenus_engine::disk_memory::MemoryDisk;
use helenus_engine::engine::Engine;
use helenus_fuzz::input::Input;
use helenus_fuzz::store::{NOW, TABLE, open_on, schema};
use helenus_model::rng::Rng;
use helenus_query::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use helenus_query::select::{PageRequest, SelectPlan};
use helenus_query::sink::RowCollector;
use helenus_query::values::{ExecuteOptions, NoValues, SteppingIds};
use helenus_query::write::WriteBatch;
use libfuzzer_sys::fuzz_target;

const STATEMENTS: [&str; 12] = [
    "SELECT * FROM ks.t",
    "SELECT * FROM ks.t LIMIT 7",
    "SELECT * FROM ks.t PER PARTITION LIMIT 2",
    "SELECT k, s FROM ks.t WHERE k = 0x01",
    "SELECT * FROM ks.t WHERE k = 0x01 AND a > 1 ORDER BY a DESC",
    "SELECT * FROM ks.t WHERE k = 0x01 AND (a, b) >= (1, 'b')",
    "SELECT * FROM ks.t WHERE k IN (0x00, 0x01, 0x02) AND a IN (0, 2)",
    "SELECT * FROM ks.t WHERE token(k) > -9 LIMIT 9",
    "SELECT DISTINCT k, s FROM ks.t",
    "SELECT k, a, count(b) FROM ks.t GROUP BY k, a",
    "SELECT max(n) FROM ks.t",
    "SELECT * FROM ks.t WHERE n > 1 ALLOW FILTERING",
];

struct World {
    engine: Engine,
    statements: Vec<(Arc<SelectPlan>, u64)>,
}

// One thread fuzzes.
thread_local! {
    static WORLD: OnceLock<World> = const { OnceLock::new() };
}

fn world() -> World {
    let schema = schema();
    let context = PrepareContext { schema: &schema, keyspace: None, local: &NoSystemTables };
    let (engine, _) = open_on(&Arc::new(MemoryDisk::new()), &schema).expect("an empty store opens");
    let ids = SteppingIds::new(7, Rng::new(1));
    for key in 0..4 {
        for a in 0..3 {
            for b in ["a", "b", "c"] {
                let text = format!("INSERT INTO ks.t (k, a, b, s, n) VALUES (0x0{key}, {a}, '{b}', 0x00, {a})");
                let prepared = prepare(&text, &context).expect("a valid INSERT");
                let Statement::Write(plan) = &prepared.statement else { panic!("{text}") };
                let mut batch = WriteBatch::new();
                plan.bind_with(&NoValues, &options(&ids), None, &mut batch).expect("no markers");
                batch.finish();
                batch.mutations().for_each(|mutation| {
                    engine.apply(mutation.bytes, true).expect("applied");
                });
            }
        }
    }
    let statements = STATEMENTS.iter().map(|text| {
        let parsed = helenus_cql::parse(text).expect("it parses");
        let ast::Statement::Select(select) = &parsed.statement else { panic!("{text}") };
        let prepared = prepare(text, &context).expect("it prepares");
        let Statement::Select(plan) = prepared.statement else { panic!("{text}") };
        (plan, hash(format!("{select:?}").as_bytes()))
    });
    World { engine, statements: statements.collect() }
}

fn options(ids: &SteppingIds) -> ExecuteOptions<'_> {
    ExecuteOptions { timestamp: 1, now: NOW.seconds(), now_millis: NOW.seconds() * 1000, ids }
}

/// The hash of `query::select::paging`, so that the fuzzer gets past it.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Reads from the state to the end; answers whether the state was taken.
fn read_on(world: &World, plan: &Arc<SelectPlan>, mut state: Vec<u8>, size: u32) -> bool {
    let ids = SteppingIds::new(7, Rng::new(1));
    for page in 0.. {
        assert!(page < 100, "pages without end from {state:02x?}");
        let request = PageRequest { size: Some(size), state: Some(&state) };
        let Ok(mut execution) = plan.start(&NoValues, &options(&ids), request) else {
            assert_eq!(page, 0, "a state of ours is refused: {state:02x?}");
            return false;
        };
        let mut rows = RowCollector::default();
        for command in 0.. {
            assert!(command < 1000, "reads without end from {state:02x?}");
            let Some((command, mut consumer)) = execution.command_and_consumer(&mut rows) else { break };
            world.engine.read(command, ReadMode::UNBOUNDED, &mut consumer).expect("a read of memory");
            execution.command_done(&mut rows).expect("no function fails");
        }
        let end = execution.finish(&mut rows).expect("no function fails");
        assert!(rows.rows.len() <= size as usize, "{} rows in a page of {size}", rows.rows.len());
        match end.paging_state {
            Some(next) => state = next,
            None => return true,
        }
    }
    true
}

fuzz_target!(|data: &[u8]| {
    WORLD.with(|cell| {
        let world = cell.get_or_init(world);
        let mut input = Input::new(data);
        let (plan, statement) = &world.statements[usize::from(input.byte()) % STATEMENTS.len()];
        let size = u32::from(input.byte() % 8) + 1;
        let sealed = input.byte() & 7 != 0;
        let mut state = Vec::new();
        if sealed {
            state.push(1);
            state.extend_from_slice(TABLE.as_bytes());
            state.extend_from_slice(&statement.to_be_bytes());
        }
        state.extend_from_slice(input.rest());
        if sealed {
            let check = hash(&state) as u32;
            state.extend_from_slice(&check.to_be_bytes());
        }
        read_on(world, plan, state, size);
    });
});
