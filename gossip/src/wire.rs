//! Reading and writing the pieces of messages: every length is checked before it is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use uuid::Uuid;

use crate::message::DecodeError;

/// Bytes not yet read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated { what })?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated { what })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// A count of things of at least `size_min` bytes each: more than the rest can hold is refused before
    /// anything is allocated for them.
    pub(crate) fn count(&mut self, size_min: usize, what: &'static str) -> Result<usize, DecodeError> {
        let count = usize::from(self.u16(what)?);
        if count * size_min > self.remaining() {
            return Err(DecodeError::Truncated { what });
        }
        Ok(count)
    }

    pub(crate) fn text(&mut self, bytes_max: usize, what: &'static str) -> Result<&'a str, DecodeError> {
        let length = usize::from(self.u16(what)?);
        if length > bytes_max {
            return Err(DecodeError::TooLong { what, bytes: length, bytes_max });
        }
        std::str::from_utf8(self.bytes(length, what)?).map_err(|_| DecodeError::NotUtf8 { what })
    }

    pub(crate) fn address(&mut self) -> Result<SocketAddr, DecodeError> {
        let what = "address";
        let ip = match self.u8(what)? {
            4 => IpAddr::V4(Ipv4Addr::from(self.array::<4>(what)?)),
            6 => IpAddr::V6(Ipv6Addr::from(self.array::<16>(what)?)),
            family => return Err(DecodeError::AddressFamily { family }),
        };
        Ok(SocketAddr::new(ip, self.u16(what)?))
    }

    /// An optional id: sixteen zero bytes are none.
    pub(crate) fn id(&mut self, what: &'static str) -> Result<Option<Uuid>, DecodeError> {
        let id = Uuid::from_bytes(self.array::<16>(what)?);
        Ok(if id.is_nil() { None } else { Some(id) })
    }
}

/// Bytes [`put_address`] writes.
pub(crate) fn address_len(address: &SocketAddr) -> usize {
    match address {
        SocketAddr::V4(_) => 1 + 4 + 2,
        SocketAddr::V6(_) => 1 + 16 + 2,
    }
}

pub(crate) fn put_address(out: &mut Vec<u8>, address: &SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&address.port().to_be_bytes());
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Writes a count or length. The caller keeps it below 2^16 by the limits it checks at its entry.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u16::try_from(count).expect("counts and lengths in a gossip message are limited to 65,535");
    put_u16(out, count);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_id(out: &mut Vec<u8>, id: Option<Uuid>) {
    out.extend_from_slice(id.unwrap_or(Uuid::nil()).as_bytes());
}
