//! `inet`: 4 or 16 bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    Err(ValueError::new(format!("Expected 4 or 16 byte inetaddress; got {}", super::text::hex(bytes))))
}

/// Reads an address: IPv6, also in brackets, or IPv4 in one to four decimal parts, of which the last fills the rest
/// (`1.2` is 1.0.0.2). An IPv4 address mapped into IPv6 is IPv4. Names are not looked up.
///
/// # Errors
/// Other text.
pub(super) fn parse(text: &str) -> Result<IpAddr, ValueError> {
    let six = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = six.parse::<Ipv6Addr>() {
        return Ok(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4));
    }
    parse_four(text)
        .map(IpAddr::V4)
        .ok_or_else(|| ValueError::new(format!("Unable to make inet address from '{text}'")))
}

fn parse_four(text: &str) -> Option<Ipv4Addr> {
    let (before, last) = text.rsplit_once('.').map_or(("", text), |(before, last)| (before, last));
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    };
    let mut address = 0u32;
    let mut bits_left = 32u32;
    if before.len() < text.len() - last.len() {
        for part in before.split('.') {
            bits_left = bits_left.checked_sub(8).filter(|&bits| bits >= 8)?;
            address |= number(part).filter(|&part| part < 256)? << bits_left;
        }
    }
    let last = number(last).filter(|&last| bits_left == 32 || last < 1 << bits_left)?;
    Some(Ipv4Addr::from(address | last))
}

/// An address as Java prints it: all eight groups of an IPv6 address, nothing shortened.
pub(super) fn print(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => four.to_string(),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.to_string(),
            None => six.segments().map(|segment| format!("{segment:x}")).join(":"),
        },
    }
}
