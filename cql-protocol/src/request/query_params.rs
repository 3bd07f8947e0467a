//! What QUERY, EXECUTE and BATCH have in common: consistency, flags, and what the flags announce, in the order of the
//! flags' bits. The flags are one byte before v5 and four from then on.

use crate::notation::{
    DecodeError, Reader, Values, write_byte, write_bytes, write_consistency, write_int, write_long, write_string,
};
use crate::version::ProtocolVersion;
use helenus_model::consistency::Consistency;

/// Bits of the flags.
mod flag {
    pub(super) const VALUES: u32 = 0x001;
    pub(super) const SKIP_METADATA: u32 = 0x002;
    pub(super) const PAGE_SIZE: u32 = 0x004;
    pub(super) const PAGING_STATE: u32 = 0x008;
    pub(super) const SERIAL_CONSISTENCY: u32 = 0x010;
    pub(super) const TIMESTAMP: u32 = 0x020;
    pub(super) const NAMES: u32 = 0x040;
    pub(super) const KEYSPACE: u32 = 0x080;
    pub(super) const NOW_IN_SECONDS: u32 = 0x100;
    /// All that announce something after the values.
    pub(super) const OPTIONAL: u32 =
        PAGE_SIZE | PAGING_STATE | SERIAL_CONSISTENCY | TIMESTAMP | KEYSPACE | NOW_IN_SECONDS;
}

/// The parameters of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryParams<'a> {
    /// Level of reads, and of the commit of writes.
    pub consistency: Consistency,
    /// The client already has the metadata of the rows.
    pub skip_metadata: bool,
    /// Bound values.
    pub values: Values<'a>,
    /// Rows of a page; zero or less means all.
    pub page_size: Option<i32>,
    /// Where the page before ended.
    pub paging_state: Option<&'a [u8]>,
    /// Level of the Paxos phase; SERIAL if none. Not checked to be a serial level.
    pub serial_consistency: Option<Consistency>,
    /// Default timestamp of writes in microseconds since 1970, anything but the smallest number.
    pub timestamp: Option<i64>,
    /// Keyspace of unqualified names (v5).
    pub keyspace: Option<&'a str>,
    /// What to take for the current time, in seconds since 1970, 0 to 4,294,967,295 (v5).
    pub now_in_seconds: Option<i64>,
}

impl<'a> QueryParams<'a> {
    /// Nothing but a consistency level.
    #[must_use]
    pub const fn new(consistency: Consistency) -> Self {
        Self {
            consistency,
            skip_metadata: false,
            values: Values::EMPTY,
            page_size: None,
            paging_state: None,
            serial_consistency: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        }
    }

    /// The same with bound values.
    #[must_use]
    pub const fn with_values(mut self, values: Values<'a>) -> Self {
        self.values = values;
        self
    }

    /// Reads the parameters. Bits that the version does not know are ignored, as Cassandra does.
    ///
    /// # Errors
    /// If the body ends or something announced is malformed.
    #[inline]
    pub fn decode(reader: &mut Reader<'a>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let mut params = Self::new(reader.consistency()?);
        let flags =
            if version >= ProtocolVersion::V5 { reader.int()?.cast_unsigned() } else { u32::from(reader.byte()?) };
        params.skip_metadata = flags & flag::SKIP_METADATA != 0;
        if flags & flag::VALUES != 0 {
            params.values = Values::decode(reader, flags & flag::NAMES != 0, version)?;
        }
        if flags & flag::OPTIONAL != 0 {
            params.decode_optional(flags, reader)?;
        }
        Ok(params)
    }

    fn decode_optional(&mut self, flags: u32, reader: &mut Reader<'a>) -> Result<(), DecodeError> {
        if flags & flag::PAGE_SIZE != 0 {
            self.page_size = Some(reader.int()?);
        }
        if flags & flag::PAGING_STATE != 0 {
            self.paging_state = reader.bytes()?;
        }
        if flags & flag::SERIAL_CONSISTENCY != 0 {
            self.serial_consistency = Some(reader.consistency()?);
        }
        if flags & flag::TIMESTAMP != 0 {
            let timestamp = reader.long()?;
            if timestamp == i64::MIN {
                return Err(DecodeError::Timestamp);
            }
            self.timestamp = Some(timestamp);
        }
        if flags & flag::KEYSPACE != 0 {
            self.keyspace = Some(reader.string()?);
        }
        if flags & flag::NOW_IN_SECONDS != 0 {
            self.now_in_seconds = Some(i64::from(reader.int()?.cast_unsigned()));
        }
        Ok(())
    }

