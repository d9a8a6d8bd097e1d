//! Commands of Redis: from a worker's packet to the command's handler, and the bytes of replies.
//!
//! The commands of one connection are handled one after the other, in a coroutine that ends when none is left: the
//! replies come in their order, whatever a handler waits for.

use super::classes;
use super::redis_commands::MOST_WAITING;
use super::state::{Calls, State};
use crate::coroutine;
use crate::runtime::scheduler;
use std::collections::VecDeque;
use std::rc::Rc;
use swoosh::config::Framing;
use swoosh::context::Context;
use swoosh::context::Reading;
use swoosh::handler::SessionId;
use swoosh::proto::resp;
use swoosh_zend::{Array, IntoZval, PhpResult};

/// Whether a port's packets are commands.
pub fn serves(calls: &Calls, node: &Context, port: usize) -> bool {
    let is_redis = node.state().ports.get(port).is_some_and(|p| matches!(p.config.framing, Framing::Redis));
    is_redis && classes::is_redis(&calls.server)
}

/// Takes a command: it is handled now, or when those before it are.
pub fn receive(state: &Rc<State>, calls: &Rc<Calls>, node: &Context, session: SessionId, data: &[u8]) -> PhpResult<()> {
    if let Some(queue) = state.redis.waiting.borrow_mut().get_mut(&session.0) {
        queue.push_back(data.to_vec());
        if queue.len() == MOST_WAITING {
            let _ = node.set_reading(session, Reading::Pause);
        }
        return Ok(());
    }
    if !scheduler::callbacks_in_coroutines() {
        return handle(state, calls, node, session, data);
    }
    state.redis.waiting.borrow_mut().insert(session.0, VecDeque::new());
    node.begin_request(session);
    let (state, calls, node, first) = (state.clone(), calls.clone(), node.clone(), data.to_vec());
    coroutine::spawn_event(move || {
        let mut next = Some(first);
        while let Some(command) = next {
            handle(&state, &calls, &node, session, &command)?;
            // The others are its parent's.
            if state.fork_guard.is_child() {
                return Ok(());
            }
            next = state.redis.next(&node, session);
        }
        Ok(())
    })
}

fn handle(state: &State, calls: &Calls, node: &Context, session: SessionId, command: &[u8]) -> PhpResult<()> {
    let words = resp::arguments(command);
    // An empty line asks for nothing.
    let Some((name, arguments)) = words.split_first() else { return Ok(()) };
    let Some(handler) = state.redis.handler(&calls.server, name) else {
        let shown = String::from_utf8_lossy(&name[..name.len().min(LONGEST_SHOWN)]).into_owned();
        let mut reply = Vec::new();
        resp::put_error(&mut reply, format!("ERR unknown command '{shown}'").as_bytes());
        // Where the peer is gone there is nobody to be told.
        let _ = node.send(session, &reply);
        return Ok(());
    };
    let mut given = Array::with_capacity(arguments.len());
    for argument in arguments {
        given.push(*argument);
    }
    handler.call(&mut [session.0.into_zval(), given.into_zval()]).map(drop)
}

/// Of an unknown command, bytes.
const LONGEST_SHOWN: usize = 128;
