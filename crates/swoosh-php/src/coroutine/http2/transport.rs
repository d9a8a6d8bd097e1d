//! The socket as h2 reads and writes it.
//!
//! Reads along to know the peer's settings and its GOAWAY frames, which h2 does not show. After a GOAWAY with an error the
//! peer's bytes are not read any more: it has given the connection up. Frames that h2 cannot send, such as a GOAWAY with a
//! program's own code, are written between two of its frames.

use crate::coroutine::http2_output::FrameOutput;
use crate::coroutine::socket::CoroutineSocket;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use swoosh::proto::http2::frames::FrameHead;
use swoosh::proto::http2::{ControlFrame, FrameTracker, PREFACE, PeerSettings};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The peer's settings and GOAWAY, and frames to insert.
pub(super) struct Observed {
    /// The peer's settings, once it has sent them.
    pub(super) settings: Option<PeerSettings>,
    /// The peer's last GOAWAY: its last stream, code and debug data.
    pub(super) goaway: Option<(u32, u32, Vec<u8>)>,
    /// The peer does not speak HTTP/2; true if it speaks HTTP/1.
    pub(super) other_protocol: Option<bool>,
    /// Whole frames that are to be written before the next one of h2.
    pub(super) inserted: Vec<u8>,
    /// When bytes were read last; before any, when the connection was made.
    pub(super) last_received: Instant,
}

impl Default for Observed {
    fn default() -> Self {
        let last_received = Instant::now();
        Observed { settings: None, goaway: None, other_protocol: None, inserted: Vec::new(), last_received }
    }
}

pub(super) struct Transport {
    output: FrameOutput,
    observed: Rc<RefCell<Observed>>,
    incoming: FrameTracker,
    /// The peer has ended the connection, or does not speak HTTP/2.
    ended: bool,
    /// The beginning of the peer's bytes: the head of its first frame.
    first: Vec<u8>,
}

impl Transport {
    pub(super) fn new(link: Rc<CoroutineSocket>, observed: Rc<RefCell<Observed>>) -> Self {
        let output = FrameOutput::new(link, PREFACE.len());
        Transport { output, observed, incoming: FrameTracker::new(0), ended: false, first: Vec::new() }
    }

    /// Looks at the head of the peer's first frame, which is SETTINGS (RFC 9113 section 3.4).
    fn check_first(&mut self, bytes: &[u8]) {
        let missing = FrameHead::LENGTH - self.first.len();
        self.first.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        let is_http1 = self.first.starts_with(b"HTTP/");
        let is_settings = self.first.get(KIND).is_none_or(|kind| *kind == FrameHead::SETTINGS);
        if is_http1 || !is_settings {
            self.observed.borrow_mut().other_protocol = Some(is_http1);
            self.ended = true;
        }
    }

    /// Follows received bytes; returns how many of them h2 may see.
    fn follow_incoming(&mut self, bytes: &[u8]) -> usize {
        let mut seen = 0;
        if self.first.len() < FrameHead::LENGTH {
            self.check_first(bytes);
            if self.ended {
                return 0;
            }
        }
        while seen < bytes.len() {
            let (used, frame) = self.incoming.next(&bytes[seen..]);
            seen += used;
            let mut observed = self.observed.borrow_mut();
            match frame {
                Some(ControlFrame::Settings(settings)) => {
                    observed.settings.get_or_insert_default().apply(&settings);
                }
                Some(ControlFrame::GoAway { last_stream_id, code, debug_data }) => {
                    observed.goaway = Some((last_stream_id, code, debug_data));
                    self.ended = code != 0;
                }
                None => {}
            }
            if self.ended {
                break;
            }
        }
        seen
    }

    /// Writes inserted frames where that is possible.
    fn write_inserted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.poll_insert(cx, &mut self.observed.borrow_mut().inserted)
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Ok(()));
        }
        let room = buffer.initialize_unfilled();
        let read = ready!(this.output.link().poll_read(cx, room))?;
        this.observed.borrow_mut().last_received = Instant::now();
        let shown = this.follow_incoming(&room[..read]);
        buffer.advance(shown);
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
        this.output.poll_write(cx, pieces)
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
        let this = self.get_mut();
        let link = this.output.link();
        ready!(link.poll_flush(cx))?;
        link.send_close_notify();
        let _ = link.socket().shutdown(std::net::Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}

/// The place of the type in the head of a frame (RFC 9113 section 4.1).
const KIND: usize = 3;
