//! Tokens and lists of them.

/// Whether a comma-separated list (RFC 9110 section 5.6.1) contains a token, in any case.
///
/// ```
/// assert!(swoosh_proto::http1::has_token(b"keep-alive, Upgrade", "upgrade"));
/// ```
#[inline]
pub fn has_token(list: &[u8], token: &str) -> bool {
    // Asked several times for each request, nearly always of one token.
    if memchr::memchr(b',', list).is_none() {
        return list.trim_ascii().eq_ignore_ascii_case(token.as_bytes());
    }
    list.split(|&b| b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether a byte may be part of a token (RFC 9110 section 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
