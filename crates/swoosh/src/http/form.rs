//! Forms: `application/x-www-form-urlencoded`, and `multipart/form-data` (RFC 7578).

use super::window::Window;
use crate::error::{Error, Result};
use crate::proto::http1::request::field;
use crate::sys::temp_file::TempFile;
use httparse::Header;
use memchr::memmem;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::ops::Range;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'b> {
    /// The field's name.
    pub name: Vec<u8>,
    /// The file's name, where it is one; empty where none was chosen.
    pub filename: Option<Vec<u8>>,
    /// Its `Content-Type`; empty where it has none.
    pub content_type: Vec<u8>,
    /// What it has.
    pub data: Piece<'b>,
}

/// A body, wherever it is.
#[derive(Debug, Clone, Copy)]
pub enum Body<'b> {
    /// In memory.
    Here(&'b [u8]),
    /// On disk.
    Stored(&'b TempFile),
}

impl<'b> Body<'b> {
    /// All of it as one piece.
    pub fn whole(self) -> Piece<'b> {
        match self {
            Body::Here(bytes) => Piece::Here(bytes),
            Body::Stored(stored) => Piece::Stored(stored, 0..stored.len()),
        }
    }
}

/// What one part of a body has.
#[derive(Debug, Clone)]
pub enum Piece<'b> {
    /// In memory.
    Here(&'b [u8]),
    /// On disk: from one byte to another.
    Stored(&'b TempFile, Range<u64>),
}

impl<'b> Piece<'b> {
    /// How many bytes it has.
    pub fn len(&self) -> u64 {
        match self {
            Piece::Here(bytes) => bytes.len() as u64,
            Piece::Stored(_, piece) => piece.end - piece.start,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn bytes(&self) -> Result<Cow<'b, [u8]>> {
        match self {
            Piece::Here(bytes) => Ok(Cow::Borrowed(bytes)),
            Piece::Stored(stored, piece) => Ok(Cow::Owned(stored.read(piece.clone())?)),
        }
    }

    /// Writes it to a file; what is on disk is copied by the kernel and never in this process's memory.
    ///
    /// # Errors
    /// Where the disk is full, or fails.
    pub fn save(&self, to: &File) -> Result<()> {
        match self {
            Piece::Here(bytes) => (&*to).write_all(bytes).map_err(|e| Error::system("write", "an uploaded file", e)),
            Piece::Stored(stored, piece) => Ok(stored.copy_to(piece.clone(), to)?),
        }
    }
}

/// The same bytes, wherever they are.
impl PartialEq for Piece<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && matches!((self.bytes(), other.bytes()), (Ok(own), Ok(others)) if own == others)
    }
}

impl Eq for Piece<'_> {}

/// The parts of a body of `multipart/form-data`, in order; `None` where it is none. A part without an end is left out:
/// what came of it may be half a file.
///
/// # Errors
/// Where the disk fails that the body is on.
pub fn parts<'b>(content_type: &[u8], body: Body<'b>) -> Result<Option<Vec<Part<'b>>>> {
    let boundary = parameter(content_type, "boundary").filter(|b| (1..=LONGEST_BOUNDARY).contains(&b.len()));
    let Some(boundary) = boundary else { return Ok(None) };
    let delimiter = [b"\r\n--", boundary].concat();
    let finder = memmem::Finder::new(&delimiter);
    let mut window = Window::new(body);
    // What stands before the first part is left out.
    let mut at = match window.at(0, delimiter.len())?.starts_with(&delimiter[2..]) {
        true => delimiter.len() as u64 - 2,
        false => match window.find(0, &finder, |_| true)? {
            Some(at) => at + delimiter.len() as u64,
            None => return Ok(None),
        },
    };
    let mut found = Vec::new();
    // A delimiter ends a part only where a line's end or the two closing dashes follow.
    let ends = |behind: &[u8]| matches!(behind, [b'\r', b'\n', ..] | [b'-', b'-', ..]);
    for _ in 0..MOST_PARTS {
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

fn read<'b>(window: &mut Window<'b>, part: Range<u64>) -> Result<Option<Part<'b>>> {
    let whole = part.end - part.start;
    // What is in memory is looked at as a whole.
    let least = if let Body::Here(_) = window.body { whole } else { whole.min(LONGEST_HEAD) };
    let bytes = window.at(part.start, least as usize)?;
    let bytes = &bytes[..bytes.len().min(least as usize)];
    let Some(at) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let mut room = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(&bytes[..at + 4], &mut room) else {
        return Ok(None);
    };
    let named = field(headers, "content-disposition").and_then(|disposition| {
        let copy = |name| parameter(disposition, name).map(<[u8]>::to_vec);
        Some((copy("name")?, copy("filename")))
    });
    let Some((name, filename)) = named else { return Ok(None) };
    let content_type = field(headers, "content-type").unwrap_or_default().to_vec();
    let data = window.piece(part.start + at as u64 + 4..part.end);
    Ok(Some(Part { name, filename, content_type, data }))
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
/// Bytes of a part's head, where the body is on disk.
const LONGEST_HEAD: u64 = 16 << 10;
/// RFC 2046 section 5.1.1.
const LONGEST_BOUNDARY: usize = 70;

#[cfg(test)]
mod tests {
    use super::super::window::PIECE;
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let wanted =
            vec![(b"a b".to_vec(), b"c&".to_vec()), (b"x".to_vec(), Vec::new()), (b"p%".to_vec(), b"==".to_vec())];
        assert_eq!(pairs(b"a+b=c%26&&x&p%==%3d"), wanted);
    }

    /// A part's name, file name, type and data.
    type Plain = (Vec<u8>, Option<Vec<u8>>, Vec<u8>, Vec<u8>);

    /// The parts of a body in memory and of the same on disk, which are the same.
    fn both(kind: &[u8], body: &[u8]) -> Option<Vec<Plain>> {
        let mut stored = TempFile::new(&std::env::temp_dir()).unwrap();
        stored.append(body).unwrap();
        let here = parts(kind, Body::Here(body)).unwrap();
        assert_eq!(here, parts(kind, Body::Stored(&stored)).unwrap());
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
    fn parts_are_found_wherever_the_pieces_end_that_are_read_from_disk() {
        let head = b"Content-Disposition: form-data; name=a; filename=f\r\n\r\n";
        for length in (PIECE - 200..PIECE + 20).chain([3 * PIECE + 7]) {
            let data: Vec<u8> = (0..length).map(|n| b"\r\n--xyq"[n % 7]).collect();
            let body = [b"--xyz\r\n", &head[..], &data, b"\r\n--xyz\r\n", head, b"end\r\n--xyz--\r\n"].concat();
            let found = both(b"multipart/form-data; boundary=xyz", &body).unwrap();
            assert_eq!(found.iter().map(|part| part.3.len()).collect::<Vec<_>>(), [length, 3]);
        }
    }

    #[test]
    fn what_is_no_form_is_none_and_half_a_part_is_left_out() {
        let kind = b"multipart/form-data; boundary=x";
        assert_eq!(both(b"multipart/form-data", b"--x\r\n"), None);
        assert_eq!(both(kind, b"nothing"), None);
        assert_eq!(both(kind, b""), None);
        assert_eq!(both(kind, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf"), Some(vec![]));
        assert_eq!(both(kind, b"--x\r\nno head\r\n--x--"), Some(vec![]));
    }
}
