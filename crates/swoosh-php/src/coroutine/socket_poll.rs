//! Reading and writing a [`CoroutineSocket`] from a task of the async runtime, plain or with TLS.
//!
//! Once a task reads and writes a socket, coroutines must not: both would take parts of one stream.

use super::socket::{CoroutineSocket, Direction};
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use swoosh::sys::socket;

impl CoroutineSocket {
    /// Reads into `buffer`; 0 at the end of the stream.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.is_drained() && self.poll_ready(Direction::Read, cx)?.is_pending() {
            return Poll::Pending;
        }
        self.poll_step(Direction::Read, cx, || self.read(buffer))
    }

    /// Writes the beginning of `pieces`; returns the number of bytes. With TLS, ciphertext may remain for
    /// [`poll_flush`](Self::poll_flush).
    pub fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if !self.is_tls() {
            return self.poll_step(Direction::Write, cx, || socket::send_pieces(self.fd(), pieces));
        }
        std::task::ready!(self.poll_flush(cx))?;
        let mut written = 0;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let count = self.with_tls(|tls| tls.session.seal(piece)).unwrap_or(Ok(0))?;
            written += count;
            if count < piece.len() || written >= MAX_SEALED {
                break;
            }
        }
        match self.poll_flush(cx) {
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            _ => Poll::Ready(Ok(written)),
        }
    }

    /// Writes the ciphertext that is left.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_tls() {
            return Poll::Ready(Ok(()));
        }
        self.poll_step(Direction::Write, cx, || self.with_tls(|tls| tls.flush(self.fd())).unwrap_or(Ok(())))
    }

    /// Repeats `step` while it is interrupted; registers the task's waker if it would block.
    fn poll_step<T>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            if self.is_closed() {
                return Poll::Ready(Err(io::Error::from_raw_os_error(libc::EBADF)));
            }
            match step() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.clear_ready(direction)?;
                    if self.poll_ready(direction, cx)?.is_pending() {
                        return Poll::Pending;
                    }
                }
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        self.ensure_watch()?;
        Ok(match (&*self.watch.borrow(), direction) {
            (Some(watch), Direction::Read) => watch.poll_read(cx),
            (Some(watch), Direction::Write) => watch.poll_write(cx),
            (None, _) => Poll::Ready(()),
        })
    }
}

/// Bytes that are encrypted before the ciphertext is written.
const MAX_SEALED: usize = 64 << 10;
