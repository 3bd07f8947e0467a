//! What belongs to the store: the SSTables of each table, how far the log is flushed, what is being made and what is to go.
//!
//! One small file, replaced whole by write, sync, rename, sync of the directory: so a flush or compaction happens at one moment
//! or not at all.
//!
//! ```text
//! file   := "HELNMAN" 1, body length u32, body, CRC32 of everything before u32
//! body   := first log segment u32, next generation u64, table count vint, table*
//! table  := id 16 bytes, directory text, flags u8 (1 dropped, 2 index built), flushed position u64, truncated at i64 (microseconds, i64::MIN never),
//!           live, pending, obsolete: each a count vint and generations u64
//! ```

use std::collections::{BTreeMap, BTreeSet};

use helenus_model::codec::{DecodeError, Reader, put_text, put_vint};
use uuid::Uuid;

use crate::disk::{Disk, DiskErrorKind, DiskResult};
use crate::error::OpenError;
use crate::log::LogPosition;

const MAGIC: [u8; 7] = *b"HELNMAN";
const VERSION: u8 = 1;
const DIRECTORY: &str = "manifest";
const PATH: &str = "manifest/current";
const NEXT_PATH: &str = "manifest/next";

/// Number of an SSTable, unique in the store.
pub(crate) type Generation = u64;

/// What the store knows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRecord {
    /// Directory of its files.
    pub(crate) directory: String,
    /// Dropped; the record stays until its files are gone.
    pub(crate) dropped: bool,
    /// The files of a secondary index that is built.
    pub(crate) index_built: bool,
    /// Log records before this are in SSTables, or were truncated.
    pub(crate) flushed: LogPosition,
    /// When it was last truncated, microseconds; `i64::MIN` for never.
    pub(crate) truncated_at: i64,
    /// SSTables that hold its data.
    pub(crate) live: BTreeSet<Generation>,
    /// SSTables being written: a start removes what is there of them.
    pub(crate) pending: BTreeSet<Generation>,
    /// SSTables that are replaced or truncated: a start removes what is left of them.
    pub(crate) obsolete: BTreeSet<Generation>,
}

