//! Events: what has arrived, decoded once.

use crate::clock::{nanos, seconds};
use crate::context::handler::{ConnectionEvent, FinishEvent, MessageEvent, TaskEvent};
use crate::ids::SessionId;
use crate::ipc::message::{self, FileNumber};
use crate::ipc::{Command, Content, Message, ReplyTo};
use crate::net::datagram;
use crate::proto::http1::head_index::IndexEntry;
use crate::sys::temp_file::TempFile;
use std::rc::Rc;

/// An event for user code, or a command for an own connection. Bytes are borrowed from where they were read, or shared.
pub(crate) enum Event<'a> {
    /// A connection was accepted.
    Connect(ConnectionEvent),
    /// A packet arrived.
    Receive {
        event: ConnectionEvent,
        packet: Packet<'a>,
        /// The connection's owner found no static file that answers it.
        files_checked: bool,
    },
    /// A connection ends.
    Close {
        event: ConnectionEvent,
        /// The server closes it, not the peer.
        by_server: bool,
    },
    /// A connection's output passed a watermark.
    Watermark { event: ConnectionEvent, above: bool },
    /// A datagram arrived.
    Datagram {
        port: usize,
        origin: datagram::Origin,
        /// Seconds since the epoch.
        time: f64,
        data: Bytes<'a>,
    },
    /// A task, in a task worker.
    Task { event: TaskEvent, content: Content<Rc<Vec<u8>>> },
    /// The result of a task.
    TaskResult { event: FinishEvent, reply: ReplyTo, content: Content<Rc<Vec<u8>>> },
    /// A message of user code.
    PipeMessage { event: MessageEvent, content: Content<Rc<Vec<u8>>> },
    /// Another process requests an operation on a connection of this one.
    Command { session: SessionId, command: Command },
}

/// A packet of a connection.
pub(crate) enum Packet<'a> {
    /// Its bytes, where they were read, and the entries of its head's index, if it has one.
    Borrowed(&'a [u8], &'a [IndexEntry]),
    /// Its bytes, in a buffer of their own.
    Shared(Rc<Vec<u8>>),
    /// An HTTP request with a stored body.
    Stored { head: Rc<Vec<u8>>, body: Rc<TempFile> },
    /// An HTTP request whose body is a file in this worker's [`FdChannel`](crate::sys::fd_channel::FdChannel). It is taken at
    /// delivery, so that a queued request holds no descriptor.
    InChannel { head: Rc<Vec<u8>>, file: FileNumber },
}

/// The bytes of a datagram.
pub(crate) enum Bytes<'a> {
    /// Where they were read.
    Borrowed(&'a [u8]),
    /// The tail of a message's payload, from this byte on.
    Tail(Rc<Vec<u8>>, usize),
}

impl Bytes<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(data) => data,
            Bytes::Tail(payload, start) => &payload[*start..],
        }
    }
}

impl Packet<'_> {
    /// Bytes of it in memory that count as queued for user code.
    pub(crate) fn queued_bytes(&self) -> usize {
        match self {
            Packet::Borrowed(data, _) => data.len(),
            Packet::Shared(data) => data.len(),
            Packet::Stored { .. } => 0,
            Packet::InChannel { head, .. } => head.len(),
        }
    }

    /// Its bytes; those of the head of a request whose body is a file.
    pub(crate) fn in_memory(&self) -> &[u8] {
        match self {
            Packet::Borrowed(data, _) => data,
            Packet::Shared(data) => data,
            Packet::Stored { head, .. } | Packet::InChannel { head, .. } => head,
        }
    }

    fn to_owned(&self) -> Packet<'static> {
        match self {
            Packet::Borrowed(data, _) => Packet::Shared(Rc::new(data.to_vec())),
            Packet::Shared(data) => Packet::Shared(data.clone()),
            Packet::Stored { head, body } => Packet::Stored { head: head.clone(), body: body.clone() },
            Packet::InChannel { head, file } => Packet::InChannel { head: head.clone(), file: *file },
        }
    }
}

fn connection_event(origin: &message::Origin) -> ConnectionEvent {
    ConnectionEvent {
        session: origin.session,
        reactor_id: i32::from(origin.reactor),
        dispatch_time: seconds(origin.time),
        port: origin.port,
    }
}

fn origin_of(event: &ConnectionEvent) -> message::Origin {
    message::Origin {
        session: event.session,
        port: event.port,
        reactor: event.reactor_id as u16,
        time: nanos(event.dispatch_time),
    }
}

