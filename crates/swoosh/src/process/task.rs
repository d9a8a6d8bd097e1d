//! A task worker: takes tasks, one at a time, and answers them.
//!
//! Runs in: task workers. A task worker that dies takes only the task it held: the others wait in its mailbox, or in
//! the System V queue, for its successor.

use crate::config::TaskIpc;
use crate::handler::{Stop, WorkerId};
use crate::ipc::{Assembler, Kind, Message};
use crate::node::{self, Node};
use crate::process::End;
use crate::process::worker::{self, Loop, receive};
use crate::sys::message_queue;
use std::sync::atomic::Ordering::Relaxed;

/// Runs task worker `id` until it is told to end.
pub fn run(node: &Node, id: WorkerId) -> End {
    worker::prepare_process(node, id, "task worker");
    let state = node.state();
    recount(node, id);
    let limit = worker::limit_of(state.config.task_max_request, state.config.task_max_request_grace);
    let mut work = match Loop::new(node, id, limit) {
        Ok(work) => work,
        Err(e) => {
            crate::log::error!("task worker {}: {e}", id.0);
            return End::Forked { code: 255, fatal: false };
        }
    };
    let mut queue = state.task_queue.map(|queue| QueueReader::new(queue, id, state.config.task_ipc));
    let flow = work.serve(|work| turn(work, &mut queue));
    worker::leave(node, flow)
}

/// What a predecessor held when it died is not in hand any more.
fn recount(node: &Node, id: WorkerId) {
    let state = node.state();
    let waits = state.messages[id.0 as usize].len();
    let counted = state.workers[id.0 as usize].tasking.swap(waits, Relaxed);
    let lost = counted.saturating_sub(waits);
    if state.task_queue.is_none() {
        let _ = state.server[0].tasking.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(lost)));
    }
}

fn turn(work: &mut Loop, queue: &mut Option<QueueReader>) -> Result<bool, Stop> {
    let node = work.node.clone();
    let mut busy = false;
    for _ in 0..TASKS_A_TURN {
        let Some(message) = work.mail() else { break };
        busy = true;
        let spent = handle(&node, &message)? && work.is_spent();
        work.recycle(message);
        if spent || node.is_stopping() {
            return Ok(true);
        }
    }
    if let Some(queue) = queue {
        for _ in 0..TASKS_A_TURN {
            let Some(message) = queue.next() else { break };
            busy = true;
            let spent = handle(&node, &message)? && work.is_spent();
            if spent || node.is_stopping() {
                return Ok(true);
            }
        }
    }
    work.run_timers()?;
    node.0.handler.turn(&node)?;
    Ok(busy)
}

/// Handles one message; whether it was a task.
fn handle(node: &Node, message: &Message) -> Result<bool, Stop> {
    if message.head.kind != Kind::Task {
        receive::handle(node, message)?;
        return Ok(false);
    }
    receive::count_request(node);
    let event = node::task_event(&message.head);
    let flow = match receive::open(message) {
        Some(Ok(data)) => node.0.handler.task(node, &event, &data),
        Some(Err(e)) => {
            crate::log::error!("task {} of worker {} is lost: {e}", event.id, event.source.0);
            Ok(())
        }
        None => node.0.handler.task(node, &event, &message.data),
    };
    node.count_task_done();
    flow.map(|()| true)
}

/// Takes tasks out of a System V queue.
struct QueueReader {
    queue: message_queue::MessageQueue,
    kind: i64,
    message: message_queue::MessageBuffer,
    assembler: Assembler,
    complained: bool,
}

impl QueueReader {
    fn new(queue: message_queue::MessageQueue, id: WorkerId, ipc: TaskIpc) -> Self {
        let kind = if ipc == TaskIpc::Preemptive { 0 } else { i64::from(id.0) + 1 };
        QueueReader {
            queue,
            kind,
            message: message_queue::MessageBuffer::new(),
            assembler: Assembler::default(),
            complained: false,
        }
    }

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.queue.receive(self.kind, false, &mut self.message) {
                Ok(Some(_)) => match node::from_queued_form(self.message.data(), &mut self.assembler) {
                    Some(message) => return Some(message),
                    None => crate::log::warn!("a message of the task queue is no task of this server: dropped"),
                },
                Ok(None) => return None,
                Err(e) => {
                    if !std::mem::replace(&mut self.complained, true) {
                        crate::log::error!("{e}");
                    }
                    return None;
                }
            }
        }
    }
}

/// Messages taken before timers and signals have their turn.
const TASKS_A_TURN: u32 = 64;
