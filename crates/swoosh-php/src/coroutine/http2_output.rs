//! The frames that h2 writes to a socket, with frames of the program's own between them.

use super::socket::CoroutineSocket;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use swoosh::proto::http2::FrameTracker;

/// The output of an HTTP/2 connection.
pub(super) struct FrameOutput {
    link: Rc<CoroutineSocket>,
    written: FrameTracker,
}

impl FrameOutput {
    /// `preface`: the bytes that h2 writes before its first frame.
    pub(super) fn new(link: Rc<CoroutineSocket>, preface: usize) -> Self {
        FrameOutput { link, written: FrameTracker::new(preface) }
    }

    pub(super) fn link(&self) -> &Rc<CoroutineSocket> {
        &self.link
    }

    /// Writes the whole frames in `inserted` once h2 is between two of its own.
    pub(super) fn poll_insert(&self, cx: &mut Context<'_>, inserted: &mut Vec<u8>) -> Poll<io::Result<()>> {
        while !inserted.is_empty() && self.written.is_between_frames() {
            let written = ready!(self.link.poll_write(cx, &[IoSlice::new(inserted)]))?;
            inserted.drain(..written);
            if !inserted.is_empty() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes bytes of h2. Returns their number.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = ready!(self.link.poll_write(cx, pieces))?;
        self.written.follow_written(pieces, written);
        Poll::Ready(Ok(written))
    }
}