    /// The bits that announce what is there, of those that the version knows.
    fn flags(&self, version: ProtocolVersion) -> u32 {
        let is_v5 = version >= ProtocolVersion::V5;
        let mut flags = 0;
        for (bit, set) in [
            (flag::VALUES, !self.values.is_empty()),
            (flag::NAMES, !self.values.is_empty() && self.values.is_named()),
            (flag::SKIP_METADATA, self.skip_metadata),
            (flag::PAGE_SIZE, self.page_size.is_some()),
            (flag::PAGING_STATE, self.paging_state.is_some()),
            (flag::SERIAL_CONSISTENCY, self.serial_consistency.is_some()),
            (flag::TIMESTAMP, self.timestamp.is_some()),
            (flag::KEYSPACE, self.keyspace.is_some() && is_v5),
            (flag::NOW_IN_SECONDS, self.now_in_seconds.is_some() && is_v5),
        ] {
            if set {
                flags |= bit;
            }
        }
        flags
    }

    /// Appends the parameters; keyspace and now-in-seconds are left out before v5.
    ///
    /// # Panics
    /// If the paging state has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        write_consistency(out, self.consistency);
        let flags = self.flags(version);
        if version >= ProtocolVersion::V5 {
            write_int(out, flags.cast_signed());
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "the ninth bit is set in v5 only")]
            write_byte(out, flags as u8);
        }
        if !self.values.is_empty() {
            self.values.encode(out);
        }
        if let Some(page_size) = self.page_size {
            write_int(out, page_size);
        }
        if let Some(paging_state) = self.paging_state {
            write_bytes(out, Some(paging_state));
        }
        if let Some(serial_consistency) = self.serial_consistency {
            write_consistency(out, serial_consistency);
        }
        if let Some(timestamp) = self.timestamp {
            write_long(out, timestamp);
        }
        if version >= ProtocolVersion::V5 {
            if let Some(keyspace) = self.keyspace {
                write_string(out, keyspace);
            }
            if let Some(now_in_seconds) = self.now_in_seconds {
                #[expect(clippy::cast_possible_truncation, reason = "an unsigned int by contract")]
                write_int(out, now_in_seconds as i32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{Value, ValuesBuffer};
    use ProtocolVersion::{V3, V4, V5};

    fn check(params: &QueryParams<'_>, version: ProtocolVersion, expected: &[u8]) {
        let mut out = Vec::new();
        params.encode(&mut out, version);
        assert_eq!(out, expected, "{params:?} in {version}");
        let mut reader = Reader::new(&out);
        assert_eq!(QueryParams::decode(&mut reader, version).as_ref(), Ok(params));
        assert!(reader.rest().is_empty());
        for size in 0..out.len() {
            assert!(QueryParams::decode(&mut Reader::new(&out[..size]), version).is_err(), "cut to {size}");
        }
    }

    #[test]
    fn nothing_but_a_level() {
        let params = QueryParams::new(Consistency::LocalOne);
        for version in [V3, V4] {
            check(&params, version, &[0, 10, 0]);
        }
        check(&params, V5, &[0, 10, 0, 0, 0, 0]);
    }

    #[test]
    fn everything() {
        let values = ValuesBuffer::from_positional([Value::Bytes(&[7])]);
        let mut params = QueryParams {
            skip_metadata: true,
            page_size: Some(5000),
            paging_state: Some(&[9, 9]),
            serial_consistency: Some(Consistency::LocalSerial),
            timestamp: Some(-2),
            ..QueryParams::new(Consistency::Quorum).with_values(values.values())
        };
        let common = [
            &[0, 1, 0, 0, 0, 1, 7][..],
            &[0, 0, 0x13, 0x88],
            &[0, 0, 0, 2, 9, 9],
            &[0, 9],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
        ]
        .concat();
        check(&params, V4, &[&[0, 4, 0x3f][..], &common].concat());
        params.keyspace = Some("k");
        params.now_in_seconds = Some(4_294_967_295);
        let tail = [0, 1, b'k', 0xff, 0xff, 0xff, 0xff];
        check(&params, V5, &[&[0, 4, 0, 0, 1, 0xbf][..], &common, &tail].concat());
    }

    #[test]
    fn named_values() {
        let mut values = ValuesBuffer::named();
        values.push("a", Value::Null);
        let params = QueryParams::new(Consistency::One).with_values(values.values());
        check(&params, V3, &[0, 1, 0x41, 0, 1, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn the_smallest_timestamp_is_refused() {
        let bytes = [0, 1, 0x20, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(QueryParams::decode(&mut Reader::new(&bytes), V4), Err(DecodeError::Timestamp));
    }

    #[test]
    fn a_null_paging_state_is_none() {
        let bytes = [0, 1, 0x08, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(QueryParams::decode(&mut Reader::new(&bytes), V4), Ok(QueryParams::new(Consistency::One)));
    }
}
