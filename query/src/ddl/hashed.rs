//! The order in which Cassandra looks at names that it keeps in a hash table: of several that are wrong the first is told.

/// The parts of a statement in the order of their names in Java's `HashMap` (16 places, twice as many whenever more than three quarters
/// are taken) over the hashes of Java's `ByteBuffer`.
pub(super) fn as_hashed<T>(parts: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut places: u32 = 16;
    while parts.len() > places as usize / 4 * 3 {
        places *= 2;
    }
    let place = |part: &&T| {
        let bytes = name(part).bytes().rev();
        let hash = bytes.fold(1_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte as i8))) as u32;
        (hash ^ hash >> 16) & (places - 1)
    };
    let mut parts: Vec<&T> = parts.iter().collect();
    parts.sort_by_key(place);
    parts
}
