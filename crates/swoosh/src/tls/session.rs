//! One connection's TLS, without its socket.

use rustls::{Connection, Error};
use std::fmt;
use std::io::{self, IoSlice, Read, Write};

/// Seals what goes out and opens what comes in.
pub struct Session {
    tls: Connection,
    /// Plain bytes that came along with the end of the handshake.
    early: Vec<u8>,
    abandoned: bool,
}

/// Why a session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// In words.
    pub why: String,
    /// It is for what the peer shows of itself: its certificate.
    pub of_certificate: bool,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<Error> for Broken {
    fn from(e: Error) -> Self {
        let of_certificate = matches!(e, Error::InvalidCertificate(_) | Error::NoCertificatesPresented);
        Broken { why: e.to_string(), of_certificate }
    }
}

impl From<io::Error> for Broken {
    fn from(e: io::Error) -> Self {
        Broken { why: e.to_string(), of_certificate: false }
    }
}

impl Session {
    pub(super) fn new(mut tls: Connection) -> Self {
        // What waits is bounded by whoever seals: a piece at a time.
        tls.set_buffer_limit(None);
        Session { tls, early: Vec::new(), abandoned: false }
    }

    /// Whether the handshake is still going on: nothing can be sealed yet.
    pub fn is_shaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Takes bytes from the peer, and appends to `plain` what they say to the application.
    ///
    /// # Errors
    /// Where they break the protocol, or what the peer shows is not good enough. An alert that says so may have to be
    /// written then; what came before is in `plain`.
    pub fn receive(&mut self, mut sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), Broken> {
        while !sealed.is_empty() {
            if self.tls.read_tls(&mut sealed)? == 0 {
                // Behind the peer's goodbye nothing is read.
                return Ok(());
            }
            let state = self.tls.process_new_packets();
            let count = state.as_ref().map_or(0, |state| state.plaintext_bytes_to_read());
            if count > 0 {
                let before = plain.len();
                plain.resize(before + count, 0);
                self.tls.reader().read_exact(&mut plain[before..])?;
            }
            state?;
        }
        Ok(())
    }

    /// Whether the peer has said goodbye (close_notify, RFC 8446 section 6.1): nothing more comes from it.
    pub fn is_closed_by_peer(&mut self) -> bool {
        self.tls.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    /// Keeps plain bytes that came before anybody could take them.
    pub fn keep_early(&mut self, plain: Vec<u8>) {
        self.early = plain;
    }

    /// The bytes that were kept.
    pub fn take_early(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.early)
    }

    /// Seals the beginning of `data`: how much of it, [`PIECE`] at most.
    ///
    /// # Errors
    /// None, once the handshake is over.
    pub fn seal(&mut self, data: &[u8]) -> io::Result<usize> {
        self.tls.writer().write(&data[..data.len().min(PIECE)])
    }

    /// Whether sealed bytes wait to be written.
    pub fn has_output(&self) -> bool {
        self.tls.wants_write() && !self.abandoned
    }

    /// Writes sealed bytes by `write` until none wait, or it fails.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_to(&mut self, write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<()> {
        let mut sink = Sink(write);
        while self.has_output() {
            self.tls.write_tls(&mut sink)?;
        }
        Ok(())
    }

    /// What waits will never be written.
    pub fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Says goodbye, as far as this side is concerned.
    pub fn close(&mut self) {
        self.tls.send_close_notify();
    }

    /// The certificate that the peer showed, and its issuers, in DER form.
    pub fn peer_certificates(&self) -> Vec<&[u8]> {
        self.tls.peer_certificates().unwrap_or_default().iter().map(AsRef::as_ref).collect()
    }

    /// The protocol that was agreed upon (ALPN).
    pub fn protocol(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }
}

/// rustls writes to a [`Write`].
struct Sink<F>(F);

impl<F: FnMut(&[IoSlice<'_>]) -> io::Result<usize>> Write for Sink<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0(&[IoSlice::new(data)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain bytes sealed at once: four records (RFC 8446 section 5.1), so that a peer that does not read costs no more.
pub const PIECE: usize = 64 << 10;
