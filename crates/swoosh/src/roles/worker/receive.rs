//! From a message to the event it means.

use super::admission::{self, Verdict, Waiting};
use crate::config::Framing;
use crate::conn::datagram::{Sender, seconds};
use crate::conn::registry::Flags;
use crate::handler::{ConnectionEvent, MessageEvent, PacketEvent, SessionId, Stop, WorkerId};
use crate::handoff::{Kind, Letter, NO_FILE, parcel};
use crate::node::{Node, apply_reading};
use crate::proto::http1::Refusal;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Gives one message to user code, now or when there is room for it. Whether it counts as a request.
pub fn handle(node: &Node, letter: &Letter) -> Result<bool, Stop> {
    let event = event_of(letter);
    let keep = || Waiting::Letter(Letter { head: letter.head, data: letter.data.clone() });
    let verdict = match letter.head.kind {
        Kind::Close if !admission::close(node, event.session, keep) => Verdict::Waits,
        _ if is_request(letter) => admission::request(node, &event, keep)?,
        _ => Verdict::Go,
    };
    if verdict == Verdict::Go {
        return tell(node, letter);
    }
    if verdict == Verdict::Refused {
        node.note_told(event.session, letter.data.len());
        drop(node.take_file(letter));
    }
    if verdict == Verdict::Refused && !node.heritage().tells_life_of_connections() {
        done_with(node, event.session);
    }
    Ok(false)
}

/// Whether a message is work for user code, of which only so much is done at once.
pub fn is_request(letter: &Letter) -> bool {
    matches!(letter.head.kind, Kind::Data | Kind::Packet)
}

fn event_of(letter: &Letter) -> ConnectionEvent {
    let head = &letter.head;
    ConnectionEvent {
        session: SessionId(head.id),
        reactor_id: i32::from(head.reactor),
        dispatch_time: seconds(head.time),
        port: head.extra as usize,
    }
}

/// Gives one message to user code now. Whether it counts as a request.
pub fn tell(node: &Node, letter: &Letter) -> Result<bool, Stop> {
    node.0.no_file.set(letter.head.kind == Kind::Data && letter.head.flags & NO_FILE != 0);
    let told = tell_event(node, letter, &event_of(letter));
    node.0.no_file.set(false);
    // Unless its handler has kept it, the request is over.
    drop(node.0.arriving.take());
    drop(node.0.packet.take());
    told
}

fn tell_event(node: &Node, letter: &Letter, event: &ConnectionEvent) -> Result<bool, Stop> {
    let handler = &node.0.handler;
    let head = &letter.head;
    let session = event.session;
    match head.kind {
        Kind::Data => {
            node.note_told(session, letter.data.len());
            let came_with = node.take_file(letter);
            if node.heritage().config.discard_timeout_request && is_closed(node, session) {
                crate::log::info!("a request of connection {} is dropped: it is closed by now", session.0);
                return Ok(false);
            }
            count_request(node);
            let flow = match came_with {
                None => {
                    node.offer_packet(&letter.data);
                    data(node, event, &letter.data)
                }
                Some((Some(body), head)) => handler.receive_stored(node, event, head, body),
                Some((None, _)) => {
                    crate::log::error!("a request of connection {} is answered 500: its body is lost", session.0);
                    handler.refuse(node, event, 500)
                }
            };
            if !node.heritage().tells_life_of_connections() {
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
            let Some((from, data)) = Sender::decode(&letter.data) else { return Ok(false) };
            packet(node, from, head.extra as usize, head.time, data)?;
            return Ok(true);
        }
        Kind::Message => {
            let event = MessageEvent {
                source: WorkerId(u32::from(head.from)),
                flags: head.flags & 0xFF,
                dispatch_time: seconds(head.time),
            };
            match open(letter) {
                Some(Ok(data)) => handler.pipe_message(node, &event, &data)?,
                Some(Err(e)) => crate::log::error!("a message from process {} is lost: {e}", head.from),
                None => handler.pipe_message(node, &event, &letter.data)?,
            }
        }
        Kind::Finish => {
            // Whoever waited for it has given up.
            if head.flags & crate::node::WAITED != 0 {
                node.drop_late(letter);
                return Ok(false);
            }
            let letter = Letter { head: *head, data: letter.data.clone() };
            if let Some((event, data)) = node.open_answer(letter) {
                handler.finish(node, &event, &data)?;
            }
        }
        // Orders for a base worker's own connections, from the others.
        kind => order(node, kind, session, letter),
    }
    Ok(false)
}

/// Gives a packet to user code; what the reactor put in the place of a bad request is a refusal.
pub fn data(node: &Node, event: &ConnectionEvent, data: &[u8]) -> Result<(), Stop> {
    let handler = &node.0.handler;
    match Refusal::status_of_packet(data) {
        Some(status) if matches!(node.heritage().ports[event.port].config.framing, Framing::Http) => {
            handler.refuse(node, event, status)
        }
        _ => handler.receive(node, event, data),
    }
}

/// Gives a datagram to user code.
pub fn packet(node: &Node, from: Sender, port: usize, time: u64, data: &[u8]) -> Result<(), Stop> {
    let Some(at) = node.heritage().ports.get(port) else { return Ok(()) };
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

/// A parked payload; `None` where the payload is in the message itself.
pub fn open(letter: &Letter) -> Option<crate::error::Result<Vec<u8>>> {
    (letter.head.flags & parcel::PARKED != 0).then(|| parcel::fetch(&letter.data))
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
    let Some((_, slot)) = node.heritage().registry.find(event.session) else {
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
    let Some((_, slot)) = node.heritage().registry.find(session) else { return };
    if slot.in_hand.fetch_sub(1, SeqCst) == 1
        && Flags(slot.flags.load(SeqCst)).any(Flags::PEER_CLOSED)
        && let Err(e) = node.order(slot, Kind::Finished, session, 0, &[])
    {
        crate::log::warn!("{e}");
    }
}

fn is_closed(node: &Node, session: SessionId) -> bool {
    let found = node.heritage().registry.find(session);
    found.is_none_or(|(_, slot)| Flags(slot.flags.load(Relaxed)).any(Flags::CLOSED))
}

/// Another process wants something done with a connection that this one owns.
fn order(node: &Node, kind: Kind, session: SessionId, letter: &Letter) {
    let Some((owner, conn)) = node.own_connection(session) else { return };
    match kind {
        Kind::Send => owner.write(&conn, &letter.data, true),
        Kind::SendFile => {
            let Some((numbers, path)) = letter.data.split_first_chunk::<16>() else { return };
            let offset = u64::from_le_bytes(numbers[..8].try_into().expect("eight bytes"));
            let length = u64::from_le_bytes(numbers[8..].try_into().expect("eight bytes"));
            if let Err(e) = node.send_file(session, &String::from_utf8_lossy(path), offset, length) {
                owner.break_off(&conn, format_args!("{e}"));
            }
        }
        Kind::CloseWanted => {
            if let Err(e) = node.tell_close(session, conn.slot(), letter.head.flags & 1 != 0) {
                crate::log::warn!("{e}");
            }
        }
        Kind::Finished => owner.finish(&conn, letter.head.flags & 1 != 0),
        kind => apply_reading(&conn, kind),
    }
}
