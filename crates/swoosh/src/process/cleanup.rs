//! Cleanup by the manager behind a worker that has died: its connections are ended or released.

use crate::config::Mode;
use crate::conn::owner::add;
use crate::context::Context;
use crate::ids::{SessionId, WorkerId};
use crate::ipc::Command;
use crate::state::registry::{ConnectionRow, Flags, SlotIndex};
use crate::state::{ProcessKind, ServerState};
use std::sync::atomic::Ordering::Relaxed;

/// Cleans up behind process `id`. `failed`: it did not end in order.
pub(super) fn after_end(context: &Context, id: WorkerId, failed: bool) {
    let state = context.state();
    let is_worker = state.kind_of(id) == ProcessKind::Worker;
    if state.mode() == Mode::Base && is_worker {
        release_rows(state, id.0);
    }
    if failed {
        // It may have died within a tick, before it woke the receivers of its messages.
        state.mailboxes().wake_receivers();
    }
    if state.mode() == Mode::Process && is_worker {
        end_connections(context, id, failed);
    }
}

/// Ends the connections that a killed worker was closing, and those that a worker owed the rest of a response: one that ends in
/// order has given up handlers that took longer than `max_wait_time`.
fn end_connections(context: &Context, id: WorkerId, failed: bool) {
    for (session, _, slot) in context.state().registry().all() {
        let flags = slot.flags();
        let command = if slot.bound_worker() != Some(id) {
            continue;
        } else if flags.any(Flags::CLOSING | Flags::CLOSED) {
            if !failed {
                continue;
            }
            Command::Finish { reset: false }
        } else if flags.any(Flags::HANDLING) {
            slot.set_flags(Flags::BROKEN);
            Command::RequestClose { reset: true }
        } else {
            continue;
        };
        if let Err(e) = context.command(slot, session, command) {
            crate::log::warn!("{e}");
        }
    }
}

/// Releases the rows of a base worker's connections.
fn release_rows(state: &ServerState, id: u32) {
    let lost: Vec<(SessionId, SlotIndex)> = state
        .registry()
        .all()
        .filter(|(_, _, slot)| slot.reactor.load(Relaxed) == id)
        .map(|(session, index, _)| (session, index))
        .collect();
    for (session, index) in lost {
        state.release_connection(session, index);
        add(&state.reactor_slot(id).closed, u64::from(!session.is_stream()));
    }
    state.reactor_slot(id).connections.store(0, Relaxed);
}
