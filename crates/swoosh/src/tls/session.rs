//! The TLS state of one connection, without its socket.

use super::error_text::describe;
use rustls::{Connection, Error};
use std::fmt;
use std::io::{self, IoSlice, Read, Write};

/// Encrypts what goes out and decrypts what comes in.
///
/// ```
/// use swoosh::tls::{ClientTls, Connector};
///
/// let mut session = Connector::new(&ClientTls::default()).unwrap().begin().unwrap();
/// let error = session.receive(b"HTTP/1.1 400 Bad Request\r\n", &mut Vec::new()).unwrap_err();
/// assert!(!error.is_certificate_error);
/// ```
pub struct Session {
    tls: Connection,
    /// Plaintext that arrived with the end of the handshake.
    early: Vec<u8>,
    output_discarded: bool,
}

/// The reason why a session is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionError {
    /// The message.
    pub reason: String,
    /// The peer's certificate is missing or not valid.
    pub is_certificate_error: bool,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<Error> for SessionError {
    fn from(e: Error) -> Self {
        let is_certificate_error = matches!(e, Error::InvalidCertificate(_) | Error::NoCertificatesPresented);
        SessionError { reason: describe(&e), is_certificate_error }
    }
}

impl From<io::Error> for SessionError {
    fn from(e: io::Error) -> Self {
        SessionError { reason: e.to_string(), is_certificate_error: false }
    }
}

impl Session {
    pub(super) fn new(mut tls: Connection) -> Self {
        // The caller bounds the output by encrypting piece by piece.
        tls.set_buffer_limit(None);
        Session { tls, early: Vec::new(), output_discarded: false }
    }

    /// Whether the handshake is in progress: nothing can be encrypted yet.
    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Decrypts bytes from the peer and appends the plaintext to `plain`.
    ///
    /// # Errors
    /// If the peer violates the protocol, or its certificate is not valid. Then an alert may be waiting as output, and
    /// plaintext that arrived before the error is in `plain`.
    pub fn receive(&mut self, mut sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), SessionError> {
        while !sealed.is_empty() {
            if self.tls.read_tls(&mut sealed)? == 0 {
                // Data after the peer's close_notify is ignored.
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

    /// Whether the peer has sent close_notify (RFC 8446 section 6.1): no more data follows.
    pub fn is_closed_by_peer(&mut self) -> bool {
        self.tls.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    /// Keeps plaintext that cannot be delivered yet.
    pub fn keep_early(&mut self, plain: Vec<u8>) {
        self.early = plain;
    }

    /// Takes the plaintext that was kept.
    pub fn take_early(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.early)
    }

    /// Encrypts the beginning of `data`, at most 64 KiB, and returns how many bytes of it.
    ///
    /// # Errors
    /// Only during the handshake.
    pub fn seal(&mut self, data: &[u8]) -> io::Result<usize> {
        self.tls.writer().write(&data[..data.len().min(MAX_SEAL)])
    }

    /// Whether ciphertext is waiting to be written.
    pub fn has_output(&self) -> bool {
        self.tls.wants_write() && !self.output_discarded
    }

    /// Writes ciphertext by `write` until none is left or it fails.
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

    /// Drops the ciphertext that is waiting and all later output.
    pub fn discard_output(&mut self) {
        self.output_discarded = true;
    }

    /// Queues a close_notify: this side sends no more data.
    pub fn close(&mut self) {
        self.tls.send_close_notify();
    }

    /// The peer's certificate chain in DER form, its own certificate first; empty if it presented none.
    pub fn peer_certificates(&self) -> Vec<&[u8]> {
        self.tls.peer_certificates().unwrap_or_default().iter().map(AsRef::as_ref).collect()
    }

    /// The protocol that was selected in the handshake (ALPN, RFC 7301).
    pub fn protocol(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }
}

/// Adapts a write function to the [`Write`] that rustls needs.
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

/// The plaintext that is encrypted at once: four records (RFC 8446 section 5.1), which bounds the memory that a peer costs
/// that does not read.
const MAX_SEAL: usize = 64 << 10;
