//! Files of a folder (`document_root`), served without a handler.
//!
//! Never outside the root: a path is decoded once, its dots are resolved in text, and what the file system makes of the
//! rest (links and all) must still lie within the root. A path without links is opened by one call; one with links is resolved
//! first.

use super::form::percent_decode;
use super::mime;
use crate::error::{Error, Result};
use crate::handler::SessionId;
use crate::node::Node;
use crate::proto::http1::reply::{self, date};
use crate::proto::http1::request::Request;
use crate::proto::http1::select::{Selected, Version, select};
use crate::sys::open;
use httparse::Header;
use regex::bytes::Regex;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The settings of static files.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    /// `static_handler_locations`: what a path begins with, where not every path is looked for.
    pub locations: Vec<Vec<u8>>,
    /// `http_index_files`: what stands for a folder, the first one that is there.
    pub index: Vec<String>,
    /// `http_autoindex`: a folder without such a file is shown.
    pub autoindex: bool,
    /// What a path is made of before it is looked for, by the first pattern that it matches.
    rewrites: Vec<(Regex, String)>,
    /// The `Server` field of answers.
    pub server: Option<&'static str>,
}

impl Files {
    /// All files under a folder, which must be there.
    ///
    /// # Errors
    /// Where the folder cannot be looked into.
    pub fn under(root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root)
            .map_err(|e| Error::system("serve files of", format!("document_root {}", root.display()), e))?;
        Ok(Files {
            root,
            locations: Vec::new(),
            index: Vec::new(),
            autoindex: false,
            rewrites: Vec::new(),
            server: None,
        })
    }

    /// Looks for another path instead of those that match a pattern, of rules that were given the first that does
    /// (`url_rewrite_rules`). Only what matches is replaced. A pattern that begins with a slash matches where the path
    /// begins; `$1` and `${name}` in the target are the pattern's groups. The target is a path like any other: it leads
    /// nowhere outside the root.
    ///
    /// # Errors
    /// Where the pattern is no regular expression of the crate regex.
    pub fn rewrite(&mut self, pattern: &str, target: &str) -> Result<()> {
        let anchor = if pattern.starts_with('/') { "^" } else { "" };
        let wants = |_| Error::Setting {
            name: "url_rewrite_rules".to_owned(),
            value: format!("{pattern:?}"),
            expected: "a regular expression".to_owned(),
        };
        let rule = Regex::new(&format!("(?-u){anchor}(?:{pattern})")).map_err(wants)?;
        self.rewrites.push((rule, target.to_owned()));
        Ok(())
    }

    /// The path to look for instead of that one.
    fn rewritten(&self, path: Vec<u8>) -> Option<Vec<u8>> {
        match self.rewrites.iter().find(|(rule, _)| rule.is_match(&path)) {
            Some((rule, target)) => clean(&rule.replace(&path, target.as_bytes())),
            None => Some(path),
        }
    }
}

/// Answers with a file where there is one; `false`: it is the callback's.
pub fn serve(node: &Node, files: &Files, session: SessionId, request: &Request<'_>, headers: &[Header<'_>]) -> bool {
    let Looked::Answer(answer) = look(files, request, headers) else { return false };
    let send = |piece: &Piece| match piece {
        Piece::Head(words) => node.send_head(session, words.as_bytes()),
        Piece::Words(words) => node.send(session, words.as_bytes()),
        Piece::File(file, from, to) => node.send_open_file(session, file, *from, *to),
    };
    // As of any request: should this process die now, nobody else answers.
    node.begin_request(session);
    let sent = answer.pieces.iter().try_for_each(send);
    node.end_request(session);
    if let Err(e) = &sent {
        crate::log::info!("{e}");
    }
    if sent.is_err() || !answer.keep {
        // Where the peer is gone there is nothing to close.
        let _ = node.close(session, false);
    }
    true
}

/// What a look for a file came to.
#[derive(Debug)]
pub enum Looked {
    /// It is answered by that.
    Answer(Answer),
    /// There is nothing of that name: the request is the callback's.
    Nothing,
    /// It is the callback's for another reason.
    Callbacks,
}

/// An answer that no callback gives.
#[derive(Debug)]
pub struct Answer {
    /// What is sent, in order.
    pub pieces: Vec<Piece>,
    /// The connection stays open behind it.
    pub keep: bool,
}

