//! `varint`: two's complement of any length, big-endian; written in as few bytes as can be.

use std::cmp::Ordering;

use num_bigint::BigInt;

/// The number, or `None` when the value is empty.
pub fn decode_varint(bytes: &[u8]) -> Option<BigInt> {
    (!bytes.is_empty()).then(|| BigInt::from_signed_bytes_be(bytes))
}

/// Shortest two's complement of the number; zero is one zero byte.
pub fn encode_varint(number: &BigInt) -> Vec<u8> {
    number.to_signed_bytes_be()
}

/// Numeric order without decoding; empty first.
pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (Some(&a_first), Some(&b_first)) = (a.first(), b.first()) else {
        return a.len().cmp(&b.len());
    };
    let (a_negative, b_negative) = (a_first >= 0x80, b_first >= 0x80);
    if a_negative != b_negative {
        return b_negative.cmp(&a_negative);
    }
    let (a, b) = (significant(a), significant(b));
    let by_length = if a_negative { b.len().cmp(&a.len()) } else { a.len().cmp(&b.len()) };
    by_length.then_with(|| a.cmp(b))
}

/// The bytes without leading ones that only repeat the sign; may leave none.
fn significant(bytes: &[u8]) -> &[u8] {
    let sign = if bytes.first().is_some_and(|&first| first >= 0x80) { 0xff } else { 0x00 };
    let repeated = bytes.iter().take_while(|&&byte| byte == sign).count();
    bytes.get(repeated..).unwrap_or_default()
}
