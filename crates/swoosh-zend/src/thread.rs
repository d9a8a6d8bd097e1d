//! The thread that runs PHP, and statics that only this thread may access.

use std::cell::Cell;

thread_local! {
    static IS_PHP_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as the one that runs PHP. Called during module startup.
pub(crate) fn enter() {
    IS_PHP_THREAD.set(true);
}

/// Whether the calling thread is the one that runs PHP. May be called from any thread.
#[inline]
pub fn is_php_thread() -> bool {
    IS_PHP_THREAD.try_with(Cell::get).unwrap_or(false)
}

/// A static that is bound to PHP's thread. Unlike `thread_local!`, access needs no lookup.
///
/// The thread that started the module runs PHP; in a thread-safe PHP this holds for the command line. Other threads reach the
/// extension only through wakers, which do not access such statics; debug builds assert this.
pub struct ThreadBound<T>(T);

// SAFETY: `get` is called in PHP's thread only (asserted in debug builds), so no two threads share the value.
unsafe impl<T> Sync for ThreadBound<T> {}

impl<T> ThreadBound<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        ThreadBound(value)
    }

    /// The value. Call it in PHP's thread only.
    #[inline]
    pub fn get(&'static self) -> &'static T {
        debug_assert!(is_php_thread(), "called in PHP's thread");
        &self.0
    }
}