impl Event<'_> {
    /// The event that a message carries; `None` for a malformed one.
    pub(crate) fn of(message: Message) -> Option<Event<'static>> {
        Some(match message {
            Message::Packet { origin, files_checked, data } => {
                let event = connection_event(&origin);
                Event::Receive { event, packet: Packet::Shared(data), files_checked }
            }
            Message::StoredPacket { origin, file, head } => {
                let event = connection_event(&origin);
                Event::Receive { event, packet: Packet::InChannel { head, file }, files_checked: false }
            }
            Message::Connect(origin) => Event::Connect(connection_event(&origin)),
            Message::Close { origin, by_server } => Event::Close { event: connection_event(&origin), by_server },
            Message::Watermark { origin, above } => Event::Watermark { event: connection_event(&origin), above },
            Message::Datagram { port, time, data } => {
                let (origin, datagram) = datagram::Origin::decode(&data)?;
                let start = data.len() - datagram.len();
                Event::Datagram { port, origin, time: seconds(time), data: Bytes::Tail(data, start) }
            }
            Message::PipeMessage { source, time, flags, content, .. } => {
                let event =
                    MessageEvent { source: source.worker_id(), flags: u32::from(flags), dispatch_time: seconds(time) };
                Event::PipeMessage { event, content }
            }
            Message::Task { id, source, time, flags, reply, content } => {
                let event = TaskEvent::new(id, source.worker_id(), u32::from(flags), seconds(time), reply);
                Event::Task { event, content }
            }
            Message::TaskResult { id, source, time, flags, reply, content } => {
                let event = crate::context::finish_event(id, source, time, flags);
                Event::TaskResult { event, reply, content }
            }
            Message::Command { session, command } => Event::Command { session, command },
        })
    }

    /// The connection whose order it has to keep, for events that may be queued; 0 for datagrams.
    pub(crate) fn ordering_key(&self) -> SessionId {
        match self {
            Event::Receive { event, .. } | Event::Close { event, .. } => event.session,
            _ => SessionId(0),
        }
    }

    /// Bytes in memory.
    pub(crate) fn len(&self) -> usize {
        match self {
            Event::Receive { packet: Packet::Stored { head, .. }, .. } => head.len(),
            Event::Receive { packet, .. } => packet.queued_bytes(),
            Event::Datagram { data, .. } => data.as_slice().len(),
            _ => 0,
        }
    }

    /// The event for longer than its bytes are borrowed. Only events that may be queued can be kept.
    pub(crate) fn to_owned(&self) -> Option<Event<'static>> {
        Some(match self {
            Event::Receive { event, packet, files_checked } => {
                Event::Receive { event: *event, packet: packet.to_owned(), files_checked: *files_checked }
            }
            Event::Close { event, by_server } => Event::Close { event: *event, by_server: *by_server },
            Event::Datagram { port, origin, time, data } => {
                let data = match data {
                    Bytes::Borrowed(data) => Bytes::Tail(Rc::new(data.to_vec()), 0),
                    Bytes::Tail(payload, start) => Bytes::Tail(payload.clone(), *start),
                };
                Event::Datagram { port: *port, origin: origin.clone(), time: *time, data }
            }
            _ => return None,
        })
    }

    /// The message that carries a queued event to a worker's successor; `None` for events of base mode, which end with
    /// their worker.
    pub(crate) fn into_message(self) -> Option<Message> {
        Some(match self {
            Event::Receive { event, packet: Packet::Shared(data), files_checked } => {
                Message::Packet { origin: origin_of(&event), files_checked, data }
            }
            Event::Receive { event, packet: Packet::InChannel { head, file }, .. } => {
                Message::StoredPacket { origin: origin_of(&event), file, head }
            }
            Event::Close { event, by_server } => Message::Close { origin: origin_of(&event), by_server },
            Event::Datagram { port, time, data: Bytes::Tail(data, start), .. } if start > 0 => {
                Message::Datagram { port, time: nanos(time), data }
            }
            _ => return None,
        })
    }

    /// The buffer of a delivered event, for the next message.
    pub(crate) fn into_buffer(self) -> Option<Rc<Vec<u8>>> {
        match self {
            Event::Receive { packet: Packet::Shared(data) | Packet::InChannel { head: data, .. }, .. } => Some(data),
            Event::Datagram { data: Bytes::Tail(data, _), .. } => Some(data),
            Event::Task { content, .. } | Event::TaskResult { content, .. } | Event::PipeMessage { content, .. } => {
                Some(content.into_payload())
            }
            Event::Command {
                command:
                    Command::Send { data, .. }
                    | Command::SendFile { file: data, .. }
                    | Command::Ping { data }
                    | Command::GoAway { debug: data, .. },
                ..
            } => Some(data),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> message::Origin {
        message::Origin { session: SessionId(7), port: 1, reactor: 3, time: 1_700_000_000_123_456_789 }
    }

    fn carried(message: Message) -> Option<Message> {
        let event = Event::of(message).unwrap();
        let kept = event.to_owned();
        kept.and_then(Event::into_message)
    }

    #[test]
    fn queued_events_travel_to_a_successor_unchanged() {
        let data = Rc::new(b"packet".to_vec());
        let file = FileNumber { reactor: 3, sequence: 9 };
        for message in [
            Message::Packet { origin: origin(), files_checked: true, data: data.clone() },
            Message::StoredPacket { origin: origin(), file, head: data.clone() },
            Message::Close { origin: origin(), by_server: true },
        ] {
            let carried = carried(message.clone()).unwrap();
            let time = |message: &Message| match message {
                Message::Packet { origin, .. }
                | Message::StoredPacket { origin, .. }
                | Message::Close { origin, .. } => origin.time,
                _ => 0,
            };
            assert!(time(&carried).abs_diff(time(&message)) < 1000);
            assert_eq!(carried.payload(), message.payload());
            assert_eq!(std::mem::discriminant(&carried), std::mem::discriminant(&message));
        }
        let sender = datagram::Origin { address: "::1".into(), port: Some(9) };
        let payload = Rc::new([sender.encode(), b"data".to_vec()].concat());
        let message = Message::Datagram { port: 1, time: 5_000, data: payload };
        assert_eq!(carried(message.clone()), Some(message));
    }

    #[test]
    fn a_malformed_datagram_is_no_event_and_other_events_are_not_queued() {
        assert!(Event::of(Message::Datagram { port: 0, time: 0, data: Rc::new(vec![1, 2]) }).is_none());
        assert_eq!(carried(Message::Connect(origin())), None);
        let borrowed = Event::Datagram {
            port: 0,
            origin: datagram::Origin { address: String::new(), port: None },
            time: 0.0,
            data: Bytes::Borrowed(b"x"),
        };
        assert!(borrowed.to_owned().unwrap().into_message().is_none(), "events of base mode end with their worker");
    }
}
