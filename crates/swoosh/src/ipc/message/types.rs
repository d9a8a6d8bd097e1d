//! Every kind of message.

use super::source::Source;
use crate::ids::SessionId;
use std::ops::Deref;
use std::rc::Rc;

/// A message, with a payload of type `P`: bytes that the sender borrows, or a buffer that the receiver shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<P = Rc<Vec<u8>>> {
    /// Reactor -> worker: one packet of a connection.
    Packet {
        /// The connection, and when it was dispatched.
        origin: Origin,
        /// The reactor has looked for a static file that answers this request, and found none.
        files_checked: bool,
        /// The packet.
        data: P,
    },
    /// Reactor -> worker: an HTTP request whose body is in a file, which the worker's
    /// [`FdChannel`](crate::sys::fd_channel::FdChannel) holds.
    StoredPacket {
        /// The connection, and when it was dispatched.
        origin: Origin,
        /// The file's number in the channel.
        file: FileNumber,
        /// The request without its body.
        head: P,
    },
    /// Reactor -> worker: a connection was accepted.
    Connect(Origin),
    /// Reactor -> worker: a connection ends.
    Close {
        /// The connection, and when it was dispatched.
        origin: Origin,
        /// The server closes it, not the peer.
        by_server: bool,
    },
    /// Reactor -> worker: a connection's output passed a watermark.
    Watermark {
        /// The connection, and when it was dispatched.
        origin: Origin,
        /// Above the high watermark; else below the low one.
        above: bool,
    },
    /// Reactor -> worker: a datagram.
    Datagram {
        /// Index of the port that received it.
        port: usize,
        /// Nanoseconds since the epoch.
        time: u64,
        /// The encoded sender ([`net::datagram::Origin`](crate::net::datagram::Origin)), then the datagram.
        data: P,
    },
    /// Process -> process: a message of user code.
    PipeMessage {
        /// Number of the message.
        id: u64,
        /// The sending process.
        source: Source,
        /// Nanoseconds since the epoch.
        time: u64,
        /// The sender's own bits.
        flags: u8,
        /// The message.
        content: Content<P>,
    },
    /// Process -> task worker: a task.
    Task {
        /// Number of the task at its sender.
        id: u64,
        /// The sending process.
        source: Source,
        /// Nanoseconds since the epoch.
        time: u64,
        /// The sender's own bits.
        flags: u8,
        /// Which incarnation of the sender waits for the result, and how.
        reply: ReplyTo,
        /// The task.
        content: Content<P>,
    },
    /// Task worker -> process: a task's result.
    TaskResult {
        /// Number of the task at the receiver.
        id: u64,
        /// The task worker.
        source: Source,
        /// Nanoseconds since the epoch.
        time: u64,
        /// The task worker's own bits.
        flags: u8,
        /// As it was in the task.
        reply: ReplyTo,
        /// The result.
        content: Content<P>,
    },
    /// Process -> owner of a connection.
    Command {
        /// The connection.
        session: SessionId,
        /// The operation.
        command: Command<P>,
    },
}

/// An operation on a connection, requested by a process that does not own it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<P = Rc<Vec<u8>>> {
    /// Write bytes, which count in the row's `send_queued` already.
    Send {
        /// The bytes.
        data: P,
        /// A file follows at once: both may leave in one segment.
        file_follows: bool,
    },
    /// Write a range of a file.
    SendFile {
        /// The file's number in its owner's channel (`files_to_send`), eight bytes, little-endian.
        file: P,
        /// First byte.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
    /// User code is done with the connection: write what is queued, then close.
    Finish {
        /// Drop what is queued and reset the connection.
        reset: bool,
    },
    /// The server closes the connection: its worker gets the close event first.
    RequestClose {
        /// Drop what is queued and reset the connection.
        reset: bool,
    },
    /// Start or stop reading.
    SetReading(Reading),
    /// Send a PING on the HTTP/2 connection.
    Ping {
        /// Its payload, eight bytes.
        data: P,
    },
    /// Send a GOAWAY on the HTTP/2 connection.
    GoAway {
        /// The error code.
        code: u32,
        /// A text for the peer's log.
        debug: P,
    },
}

/// A change of whether a connection is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Stop reading; the peer's bytes stay in the kernel.
    Pause,
    /// End a pause.
    Resume,
    /// End the wait that `enable_delay_receive` starts a connection with.
    Confirm,
}

/// The connection that an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The connection.
    pub session: SessionId,
    /// Index of the port that accepted it.
    pub port: usize,
    /// The reactor thread that owns it.
    pub reactor: u16,
    /// When it was dispatched: nanoseconds since the epoch.
    pub time: u64,
}

/// A payload of user code: large ones travel by the path of a file ([`spill`](crate::ipc::spill)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<P> {
    /// The payload.
    Inline(P),
    /// The path of the file that holds the payload.
    Spilled(P),
}

