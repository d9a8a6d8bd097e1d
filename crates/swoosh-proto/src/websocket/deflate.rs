//! Compression of messages: permessage-deflate (RFC 7692). Section numbers refer to RFC 7692.
//!
//! Neither side keeps a window between messages: the negotiated parameters forbid it for both. So a connection needs no
//! memory for compression, and a compressed message can be sent to any number of peers.
//!
//! ```
//! use swoosh_proto::websocket::deflate::{DeflateParams, deflate, inflate};
//!
//! let packed = deflate(b"Hello Hello Hello", DeflateParams { small_window: false });
//! assert_eq!(inflate(&packed, 1024).unwrap(), b"Hello Hello Hello");
//! ```

use super::error::{TOO_LONG, WebSocketError, error};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::cell::RefCell;

/// The negotiated parameters.
///
/// ```
/// use swoosh_proto::websocket::deflate::negotiate;
///
/// let offers = [&b"permessage-deflate; server_max_window_bits=10"[..]];
/// let (params, response) = negotiate(offers.into_iter()).unwrap();
/// assert!(params.small_window && response.ends_with("server_max_window_bits=10"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateParams {
    /// The server's window has to be smaller than 32 KiB. The compressor uses 512 bytes then, which any such limit allows.
    pub small_window: bool,
}

/// The offer of a client, for `Sec-WebSocket-Extensions`.
pub const OFFER: &str = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/// Accepts the first acceptable one of a client's offers, the values of its `Sec-WebSocket-Extensions` fields (section
/// 5.1). Returns the parameters and the value of the response's field.
pub fn negotiate<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<(DeflateParams, String)> {
    let offers = values.flat_map(|value| value.split(|&byte| byte == b','));
    offers.filter_map(accept_offer).next()
}

/// Whether a server's `Sec-WebSocket-Extensions` fields accept [`OFFER`].
pub fn is_accepted<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut answers = values.flat_map(|value| value.split(|&byte| byte == b','));
    answers.any(|answer| {
        let mut words = answer.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        words.next() == Some(b"permessage-deflate") && words.any(|word| word == b"server_no_context_takeover")
    })
}

