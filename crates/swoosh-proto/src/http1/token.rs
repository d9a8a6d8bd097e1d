//! Tokens and lists of them.

/// Whether a comma-separated list (RFC 9110 section 5.6.1) contains a token, in any case.
///
/// ```
/// assert!(swoosh_proto::http1::has_token(b"keep-alive, Upgrade", "upgrade"));
/// ```
#[inline]
pub fn has_token(list: &[u8], token: &str) -> bool {
    list.split(|&b| b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// The options of `Connection` fields (RFC 9110 section 7.6.1) that a server acts on, found in one pass: every request
/// has such a field.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ConnectionOptions {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
}

impl ConnectionOptions {
    /// Adds the options of one field.
    #[inline]
    pub(crate) fn add(&mut self, value: &[u8]) {
        // As nearly every client writes it.
        if value == b"keep-alive" || value == b"Keep-Alive" {
            self.keep_alive = true;
            return;
        }
        for item in value.split(|&b| b == b',') {
            let item = item.trim_ascii();
            match item.len() {
                5 => self.close |= item.eq_ignore_ascii_case(b"close"),
                7 => self.upgrade |= item.eq_ignore_ascii_case(b"upgrade"),
                10 => self.keep_alive |= item.eq_ignore_ascii_case(b"keep-alive"),
                _ => {}
            }
        }
    }
}

/// Whether a byte may be part of a token (RFC 9110 section 5.6.2).
#[inline]
pub const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// The bytes of tokens.
pub(super) const TOKEN: [bool; 256] = byte_set(b"!#$%&'*+-.^_`|~");

/// The set of letters, digits and `others`.
pub(super) const fn byte_set(others: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < set.len() {
        set[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut n = 0;
    while n < others.len() {
        set[others[n] as usize] = true;
        n += 1;
    }
    set
}
