//! Writers, readers and jobs on real threads: writes to one partition are atomic and isolated, and none is lost in a switch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use helenus_model::key::KeyRef;
use helenus_model::partition::Unfiltered;
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::rng::Rng;
use helenus_model::row::{CellRef, DeletionTime, RowHeader, RowRef};
use helenus_model::schema::Schema;
use helenus_model::time::Now;
use uuid::Uuid;

use super::{Engine, EngineConfig, JobProgress};
use crate::cursor::ReadMode;
use crate::disk_memory::MemoryDisk;
use crate::testing::{Change, VALUE, clustering, row, schema, table_parts};

const TABLE: Uuid = Uuid::from_u128(1);
const NOW: Now = Now { wall_micros: 1_000_000_000, monotonic_micros: 0 };
const ROWS: i32 = 100;

/// Values of all rows of a partition.
#[derive(Default)]
struct Values(Vec<Vec<u8>>);

impl PartitionConsumer for Values {
    fn partition(&mut self, _: KeyRef<'_>, _: DeletionTime, _: Option<RowRef<'_>>) -> Flow {
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { row, .. } = item {
            self.0.extend(row.cells().map(|cell| cell.value.to_vec()));
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        Flow::Continue(Next::Item)
    }
}

fn open(disk: &MemoryDisk, schema: &Arc<Schema>) -> Engine {
    let config = EngineConfig { memtable_bytes_max: 12_000, log_segment_bytes: 100_000, ..EngineConfig::default() };
    Engine::open(Arc::new(disk.clone()), config, Arc::clone(schema), Vec::new(), NOW).expect("opens").0
}

/// A batch that gives every row of a partition the same value.
fn batch(key: u8, timestamp: i64) -> Vec<u8> {
    let header = RowHeader::of_statement(timestamp, 0, 0, true);
    let value = timestamp.to_be_bytes();
    let rows = (0..ROWS).map(|i| (clustering(&[i, 0]), row(header, &[CellRef::live(VALUE, timestamp, &value)])));
    Change { rows: rows.collect(), ..Change::default() }.encode(TABLE, &[key])
}

fn read(engine: &Engine, key: u8) -> Vec<Vec<u8>> {
    let command = ReadCommand {
        table: TABLE,
        schema_epoch: 1,
        scope: ReadScope::Partition { key: Box::new([key]) },
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now: NOW.seconds(),
        through: None,
    };
    let mut values = Values::default();
    engine.read(&command, ReadMode::UNBOUNDED, &mut values).expect("read");
    values.0
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this test is about threads")]
fn batches_are_seen_whole_and_none_is_lost() {
    let disk = MemoryDisk::new();
    let schema = schema(vec![table_parts(1, "t", 10)]);
    let engine = Arc::new(open(&disk, &schema));
    let last: Arc<[AtomicU64; 2]> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for key in 0..2_u8 {
        let (engine, last) = (Arc::clone(&engine), Arc::clone(&last));
        threads.push(thread::spawn(move || {
            for timestamp in 1..150 {
                engine.apply(&batch(key, timestamp), true).expect("applied");
                engine.log_flush().expect("flushed");
                last[usize::from(key)].store(timestamp as u64, Ordering::SeqCst);
            }
        }));
    }
    let mut others = Vec::new();
    for seed in 0..2 {
        let (engine, last, stop) = (Arc::clone(&engine), Arc::clone(&last), Arc::clone(&stop));
        others.push(thread::spawn(move || {
            let mut rng = Rng::new(seed);
            while !stop.load(Ordering::SeqCst) {
                let key = rng.below(2) as u8;
                let least = last[usize::from(key)].load(Ordering::SeqCst);
                let values = read(&engine, key);
                assert!(values.len() == ROWS as usize || (values.is_empty() && least == 0), "{} rows", values.len());
                assert!(values.iter().all(|value| *value == values[0]), "a batch is seen whole");
                if let Some(value) = values.first() {
                    assert!(*value >= least.to_be_bytes().to_vec(), "what was applied is seen");
                }
            }
        }));
    }
    let (jobs_engine, jobs_stop) = (Arc::clone(&engine), Arc::clone(&stop));
    others.push(thread::spawn(move || {
        while !jobs_stop.load(Ordering::SeqCst) {
            match jobs_engine.next_job(NOW) {
                Some(mut job) => {
                    while let JobProgress::More { .. } = job.run_slice(&jobs_engine, 10_000, NOW).expect("goes on") {}
                }
                None => thread::yield_now(),
            }
        }
    }));
    threads.into_iter().for_each(|thread| thread.join().expect("a writer ends well"));
    stop.store(true, Ordering::SeqCst);
    others.into_iter().for_each(|thread| thread.join().expect("a reader or job ends well"));
    assert!(engine.stats().tables[0].live_sstables > 0, "something was flushed meanwhile");
    drop(engine);
    disk.crash(false, &mut Rng::new(1));
    let engine = open(&disk, &schema);
    for key in 0..2 {
        assert_eq!(read(&engine, key), vec![149_i64.to_be_bytes().to_vec(); ROWS as usize]);
    }
}
