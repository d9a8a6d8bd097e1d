//! Delivery: from an event to the handler. Process mode and base mode both end here.

use super::event::{Event, Packet};
use crate::config::{Framing, Mode};
use crate::context::Context;
use crate::context::handler::{ConnectionEvent, FinishEvent, Flow, PacketEvent, Stop, TaskEvent};
use crate::ids::SessionId;
use crate::ipc::{Command, Content, ReplyTo, spill};
use crate::net::datagram;
use crate::proto::http1::Refusal;
use crate::proto::http2::part;
use crate::state::registry::{ConnectionRow, Flags};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Delivers an admitted event. Returns whether it was a request or task.
pub(crate) fn deliver(context: &Context, event: &Event<'_>) -> Result<bool, Stop> {
    let handler = context.handler();
    match event {
        Event::Receive { event, packet, files_checked } => {
            context.in_flight().set_files_checked(*files_checked);
            let delivered = deliver_packet(context, event, packet);
            context.in_flight().end_delivery();
            return delivered;
        }
        Event::Datagram { port, origin, time, data } => {
            let delivered = deliver_datagram(context, *port, origin, *time, data.as_slice());
            context.in_flight().end_delivery();
            return delivered;
        }
        Event::Task { event, content } => return deliver_task(context, event, content),
        Event::Connect(event) => handler.connect(context, event)?,
        Event::Close { event, by_server } => deliver_close(context, event, *by_server),
        Event::Watermark { event, above: true } => handler.buffer_full(context, event)?,
        Event::Watermark { event, above: false } => handler.buffer_empty(context, event)?,
        Event::PipeMessage { event, content } => match spill::open(content) {
            Ok(data) => handler.pipe_message(context, event, &data)?,
            Err(e) => crate::log::error!("a message from process {} is lost: {e}", event.source.0),
        },
        Event::TaskResult { event, reply, content } => deliver_result(context, event, reply, content)?,
        Event::Command { session, command } => execute(context, *session, command),
    }
    Ok(false)
}

/// Discards a refused event.
pub(crate) fn discard(context: &Context, event: &Event<'_>) {
    let Event::Receive { event, packet, .. } = event else { return };
    context.note_dequeued_bytes(event.session, packet.queued_bytes());
    if let Packet::InChannel { file, .. } = packet {
        drop(context.take_body(*file));
    }
    note_handled(context, event.session);
}

fn deliver_packet(context: &Context, event: &ConnectionEvent, packet: &Packet<'_>) -> Result<bool, Stop> {
    let handler = context.handler();
    context.note_dequeued_bytes(event.session, packet.queued_bytes());
    let in_channel = match packet {
        Packet::InChannel { head, file } => Some((head, context.take_body(*file))),
        _ => None,
    };
    let bytes = packet.in_memory();
    // The end of a stream is known to its registry before it is to its handler.
    if is_obsolete(context, event.session) && !(event.session.is_stream() && part::is_lost(bytes)) {
        return Ok(false);
    }
    if !is_part(event.session, bytes) {
        count_request(context);
    }
    let flow = match (packet, in_channel) {
        (Packet::Borrowed(data, head), _) => {
            context.in_flight().offer_head(data, head);
            deliver_bytes(context, event, data)
        }
        (Packet::Shared(data), _) => {
            context.in_flight().offer_packet(data);
            deliver_bytes(context, event, data)
        }
        (Packet::Stored { head, body }, _) => handler.receive_stored(context, event, head, body.clone()),
        (Packet::InChannel { .. }, Some((head, Some(body)))) => handler.receive_stored(context, event, head, body),
        (Packet::InChannel { .. }, _) => {
            crate::log::error!("a request of connection {} is answered 500: its body is lost", event.session.0);
            handler.refuse(context, event, 500)
        }
    };
    note_handled(context, event.session);
    flow.map(|()| true)
}

/// Delivers a packet in memory; a packet that stands for a rejected HTTP request is a refusal.
fn deliver_bytes(context: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
    let handler = context.handler();
    match Refusal::status_of_packet(data) {
        Some(status) if matches!(context.state().ports()[event.port].config().framing, Framing::Http) => {
            handler.refuse(context, event, status)
        }
        _ => handler.receive(context, event, data),
    }
}

/// Whether a packet of a stream is a part of a request that was counted.
pub(crate) fn is_part(session: SessionId, packet: &[u8]) -> bool {
    session.is_stream() && part::is_part(packet)
}

