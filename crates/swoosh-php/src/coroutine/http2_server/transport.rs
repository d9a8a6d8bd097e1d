//! The socket as h2 reads and writes it. A client that breaks a rule of the guard gets a GOAWAY, and is not read any more.

use crate::coroutine::socket::CoroutineSocket;
use h2::Reason;
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use swoosh::log;
use swoosh::proto::http2::guard::FrameGuard;
use swoosh::proto::http2::{FrameTracker, goaway};
use swoosh::sys::clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Transport {
    link: Rc<CoroutineSocket>,
    guard: FrameGuard,
    /// Bytes that the guard has passed and h2 has not read.
    input: Vec<u8>,
    outgoing: FrameTracker,
    /// A GOAWAY that is to be written between two frames of h2.
    inserted: Vec<u8>,
    /// The client is not read any more.
    ended: bool,
    last_stream: Rc<Cell<u32>>,
}

impl Transport {
    /// `last_stream`: the number of the last stream that was accepted.
    pub(super) fn new(link: Rc<CoroutineSocket>, guard: FrameGuard, last_stream: Rc<Cell<u32>>) -> Self {
        let outgoing = FrameTracker::new(0);
        Transport { link, guard, input: Vec::new(), outgoing, inserted: Vec::new(), ended: false, last_stream }
    }

    fn write_inserted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.inserted.is_empty() && self.outgoing.is_between_frames() {
            let written = ready!(self.link.poll_write(cx, &[IoSlice::new(&self.inserted)]))?;
            self.inserted.drain(..written);
            if !self.inserted.is_empty() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.input.is_empty() && !this.ended {
            let mut bytes = [0; PIECE];
            let read = ready!(this.link.poll_read(cx, &mut bytes))?;
            if read == 0 {
                this.ended = true;
            } else if let Err(violation) = this.guard.take(&bytes[..read], clock::monotonic_ms(), &mut this.input) {
                log::info!(
                    "HTTP/2 connection from {} is closed: {:?}: {}",
                    peer_name(&this.link),
                    Reason::from(violation.code),
                    violation.reason
                );
                this.inserted = goaway(this.last_stream.get(), violation.code, violation.reason.as_bytes());
                this.ended = true;
            }
            if let Some((stream, fault)) = this.guard.take_malformed() {
                log::info!("HTTP/2 connection from {}: stream {stream} is reset: {fault}", peer_name(&this.link));
            }
        }
        if this.ended && !this.inserted.is_empty() {
            ready!(this.write_inserted(cx))?;
        }
        let taken = this.input.len().min(buffer.remaining());
        buffer.put_slice(&this.input[..taken]);
        this.input.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.write_inserted(cx))?;
        let written = ready!(this.link.poll_write(cx, pieces))?;
        this.guard.note_sent(written as u64);
        this.outgoing.follow_written(pieces, written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_inserted(cx))?;
        this.link.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// The client, for the log.
pub(super) fn peer_name(link: &CoroutineSocket) -> String {
    let address = link.socket().peer_addr().ok().and_then(|address| address.as_socket());
    address.map_or_else(|| "a local client".to_owned(), |address| address.to_string())
}

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;
