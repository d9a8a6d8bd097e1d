//! `send_yield`: a `send` whose connection has no room waits for it, in its coroutine.
//!
//! Runs in: workers. The rule it protects: what was to be sent first goes first. Who finds somebody waiting for the same
//! connection waits behind; only the first in line tries.

use super::state::{State, session, tell};
use crate::coroutine;
use crate::coroutine::wait;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use swoosh::context::Context;
use swoosh::error::{Code, Error};
use swoosh_zend::{PhpResult, ZStr};

/// Sends to a connection; in a coroutine it waits for room, where `send_yield` is on.
pub fn send(state: &State, node: &Context, fd: i64, data: &ZStr) -> PhpResult<bool> {
    let lines = &state.lines;
    let can_wait = lines.on.get() && coroutine::current_id().is_some();
    let behind = lines.lines.borrow().contains_key(&fd);
    if !behind || !can_wait {
        let sent = match can_wait {
            true => node.offer(session(fd), data.as_bytes()),
            false => node.send(session(fd), data.as_bytes()),
        };
        match sent {
            Ok(()) => return state.check().map(|()| true),
            Err(e) if can_wait && fits_later(node, fd, &e) => {}
            Err(e) => {
                tell(&e);
                return state.check().map(|()| false);
            }
        }
    }
    let place = lines.next.get();
    lines.next.set(place + 1);
    lines.lines.borrow_mut().entry(fd).or_default().push_back(place);
    // Kept by the coroutine: the caller's own may be gone when it goes on.
    let data = data.clone();
    let result = wait_for_room(state, node, fd, &data, place);
    let mut all = lines.lines.borrow_mut();
    if let Some(line) = all.get_mut(&fd) {
        line.retain(|other| *other != place);
        if line.is_empty() {
            all.remove(&fd);
        }
    }
    drop(all);
    state.check()?;
    result
}

fn wait_for_room(state: &State, node: &Context, fd: i64, data: &ZStr, place: u64) -> PhpResult<bool> {
    let until = state.lines.limit.get().map(|limit| Instant::now() + limit);
    let mut pause = SHORTEST;
    loop {
        if !wait::sleep(pause)? {
            return Ok(false);
        }
        pause = (pause * 2).min(LONGEST);
        let late = until.is_some_and(|until| Instant::now() >= until);
        let first = state.lines.lines.borrow().get(&fd).and_then(VecDeque::front) == Some(&place);
        if !first && !late && node.exists(session(fd)) {
            continue;
        }
        match node.offer(session(fd), data.as_bytes()) {
            Ok(()) => return Ok(true),
            Err(e) if !late && fits_later(node, fd, &e) => {}
            Err(e) => {
                tell(&e);
                return Ok(false);
            }
        }
    }
}

/// Whether there may be room later: something waits there now that the peer may read.
fn fits_later(node: &Context, fd: i64, refused: &Error) -> bool {
    refused.code() == Code::OutputBufferOverflow as i32
        && node.client_info(session(fd)).is_some_and(|info| info.send_queued > 0)
}

/// Between two looks at the connection: what a quick peer and a slow one need.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(16);
