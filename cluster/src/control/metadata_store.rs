//! The metadata log on disk: `metadata/log`, records appended and synced before anything is answered.
//!
//! ```text
//! file   := magic "HELMETA1", record*
//! record := length u32, CRC32 u32 of the length, body, CRC32 u32 of the body
//! body   := 1, epoch u64, entry                       decided
//!         | 2, epoch u64, ballot                      promised
//!         | 3, epoch u64, ballot, entry               accepted
//! ```
//!
//! A record whose checksums do not fit is the torn end of the file if no whole record follows; the file is cut there. Anything
//! else is damage, and the start stops: also a record whose checksums fit and whose content nobody
//! knows, for it was written whole and is part of what this node promised.

use std::sync::Arc;

use helenus_engine::disk::{Disk, DiskError, DiskErrorKind, DiskFile, DiskResult};
use helenus_model::codec::Reader;
use thiserror::Error;

use super::metadata_message::Ballot;

const DIRECTORY: &str = "metadata";
const PATH: &str = "metadata/log";
const MAGIC: &[u8; 8] = b"HELMETA1";

/// The metadata log could not be read.
#[derive(Clone, Debug, Error)]
pub enum MetadataStoreError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The bytes are not what was written.
    #[error("{PATH} is damaged at byte {offset}: restore it from a copy, or give the node an empty data directory")]
    Damaged {
        /// Where.
        offset: usize,
    },
}

/// A record read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Decided { epoch: u64, entry: Vec<u8> },
    Promised { epoch: u64, ballot: Ballot },
    Accepted { epoch: u64, ballot: Ballot, entry: Vec<u8> },
}

/// The open file.
#[derive(Debug)]
pub(crate) struct MetadataStore {
    file: Arc<dyn DiskFile>,
    len: u64,
    buffer: Vec<u8>,
}

impl MetadataStore {
    /// Opens or makes the file, and reads what is in it.
    pub(crate) fn open(disk: &dyn Disk) -> Result<(Self, Vec<Record>), MetadataStoreError> {
        let file = match disk.open(PATH) {
            Ok(file) => file,
            Err(error) if error.kind == DiskErrorKind::NotFound => return Self::create(disk),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = vec![0; file.len()? as usize];
        file.read_at(0, &mut bytes)?;
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
            // The process ended before the first record: there is nothing to lose.
            file.write_at(0, MAGIC)?;
            file.sync()?;
            return Ok((MetadataStore { file, len: MAGIC.len() as u64, buffer: Vec::new() }, Vec::new()));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(MetadataStoreError::Damaged { offset: 0 });
        }
        let (records, end) = parse(&bytes)?;
        if end < bytes.len() {
            file.set_len(end as u64)?;
            file.sync()?;
        }
        Ok((MetadataStore { file, len: end as u64, buffer: Vec::new() }, records))
    }

    fn create(disk: &dyn Disk) -> Result<(Self, Vec<Record>), MetadataStoreError> {
        disk.create_dir(DIRECTORY)?;
        let file = disk.create(PATH)?;
        file.write_at(0, MAGIC)?;
        file.sync()?;
        disk.sync_dir(DIRECTORY)?;
        Ok((MetadataStore { file, len: MAGIC.len() as u64, buffer: Vec::new() }, Vec::new()))
    }

    /// Adds a record to what the next [`MetadataStore::sync`] makes durable.
    pub(crate) fn append(&mut self, record: &Record) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 8]);
        match record {
            Record::Decided { epoch, entry } => {
                self.buffer.push(1);
                self.buffer.extend_from_slice(&epoch.to_be_bytes());
                self.buffer.extend_from_slice(entry);
            }
            Record::Promised { epoch, ballot } => {
                self.buffer.push(2);
                self.put_ballot(*epoch, *ballot);
            }
            Record::Accepted { epoch, ballot, entry } => {
                self.buffer.push(3);
                self.put_ballot(*epoch, *ballot);
                self.buffer.extend_from_slice(entry);
            }
        }
        let length = ((self.buffer.len() - start - 8) as u32).to_be_bytes();
        self.buffer[start..start + 4].copy_from_slice(&length);
        self.buffer[start + 4..start + 8].copy_from_slice(&crc32fast::hash(&length).to_be_bytes());
        let checksum = crc32fast::hash(&self.buffer[start + 8..]);
        self.buffer.extend_from_slice(&checksum.to_be_bytes());
    }

    fn put_ballot(&mut self, epoch: u64, ballot: Ballot) {
        self.buffer.extend_from_slice(&epoch.to_be_bytes());
        self.buffer.extend_from_slice(&ballot.counter.to_be_bytes());
        self.buffer.extend_from_slice(ballot.host.as_bytes());
    }

    /// Writes and syncs what was appended. After an error nothing may be answered any more.
    pub(crate) fn sync(&mut self) -> DiskResult<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_at(self.len, &self.buffer)?;
        self.file.sync()?;
        self.len += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The records of a file, and where the last whole one ends.
