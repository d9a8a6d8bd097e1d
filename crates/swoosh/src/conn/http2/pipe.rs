//! The bytes between a connection's socket and `h2`.
//!
//! The connection reads and writes the socket as it does for HTTP/1. `h2` reads and writes memory: what it writes in one tick,
//! for all streams, leaves in one system call. No waker is kept, because `h2` is polled whenever the connection's task runs.

use crate::proto::http2::frames::{FrameHead, FrameScanner};
use crate::proto::http2::{code, goaway};
use std::cell::{Cell, Ref, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both directions.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    input: RefCell<Vec<u8>>,
    /// Bytes of the input that were read.
    read: Cell<usize>,
    output: RefCell<Vec<u8>>,
    /// Where frames end in the output.
    boundaries: RefCell<FrameScanner>,
    /// Frames of the server's own, for the next boundary.
    inserted: RefCell<Vec<u8>>,
    /// GOAWAY frames of `h2`.
    goaways: Cell<u32>,
    /// Streams that were reset because of a fault, with the error code.
    resets: RefCell<Vec<(u32, u32)>>,
    /// `h2` was told to wait until output was written.
    is_blocked: Cell<bool>,
    /// No more input follows.
    is_ended: Cell<bool>,
}

impl Pipe {
    /// Has `append` append input.
    pub(super) fn receive<T>(&self, spare: &SpareBuffers, append: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut input = self.input.borrow_mut();
        if input.capacity() == 0 {
            *input = spare.input.take();
        }
        if self.read.get() == input.len() {
            self.read.set(0);
            input.clear();
        }
        append(&mut input)
    }

    /// Whether input is left that `h2` has not read: it waits for its output to be written.
    pub(super) fn has_input(&self) -> bool {
        self.read.get() < self.input.borrow().len()
    }

    /// The input that was taken last; it begins with a frame unless one was incomplete before.
    pub(super) fn last_input(&self) -> Ref<'_, Vec<u8>> {
        self.input.borrow()
    }

    /// Ends the input, and drops what was not read.
    pub(super) fn end_input(&self) {
        self.is_ended.set(true);
        self.read.set(0);
        *self.input.borrow_mut() = Vec::new();
    }

    /// Takes the output; an empty buffer has no memory.
    pub(super) fn take_output(&self) -> Vec<u8> {
        self.insert_at_boundary();
        self.is_blocked.set(false);
        std::mem::take(&mut *self.output.borrow_mut())
    }

    /// Gives the memory of written output back, while the connection is busy.
    pub(super) fn recycle(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT && self.output.borrow().capacity() == 0 {
            buffer.clear();
            *self.output.borrow_mut() = buffer;
        }
    }

    /// Whether `h2` waits until output is taken.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.get()
    }

    /// Whether there is output to take.
    pub(super) fn has_output(&self) -> bool {
        self.insert_at_boundary();
        !self.output.borrow().is_empty()
    }

    /// How many GOAWAY frames `h2` has sent.
    pub(super) fn goaways(&self) -> u32 {
        self.goaways.get()
    }

    /// Takes the streams that were reset because of a fault, with the error code (RFC 9113 section 7).
    pub(super) fn take_resets(&self) -> Vec<(u32, u32)> {
        self.resets.take()
    }

    fn note_reset(&self, stream: u32, payload: &[u8]) {
        let Some(&[a, b, c, d]) = payload.first_chunk() else { return };
        let code = u32::from_be_bytes([a, b, c, d]);
        if FAULTS.contains(&code) {
            self.resets.borrow_mut().push((stream, code));
        }
    }

    /// Changes the code of the GOAWAY that the output ends with, if it has the code `from`.
    pub(super) fn change_code_of_goaway(&self, from: u32, to: u32) {
        let mut output = self.output.borrow_mut();
        let frame = goaway(0, from, b"");
        let Some(start) = output.len().checked_sub(frame.len()) else { return };
        let last = &mut output[start..];
        let code = frame.len() - 4;
        if last[..FrameHead::LENGTH] == frame[..FrameHead::LENGTH] && last[code..] == frame[code..] {
            last[code..].copy_from_slice(&to.to_be_bytes());
        }
    }

    /// Inserts a frame between those of `h2`.
    pub(super) fn insert(&self, frame: &[u8]) {
        self.inserted.borrow_mut().extend_from_slice(frame);
    }

    /// Takes a buffer for output, if there is none.
    pub(super) fn borrow_output(&self, spare: &SpareBuffers) {
        let mut output = self.output.borrow_mut();
        if output.capacity() == 0 {
            *output = spare.output.take();
        }
    }

    /// Gives empty buffers back: an idle connection holds none.
    pub(super) fn give_back(&self, spare: &SpareBuffers) {
        if self.output.borrow().is_empty() {
            keep(&spare.output, self.output.take());
        }
        if !self.has_input() {
            self.read.set(0);
            keep(&spare.input, self.input.take());
        }
    }

    fn insert_at_boundary(&self) {
        if !self.inserted.borrow().is_empty() && self.boundaries.borrow().is_between_frames() {
            self.output.borrow_mut().append(&mut self.inserted.borrow_mut());
        }
    }
}

