//! Validates and indexes the heads that clients send in practice, in one pass over their bytes.
//!
//! Performance: each request passes here. A head that is incomplete, malformed or merely unusual is left to
//! [`request_head`](super::request_head), which is slower and says what is wrong.
//!
//! Invariant: a head that is accepted here is accepted there, with the same properties.

use super::head_index::HeadIndex;
use super::method::is_method;
use super::request_head::{CheckedHead, FramingFields, MAX_TARGET};
use super::token::{TOKEN, byte_set};
use crate::http1::MAX_HEADERS;

/// Validates the head at the front of `bytes` and fills its index. `None`: it is not an ordinary, valid and complete head of
/// at most `max` bytes, and the index is to be ignored. Returns the properties and the length of the head.
pub(super) fn check(
    bytes: &[u8],
    max: usize,
    requires_host: bool,
    index: &mut HeadIndex,
) -> Option<(CheckedHead, usize)> {
    let method = run(bytes, 0, &UPPER);
    let target = method + 1;
    if method > MAX_METHOD || bytes.get(method) != Some(&b' ') || bytes.get(target) != Some(&b'/') {
        return None;
    }
    let target_end = run(bytes, target, &TARGET);
    let minor = match bytes.get(target_end..)?.first_chunk::<11>()? {
        b" HTTP/1.1\r\n" => 1,
        b" HTTP/1.0\r\n" => 0,
        _ => return None,
    };
    if target_end - target > MAX_TARGET || !is_served(&bytes[..method]) {
        return None;
    }
    index.begin(method as u16, target_end as u16);
    let mut fields = FramingFields::new(minor);
    let mut at = target_end + 11;
    for _ in 0..=MAX_HEADERS {
        if bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n') {
            let head = at + 2;
            if head > max.min(LONGEST) || requires_host && minor == 1 && fields.hosts == 0 {
                return None;
            }
            let checked = fields.finish().ok()?;
            index.end(minor, checked.keeps_alive, head as u16);
            return Some((checked, head));
        }
        let colon = run(bytes, at, &NAME);
        if colon == at || bytes.get(colon) != Some(&b':') {
            return None;
        }
        let mut value = colon + 1;
        while is_blank(*bytes.get(value)?) {
            value += 1;
        }
        let cr = value + value_length(&bytes[value..])?;
        if bytes.get(cr + 1) != Some(&b'\n') || cr > LONGEST {
            return None;
        }
        let mut value_end = cr;
        while value_end > value && is_blank(bytes[value_end - 1]) {
            value_end -= 1;
        }
        fields.add(&bytes[at..colon], &bytes[value..value_end]).ok()?;
        index.add([at as u16, colon as u16], [value as u16, value_end as u16]);
        at = cr + 2;
    }
    None
}

/// Whether a method is known and may be used.
#[inline]
fn is_served(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"POST")
        || std::str::from_utf8(method).is_ok_and(|name| is_method(name) && name != "CONNECT")
}

/// The end of the bytes of a set, from `at` on.
#[inline]
fn run(bytes: &[u8], mut at: usize, set: &[bool; 256]) -> usize {
    while let Some(&byte) = bytes.get(at)
        && set[usize::from(byte)]
    {
        at += 1;
    }
    at
}

/// The number of bytes before the CR that ends a value; `None` if there is a control character before it, or no CR.
#[inline(always)]
fn value_length(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        from += first_control(&bytes[from..])?;
        match bytes[from] {
            b'\r' => return Some(from),
            b'\t' => from += 1,
            _ => return None,
        }
    }
}

/// The position of the first control character, eight bytes at a time.
#[inline(always)]
fn first_control(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES * 0x80;
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let delete = word ^ (ONES * 0x7f);
        // A subtraction borrows from the bytes above a found one only: the lowest mark is right.
        let marks = (word.wrapping_sub(ONES * 0x20) & !word | delete.wrapping_sub(ONES) & !delete) & HIGH;
        if marks != 0 {
            return Some(n * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let last = rest.iter().position(u8::is_ascii_control)?;
    Some(words.len() * 8 + last)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

static NAME: [bool; 256] = TOKEN;
static UPPER: [bool; 256] = {
    let mut set = [false; 256];
    let mut letter = b'A';
    while letter <= b'Z' {
        set[letter as usize] = true;
        letter += 1;
    }
    set
};
/// Characters of targets in origin-form (RFC 9112 section 3.2.1, RFC 3986 appendix A).
static TARGET: [bool; 256] = byte_set(b"-._~:/?[]@!$&'()*+,;=%");
/// Bytes of the longest method.
const MAX_METHOD: usize = 24;
/// Bytes of the longest head whose positions an index can hold.
const LONGEST: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::request::{Request, field_buffer};
    use crate::http1::request_head::check_head;

    fn agrees(bytes: &[u8]) -> bool {
        let mut index = HeadIndex::default();
        let mut accepted = false;
        for requires_host in [false, true] {
            let Some((head, length)) = check(bytes, 1 << 20, requires_host, &mut index) else { continue };
            accepted = true;
            let text = String::from_utf8_lossy(bytes);
            let slow = check_head(&bytes[..length], requires_host).unwrap_or_else(|e| panic!("{text:?}: {e:?}"));
            assert_eq!(head, slow, "{text:?}");
            let (mut quick, mut slow) = (field_buffer(), field_buffer());
            let (indexed, fields) = index.request(bytes, &mut quick).unwrap();
            let (parsed, wanted) = Request::parse(bytes, &mut slow).unwrap();
            assert_eq!((indexed.method, indexed.target, indexed.minor), (parsed.method, parsed.target, parsed.minor));
            assert_eq!((indexed.head, fields), (parsed.head, wanted), "{text:?}");
            assert!(check(bytes, length - 1, requires_host, &mut index).is_none(), "longer than allowed: {text:?}");
            for cut in 0..length {
                assert!(check(&bytes[..cut], 1 << 20, requires_host, &mut index).is_none(), "{text:?} cut at {cut}");
            }
        }
        accepted
    }

    #[test]
    fn ordinary_heads_are_accepted() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "POST /a?b=%20&c[]=1 HTTP/1.1\r\nHost:a:80\r\nContent-Length: 17\r\nX:\r\nY: \t \r\nZ: a\tb \t\r\n\r\nbody",
            "PUT /a HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: caf\u{e9} und mehr als acht Bytes\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n",
        ] {
            assert!(agrees(head.as_bytes()), "{head:?}");
        }
    }

    #[test]
    fn what_is_not_ordinary_is_left_to_the_slower_check() {
        for head in [
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n",
            "get / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fbcdefghijklmnop\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        ] {
            assert!(!agrees(head.as_bytes()), "{head:?}");
        }
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(MAX_HEADERS));
        assert!(!agrees(many.as_bytes()));
    }

    #[test]
    fn changed_heads_are_never_accepted_against_the_slower_check() {
        let head = b"POST /a?b=c HTTP/1.1\r\nHost: example.com:80\r\nConnection: keep-alive\r\nContent-Length: 12\r\nAccept: text/html, */*\r\n\r\n";
        for at in 0..head.len() {
            for byte in 0..=255 {
                let mut changed = head.to_vec();
                changed[at] = byte;
                agrees(&changed);
            }
            let mut shorter = head.to_vec();
            shorter.remove(at);
            agrees(&shorter);
            let mut doubled = head.to_vec();
            doubled.insert(at, head[at]);
            agrees(&doubled);
        }
    }
}