fn parse(bytes: &[u8]) -> Result<(Vec<Record>, usize), MetadataStoreError> {
    let mut records = Vec::new();
    let mut at = MAGIC.len();
    while at < bytes.len() {
        let damaged = MetadataStoreError::Damaged { offset: at };
        match whole_body(&bytes[at..]) {
            Some((body, length)) => {
                records.push(parse_body(body).ok_or(damaged)?);
                at += length;
            }
            None if (at + 1..bytes.len()).any(|later| whole_body(&bytes[later..]).is_some()) => return Err(damaged),
            None => break,
        }
    }
    Ok((records, at))
}

/// The body of the record that `bytes` start with, and the record's length, if its checksums fit.
fn whole_body(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut reader = Reader::new(bytes);
    let length = reader.u32().ok()?;
    if reader.u32().ok()? != crc32fast::hash(&length.to_be_bytes()) {
        return None;
    }
    let body = reader.take(length as usize).ok()?;
    (reader.u32().ok()? == crc32fast::hash(body)).then(|| (body, reader.position()))
}

fn parse_body(body: &[u8]) -> Option<Record> {
    let mut fields = Reader::new(body);
    let kind = fields.u8().ok()?;
    let epoch = fields.u64().ok()?;
    Some(match kind {
        1 => Record::Decided { epoch, entry: fields.rest().to_vec() },
        2 | 3 => {
            let ballot = Ballot { counter: fields.u64().ok()?, host: fields.uuid().ok()? };
            if kind == 2 {
                Record::Promised { epoch, ballot }
            } else {
                Record::Accepted { epoch, ballot, entry: fields.rest().to_vec() }
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_torn_end_is_cut_and_damage_is_told() {
        let ballot = Ballot { counter: 3, host: Uuid::from_u128(5) };
        let records = [
            Record::Decided { epoch: 1, entry: b"one".to_vec() },
            Record::Promised { epoch: 2, ballot },
            Record::Accepted { epoch: 2, ballot, entry: b"two".to_vec() },
        ];
        let mut bytes = MAGIC.to_vec();
        let mut ends = vec![bytes.len()];
        for record in &records {
            let disk = helenus_engine::disk_memory::MemoryDisk::new();
            let (mut store, _) = MetadataStore::open(&disk).expect("opens");
            store.append(record);
            bytes.extend_from_slice(&store.buffer);
            ends.push(bytes.len());
        }
        for cut in MAGIC.len()..=bytes.len() {
            let whole = ends.iter().rposition(|end| *end <= cut).expect("the magic is whole");
            let (found, end) = parse(&bytes[..cut]).expect("a prefix is no damage");
            assert_eq!((&found[..], end), (&records[..whole], ends[whole]), "cut at {cut}");
        }
        for at in MAGIC.len()..ends[2] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_whole_record_of_unknown_content_stops_the_start() {
        let start = |bodies: &[&[u8]]| {
            let mut bytes = MAGIC.to_vec();
            for body in bodies {
                let length = (body.len() as u32).to_be_bytes();
                bytes.extend_from_slice(&length);
                bytes.extend_from_slice(&crc32fast::hash(&length).to_be_bytes());
                bytes.extend_from_slice(body);
                bytes.extend_from_slice(&crc32fast::hash(body).to_be_bytes());
            }
            let disk = helenus_engine::disk_memory::MemoryDisk::new();
            disk.put(PATH, bytes);
            match MetadataStore::open(&disk) {
                Ok((_, records)) => format!("{} records", records.len()),
                Err(error) => error.to_string(),
            }
        };
        let decided = &[1, 0, 0, 0, 0, 0, 0, 0, 1, b'e'][..];
        let damaged = |at| {
            format!(
                "metadata/log is damaged at byte {at}: restore it from a copy, or give the node an empty data directory"
            )
        };
        for (bodies, expected) in [
            (&[decided][..], "1 records".to_owned()),
            (&[&[4, 0, 0, 0, 0, 0, 0, 0, 1]], damaged(8)),
            (&[decided, &[9, 0, 0, 0, 0, 0, 0, 0, 2, 7]], damaged(30)),
            (&[&[4, 0, 0, 0, 0, 0, 0, 0, 1], decided], damaged(8)),
            (&[decided, &[]], damaged(30)),
            (&[decided, &[1, 0, 0]], damaged(30)),
            (&[decided, &[2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]], damaged(30)),
        ] {
            assert_eq!(start(bodies), expected, "{bodies:?}");
        }
    }
}
