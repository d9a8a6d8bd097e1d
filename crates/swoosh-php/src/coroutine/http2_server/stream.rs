//! One request and its response.

use super::driver::Shared;
use crate::coroutine::http2::send_half::SendHalf;
use crate::coroutine::types::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Error, Reason, RecvStream};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use swoosh_zend::{PhpResult, runtime};

/// A stream. Dropping it resets it unless its response was sent to the end.
pub struct ServerStream {
    shared: Rc<Shared>,
    head: Parts,
    id: u32,
    body: RefCell<RecvStream>,
    /// A coroutine is reading.
    reads: Cell<bool>,
    response: RefCell<Output>,
    generation: u32,
}

/// The response.
enum Output {
    Head(SendResponse<Bytes>),
    Body(Rc<SendHalf>),
    Ended,
}

/// Something of the request's body.
#[derive(Debug)]
pub enum Received {
    /// A part of it.
    Data(Bytes),
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
    pub(super) fn new(shared: Rc<Shared>, request: Request<RecvStream>, respond: SendResponse<Bytes>) -> Self {
        shared.open.set(shared.open.get() + 1);
        let (head, body) = request.into_parts();
        let id = respond.stream_id().as_u32();
        let response = RefCell::new(Output::Head(respond));
        let (body, reads) = (RefCell::new(body), Cell::new(false));
        ServerStream { shared, head, id, body, reads, response, generation: runtime::generation() }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Method, target and fields of the request.
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// Waits for a part of the request's body.
    pub fn recv(&self, limit: Option<Duration>) -> PhpResult<Result<Received, StreamError>> {
        if self.is_inherited() || self.reads.replace(true) {
            return Ok(Err(StreamError::Misuse));
        }
        let received = wait::poll(WaitKind::Io, limit, |cx| {
            let mut body = self.body.borrow_mut();
            loop {
                return Poll::Ready(match std::task::ready!(body.poll_data(cx)) {
                    Some(Ok(data)) if data.is_empty() => continue,
                    Some(Ok(data)) => {
                        // An error means that the stream was reset, which the next call finds.
                        let _ = body.flow_control().release_capacity(data.len());
                        Ok(Received::Data(data))
                    }
                    Some(Err(e)) => Err(reset_of(&e)),
                    None => Ok(Received::End),
                });
            }
        });
        self.reads.set(false);
        Ok(outcome(received?))
    }

    /// Sends the head of the response, and nothing else if it `ends`.
    pub fn send_head(&self, head: Response<()>, ends: bool) -> Result<(), StreamError> {
        if self.is_inherited() {
            return Err(StreamError::Misuse);
        }
        {
            let mut output = self.response.borrow_mut();
            let Output::Head(respond) = &mut *output else { return Err(StreamError::Misuse) };
            let stream = respond.send_response(head, ends).map_err(|e| reset_of(&e));
            *output = match &stream {
                Ok(_) if ends => Output::Ended,
                Err(_) => Output::Ended,
                Ok(_) => return self.begin_body(output, stream?),
            };
            stream?;
        }
        self.shared.drive();
        Ok(())
    }

    fn begin_body(
        &self,
        mut output: std::cell::RefMut<'_, Output>,
        stream: h2::SendStream<Bytes>,
    ) -> Result<(), StreamError> {
        *output = Output::Body(Rc::new(SendHalf::new(stream)));
        drop(output);
        self.shared.drive();
        Ok(())
    }

    /// Sends a part of the body, and waits until the client's window has taken it.
    pub fn send(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<(), StreamError>> {
        let half = match &*self.response.borrow() {
            Output::Body(half) if !self.is_inherited() => half.clone(),
            _ => return Ok(Err(StreamError::Misuse)),
        };
        let sent = wait::future(
            async {
                let mut stream = half.lock().await;
                half.send(&mut stream, bytes, false, || self.shared.drive()).await.map_err(|e| reset_of(&e))
            },
            limit,
        )?;
        let sent = outcome(sent);
        if matches!(sent, Err(StreamError::TimedOut | StreamError::Cancelled)) {
            // A part of it may be sent: what would follow makes no sense.
            self.reset(Reason::CANCEL.into());
        }
        Ok(sent)
    }

    /// Ends the response, with these trailer fields if there are any.
    pub fn end(&self, trailers: HeaderMap) -> PhpResult<Result<(), StreamError>> {
        let half = match self.response.replace(Output::Ended) {
            Output::Body(half) if !self.is_inherited() => half,
            other => {
                self.response.replace(other);
                return Ok(Err(StreamError::Misuse));
            }
        };
        let ended = wait::future(
            async {
                let mut stream = half.lock().await;
                match trailers.is_empty() {
                    true => stream.send_data(Bytes::new(), true),
                    false => stream.send_trailers(trailers),
                }
                .map_err(|e| reset_of(&e))
            },
            None,
        )?;
        self.shared.drive();
        Ok(outcome(ended))
    }

    /// Whether the response can still be sent: it has not ended, and the client has not reset the stream.
    pub fn is_open(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match &mut *self.response.borrow_mut() {
            _ if self.is_inherited() => false,
            Output::Head(respond) => respond.poll_reset(&mut context).is_pending(),
            Output::Body(half) => half.is_open(),
            Output::Ended => false,
        }
    }

    /// Ends the stream with an error code (RFC 9113 section 6.4). False if its response was sent to the end.
    pub fn reset(&self, code: u32) -> bool {
        if self.is_inherited() {
            return false;
        }
        match self.response.replace(Output::Ended) {
            Output::Head(mut respond) => respond.send_reset(code.into()),
            Output::Body(half) => half.reset(code.into()),
            Output::Ended => return false,
        }
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
        self.reset(Reason::INTERNAL_ERROR.into());
        self.shared.open.set(self.shared.open.get() - 1);
    }
}

fn reset_of(error: &Error) -> StreamError {
    StreamError::Reset(error.reason().unwrap_or(Reason::CANCEL).into())
}

fn outcome<T>(outcome: WaitOutcome<Result<T, StreamError>>) -> Result<T, StreamError> {
    match outcome {
        WaitOutcome::Done(done) => done,
        WaitOutcome::TimedOut => Err(StreamError::TimedOut),
        WaitOutcome::Cancelled => Err(StreamError::Cancelled),
    }
}
