//! Typed views of shared memory.

use std::ops::Deref;
use swoosh_os::Result;
use swoosh_os::memory::SharedMemory;

/// Types that may be placed in shared memory: atomics, and arrays and structs of them.
///
/// ```
/// use std::sync::atomic::AtomicU64;
/// use swoosh_shm::Shareable;
///
/// #[repr(C)]
/// struct Totals {
///     requests: AtomicU64,
///     bytes: AtomicU64,
/// }
/// // SAFETY: atomics only; zero is a valid value.
/// unsafe impl Shareable for Totals {}
/// ```
///
/// # Safety
/// The type contains no pointer, implements no `Drop`, is `Sync` across processes, is aligned to at most a page, and
/// zeroed memory is a valid value of it.
pub unsafe trait Shareable: Sync {}

/// A slice in shared memory: the same one in every process forked after it was created. It is never unmapped.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::SharedSlice;
/// use swoosh_shm::slots::PoolSlot;
///
/// let slots: SharedSlice<PoolSlot> = SharedSlice::new(4, "pool slots")?;
/// slots[3].pid.store(1234, Relaxed);
/// assert_eq!(slots.len(), 4);
/// # Ok::<(), swoosh_os::Error>(())
/// ```
pub struct SharedSlice<T: Shareable + 'static>(&'static [T]);

impl<T: Shareable + 'static> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Shareable + 'static> Copy for SharedSlice<T> {}

impl<T: Shareable + 'static> SharedSlice<T> {
    /// Maps `count` zeroed elements. `purpose` appears in the error.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    pub fn new(count: usize, purpose: &str) -> Result<Self> {
        let memory = SharedMemory::new(count.max(1) * size_of::<T>(), purpose)?;
        // SAFETY: the mapping has `count` times the size of `T`, is aligned to a page and zeroed, which `Shareable`
        // makes sufficient, and is never unmapped.
        Ok(SharedSlice(unsafe { std::slice::from_raw_parts(memory.start().as_ptr().cast::<T>(), count) }))
    }

    /// The elements, for the lifetime of the process.
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
