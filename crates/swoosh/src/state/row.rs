//! The row of a connection: its state bits, and what is derived from it.

use crate::ids::{SessionId, WorkerId};
use crate::shm::slots::ConnectionSlot;
use std::sync::atomic::Ordering::Relaxed;

/// State bits of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// The server closes it: `onClose` runs or has run.
    pub const CLOSING: u32 = 1;
    /// Nothing more can be sent.
    pub const CLOSED: u32 = 2;
    /// The peer has closed its side; its earlier requests are still handled.
    pub const PEER_CLOSED: u32 = 4;
    /// Exempt from the heartbeat (`protect`).
    pub const PROTECTED: u32 = 8;
    /// The connection was upgraded to WebSocket.
    pub const WEBSOCKET: u32 = 16;
    /// A worker handles an HTTP request whose response is not complete.
    pub const HANDLING: u32 = 32;
    /// WebSocket compression (permessage-deflate, RFC 7692) was negotiated.
    pub const DEFLATE: u32 = 64;
    /// Compression was negotiated with the server's small window.
    pub const NARROW: u32 = 128;
    /// The TLS handshake is in progress: nothing can be sent, and user code does not know the connection yet.
    pub const HANDSHAKING: u32 = 256;
    /// Nothing can be sent any more: its socket failed, or the worker that handled its request has died and no other process
    /// may send in place of the missing response.
    pub const BROKEN: u32 = 512;
    /// An HTTP/2 connection, or a stream of one ([`SessionId::is_stream`]).
    pub const HTTP2: u32 = 1024;

    /// Whether any of these bits is set.
    pub fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// Typed access to a connection's row.
pub trait ConnectionRow {
    /// Its state bits.
    fn flags(&self) -> Flags;
    /// Sets bits; the bits before.
    fn set_flags(&self, bits: u32) -> Flags;
    /// Clears bits; the bits before.
    fn clear_flags(&self, bits: u32) -> Flags;
    /// The worker that its last event was dispatched to; `None` before the first.
    fn bound_worker(&self) -> Option<WorkerId>;
    /// Records the worker that its events are dispatched to.
    fn bind_worker(&self, id: WorkerId);
    /// Index of the port that accepted it.
    fn port_index(&self) -> usize;
    /// The id that events are dispatched by: the streams of an HTTP/2 connection go to one worker.
    fn dispatch_id(&self, session: SessionId) -> u64;
}

impl ConnectionRow for ConnectionSlot {
    fn flags(&self) -> Flags {
        Flags(self.flags.load(Relaxed))
    }

    fn set_flags(&self, bits: u32) -> Flags {
        Flags(self.flags.fetch_or(bits, Relaxed))
    }

    fn clear_flags(&self, bits: u32) -> Flags {
        Flags(self.flags.fetch_and(!bits, Relaxed))
    }

    // The row stores the number plus one, so that a zeroed row means "none".
    fn bound_worker(&self) -> Option<WorkerId> {
        self.worker.get().map(WorkerId)
    }

    fn bind_worker(&self, id: WorkerId) {
        self.worker.set(Some(id.0));
    }

    fn port_index(&self) -> usize {
        self.port.load(Relaxed) as usize
    }

    fn dispatch_id(&self, session: SessionId) -> u64 {
        if session.is_stream() { self.parent.load(Relaxed) } else { session.0 }
    }
}
