//! Clusterings and bounds between the model's form and the file's (Cassandra: `ClusteringPrefix.Serializer`).

use helenus_model::codec::{DecodeError, Reader, put_vint};
use helenus_model::key::ClusteringValues;
use helenus_model::limits::KEY_BYTES_MAX;

use super::write_error::SsTableWriteError;

/// `kind` of a whole clustering where bounds may stand too (Index.db).
pub(super) const KIND_CLUSTERING: u8 = 4;
const BLOCK: usize = 32;

/// Fixed lengths of the clustering columns' types; None where a value carries its length.
pub(super) type ClusteringLengths = Box<[Option<u32>]>;

/// Appends the values of `prefix`, in blocks of 32 behind a header of two bits a value. Returns how many they are.
pub(super) fn write_values(
    prefix: &[u8],
    lengths: &[Option<u32>],
    out: &mut Vec<u8>,
) -> Result<usize, SsTableWriteError> {
    let mut values = ClusteringValues::new(prefix);
    let mut written = 0;
    loop {
        let mut ahead = values.clone();
        let mut header = 0_u64;
        let mut in_block = 0;
        while in_block < BLOCK
            && let Some(value) = ahead.next()
        {
            match value {
                None => header |= 2 << (2 * in_block),
                Some([]) => header |= 1 << (2 * in_block),
                Some(_) => {}
            }
            in_block += 1;
        }
        if in_block == 0 {
            return Ok(written);
        }
        put_vint(out, header);
        for value in values.by_ref().take(in_block) {
            let Some(length) = lengths.get(written) else {
                return Err(SsTableWriteError::InvalidClustering("too many values"));
            };
            written += 1;
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            match length {
                None => put_vint(out, value.len() as u64),
                Some(length) if *length as usize == value.len() => {}
                Some(_) => return Err(SsTableWriteError::InvalidClustering("length of a value")),
            }
            out.extend_from_slice(value);
        }
    }
}

/// Reads `count` values and appends them to `out` in the model's form.
#[inline]
pub(super) fn read_values(
    reader: &mut Reader<'_>,
    lengths: &[Option<u32>],
    count: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let Some(lengths) = lengths.get(..count) else {
        return Err(reader.invalid("count of clustering values"));
    };
    for block in lengths.chunks(BLOCK) {
        let header = reader.vint()?;
        if block.len() < BLOCK && header >> (2 * block.len()) != 0 {
            return Err(reader.invalid("clustering header"));
        }
        for (i, length) in block.iter().enumerate() {
            match (header >> (2 * i)) & 3 {
                0 => {
                    let length = match length {
                        Some(length) => *length as usize,
                        None => reader.count()?,
                    };
                    if length > KEY_BYTES_MAX {
                        return Err(reader.invalid("length of a clustering value"));
                    }
                    let value = reader.take(length)?;
                    put_vint(out, length as u64 + 1);
                    out.extend_from_slice(value);
                }
                1 => out.push(1),
                2 => out.push(0),
                _ => return Err(reader.invalid("clustering header")),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use helenus_model::key::put_clustering_value;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_round_trip(values in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..6)), 0..70)) {
            let lengths: ClusteringLengths = values.iter().map(|v| match v {
                Some(v) if v.len() == 4 => Some(4),
                _ => None,
            }).collect();
            let mut prefix = Vec::new();
            for value in &values {
                put_clustering_value(&mut prefix, value.as_deref());
            }
            let mut file = Vec::new();
            prop_assert_eq!(write_values(&prefix, &lengths, &mut file).ok(), Some(values.len()));
            let mut back = Vec::new();
            let mut reader = Reader::new(&file);
            prop_assert_eq!(read_values(&mut reader, &lengths, values.len(), &mut back), Ok(()));
            prop_assert!(reader.finish().is_ok());
            prop_assert_eq!(back, prefix);
            for cut in 0..file.len() {
                let mut reader = Reader::new(&file[..cut]);
                prop_assert!(read_values(&mut reader, &lengths, values.len(), &mut Vec::new()).is_err());
            }
        }
    }
}
