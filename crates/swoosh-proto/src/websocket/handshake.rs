//! The opening handshake (section 4).

use crate::base64::base64;
use crate::http1::has_token;

/// Checks a client's opening handshake (section 4.2.1) and returns the `Sec-WebSocket-Accept` of the response.
///
/// ```
/// use swoosh_proto::websocket::accept_handshake;
///
/// let headers = [
///     (&b"Upgrade"[..], &b"websocket"[..]),
///     (b"Connection", b"Upgrade"),
///     (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     (b"Sec-WebSocket-Version", b"13"),
/// ];
/// let accept = accept_handshake("GET", 1, headers.into_iter());
/// assert_eq!(accept.as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
/// ```
///
/// # Errors
/// The status of the response: 426 if the client uses another version of the protocol, otherwise 400.
pub fn accept_handshake<'h>(
    method: &str,
    minor: u8,
    headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
) -> Result<String, u16> {
    let values = |name: &'static str| headers.clone().filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
    let has = |name, token| values(name).any(|(_, value)| has_token(value, token));
    let asks = method == "GET" && minor > 0 && has("upgrade", "websocket") && has("connection", "upgrade");
    let first = |name| values(name).next().map(|(_, value)| value);
    let accept = first("sec-websocket-key").and_then(accept_key).filter(|_| asks).ok_or(400u16)?;
    if first("sec-websocket-version") == Some(b"13") { Ok(accept) } else { Err(426) }
}

/// The `Sec-WebSocket-Accept` for a client's key (section 4.2.2); `None` if the key is not 16 bytes in Base64.
pub fn accept_key(key: &[u8]) -> Option<String> {
    let in_alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let valid = key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(in_alphabet);
    valid.then(|| {
        let mut hash = sha1_smol::Sha1::new();
        hash.update(key);
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        base64(&hash.digest().bytes())
    })
}
