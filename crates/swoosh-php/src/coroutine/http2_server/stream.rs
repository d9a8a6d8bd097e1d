//! One request and its response.

use super::driver::Shared;
use super::request::Request;
use crate::coroutine::types::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use swoosh::proto::http1::request::{Field, Request as Head, field_buffer};
use swoosh::proto::http2::code;
use swoosh_zend::{PhpResult, runtime};
use tokio::sync::Mutex;

/// A stream. Dropping it resets it unless its response was sent to the end.
pub struct ServerStream {
    shared: Rc<Shared>,
    request: Rc<Request>,
    /// A coroutine is reading.
    reads: Cell<bool>,
    /// Held by the coroutine that writes.
    write_lock: Mutex<()>,
    response: Cell<Progress>,
    generation: u32,
}

/// How far the response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Head,
    Body,
    Ended,
}

/// Header fields: names in lower case, and values.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Something of the request's body.
#[derive(Debug)]
pub enum Received {
    /// A part of it.
    Data(Vec<u8>),
    /// Its end.
    End,
}

/// A stream on which an operation has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamError {
    /// The time was up.
    TimedOut,
    /// The wait was cancelled.
    Cancelled,
    /// The client has reset it with that code, or its connection has ended.
    Reset(u32),
    /// The operation is not possible now: the head is sent already, or not yet, or the response has ended, or another coroutine
    /// is reading.
    Misuse,
}

impl ServerStream {
    pub(super) fn new(shared: Rc<Shared>, request: Rc<Request>) -> Self {
        shared.open.set(shared.open.get() + 1);
        ServerStream {
            shared,
            request,
            reads: Cell::new(false),
            write_lock: Mutex::new(()),
            response: Cell::new(Progress::Head),
            generation: runtime::generation(),
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.request.number
    }

    /// Method, target and fields of the request.
    pub fn with_head<R>(&self, read: impl FnOnce(&Head<'_>, &[Field<'_>]) -> R) -> Option<R> {
        let mut room = field_buffer();
        let (head, fields) = Head::parse(&self.request.head, &mut room)?;
        Some(read(&head, fields))
    }

    /// Waits for a part of the request's body.
    pub fn recv(&self, limit: Option<Duration>) -> PhpResult<Result<Received, StreamError>> {
        if self.is_inherited() || self.reads.replace(true) {
            return Ok(Err(StreamError::Misuse));
        }
        let received =
            wait::poll(WaitKind::Io, limit, |cx| match (self.request.reset(), self.request.take(cx.waker())) {
                (Some(code), _) => Poll::Ready(Err(StreamError::Reset(code))),
                (None, None) => Poll::Pending,
                (None, Some(data)) if data.is_empty() => Poll::Ready(Ok(Received::End)),
                (None, Some(data)) => Poll::Ready(Ok(Received::Data(data))),
            });
        self.reads.set(false);
        let received = outcome(received?);
        if let Ok(Received::Data(data)) = &received {
            self.shared.with(|http2| http2.release(self.id(), data.len()));
            self.shared.drive();
        }
        Ok(received)
    }

    /// The code that the stream was reset with, as an error.
    fn check(&self) -> Result<(), StreamError> {
        self.request.reset().map_or(Ok(()), |code| Err(StreamError::Reset(code)))
    }

    /// Sends the head of the response, and nothing else if it `ends`.
    pub fn send_head(&self, status: u16, fields: &Fields, ends: bool) -> Result<(), StreamError> {
        if self.is_inherited() || self.response.get() != Progress::Head {
            return Err(StreamError::Misuse);
        }
        self.response.set(if ends { Progress::Ended } else { Progress::Body });
        self.check()?;
        self.shared.with(|http2| http2.send_head(self.id(), status, &borrowed(fields), ends));
        self.shared.drive();
        Ok(())
    }

    /// Sends a part of the body, and waits until the client's window has taken it.
    pub fn send(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<(), StreamError>> {
        if self.is_inherited() || self.response.get() != Progress::Body {
            return Ok(Err(StreamError::Misuse));
        }
        let sent = outcome(wait::future(self.send_all(bytes), limit)?);
        if matches!(sent, Err(StreamError::TimedOut | StreamError::Cancelled)) {
            // A part of it may be sent: what would follow makes no sense.
            self.reset(code::CANCEL);
        }
        Ok(sent)
    }

    async fn send_all(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let _writing = self.write_lock.lock().await;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = poll_fn(|cx| self.poll_capacity(rest.len(), cx)).await?;
            let (piece, behind) = rest.split_at(room);
            self.shared.with(|http2| http2.send_data(self.id(), piece, false));
            self.shared.drive();
            rest = behind;
        }
        Ok(())
    }

    fn poll_capacity(&self, wanted: usize, cx: &mut Context<'_>) -> Poll<Result<usize, StreamError>> {
        self.check()?;
        let room = self.shared.with(|http2| http2.send_capacity(self.id(), wanted));
        if room > 0 {
            return Poll::Ready(Ok(room));
        }
        self.request.wait_for_capacity(cx.waker());
        Poll::Pending
    }

    /// Ends the response, with these trailer fields if there are any.
    pub fn end(&self, trailers: &Fields) -> PhpResult<Result<(), StreamError>> {
        if self.is_inherited() || self.response.get() != Progress::Body {
            return Ok(Err(StreamError::Misuse));
        }
        self.response.set(Progress::Ended);
        let ended = wait::future(
            async {
                let _writing = self.write_lock.lock().await;
                self.check()?;
                self.shared.with(|http2| match trailers.is_empty() {
                    true => http2.send_data(self.id(), b"", true),
                    false => http2.send_trailers(self.id(), &borrowed(trailers)),
                });
                Ok(())
            },
            None,
        )?;
        self.shared.drive();
        Ok(outcome(ended))
    }

    /// Whether the response can still be sent: it has not ended, and the client has not reset the stream.
    pub fn is_open(&self) -> bool {
        !self.is_inherited() && self.response.get() != Progress::Ended && self.request.reset().is_none()
    }

    /// Ends the stream with an error code (RFC 9113 section 6.4). False if its response was sent to the end.
    pub fn reset(&self, code: u32) -> bool {
        if self.is_inherited() || self.response.replace(Progress::Ended) == Progress::Ended {
            return false;
        }
        self.shared.with(|http2| http2.reset(self.id(), code));
        self.request.note_reset(code);
        self.shared.drive();
        true
    }

    fn is_inherited(&self) -> bool {
        self.generation != runtime::generation()
    }
}

impl Drop for ServerStream {
    fn drop(&mut self) {
        if self.is_inherited() {
            // Its connection is the parent's.
            std::mem::forget(self.shared.clone());
            return;
        }
        self.reset(code::INTERNAL_ERROR);
        self.shared.with(|http2| http2.close(self.id()));
        self.shared.open.set(self.shared.open.get() - 1);
        self.shared.drive();
    }
}

fn borrowed(fields: &Fields) -> Vec<(&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (&name[..], &value[..])).collect()
}

fn outcome<T>(outcome: WaitOutcome<Result<T, StreamError>>) -> Result<T, StreamError> {
    match outcome {
        WaitOutcome::Done(done) => done,
        WaitOutcome::TimedOut => Err(StreamError::TimedOut),
        WaitOutcome::Cancelled => Err(StreamError::Cancelled),
    }
}
