//! A waker of one word: it carries a token and allocates nothing.

use std::task::{RawWaker, RawWakerVTable, Waker};

/// Receives the tokens of wakers.
pub trait Wake: 'static {
    /// The waker with that token was woken. Called in any thread.
    fn wake(token: u64);
}

/// A waker that passes `token` to `W`. It can be cloned, woken and dropped in any thread.
pub fn waker<W: Wake>(token: u64) -> Waker {
    // SAFETY: the data is a number that is never dereferenced, so any thread may clone, wake and drop it.
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