/// A part of an answer.
#[derive(Debug)]
pub enum Piece {
    /// What comes right before a piece of a file.
    Head(String),
    /// Words behind which no file comes.
    Words(String),
    /// Of that file: from one byte to another.
    File(Rc<File>, u64, u64),
}

/// What answers a request, where it is for a file.
pub fn look(files: &Files, request: &Request<'_>, headers: &[Header<'_>]) -> Looked {
    if !matches!(request.method, "GET" | "HEAD") {
        return Looked::Callbacks;
    }
    let target = request.path_and_query().0;
    let target = target.split('#').next().unwrap_or_default();
    let decoded = percent_decode(target.as_bytes());
    let keep = request.keeps_alive(headers);
    let author = Author { head: request.method == "HEAD", keep, server: files.server };
    let path = clean(&decoded).and_then(|path| files.rewritten(path));
    let found = match &path {
        Some(path) if !files.covers(path) => return Looked::Nothing,
        Some(path) => files.look_up(path),
        // It climbs above the root, or has a zero byte.
        None => None,
    };
    let pieces = match found {
        Some(Found::File(name, file, about)) => author.file(&name, file, &about, headers),
        Some(Found::Folder(folder)) => author.listing(path.as_deref().unwrap_or(b"/"), &folder),
        Some(Found::Callbacks) => return Looked::Callbacks,
        None if files.locations.is_empty() => return Looked::Nothing,
        None => author.page(404),
    };
    Looked::Answer(Answer { pieces, keep })
}

enum Found {
    /// A file, and the name that tells its type.
    File(String, File, Metadata),
    Folder(PathBuf),
    Callbacks,
}

/// What is at a path within the root.
enum Opened {
    File(File, Metadata),
    Folder,
    /// What is neither.
    Other,
}

impl Files {
    fn covers(&self, path: &[u8]) -> bool {
        self.locations.is_empty() || self.locations.iter().any(|location| path.starts_with(location))
    }

    /// What a clean path names, within the root.
    fn look_up(&self, path: &[u8]) -> Option<Found> {
        match self.open(path)? {
            Opened::File(file, about) => {
                let name = String::from_utf8_lossy(path);
                // A name that tells no type may be a program.
                let known = mime::known(&name).is_some() && !path.ends_with(b"/");
                Some(if known { Found::File(name.into_owned(), file, about) } else { Found::Callbacks })
            }
            Opened::Folder => Some(self.index_of(path).unwrap_or(Found::Callbacks)),
            Opened::Other => Some(Found::Callbacks),
        }
    }

    /// What stands for a folder.
    fn index_of(&self, path: &[u8]) -> Option<Found> {
        for name in &self.index {
            if let Some(inner) = clean(&[path, b"/", name.as_bytes()].concat())
                && let Some(Opened::File(file, about)) = self.open(&inner)
            {
                return Some(Found::File(name.clone(), file, about));
            }
        }
        let folder = self.autoindex.then(|| self.resolve(path)).flatten()?;
        Some(Found::Folder(folder))
    }

    /// Opens what a clean path names. Most have no links in them; with links, what they lead to must lie within the root.
    fn open(&self, path: &[u8]) -> Option<Opened> {
        let file = match open::without_links(&self.at(path)) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
            Err(_) => {
                let real = self.resolve(path)?;
                let about = fs::metadata(&real).ok()?;
                if !about.is_file() {
                    return Some(if about.is_dir() { Opened::Folder } else { Opened::Other });
                }
                open::any(&real).ok()?
            }
        };
        let about = file.metadata().ok()?;
        Some(match () {
            () if about.is_file() => Opened::File(file, about),
            () if about.is_dir() => Opened::Folder,
            () => Opened::Other,
        })
    }

    /// Where a clean path is.
    fn at(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(&path[1..]))
    }

    /// Where a clean path leads to, within the root.
    fn resolve(&self, path: &[u8]) -> Option<PathBuf> {
        fs::canonicalize(self.at(path)).ok().filter(|real| real.starts_with(&self.root))
    }
}

/// The path without its dots and empty segments; `None` where it has a zero byte or leads above the root.
fn clean(path: &[u8]) -> Option<Vec<u8>> {
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
    let is_folder = path.ends_with(b"/") && out.len() > 1;
    out.extend_from_slice(if is_folder { b"/" } else { b"" });
    Some(out)
}

