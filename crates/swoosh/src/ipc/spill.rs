//! Large payloads of tasks and messages: spilled in a file of `task_tmpdir`, whose name travels instead.
//!
//! A queue of tasks may be long and its readers slow; payloads that would fill a ring wait on disk (in practice: in the
//! page cache), and survive a restart where the queue does.

use crate::error::{Error, Result};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Payloads up to this many bytes travel inside the message.
pub const INLINE: usize = 8000;
/// The bit of a message's flags that says: the payload is the name of a file that holds it.
pub const SPILLED: u32 = 1 << 31;

/// Parks a payload and returns the name of its file, which only this user can read.
pub fn spill(folder: &Path, data: &[u8]) -> Result<Vec<u8>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("swoosh-{}-{}.task", super::own_mark(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(name);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(data)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&path);
        Error::system("park a payload in", path.display(), e)
    })?;
    Ok(path.as_os_str().as_bytes().to_vec())
}

/// Takes a spilled payload back; its file is gone afterwards.
pub fn fetch(name: &[u8]) -> Result<Vec<u8>> {
    let path = Path::new(std::ffi::OsStr::from_bytes(name));
    let data = fs::read(path).map_err(|e| Error::system("fetch a payload from", path.display(), e))?;
    let _ = fs::remove_file(path);
    Ok(data)
}

/// Drops a spilled payload that was never sent.
pub fn discard(name: &[u8]) {
    let _ = fs::remove_file(Path::new(std::ffi::OsStr::from_bytes(name)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_payload_comes_back_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = vec![7; 300_000];
        let name = spill(folder.path(), &data).unwrap();
        assert_eq!(fetch(&name).unwrap(), data);
        assert!(fetch(&name).is_err());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = spill(Path::new("/no/such/folder"), b"x").unwrap_err().to_string();
        assert!(error.contains("/no/such/folder/swoosh-"), "{error}");
    }
}
