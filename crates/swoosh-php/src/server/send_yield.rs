//! `send_yield`: a `send` to a connection whose output buffer is full waits for header_buffer, in its coroutine.
//!
//! Sends to one connection keep their order: a later send queues behind a waiting one, and only the head of the queue
//! retries. Runs in: workers.

use super::state::{PhpServer, report, session};
use crate::coroutine;
use crate::coroutine::wait;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use swoosh::context::Context;
use swoosh::error::{Code, Error};
use swoosh_zend::{PhpResult, ZStr};

/// Sends to a connection. In a coroutine, with `send_yield` on, it waits for room in the output buffer.
pub fn send(server: &PhpServer, node: &Context, fd: i64, data: &ZStr) -> PhpResult<bool> {
    let waiting = &server.send_queues;
    let can_wait = waiting.enabled.get() && coroutine::current_id().is_some();
    let behind = waiting.queues.borrow().contains_key(&fd);
    if !behind || !can_wait {
        let sent = match can_wait {
            true => node.offer(session(fd), data.as_bytes()),
            false => node.send(session(fd), data.as_bytes()),
        };
        match sent {
            Ok(()) => return server.check().map(|()| true),
            Err(e) if can_wait && is_buffer_full(node, fd, &e) => {}
            Err(e) => {
                report(&e);
                return server.check().map(|()| false);
            }
        }
    }
    let ticket = waiting.next_ticket.get();
    waiting.next_ticket.set(ticket + 1);
    waiting.queues.borrow_mut().entry(fd).or_default().push_back(ticket);
    // The coroutine holds a reference: the caller's string may be freed while it waits.
    let data = data.clone();
    let result = wait_for_room(server, node, fd, &data, ticket);
    let mut queues = waiting.queues.borrow_mut();
    if let Some(queue) = queues.get_mut(&fd) {
        queue.retain(|other| *other != ticket);
        if queue.is_empty() {
            queues.remove(&fd);
        }
    }
    drop(queues);
    server.check()?;
    result
}

fn wait_for_room(server: &PhpServer, node: &Context, fd: i64, data: &ZStr, ticket: u64) -> PhpResult<bool> {
    let until = server.send_queues.timeout.get().map(|timeout| Instant::now() + timeout);
    let mut pause = MIN_PAUSE;
    loop {
        if !wait::sleep(pause)? {
            return Ok(false);
        }
        pause = (pause * 2).min(MAX_PAUSE);
        let late = until.is_some_and(|until| Instant::now() >= until);
        let first = server.send_queues.queues.borrow().get(&fd).and_then(VecDeque::front) == Some(&ticket);
        if !first && !late && node.exists(session(fd)) {
            continue;
        }
        match node.offer(session(fd), data.as_bytes()) {
            Ok(()) => return Ok(true),
            Err(e) if !late && is_buffer_full(node, fd, &e) => {}
            Err(e) => {
                report(&e);
                return Ok(false);
            }
        }
    }
}

/// Whether a retry can succeed: the buffer overflowed because of queued bytes, not because `data` alone is too long.
fn is_buffer_full(node: &Context, fd: i64, refused: &Error) -> bool {
    refused.code() == Code::OutputBufferOverflow as i32
        && node.client_info(session(fd)).is_some_and(|info| info.send_queued > 0)
}

/// Retry intervals, doubled from the first to the last.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(16);
