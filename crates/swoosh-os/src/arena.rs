//! Shared memory reserved at once, before any process is forked, and given out piece by piece.
//!
//! Whoever asks for more than is left is told how much that was, what it was for, and who has the rest. A piece is never
//! given back: it lives as long as the arena.

use super::memory::SharedMemory;
use crate::error::{Error, Result};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// An arena. Copies of the value, and the copies of forked processes, are the same one.
#[derive(Debug, Clone)]
pub struct Arena(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: SharedMemory,
    /// What was given out by this process and by those it comes from.
    given: Mutex<Vec<Allocation>>,
}

/// What one structure has of an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// What for, in words.
    pub purpose: String,
    /// Bytes, of whole pages.
    pub bytes: usize,
}

impl Arena {
    /// Reserves so many bytes, rounded up to pages. A page costs memory once it is touched.
    ///
    /// Fails where the kernel has no room.
    pub fn reserve(bytes: usize) -> Result<Self> {
        let bytes = bytes.max(1).next_multiple_of(PAGE);
        let memory = SharedMemory::new(PAGE + bytes, "an arena")?;
        Ok(Arena(Arc::new(Inner { memory, given: Mutex::default() })))
    }

    /// A piece of zeros, aligned to a page, which no other process of the arena gets.
    ///
    /// Fails where less is left; the error says what `purpose` asked for and how much there is.
    pub(crate) fn allocate(&self, bytes: usize, purpose: &str) -> Result<NonNull<u8>> {
        let wanted = bytes.max(1).next_multiple_of(PAGE);
        let fits = |used: u64| used.checked_add(wanted as u64).filter(|used| *used <= self.bytes() as u64);
        let taken = self.counter().fetch_update(Relaxed, Relaxed, fits).map_err(|used| Error::State {
            operation: "take from the arena",
            reason: format!(
                "{purpose} needs {wanted} bytes, and of the arena's {} only {} are left",
                self.bytes(),
                self.bytes() as u64 - used
            ),
        })?;
        let mut given = self.0.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.push(Allocation { purpose: purpose.to_owned(), bytes: wanted });
        // SAFETY: the first page is the counter's; `taken + wanted` bytes lie in the mapping behind it.
        Ok(unsafe { self.0.memory.start().add(PAGE + taken as usize) })
    }

    /// The bytes it was reserved with.
    pub fn bytes(&self) -> usize {
        self.0.memory.len() - PAGE
    }

    /// The bytes that were given out, by all processes.
    pub fn used(&self) -> usize {
        self.counter().load(Relaxed) as usize
    }

    /// Who has what, as far as this process and those it comes from know.
    pub fn allocations(&self) -> Vec<Allocation> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn counter(&self) -> &AtomicU64 {
        // SAFETY: the mapping is page-aligned, zeroed, has a page at least and is never unmapped.
        unsafe { self.0.memory.start().cast::<AtomicU64>().as_ref() }
    }
}

const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{self, Fork};

    #[test]
    fn what_is_left_is_told_with_what_was_wanted() {
        let arena = Arena::reserve(3 * PAGE - 5).unwrap();
        assert_eq!((arena.bytes(), arena.used()), (3 * PAGE, 0));
        arena.allocate(1, "something small").unwrap();
        let Fork::Parent(pid) = process::fork().unwrap() else {
            process::exit_now(i32::from(arena.allocate(PAGE, "a child's").is_err()));
        };
        assert_eq!(process::wait_for(pid).unwrap().exit_code(), 0);
        let error = arena.allocate(PAGE + 1, "a table of 7 rows").unwrap_err().to_string();
        assert_eq!(
            error,
            "take from the arena: a table of 7 rows needs 8192 bytes, and of the arena's 12288 only 4096 are left"
        );
        assert_eq!(arena.used(), 2 * PAGE);
        assert_eq!(arena.allocations(), [Allocation { purpose: "something small".into(), bytes: PAGE }]);
    }
}
