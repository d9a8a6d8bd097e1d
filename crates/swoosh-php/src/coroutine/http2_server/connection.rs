//! Accepting streams and ending a connection.

use super::driver::Shared;
use super::stream::ServerStream;
use crate::coroutine::http2::Http2Settings;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::coroutine::types::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::{PhpResult, runtime};

/// A connection. Dropping it ends it behind the streams that are open.
pub struct ServerConnection {
    shared: Rc<Shared>,
    generation: u32,
}

impl ServerConnection {
    /// Serves HTTP/2 on a connected socket, whose TLS handshake is complete if it has TLS.
    ///
    /// # Errors
    /// There is no event loop to drive it.
    pub fn begin(link: Rc<CoroutineSocket>, settings: &Http2Settings) -> io::Result<Self> {
        Ok(ServerConnection { shared: Shared::begin(link, settings)?, generation: runtime::generation() })
    }

    fn is_inherited(&self) -> bool {
        self.generation != runtime::generation()
    }

    /// Waits for the next stream; `None` once the connection has ended.
    pub fn accept(&self, limit: Option<Duration>) -> PhpResult<Result<Option<ServerStream>, ErrorCode>> {
        if self.is_inherited() {
            return Ok(Ok(None));
        }
        let shared = &self.shared;
        let accepted = wait::poll(WaitKind::Io, limit, |cx| shared.poll_incoming(cx))?;
        Ok(match accepted {
            WaitOutcome::Done(stream) => Ok(stream.map(|request| ServerStream::new(shared.clone(), request))),
            WaitOutcome::TimedOut => Err(libc::ETIMEDOUT),
            WaitOutcome::Cancelled => Err(libc::ECANCELED),
        })
    }

    /// Streams that were accepted and whose objects exist.
    pub fn open_streams(&self) -> usize {
        self.shared.open.get()
    }

    /// Announces the end: no further stream is accepted, and the connection ends after those that are open.
    pub fn shut_down(&self) {
        if !self.is_inherited() {
            self.shared.shut_down();
        }
    }

    /// Ends it now.
    pub fn close(&self) -> PhpResult<()> {
        if self.is_inherited() {
            return Ok(());
        }
        self.shared.end();
        // PHP code may hold the socket's object, which keeps the descriptor open.
        let _ = self.shared.link.socket().shutdown(Shutdown::Both);
        self.shared.link.close()
    }
}

impl Drop for ServerConnection {
    fn drop(&mut self) {
        if self.is_inherited() {
            // Its task, and the runtime that it would wake, are the parent's.
            std::mem::forget(self.shared.clone());
        } else if self.shared.open.get() == 0 {
            self.shared.end();
        } else {
            self.shared.refuse_streams();
            self.shut_down();
        }
    }
}
