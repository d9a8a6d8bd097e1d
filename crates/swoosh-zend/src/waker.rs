//! Wakers that carry a 64-bit token in their data pointer and do not allocate.

use std::task::{RawWaker, RawWakerVTable, Waker};

/// A receiver of wakes.
pub trait Wake: 'static {
    /// Called, in any thread, when the waker with that token is woken.
    fn wake(token: u64);
}

/// A waker that passes `token` to `W`. It can be cloned, woken and dropped in any thread.
pub fn waker<W: Wake>(token: u64) -> Waker {
    // SAFETY: the vtable functions treat the data pointer as a number and never dereference it, so they are thread-safe and
    // the waker needs no ownership.
    unsafe { Waker::new(token as usize as *const (), table::<W>()) }
}

fn table<W: Wake>() -> &'static RawWakerVTable {
    fn clone<W: Wake>(token: *const ()) -> RawWaker {
        RawWaker::new(token, table::<W>())
    }
    fn wake<W: Wake>(token: *const ()) {
        W::wake(token as usize as u64);
    }
    const { &RawWakerVTable::new(clone::<W>, wake::<W>, wake::<W>, |_| {}) }
}
