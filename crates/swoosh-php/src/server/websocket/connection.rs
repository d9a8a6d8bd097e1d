//! A WebSocket that coroutines read and write: of a client or a coroutine server.
//!
//! After a close frame was sent, nothing more is sent (RFC 6455 section 5.5.1).

use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::server::websocket::frame;
use crate::server::websocket::frame::OutgoingFrame;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh::proto::websocket::{Event, FrameRules, MessageAssembler, Opcode, masked_close_frame, next_frame};
use swoosh_zend::{Object, PhpResult};

/// A WebSocket after its handshake.
pub struct WebSocketConnection {
    link: Rc<CoroutineSocket>,
    /// Bytes read and not consumed yet.
    buffer: RefCell<Vec<u8>>,
    assembler: RefCell<MessageAssembler>,
    options: Cell<WebSocketOptions>,
    /// A close frame was sent, or the peer has disconnected.
    closed: Cell<bool>,
}

/// Options of one connection.
#[derive(Debug, Clone, Copy)]
pub struct WebSocketOptions {
    /// Mask outgoing frames: a client, unless its setting `websocket_mask` is off.
    pub mask_outgoing: bool,
    /// The peer's frames are masked.
    pub masked: bool,
    /// Longest message, bytes.
    pub max: u64,
    /// Negotiated compression.
    pub deflate: Option<DeflateParams>,
    /// Deliver ping, pong and close frames to PHP.
    pub control_frames: [bool; 3],
}

/// The outcome of a receive.
pub enum Received {
    /// A message or a frame.
    Message(Object),
    /// The connection is closed.
    Closed,
    /// An errno, for example of a timeout.
    Failed(ErrorCode),
    /// The peer violated the protocol; a close frame was sent.
    ProtocolError(&'static str),
}

impl WebSocketConnection {
    /// A connection on a socket; `rest`: bytes already read behind the handshake.
    pub fn new(link: Rc<CoroutineSocket>, rest: Vec<u8>, options: WebSocketOptions) -> Self {
        WebSocketConnection {
            link,
            buffer: RefCell::new(rest),
            assembler: RefCell::default(),
            options: Cell::new(options),
            closed: Cell::new(false),
        }
    }

    /// Replaces the frames that are delivered to PHP and the masking of outgoing frames. What the handshake has agreed stays.
    pub fn set_options(&self, control_frames: [bool; 3], mask_outgoing: bool) {
        self.options.set(WebSocketOptions { control_frames, mask_outgoing, ..self.options.get() });
    }

    /// Whether frames can still be sent.
    pub fn is_open(&self) -> bool {
        !self.closed.get()
    }

    /// Waits for the next message. Pings are answered meanwhile.
    pub fn recv(&self, limit: Option<Duration>) -> PhpResult<Received> {
        let until = limit.map(|limit| Instant::now() + limit);
        let expect = {
            let options = self.options.get();
            FrameRules { max: options.max, masked: options.masked, deflate: options.deflate.is_some() }
        };
        loop {
            if self.closed.get() {
                return Ok(Received::Closed);
            }
            let cut = next_frame(expect, &self.buffer.borrow());
            let length = match cut {
                Ok(FrameStatus::Complete(length)) | Err(length) => length,
                Ok(FrameStatus::Incomplete(_)) => {
                    let mut more = Vec::new();
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    match self.link.read_into(&mut more, READ_SIZE, left)? {
                        Ok(0) => {
                            self.closed.set(true);
                            return Ok(Received::Closed);
                        }
                        Ok(_) => self.buffer.borrow_mut().extend_from_slice(&more),
                        Err(code) => return Ok(Received::Failed(code)),
                    }
                    continue;
                }
            };
            let frame: Vec<u8> = self.buffer.borrow_mut().drain(..length).collect();
            let received = self.assembler.borrow_mut().take(&frame, expect);
            match received {
                Ok(None) => {}
                Ok(Some(event)) => {
                    if let Some(received) = self.answer(event)? {
                        return Ok(received);
                    }
                }
                Err(fault) => {
                    self.send_close(fault.code, b"")?;
                    return Ok(Received::ProtocolError(fault.reason));
                }
            }
        }
    }

    /// Handles a control frame; returns what is delivered to PHP, if anything.
    fn answer(&self, event: Event) -> PhpResult<Option<Received>> {
        let fd = self.link.fd() as u64;
        let flags = frame::received_flags(self.options.get().masked, false);
        let control = |opcode, data: &[u8]| frame::object(fd, opcode, data, flags).map(Received::Message).map(Some);
        let [pings, pongs, closes] = self.options.get().control_frames;
        match event {
            Event::Message(kind, data, packed) => {
                let flags = frame::received_flags(self.options.get().masked, packed);
                frame::object(fd, kind, &data, flags).map(Received::Message).map(Some)
            }
            Event::Ping(data) if pings => control(Opcode::Ping, &data),
            Event::Ping(data) => {
                // A failure is reported by the next read.
                self.send(&OutgoingFrame::control(Opcode::Pong, data), None)?.ok();
                Ok(None)
            }
            Event::Pong(data) if pongs => control(Opcode::Pong, &data),
            Event::Pong(_) => Ok(None),
            Event::Close(code, reason) => {
                self.send_close(code, &reason)?;
                match closes {
                    true => frame::close_object(fd, code, &reason, flags).map(Received::Message).map(Some),
                    false => Ok(Some(Received::Closed)),
                }
            }
        }
    }

    /// Sends a frame.
    pub fn send(&self, frame: &OutgoingFrame, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let bytes = frame.write(self.options.get().mask_outgoing.then(frame::mask), self.options.get().deflate);
        let (_, failed) = self.link.send_all(&bytes, limit)?;
        Ok(failed.map_or(Ok(()), Err))
    }

    /// Sends a close frame; `false` if one was sent before or sending failed.
    pub fn send_close(&self, code: u16, reason: &[u8]) -> PhpResult<bool> {
        if self.closed.replace(true) {
            return Ok(false);
        }
        let bytes = masked_close_frame(code, reason, self.options.get().mask_outgoing.then(frame::mask));
        let (_, failed) = self.link.send_all(&bytes, Some(CLOSE_FRAME_TIMEOUT))?;
        Ok(failed.is_none())
    }
}

/// Bytes per read.
const READ_SIZE: usize = 65536;
/// Time limit for sending a close frame.
const CLOSE_FRAME_TIMEOUT: Duration = Duration::from_secs(1);
