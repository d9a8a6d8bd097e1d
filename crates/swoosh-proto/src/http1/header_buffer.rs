//! Stack memory for the header fields of one message, which parsing borrows.

use httparse::Header;
use std::mem::MaybeUninit;

/// Header fields per message, at most.
pub const MAX_HEADERS: usize = 128;

/// Memory for the header fields of one message.
pub(super) type HeaderBuffer<'a> = [MaybeUninit<Header<'a>>; MAX_HEADERS];

/// An uninitialised [`HeaderBuffer`].
pub(super) fn header_buffer<'a>() -> HeaderBuffer<'a> {
    [const { MaybeUninit::uninit() }; MAX_HEADERS]
}
