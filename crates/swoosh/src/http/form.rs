//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578).

pub use super::body::{Body, BodySlice};
use super::body_window::BodyWindow;
use crate::error::Result;
use crate::proto::http1::request::{Field, field};
pub use crate::static_files::percent_decode;
use memchr::memmem;
use std::ops::Range;

/// The decoded pairs of `a=b&c=d`; a plus is a space.
///
/// ```
/// assert_eq!(swoosh::http::form::pairs(b"a=1+2"), [(b"a".to_vec(), b"1 2".to_vec())]);
/// ```
pub fn pairs(query: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        percent_decode(&spaced).into_owned()
    };
    let parts = query.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| match memchr::memchr(b'=', part) {
            Some(at) => (plain(&part[..at]), plain(&part[at + 1..])),
            None => (plain(part), Vec::new()),
        })
        .collect()
}

/// Whether a body has that media type, given in lower case without parameters.
pub fn is_type(headers: &[Field<'_>], kind: &str) -> bool {
    let value = field(headers, "content-type").unwrap_or_default();
    value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind.as_bytes()))
}

/// A part of a form: see [`parts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'b> {
    /// The field's name.
    pub name: Vec<u8>,
    /// The file's name, if the part is a file; empty if no file was chosen.
    pub filename: Option<Vec<u8>>,
    /// The part's `Content-Type`; empty if it has none.
    pub content_type: Vec<u8>,
    /// The part's content.
    pub data: BodySlice<'b>,
}

/// The parts of a `multipart/form-data` body, in order; `None` for another type of body. A part without a closing delimiter is left
/// out, because it may be half a file.
///
/// ```
/// use swoosh::http::form::{Body, parts};
///
/// let body = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--";
/// let found = parts(b"multipart/form-data; boundary=x", Body::Memory(body)).unwrap().unwrap();
/// assert_eq!((&*found[0].name, &*found[0].data.bytes().unwrap()), (&b"a"[..], &b"1"[..]));
/// ```
///
/// # Errors
/// If the disk that holds the body fails.
pub fn parts<'b>(content_type: &[u8], body: Body<'b>) -> Result<Option<Vec<Part<'b>>>> {
    let boundary = parameter(content_type, "boundary").filter(|b| (1..=MAX_BOUNDARY).contains(&b.len()));
    let Some(boundary) = boundary else { return Ok(None) };
    let delimiter = [b"\r\n--", boundary].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut window = BodyWindow::new(body);
    // The preamble is skipped (RFC 2046 section 5.1.1).
    let mut at = match window.at(0, delimiter.len())?.starts_with(&delimiter[2..]) {
        true => delimiter.len() as u64 - 2,
        false => match window.find(0, &finder, |_| true)? {
            Some(at) => at + delimiter.len() as u64,
            None => return Ok(None),
        },
    };
    let mut found = Vec::new();
    // A delimiter is followed by a line end or by the two closing dashes.
    let ends = |following: &[u8]| matches!(following, [b'\r', b'\n', ..] | [b'-', b'-', ..]);
    for _ in 0..MAX_PARTS {
        if !window.at(at, 2)?.starts_with(b"\r\n") {
            break;
        }
        let begin = at + 2;
        let Some(end) = window.find(begin, &finder, ends)? else { break };
        found.extend(read(&mut window, begin..end)?);
        at = end + delimiter.len() as u64;
    }
    Ok(Some(found))
}

fn read<'b>(window: &mut BodyWindow<'b>, part: Range<u64>) -> Result<Option<Part<'b>>> {
    let whole = part.end - part.start;
    // A part in memory is visible as a whole.
    let least = if let Body::Memory(_) = window.body { whole } else { whole.min(MAX_PART_HEAD) };
    let bytes = window.at(part.start, least as usize)?;
    let bytes = &bytes[..bytes.len().min(least as usize)];
    let Some(at) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let mut fields = [httparse::EMPTY_HEADER; MAX_PART_FIELDS];
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(&bytes[..at + 4], &mut fields) else {
        return Ok(None);
    };
    let headers: Vec<_> = headers.iter().map(|h| Field { name: h.name.as_bytes(), value: h.value }).collect();
    let named = field(&headers, "content-disposition").and_then(|disposition| {
        let copy = |name| parameter(disposition, name).map(<[u8]>::to_vec);
        Some((copy("name")?, copy("filename")))
    });
    let Some((name, filename)) = named else { return Ok(None) };
    let content_type = field(&headers, "content-type").unwrap_or_default().to_vec();
    let data = window.slice(part.start + at as u64 + 4..part.end);
    Ok(Some(Part { name, filename, content_type, data }))
}

