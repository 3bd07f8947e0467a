//! `inet`: 4 or 16 bytes.

use std::net::IpAddr;

use super::ValueError;

/// The address, or `None` when it is empty or malformed.
pub fn decode_inet(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// Bytes of an address: 4 for IPv4, 16 for IPv6.
pub fn encode_inet(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

pub(super) fn validate(bytes: &[u8]) -> Result<(), ValueError> {
    if matches!(bytes.len(), 0 | 4 | 16) {
        return Ok(());
    }
    Err(ValueError::new(format!(
        "Expected 4 or 16 byte inetaddress; got {}",
        super::text::hex(bytes)
    )))
}
