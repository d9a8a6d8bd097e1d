//! Memory that is requested before it is known to be needed: the parts of a row depend on its version, and without
//! prefetching each would be waited for in turn.

/// The part of a row to prefetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::table) enum Prefetch {
    /// Key and numbers.
    Numbers,
    /// The texts too.
    All,
}

/// Requests the cache line at an address.
#[inline(always)]
pub(super) fn prefetch_line(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint that accesses no memory architecturally and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
