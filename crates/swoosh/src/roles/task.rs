//! A task worker: takes tasks, one at a time, and answers them.
//!
//! Runs in: task workers. A task worker that dies takes only the task it held: the others wait in its mailbox, or in
//! the System V queue, for its successor.

use crate::config::TaskIpc;
use crate::handler::{Stop, WorkerId};
use crate::handoff::{Assembler, Kind, Letter};
use crate::node::{self, Node};
use crate::roles::End;
use crate::roles::worker::{self, Loop, receive};
use crate::sys::queue;
use std::sync::atomic::Ordering::Relaxed;

/// Runs task worker `id` until it is told to end.
pub fn run(node: &Node, id: WorkerId) -> End {
    worker::prepare_process(node, id, "task worker");
    let heritage = node.heritage();
    recount(node, id);
    let limit = worker::limit_of(heritage.config.task_max_request, heritage.config.task_max_request_grace);
    let mut work = match Loop::new(node, id, limit) {
        Ok(work) => work,
        Err(e) => {
            crate::log::error!("task worker {}: {e}", id.0);
            return End::Forked { code: 255, fatal: false };
        }
    };
    let mut queue = heritage.task_queue.map(|queue| QueueReader::new(queue, id, heritage.config.task_ipc));
    let flow = work.serve(|work| turn(work, &mut queue));
    worker::leave(node, flow)
}

/// What a predecessor held when it died is not in hand any more.
fn recount(node: &Node, id: WorkerId) {
    let heritage = node.heritage();
    let waits = heritage.letters[id.0 as usize].len();
    let counted = heritage.workers[id.0 as usize].tasking.swap(waits, Relaxed);
    let lost = counted.saturating_sub(waits);
    if heritage.task_queue.is_none() {
        let _ = heritage.server[0].tasking.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(lost)));
    }
}

fn turn(work: &mut Loop, queue: &mut Option<QueueReader>) -> Result<bool, Stop> {
    let node = work.node.clone();
    let mut busy = false;
    for _ in 0..TASKS_A_TURN {
        let Some(letter) = work.mail() else { break };
        busy = true;
        let spent = handle(&node, &letter)? && work.is_spent();
        work.recycle(letter);
        if spent || node.is_stopping() {
            return Ok(true);
        }
    }
    if let Some(queue) = queue {
        for _ in 0..TASKS_A_TURN {
            let Some(letter) = queue.next() else { break };
            busy = true;
            let spent = handle(&node, &letter)? && work.is_spent();
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
fn handle(node: &Node, letter: &Letter) -> Result<bool, Stop> {
    if letter.head.kind != Kind::Task {
        receive::handle(node, letter)?;
        return Ok(false);
    }
    receive::count_request(node);
    let event = node::task_event(&letter.head);
    let flow = match receive::open(letter) {
        Some(Ok(data)) => node.0.handler.task(node, &event, &data),
        Some(Err(e)) => {
            crate::log::error!("task {} of worker {} is lost: {e}", event.id, event.source.0);
            Ok(())
        }
        None => node.0.handler.task(node, &event, &letter.data),
    };
    node.count_task_done();
    flow.map(|()| true)
}

/// Takes tasks out of a System V queue.
struct QueueReader {
    queue: queue::Queue,
    kind: i64,
    letter: queue::Letter,
    assembler: Assembler,
    complained: bool,
}

impl QueueReader {
    fn new(queue: queue::Queue, id: WorkerId, ipc: TaskIpc) -> Self {
        let kind = if ipc == TaskIpc::Preemptive { 0 } else { i64::from(id.0) + 1 };
        QueueReader { queue, kind, letter: queue::Letter::new(), assembler: Assembler::default(), complained: false }
    }

    fn next(&mut self) -> Option<Letter> {
        loop {
            match self.queue.receive(self.kind, false, &mut self.letter) {
                Ok(Some(_)) => match node::from_queued_form(self.letter.data(), &mut self.assembler) {
                    Some(letter) => return Some(letter),
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
