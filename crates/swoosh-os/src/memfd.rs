//! An unnamed file in memory that a process shares with those it forks (memfd_create(2)).

use crate::error::{Error, Result};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A file in memory. It disappears when the last process that has it open ends.
///
/// ```
/// use swoosh_os::memfd::Memfd;
///
/// let file = Memfd::new("a message")?;
/// file.replace(b"hello")?;
/// assert_eq!(file.take()?, b"hello");
/// assert_eq!(file.take()?, b"");
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct Memfd(File);

impl Memfd {
    /// Creates an empty file. `purpose` appears in the error.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn new(purpose: &str) -> Result<Self> {
        let file = memfd_create("swoosh", MFdFlags::MFD_CLOEXEC);
        file.map(|fd| Memfd(File::from(fd))).map_err(|e| Error::system("open", format!("memory for {purpose}"), e))
    }

    /// Replaces the content. If the writer is killed meanwhile, a part of `data` may remain.
    ///
    /// # Errors
    /// If there is no memory left.
    pub fn replace(&self, data: &[u8]) -> Result<()> {
        let refused = |e| Error::system("write", "shared memory", e);
        self.0.set_len(0).and_then(|()| self.0.write_all_at(data, 0)).map_err(refused)
    }

    /// Reads and clears the content.
    ///
    /// # Errors
    /// If the kernel refuses a call.
    pub fn take(&self) -> Result<Vec<u8>> {
        let refused = |e| Error::system("read", "shared memory", e);
        let mut data = vec![0; self.0.metadata().map_err(refused)?.len() as usize];
        if !data.is_empty() {
            self.0.read_exact_at(&mut data, 0).and_then(|()| self.0.set_len(0)).map_err(refused)?;
        }
        Ok(data)
    }
}
