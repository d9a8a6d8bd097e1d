//! Bytes as words, for memory that is accessed one word at a time.

/// The word whose memory starts with `chunk`, which has at most eight bytes, followed by zeros.
///
/// ```
/// assert_eq!(swoosh_shm::word_from_bytes(b"ab").to_ne_bytes(), *b"ab\0\0\0\0\0\0");
/// ```
///
/// # Panics
/// If `chunk` has more than eight bytes.
pub fn word_from_bytes(chunk: &[u8]) -> u64 {
    if let Ok(whole) = <[u8; 8]>::try_from(chunk) {
        return u64::from_ne_bytes(whole);
    }
    let mut bytes = [0; 8];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u64::from_ne_bytes(bytes)
}
