//! Anonymous memory that a process shares with those it forks (mmap(2), `MAP_SHARED`).

pub use crate::shared_memory::SharedMemory;

use crate::arena::Arena;
use crate::error::Result;
use std::ptr::NonNull;

/// A shared mapping that is unmapped in this process when the value is dropped, or a part of an [`Arena`], which stays.
/// Processes forked meanwhile keep their copy of the mapping.
///
/// ```
/// use swoosh_os::memory::Mapping;
///
/// let mapping = Mapping::new(4096, "a lock")?;
/// assert!(!mapping.is_empty());
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct Mapping {
    memory: SharedMemory,
    /// Keeps the arena that the memory belongs to.
    arena: Option<Arena>,
}

impl Mapping {
    /// Maps `len` bytes. `purpose` appears in the error.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    pub fn new(len: usize, purpose: &str) -> Result<Self> {
        Ok(Mapping { memory: SharedMemory::new(len, purpose)?, arena: None })
    }

    /// Allocates `len` bytes, rounded up to pages, of an arena. They are not freed when the value is dropped.
    ///
    /// # Errors
    /// If less is left; the error names `purpose` and the space left.
    pub fn in_arena(arena: &Arena, len: usize, purpose: &str) -> Result<Self> {
        let start = arena.allocate(len, purpose)?;
        Ok(Mapping { memory: SharedMemory { start, len }, arena: Some(arena.clone()) })
    }

    /// The first byte. References derived from it must not outlive `self`.
    pub fn start(&self) -> NonNull<u8> {
        self.memory.start
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.memory.len
    }

    /// Whether the size is 0.
    pub fn is_empty(&self) -> bool {
        self.memory.len == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.arena.is_some() {
            return;
        }
        // SAFETY: `new` mapped exactly this range, it is unmapped once, and `start` requires that no reference derived
        // from it outlives `self`.
        let _ = unsafe { nix::sys::mman::munmap(self.memory.start.cast(), self.memory.len.max(1)) };
    }
}
