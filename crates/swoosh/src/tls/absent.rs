//! Without the feature `tls` no port speaks TLS: [`Acceptor::new`] fails, and no value of [`Session`] exists.

use crate::config::TlsConfig;
use crate::error::{Error, Result};
use std::convert::Infallible;
use std::fmt;
use std::io::{self, IoSlice};
use std::time::Duration;

/// Makes sessions for the connections of a TLS port: none without the feature `tls`.
pub struct Acceptor(Infallible);

impl Acceptor {
    /// Fails.
    ///
    /// # Errors
    /// Always: the feature `tls` is off.
    pub fn new(_: &TlsConfig) -> Result<Self> {
        let reason = "the feature `tls` of the crate swoosh is off".to_owned();
        Err(Error::State { operation: "serve TLS", reason })
    }

    /// A session for an accepted connection.
    ///
    /// # Errors
    /// None: it is never called.
    pub fn begin(&self) -> Result<Session> {
        match self.0 {}
    }

    /// The time that a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        match self.0 {}
    }
}

/// The reason why a session is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionError(Infallible);

impl fmt::Display for SessionError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

/// The TLS state of one connection: none without the feature `tls`.
pub struct Session(Infallible);

macro_rules! never {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ty),*) -> $result:ty;)*) => {
        impl Session {
            $($(#[$doc])* pub fn $name(&mut self, $(_: $argument),*) -> $result {
                match self.0 {}
            })*
        }
    };
}

never! {
    /// Whether the peer has sent close_notify.
    fn is_closed_by_peer() -> bool;
    /// Decrypts bytes from the peer.
    fn receive(&[u8], &mut Vec<u8>) -> Result<(), SessionError>;
    /// Keeps plaintext that cannot be delivered yet.
    fn keep_early(Vec<u8>) -> ();
    /// Takes the plaintext that was kept.
    fn take_early() -> Vec<u8>;
    /// Encrypts the beginning of the data.
    fn seal(&[u8]) -> io::Result<usize>;
    /// Drops the output.
    fn discard_output() -> ();
    /// Queues a close_notify.
    fn close() -> ();
}

impl Session {
    /// Whether the handshake is in progress.
    pub fn is_handshaking(&self) -> bool {
        match self.0 {}
    }

    /// Whether ciphertext is waiting to be written.
    pub fn has_output(&self) -> bool {
        match self.0 {}
    }

    /// Writes ciphertext by a function.
    ///
    /// # Errors
    /// None: it is never called.
    pub fn write_to(&mut self, _: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<()> {
        match self.0 {}
    }

    /// The peer's certificate chain.
    pub fn peer_certificates(&self) -> Vec<&[u8]> {
        match self.0 {}
    }
}