impl TableRecord {
    pub(crate) fn new(directory: String) -> Self {
        TableRecord {
            directory,
            dropped: false,
            index_built: false,
            flushed: LogPosition::ZERO,
            truncated_at: i64::MIN,
            live: BTreeSet::new(),
            pending: BTreeSet::new(),
            obsolete: BTreeSet::new(),
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The log is needed from this segment on.
    pub(crate) log_start: u32,
    /// The next SSTable's number.
    pub(crate) next_generation: Generation,
    /// Tables by id.
    pub(crate) tables: BTreeMap<Uuid, TableRecord>,
}

impl Manifest {
    /// Reads the manifest of a data directory; an empty one when there is none yet.
    pub(crate) fn load(disk: &dyn Disk) -> Result<Manifest, OpenError> {
        disk.create_dir(DIRECTORY)?;
        for name in disk.list(DIRECTORY)? {
            match format!("{DIRECTORY}/{name}").as_str() {
                PATH => {}
                NEXT_PATH => disk.remove(NEXT_PATH)?,
                path => return Err(OpenError::UnknownFile { path: path.to_owned() }),
            }
        }
        let file = match disk.open(PATH) {
            Ok(file) => file,
            Err(error) if error.kind == DiskErrorKind::NotFound => {
                return Ok(Manifest { next_generation: 1, ..Manifest::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
        file.read_at(0, &mut bytes)?;
        Manifest::decode(&bytes)
    }

    /// Writes this manifest beside the one in force. An error changes nothing.
    pub(crate) fn prepare(&self, disk: &dyn Disk) -> DiskResult<()> {
        match disk.remove(NEXT_PATH) {
            Err(error) if error.kind != DiskErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = disk.create(NEXT_PATH)?;
        file.write_at(0, &self.encode())?;
        file.sync()
    }

    /// Puts the prepared manifest in force. After an error nobody can tell which one is, so the caller stops.
    pub(crate) fn publish(disk: &dyn Disk) -> DiskResult<()> {
        disk.rename(NEXT_PATH, PATH)?;
        disk.sync_dir(DIRECTORY)
    }

    /// The record of a table, made if there is none.
    pub(crate) fn table_mut(&mut self, id: Uuid, directory: &str) -> &mut TableRecord {
        self.tables.entry(id).or_insert_with(|| TableRecord::new(directory.to_owned()))
    }

    /// The record of a new table whose id another had before: log records before `flushed` belong to that one, and so do the
    /// files that are still to go.
    pub(crate) fn renew_table(&mut self, id: Uuid, directory: &str, flushed: LogPosition) {
        let mut record = TableRecord { flushed, ..TableRecord::new(directory.to_owned()) };
        if let Some(before) = self.tables.remove(&id) {
            record.flushed = flushed.max(before.flushed);
            if before.directory == directory {
                (record.live, record.pending, record.obsolete) = (before.live, before.pending, before.obsolete);
            } else {
                // Its files go on being known, under an id that no table has.
                let nobody = Uuid::from_u128(id.as_u128().wrapping_add(u128::from(record.flushed.to_u64()) | 1));
                self.tables.insert(nobody, before);
            }
        }
        self.tables.insert(id, record);
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend_from_slice(&self.log_start.to_be_bytes());
        body.extend_from_slice(&self.next_generation.to_be_bytes());
        put_vint(&mut body, self.tables.len() as u64);
        for (id, table) in &self.tables {
            body.extend_from_slice(id.as_bytes());
            put_text(&mut body, &table.directory);
            body.push(u8::from(table.dropped) | u8::from(table.index_built) << 1);
            body.extend_from_slice(&table.flushed.to_u64().to_be_bytes());
            body.extend_from_slice(&table.truncated_at.to_be_bytes());
            for set in [&table.live, &table.pending, &table.obsolete] {
                put_vint(&mut body, set.len() as u64);
                for generation in set {
                    body.extend_from_slice(&generation.to_be_bytes());
                }
            }
        }
        let mut out = Vec::with_capacity(body.len() + 16);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(&body);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Result<Manifest, OpenError> {
        let damage = |what: &str| OpenError::Corrupt { path: PATH.to_owned(), offset: 0, what: what.to_owned() };
        let Some((content, crc)) = bytes.split_last_chunk::<4>() else { return Err(damage("too short")) };
        if crc32fast::hash(content) != u32::from_be_bytes(*crc) {
            return Err(damage("checksum"));
        }
        let mut reader = Reader::new(content);
        let head = reader.take(MAGIC.len()).map_err(|error| damage(&error.to_string()))?;
        if head != MAGIC {
            return Err(damage("not a manifest"));
        }
        match reader.u8() {
            Ok(VERSION) => {}
            Ok(version) => return Err(OpenError::Version { path: PATH.to_owned(), version, supported: VERSION }),
            Err(error) => return Err(damage(&error.to_string())),
        }
        Self::decode_body(&mut reader).map_err(|error| damage(&error.to_string()))
    }

    fn decode_body(reader: &mut Reader<'_>) -> Result<Manifest, DecodeError> {
        if reader.u32()? as usize != reader.remaining() {
            return Err(reader.invalid("length"));
        }
        let mut manifest =
            Manifest { log_start: reader.u32()?, next_generation: reader.u64()?, tables: BTreeMap::new() };
        for _ in 0..reader.count()? {
            let id = reader.uuid()?;
            let mut table = TableRecord::new(reader.text()?.to_owned());
            let flags = reader.u8()?;
            if flags > 3 {
                return Err(reader.invalid("flags of a table"));
            }
            table.dropped = flags & 1 != 0;
            table.index_built = flags & 2 != 0;
            table.flushed = LogPosition::from_u64(reader.u64()?);
            table.truncated_at = reader.i64()?;
            for set in [&mut table.live, &mut table.pending, &mut table.obsolete] {
                for _ in 0..reader.count()? {
                    set.insert(reader.u64()?);
                }
            }
            manifest.tables.insert(id, table);
        }
        reader.finish()?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_no_flipped_byte_passes() {
        let mut manifest = Manifest { log_start: 7, next_generation: 12, tables: BTreeMap::new() };
        let mut table = TableRecord::new("data/ks/t-1".to_owned());
        table.flushed = LogPosition { segment: 7, offset: 99 };
        table.truncated_at = 5;
        table.live = BTreeSet::from([3, 9]);
        table.obsolete = BTreeSet::from([2]);
        table.index_built = true;
        manifest.tables.insert(Uuid::from_u128(5), table);
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes).expect("valid"), manifest);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(Manifest::decode(&damaged).is_err(), "byte {at}");
            assert!(Manifest::decode(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