/// A parameter of a header field's value, without quotes.
///
/// ```
/// use swoosh::http::form::parameter;
///
/// assert_eq!(parameter(b"form-data; name=\"a\"", "name"), Some(&b"a"[..]));
/// ```
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

/// The greatest number of parts of a form.
const MAX_PARTS: usize = 10_000;
/// The greatest number of header fields of a part.
const MAX_PART_FIELDS: usize = 16;
/// The longest head of a part, if the body is on disk, bytes.
const MAX_PART_HEAD: u64 = 16 << 10;
/// The longest boundary, bytes (RFC 2046 section 5.1.1).
const MAX_BOUNDARY: usize = 70;

#[cfg(test)]
mod tests {
    use super::super::body_window::READ_SIZE;
    use super::*;
    use crate::sys::temp_file::TempFile;

    #[test]
    fn pairs_are_decoded() {
        let wanted =
            vec![(b"a b".to_vec(), b"c&".to_vec()), (b"x".to_vec(), Vec::new()), (b"p%".to_vec(), b"==".to_vec())];
        assert_eq!(pairs(b"a+b=c%26&&x&p%==%3d"), wanted);
    }

    /// A part's name, file name, type and data.
    type Plain = (Vec<u8>, Option<Vec<u8>>, Vec<u8>, Vec<u8>);

    /// The parts of a body, which must be the same in memory and on disk.
    fn both(kind: &[u8], body: &[u8]) -> Option<Vec<Plain>> {
        let mut stored = TempFile::new(&std::env::temp_dir()).unwrap();
        stored.append(body).unwrap();
        let here = parts(kind, Body::Memory(body)).unwrap();
        assert_eq!(here, parts(kind, Body::Disk(&stored)).unwrap());
        let plain = |part: Part<'_>| {
            let data = part.data.bytes().unwrap().into_owned();
            (part.name, part.filename, part.content_type, data)
        };
        here.map(|all| all.into_iter().map(plain).collect())
    }

    #[test]
    fn parts_are_found_with_their_names() {
        let body = b"before\r\n--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xy\r\n--xyz\r\n\
            content-disposition: form-data; filename=\"f;.txt\"; name=b\r\nContent-Type: text/plain\r\n\r\n\r\n--xyz--\r\nafter";
        let found = both(b"multipart/form-data; boundary=\"xyz\"", body).unwrap();
        let a = (b"a".to_vec(), None, Vec::new(), b"1\r\n--xy".to_vec());
        let b = (b"b".to_vec(), Some(b"f;.txt".to_vec()), b"text/plain".to_vec(), Vec::new());
        assert_eq!(found, [a, b]);
    }

    #[test]
    fn parts_are_found_across_window_boundaries() {
        let head = b"Content-Disposition: form-data; name=a; filename=f\r\n\r\n";
        for length in (READ_SIZE - 200..READ_SIZE + 20).chain([3 * READ_SIZE + 7]) {
            let data: Vec<u8> = (0..length).map(|n| b"\r\n--xyq"[n % 7]).collect();
            let body = [b"--xyz\r\n", &head[..], &data, b"\r\n--xyz\r\n", head, b"end\r\n--xyz--\r\n"].concat();
            let found = both(b"multipart/form-data; boundary=xyz", &body).unwrap();
            assert_eq!(found.iter().map(|part| part.3.len()).collect::<Vec<_>>(), [length, 3]);
        }
    }

    #[test]
    fn a_malformed_form_has_no_parts_and_half_a_part_is_left_out() {
        let kind = b"multipart/form-data; boundary=x";
        assert_eq!(both(b"multipart/form-data", b"--x\r\n"), None);
        assert_eq!(both(kind, b"nothing"), None);
        assert_eq!(both(kind, b""), None);
        assert_eq!(both(kind, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf"), Some(vec![]));
        assert_eq!(both(kind, b"--x\r\nno head\r\n--x--"), Some(vec![]));
    }
}
