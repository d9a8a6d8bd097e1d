//! From a message to the event it means.

use super::admission::{self, Verdict, Waiting};
use crate::config::Framing;
use crate::conn::datagram::{Origin, seconds};
use crate::conn::registry::Flags;
use crate::handler::{ConnectionEvent, MessageEvent, PacketEvent, SessionId, Stop, WorkerId};
use crate::ipc::{Kind, Message, NO_FILE, spill};
use crate::node::{Node, apply_reading};
use crate::proto::http1::Refusal;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Gives one message to user code, now or when there is room for it. Whether it counts as a request.
pub fn handle(node: &Node, message: &Message) -> Result<bool, Stop> {
    let event = event_of(message);
    let keep = || Waiting::Message(Message { head: message.head, data: message.data.clone() });
    let verdict = match message.head.kind {
        Kind::Close if !admission::close(node, event.session, keep) => Verdict::Waits,
        _ if is_request(message) => admission::request(node, &event, keep)?,
        _ => Verdict::Go,
    };
    if verdict == Verdict::Go {
        return tell(node, message);
    }
    if verdict == Verdict::Refused {
        node.note_told(event.session, message.data.len());
        drop(node.take_file(message));
    }
    if verdict == Verdict::Refused && !node.state().tells_life_of_connections() {
        done_with(node, event.session);
    }
    Ok(false)
}

/// Whether a message is work for user code, of which only so much is done at once.
pub fn is_request(message: &Message) -> bool {
    matches!(message.head.kind, Kind::Data | Kind::Packet)
}

fn event_of(message: &Message) -> ConnectionEvent {
    let head = &message.head;
    ConnectionEvent {
        session: SessionId(head.id),
        reactor_id: i32::from(head.reactor),
        dispatch_time: seconds(head.time),
        port: head.extra as usize,
    }
}

/// Gives one message to user code now. Whether it counts as a request.
pub fn tell(node: &Node, message: &Message) -> Result<bool, Stop> {
    node.0.no_file.set(message.head.kind == Kind::Data && message.head.flags & NO_FILE != 0);
    let told = tell_event(node, message, &event_of(message));
    node.0.no_file.set(false);
    // Unless its handler has kept it, the request is over.
    drop(node.0.arriving.take());
    drop(node.0.packet.take());
    told
}

fn tell_event(node: &Node, message: &Message, event: &ConnectionEvent) -> Result<bool, Stop> {
    let handler = &node.0.handler;
    let head = &message.head;
    let session = event.session;
    match head.kind {
        Kind::Data => {
            node.note_told(session, message.data.len());
            let came_with = node.take_file(message);
            if node.state().config.discard_timeout_request && is_closed(node, session) {
                crate::log::info!("a request of connection {} is dropped: it is closed by now", session.0);
                return Ok(false);
            }
            count_request(node);
            let flow = match came_with {
                None => {
                    node.offer_packet(&message.data);
                    data(node, event, &message.data)
                }
                Some((Some(body), head)) => handler.receive_stored(node, event, head, body),
                Some((None, _)) => {
                    crate::log::error!("a request of connection {} is answered 500: its body is lost", session.0);
                    handler.refuse(node, event, 500)
                }
            };
            if !node.state().tells_life_of_connections() {
                done_with(node, session);
            }
            flow?;
            return Ok(true);
        }
        Kind::Connect => handler.connect(node, event)?,
        Kind::Close => close(node, event, head.flags & 1 != 0),
        Kind::BufferFull => handler.buffer_full(node, event)?,
        Kind::BufferEmpty => handler.buffer_empty(node, event)?,
        Kind::Packet => {
            let Some((from, data)) = Origin::decode(&message.data) else { return Ok(false) };
            packet(node, from, head.extra as usize, head.time, data)?;
            return Ok(true);
        }
        Kind::Message => {
            let event = MessageEvent {
                source: WorkerId(u32::from(head.from)),
                flags: head.flags & 0xFF,
                dispatch_time: seconds(head.time),
            };
            match open(message) {
                Some(Ok(data)) => handler.pipe_message(node, &event, &data)?,
                Some(Err(e)) => crate::log::error!("a message from process {} is lost: {e}", head.from),
                None => handler.pipe_message(node, &event, &message.data)?,
            }
        }
        Kind::Finish => {
            // Whoever waited for it has given up.
            if head.flags & crate::node::WAITED != 0 {
                node.drop_late(message);
                return Ok(false);
            }
            let message = Message { head: *head, data: message.data.clone() };
            if let Some((event, data)) = node.open_answer(message) {
                handler.finish(node, &event, &data)?;
            }
        }
        // Orders for a base worker's own connections, from the others.
        kind => order(node, kind, session, message),
    }
    Ok(false)
}