/// Accepts one offer. `None` if it is for another extension or has parameters that are unknown, invalid or not supported
/// (section 7.1).
fn accept_offer(text: &[u8]) -> Option<(DeflateParams, String)> {
    let mut words = text.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    if words.next() != Some(NAME.as_bytes()) {
        return None;
    }
    let mut seen = [false; 4];
    let mut window = None;
    for word in words {
        let (name, value) = match word.iter().position(|&byte| byte == b'=') {
            Some(at) => (word[..at].trim_ascii(), Some(unquoted(word[at + 1..].trim_ascii()))),
            None => (word, None),
        };
        let which = PARAMETERS.iter().position(|known| known.as_bytes() == name)?;
        if std::mem::replace(&mut seen[which], true) {
            return None;
        }
        let bits = value.map(window_bits);
        match (which, bits) {
            (SERVER_TAKEOVER | CLIENT_TAKEOVER, None) | (CLIENT_WINDOW, None) => {}
            (CLIENT_WINDOW, Some(Some(_))) => {}
            // The compressor does not support a window of 256 bytes (8 bits).
            (SERVER_WINDOW, Some(Some(bits @ 9..))) => window = Some(bits),
            _ => return None,
        }
    }
    let mut answer = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
    if let Some(bits) = window {
        answer.push_str(&format!("; server_max_window_bits={bits}"));
    }
    Some((DeflateParams { small_window: window.is_some_and(|bits| bits < 15) }, answer))
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// Parses 8 to 15 without leading zeros (section 7.1.2).
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

thread_local! {
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
    static LARGE_WINDOW: RefCell<Compress> = RefCell::new(Compress::new_with_window_bits(Compression::fast(), false, 15));
    static SMALL_WINDOW: RefCell<Compress> = RefCell::new(Compress::new_with_window_bits(Compression::fast(), false, 9));
}

/// Decompresses the payload of a message (section 7.2.2).
///
/// # Errors
/// 1007 if the data is malformed; 1009 if the message has more than `max` bytes.
pub fn inflate(data: &[u8], max: u64) -> Result<Vec<u8>, WebSocketError> {
    INFLATE.with_borrow_mut(|stream| {
        stream.reset(false);
        let mut out = Vec::with_capacity((data.len() * 4).clamp(64, STEP));
        for part in [data, &TAIL[..]] {
            let mut at = 0;
            loop {
                if out.len() as u64 > max {
                    return error(1009, TOO_LONG);
                }
                if out.len() == out.capacity() {
                    out.reserve(out.len().min(STEP));
                }
                let before = (stream.total_in(), out.len());
                let status = stream.decompress_vec(&part[at..], &mut out, FlushDecompress::Sync);
                at += (stream.total_in() - before.0) as usize;
                match status {
                    Ok(Status::StreamEnd) => return bounded(out, max),
                    Ok(_) | Err(_) if at == part.len() && out.len() < out.capacity() => break,
                    Ok(_) if (stream.total_in(), out.len()) != before || out.len() == out.capacity() => {}
                    _ => return error(1007, "the compressed message is malformed"),
                }
            }
        }
        bounded(out, max)
    })
}

fn bounded(out: Vec<u8>, max: u64) -> Result<Vec<u8>, WebSocketError> {
    if out.len() as u64 > max {
        return error(1009, TOO_LONG);
    }
    Ok(out)
}

/// Compresses the payload of a message (section 7.2.1).
pub fn deflate(data: &[u8], agreed: DeflateParams) -> Vec<u8> {
    if data.is_empty() {
        // An empty block (section 7.2.3.6).
        return vec![0];
    }
    let stream = if agreed.small_window { &SMALL_WINDOW } else { &LARGE_WINDOW };
    stream.with_borrow_mut(|stream| {
        stream.reset();
        let mut out = Vec::with_capacity(data.len() / 2 + 64);
        loop {
            let at = stream.total_in() as usize;
            // Compression into a growing buffer cannot fail.
            let _ = stream.compress_vec(&data[at..], &mut out, FlushCompress::Sync);
            if stream.total_in() as usize == data.len() && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.capacity().max(64));
        }
        if out.ends_with(TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        out
    })
}

const NAME: &str = "permessage-deflate";
const PARAMETERS: [&str; 4] =
    ["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits"];
const SERVER_TAKEOVER: usize = 0;
const CLIENT_TAKEOVER: usize = 1;
const SERVER_WINDOW: usize = 2;
const CLIENT_WINDOW: usize = 3;
/// The end of each compressed message, which is not sent (section 7.2.1).
const TAIL: &[u8; 4] = &[0, 0, 0xFF, 0xFF];
/// Bytes that the output grows by at a time, at most.
const STEP: usize = 1 << 18;

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: DeflateParams = DeflateParams { small_window: false };

    fn answer(value: &str) -> Option<(bool, String)> {
        negotiate([value.as_bytes()].into_iter()).map(|(agreed, answer)| (agreed.small_window, answer))
    }

    #[test]
    fn the_examples_of_the_rfc_are_decompressed() {
        // Section 7.2.3: "Hello" in one block, in a block without compression, with a final block, and in two blocks.
        for bytes in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            assert_eq!(inflate(bytes, 100).as_deref(), Ok(&b"Hello"[..]), "{}", bytes.escape_ascii());
        }
        assert_eq!(deflate(b"", WIDE), [0]);
        assert_eq!(inflate(&[0], 100).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn messages_of_every_length_are_restored() {
        let random = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
        for length in [1, 2, 100, 512, 5_000, 65_536, 1_000_000] {
            let same: Vec<u8> = (0..length).map(|n| (n / 100) as u8).collect();
            let noise: Vec<u8> = (0..length).map(random).collect();
            for data in [same, noise] {
                for agreed in [WIDE, DeflateParams { small_window: true }] {
                    let short = deflate(&data, agreed);
                    assert_eq!(inflate(&short, length.into()).as_deref(), Ok(&data[..]));
                    assert_eq!(deflate(&data, agreed), short, "nothing is kept of the message before");
                }
            }
        }
    }

    #[test]
    fn a_decompression_bomb_stops_at_the_limit_and_garbage_is_refused() {
        let bomb = deflate(&vec![0; 50_000_000], WIDE);
        assert!(bomb.len() < 1_000_000);
        assert_eq!(inflate(&bomb, 100_000).map_err(|fault| fault.code), Err(1009));
        assert_eq!(inflate(&deflate(&[7; 101], WIDE), 100).map_err(|fault| fault.code), Err(1009));
        assert_eq!(inflate(b"\xff\xff\xff\xff\xff", 100).map_err(|fault| fault.code), Err(1007));
    }

    #[test]
    fn offers_are_accepted_or_declined() {
        let plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        for (offer, narrow, more) in [
            ("permessage-deflate", false, ""),
            ("permessage-deflate; client_max_window_bits", false, ""),
            ("permessage-deflate;server_no_context_takeover;client_max_window_bits=8", false, ""),
            ("permessage-deflate; server_max_window_bits=9", true, "; server_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=\"15\"", false, "; server_max_window_bits=15"),
            ("x-own, permessage-deflate; server_max_window_bits=8, permessage-deflate", false, ""),
        ] {
            assert_eq!(answer(offer), Some((narrow, format!("{plain}{more}"))), "{offer}");
        }
        for bad in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=09",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; unknown",
        ] {
            assert_eq!(answer(bad), None, "{bad}");
        }
        assert!(is_accepted([answer(OFFER).unwrap().1.as_bytes()].into_iter()));
        assert!(!is_accepted([&b"permessage-deflate"[..]].into_iter()));
    }
}
