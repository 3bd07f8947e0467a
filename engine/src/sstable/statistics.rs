//! `Statistics.db`: four parts, each under a checksum (Cassandra: `MetadataSerializer`).

use helenus_model::codec::{DecodeError, Reader, put_bytes16};
use helenus_model::time::{LocalSeconds, WriteTimestamp};
use uuid::Uuid;

use super::histogram::{EstimatedHistogram, TombstoneHistogram};
use super::serialization_header::SerializationHeader;

const PART_VALIDATION: u32 = 0;
const PART_COMPACTION: u32 = 1;
const PART_STATS: u32 = 2;
const PART_HEADER: u32 = 3;
/// Parts a file may have at most.
const PARTS_MAX: u32 = 16;

/// Partitioner that every file here is ordered by.
pub(super) const PARTITIONER: &str = "org.apache.cassandra.dht.Murmur3Partitioner";

/// A place in a commit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    /// Number of the segment.
    pub segment: i64,
    /// Byte in it.
    pub position: i32,
}

impl LogPosition {
    /// No place.
    pub const NONE: LogPosition = LogPosition { segment: -1, position: 0 };

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.segment.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(LogPosition { segment: reader.i64()?, position: reader.i32()? })
    }
}

/// The stats part: what compaction and reads want to know of a file without opening it.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsMetadata {
    /// Uncompressed bytes of partitions.
    pub partition_sizes: EstimatedHistogram,
    /// Cells of partitions.
    pub cells_per_partition: EstimatedHistogram,
    /// Parts of the commit log whose content is in the file; they mean something only on [`StatsMetadata::originating_host`].
    pub commit_log: Vec<(LogPosition, LogPosition)>,
    /// Smallest timestamp of anything, microseconds.
    pub min_timestamp: WriteTimestamp,
    /// Largest timestamp of anything.
    pub max_timestamp: WriteTimestamp,
    /// Smallest local deletion time or expiry, seconds; live things count as never.
    pub min_local_deletion_time: LocalSeconds,
    /// Largest local deletion time or expiry, seconds; live things count as never.
    pub max_local_deletion_time: LocalSeconds,
    /// Smallest TTL, seconds; what does not expire counts as 0.
    pub min_ttl: i32,
    /// Largest TTL.
    pub max_ttl: i32,
    /// Compressed share; −1 when uncompressed.
    pub compression_ratio: f64,
    /// Drop times of tombstones and expiring cells.
    pub tombstones: TombstoneHistogram,
    /// Level in leveled compaction.
    pub level: i32,
    /// When the content was repaired, milliseconds; 0 if it was not.
    pub repaired_at: i64,
    /// Values of the first clustering or bound; empty when unknown, open or without clustering columns.
    pub min_clustering: Vec<Vec<u8>>,
    /// Values of the last clustering or bound.
    pub max_clustering: Vec<Vec<u8>>,
    /// Counter shards of Cassandra 2.0 occur.
    pub legacy_counter_shards: bool,
    /// Cells of simple columns, and complex columns with cells.
    pub columns_set: i64,
    /// Rows, and static rows with content.
    pub rows: i64,
    /// Session of an incremental repair that is not finished.
    pub pending_repair: Option<Uuid>,
    /// Transient replication.
    pub transient: bool,
    /// Node that wrote the file.
    pub originating_host: Option<Uuid>,
}

