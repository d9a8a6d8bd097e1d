//! Large payloads of tasks and messages: written to a file in `task_tmpdir`, whose path travels instead.
//!
//! A queue of tasks may be long and its readers slow; payloads that would fill a ring wait on disk (in practice: in the
//! page cache), and survive a restart where the queue does.

use super::message::Content;
use crate::error::{Error, Result};
use crate::sys::{clock, process};
use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Payloads up to this many bytes travel inside the message.
pub const INLINE: usize = 8000;
/// A payload on its way out. Unless the message is sent, [`discard`](Self::discard) removes its file.
pub struct Outgoing<'a> {
    data: &'a [u8],
    path: Option<Vec<u8>>,
}

impl<'a> Outgoing<'a> {
    /// Prepares a payload: a large one is written to a file in `folder`.
    ///
    /// # Errors
    /// Where the file cannot be created or written.
    pub fn new(folder: &Path, data: &'a [u8]) -> Result<Self> {
        let path = if data.len() > INLINE { Some(write(folder, data)?) } else { None };
        Ok(Outgoing { data, path })
    }

    /// The content of the message.
    pub fn content(&self) -> Content<&[u8]> {
        match &self.path {
            Some(path) => Content::Spilled(path),
            None => Content::Inline(self.data),
        }
    }

    /// Removes the file of a payload that was not sent.
    pub fn discard(&self) {
        self.path.iter().for_each(|path| remove(path));
    }
}

/// The payload of a received message; its file is removed.
///
/// # Errors
/// Where the file cannot be read.
pub fn open(content: &Content<Rc<Vec<u8>>>) -> Result<Cow<'_, [u8]>> {
    match content {
        Content::Inline(data) => Ok(Cow::Borrowed(data)),
        Content::Spilled(path) => fetch(path).map(Cow::Owned),
    }
}

/// Removes the file of a received message that is not delivered.
pub fn discard(content: &Content<Rc<Vec<u8>>>) {
    if let Content::Spilled(path) = content {
        remove(path);
    }
}

/// Writes a payload to a new file, readable by this user only, and returns its path.
///
/// # Errors
/// Where the file cannot be created or written.
fn write(folder: &Path, data: &[u8]) -> Result<Vec<u8>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("swoosh-{}-{}.task", own_name(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(name);
    let fill = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(data)
    };
    fill().map_err(|e| {
        let _ = fs::remove_file(&path);
        Error::system("spill a payload to", path.display(), e)
    })?;
    Ok(path.as_os_str().as_bytes().to_vec())
}

/// Reads a spilled payload and removes its file. The directory may be writable by other users, so only a file that
/// [`write`] may have made is read: no link, and of this user alone.
///
/// # Errors
/// Where the file cannot be read, or is not one of this user's payloads.
fn fetch(name: &[u8]) -> Result<Vec<u8>> {
    let path = Path::new(std::ffi::OsStr::from_bytes(name));
    let read = || -> std::io::Result<Vec<u8>> {
        let refused = |why| std::io::Error::new(std::io::ErrorKind::PermissionDenied, why);
        if !is_payload_name(path) {
            return Err(refused("it is not the name of a payload"));
        }
        let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        let metadata = file.metadata()?;
        let is_private = metadata.mode() & 0o077 == 0 && metadata.nlink() == 1;
        if !metadata.is_file() || metadata.uid() != nix::unistd::geteuid().as_raw() || !is_private {
            return Err(refused("it is not a private file of this user"));
        }
        let mut data = Vec::with_capacity(metadata.len() as usize);
        file.read_to_end(&mut data)?;
        Ok(data)
    };
    let data = read().map_err(|e| Error::system("fetch a payload from", path.display(), e))?;
    let _ = fs::remove_file(path);
    Ok(data)
}

fn remove(path: &[u8]) {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    if is_payload_name(path) {
        let _ = fs::remove_file(path);
    }
}

/// Whether a path ends in a name that [`write`] gives.
fn is_payload_name(path: &Path) -> bool {
    let name = path.file_name().map(std::ffi::OsStr::as_bytes).unwrap_or_default();
    name.starts_with(b"swoosh-") && name.ends_with(b".task")
}

/// A name that no other process uses at the same time.
fn own_name() -> String {
    format!("{}-{}", process::pid(), clock::monotonic_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(outgoing: &Outgoing<'_>) -> Content<Rc<Vec<u8>>> {
        match outgoing.content() {
            Content::Inline(data) => Content::Inline(Rc::new(data.to_vec())),
            Content::Spilled(path) => Content::Spilled(Rc::new(path.to_vec())),
        }
    }

    #[test]
    fn a_spilled_payload_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = vec![7; 300_000];
        let content = received(&Outgoing::new(folder.path(), &data).unwrap());
        assert!(matches!(content, Content::Spilled(_)));
        assert_eq!(open(&content).unwrap(), data);
        assert!(open(&content).is_err());
    }

    #[test]
    fn a_short_payload_needs_no_file_and_a_discarded_one_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let short = Outgoing::new(Path::new("/no/such/folder"), &[1; INLINE]).unwrap();
        assert_eq!(open(&received(&short)).unwrap(), [1; INLINE].as_slice());
        let long = [1; INLINE + 1];
        Outgoing::new(folder.path(), &long).unwrap().discard();
        discard(&received(&Outgoing::new(folder.path(), &long).unwrap()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_or_a_file_of_another_name_or_mode_is_not_read_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let spilled = |name: &str| Content::Spilled(Rc::new(at(name).as_os_str().as_bytes().to_vec()));
        for name in ["secret", "swoosh-open.task", "swoosh-linked.task"] {
            fs::write(at(name), "secret").unwrap();
        }
        let private = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        fs::set_permissions(at("secret"), private.clone()).unwrap();
        fs::set_permissions(at("swoosh-linked.task"), private).unwrap();
        fs::hard_link(at("swoosh-linked.task"), at("second name")).unwrap();
        std::os::unix::fs::symlink("secret", at("swoosh-symbolic.task")).unwrap();
        for name in ["secret", "swoosh-open.task", "swoosh-linked.task", "swoosh-symbolic.task"] {
            assert!(open(&spilled(name)).is_err(), "{name}");
            assert!(at(name).symlink_metadata().is_ok(), "{name} was removed");
        }
        discard(&spilled("secret"));
        assert!(at("secret").exists());
    }

    #[test]
    fn the_error_names_a_missing_folder() {
        let error = Outgoing::new(Path::new("/no/such/folder"), &[0; INLINE + 1]).err().unwrap().to_string();
        assert!(error.contains("/no/such/folder/swoosh-"), "{error}");
    }
}
