//! Memory that parent and children see alike.

use super::arena::Arena;
use crate::error::{Error, Result};
use std::num::NonZeroUsize;
use std::ptr::NonNull;

/// An anonymous mapping shared with every process forked after it. Zeroed; a page costs memory once it is touched.
///
/// It is never unmapped: the processes of a server end with it in place, whoever ends last.
#[derive(Debug, Clone, Copy)]
pub struct SharedMemory {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping lives as long as the process, and the type hands out nothing but its address.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// Maps `len` bytes; `purpose` stands in the error when the kernel has no room.
    pub fn new(len: usize, purpose: &str) -> Result<Self> {
        use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
        let size = NonZeroUsize::new(len.max(1)).expect("at least 1");
        // SAFETY: a fresh anonymous mapping at an address that the kernel chooses touches nothing that exists.
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

    /// Its first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A mapping like [`SharedMemory`] that has an owner: it leaves this process when the value is dropped. Processes forked
/// meanwhile keep theirs.
#[derive(Debug)]
pub struct Mapping {
    memory: SharedMemory,
    /// What it is a piece of; then it stays.
    arena: Option<Arena>,
}

impl Mapping {
    /// Maps `len` bytes; `purpose` stands in the error when the kernel has no room.
    pub fn new(len: usize, purpose: &str) -> Result<Self> {
        Ok(Mapping { memory: SharedMemory::new(len, purpose)?, arena: None })
    }

    /// As [`new`](Mapping::new), of an arena's memory, which it keeps.
    pub fn in_arena(arena: &Arena, len: usize, purpose: &str) -> Result<Self> {
        let start = arena.allocate(len, purpose)?;
        Ok(Mapping { memory: SharedMemory { start, len }, arena: Some(arena.clone()) })
    }

    /// Its first byte. What is made of it must not outlive `self`.
    pub fn start(&self) -> NonNull<u8> {
        self.memory.start
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.memory.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.memory.len == 0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.arena.is_some() {
            return;
        }
        // SAFETY: the mapping was made by `new`, is unmapped once, and nothing made of it outlives `self`, as `start`
        // demands.
        let _ = unsafe { nix::sys::mman::munmap(self.memory.start.cast(), self.memory.len.max(1)) };
    }
}
