//! What was read of a link and not given out yet, and how it is cut into packets.

use super::socket::{CoroutineSocket, Deadline, ErrorCode};
use std::cell::RefCell;
use std::time::Duration;
use swoosh::config::{Framing, PortConfig};
use swoosh::proto::framing::{Cut, Framer};
use swoosh_zend::PhpResult;

/// The buffer of one reader.
#[derive(Default)]
pub struct PacketReader {
    buffer: RefCell<Vec<u8>>,
    framer: RefCell<Framer>,
    /// The framing and the longest packet; `None`: what one read gives.
    framing: RefCell<Option<(Framing, u64)>>,
}

impl PacketReader {
    /// Says what a packet is.
    pub fn set(&self, config: PortConfig) {
        let framing = match config.framing {
            Framing::None => None,
            // `recv` gives one record, also where several have come: only a server takes them together.
            Framing::EofCheck(eof) => Some((Framing::EofSplit(eof), config.package_max_length)),
            framing => Some((framing, config.package_max_length)),
        };
        *self.framing.borrow_mut() = framing;
        *self.framer.borrow_mut() = Framer::new();
    }

    /// Forgets what was read.
    pub fn clear(&self) {
        self.buffer.take();
        self.framer.take();
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.buffer.borrow().is_empty()
    }

    /// Takes at most so many bytes out.
    pub fn take(&self, most: usize) -> Vec<u8> {
        let mut buffer = self.buffer.borrow_mut();
        if most >= buffer.len() {
            return std::mem::take(&mut *buffer);
        }
        buffer.drain(..most).collect()
    }

    /// The end of the first line, as far as `most` bytes.
    pub fn line(&self, most: usize) -> Option<usize> {
        let buffer = self.buffer.borrow();
        let end = buffer.iter().take(most).position(|&byte| matches!(byte, b'\n' | b'\r')).map(|at| at + 1);
        end.or((buffer.len() >= most).then_some(most))
    }

    /// Reads more: how much, 0 is the end.
    pub fn more(&self, link: &CoroutineSocket, limit: Option<Duration>) -> PhpResult<Result<usize, ErrorCode>> {
        let mut new = Vec::new();
        let read = link.read_into(&mut new, CHUNK, limit)?;
        let mut buffer = self.buffer.borrow_mut();
        if buffer.is_empty() {
            *buffer = new;
        } else {
            buffer.extend_from_slice(&new);
        }
        Ok(read)
    }

    /// The next packet; empty at the end of the stream.
    pub fn next(&self, link: &CoroutineSocket, limit: Option<Duration>) -> PhpResult<Result<Vec<u8>, ErrorCode>> {
        let Some((framing, max)) = self.framing.borrow().clone() else {
            if self.is_empty()
                && let Err(code) = self.more(link, limit)?
            {
                return Ok(Err(code));
            }
            return Ok(Ok(self.take(usize::MAX)));
        };
        let deadline = Deadline::new(limit);
        loop {
            let cut = self.framer.borrow_mut().next(&framing, max, &self.buffer.borrow());
            match cut {
                Ok(Cut::Packet(size)) => return Ok(Ok(self.take(size))),
                Ok(Cut::Need(_)) => {}
                Err(fault) => return Ok(Err(fault.code())),
            }
            let more = match deadline.remaining() {
                Ok(left) => self.more(link, left)?,
                Err(code) => Err(code),
            };
            match more {
                Ok(0) => return Ok(Ok(Vec::new())),
                Ok(_) => {}
                Err(code) => return Ok(Err(code)),
            }
        }
    }
}

/// Bytes read at a time.
const CHUNK: usize = 65536;
