//! The thread that PHP runs in, and values that only that thread uses.

use std::cell::Cell;

thread_local! {
    static HOME: Cell<bool> = const { Cell::new(false) };
}

/// Called when the module starts, in the thread that loads it.
pub(crate) fn enter() {
    HOME.set(true);
}

/// Whether this is the thread that PHP runs in. Callable from any thread.
#[inline]
pub fn is_php_thread() -> bool {
    HOME.try_with(Cell::get).unwrap_or(false)
}

/// A value of PHP's thread, reached without a look-up of thread-local storage.
///
/// PHP without thread safety (the only build supported) runs in one thread, and only calls from PHP use such values. Other
/// threads reach the extension through wakers alone, which do not touch them; debug builds check it.
pub struct ThreadBound<T>(T);

// SAFETY: only PHP's thread calls `get`, see above.
unsafe impl<T> Sync for ThreadBound<T> {}

impl<T> ThreadBound<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        ThreadBound(value)
    }

    /// The value. From PHP's thread only.
    #[inline]
    pub fn get(&'static self) -> &'static T {
        debug_assert!(is_php_thread(), "this is not the thread that PHP runs in");
        &self.0
    }
}
