//! What survives a fork: typed views of shared memory.
//!
//! Everything in it is atomics (or bytes guarded by them), so that a process killed between any two instructions leaves
//! something that the others can read.
#![allow(unsafe_code)]

pub mod atomic;
mod chains;
mod cursor;
pub mod lock;
pub mod ring;
mod robust_lock;
pub mod slots;
mod sync;
pub mod table;
mod version;

use std::ops::Deref;
use swoosh_os::Result;
use swoosh_os::memory::SharedMemory;

/// Types that may lie in shared memory: only atomics and arrays of them, for which all-zero is a value.
///
/// # Safety
/// The type has no padding that matters, no pointer, no `Drop`, is `Sync`, and zeroed memory is a valid value.
pub unsafe trait Shareable: Sync {}

/// A slice of `T` in shared memory: the same one in every process forked after it was made.
pub struct SharedSlice<T: Shareable + 'static>(&'static [T]);

impl<T: Shareable + 'static> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Shareable + 'static> Copy for SharedSlice<T> {}

impl<T: Shareable + 'static> SharedSlice<T> {
    /// `count` zeroed elements; `purpose` stands in the error when there is no room.
    pub fn new(count: usize, purpose: &str) -> Result<Self> {
        let memory = SharedMemory::new(count.max(1) * size_of::<T>(), purpose)?;
        // SAFETY: the mapping is page-aligned (no `T` here wants more), large enough, zeroed (valid for `Shareable`)
        // and never unmapped.
        Ok(SharedSlice(unsafe { std::slice::from_raw_parts(memory.start().as_ptr().cast::<T>(), count) }))
    }

    /// The elements, for as long as this process lives.
    pub fn as_static(&self) -> &'static [T] {
        self.0
    }
}

impl<T: Shareable + 'static> Deref for SharedSlice<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.0
    }
}

/// Up to eight bytes as a word whose memory begins with them.
pub fn word_from_bytes(chunk: &[u8]) -> u64 {
    if let Ok(whole) = <[u8; 8]>::try_from(chunk) {
        return u64::from_ne_bytes(whole);
    }
    let mut bytes = [0; 8];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u64::from_ne_bytes(bytes)
}
