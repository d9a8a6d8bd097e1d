//! `Upgrade: h2c`: an HTTP/1.1 request becomes the first stream of an HTTP/2 connection (RFC 7540 section 3.2).
//!
//! RFC 9113 has removed this upgrade; curl and older clients still use it.

use super::frames::{FrameHead, put_header_block};
use super::hpack::primitive::put_integer;
use crate::http1::has_token;
use crate::http1::request::{Field, Request, field, field_buffer};

/// The response that accepts the upgrade.
pub const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// The frames that a complete HTTP/1.1 request is sent as on stream 1, which ends the request. `None`: the request does not
/// ask for HTTP/2 as it must, or has a body, and is answered by HTTP/1.1.
///
/// ```
/// use swoosh_proto::http2::upgrade::first_stream;
///
/// let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
/// assert_eq!(first_stream(request).unwrap()[3..5], [1, 5]);
/// assert!(first_stream(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n").is_none());
/// ```
pub fn first_stream(request: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = field_buffer();
    let (parsed, headers) = Request::parse(request, &mut buffer)?;
    // A target in absolute form, for a proxy, is no `:path`.
    let has_path = parsed.target.starts_with('/') || parsed.target == "*";
    if !has_path || !asks(headers) || parsed.head != request.len() || parsed.minor == 0 {
        return None;
    }
    let mut block = Vec::with_capacity(request.len() + 64);
    put(&mut block, b":method", parsed.method.as_bytes());
    put(&mut block, b":scheme", b"http");
    put(&mut block, b":path", parsed.target.as_bytes());
    if let Some(host) = field(headers, "host") {
        put(&mut block, b":authority", host);
    }
    let dropped = ["host", "connection", "upgrade", "http2-settings", "keep-alive", "proxy-connection", "te"];
    let named = field(headers, "connection").unwrap_or_default();
    for header in headers.iter().filter(|h| !dropped.iter().any(|name| h.is(name))) {
        if !has_token(named, std::str::from_utf8(header.name).ok()?) {
            put(&mut block, &header.name.to_ascii_lowercase(), header.value);
        }
    }
    let mut frames = Vec::new();
    put_header_block(&mut frames, 1, true, &block, FrameHead::DEFAULT_MAX_LENGTH);
    Some(frames)
}

/// Whether the request asks for h2c, with settings that are valid.
fn asks(headers: &[Field<'_>]) -> bool {
    let has = |name, token| headers.iter().any(|h| h.is(name) && has_token(h.value, token));
    let mut settings = headers.iter().filter(|h| h.is("http2-settings"));
    let valid = settings.next().is_some_and(|h| is_settings(h.value)) && settings.next().is_none();
    valid && has("upgrade", "h2c") && has("connection", "upgrade") && has("connection", "http2-settings")
}

/// Whether these are settings in base64url: whole ones, of six bytes each. Their values are sent again in the first frame.
fn is_settings(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    // Six bytes are eight characters.
    text.iter().all(known) && text.len().is_multiple_of(8)
}

/// A literal field that does not change the table (RFC 7541 section 6.2.2).
fn put(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    for text in [name, value] {
        put_integer(block, 0, 7, text.len());
        block.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";

    fn upgrade(head: &str) -> Option<Vec<u8>> {
        first_stream(format!("{head}\r\n").as_bytes())
    }

    #[test]
    fn a_request_becomes_one_block_without_the_fields_of_its_connection() {
        let frame = upgrade(&format!("GET /p?q HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\n{ASK}")).unwrap();
        let wanted =
            b"\0\x07:method\x03GET\0\x07:scheme\x04http\0\x05:path\x04/p?q\0\x0a:authority\x06a.test\0\x05x-one\x011";
        assert_eq!(&frame[9..], wanted);
        assert_eq!(&frame[..9], &[0, 0, wanted.len() as u8, 1, 5, 0, 0, 0, 1]);
    }

    #[test]
    fn a_long_block_continues_in_further_frames() {
        let frames = upgrade(&format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n{ASK}", "v".repeat(40_000))).unwrap();
        let mut found = Vec::new();
        super::super::frames::FrameScanner::default().scan(&frames, |head| found.push((head.kind, head.flags)));
        assert_eq!(found, [(1, 1), (9, 0), (9, 4)]);
    }

    #[test]
    fn other_requests_stay_with_http_1() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n";
        for head in [
            get.to_owned(),
            format!("GET / HTTP/1.0\r\n{ASK}"),
            format!("{get}Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            format!("{get}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
            format!("{get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: !!!\r\n"),
            format!("{get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"),
            format!("{get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2\r\nHTTP2-Settings: AAMAAABk\r\n"),
            format!("{get}{ASK}HTTP2-Settings: AAMAAABk\r\n"),
        ] {
            assert_eq!(upgrade(&head), None, "{head}");
        }
        let with_body = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n{ASK}\r\nbody");
        assert_eq!(first_stream(with_body.as_bytes()), None);
    }
}
