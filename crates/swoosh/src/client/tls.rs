//! The TLS layer of a client's stream.

use super::deadline::Deadline;
use super::error::ClientError;
use crate::tls::{ClientTls, Connector, Session, SessionError, verify};
use std::io;
use std::os::fd::RawFd;
use swoosh_os::poll::PollFlags;
use swoosh_os::socket;

/// A session, and decrypted bytes that were not received yet.
pub(super) struct Tls {
    session: Session,
    plain: Vec<u8>,
    settings: ClientTls,
}

impl From<SessionError> for ClientError {
    fn from(e: SessionError) -> Self {
        ClientError::Tls { reason: e.reason, is_certificate_error: e.is_certificate_error }
    }
}

impl Tls {
    /// Performs the handshake on a connected socket.
    pub(super) fn handshake(fd: RawFd, settings: &ClientTls, deadline: &Deadline) -> Result<Self, ClientError> {
        let session = Connector::new(settings).and_then(|connector| connector.begin());
        let session = session.map_err(|e| ClientError::TlsConfig(e.to_string()))?;
        let mut tls = Tls { session, plain: Vec::new(), settings: settings.clone() };
        loop {
            tls.flush(fd, deadline)?;
            if !tls.session.is_handshaking() {
                return Ok(tls);
            }
            if deadline.retry(fd, PollFlags::POLLIN, || tls.receive(fd))?.map_err(|e| tls.fail(fd, e))? == 0 {
                let reason = "the peer closed the connection during the handshake".to_owned();
                return Err(ClientError::Tls { reason, is_certificate_error: false });
            }
        }
    }

    /// Sends the alert that explains an error to the peer, if that is possible without waiting.
    fn fail(&mut self, fd: RawFd, error: SessionError) -> ClientError {
        let _ = self.session.write_to(|pieces| socket::send_pieces(fd, pieces));
        error.into()
    }

    /// Receives and decrypts; returns the number of received bytes.
    fn receive(&mut self, fd: RawFd) -> io::Result<Result<usize, SessionError>> {
        let mut sealed = vec![0; 16 << 10];
        let read = socket::recv(fd, &mut sealed)?;
        Ok(self.session.receive(&sealed[..read], &mut self.plain).map(|()| read))
    }

    fn flush(&mut self, fd: RawFd, deadline: &Deadline) -> Result<(), ClientError> {
        deadline.retry(fd, PollFlags::POLLOUT, || self.session.write_to(|pieces| socket::send_pieces(fd, pieces)))
    }

    /// Moves decrypted bytes to `to`; returns their number, 0 at the end of the stream. Without a deadline it does not wait.
    pub(super) fn recv(
        &mut self,
        fd: RawFd,
        to: &mut Vec<u8>,
        deadline: Option<&Deadline>,
    ) -> Result<usize, ClientError> {
        while self.plain.is_empty() {
            if self.session.is_closed_by_peer() {
                return Ok(0);
            }
            let received = match deadline {
                Some(deadline) => deadline.retry(fd, PollFlags::POLLIN, || self.receive(fd))?,
                None => self.receive(fd).map_err(|e| ClientError::system("receive", e))?,
            };
            if received.map_err(|e| self.fail(fd, e))? == 0 {
                return Ok(0);
            }
        }
        let count = self.plain.len();
        to.append(&mut self.plain);
        Ok(count)
    }

    /// Encrypts and sends the beginning of `data`; returns how many bytes of it.
    pub(super) fn send(&mut self, fd: RawFd, data: &[u8], deadline: &Deadline) -> Result<usize, ClientError> {
        self.flush(fd, deadline)?;
        let sealed = self.session.seal(data).map_err(|e| ClientError::system("send", e))?;
        self.flush(fd, deadline)?;
        Ok(sealed)
    }

    /// Sends a close_notify, if that is possible without waiting.
    pub(super) fn close(&mut self, fd: RawFd) {
        self.session.close();
        let _ = self.session.write_to(|pieces| socket::send_pieces(fd, pieces));
    }

    /// Whether decrypted bytes are waiting.
    pub(super) fn has_input(&self) -> bool {
        !self.plain.is_empty()
    }

    /// The server's certificate in DER form.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        self.session.peer_certificates().first().map(|der| der.to_vec())
    }

    /// Verifies the server's certificate, also if the handshake did not.
    pub(super) fn verify(&self, allow_self_signed: bool) -> Result<(), ClientError> {
        let settings = ClientTls { allow_self_signed, ..self.settings.clone() };
        verify(&settings, &self.session.peer_certificates())
            .map_err(|e| ClientError::Tls { reason: e.to_string(), is_certificate_error: true })
    }
}
