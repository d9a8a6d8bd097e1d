//! A read buffer that splits a byte stream into packets.

use super::socket::{CoroutineSocket, Deadline, ErrorCode};
use std::cell::RefCell;
use std::time::Duration;
use swoosh::config::{Framing, PortConfig};
use swoosh::proto::framing::{FrameStatus, Framer};
use swoosh_zend::PhpResult;

/// The buffer and framing of one reader.
#[derive(Default)]
pub struct PacketReader {
    buffer: RefCell<Vec<u8>>,
    framer: RefCell<Framer>,
    /// The framing and the maximum packet length; without framing, a packet is the result of one read.
    framing: RefCell<Option<(Framing, u64)>>,
}

impl PacketReader {
    /// Sets the framing.
    pub fn set(&self, config: PortConfig) {
        let framing = match config.framing {
            Framing::None => None,
            // A client's `recv` returns one record even if several have arrived; only a server returns them together.
            Framing::EofCheck(eof) => Some((Framing::EofSplit(eof), config.package_max_length)),
            framing => Some((framing, config.package_max_length)),
        };
        *self.framing.borrow_mut() = framing;
        *self.framer.borrow_mut() = Framer::new();
    }

    /// Sets the framing; packets of [`Framing::EofCheck`] may contain several records.
    pub fn set_framing(&self, framing: Framing, max_length: u64) {
        *self.framing.borrow_mut() = (!matches!(framing, Framing::None)).then_some((framing, max_length));
        *self.framer.borrow_mut() = Framer::new();
    }

    /// Discards the buffer.
    pub fn clear(&self) {
        self.buffer.take();
        self.framer.take();
    }

    /// Whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.buffer.borrow().is_empty()
    }

    /// Takes at most `max` bytes out of the buffer.
    pub fn take(&self, max: usize) -> Vec<u8> {
        let mut buffer = self.buffer.borrow_mut();
        if max >= buffer.len() {
            return std::mem::take(&mut *buffer);
        }
        buffer.drain(..max).collect()
    }

    /// The length of the first line with its terminator, or `max` if the buffer holds that many bytes without one.
    pub fn line(&self, max: usize) -> Option<usize> {
        let buffer = self.buffer.borrow();
        let end = buffer.iter().take(max).position(|&byte| matches!(byte, b'\n' | b'\r')).map(|at| at + 1);
        end.or((buffer.len() >= max).then_some(max))
    }

    /// Reads more bytes into the buffer; returns their number, 0 at the end of the stream.
    pub fn fill(&self, link: &CoroutineSocket, limit: Option<Duration>) -> PhpResult<Result<usize, ErrorCode>> {
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

    /// Reads the next packet; empty at the end of the stream.
    pub fn next_packet(
        &self,
        link: &CoroutineSocket,
        limit: Option<Duration>,
    ) -> PhpResult<Result<Vec<u8>, ErrorCode>> {
        let Some((framing, max)) = self.framing.borrow().clone() else {
            if self.is_empty()
                && let Err(code) = self.fill(link, limit)?
            {
                return Ok(Err(code));
            }
            return Ok(Ok(self.take(usize::MAX)));
        };
        let deadline = Deadline::new(limit);
        loop {
            let cut = self.framer.borrow_mut().next(&framing, max, &self.buffer.borrow());
            match cut {
                Ok(FrameStatus::Complete(size)) => return Ok(Ok(self.take(size))),
                Ok(FrameStatus::Incomplete(_)) => {}
                Err(fault) => return Ok(Err(fault.code())),
            }
            let more = match deadline.remaining() {
                Ok(left) => self.fill(link, left)?,
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

/// The size of one read.
const CHUNK: usize = 65536;
