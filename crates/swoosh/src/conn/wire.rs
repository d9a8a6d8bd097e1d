//! Where bytes for a peer go: its socket, sealed on the way where the port speaks TLS.

use crate::sys::socket;
use crate::tls::Session;
use std::cell::RefMut;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt;

/// The way to one peer, for one go.
pub struct Wire<'a> {
    socket: RawFd,
    tls: Option<RefMut<'a, Session>>,
}

impl<'a> Wire<'a> {
    /// To that socket.
    pub fn new(socket: RawFd, tls: Option<RefMut<'a, Session>>) -> Self {
        Wire { socket, tls }
    }

    /// Sends the beginning of `data`: how much of it. Where it is sealed that much is promised, though some of it may
    /// still wait ([`flush`](Wire::flush)). `more`: what follows comes at once, and the kernel may keep these bytes back for it.
    ///
    /// # Errors
    /// `WouldBlock` while the socket takes no more; the socket's failures.
    pub fn send(&mut self, data: &[u8], more: bool) -> io::Result<usize> {
        match &mut self.tls {
            None if more => socket::send_more(self.socket, data),
            None => socket::send(self.socket, data),
            Some(tls) => seal_and_send(self.socket, tls, data),
        }
    }

    /// Sends at most `len` bytes of a file from `offset`, which moves on by as many. 0: the file has no more.
    ///
    /// # Errors
    /// Those of [`send`](Wire::send), and the file's.
    pub fn send_file(&mut self, file: &File, offset: &mut u64, len: usize) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return socket::send_file(self.socket, file, offset, len) };
        // Only what the socket may take is read.
        flush(self.socket, tls)?;
        let mut piece = vec![0; len.min(FILE_PIECE)];
        let read = file.read_at(&mut piece, *offset)?;
        let sent = if read == 0 { 0 } else { seal_and_send(self.socket, tls, &piece[..read])? };
        *offset += sent as u64;
        Ok(sent)
    }

    /// Writes what is sealed already.
    ///
    /// # Errors
    /// `WouldBlock` while some of it waits; the socket's failures.
    pub fn flush(&mut self) -> io::Result<()> {
        self.tls.as_deref_mut().map_or(Ok(()), |tls| flush(self.socket, tls))
    }
}

fn seal_and_send(socket: RawFd, tls: &mut Session, data: &[u8]) -> io::Result<usize> {
    let mut sealed = 0;
    while sealed < data.len() {
        // What is sealed waits outside of the bounds that hold for output: a piece of it, no more.
        match flush(socket, tls) {
            Ok(()) if !tls.is_handshaking() => sealed += tls.seal(&data[sealed..])?,
            Ok(()) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && sealed > 0 => return Ok(sealed),
            Err(e) => return Err(e),
        }
    }
    match flush(socket, tls) {
        Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
        _ => Ok(sealed),
    }
}

fn flush(socket: RawFd, tls: &mut Session) -> io::Result<()> {
    tls.write_to(|pieces: &[IoSlice<'_>]| socket::send_pieces(socket, pieces))
}

/// Bytes of a file read at once.
const FILE_PIECE: usize = 256 << 10;
