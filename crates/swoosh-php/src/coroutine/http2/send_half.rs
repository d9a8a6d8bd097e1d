//! Sending the body of a request or a response.

use bytes::Bytes;
use h2::{Error, Reason, SendStream};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use tokio::sync::{Mutex, MutexGuard};

/// The sending half of a stream. One coroutine at a time writes to it; any may reset it.
pub(in crate::coroutine) struct SendHalf {
    stream: Mutex<SendStream<Bytes>>,
    /// Reset with that code once the coroutine that writes has noticed.
    reset: Cell<Option<Reason>>,
    /// Of the coroutine that waits for the peer's window.
    writer: RefCell<Waker>,
}

impl SendHalf {
    pub(in crate::coroutine) fn new(stream: SendStream<Bytes>) -> Self {
        let writer = RefCell::new(Waker::noop().clone());
        SendHalf { stream: Mutex::new(stream), reset: Cell::new(None), writer }
    }

    /// Waits for its turn to write.
    pub(in crate::coroutine) async fn lock(&self) -> MutexGuard<'_, SendStream<Bytes>> {
        self.stream.lock().await
    }

    /// Ends the stream with an error code (RFC 9113 section 6.4).
    pub(in crate::coroutine) fn reset(&self, reason: Reason) {
        match self.stream.try_lock() {
            Ok(mut stream) => stream.send_reset(reason),
            Err(_) => {
                self.reset.set(Some(reason));
                self.writer.borrow().wake_by_ref();
            }
        }
    }

    /// Sends bytes as the peer's windows allow; `flush` writes what was queued. `stream` is from [`lock`](Self::lock).
    ///
    /// # Errors
    /// The stream was reset, or the connection has ended.
    pub(in crate::coroutine) async fn send(
        &self,
        stream: &mut SendStream<Bytes>,
        mut body: &[u8],
        ends: bool,
        flush: impl Fn(),
    ) -> Result<(), Error> {
        if body.is_empty() && ends {
            stream.send_data(Bytes::new(), true)?;
        }
        while !body.is_empty() {
            stream.reserve_capacity(body.len());
            let mut room = stream.capacity();
            while room == 0 {
                let capacity = poll_fn(|cx| {
                    if self.reset.get().is_some() {
                        return Poll::Ready(None);
                    }
                    self.writer.borrow_mut().clone_from(cx.waker());
                    stream.poll_capacity(cx)
                });
                room = match capacity.await {
                    Some(room) => room?,
                    None => {
                        let reason = self.reset.take().unwrap_or(Reason::STREAM_CLOSED);
                        stream.send_reset(reason);
                        flush();
                        return Err(reason.into());
                    }
                };
            }
            let (piece, rest) = body.split_at(room.min(body.len()));
            stream.send_data(Bytes::copy_from_slice(piece), ends && rest.is_empty())?;
            body = rest;
            flush();
        }
        flush();
        Ok(())
    }
}
