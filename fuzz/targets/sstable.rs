//! A sound store whose SSTable files are damaged as the fuzzer says: every read ends, and no wrong row is ever read.
#![no_main]

use std::sync::{Arc, OnceLock};

use helenus_engine::disk_memory::MemoryDisk;
use helenus_fuzz::input::Input;
use helenus_fuzz::store;
use helenus_model::key::put_clustering_value;
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::PartitionWriter;
use helenus_model::row::{CellRef, DeletionTime, RowHeader};
use helenus_model::schema::Schema;
use libfuzzer_sys::fuzz_target;

struct World {
    disk: MemoryDisk,
    schema: Arc<Schema>,
    content: Vec<u8>,
    files: Vec<String>,
}

fn insert(key: &[u8], a: i32, b: &str, value: &[u8]) -> Vec<u8> {
    let timestamp = i64::from(a) + 10;
    let header = RowHeader::of_statement(timestamp, 0, 0, true);
    let mut row = Vec::new();
    header.encode(&mut row);
    CellRef::live(2, timestamp, value).encode(&header, &mut row);
    CellRef::tombstone(3, timestamp, 900).encode(&header, &mut row);
    let mut clustering = Vec::new();
    put_clustering_value(&mut clustering, Some(&a.to_be_bytes()));
    put_clustering_value(&mut clustering, Some(b.as_bytes()));
    let mut partition = Vec::new();
    let mut writer = PartitionWriter::begin(&mut partition, DeletionTime { marked_at: 5, local: 800 }, None);
    writer.row(&clustering, &row);
    writer.end();
    let mut out = Vec::new();
    encode_mutation(&mut out, key, &[(store::TABLE, &partition)]);
    out
}

fn world() -> World {
    let schema = store::schema();
    let disk = Arc::new(MemoryDisk::new());
    let (engine, _) = store::open_on(&disk, &schema).expect("an empty store");
    for key in 0..20_u8 {
        for a in 0..8 {
            let value = vec![key ^ a as u8; 40];
            engine.apply(&insert(&[key], a, "text", &value), true).expect("applied");
        }
    }
    engine.log_flush().expect("written");
    engine.flush_all();
    store::run_jobs(&engine).expect("flushed");
    let content = store::content(&engine, false).expect("readable");
    drop(engine);
    let files: Vec<String> = disk.files().into_iter().filter(|path| path.starts_with("data/")).collect();
    assert!(!files.is_empty());
    World { disk: disk.copy(), schema, content, files }
}

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(world);
    let disk = world.disk.copy();
    let mut input = Input::new(data);
    while !input.is_empty() {
        let path = &world.files[usize::from(input.byte()) % world.files.len()];
        let mut bytes = disk.content(path).unwrap_or_default();
        match input.byte() {
            0..=199 => {
                let at = usize::from(input.word()) % bytes.len().max(1);
                let new = input.short();
                for (byte, new) in bytes.iter_mut().skip(at).zip(new) {
                    *byte = *new;
                }
            }
            200..=219 => bytes.truncate(usize::from(input.word())),
            220..=239 => bytes.extend_from_slice(input.short()),
            _ => bytes = input.short().to_vec(),
        }
        disk.put(path, bytes);
    }
    let Ok((engine, _)) = store::open_on(&Arc::new(disk), &world.schema) else { return };
    if let Ok(content) = store::content(&engine, false) {
        assert_eq!(content, world.content, "damage was read as data");
    }
    let _backwards = store::content(&engine, true);
    engine.compact_major(store::TABLE);
    let _jobs = store::run_jobs(&engine);
});
