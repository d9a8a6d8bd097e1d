//! Paths of requests and of links.

use std::borrow::Cow;

/// The path without dots and empty segments; `None` if it contains a zero byte or leads above the root.
pub(super) fn normalize(path: &[u8]) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") || path.contains(&0) {
        return None;
    }
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&b| b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    let mut out = vec![b'/'];
    out.extend(segments.join(&b'/'));
    let is_directory = path.ends_with(b"/") && out.len() > 1;
    out.extend_from_slice(if is_directory { b"/" } else { b"" });
    Some(out)
}

/// Text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A byte of a path, percent-encoded for a link if necessary.
pub(super) fn percent_encode(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}

/// Decodes percent-encoded bytes (RFC 3986 section 2.1); a malformed sequence is kept.
///
/// ```
/// assert_eq!(*swoosh::http::form::percent_decode(b"%41%2"), *b"A%2");
/// ```
pub fn percent_decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let hex = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2)).and_then(|(a, b)| hex(*a).zip(hex(*b)));
        match pair {
            Some((high, low)) if bytes[at] == b'%' => {
                out.push(high << 4 | low);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}
