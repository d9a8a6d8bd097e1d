//! Base64 (RFC 4648).

/// Encodes bytes in Base64 with padding (RFC 4648 section 4).
///
/// ```
/// assert_eq!(swoosh_proto::base64(b"fo"), "Zm8=");
/// ```
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * n)) as usize & 63];
            out.push(if n <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
