//! Reading and writing a [`CoroutineSocket`], plain or with TLS.
//!
//! Invariant: the shared read buffer is taken out of its slot during a system call, because a fatal error may jump out of
//! the code that fills it.

use super::socket::{CoroutineSocket, Deadline, Direction, ErrorCode};
use socket2::SockAddr;
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;
use swoosh::sys::socket;
use swoosh_zend::{PhpResult, ZStr};

impl CoroutineSocket {
    /// Reads at most `max` bytes; none at the end of the stream.
    pub fn recv(&self, max: usize, limit: Option<Duration>) -> PhpResult<Result<ZStr, ErrorCode>> {
        if let Err(code) = self.ensure_handshake(limit)? {
            return Ok(Err(code));
        }
        self.retry(Direction::Read, limit, || self.recv_now(max))
    }

    /// Like [`recv`](Self::recv), without waiting.
    pub fn recv_now(&self, max: usize) -> io::Result<ZStr> {
        scratch(max, |buffer| {
            let read = self.read(buffer)?;
            Ok(ZStr::new(&buffer[..read]))
        })
    }

    /// Like [`recv_now`](Self::recv_now), without consuming the bytes.
    pub fn peek_now(&self, max: usize) -> io::Result<ZStr> {
        scratch(max, |buffer| {
            let seen = self.peek(buffer)?;
            Ok(ZStr::new(&buffer[..seen]))
        })
    }

    /// Appends at most `max` bytes to a buffer; returns their number, 0 at the end of the stream.
    pub fn read_into(
        &self,
        to: &mut Vec<u8>,
        max: usize,
        limit: Option<Duration>,
    ) -> PhpResult<Result<usize, ErrorCode>> {
        if let Err(code) = self.ensure_handshake(limit)? {
            return Ok(Err(code));
        }
        self.retry(Direction::Read, limit, || {
            scratch(max, |buffer| {
                let read = self.read(buffer)?;
                to.extend_from_slice(&buffer[..read]);
                Ok(read)
            })
        })
    }

    /// Receives one datagram and its sender's address.
    pub fn recv_from(&self, max: usize, limit: Option<Duration>) -> PhpResult<Result<(ZStr, SockAddr), ErrorCode>> {
        self.retry(Direction::Read, limit, || self.recv_from_now(max))
    }

    /// Like [`recv_from`](Self::recv_from), without waiting.
    pub fn recv_from_now(&self, max: usize) -> io::Result<(ZStr, SockAddr)> {
        scratch(max, |buffer| {
            let (read, from) = socket::recv_from(self.fd(), buffer)?;
            Ok((ZStr::new(&buffer[..read]), from))
        })
    }

    /// Copies received bytes without consuming them and without waiting; none at the end of the stream.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.tls.borrow_mut() {
            None => socket::peek(self.fd(), buffer),
            Some(tls) => tls.peek(self.fd(), buffer),
        }
    }

    /// Reads without waiting; 0 at the end of the stream.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut *self.tls.borrow_mut() {
            None => {
                let read = socket::recv(self.fd(), buffer)?;
                if self.is_tcp && 0 < read && read < buffer.len() {
                    self.note_drained();
                }
                Ok(read)
            }
            Some(tls) => tls.read(self.fd(), buffer),
        }
    }

    /// Notes that a short read has emptied the receive buffer. The event queue reports all later data and the end of the
    /// stream (epoll(7), on edge-triggered descriptors and partial reads).
    fn note_drained(&self) {
        if let Some(watch) = &*self.watch.borrow() {
            watch.clear_read_ready();
            self.drained.set(true);
        }
    }

    /// Sends a file's bytes from `offset` to `end`; returns the offset reached, less than `end` if the file is shorter.
    pub fn send_part(
        &self,
        file: &File,
        mut offset: u64,
        end: u64,
        limit: Option<Duration>,
    ) -> PhpResult<Result<u64, ErrorCode>> {
        let deadline = Deadline::new(limit);
        while offset < end {
            let left = match deadline.remaining() {
                Ok(left) => left,
                Err(code) => return Ok(Err(code)),
            };
            let max = usize::try_from(end - offset).unwrap_or(usize::MAX).min(FILE_CHUNK);
            match self.send_file(file, &mut offset, max, left)? {
                Ok(0) => break,
                Ok(_) => {}
                Err(code) => return Ok(Err(code)),
            }
        }
        Ok(Ok(offset))
    }

    /// Sends a part of a file and advances `offset`; returns the number of bytes, 0 at the end of the file.
    fn send_file(
        &self,
        file: &File,
        offset: &mut u64,
        max: usize,
        limit: Option<Duration>,
    ) -> PhpResult<Result<usize, ErrorCode>> {
        if !self.is_tls() {
            return self.retry(Direction::Write, limit, || socket::send_file(self.fd(), file, offset, max));
        }
        let mut chunk = vec![0; max.min(MAX_CACHED_BUFFER)];
        let read = match file.read_at(&mut chunk, *offset) {
            Ok(read) => read,
            Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
        };
        let (sent, code) = self.send_all(&chunk[..read], limit)?;
        *offset += sent as u64;
        Ok(code.map_or(Ok(sent), Err))
    }

    /// Sends as many of the bytes as fit into the send buffer; returns their number.
    pub fn send(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<usize, ErrorCode>> {
        if self.is_tls() {
            return self.send_tls(bytes, limit);
        }
        self.retry(Direction::Write, limit, || socket::send(self.fd(), bytes))
    }

    /// Sends all bytes; returns the number sent, and the error that stopped it.
    pub fn send_all(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<(usize, Option<ErrorCode>)> {
        let deadline = Deadline::new(limit);
        let mut sent = 0;
        while sent < bytes.len() {
            let more = match deadline.remaining() {
                Ok(left) => self.send(&bytes[sent..], left)?,
                Err(code) => Err(code),
            };
            match more {
                Ok(more) => sent += more,
                Err(code) => return Ok((sent, Some(code))),
            }
        }
        Ok((sent, None))
    }
}

/// Calls `read` with a shared buffer of `max` bytes, which saves allocating and clearing one for each call.
fn scratch<T>(max: usize, read: impl FnOnce(&mut [u8]) -> io::Result<T>) -> io::Result<T> {
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    if buffer.len() < max {
        buffer.resize(max, 0);
    }
    let result = read(&mut buffer[..max]);
    if buffer.len() <= MAX_CACHED_BUFFER {
        BUFFER.set(buffer);
    }
    result
}

/// The number of bytes of a file passed to the kernel at once.
const FILE_CHUNK: usize = 1 << 20;
/// The largest buffer that is kept for the next call.
const MAX_CACHED_BUFFER: usize = 1 << 20;
