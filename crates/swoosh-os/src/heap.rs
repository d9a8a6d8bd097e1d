//! The heap of the C library, from which Rust and the engine's buffers are allocated.

/// Returns free memory of the heap to the system (malloc_trim(3)): the C library keeps what was freed below memory that is in
/// use. Takes time in proportion to the heap. Without effect with another C library than glibc.
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim takes the locks of the heap itself, and moves nothing that is allocated.
    unsafe {
        libc::malloc_trim(0);
    }
}
