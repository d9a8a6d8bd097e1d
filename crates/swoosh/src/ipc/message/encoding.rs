//! The encoding of messages.
//!
//! The words: kind, piece marks, source and flags; then an id; then a time; then port and reactor. Each kind uses those that it
//! needs.

use super::source::Source;
use super::types::{Command, Content, FileNumber, Message, Origin, Payload, Reading, ReplyTo};
use crate::ids::SessionId;
use crate::shm::ring::Meta;
use std::rc::Rc;

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
pub(in crate::ipc) struct Piece {
    /// The message starts here.
    pub(in crate::ipc) first: bool,
    /// More pieces follow.
    pub(in crate::ipc) more: bool,
}

impl Piece {
    pub(in crate::ipc) const WHOLE: Piece = Piece { first: true, more: false };

    fn bits(self) -> u64 {
        u64::from(self.first) | u64::from(self.more) << 1
    }

    /// The piece marks and the source of an encoded message.
    pub(in crate::ipc) fn read(meta: &Meta) -> (Piece, Source) {
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
    pub(in crate::ipc) fn meta(&self, source: Source, piece: Piece) -> Meta {
        let mut meta = self.encode();
        meta[0] |= piece.bits() << 8 | u64::from(source.bits()) << 16;
        meta
    }
}

impl<P> Message<P> {
    /// A message from its words. `payload` is called for kinds that have a payload. `None`: the words are of no message.
    pub(in crate::ipc) fn decode(meta: &Meta, payload: impl FnOnce() -> P) -> Option<Message<P>> {
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
