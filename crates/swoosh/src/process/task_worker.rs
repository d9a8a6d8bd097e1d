//! A task worker: takes tasks, one at a time, and answers them.
//!
//! Runs in: task workers. A task worker that dies loses only the task that it was handling: the others wait in its mailbox,
//! or in the System V queue, for its successor.

use super::event_loop::{Activity, EventLoop, Progress};
use super::{End, child};
use crate::config::TaskIpc;
use crate::context::Context;
use crate::handler::Stop;
use crate::ids::WorkerId;
use crate::ipc::Mailbox;
use crate::ipc::{Message, message};
use crate::request::{self, Event};
use crate::sys::message_queue;
use std::sync::atomic::Ordering::Relaxed;

/// Runs task worker `id` until it is to end.
pub(super) fn run(context: &Context, id: WorkerId) -> End {
    child::register_confined(context, id, NAME);
    let state = context.state();
    correct_counters(context, id);
    let limit = child::request_limit(state.config().task_max_request, state.config().task_max_request_grace);
    let mut work = match EventLoop::new(context, limit) {
        Ok(work) => work,
        Err(e) => return child::end_unstarted(NAME, id, &e),
    };
    let mut queue = state.task_queue().map(|queue| QueueReader::new(*queue, id, state.config().task_ipc));
    let flow = work.serve(|work| tick(work, &mut queue));
    child::end(context, flow)
}

/// Subtracts the task that a predecessor was handling when it died.
fn correct_counters(context: &Context, id: WorkerId) {
    let state = context.state();
    let waiting = state.mailboxes().messages(id).map_or(0, Mailbox::len);
    let counted = state.workers()[id.0 as usize].tasking.swap(waiting, Relaxed);
    let lost = counted.saturating_sub(waiting);
    if state.task_queue().is_none() {
        let _ = state.server().tasking.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(lost)));
    }
}

fn tick(work: &mut EventLoop, queue: &mut Option<QueueReader>) -> Result<Activity, Stop> {
    let mut any = match work.handle_messages(TASKS_PER_TICK)? {
        Progress::Ending => return Ok(Activity::MayHaveMore),
        progress => progress == Progress::Busy,
    };
    let context = work.context().clone();
    if let Some(queue) = queue {
        for _ in 0..TASKS_PER_TICK {
            let Some(event) = queue.next().and_then(Event::of) else { break };
            any = true;
            let is_last = request::admit(&context, &event)? && work.reaches_limit();
            if is_last || work.is_to_end() {
                return Ok(Activity::MayHaveMore);
            }
        }
    }
    work.run_timers()?;
    context.handler().tick(&context)?;
    Ok(Activity::may_have_more(any))
}

/// Takes tasks from a System V queue.
struct QueueReader {
    queue: message_queue::MessageQueue,
    kind: i64,
    message: message_queue::MessageBuffer,
    has_warned: bool,
}

impl QueueReader {
    fn new(queue: message_queue::MessageQueue, id: WorkerId, ipc: TaskIpc) -> Self {
        let kind = if ipc == TaskIpc::Preemptive { 0 } else { i64::from(id.0) + 1 };
        QueueReader { queue, kind, message: message_queue::MessageBuffer::new(), has_warned: false }
    }

    fn next(&mut self) -> Option<Message> {
        loop {
            match self.queue.receive(self.kind, false, &mut self.message) {
                Ok(Some(_)) => match message::from_queue_form(self.message.data()) {
                    Some(message @ Message::Task { .. }) => return Some(message),
                    _ => crate::log::warn!("a message of the task queue is no task of this server: dropped"),
                },
                Ok(None) => return None,
                Err(e) => {
                    if !std::mem::replace(&mut self.has_warned, true) {
                        crate::log::error!("{e}");
                    }
                    return None;
                }
            }
        }
    }
}

const NAME: &str = "task worker";
/// Tasks handled before timers and signals.
const TASKS_PER_TICK: u32 = 64;
