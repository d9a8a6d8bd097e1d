//! The messages between processes, and their encoding. No other file knows how a message is laid out.
//!
//! A message in a ring is four words and a payload. The words: kind, piece marks, source and flags; then an id; then a
//! time; then port and reactor. Each kind uses those that it needs, and [`Message`] names them.
//!
//! Length: every kind of message and its encoding are in one file, so that they cannot drift apart.
//!
//! Sending borrows the payload and copies it once, into the ring; the receiver shares it ([`Rc`]).

use crate::ids::{SessionId, WorkerId};
use crate::shm::ring::Meta;
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

/// A payload of user code: large ones travel by the path of a file ([`spill`](super::spill)).
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

/// The sender of a message. Pieces of long messages are joined per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u16);

impl Source {
    /// The manager, or the master.
    pub const HEAD: Source = Source(0xFFFE);

    /// A worker, task worker or user process.
    pub fn process(id: WorkerId) -> Self {
        Source(id.0 as u16)
    }

    /// A reactor thread.
    pub fn reactor(id: u16) -> Self {
        Source(FIRST_REACTOR + id)
    }

    /// A process that user code has forked. A source for each, so that the pieces of what two of them send are not mixed.
    pub fn foreign_child(pid: i32) -> Self {
        Source(FIRST_FOREIGN_CHILD + (pid % FOREIGN_CHILDREN) as u16)
    }

    /// The number that user code sees; a process of the server has its own, every other sender one above 32767.
    pub fn worker_id(self) -> WorkerId {
        WorkerId(u32::from(self.0))
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn from_bits(bits: u16) -> Self {
        Source(bits)
    }
}

/// Most processes that a server may have.
pub const MAX_PROCESSES: usize = FIRST_REACTOR as usize;

const FIRST_REACTOR: u16 = 0x8000;
const FIRST_FOREIGN_CHILD: u16 = 0xC000;
const FOREIGN_CHILDREN: i32 = 0x3F00;

/// Anything that gives a payload's bytes.
pub trait Payload: Deref<Target: AsRef<[u8]>> {}

impl<T: Deref<Target: AsRef<[u8]>>> Payload for T {}

/// Kinds in the first byte of an encoded message.
mod kind {
    pub(super) const PACKET: u8 = 0;
    pub(super) const STORED_PACKET: u8 = 1;
    pub(super) const CLOSE: u8 = 4;
    pub(super) const CONNECT: u8 = 5;
    pub(super) const DATAGRAM: u8 = 6;
    pub(super) const ABOVE_WATERMARK: u8 = 7;
    pub(super) const BELOW_WATERMARK: u8 = 8;
    pub(super) const PIPE_MESSAGE: u8 = 20;
    pub(super) const TASK: u8 = 21;
    pub(super) const TASK_RESULT: u8 = 22;
    pub(super) const SEND: u8 = 40;
    pub(super) const SEND_FILE: u8 = 41;
    pub(super) const FINISH: u8 = 42;
    pub(super) const REQUEST_CLOSE: u8 = 43;
    pub(super) const PAUSE: u8 = 44;
    pub(super) const RESUME: u8 = 45;
    pub(super) const CONFIRM: u8 = 46;
    pub(super) const PING: u8 = 47;
    pub(super) const GO_AWAY: u8 = 48;
}

/// A flag of any kind with one yes-or-no field.
const SET: u32 = 1;
/// Flag of user payloads: spilled.
const SPILLED: u32 = 1 << 31;
/// Flag of tasks and results: awaited.
const AWAITED: u32 = 1 << 30;

/// Position of a piece in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The message starts here.
    pub(super) first: bool,
    /// More pieces follow.
    pub(super) more: bool,
}

impl Piece {
    pub(super) const WHOLE: Piece = Piece { first: true, more: false };

    fn bits(self) -> u64 {
        u64::from(self.first) | u64::from(self.more) << 1
    }

    /// The piece marks and the source of an encoded message.
    pub(super) fn read(meta: &Meta) -> (Piece, Source) {
        let piece = Piece { first: meta[0] >> 8 & 1 != 0, more: meta[0] >> 9 & 1 != 0 };
        (piece, Source::from_bits((meta[0] >> 16) as u16))
    }
}

fn words(kind: u8, flags: u32, id: u64, time: u64, last: u64) -> Meta {
    [u64::from(kind) | u64::from(flags) << 32, id, time, last]
}

impl Origin {
    fn words(&self, kind: u8, flags: u32) -> Meta {
        words(kind, flags, self.session.0, self.time, self.port as u64 | u64::from(self.reactor) << 32)
    }

