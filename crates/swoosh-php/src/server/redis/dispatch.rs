//! Redis commands: from a packet to the command's handler.
//!
//! Commands of one connection run one after another in one coroutine, so that replies keep the order of commands even if
//! a handler waits.

use crate::coroutine;
use crate::runtime::scheduler;
use crate::server::callbacks::Callbacks;
use crate::server::classes;
use crate::server::redis::commands::MAX_QUEUED;
use crate::server::state::PhpServer;
use std::rc::Rc;
use swoosh::config::Framing;
use swoosh::context::Context;
use swoosh::context::Reading;
use swoosh::handler::SessionId;
use swoosh::proto::resp;
use swoosh_zend::{Array, IntoZval, PhpResult};

/// Whether a port's packets are Redis commands.
pub fn serves(callbacks: &Callbacks, node: &Context, port: usize) -> bool {
    let is_redis = node.state().ports().get(port).is_some_and(|p| matches!(p.config().framing, Framing::Redis));
    is_redis && classes::is_redis(callbacks.server())
}

/// Handles a command, or queues it behind earlier ones of its connection.
pub fn receive(
    state: &Rc<PhpServer>,
    callbacks: &Rc<Callbacks>,
    node: &Context,
    session: SessionId,
    data: &[u8],
) -> PhpResult<()> {
    let kept = state.redis().pipeline.borrow_mut().enqueue(session, || data.to_vec());
    if let Some(kept) = kept {
        if kept == MAX_QUEUED {
            let _ = node.set_reading(session, Reading::Pause);
        }
        return Ok(());
    }
    if !scheduler::callbacks_in_coroutines() {
        return handle(state, callbacks, node, session, data);
    }
    state.redis().pipeline.borrow_mut().begin(session);
    node.begin_request(session);
    let (state, callbacks, node, first) = (state.clone(), callbacks.clone(), node.clone(), data.to_vec());
    coroutine::spawn_event(move || {
        let mut next = Some(first);
        while let Some(command) = next {
            handle(&state, &callbacks, &node, session, &command)?;
            // In a forked child: the parent handles the other commands.
            if state.home().is_child() {
                return Ok(());
            }
            next = state.redis().next(&node, session);
        }
        Ok(())
    })
}

fn handle(
    state: &PhpServer,
    callbacks: &Callbacks,
    node: &Context,
    session: SessionId,
    command: &[u8],
) -> PhpResult<()> {
    let words = resp::arguments(command);
    // An inline command may be an empty line.
    let Some((name, arguments)) = words.split_first() else { return Ok(()) };
    let Some(handler) = state.redis().handler(callbacks.server(), name) else {
        let shown = String::from_utf8_lossy(&name[..name.len().min(MAX_QUOTED)]).into_owned();
        let mut reply = Vec::new();
        resp::put_error(&mut reply, format!("ERR unknown command '{shown}'").as_bytes());
        // Fails only when the peer has disconnected.
        let _ = node.send(session, &reply);
        return Ok(());
    };
    let mut given = Array::with_capacity(arguments.len());
    for argument in arguments {
        given.push(&**argument);
    }
    handler.call(&mut [session.0.into_zval(), given.into_zval()]).map(drop)
}

/// Bytes of an unknown command that the error reply quotes.
const MAX_QUOTED: usize = 128;
