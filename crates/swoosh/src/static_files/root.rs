//! The directory that is served.
//!
//! Invariant: nothing outside the root is served. A path is decoded once, its dots are resolved as text, and the result,
//! after symbolic links, must lie within the root. A path without links is opened by one call (openat2(2)); a path with links
//! is resolved first.

use super::path::normalize;
use crate::error::{Error, Result};
use crate::sys::open;
use regex::bytes::Regex;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The static files of a directory.
///
/// ```
/// use swoosh::http::files::Files;
///
/// let mut files = Files::under(&std::env::temp_dir()).unwrap();
/// files.index = vec!["index.html".to_owned()];
/// files.rewrite("/old/(.*)", "/new/$1").unwrap();
/// ```
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    /// `static_handler_locations`: prefixes of the paths that are served; empty: every path.
    pub locations: Vec<Vec<u8>>,
    /// `http_index_files`: the first of these that exists is served for a directory.
    pub index: Vec<String>,
    /// `http_autoindex`: a directory without an index file is listed.
    pub autoindex: bool,
    /// Patterns and targets; the first pattern that matches a path rewrites it.
    rewrites: Vec<(Regex, String)>,
    /// The `Server` field of responses.
    pub server: Option<&'static str>,
}

impl Files {
    /// The files under a directory.
    ///
    /// # Errors
    /// If the directory does not exist or cannot be read.
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

    /// Adds a rule that rewrites paths (`url_rewrite_rules`); of several rules the first that matches applies. Only the
    /// match is replaced. A pattern that begins with a slash matches at the beginning of the path; `$1` and `${name}` in the
    /// target are the pattern's groups. A rewritten path cannot leave the root either.
    ///
    /// # Errors
    /// If the pattern is not a regular expression of the crate regex.
    pub fn rewrite(&mut self, pattern: &str, target: &str) -> Result<()> {
        let anchor = if pattern.starts_with('/') { "^" } else { "" };
        let refused = |_| Error::Setting {
            name: "url_rewrite_rules".to_owned(),
            value: format!("{pattern:?}"),
            expected: "a regular expression".to_owned(),
        };
        let rule = Regex::new(&format!("(?-u){anchor}(?:{pattern})")).map_err(refused)?;
        self.rewrites.push((rule, target.to_owned()));
        Ok(())
    }

    /// The path after rewriting; `None` if it leaves the root.
    pub(super) fn rewritten(&self, path: Vec<u8>) -> Option<Vec<u8>> {
        match self.rewrites.iter().find(|(rule, _)| rule.is_match(&path)) {
            Some((rule, target)) => normalize(&rule.replace(&path, target.as_bytes())),
            None => Some(path),
        }
    }
}

pub(super) enum Found {
    /// A file, with the name that determines its media type.
    File(String, File, Metadata),
    /// A directory to list.
    Directory(PathBuf),
    /// The path exists and is left to the handler.
    Declined,
}

/// Whether a file is never sent: scripts, whose source would be shown, and hidden files.
fn is_private(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    path.split('/').any(|part| part.starts_with('.'))
        || SCRIPTS.iter().any(|script| suffix.eq_ignore_ascii_case(script))
}

const SCRIPTS: [&str; 4] = ["php", "phtml", "phar", "inc"];

/// An opened path within the root.
enum Opened {
    File(File, Metadata),
    Directory,
    /// Neither, such as a socket.
    Other,
}

impl Files {
    /// Whether paths like that one are served.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        self.locations.is_empty() || self.locations.iter().any(|location| path.starts_with(location))
    }

    /// The file or directory at a normalized path.
    pub(super) fn find(&self, path: &[u8]) -> Option<Found> {
        match self.open(path)? {
            Opened::File(file, metadata) => {
                let name = String::from_utf8_lossy(path);
                let is_file = !path.ends_with(b"/") && !is_private(&name);
                Some(if is_file { Found::File(name.into_owned(), file, metadata) } else { Found::Declined })
            }
            Opened::Directory => Some(self.index_of(path).unwrap_or(Found::Declined)),
            Opened::Other => Some(Found::Declined),
        }
    }

    /// The index file or the listing of a directory.
    fn index_of(&self, path: &[u8]) -> Option<Found> {
        for name in &self.index {
            if let Some(inner) = normalize(&[path, b"/", name.as_bytes()].concat())
                && let Some(Opened::File(file, metadata)) = self.open(&inner)
            {
                return Some(Found::File(name.clone(), file, metadata));
            }
        }
        let directory = self.autoindex.then(|| self.resolve(path)).flatten()?;
        Some(Found::Directory(directory))
    }

    /// Opens a normalized path. Most have no symbolic links; the target of a link must lie within the root.
    fn open(&self, path: &[u8]) -> Option<Opened> {
        let file = match open::no_symlinks(&self.at(path)) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
            Err(_) => {
                let real = self.resolve(path)?;
                let metadata = fs::metadata(&real).ok()?;
                if !metadata.is_file() {
                    return Some(if metadata.is_dir() { Opened::Directory } else { Opened::Other });
                }
                open::nonblocking(&real).ok()?
            }
        };
        let metadata = file.metadata().ok()?;
        Some(match () {
            () if metadata.is_file() => Opened::File(file, metadata),
            () if metadata.is_dir() => Opened::Directory,
            () => Opened::Other,
        })
    }

    /// The location of a normalized path.
    fn at(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(&path[1..]))
    }

    /// The location of a normalized path after its links are resolved; `None` outside the root.
    fn resolve(&self, path: &[u8]) -> Option<PathBuf> {
        fs::canonicalize(self.at(path)).ok().filter(|real| real.starts_with(&self.root))
    }
}
