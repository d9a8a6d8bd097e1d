//! The way of output to the peer: the socket, through TLS on a port that uses it.

use super::http2::stream::Stream;
use super::parts::Parts;
use crate::sys::socket;
use crate::tls::Session;
use std::cell::RefMut;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt;

/// The way to one peer, for one write.
pub(super) enum Wire<'a> {
    /// By a socket, encrypted where it has a TLS session.
    Socket(RawFd, Option<RefMut<'a, Session>>),
    /// By a stream of an HTTP/2 connection.
    Stream(&'a Stream),
}

impl<'a> Wire<'a> {
    /// A wire to `socket`, encrypted by `tls` where given.
    pub(super) fn new(socket: RawFd, tls: Option<RefMut<'a, Session>>) -> Self {
        Wire::Socket(socket, tls)
    }

    /// Sends a prefix of `parts`; its length. With TLS that prefix is encrypted, though some of it may still be queued
    /// ([`flush`](Wire::flush)). `more`: further bytes follow at once, and the kernel may delay these (MSG_MORE of send(2)).
    ///
    /// # Errors
    /// `WouldBlock` while the socket takes no more; the socket's failures.
    pub(super) fn send(&mut self, parts: Parts<'_>, more: bool) -> io::Result<usize> {
        let (socket, tls) = match self {
            Wire::Stream(stream) => return stream.send(parts),
            Wire::Socket(socket, tls) => (*socket, tls),
        };
        match (tls, parts.slices()) {
            (None, [data, []]) if more => socket::send_more(socket, data),
            (None, [data, []]) => socket::send(socket, data),
            (None, [head, body]) => socket::send_pieces(socket, &[IoSlice::new(head), IoSlice::new(body)]),
            (Some(tls), [data, []]) => encrypt_and_send(socket, tls, data),
            (Some(tls), [head, body]) => {
                let sent = encrypt_and_send(socket, tls, head)?;
                if sent < head.len() {
                    return Ok(sent);
                }
                match encrypt_and_send(socket, tls, body) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(sent),
                    of_body => of_body.map(|of_body| sent + of_body),
                }
            }
        }
    }

    /// Sends at most `len` bytes of a file from `offset`, and advances it. 0: the file ends here.
    ///
    /// # Errors
    /// Those of [`send`](Wire::send), and the file's.
    pub(super) fn send_file(&mut self, file: &File, offset: &mut u64, len: usize) -> io::Result<usize> {
        let (socket, tls) = match self {
            Wire::Stream(stream) => return stream.send_file(file, offset, len),
            Wire::Socket(socket, None) => return socket::send_file(*socket, file, offset, len),
            Wire::Socket(socket, Some(tls)) => (*socket, tls),
        };
        // Read no more of the file than the socket may take.
        flush(socket, tls)?;
        let mut piece = vec![0; len.min(FILE_PIECE)];
        let read = file.read_at(&mut piece, *offset)?;
        let sent = if read == 0 { 0 } else { encrypt_and_send(socket, tls, &piece[..read])? };
        *offset += sent as u64;
        Ok(sent)
    }

    /// Writes queued TLS records.
    ///
    /// # Errors
    /// `WouldBlock` while some of it waits; the socket's failures.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Socket(socket, Some(tls)) => flush(*socket, tls),
            _ => Ok(()),
        }
    }
}

fn encrypt_and_send(socket: RawFd, tls: &mut Session, data: &[u8]) -> io::Result<usize> {
    let mut encrypted = 0;
    while encrypted < data.len() {
        // Queued records do not count in the output limits: at most one piece may be queued.
        match flush(socket, tls) {
            Ok(()) if !tls.is_handshaking() => encrypted += tls.seal(&data[encrypted..])?,
            Ok(()) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock && encrypted > 0 => return Ok(encrypted),
            Err(e) => return Err(e),
        }
    }
    match flush(socket, tls) {
        Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
        _ => Ok(encrypted),
    }
}

fn flush(socket: RawFd, tls: &mut Session) -> io::Result<()> {
    tls.write_to(|pieces: &[IoSlice<'_>]| socket::send_pieces(socket, pieces))
}

/// Bytes of a file read at once.
const FILE_PIECE: usize = 256 << 10;
