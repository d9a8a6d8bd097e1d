//! The body of a request: frames to the bytes of an HTTP/1 message.

use super::head::BodyForm;
use crate::proto::http2::{TRAILER_MARKER, part};
use bytes::Bytes;
use h2::RecvStream;
use http_types::HeaderMap;
use std::io::Write;
use std::task::{Context, Poll};

/// A body that is being received.
pub(super) struct IncomingBody {
    stream: RecvStream,
    form: BodyForm,
    is_behind_data: bool,
}

/// An arrival.
#[derive(Debug)]
pub(super) enum Received {
    /// Bytes of the message are in the buffer, from so many bytes of the peer's window.
    Bytes(usize),
    /// A piece of the message as it is.
    Piece(Bytes),
    /// The last bytes of the message, possibly none, are in the buffer.
    End,
    /// The peer has reset the stream, or the connection failed.
    Failed,
    /// Nothing more has arrived.
    Pending,
}

impl IncomingBody {
    /// A body of that form.
    pub(super) fn new(stream: RecvStream, form: BodyForm) -> Self {
        IncomingBody { stream, form, is_behind_data: false }
    }

    /// Receives what has arrived: one piece as it is, several pieces joined in `buffer`, which is empty.
    pub(super) fn poll(&mut self, buffer: &mut Vec<u8>, cx: &mut Context<'_>) -> Received {
        if self.is_behind_data {
            return self.poll_end(buffer, cx);
        }
        let mut first: Option<Bytes> = None;
        let mut taken = 0;
        while taken < JOINED {
            let data = match self.stream.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => data,
                Poll::Ready(Some(Err(_))) => return Received::Failed,
                Poll::Ready(None) => {
                    self.is_behind_data = true;
                    break;
                }
                Poll::Pending => break,
            };
            if data.is_empty() {
                continue;
            }
            taken += data.len();
            match first.take() {
                _ if self.form == BodyForm::Parts => {
                    if buffer.is_empty() {
                        buffer.push(part::DATA);
                    }
                    buffer.extend_from_slice(&data);
                }
                _ if self.form == BodyForm::Chunked => {
                    if buffer.is_empty() {
                        buffer.extend_from_slice(SIZE_LINE);
                    }
                    buffer.extend_from_slice(&data);
                }
                None if buffer.is_empty() => first = Some(data),
                earlier => {
                    buffer.extend_from_slice(earlier.as_deref().unwrap_or_default());
                    buffer.extend_from_slice(&data);
                }
            }
        }
        match first {
            Some(data) => Received::Piece(data),
            None if taken > 0 => {
                if self.form == BodyForm::Chunked {
                    let _ = write!(&mut buffer[..SIZE_LINE.len()], "{taken:08x}\r\n");
                    buffer.extend_from_slice(b"\r\n");
                }
                Received::Bytes(taken)
            }
            None if self.is_behind_data => self.poll_end(buffer, cx),
            None => Received::Pending,
        }
    }

    /// The end of the data, and the trailer section in a message that has one.
    fn poll_end(&mut self, buffer: &mut Vec<u8>, cx: &mut Context<'_>) -> Received {
        let trailers = match self.stream.poll_trailers(cx) {
            Poll::Pending => return Received::Pending,
            Poll::Ready(Err(_)) => return Received::Failed,
            Poll::Ready(Ok(trailers)) => trailers,
        };
        if self.form == BodyForm::Chunked {
            buffer.extend_from_slice(b"0\r\n");
            put_trailers(buffer, &trailers.unwrap_or_default());
            buffer.extend_from_slice(b"\r\n");
        }
        if self.form == BodyForm::Parts {
            buffer.push(part::END);
        }
        Received::End
    }

    /// Whether it is passed on in packets of its own.
    pub(super) fn is_in_parts(&self) -> bool {
        self.form == BodyForm::Parts
    }

    /// So many bytes were taken: the peer may send as many more.
    pub(super) fn release(&mut self, bytes: usize) {
        // An error means that the stream was reset.
        let _ = self.stream.flow_control().release_capacity(bytes);
    }
}

fn put_trailers(out: &mut Vec<u8>, trailers: &HeaderMap) {
    for (name, value) in trailers.iter().filter(|(name, _)| *name != TRAILER_MARKER) {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Room for the size of a chunk, which is known once it is complete.
const SIZE_LINE: &[u8] = b"00000000\r\n";
/// Bytes that are taken at once: each time costs a system call if the body goes to a file.
const JOINED: usize = 256 << 10;