/// Buffers for the connections of one thread, which need them one after the other.
#[derive(Default)]
pub(in crate::conn) struct SpareBuffers {
    input: Cell<Vec<u8>>,
    output: Cell<Vec<u8>>,
}

fn keep(place: &Cell<Vec<u8>>, mut buffer: Vec<u8>) {
    let kept = place.take();
    buffer.clear();
    // The larger one, unless it is too large for what usually passes.
    let is_better = buffer.capacity() > kept.capacity() && buffer.capacity() <= KEPT;
    place.set(if is_better { buffer } else { kept });
}

/// The end of a pipe that `h2` uses.
#[derive(Debug)]
pub(super) struct PipeEnd(pub(super) Rc<Pipe>);

impl AsyncRead for PipeEnd {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pipe = &self.0;
        let input = pipe.input.borrow();
        let rest = &input[pipe.read.get()..];
        if rest.is_empty() {
            return if pipe.is_ended.get() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let taken = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..taken]);
        pipe.read.set(pipe.read.get() + taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let pipe = &self.0;
        pipe.insert_at_boundary();
        let mut output = pipe.output.borrow_mut();
        if output.len() >= LIMIT {
            pipe.is_blocked.set(true);
            return Poll::Pending;
        }
        let mut boundaries = pipe.boundaries.borrow_mut();
        let mut written = 0;
        for piece in pieces {
            boundaries.scan_with_payload(piece, |frame, payload| match frame.kind {
                FrameHead::GOAWAY => pipe.goaways.set(pipe.goaways.get() + 1),
                FrameHead::RST_STREAM => pipe.note_reset(frame.stream, payload),
                _ => {}
            });
            output.extend_from_slice(piece);
            written += piece.len();
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Error codes of a fault of the peer.
const FAULTS: [u32; 4] = [code::PROTOCOL_ERROR, code::FLOW_CONTROL_ERROR, code::STREAM_CLOSED, code::FRAME_SIZE_ERROR];
/// Bytes of output at which `h2` waits.
const LIMIT: usize = 128 << 10;
/// Memory that is kept for the next bytes.
const KEPT: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn an_own_frame_goes_between_those_of_the_library() {
        let pipe = Rc::new(Pipe::default());
        let mut end = PipeEnd(pipe.clone());
        let mut cx = Context::from_waker(Waker::noop());
        let frame = [0, 0, 3, 0, 0, 0, 0, 0, 1, b'a', b'b', b'c'];
        assert!(Pin::new(&mut end).poll_write(&mut cx, &frame[..10]).is_ready());
        pipe.insert(b"own");
        assert_eq!(pipe.take_output(), frame[..10], "a frame is not complete");
        assert!(Pin::new(&mut end).poll_write(&mut cx, &frame[10..]).is_ready());
        assert_eq!(pipe.take_output(), b"bcown");
    }

    #[test]
    fn an_idle_pipe_holds_no_memory_and_the_next_one_gets_it() {
        let (first, second, spare) = (Rc::new(Pipe::default()), Pipe::default(), SpareBuffers::default());
        first.receive(&spare, |input| input.extend_from_slice(b"in"));
        first.give_back(&spare);
        assert!(first.has_input(), "what was not read is kept");
        let mut cx = Context::from_waker(Waker::noop());
        let mut end = PipeEnd(first.clone());
        let mut room = [0; 8];
        assert!(Pin::new(&mut end).poll_read(&mut cx, &mut ReadBuf::new(&mut room)).is_ready());
        assert!(Pin::new(&mut end).poll_write(&mut cx, b"out").is_ready());
        first.recycle(first.take_output());
        first.give_back(&spare);
        assert_eq!((first.input.borrow().capacity(), first.output.borrow().capacity()), (0, 0));
        second.borrow_output(&spare);
        second.receive(&spare, |_| ());
        assert!(second.input.borrow().capacity() >= 2 && second.output.borrow().capacity() >= 3);
    }

    #[test]
    fn streams_that_are_reset_for_a_fault_are_noted() {
        let pipe = Rc::new(Pipe::default());
        let mut end = PipeEnd(pipe.clone());
        let reset = |stream: u8, code: u8| vec![0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, code];
        let frames = [reset(1, 1), reset(3, 8), reset(5, 0), reset(7, 3)].concat();
        assert!(Pin::new(&mut end).poll_write(&mut Context::from_waker(Waker::noop()), &frames).is_ready());
        assert_eq!(pipe.take_resets(), [(1, 1), (7, 3)]);
        assert_eq!(pipe.take_resets(), []);
    }

    #[test]
    fn only_the_code_of_the_last_frame_is_changed() {
        let pipe = Rc::new(Pipe::default());
        let frames = [goaway(1, 1, b""), goaway(1, 1, b"text"), goaway(5, 1, b"")].concat();
        let mut end = PipeEnd(pipe.clone());
        assert!(Pin::new(&mut end).poll_write(&mut Context::from_waker(Waker::noop()), &frames).is_ready());
        pipe.change_code_of_goaway(2, 9);
        pipe.change_code_of_goaway(1, 9);
        pipe.change_code_of_goaway(1, 10);
        assert_eq!(pipe.take_output(), [goaway(1, 1, b""), goaway(1, 1, b"text"), goaway(5, 9, b"")].concat());
    }

    #[test]
    fn the_output_is_bounded_and_the_end_of_the_input_is_seen() {
        let pipe = Rc::new(Pipe::default());
        let mut end = PipeEnd(pipe.clone());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut end).poll_write(&mut cx, &vec![0; LIMIT]).is_ready());
        assert!(Pin::new(&mut end).poll_write(&mut cx, b"x").is_pending());
        assert!(pipe.is_blocked());
        assert_eq!((pipe.take_output().len(), pipe.is_blocked()), (LIMIT, false));
        let mut room = [0; 3];
        let mut read = |end: &mut PipeEnd| {
            let mut buffer = ReadBuf::new(&mut room);
            Pin::new(end).poll_read(&mut cx, &mut buffer).map(|_| buffer.filled().len())
        };
        assert!(read(&mut end).is_pending());
        pipe.receive(&SpareBuffers::default(), |input| input.extend_from_slice(b"abcd"));
        assert_eq!((read(&mut end), pipe.has_input()), (Poll::Ready(3), true));
        assert_eq!((read(&mut end), pipe.has_input()), (Poll::Ready(1), false));
        pipe.end_input();
        assert_eq!(read(&mut end), Poll::Ready(0));
    }
}
