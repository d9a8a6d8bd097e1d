//! One side of a TLS connection on a non-blocking descriptor. No function here waits.

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use swoosh::sys::{process, socket};
use swoosh::tls::Session;

/// A TLS session, and decrypted bytes that were not read yet.
pub(super) struct Tls {
    pub(super) session: Session,
    pub(super) plain: Vec<u8>,
    pub(super) taken: usize,
    /// The error that ended the session.
    pub(super) broken: Option<String>,
    pub(super) code: i32,
    /// The process that created it; a forked child must not send close_notify on its parent's connection.
    pub(super) process: i32,
    pub(super) ended: bool,
}

impl Tls {
    /// Wraps a session whose handshake has not started.
    pub(super) fn new(session: Session) -> Self {
        let process = process::pid();
        Tls { session, plain: Vec::new(), taken: 0, broken: None, code: HANDSHAKE_FAILED, process, ended: false }
    }

    /// Reads decrypted bytes.
    pub(super) fn read(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.peek(fd, buffer)?;
        self.taken += read;
        if self.taken == self.plain.len() {
            self.taken = 0;
            self.plain.clear();
            if self.plain.capacity() > MAX_CACHED_BUFFER {
                self.plain = Vec::new();
            }
        }
        Ok(read)
    }

    /// Copies decrypted bytes without consuming them.
    pub(super) fn peek(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(fd)?;
        let there = &self.plain[self.taken..];
        let read = there.len().min(buffer.len());
        buffer[..read].copy_from_slice(&there[..read]);
        Ok(read)
    }

    /// Receives until decrypted bytes are available; none are only at the end of the stream.
    fn fill(&mut self, fd: RawFd) -> io::Result<()> {
        while self.taken == self.plain.len() {
            if self.broken.is_some() {
                return Err(io::Error::from_raw_os_error(self.code));
            }
            if self.session.is_closed_by_peer() || self.receive(fd)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Receives and decrypts bytes from the socket; returns the number received.
    pub(super) fn receive(&mut self, fd: RawFd) -> io::Result<usize> {
        thread_local! {
            static SEALED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut sealed = SEALED.take();
        sealed.resize(MAX_CACHED_BUFFER, 0);
        let read = socket::recv(fd, &mut sealed);
        if let Ok(read) = read
            && let Err(broken) = self.session.receive(&sealed[..read], &mut self.plain)
        {
            self.code = if broken.is_certificate_error { VERIFY_FAILED } else { HANDSHAKE_FAILED };
            self.broken = Some(broken.reason);
        }
        SEALED.set(sealed);
        if read.is_ok() && self.session.has_output() {
            // An alert or a key update. Bytes that do not fit are sent with the next write.
            let _ = self.flush(fd);
        }
        read
    }

    pub(super) fn flush(&mut self, fd: RawFd) -> io::Result<()> {
        self.session.write_to(|pieces| socket::send_pieces(fd, pieces))
    }
}

/// `SWOOLE_ERROR_SSL_VERIFY_FAILED`: the peer's certificate was rejected.
pub const VERIFY_FAILED: i32 = 1014;

/// `SWOOLE_ERROR_SSL_HANDSHAKE_FAILED`.
pub(super) const HANDSHAKE_FAILED: i32 = 1018;

/// Capacity of buffers that are kept for the next read.
const MAX_CACHED_BUFFER: usize = 64 << 10;
