//! Anonymous memory that a process shares with those it forks (mmap(2), `MAP_SHARED`): mappings that last.

use crate::error::{Error, Result};
use std::num::NonZeroUsize;
use std::ptr::NonNull;

/// A shared mapping that is never unmapped: the processes of a server end with it in place.
///
/// It is zeroed, aligned to a page, and a page uses memory once it is touched.
///
/// ```
/// use swoosh_os::memory::SharedMemory;
///
/// let memory = SharedMemory::new(10_000, "a queue")?;
/// assert_eq!(memory.len(), 10_000);
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SharedMemory {
    pub(crate) start: NonNull<u8>,
    pub(crate) len: usize,
}

// SAFETY: the mapping lives as long as the process, and the type gives access to its address only.
unsafe impl Send for SharedMemory {}
// SAFETY: `start` and `len` are never changed, and the type gives access to the address only.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// Maps `len` bytes. `purpose` appears in the error.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    pub fn new(len: usize, purpose: &str) -> Result<Self> {
        use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
        let size = NonZeroUsize::new(len.max(1)).expect("at least 1");
        // SAFETY: a new anonymous mapping at an address that the kernel chooses overlaps nothing.
        let start = unsafe {
            mmap_anonymous(
                None,
                size,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED | MapFlags::MAP_NORESERVE,
            )
        }
        .map_err(|e| Error::system("map", format!("{len} bytes of shared memory for {purpose}"), e))?;
        Ok(SharedMemory { start: start.cast(), len })
    }

    /// The first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the size is 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
