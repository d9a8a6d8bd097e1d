//! One side of a TLS connection: sealed bytes of a descriptor become plain ones, and the other way round. It does not wait.

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use swoosh::sys::{process, socket};
use swoosh::tls::Session;

/// A link's session, and what was opened and not read yet.
pub struct Tls {
    pub(super) session: Session,
    pub(super) plain: Vec<u8>,
    pub(super) taken: usize,
    /// Why it cannot go on.
    pub(super) broken: Option<String>,
    pub(super) code: i32,
    /// The process that began it: in a forked one a goodbye would be the other's.
    pub(super) process: i32,
    pub(super) ended: bool,
}

impl Tls {
    /// Of a session that has not begun its handshake.
    pub(super) fn new(session: Session) -> Self {
        let process = process::pid();
        Tls { session, plain: Vec::new(), taken: 0, broken: None, code: HANDSHAKE_FAILED, process, ended: false }
    }

    /// Takes opened bytes.
    pub(super) fn read(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.peek(fd, buffer)?;
        self.taken += read;
        if self.taken == self.plain.len() {
            self.taken = 0;
            self.plain.clear();
            if self.plain.capacity() > KEPT {
                self.plain = Vec::new();
            }
        }
        Ok(read)
    }

    /// The same, and leaves them there.
    pub(super) fn peek(&mut self, fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(fd)?;
        let there = &self.plain[self.taken..];
        let read = there.len().min(buffer.len());
        buffer[..read].copy_from_slice(&there[..read]);
        Ok(read)
    }

    /// Opens what has come, until there is something; nothing is there at the end only.
    fn fill(&mut self, fd: RawFd) -> io::Result<()> {
        while self.taken == self.plain.len() {
            if self.broken.is_some() {
                return Err(io::Error::from_raw_os_error(self.code));
            }
            if self.session.is_closed_by_peer() || self.take(fd)? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes sealed bytes from the socket: how many.
    pub(super) fn take(&mut self, fd: RawFd) -> io::Result<usize> {
        thread_local! {
            static SEALED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut sealed = SEALED.take();
        sealed.resize(KEPT, 0);
        let read = socket::recv(fd, &mut sealed);
        if let Ok(read) = read
            && let Err(broken) = self.session.receive(&sealed[..read], &mut self.plain)
        {
            self.code = if broken.is_certificate_error { VERIFY_FAILED } else { HANDSHAKE_FAILED };
            self.broken = Some(broken.reason);
        }
        SEALED.set(sealed);
        if read.is_ok() && self.session.has_output() {
            // An alert or a new key; what finds no room goes out with what is written next.
            let _ = self.flush(fd);
        }
        read
    }

    pub(super) fn flush(&mut self, fd: RawFd) -> io::Result<()> {
        self.session.write_to(|pieces| socket::send_pieces(fd, pieces))
    }
}

/// What the peer shows is not good enough.
pub const VERIFY_FAILED: i32 = 1014;

/// The peers did not agree.
pub(super) const HANDSHAKE_FAILED: i32 = 1018;

/// Memory that is kept for the next read.
const KEPT: usize = 64 << 10;
