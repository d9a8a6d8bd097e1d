//! Forms: `application/x-www-form-urlencoded`, and `multipart/form-data` (RFC 7578).

use crate::proto::http1::request::field;
use httparse::Header;
use memchr::memmem;

/// `%41` as one byte; what is no such triple stays.
pub fn percent_decode(bytes: &[u8]) -> Vec<u8> {
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
    out
}

/// `a=b&c=d` in pairs, decoded; a plus is a space.
pub fn pairs(query: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        percent_decode(&spaced)
    };
    let parts = query.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| match memchr::memchr(b'=', part) {
            Some(at) => (plain(&part[..at]), plain(&part[at + 1..])),
            None => (plain(part), Vec::new()),
        })
        .collect()
}

/// Whether a body is of that type.
pub fn is_type(headers: &[Header<'_>], kind: &str) -> bool {
    let value = field(headers, "content-type").unwrap_or_default();
    value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind.as_bytes()))
}

/// A part of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'b> {
    /// The field's name.
    pub name: &'b [u8],
    /// The file's name, where it is one; empty where none was chosen.
    pub filename: Option<&'b [u8]>,
    /// Its `Content-Type`; empty where it has none.
    pub content_type: &'b [u8],
    /// What it has.
    pub data: &'b [u8],
}

/// The parts of a body of `multipart/form-data`, in order; `None` where it is none. A part without an end is left out:
/// what came of it may be half a file.
pub fn parts<'b>(content_type: &[u8], body: &'b [u8]) -> Option<Vec<Part<'b>>> {
    let boundary = parameter(content_type, "boundary").filter(|b| (1..=LONGEST_BOUNDARY).contains(&b.len()))?;
    let delimiter = [b"\r\n--", boundary].concat();
    let first = &delimiter[2..];
    // What stands before the first part is left out.
    let mut rest = match body.starts_with(first) {
        true => &body[first.len()..],
        false => memmem::find(body, &delimiter).map(|at| &body[at + delimiter.len()..])?,
    };
    let finder = memmem::Finder::new(&delimiter);
    let mut found = Vec::new();
    for _ in 0..MOST_PARTS {
        let Some(part) = rest.strip_prefix(b"\r\n") else { break };
        let Some(end) = delimiter_at(&finder, part, delimiter.len()) else { break };
        rest = &part[end + delimiter.len()..];
        found.extend(read(&part[..end]));
    }
    Some(found)
}

/// Where a part's end is: a delimiter that a line's end or the two closing dashes follow.
fn delimiter_at(finder: &memmem::Finder<'_>, part: &[u8], length: usize) -> Option<usize> {
    finder.find_iter(part).find(|at| matches!(part[at + length..], [b'\r', b'\n', ..] | [b'-', b'-', ..]))
}

fn read(part: &[u8]) -> Option<Part<'_>> {
    let at = memmem::find(part, b"\r\n\r\n")?;
    let mut room = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(&part[..at + 4], &mut room) else {
        return None;
    };
    let disposition = field(headers, "content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?,
        filename: parameter(disposition, "filename"),
        content_type: field(headers, "content-type").unwrap_or_default(),
        data: &part[at + 4..],
    })
}

/// A parameter of a header field's value, without its quotes.
pub fn parameter<'v>(value: &'v [u8], name: &str) -> Option<&'v [u8]> {
    let mut rest = &value[memchr::memchr(b';', value)?..];
    while let Some(next) = rest.strip_prefix(b";") {
        let next = next.trim_ascii_start();
        let end = next.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(next.len());
        let (own, after) = next.split_at(end);
        let (value, left) = match after.strip_prefix(b"=") {
            Some([b'"', quoted @ ..]) => {
                let end = memchr::memchr(b'"', quoted).unwrap_or(quoted.len());
                (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
            }
            Some(plain) => {
                let end = memchr::memchr(b';', plain).unwrap_or(plain.len());
                (plain[..end].trim_ascii(), &plain[end..])
            }
            None => (&b""[..], after),
        };
        if own.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
            return Some(value);
        }
        rest = left.trim_ascii_start();
        if !rest.starts_with(b";") {
            rest = memchr::memchr(b';', rest).map_or(&b""[..], |at| &rest[at..]);
        }
    }
    None
}

/// Parts of one form.
const MOST_PARTS: usize = 10_000;
/// Header fields of a part.
const MOST_FIELDS: usize = 16;
/// RFC 2046 section 5.1.1.
const LONGEST_BOUNDARY: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let wanted =
            vec![(b"a b".to_vec(), b"c&".to_vec()), (b"x".to_vec(), Vec::new()), (b"p%".to_vec(), b"==".to_vec())];
        assert_eq!(pairs(b"a+b=c%26&&x&p%==%3d"), wanted);
    }

    #[test]
    fn parts_are_found_with_their_names() {
        let body = b"before\r\n--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xy\r\n--xyz\r\n\
            content-disposition: form-data; filename=\"f;.txt\"; name=b\r\nContent-Type: text/plain\r\n\r\n\r\n--xyz--\r\nafter";
        let found = parts(b"multipart/form-data; boundary=\"xyz\"", body).unwrap();
        let a = Part { name: b"a", filename: None, content_type: b"", data: b"1\r\n--xy" };
        let b = Part { name: b"b", filename: Some(b"f;.txt"), content_type: b"text/plain", data: b"" };
        assert_eq!(found, [a, b]);
    }

    #[test]
    fn what_is_no_form_is_none_and_half_a_part_is_left_out() {
        let kind = b"multipart/form-data; boundary=x";
        assert_eq!(parts(b"multipart/form-data", b"--x\r\n"), None);
        assert_eq!(parts(kind, b"nothing"), None);
        assert_eq!(parts(kind, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf"), Some(vec![]));
        assert_eq!(parts(kind, b"--x\r\nno head\r\n--x--"), Some(vec![]));
    }
}