/// Gives a packet to user code; what the reactor put in the place of a bad request is a refusal.
pub fn data(node: &Node, event: &ConnectionEvent, data: &[u8]) -> Result<(), Stop> {
    let handler = &node.0.handler;
    match Refusal::status_of_packet(data) {
        Some(status) if matches!(node.state().ports[event.port].config.framing, Framing::Http) => {
            handler.refuse(node, event, status)
        }
        _ => handler.receive(node, event, data),
    }
}

/// Gives a datagram to user code.
pub fn packet(node: &Node, from: Origin, port: usize, time: u64, data: &[u8]) -> Result<(), Stop> {
    let Some(at) = node.state().ports.get(port) else { return Ok(()) };
    let event = PacketEvent {
        server_socket: at.socket.as_raw_fd(),
        server_port: at.number,
        address: from.address,
        peer_port: from.port,
        dispatch_time: seconds(time),
        port,
    };
    count_request(node);
    node.0.handler.packet(node, &event, data)
}

/// A spilled payload; `None` where the payload is in the message itself.
pub fn open(message: &Message) -> Option<crate::error::Result<Vec<u8>>> {
    (message.head.flags & spill::SPILLED != 0).then(|| spill::fetch(&message.data))
}

/// Counts a request in this process's row.
pub fn count_request(node: &Node) {
    if let Some(slot) = node.own_slot() {
        slot.requests.store(slot.requests.load(Relaxed) + 1, Relaxed);
    }
}

fn close(node: &Node, event: &ConnectionEvent, by_server: bool) {
    let reactor_id = if by_server { -1 } else { event.reactor_id };
    let event = ConnectionEvent { reactor_id, ..*event };
    let Some((_, slot)) = node.state().registry.find(event.session) else {
        // It lingered longer than the reactor waits; user code still hears of its end.
        return node.run_close(&event);
    };
    slot.flags.fetch_or(Flags::CLOSING | Flags::CLOSED, Relaxed);
    node.run_close(&event);
    if let Err(e) = node.order(slot, Kind::Finished, event.session, 0, &[]) {
        crate::log::warn!("{e}");
    }
}

/// A request is handled. Where no close event comes behind the requests, the last one ends a connection whose peer is
/// gone.
fn done_with(node: &Node, session: SessionId) {
    let Some((_, slot)) = node.state().registry.find(session) else { return };
    if slot.in_flight.fetch_sub(1, SeqCst) == 1
        && Flags(slot.flags.load(SeqCst)).any(Flags::PEER_CLOSED)
        && let Err(e) = node.order(slot, Kind::Finished, session, 0, &[])
    {
        crate::log::warn!("{e}");
    }
}

fn is_closed(node: &Node, session: SessionId) -> bool {
    let found = node.state().registry.find(session);
    found.is_none_or(|(_, slot)| Flags(slot.flags.load(Relaxed)).any(Flags::CLOSED))
}

/// Another process wants something done with a connection that this one owns.
fn order(node: &Node, kind: Kind, session: SessionId, message: &Message) {
    let Some((owner, conn)) = node.own_connection(session) else { return };
    match kind {
        Kind::Send => owner.write(&conn, &message.data, true),
        Kind::SendFile => {
            let Some((numbers, path)) = message.data.split_first_chunk::<16>() else { return };
            let offset = u64::from_le_bytes(numbers[..8].try_into().expect("eight bytes"));
            let length = u64::from_le_bytes(numbers[8..].try_into().expect("eight bytes"));
            if let Err(e) = node.send_file(session, &String::from_utf8_lossy(path), offset, length) {
                owner.break_off(&conn, format_args!("{e}"));
            }
        }
        Kind::CloseWanted => {
            if let Err(e) = node.tell_close(session, conn.slot(), message.head.flags & 1 != 0) {
                crate::log::warn!("{e}");
            }
        }
        Kind::Finished => owner.finish(&conn, message.head.flags & 1 != 0),
        kind => apply_reading(&conn, kind),
    }
}