impl StatsMetadata {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(6000);
        self.partition_sizes.encode(&mut out);
        self.cells_per_partition.encode(&mut out);
        self.commit_log.last().map_or(LogPosition::NONE, |interval| interval.1).encode(&mut out);
        out.extend_from_slice(&self.min_timestamp.to_be_bytes());
        out.extend_from_slice(&self.max_timestamp.to_be_bytes());
        for local in [self.min_local_deletion_time, self.max_local_deletion_time] {
            out.extend_from_slice(&i32::try_from(local).unwrap_or(i32::MAX).to_be_bytes());
        }
        out.extend_from_slice(&self.min_ttl.to_be_bytes());
        out.extend_from_slice(&self.max_ttl.to_be_bytes());
        out.extend_from_slice(&self.compression_ratio.to_be_bytes());
        self.tombstones.encode(&mut out);
        out.extend_from_slice(&self.level.to_be_bytes());
        out.extend_from_slice(&self.repaired_at.to_be_bytes());
        for clustering in [&self.min_clustering, &self.max_clustering] {
            out.extend_from_slice(&(clustering.len() as i32).to_be_bytes());
            for value in clustering {
                put_bytes16(&mut out, value);
            }
        }
        out.push(u8::from(self.legacy_counter_shards));
        out.extend_from_slice(&self.columns_set.to_be_bytes());
        out.extend_from_slice(&self.rows.to_be_bytes());
        self.commit_log.first().map_or(LogPosition::NONE, |interval| interval.0).encode(&mut out);
        out.extend_from_slice(&(self.commit_log.len() as i32).to_be_bytes());
        for (from, to) in &self.commit_log {
            from.encode(&mut out);
            to.encode(&mut out);
        }
        encode_optional_uuid(self.pending_repair, &mut out);
        out.push(u8::from(self.transient));
        encode_optional_uuid(self.originating_host, &mut out);
        out
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let partition_sizes = EstimatedHistogram::decode(reader)?;
        let cells_per_partition = EstimatedHistogram::decode(reader)?;
        LogPosition::decode(reader)?;
        let (min_timestamp, max_timestamp) = (reader.i64()?, reader.i64()?);
        let min_local_deletion_time = super::encoding::widen_local(reader.i32()?);
        let max_local_deletion_time = super::encoding::widen_local(reader.i32()?);
        let (min_ttl, max_ttl) = (reader.i32()?, reader.i32()?);
        let compression_ratio = f64::from_bits(reader.u64()?);
        let tombstones = TombstoneHistogram::decode(reader)?;
        let (level, repaired_at) = (reader.i32()?, reader.i64()?);
        let min_clustering = decode_clustering(reader)?;
        let max_clustering = decode_clustering(reader)?;
        let legacy_counter_shards = reader.bool()?;
        let (columns_set, rows) = (reader.i64()?, reader.i64()?);
        LogPosition::decode(reader)?;
        let intervals = reader.u32()? as usize;
        if intervals > reader.remaining() / 24 {
            return Err(reader.invalid("count of commit log intervals"));
        }
        let mut commit_log = Vec::with_capacity(intervals);
        for _ in 0..intervals {
            commit_log.push((LogPosition::decode(reader)?, LogPosition::decode(reader)?));
        }
        let pending_repair = decode_optional_uuid(reader)?;
        let transient = reader.bool()?;
        let originating_host = decode_optional_uuid(reader)?;
        Ok(StatsMetadata {
            partition_sizes,
            cells_per_partition,
            commit_log,
            min_timestamp,
            max_timestamp,
            min_local_deletion_time,
            max_local_deletion_time,
            min_ttl,
            max_ttl,
            compression_ratio,
            tombstones,
            level,
            repaired_at,
            min_clustering,
            max_clustering,
            legacy_counter_shards,
            columns_set,
            rows,
            pending_repair,
            transient,
            originating_host,
        })
    }
}

fn encode_optional_uuid(id: Option<Uuid>, out: &mut Vec<u8>) {
    out.push(u8::from(id.is_some()));
    if let Some(id) = id {
        out.extend_from_slice(id.as_bytes());
    }
}

fn decode_optional_uuid(reader: &mut Reader<'_>) -> Result<Option<Uuid>, DecodeError> {
    Ok(if reader.bool()? { Some(reader.uuid()?) } else { None })
}