/// Whether a packet is not delivered because its connection has ended: in base mode always, in process mode where
/// `discard_timeout_request` is set.
fn is_obsolete(context: &Context, session: SessionId) -> bool {
    let state = context.state();
    if session.is_stream() && state.registry().find(session).is_none() {
        // The client has reset the stream.
        return true;
    }
    let bits = match state.mode() {
        Mode::Base => Flags::CLOSED | Flags::CLOSING,
        Mode::Process if !state.config().discard_timeout_request => return false,
        Mode::Process => Flags::CLOSED,
    };
    let has_ended = state.registry().find(session).is_none_or(|(_, slot)| slot.flags().any(bits));
    if has_ended && state.mode() == Mode::Process {
        crate::log::info!("a request of connection {} is discarded: the connection is closed", session.0);
    }
    has_ended
}

fn deliver_datagram(
    context: &Context,
    port: usize,
    origin: &datagram::Origin,
    time: f64,
    data: &[u8],
) -> Result<bool, Stop> {
    let Some(at) = context.state().ports().get(port) else { return Ok(true) };
    let event = PacketEvent {
        server_socket: at.as_raw_fd(),
        server_port: at.number(),
        address: origin.address.clone(),
        peer_port: origin.port,
        dispatch_time: time,
        port,
    };
    count_request(context);
    context.handler().packet(context, &event, data)?;
    Ok(true)
}

fn deliver_task(context: &Context, event: &TaskEvent, content: &Content<Rc<Vec<u8>>>) -> Result<bool, Stop> {
    count_request(context);
    let flow = match spill::open(content) {
        Ok(data) => context.handler().task(context, event, &data),
        Err(e) => {
            crate::log::error!("task {} of worker {} is lost: {e}", event.id, event.source.0);
            Ok(())
        }
    };
    context.count_task_done();
    flow.map(|()| true)
}

fn deliver_result(context: &Context, event: &FinishEvent, reply: &ReplyTo, content: &Content<Rc<Vec<u8>>>) -> Flow {
    if reply.awaited {
        context.deliver_awaited(event, reply, content);
        return Ok(());
    }
    match spill::open(content) {
        Ok(data) => context.handler().finish(context, event, &data),
        Err(e) => {
            crate::log::error!("the result of task {} is lost: {e}", event.task_id);
            Ok(())
        }
    }
}

fn deliver_close(context: &Context, event: &ConnectionEvent, by_server: bool) {
    let event = ConnectionEvent { reactor_id: if by_server { -1 } else { event.reactor_id }, ..*event };
    let is_base = context.state().mode() == Mode::Base;
    let slot = match context.state().registry().find(event.session) {
        // User code has closed the connection while this event was queued.
        None if is_base => return,
        Some((_, slot)) if is_base && slot.flags().any(Flags::CLOSING) => return,
        // The reactor did not wait for this event any longer; user code still gets it.
        None => return context.raise_close_event(&event),
        Some((_, slot)) => slot,
    };
    if let Err(e) = context.run_close_event(slot, &event, false) {
        crate::log::warn!("{e}");
    }
}

/// A request was handled. Where close events are not dispatched, the last request finishes a connection whose peer is gone.
fn note_handled(context: &Context, session: SessionId) {
    if context.state().dispatches_connection_events() {
        return;
    }
    let Some((_, slot)) = context.state().registry().find(session) else { return };
    if slot.in_flight.fetch_sub(1, SeqCst) == 1
        && Flags(slot.flags.load(SeqCst)).any(Flags::PEER_CLOSED)
        && let Err(e) = context.command(slot, session, Command::Finish { reset: false })
    {
        crate::log::warn!("{e}");
    }
}

/// Counts a request in this process's row.
fn count_request(context: &Context) {
    if let Some(slot) = context.own_slot() {
        slot.requests.store(slot.requests.load(Relaxed) + 1, Relaxed);
    }
}

/// Carries out a command for a connection of this worker (base mode). A connection that is gone needs no command.
fn execute(context: &Context, session: SessionId, command: &Command) {
    let Some((owner, conn)) = context.own_connection(session) else {
        if let Some(owner) = context.owner() {
            owner.discard(command);
        }
        return;
    };
    match command {
        Command::RequestClose { reset } => {
            if let Err(e) = context.close_own(session, conn.slot(), *reset) {
                crate::log::warn!("{e}");
            }
        }
        command => owner.execute(&conn, command),
    }
}
