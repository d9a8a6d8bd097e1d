//! A WebSocket that coroutines read and write themselves: a client's, or one of a coroutine server.

use crate::coroutine::socket::{Code, Link};
use crate::server::websocket::frame;
use crate::server::websocket::frame::OutgoingFrame;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::proto::framing::Cut;
use swoosh::proto::websocket::deflate::Agreed;
use swoosh::proto::websocket::{Expect, Joiner, Opcode, Said, close_frame_of, next};
use swoosh_zend::{Object, PhpResult};

/// The conversation, from the handshake on.
pub struct WebSocketConnection {
    link: Rc<Link>,
    /// Bytes read and not consumed yet.
    buffer: RefCell<Vec<u8>>,
    joiner: RefCell<Joiner>,
    options: WebSocketOptions,
    /// A close frame went out, or the peer is gone: nothing more is said.
    closed: Cell<bool>,
}

/// What both sides keep to.
#[derive(Debug, Clone, Copy)]
pub struct WebSocketOptions {
    /// This side is the client, whose frames are masked; `false`, by a client's setting: not even those.
    pub mask_outgoing: bool,
    /// The peer's frames are masked.
    pub masked: bool,
    /// Bytes of the longest message.
    pub max: u64,
    /// What was agreed on about compression.
    pub deflate: Option<Agreed>,
    /// Pings, pongs and close frames are told to the program.
    pub control_frames: [bool; 3],
}

/// What a wait for the peer gives.
pub enum Received {
    /// A message or a frame.
    Message(Object),
    /// The conversation is closed.
    Closed,
    /// The system's code: a timeout, for example.
    Failed(Code),
    /// The peer broke the protocol; it has been told, and the conversation is closed.
    ProtocolError(&'static str),
}

impl WebSocketConnection {
    /// On a link; `rest`: what was read of it already.
    pub fn new(link: Rc<Link>, rest: Vec<u8>, options: WebSocketOptions) -> Self {
        WebSocketConnection {
            link,
            buffer: RefCell::new(rest),
            joiner: RefCell::default(),
            options,
            closed: Cell::new(false),
        }
    }

    /// Whether something can be said still.
    pub fn is_open(&self) -> bool {
        !self.closed.get()
    }

    /// Waits for the next message. Pings are answered meanwhile.
    pub fn recv(&self, limit: Option<Duration>) -> PhpResult<Received> {
        let until = limit.map(|limit| Instant::now() + limit);
        let expect =
            Expect { max: self.options.max, masked: self.options.masked, deflate: self.options.deflate.is_some() };
        loop {
            if self.closed.get() {
                return Ok(Received::Closed);
            }
            let cut = next(expect, &self.buffer.borrow());
            let length = match cut {
                Ok(Cut::Packet(length)) | Err(length) => length,
                Ok(Cut::Need(_)) => {
                    let mut more = Vec::new();
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    match self.link.read_into(&mut more, CHUNK, left)? {
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
            let heard = self.joiner.borrow_mut().take(&frame, expect);
            match heard {
                Ok(None) => {}
                Ok(Some(said)) => {
                    if let Some(heard) = self.answer(said)? {
                        return Ok(heard);
                    }
                }
                Err(fault) => {
                    self.send_close(fault.code, b"")?;
                    return Ok(Received::ProtocolError(fault.why));
                }
            }
        }
    }

    /// What the program gets of what was said; `None`: nothing.
    fn answer(&self, said: Said) -> PhpResult<Option<Received>> {
        let fd = self.link.fd() as u64;
        let flags = frame::received_flags(self.options.masked, false);
        let control = |opcode, data: &[u8]| frame::object(fd, opcode, data, flags).map(Received::Message).map(Some);
        let [pings, pongs, closes] = self.options.control_frames;
        match said {
            Said::Message(kind, data, packed) => {
                let flags = frame::received_flags(self.options.masked, packed);
                frame::object(fd, kind, &data, flags).map(Received::Message).map(Some)
            }
            Said::Ping(data) if pings => control(Opcode::Ping, &data),
            Said::Ping(data) => {
                // Where it fails, the next read control_frames.
                self.send(&OutgoingFrame::control(Opcode::Pong, data), None)?.ok();
                Ok(None)
            }
            Said::Pong(data) if pongs => control(Opcode::Pong, &data),
            Said::Pong(_) => Ok(None),
            Said::Close(code, reason) => {
                self.send_close(code, &reason)?;
                match closes {
                    true => frame::close_object(fd, code, &reason, flags).map(Received::Message).map(Some),
                    false => Ok(Some(Received::Closed)),
                }
            }
        }
    }

    /// Sends a frame.
    pub fn send(&self, frame: &OutgoingFrame, limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
        let bytes = frame.write(self.options.mask_outgoing.then(frame::mask), self.options.deflate);
        let (_, failed) = self.link.send_all(&bytes, limit)?;
        Ok(failed.map_or(Ok(()), Err))
    }

    /// Says the last frame; whether it went out.
    pub fn send_close(&self, code: u16, reason: &[u8]) -> PhpResult<bool> {
        if self.closed.replace(true) {
            return Ok(false);
        }
        let bytes = close_frame_of(code, reason, self.options.mask_outgoing.then(frame::mask));
        let (_, failed) = self.link.send_all(&bytes, Some(LAST_WORD))?;
        Ok(failed.is_none())
    }
}

/// Bytes read at once.
const CHUNK: usize = 65536;
/// A peer that does not read is not told good-bye for longer.
const LAST_WORD: Duration = Duration::from_secs(1);