fn decode_clustering(reader: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = reader.u32()? as usize;
    if count > reader.remaining() / 2 {
        return Err(reader.invalid("count of clustering values"));
    }
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(reader.bytes16()?.to_vec());
    }
    Ok(values)
}

/// The whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Class name of the partitioner.
    pub partitioner: String,
    /// Share of false positives the bloom filter was made for.
    pub bloom_filter_fp_chance: f64,
    /// The stats part.
    pub stats: StatsMetadata,
    /// The compaction part as it is.
    pub(super) key_sketch: Vec<u8>,
    pub(super) header: SerializationHeader,
}

impl Statistics {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut validation = Vec::new();
        put_bytes16(&mut validation, self.partitioner.as_bytes());
        validation.extend_from_slice(&self.bloom_filter_fp_chance.to_be_bytes());
        let parts = [
            (PART_VALIDATION, validation),
            (PART_COMPACTION, self.key_sketch.clone()),
            (PART_STATS, self.stats.encode()),
            (PART_HEADER, self.header.encode()),
        ];
        let count = (parts.len() as u32).to_be_bytes();
        let mut running = crc32fast::Hasher::new();
        running.update(&count);
        let mut out = count.to_vec();
        out.extend_from_slice(&running.clone().finalize().to_be_bytes());
        let mut table = Vec::new();
        let mut offset = 8 + parts.len() * 8 + 4;
        for (part, body) in &parts {
            table.extend_from_slice(&part.to_be_bytes());
            table.extend_from_slice(&(offset as u32).to_be_bytes());
            offset += body.len() + 4;
        }
        running.update(&table);
        out.extend_from_slice(&table);
        out.extend_from_slice(&running.finalize().to_be_bytes());
        for (_, body) in &parts {
            out.extend_from_slice(body);
            out.extend_from_slice(&crc32fast::hash(body).to_be_bytes());
        }
        out
    }

    /// Reads the file, every checksum checked.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let count = reader.u32()?;
        let mut running = crc32fast::Hasher::new();
        running.update(&count.to_be_bytes());
        if reader.u32()? != running.clone().finalize() || count > PARTS_MAX {
            return Err(reader.invalid("count of metadata parts"));
        }
        let table = reader.take(count as usize * 8)?;
        running.update(table);
        if reader.u32()? != running.finalize() {
            return Err(reader.invalid("checksum of the metadata table"));
        }
        let mut entries = Vec::new();
        let mut table = Reader::new(table);
        while !table.is_empty() {
            entries.push((table.u32()?, table.u32()? as usize));
        }
        let mut bodies = [None; 4];
        for (i, (part, start)) in entries.iter().enumerate() {
            let end = entries.get(i + 1).map_or(bytes.len(), |next| next.1);
            let body = bytes.get(*start..end).and_then(|part| part.split_last_chunk::<4>());
            let Some((body, sum)) = body else { return Err(reader.invalid("offset of a metadata part")) };
            if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
                return Err(reader.invalid("checksum of a metadata part"));
            }
            if let Some(place) = bodies.get_mut(*part as usize) {
                *place = Some(body);
            }
        }
        let [Some(validation), Some(key_sketch), Some(stats), Some(header)] = bodies else {
            return Err(reader.invalid("set of metadata parts"));
        };
        let mut validation = Reader::new(validation);
        let partitioner = validation.bytes16()?;
        let partitioner = std::str::from_utf8(partitioner).map_err(|_| validation.invalid("partitioner"))?.to_owned();
        let bloom_filter_fp_chance = f64::from_bits(validation.u64()?);
        let mut header_reader = Reader::new(header);
        let header = SerializationHeader::decode(&mut header_reader)?;
        header_reader.finish()?;
        Ok(Statistics {
            partitioner,
            bloom_filter_fp_chance,
            stats: StatsMetadata::decode(&mut Reader::new(stats))?,
            key_sketch: key_sketch.to_vec(),
            header,
        })
    }
}