/// Who writes an answer.
struct Author {
    head: bool,
    keep: bool,
    server: Option<&'static str>,
}

impl Author {
    fn begin(&self, status: u16) -> String {
        let now = super::now();
        let now = String::from_utf8_lossy(&now);
        let connection = if self.keep { "keep-alive" } else { "close" };
        let reason = reply::reason(status);
        let server = self.server.map(|name| format!("Server: {name}\r\n")).unwrap_or_default();
        format!("HTTP/1.1 {status} {reason}\r\n{server}Date: {now}\r\nConnection: {connection}\r\n")
    }

    fn words(&self, mut head: String, body: &str) -> Vec<Piece> {
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        if !self.head {
            head.push_str(body);
        }
        vec![Piece::Words(head)]
    }

    fn page(&self, status: u16) -> Vec<Piece> {
        let reason = reply::reason(status);
        let head = self.begin(status) + "Content-Type: text/html\r\n";
        self.words(head, &format!("<!doctype html>\n<title>{status} {reason}</title>\n<h1>{status} {reason}</h1>\n"))
    }

    fn file(&self, name: &str, file: File, about: &Metadata, headers: &[Header<'_>]) -> Vec<Piece> {
        let size = about.len();
        let tag = format!("\"{:x}-{:x}\"", about.mtime().wrapping_mul(1_000_000_000) + about.mtime_nsec(), size);
        let modified = date(about.mtime());
        let kind = mime::of_file(name);
        let selected = match select(headers, Version { size, modified: about.mtime(), tag: &tag }) {
            // Ranges are for GET alone (RFC 9110 section 14.2).
            Selected::Parts(_) | Selected::Unsatisfiable if self.head => Selected::Whole,
            selected => selected,
        };
        let about = format!("Last-Modified: {}\r\nETag: {tag}\r\n", String::from_utf8_lossy(&modified));
        match selected {
            Selected::NotModified => vec![Piece::Words(self.begin(304) + &about + "\r\n")],
            Selected::PreconditionFailed => self.page(412),
            Selected::Unsatisfiable => self.words(self.begin(416) + &format!("Content-Range: bytes */{size}\r\n"), ""),
            Selected::Whole => {
                let fields = format!("Content-Type: {kind}\r\nAccept-Ranges: bytes\r\nContent-Length: {size}\r\n\r\n");
                self.parts(self.begin(200) + &about + &fields, file, vec![(String::new(), 0, size)], "")
            }
            Selected::Parts(parts) if parts.len() == 1 => {
                let (from, to) = parts[0];
                let range = format!("Content-Range: bytes {from}-{}/{size}\r\n", to - 1);
                let fields = format!("Content-Type: {kind}\r\n{range}Content-Length: {}\r\n\r\n", to - from);
                self.parts(self.begin(206) + &about + &fields, file, vec![(String::new(), from, to)], "")
            }
            Selected::Parts(parts) => {
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
                self.parts(self.begin(206) + &about + &fields, file, parts, &last)
            }
        }
    }

    /// The head, then pieces of the file, each behind words of its own.
    fn parts(&self, head: String, file: File, parts: Vec<(String, u64, u64)>, last: &str) -> Vec<Piece> {
        if self.head {
            return vec![Piece::Words(head)];
        }
        let (mut pieces, mut words, file) = (Vec::with_capacity(3), head, Rc::new(file));
        for (before, from, to) in parts.into_iter().filter(|(_, from, to)| from < to) {
            words.push_str(&before);
            pieces.push(Piece::Head(std::mem::take(&mut words)));
            pieces.push(Piece::File(file.clone(), from, to));
        }
        words.push_str(last);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        pieces
    }

    fn listing(&self, path: &[u8], folder: &Path) -> Vec<Piece> {
        let Ok(entries) = fs::read_dir(folder) else {
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
            let link: String = base.iter().chain(b"/").chain(&name).map(|&b| plain(b)).collect();
            let _ = writeln!(page, "<li><a href=\"{link}\">{}</a></li>", escape(&String::from_utf8_lossy(&name)));
        }
        page.push_str("</ul>\n");
        self.words(self.begin(200) + "Content-Type: text/html\r\n", &page)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A byte of a path as a link has it.
fn plain(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}
