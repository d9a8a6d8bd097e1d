//! The current time as HTTP writes it.

use crate::proto::http1::response_writer::date;
use crate::sys::clock;
use std::cell::Cell;

/// The value of a `Date` field now (RFC 9110 section 5.6.7), formatted once a second by each thread.
///
/// ```
/// assert!(swoosh::http::now().ends_with(b" GMT"));
/// ```
pub fn now() -> [u8; 29] {
    thread_local! {
        static LAST: Cell<(i64, [u8; 29])> = const { Cell::new((-1, [0; 29])) };
    }
    let seconds = (clock::wall_nanos() / 1_000_000_000) as i64;
    let (of, text) = LAST.get();
    if of == seconds {
        return text;
    }
    let text = date(seconds);
    LAST.set((seconds, text));
    text
}
