//! Writes replies: files, ranges of files, listings and error pages.

use super::date::now;
use super::mime;
use super::path::{escape, percent_encode};
use super::reply::ReplyPart;
use crate::proto::http1::conditional::{Representation, Selection, evaluate};
use crate::proto::http1::request::Field;
use crate::proto::http1::response_writer::{self, date};
use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

/// Writes replies to one request.
pub(super) struct ReplyWriter {
    /// The method is HEAD.
    pub(super) head_only: bool,
    pub(super) keep_alive: bool,
    /// The value of the `Server` field.
    pub(super) server: Option<&'static str>,
}

impl ReplyWriter {
    fn begin(&self, status: u16) -> String {
        let now = now();
        let now = String::from_utf8_lossy(&now);
        let connection = if self.keep_alive { "keep-alive" } else { "close" };
        let reason = response_writer::reason(status);
        let server = self.server.map(|name| format!("Server: {name}\r\n")).unwrap_or_default();
        format!("HTTP/1.1 {status} {reason}\r\n{server}Date: {now}\r\nConnection: {connection}\r\n")
    }

    fn text(&self, mut head: String, body: &str) -> Vec<ReplyPart> {
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        if !self.head_only {
            head.push_str(body);
        }
        vec![ReplyPart::Text(head)]
    }

    /// An error page.
    pub(super) fn page(&self, status: u16) -> Vec<ReplyPart> {
        let reason = response_writer::reason(status);
        let head = self.begin(status) + "Content-Type: text/html\r\n";
        self.text(head, &format!("<!doctype html>\n<title>{status} {reason}</title>\n<h1>{status} {reason}</h1>\n"))
    }

    /// A file: as a whole, the requested ranges, or the result of a condition (RFC 9110 sections 13 and 14).
    pub(super) fn file(&self, name: &str, file: File, metadata: &Metadata, headers: &[Field<'_>]) -> Vec<ReplyPart> {
        let size = metadata.len();
        let tag = format!("\"{:x}-{:x}\"", metadata.mtime().wrapping_mul(1_000_000_000) + metadata.mtime_nsec(), size);
        let modified = date(metadata.mtime());
        let kind = mime::of_file(name);
        let selected = match evaluate(headers, Representation { size, modified: metadata.mtime(), tag: &tag }) {
            // Ranges are for GET alone (RFC 9110 section 14.2).
            Selection::Ranges(_) | Selection::Unsatisfiable if self.head_only => Selection::Whole,
            selected => selected,
        };
        let validators = format!("Last-Modified: {}\r\nETag: {tag}\r\n", String::from_utf8_lossy(&modified));
        match selected {
            Selection::NotModified => vec![ReplyPart::Text(self.begin(304) + &validators + "\r\n")],
            Selection::PreconditionFailed => self.page(412),
            Selection::Unsatisfiable => self.text(self.begin(416) + &format!("Content-Range: bytes */{size}\r\n"), ""),
            Selection::Whole => {
                let fields = format!("Content-Type: {kind}\r\nAccept-Ranges: bytes\r\nContent-Length: {size}\r\n\r\n");
                self.parts(self.begin(200) + &validators + &fields, file, vec![(String::new(), 0, size)], "")
            }
            Selection::Ranges(parts) if parts.len() == 1 => {
                let (from, to) = parts[0];
                let range = format!("Content-Range: bytes {from}-{}/{size}\r\n", to - 1);
                let fields = format!("Content-Type: {kind}\r\n{range}Content-Length: {}\r\n\r\n", to - from);
                self.parts(self.begin(206) + &validators + &fields, file, vec![(String::new(), from, to)], "")
            }
            Selection::Ranges(parts) => {
                let boundary = format!("{:016x}", std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
                let part = |&(from, to): &(u64, u64)| {
                    let range = format!("Content-Range: bytes {from}-{}/{size}", to - 1);
                    (format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\n{range}\r\n\r\n"), from, to)
                };
                let parts: Vec<(String, u64, u64)> = parts.iter().map(part).collect();
                let last = format!("\r\n--{boundary}--\r\n");
                let length = parts.iter().fold(0, |sum, (head, from, to)| sum + head.len() as u64 + to - from);
                let fields = format!(
                    "Content-Type: multipart/byteranges; boundary={boundary}\r\nContent-Length: {}\r\n\r\n",
                    length + last.len() as u64
                );
                self.parts(self.begin(206) + &validators + &fields, file, parts, &last)
            }
        }
    }

    /// The head, then ranges of the file, each after its own part head.
    fn parts(&self, head: String, file: File, parts: Vec<(String, u64, u64)>, last: &str) -> Vec<ReplyPart> {
        if self.head_only {
            return vec![ReplyPart::Text(head)];
        }
        let (mut reply, mut text, file) = (Vec::with_capacity(3), head, Rc::new(file));
        for (before, from, to) in parts.into_iter().filter(|(_, from, to)| from < to) {
            text.push_str(&before);
            reply.push(ReplyPart::Head(std::mem::take(&mut text)));
            reply.push(ReplyPart::File(file.clone(), from, to));
        }
        text.push_str(last);
        if !text.is_empty() {
            reply.push(ReplyPart::Text(text));
        }
        reply
    }

    /// The list of a directory's entries.
    pub(super) fn listing(&self, path: &[u8], directory: &Path) -> Vec<ReplyPart> {
        let Ok(entries) = fs::read_dir(directory) else {
            return self.page(404);
        };
        let mut names: Vec<Vec<u8>> = entries.flatten().map(|entry| entry.file_name().into_vec()).collect();
        names.retain(|name| !name.starts_with(b"."));
        names.sort();
        let base: &[u8] = path.strip_suffix(b"/").unwrap_or(path);
        if base.len() > 1 || !base.is_empty() && base != b"/" {
            names.insert(0, b"..".to_vec());
        }
        let base = if base == b"/" { b"" } else { base };
        let title = escape(&String::from_utf8_lossy(path));
        let mut page =
            format!("<!doctype html>\n<meta charset=utf-8>\n<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n");
        for name in names {
            let link: String = base.iter().chain(b"/").chain(&name).map(|&b| percent_encode(b)).collect();
            let _ = writeln!(page, "<li><a href=\"{link}\">{}</a></li>", escape(&String::from_utf8_lossy(&name)));
        }
        page.push_str("</ul>\n");
        self.text(self.begin(200) + "Content-Type: text/html\r\n", &page)
    }
}
