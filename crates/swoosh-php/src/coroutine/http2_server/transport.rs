//! The socket as h2 reads and writes it. A client that breaks a rule of the guard gets a GOAWAY, and is not read any more.

use crate::coroutine::http2_output::FrameOutput;
use crate::coroutine::socket::CoroutineSocket;
use h2::Reason;
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use swoosh::log;
use swoosh::proto::http2::goaway;
use swoosh::proto::http2::guard::FrameGuard;
use swoosh::sys::clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Transport {
    output: FrameOutput,
    guard: FrameGuard,
    /// Bytes that the guard has passed and h2 has not read.
    input: Vec<u8>,
    /// A GOAWAY that is to be written between two frames of h2.
    inserted: Vec<u8>,
    /// The client is not read any more.
    ended: bool,
    last_stream: Rc<Cell<u32>>,
}

impl Transport {
    /// `last_stream`: the number of the last stream that was accepted.
    pub(super) fn new(link: Rc<CoroutineSocket>, guard: FrameGuard, last_stream: Rc<Cell<u32>>) -> Self {
        let output = FrameOutput::new(link, 0);
        Transport { output, guard, input: Vec::new(), inserted: Vec::new(), ended: false, last_stream }
    }

    fn write_inserted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.poll_insert(cx, &mut self.inserted)
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.input.is_empty() && !this.ended {
            let mut bytes = [0; PIECE];
            let read = ready!(this.output.link().poll_read(cx, &mut bytes))?;
            if read == 0 {
                this.ended = true;
            } else if let Err(violation) = this.guard.take(&bytes[..read], clock::monotonic_ms(), &mut this.input) {
                log::info!(
                    "HTTP/2 connection from {} is closed: {:?}: {}",
                    peer_name(this.output.link()),
                    Reason::from(violation.code),
                    violation.reason
                );
                this.inserted = goaway(this.last_stream.get(), violation.code, violation.reason.as_bytes());
                this.ended = true;
            }
            if let Some((stream, fault)) = this.guard.take_malformed() {
                log::info!(
                    "HTTP/2 connection from {}: stream {stream} is reset: {fault}",
                    peer_name(this.output.link())
                );
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
        let written = ready!(this.output.poll_write(cx, pieces))?;
        this.guard.note_sent(written as u64);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_inserted(cx))?;
        this.output.link().poll_flush(cx)
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
