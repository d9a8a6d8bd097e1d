//! A file without a name, which a process and all that it forks have in common.

use crate::error::{Error, Result};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes in memory (memfd_create(2)); gone with the last process that has it open.
#[derive(Debug)]
pub struct Memfd(File);

impl Memfd {
    /// An empty one; `purpose` stands in the error.
    pub fn new(purpose: &str) -> Result<Self> {
        let file = memfd_create("swoosh", MFdFlags::MFD_CLOEXEC);
        file.map(|fd| Memfd(File::from(fd))).map_err(|e| Error::system("open", format!("memory for {purpose}"), e))
    }

    /// Replaces what it holds. A writer that is killed leaves less than it meant to.
    pub fn fill(&self, data: &[u8]) -> Result<()> {
        let refused = |e| Error::system("write", "shared memory", e);
        self.0.set_len(0).and_then(|()| self.0.write_all_at(data, 0)).map_err(refused)
    }

    /// Takes out what it holds.
    pub fn take(&self) -> Result<Vec<u8>> {
        let refused = |e| Error::system("read", "shared memory", e);
        let mut data = vec![0; self.0.metadata().map_err(refused)?.len() as usize];
        if !data.is_empty() {
            self.0.read_exact_at(&mut data, 0).and_then(|()| self.0.set_len(0)).map_err(refused)?;
        }
        Ok(data)
    }
}