/// Where a task's result belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyTo {
    /// The incarnation of the sender: a successor does not take results of its predecessor's tasks for its own.
    pub generation: u32,
    /// The sender waits for the result; a result that arrives too late is dropped.
    pub awaited: bool,
}

/// Number of a file in a worker's [`FdChannel`](crate::sys::fd_channel::FdChannel), unique among the files on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNumber {
    /// The reactor that sent it.
    pub reactor: u16,
    /// That reactor's count of messages.
    pub sequence: u32,
}

impl FileNumber {
    /// As the channel knows it.
    pub fn key(self) -> u64 {
        u64::from(self.reactor) << 32 | u64::from(self.sequence)
    }
}

/// Anything that gives a payload's bytes.
pub trait Payload: Deref<Target: AsRef<[u8]>> {}

impl<T: Deref<Target: AsRef<[u8]>>> Payload for T {}

impl<P> Content<P> {
    pub(super) fn payload(&self) -> &P {
        let (Content::Inline(data) | Content::Spilled(data)) = self;
        data
    }

    /// The payload or the path.
    pub fn into_payload(self) -> P {
        let (Content::Inline(data) | Content::Spilled(data)) = self;
        data
    }

    fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Content<Q> {
        match self {
            Content::Inline(data) => Content::Inline(change(data)),
            Content::Spilled(path) => Content::Spilled(change(path)),
        }
    }
}

impl<P: Payload> Message<P> {
    /// The payload's bytes; empty where the message has none.
    pub fn payload(&self) -> &[u8] {
        match self {
            Message::Packet { data, .. } | Message::Datagram { data, .. } => (**data).as_ref(),
            Message::StoredPacket { head, .. } => (**head).as_ref(),
            Message::PipeMessage { content, .. }
            | Message::Task { content, .. }
            | Message::TaskResult { content, .. } => (**content.payload()).as_ref(),
            Message::Command { command: Command::Send { data, .. }, .. } => (**data).as_ref(),
            Message::Command { command: Command::SendFile { file: data, .. }, .. }
            | Message::Command { command: Command::Ping { data } | Command::GoAway { debug: data, .. }, .. } => {
                (**data).as_ref()
            }
            Message::Connect(_) | Message::Close { .. } | Message::Watermark { .. } | Message::Command { .. } => &[],
        }
    }
}

impl<P> Message<P> {
    /// The payload, where the message has one.
    pub fn into_payload(self) -> Option<P> {
        match self {
            Message::Packet { data, .. } | Message::Datagram { data, .. } => Some(data),
            Message::StoredPacket { head, .. } => Some(head),
            Message::PipeMessage { content, .. }
            | Message::Task { content, .. }
            | Message::TaskResult { content, .. } => Some(content.into_payload()),
            Message::Command { command: Command::Send { data, .. }, .. } => Some(data),
            Message::Command { command: Command::SendFile { file: data, .. }, .. }
            | Message::Command { command: Command::Ping { data } | Command::GoAway { debug: data, .. }, .. } => {
                Some(data)
            }
            Message::Connect(_) | Message::Close { .. } | Message::Watermark { .. } | Message::Command { .. } => None,
        }
    }

    /// Converts the payload.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Message<Q> {
        match self {
            Message::Packet { origin, files_checked, data } => {
                Message::Packet { origin, files_checked, data: change(data) }
            }
            Message::StoredPacket { origin, file, head } => Message::StoredPacket { origin, file, head: change(head) },
            Message::Connect(origin) => Message::Connect(origin),
            Message::Close { origin, by_server } => Message::Close { origin, by_server },
            Message::Watermark { origin, above } => Message::Watermark { origin, above },
            Message::Datagram { port, time, data } => Message::Datagram { port, time, data: change(data) },
            Message::PipeMessage { id, source, time, flags, content } => {
                Message::PipeMessage { id, source, time, flags, content: content.map(change) }
            }
            Message::Task { id, source, time, flags, reply, content } => {
                Message::Task { id, source, time, flags, reply, content: content.map(change) }
            }
            Message::TaskResult { id, source, time, flags, reply, content } => {
                Message::TaskResult { id, source, time, flags, reply, content: content.map(change) }
            }
            Message::Command { session, command } => {
                let command = match command {
                    Command::Send { data, file_follows } => Command::Send { data: change(data), file_follows },
                    Command::SendFile { file, offset, length } => {
                        Command::SendFile { file: change(file), offset, length }
                    }
                    Command::Finish { reset } => Command::Finish { reset },
                    Command::RequestClose { reset } => Command::RequestClose { reset },
                    Command::SetReading(reading) => Command::SetReading(reading),
                    Command::Ping { data } => Command::Ping { data: change(data) },
                    Command::GoAway { code, debug } => Command::GoAway { code, debug: change(debug) },
                };
                Message::Command { session, command }
            }
        }
    }
}
