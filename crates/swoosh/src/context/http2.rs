//! HTTP/2: operations on the connection that a stream belongs to.

use super::Context;
use super::connections::refused;
use crate::error::{Code, Result};
use crate::ids::SessionId;
use crate::ipc::Command;
use crate::state::registry::{ConnectionRow, Flags};
use std::sync::atomic::Ordering::Relaxed;

impl Context {
    /// The number of a stream within its HTTP/2 connection (RFC 9113 section 5.1.1); `None` for other connections.
    pub fn http2_stream(&self, session: SessionId) -> Option<u32> {
        if !session.is_stream() {
            return None;
        }
        self.state().registry().find(session).map(|(_, slot)| slot.stream.load(Relaxed))
    }

    /// Sends a PING (RFC 9113 section 6.7) to the peer of an HTTP/2 connection or stream. The answer is not reported.
    ///
    /// # Errors
    /// If the connection is not open, or does not speak HTTP/2.
    pub fn http2_ping(&self, session: SessionId, data: [u8; 8]) -> Result<()> {
        self.http2_command("ping", session, Command::Ping { data: &data[..] })
    }

    /// Sends a GOAWAY (RFC 9113 section 6.8) with an error code and a text of at most 1024 bytes for the peer's log. Streams
    /// that follow are refused, and the connection is closed once the streams that are open have ended.
    ///
    /// # Errors
    /// If the connection is not open, or does not speak HTTP/2.
    pub fn http2_go_away(&self, session: SessionId, code: u32, debug: &[u8]) -> Result<()> {
        self.http2_command("send GOAWAY to", session, Command::GoAway { code, debug })
    }

    fn http2_command(&self, act: &'static str, session: SessionId, command: Command<&[u8]>) -> Result<()> {
        let (_, slot) = self.open_connection(act, session)?;
        if !slot.flags().any(Flags::HTTP2) {
            return Err(refused(act, session, Code::OperationNotSupport));
        }
        match self.own_connection(session) {
            Some((owner, conn)) => {
                owner.execute(&conn, &command);
                Ok(())
            }
            None => self.command(slot, session, command),
        }
    }
}
