//! Any bytes as commit log segments: as they are, or as records with right checksums, damage, and segments that name each other.
//!
//! A start ends with a store or with an error that names a file. A second start finds what the first one found, and so does one
//! after a flush. (What a flush leaves out, such as cells of unknown columns, is the engine's own tests' matter.)
#![no_main]

use std::sync::OnceLock;

use helenus_engine::disk_memory::MemoryDisk;
use helenus_fuzz::input::Input;
use helenus_fuzz::store;
use helenus_model::schema::Schema;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

/// A segment being written, after `docs/formats.md` and not by the engine's own code.
struct Segment {
    number: u32,
    bytes: Vec<u8>,
}

impl Segment {
    fn new(number: u32, previous: u32, previous_end: u32, synced: bool) -> Self {
        let mut bytes = b"HELNLOG\x01".to_vec();
        for word in [number, previous, previous_end] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes.extend_from_slice(if synced { b"S\0\0\0\0\0\0\0" } else { b"\0\0\0\0\0\0\0\0" });
        Segment { number, bytes }
    }

    fn record(&mut self, body: &[u8]) {
        let offset = self.bytes.len() as u32;
        let length = body.len() as u32;
        let place: Vec<u8> = [self.number, offset, length].iter().flat_map(|word| word.to_be_bytes()).collect();
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(&crc32fast::hash(&place).to_be_bytes());
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(&crc32fast::hash(body).to_be_bytes());
    }

    /// Says that the log was durable up to byte `offset` of a segment.
    fn mark(&mut self, segment: u32, offset: u32) {
        let at = self.bytes.len() as u32;
        let place: Vec<u8> = [self.number, at, u32::MAX].iter().flat_map(|word| word.to_be_bytes()).collect();
        let position: Vec<u8> = [segment, offset].iter().flat_map(|word| word.to_be_bytes()).collect();
        self.bytes.extend_from_slice(&u32::MAX.to_be_bytes());
        self.bytes.extend_from_slice(&crc32fast::hash(&place).to_be_bytes());
        self.bytes.extend_from_slice(&position);
        self.bytes.extend_from_slice(&crc32fast::hash(&position).to_be_bytes());
    }

    fn put(self, disk: &MemoryDisk) {
        disk.put(&format!("commitlog/segment-{:010}.log", self.number), self.bytes);
    }
}

/// Segments as the input says: records, damage, and new segments.
fn write(input: &mut Input<'_>, disk: &MemoryDisk) {
    let mut segment = Segment::new(1, 0, 0, false);
    while !input.is_empty() {
        match input.byte() {
            0..=199 => {
                let size = usize::from(input.word());
                segment.record(input.take(size));
            }
            200..=209 => segment.bytes.extend_from_slice(input.short()),
            210..=214 => segment.bytes.resize(segment.bytes.len() + usize::from(input.byte()), 0),
            215..=224 => {
                let (number, offset) = (segment.number, u32::from(input.word()));
                segment.mark(number - u32::from(number > 1 && offset & 1 == 1), offset);
            }
            225..=229 => {
                let at = usize::from(input.word());
                if let Some(byte) = segment.bytes.get_mut(at) {
                    *byte ^= input.byte();
                }
            }
            230..=239 => {
                let size = usize::from(input.word());
                segment.bytes.truncate(size);
            }
            choice => {
                let number = segment.number;
                let end = segment.bytes.len() as u32 + u32::from(choice == 240);
                segment.put(disk);
                segment = Segment::new(number + 1, number, end, choice & 1 == 0);
            }
        }
    }
    segment.put(disk);
}

fuzz_target!(|data: &[u8]| {
    static SCHEMA: OnceLock<Arc<Schema>> = OnceLock::new();
    let schema = SCHEMA.get_or_init(store::schema);
    let disk = MemoryDisk::new();
    let mut input = Input::new(data);
    if input.byte() == 0 {
        disk.put("commitlog/segment-0000000001.log", input.rest().to_vec());
    } else {
        write(&mut input, &disk);
    }
    let shared = Arc::new(disk.copy());
    let (engine, report) = match store::open_on(&shared, schema) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let before = store::content(&engine, false).expect("memory can be read");
    store::content(&engine, true).expect("memory can be read backwards");
    drop(engine);
    // A second start finds the same records, and nothing torn any more.
    let (engine, again) = store::open_on(&shared, schema).expect("what was opened once opens again");
    assert_eq!((again.records, again.torn_bytes), (report.records, 0));
    assert_eq!(store::content(&engine, false).expect("memory can be read"), before);
    // What is flushed can be read, now and by the next start.
    engine.flush_all();
    if store::run_jobs(&engine).is_ok() {
        let flushed = store::content(&engine, false).expect("flushed bytes can be read");
        drop(engine);
        let (engine, _) = store::open_on(&shared, schema).expect("what was flushed opens again");
        assert_eq!(store::content(&engine, false).expect("and can be read"), flushed);
    }
});
