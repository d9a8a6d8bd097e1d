//! A WebSocket that coroutines read and write themselves: a client's, or one of a coroutine server.

use super::websocket_frame;
use super::websocket_frame::Given;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh::proto::websocket::{Event, FrameRules, MessageAssembler, Opcode, masked_close_frame, next_frame};
use swoosh_zend::{Object, PhpResult};

/// The conversation, from the handshake on.
pub struct Talk {
    link: Rc<CoroutineSocket>,
    /// Read and not taken yet.
    buffer: RefCell<Vec<u8>>,
    joiner: RefCell<MessageAssembler>,
    rules: Rules,
    /// A close frame went out, or the peer is gone: nothing more is said.
    over: Cell<bool>,
}

/// What both sides keep to.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// This side is the client, whose frames are masked; `false`, by a client's setting: not even those.
    pub masks: bool,
    /// The peer's frames are masked.
    pub masked: bool,
    /// Bytes of the longest message.
    pub max: u64,
    /// What was agreed on about compression.
    pub deflate: Option<DeflateParams>,
    /// Pings, pongs and close frames are told to the program.
    pub tells: [bool; 3],
}

/// What a wait for the peer gives.
pub enum Heard {
    /// A message or a frame.
    Frame(Object),
    /// The conversation is over.
    Over,
    /// The system's code: a timeout, for example.
    Failed(ErrorCode),
    /// The peer broke the protocol; it has been told, and the conversation is over.
    Fault(&'static str),
}

impl Talk {
    /// On a link; `rest`: what was read of it already.
    pub fn new(link: Rc<CoroutineSocket>, rest: Vec<u8>, rules: Rules) -> Self {
        Talk { link, buffer: RefCell::new(rest), joiner: RefCell::default(), rules, over: Cell::new(false) }
    }

    /// Whether something can be said still.
    pub fn is_open(&self) -> bool {
        !self.over.get()
    }

    /// Waits for the next message. Pings are answered meanwhile.
    pub fn recv(&self, limit: Option<Duration>) -> PhpResult<Heard> {
        let until = limit.map(|limit| Instant::now() + limit);
        let expect =
            FrameRules { max: self.rules.max, masked: self.rules.masked, deflate: self.rules.deflate.is_some() };
        loop {
            if self.over.get() {
                return Ok(Heard::Over);
            }
            let cut = next_frame(expect, &self.buffer.borrow());
            let length = match cut {
                Ok(FrameStatus::Complete(length)) | Err(length) => length,
                Ok(FrameStatus::Incomplete(_)) => {
                    let mut more = Vec::new();
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    match self.link.read_into(&mut more, CHUNK, left)? {
                        Ok(0) => {
                            self.over.set(true);
                            return Ok(Heard::Over);
                        }
                        Ok(_) => self.buffer.borrow_mut().extend_from_slice(&more),
                        Err(code) => return Ok(Heard::Failed(code)),
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
                    self.say_close(fault.code, b"")?;
                    return Ok(Heard::Fault(fault.reason));
                }
            }
        }
    }

    /// What the program gets of what was said; `None`: nothing.
    fn answer(&self, said: Event) -> PhpResult<Option<Heard>> {
        let fd = self.link.fd() as u64;
        let flags = websocket_frame::heard(self.rules.masked, false);
        let control =
            |opcode, data: &[u8]| websocket_frame::object(fd, opcode, data, flags).map(Heard::Frame).map(Some);
        let [pings, pongs, closes] = self.rules.tells;
        match said {
            Event::Message(kind, data, packed) => {
                let flags = websocket_frame::heard(self.rules.masked, packed);
                websocket_frame::object(fd, kind, &data, flags).map(Heard::Frame).map(Some)
            }
            Event::Ping(data) if pings => control(Opcode::Ping, &data),
            Event::Ping(data) => {
                // Where it fails, the next read tells.
                self.send(&Given::control(Opcode::Pong, data), None)?.ok();
                Ok(None)
            }
            Event::Pong(data) if pongs => control(Opcode::Pong, &data),
            Event::Pong(_) => Ok(None),
            Event::Close(code, reason) => {
                self.say_close(code, &reason)?;
                match closes {
                    true => websocket_frame::close_object(fd, code, &reason, flags).map(Heard::Frame).map(Some),
                    false => Ok(Some(Heard::Over)),
                }
            }
        }
    }

    /// Sends a frame.
    pub fn send(&self, frame: &Given, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let bytes = frame.write(self.rules.masks.then(websocket_frame::mask), self.rules.deflate);
        let (_, failed) = self.link.send_all(&bytes, limit)?;
        Ok(failed.map_or(Ok(()), Err))
    }

    /// Says the last frame; whether it went out.
    pub fn say_close(&self, code: u16, reason: &[u8]) -> PhpResult<bool> {
        if self.over.replace(true) {
            return Ok(false);
        }
        let bytes = masked_close_frame(code, reason, self.rules.masks.then(websocket_frame::mask));
        let (_, failed) = self.link.send_all(&bytes, Some(LAST_WORD))?;
        Ok(failed.is_none())
    }
}

/// Bytes read at once.
const CHUNK: usize = 65536;
/// A peer that does not read is not told good-bye for longer.
const LAST_WORD: Duration = Duration::from_secs(1);
