//! A store of one table with columns of many kinds, and what it holds as one run of bytes.

use std::sync::Arc;

use helenus_engine::disk::Disk;
use helenus_engine::disk_memory::MemoryDisk;
use helenus_engine::engine::{Engine, EngineConfig, JobError, JobProgress, OpenError, ReplayReport};
use helenus_engine::error::ReadError;
use helenus_engine::cursor::ReadMode;
use helenus_model::codec::put_bytes;
use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{
    ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice,
};
use helenus_model::row::{DeletionTime, RowHeader, RowRef};
use helenus_model::schema::{
    Column, ColumnKind, Replication, Schema, SchemaChange, SortOrder, TableParams, TableParts,
};
use helenus_model::time::Now;
use helenus_model::types::CqlType;
use uuid::Uuid;

/// Id of the table.
pub const TABLE: Uuid = Uuid::from_u128(1);

/// When everything happens.
pub const NOW: Now = Now { wall_micros: 1_000_000_000, monotonic_micros: 1 };

/// `CREATE TABLE ks.t (k blob, a int, b text, s blob static, v blob, n int, tags set<int>, PRIMARY KEY (k, a, b))
/// WITH CLUSTERING ORDER BY (a ASC, b DESC)`.
pub fn schema() -> Arc<Schema> {
    let (ascending, descending) = (SortOrder::Ascending, SortOrder::Descending);
    let column = |id, name: &str, ty, kind, position, order| Column { id, name: name.to_owned(), ty, kind, position, order };
    let parts = TableParts {
        id: TABLE,
        keyspace: "ks".to_owned(),
        name: "t".to_owned(),
        epoch: 1,
        columns: vec![
            column(0, "k", CqlType::Blob, ColumnKind::PartitionKey, 0, ascending),
            column(0, "a", CqlType::Int, ColumnKind::Clustering, 0, ascending),
            column(0, "b", CqlType::Text, ColumnKind::Clustering, 1, descending),
            column(1, "s", CqlType::Blob, ColumnKind::Static, 0, ascending),
            column(2, "v", CqlType::Blob, ColumnKind::Regular, 0, ascending),
            column(3, "n", CqlType::Int, ColumnKind::Regular, 0, ascending),
            column(4, "tags", CqlType::set(CqlType::Int, false), ColumnKind::Regular, 0, ascending),
        ],
        dropped: Vec::new(),
        next_column_id: 5,
        params: TableParams::default(),
        indexes: Vec::new(),
        view: None,
    };
    let replication = Replication::Simple { factor: 1 };
    let keyspace = SchemaChange::PutKeyspace { name: "ks".to_owned(), replication, durable_writes: true };
    let changes = [keyspace, SchemaChange::PutTable(Box::new(parts))];
    Arc::new(Schema::default().apply(1, &changes).expect("a valid schema"))
}

/// Opens the store of a disk.
pub fn open_on(disk: &Arc<MemoryDisk>, schema: &Arc<Schema>) -> Result<(Engine, ReplayReport), OpenError> {
    let config = EngineConfig { chunk_cache_bytes: 1 << 20, key_cache_bytes: 1 << 16, ..EngineConfig::default() };
    let disk = Arc::clone(disk) as Arc<dyn Disk>;
    Engine::open(disk, config, Arc::clone(schema), Vec::new(), NOW)
}

/// Collects what is told, each item in one form of bytes, and checks that markers pair up.
#[derive(Debug, Default)]
struct Content {
    out: Vec<u8>,
    open: Option<DeletionTime>,
    live: Vec<u8>,
}

impl Content {
    fn put(&mut self, tag: u8, bytes: &[u8]) {
        self.out.push(tag);
        put_bytes(&mut self.out, bytes);
    }

    fn put_row(&mut self, tag: u8, row: RowRef<'_>) {
        let row = RowRef::validate(row.bytes()).expect("a valid row");
        self.live.clear();
        RowHeader::new(row.header.liveness, row.header.deletion).encode(&mut self.live);
        for cell in row.cells() {
            cell.encode(&RowHeader::EMPTY, &mut self.live);
        }
        let row = std::mem::take(&mut self.live);
        self.put(tag, &row);
        self.live = row;
    }
}

impl PartitionConsumer for Content {
    fn partition(&mut self, key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        self.open = Some(DeletionTime::LIVE);
        self.put(1, key.key);
        deletion.encode(&mut self.out);
        if let Some(row) = static_row {
            self.put_row(2, row);
        }
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        match item {
            Unfiltered::Row { clustering, row } => {
                self.put(3, clustering);
                self.put_row(4, row);
            }
            Unfiltered::Marker(marker) => {
                assert_eq!(self.open, Some(marker.close), "a marker closes what is open");
                self.open = Some(marker.open);
                self.put(5, marker.position.prefix);
                self.out.push(marker.position.weight as u8);
                marker.close.encode(&mut self.out);
                marker.open.encode(&mut self.out);
            }
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        assert_eq!(self.open.take(), Some(DeletionTime::LIVE), "every deletion opened is closed");
        Flow::Continue(Next::Partition)
    }
}

/// Everything the table holds.
pub fn content(engine: &Engine, reversed: bool) -> Result<Vec<u8>, ReadError> {
    let command = ReadCommand {
        table: TABLE,
        schema_epoch: 1,
        scope: ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None },
        slices: vec![Slice::all()],
        reversed,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now: NOW.seconds(),
        through: None,
    };
    let mut content = Content::default();
    engine.read(&command, ReadMode::UNBOUNDED, &mut content)?;
    Ok(content.out)
}

/// Runs all background work that is due.
pub fn run_jobs(engine: &Engine) -> Result<(), JobError> {
    while let Some(mut job) = engine.next_job(NOW) {
        while matches!(job.run_slice(engine, 4096, NOW)?, JobProgress::More { .. }) {}
    }
    Ok(())
}