    fn read(meta: &Meta) -> Self {
        Origin {
            session: SessionId(meta[1]),
            time: meta[2],
            port: meta[3] as u32 as usize,
            reactor: (meta[3] >> 32) as u16,
        }
    }
}

impl<P> Content<P> {
    fn flag(&self) -> u32 {
        if matches!(self, Content::Spilled(_)) { SPILLED } else { 0 }
    }

    fn payload(&self) -> &P {
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

fn reply_flag(reply: &ReplyTo) -> u32 {
    if reply.awaited { AWAITED } else { 0 }
}

impl<P: Payload> Message<P> {
    /// The four words, without piece marks and source.
    fn encode(&self) -> Meta {
        match self {
            Message::Packet { origin, files_checked, .. } => origin.words(kind::PACKET, u32::from(*files_checked)),
            Message::StoredPacket { origin, file, .. } => origin.words(kind::STORED_PACKET, file.sequence),
            Message::Connect(origin) => origin.words(kind::CONNECT, 0),
            Message::Close { origin, by_server } => origin.words(kind::CLOSE, u32::from(*by_server)),
            Message::Watermark { origin, above: true } => origin.words(kind::ABOVE_WATERMARK, 0),
            Message::Watermark { origin, above: false } => origin.words(kind::BELOW_WATERMARK, 0),
            Message::Datagram { port, time, .. } => words(kind::DATAGRAM, 0, 0, *time, *port as u64),
            Message::PipeMessage { id, time, flags, content, .. } => {
                words(kind::PIPE_MESSAGE, u32::from(*flags) | content.flag(), *id, *time, 0)
            }
            Message::Task { id, time, flags, reply, content, .. } => {
                let flags = u32::from(*flags) | content.flag() | reply_flag(reply);
                words(kind::TASK, flags, *id, *time, u64::from(reply.generation))
            }
            Message::TaskResult { id, time, flags, reply, content, .. } => {
                let flags = u32::from(*flags) | content.flag() | reply_flag(reply);
                words(kind::TASK_RESULT, flags, *id, *time, u64::from(reply.generation))
            }
            Message::Command { session, command } => {
                let (kind, flags) = match command {
                    Command::Send { file_follows, .. } => (kind::SEND, u32::from(*file_follows)),
                    Command::SendFile { offset, length, .. } => {
                        return words(kind::SEND_FILE, 0, session.0, *offset, *length);
                    }
                    Command::Finish { reset } => (kind::FINISH, u32::from(*reset)),
                    Command::RequestClose { reset } => (kind::REQUEST_CLOSE, u32::from(*reset)),
                    Command::SetReading(Reading::Pause) => (kind::PAUSE, 0),
                    Command::SetReading(Reading::Resume) => (kind::RESUME, 0),
                    Command::SetReading(Reading::Confirm) => (kind::CONFIRM, 0),
                    Command::Ping { .. } => (kind::PING, 0),
                    Command::GoAway { code, .. } => (kind::GO_AWAY, *code),
                };
                words(kind, flags, session.0, 0, 0)
            }
        }
    }

    /// The words of one piece of this message.
    pub(super) fn meta(&self, source: Source, piece: Piece) -> Meta {
        let mut meta = self.encode();
        meta[0] |= piece.bits() << 8 | u64::from(source.bits()) << 16;
        meta
    }

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

    /// A message from its words. `payload` is called for kinds that have a payload. `None`: the words are of no message.
    pub(super) fn decode(meta: &Meta, payload: impl FnOnce() -> P) -> Option<Message<P>> {
        let flags = (meta[0] >> 32) as u32;
        let (_, source) = Piece::read(meta);
        let (id, time) = (meta[1], meta[2]);
        let origin = Origin::read(meta);
        let is_set = flags & SET != 0;
        let content =
            |payload: P| if flags & SPILLED != 0 { Content::Spilled(payload) } else { Content::Inline(payload) };
        let reply = ReplyTo { generation: meta[3] as u32, awaited: flags & AWAITED != 0 };
        let command = |command| Message::Command { session: SessionId(id), command };
        Some(match meta[0] as u8 {
            kind::PACKET => Message::Packet { origin, files_checked: is_set, data: payload() },
            kind::STORED_PACKET => {
                let file = FileNumber { reactor: origin.reactor, sequence: flags };
                Message::StoredPacket { origin, file, head: payload() }
            }
            kind::CONNECT => Message::Connect(origin),
            kind::CLOSE => Message::Close { origin, by_server: is_set },
            kind::ABOVE_WATERMARK => Message::Watermark { origin, above: true },
            kind::BELOW_WATERMARK => Message::Watermark { origin, above: false },
            kind::DATAGRAM => Message::Datagram { port: origin.port, time, data: payload() },
            kind::PIPE_MESSAGE => {
                Message::PipeMessage { id, source, time, flags: flags as u8, content: content(payload()) }
            }
            kind::TASK => Message::Task { id, source, time, flags: flags as u8, reply, content: content(payload()) },
            kind::TASK_RESULT => {
                Message::TaskResult { id, source, time, flags: flags as u8, reply, content: content(payload()) }
            }
            kind::SEND => command(Command::Send { data: payload(), file_follows: is_set }),
            kind::SEND_FILE => command(Command::SendFile { file: payload(), offset: time, length: meta[3] }),
            kind::FINISH => command(Command::Finish { reset: is_set }),
            kind::REQUEST_CLOSE => command(Command::RequestClose { reset: is_set }),
            kind::PAUSE => command(Command::SetReading(Reading::Pause)),
            kind::RESUME => command(Command::SetReading(Reading::Resume)),
            kind::CONFIRM => command(Command::SetReading(Reading::Confirm)),
            kind::PING => command(Command::Ping { data: payload() }),
            kind::GO_AWAY => command(Command::GoAway { code: flags, debug: payload() }),
            _ => return None,
        })
    }
}

/// A task as it lies in a System V queue: its words, then its payload.
pub fn to_queue_form<P: Payload>(message: &Message<P>, source: Source) -> Vec<u8> {
    let payload = message.payload();
    let mut form = Vec::with_capacity(META_BYTES + payload.len());
    for word in message.meta(source, Piece::WHOLE) {
        form.extend(word.to_ne_bytes());
    }
    form.extend(payload);
    form
}

/// A task from its form in a System V queue; `None` for bytes that no server of this kind put there.
pub fn from_queue_form(form: &[u8]) -> Option<Message> {
    let (head, payload) = form.split_at_checked(META_BYTES)?;
    let meta = std::array::from_fn(|n| u64::from_ne_bytes(head[8 * n..8 * n + 8].try_into().expect("eight bytes")));
    Message::decode(&meta, || Rc::new(payload.to_vec()))
}

const META_BYTES: usize = size_of::<Meta>();

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Message<&'static [u8]>> {
        let origin = Origin { session: SessionId(u64::MAX), port: 7, reactor: 300, time: 77 };
        let data = &b"data"[..];
        let source = Source::foreign_child(123_456);
        let reply = ReplyTo { generation: u32::MAX, awaited: true };
        let mut all = vec![
            Message::StoredPacket { origin, file: FileNumber { reactor: 300, sequence: u32::MAX }, head: data },
            Message::Connect(origin),
            Message::Datagram { port: 3, time: 8, data },
        ];
        for yes in [true, false] {
            all.push(Message::Packet { origin, files_checked: yes, data });
            all.push(Message::Close { origin, by_server: yes });
            all.push(Message::Watermark { origin, above: yes });
            let reply = ReplyTo { awaited: yes, ..reply };
            let content = if yes { Content::Spilled(data) } else { Content::Inline(data) };
            all.push(Message::PipeMessage { id: 1, source, time: 2, flags: 255, content });
            all.push(Message::Task { id: 1, source, time: 2, flags: 255, reply, content });
            all.push(Message::TaskResult { id: 1, source, time: 2, flags: 255, reply, content });
            let command = |command| Message::Command { session: SessionId(9), command };
            all.push(command(Command::Send { data, file_follows: yes }));
            all.push(command(Command::Finish { reset: yes }));
            all.push(command(Command::RequestClose { reset: yes }));
        }
        let command = |command| Message::Command { session: SessionId(9), command };
        all.push(command(Command::SendFile { file: data, offset: u64::MAX, length: u64::MAX - 1 }));
        all.push(command(Command::Ping { data }));
        all.push(command(Command::GoAway { code: u32::MAX, debug: data }));
        all.extend([Reading::Pause, Reading::Resume, Reading::Confirm].map(|r| command(Command::SetReading(r))));
        all
    }

    #[test]
    fn every_message_is_decoded_as_it_was_encoded() {
        for message in all() {
            for piece in [Piece::WHOLE, Piece { first: false, more: true }] {
                let meta = message.meta(Source::foreign_child(123_456), piece);
                assert_eq!(Piece::read(&meta), (piece, Source::foreign_child(123_456)));
                assert_eq!(Message::decode(&meta, || message.payload()), Some(message));
            }
            let owned = message.map(|data| Rc::new(data.to_vec()));
            assert_eq!(owned.payload(), message.payload());
            assert_eq!(owned.meta(Source::HEAD, Piece::WHOLE), message.meta(Source::HEAD, Piece::WHOLE));
            assert_eq!(message.into_payload().unwrap_or_default(), message.payload());
        }
        assert_eq!(Message::decode(&[255, 0, 0, 0], || ()), None);
    }
}
