//! Forms and cookies of a request, as PHP names them.

use super::http::Config;
use crate::zend::form::{self, register};
use crate::zend::{Array, IntoZval};
use httparse::Header;
use memchr::memmem;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use swoosh::proto::http1::request::field;

/// What a form of `multipart/form-data` has.
#[derive(Default)]
pub struct Form {
    /// Its fields; `None` where it has none.
    pub post: Option<Array>,
    /// Its files.
    pub files: Option<Array>,
    /// Where the files are.
    pub tmpfiles: Vec<String>,
}

/// The cookies of every `Cookie` field; `None` where there is no such field. Of two with one name the first counts.
pub fn cookies(headers: &[Header<'_>]) -> Option<Array> {
    let mut found = None;
    for header in headers.iter().filter(|h| h.name.eq_ignore_ascii_case("cookie")) {
        let all = found.get_or_insert_with(Array::new);
        for pair in header.value.split(|&b| b == b';') {
            let pair = pair.trim_ascii_start();
            let (name, value) = match memchr::memchr(b'=', pair) {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &b""[..]),
            };
            let again = !name.contains(&b'[') && all.find(name).is_some();
            if !name.is_empty() && !again {
                let value = percent_decode(value);
                let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
                match plain {
                    true => all.put(name, value),
                    false => register(all, name, value),
                }
            }
        }
    }
    found
}

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

/// Whether a body is a form of that kind.
pub fn is_type(headers: &[Header<'_>], kind: &str) -> bool {
    let value = field(headers, "content-type").unwrap_or_default();
    value.get(..kind.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(kind.as_bytes()))
}

/// The form in a body of `multipart/form-data` (RFC 7578). `None`: it is none.
pub fn multipart(config: &Config, headers: &[Header<'_>], body: &[u8]) -> Option<Form> {
    let boundary = boundary(field(headers, "content-type").unwrap_or_default())?;
    let mut form = Form::default();
    let delimiter = [b"\r\n--", boundary].concat();
    let first = &delimiter[2..];
    // What stands before the first part is left out.
    let mut rest = match body.starts_with(first) {
        true => &body[first.len()..],
        false => memmem::find(body, &delimiter).map(|at| &body[at + delimiter.len()..])?,
    };
    let finder = memmem::Finder::new(&delimiter);
    for _ in 0..MAX_PARTS {
        let Some(part) = rest.strip_prefix(b"\r\n") else { return Some(form) };
        // A part that has no end is none: what came of it may be half a file.
        let Some(end) = delimiter_at(&finder, part, delimiter.len()) else { return Some(form) };
        rest = &part[end + delimiter.len()..];
        form.take_part(config, &part[..end]);
    }
    Some(form)
}

/// Where a part's end is: a delimiter that a line's end or the two closing dashes follow.
fn delimiter_at(finder: &memmem::Finder<'_>, part: &[u8], length: usize) -> Option<usize> {
    finder.find_iter(part).find(|at| matches!(part[at + length..], [b'\r', b'\n', ..] | [b'-', b'-', ..]))
}

fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let value = parameter(content_type, "boundary")?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// A parameter of a header field's value, without its quotes.
fn parameter<'v>(value: &'v [u8], name: &str) -> Option<&'v [u8]> {
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

impl Form {
    fn take_part(&mut self, config: &Config, part: &[u8]) {
        let (head, data) = match memmem::find(part, b"\r\n\r\n") {
            Some(at) => (&part[..at + 2], &part[at + 4..]),
            None => return,
        };
        let head = [head, b"\r\n"].concat();
        let mut room = [httparse::EMPTY_HEADER; 16];
        let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(&head, &mut room) else { return };
        let disposition = field(headers, "content-disposition").unwrap_or_default();
        let Some(name) = parameter(disposition, "name") else { return };
        let Some(file) = parameter(disposition, "filename") else {
            register(self.post.get_or_insert_with(Array::new), name, data);
            return;
        };
        let files = self.files.get_or_insert_with(Array::new);
        let (mut path, mut error) = (String::new(), 0);
        if file.is_empty() {
            error = NO_FILE;
        } else if config.upload_max > 0 && data.len() as u64 > config.upload_max {
            error = TOO_LARGE;
        } else {
            match store(&config.upload_dir, data) {
                Ok(stored) => path = stored,
                Err(e) => {
                    swoosh::log::error!("an uploaded file cannot be stored in {}: {e}", config.upload_dir);
                    error = CANNOT_WRITE;
                }
            }
        }
        let kind = if error == NO_FILE { b"" } else { field(headers, "content-type").unwrap_or_default() };
        let mut about = Array::new();
        about.insert("type", kind);
        about.insert("tmp_name", path.as_str());
        about.insert("size", if error == 0 { data.len() } else { 0 });
        about.insert("name", file);
        about.insert("error", error);
        register(files, name, about.into_zval());
        if !path.is_empty() {
            form::add_upload(&path);
            self.tmpfiles.push(path);
        }
    }
}

/// Writes an uploaded file, which only this user can read.
fn store(folder: &str, data: &[u8]) -> std::io::Result<String> {
    loop {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), data.len());
        let letter = |n: u32| char::from_digit((random >> (n * 6)) as u32 % 36, 36).unwrap_or('0');
        let path = format!("{folder}/swoole.upfile.{}", (0..6).map(letter).collect::<String>());
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                if let Err(e) = file.write_all(data) {
                    let _ = std::fs::remove_file(&path);
                    return Err(e);
                }
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Removes the files of a request that nobody has moved.
pub fn remove(files: &[String]) {
    for path in files {
        if form::remove_upload(path) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_NO_FILE and UPLOAD_ERR_CANT_WRITE.
const TOO_LARGE: i32 = 1;
const NO_FILE: i32 = 4;
const CANNOT_WRITE: i32 = 7;
/// Parts of one form.
const MAX_PARTS: usize = 10_000;
