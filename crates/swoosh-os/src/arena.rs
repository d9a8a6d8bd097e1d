//! A budget of shared memory: reserved before the first fork, then allocated page by page in any process.
//!
//! An allocation that does not fit fails with an error that names its purpose and the space left. Allocations are
//! never freed: they live as long as the arena.

use crate::error::{Error, Result};
use crate::shared_memory::SharedMemory;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// An arena. Clones, and the copies in forked processes, refer to the same memory.
///
/// ```
/// use swoosh_os::arena::Arena;
/// use swoosh_os::memory::Mapping;
///
/// let arena = Arena::reserve(1 << 20)?;
/// let _table = Mapping::in_arena(&arena, 5000, "a table")?;
/// assert_eq!(arena.used(), 8192);
/// assert_eq!(arena.allocations()[0].purpose, "a table");
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Arena(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    memory: SharedMemory,
    /// Allocations of this process and of its ancestors before they forked it.
    allocations: Mutex<Vec<Allocation>>,
}

/// One allocation of an arena.
///
/// ```
/// # use swoosh_os::arena::Arena;
/// let arena = Arena::reserve(4096)?;
/// assert!(arena.allocations().is_empty());
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The purpose that its owner stated.
    pub purpose: String,
    /// Bytes; a multiple of the page size, 4096.
    pub bytes: usize,
}

impl Arena {
    /// Reserves `bytes`, rounded up to pages. A page uses memory once it is touched.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    pub fn reserve(bytes: usize) -> Result<Self> {
        let bytes = bytes.max(1).next_multiple_of(PAGE);
        let memory = SharedMemory::new(PAGE + bytes, "an arena")?;
        Ok(Arena(Arc::new(Inner { memory, allocations: Mutex::default() })))
    }

    /// Allocates zeroed memory, aligned to a page, that no other process of the arena gets.
    ///
    /// # Errors
    /// If less is left; the error names `purpose` and the space left.
    pub(crate) fn allocate(&self, bytes: usize, purpose: &str) -> Result<NonNull<u8>> {
        let needed = bytes.max(1).next_multiple_of(PAGE);
        let fits = |used: u64| used.checked_add(needed as u64).filter(|used| *used <= self.bytes() as u64);
        let offset = self.counter().fetch_update(Relaxed, Relaxed, fits).map_err(|used| Error::State {
            operation: "take from the arena",
            reason: format!(
                "{purpose} needs {needed} bytes, and of the arena's {} only {} are left",
                self.bytes(),
                self.bytes() as u64 - used
            ),
        })?;
        let mut allocations = self.0.allocations.lock().unwrap_or_else(PoisonError::into_inner);
        allocations.push(Allocation { purpose: purpose.to_owned(), bytes: needed });
        // SAFETY: the mapping has `PAGE + self.bytes()` bytes, and `fits` has checked that `offset + needed` is at most
        // `self.bytes()`.
        Ok(unsafe { self.0.memory.start().add(PAGE + offset as usize) })
    }

    /// The bytes that were reserved.
    pub fn bytes(&self) -> usize {
        self.0.memory.len() - PAGE
    }

    /// The bytes that all processes together have allocated.
    pub fn used(&self) -> usize {
        self.counter().load(Relaxed) as usize
    }

    /// The allocations of this process and of its ancestors before they forked it.
    pub fn allocations(&self) -> Vec<Allocation> {
        self.0.allocations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bytes allocated so far; it lies in the first page of the mapping.
    fn counter(&self) -> &AtomicU64 {
        // SAFETY: `reserve` maps at least one page beside the data; it is page-aligned, zeroed and never unmapped.
        unsafe { self.0.memory.start().cast::<AtomicU64>().as_ref() }
    }
}

const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{self, Fork};

    #[test]
    fn an_allocation_that_does_not_fit_names_its_purpose_and_the_space_left() {
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
