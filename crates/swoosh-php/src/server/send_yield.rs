//! `send_yield`: a send to a connection whose output buffer is full waits for room, in its coroutine.
//!
//! Sends to one connection keep their order: a later send queues behind a waiting one, and only the head of the queue
//! retries. Runs in: workers.

use super::state::{PhpServer, report, session};
use crate::coroutine;
use crate::coroutine::wait;
use std::collections::VecDeque;
use std::fs::File;
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::conn::Parts;
use swoosh::context::Context;
use swoosh::error::{Code, Error};
use swoosh_zend::PhpResult;

/// Output for a connection.
#[derive(Clone, Copy)]
pub enum Output<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// The last bytes of a response.
    ResponseEnd(Parts<'a>),
    /// A head that a file follows at once.
    HeadOfFile(&'a [u8]),
    /// A file's bytes from the first offset up to the second.
    File(&'a Rc<File>, u64, u64),
}

impl Output<'_> {
    /// Sends without a wait. `may_retry`: the caller tries again when there is no room.
    fn send(self, node: &Context, fd: i64, may_retry: bool) -> Result<(), Error> {
        let to = session(fd);
        match (self, may_retry) {
            (Output::Bytes(data), true) => node.offer(to, data),
            (Output::Bytes(data), false) => node.send(to, data),
            (Output::ResponseEnd(data), true) => node.offer_answer(to, data),
            (Output::ResponseEnd(data), false) => node.send_answer(to, data),
            (Output::HeadOfFile(data), true) => node.offer_head(to, data),
            (Output::HeadOfFile(data), false) => node.send_head(to, data),
            (Output::File(file, offset, end), _) => node.send_open_file(to, file, offset, end),
        }
    }
}

/// Sends to a connection. In a coroutine, with `send_yield` on, it waits for room in the output buffer.
pub fn send(server: &PhpServer, node: &Context, fd: i64, output: Output<'_>) -> PhpResult<bool> {
    let waiting = server.send_queues();
    // `slow_consumer` asks to close a peer for which a send would have to wait.
    let can_wait =
        waiting.enabled.get() && coroutine::current_id().is_some() && !node.closes_slow_consumers(session(fd));
    let behind = waiting.queues.borrow().contains_key(&fd);
    if !behind || !can_wait {
        match output.send(node, fd, can_wait) {
            Ok(()) => return server.check().map(|()| true),
            Err(e) if can_wait && is_buffer_full(&e) => {}
            Err(e) => {
                report(&e);
                return server.check().map(|()| false);
            }
        }
    }
    let ticket = waiting.next_ticket.get();
    waiting.next_ticket.set(ticket + 1);
    waiting.queues.borrow_mut().entry(fd).or_default().push_back(ticket);
    let result = wait_for_room(server, node, fd, output, ticket);
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

fn wait_for_room(server: &PhpServer, node: &Context, fd: i64, output: Output<'_>, ticket: u64) -> PhpResult<bool> {
    let until = server.send_queues().timeout.get().map(|timeout| Instant::now() + timeout);
    let mut pause = MIN_PAUSE;
    loop {
        if !wait::sleep(pause)? {
            return Ok(false);
        }
        pause = (pause * 2).min(MAX_PAUSE);
        let late = until.is_some_and(|until| Instant::now() >= until);
        let first = server.send_queues().queues.borrow().get(&fd).and_then(VecDeque::front) == Some(&ticket);
        if !first && !late && node.exists(session(fd)) {
            continue;
        }
        if !first && late {
            // Output of earlier sends is still waiting: these bytes must not overtake it.
            report(&Error::refused("send to", format!("connection {fd}"), Code::OutputBufferOverflow));
            return Ok(false);
        }
        match output.send(node, fd, true) {
            Ok(()) => return Ok(true),
            Err(e) if !late && is_buffer_full(&e) => {}
            Err(e) => {
                report(&e);
                return Ok(false);
            }
        }
    }
}

/// Whether a retry can succeed. The buffer overflows only while bytes are queued; they may be gone by now.
fn is_buffer_full(refused: &Error) -> bool {
    refused.code() == Code::OutputBufferOverflow as i32
}

/// Retry intervals, doubled from the first to the last.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(16);
