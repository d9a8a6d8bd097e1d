//! Tasks: sending them, answering them, waiting for results.

use super::events::{FinishEvent, TaskEvent};
use super::parts::tasks::{Expected, TaskResult};
use super::{Context, Role};
use crate::clock::seconds;
use crate::config::TaskIpc;
use crate::error::{Code, Error, Result};
use crate::ids::WorkerId;
use crate::ipc::message::{self, Content, Payload, ReplyTo, Source};
use crate::ipc::spill::{self, Outgoing};
use crate::ipc::{Mailbox, Message, sleep_if};
use crate::shm::ring::RingFull;
use crate::shm::slots::WorkerSlot;
use crate::state::{ServerState, WorkerRow};
use crate::sys::{clock, socket};
use std::cell::RefCell;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

impl Context {
    /// Sends a task to the task worker with index `target` (0 is the first), or to the least loaded one. Returns the task's
    /// number.
    ///
    /// `flags`: the sender's own bits, the lower eight only; the task worker reads them in its event.
    ///
    /// # Errors
    /// In a task worker, where there is no such task worker, and where more than `task_queue_bytes` wait for room already.
    pub fn task(&self, data: &[u8], target: Option<u32>, flags: u32) -> Result<u64> {
        self.send_task(data, target, flags, false)
    }

    /// Sends a task whose result [`await_tasks`](Context::await_tasks) will fetch.
    ///
    /// # Errors
    /// As [`task`](Self::task).
    pub fn task_to_await(&self, data: &[u8], target: Option<u32>, flags: u32) -> Result<u64> {
        self.send_task(data, target, flags, true)
    }

    fn send_task(&self, data: &[u8], target: Option<u32>, flags: u32, awaited: bool) -> Result<u64> {
        const ACT: &str = "give a task";
        let state = self.state();
        let refuse = |why: &str| Error::State { operation: ACT, reason: why.into() };
        let count = state.config().task_worker_num;
        if count == 0 {
            return Err(refuse("there are no task workers: set task_worker_num"));
        }
        if self.role() == Role::TaskWorker {
            return Err(refuse("a task worker gives no tasks"));
        }
        if awaited && self.worker_id().is_none() {
            return Err(refuse("only workers and user processes wait for results"));
        }
        if target.is_some_and(|t| t >= count) {
            return Err(refuse(&format!("there is no task worker {}: the last is {}", target.unwrap_or(0), count - 1)));
        }
        let id = self.tasks().next_id();
        let target = target.unwrap_or_else(|| least_loaded(state, id));
        let to = WorkerId(state.config().worker_num + target);
        let payload = Outgoing::new(&state.config().task_tmpdir, data)?;
        let task = Message::Task {
            id,
            source: self.source(),
            time: clock::wall_nanos(),
            flags: flags as u8,
            reply: ReplyTo { generation: self.generation(), awaited },
            content: payload.content(),
        };
        // Counted before the task can be taken: a fast task worker decrements the counters at once.
        let counters = [&state.server().tasking, &state.workers()[to.0 as usize].tasking];
        for counter in counters {
            counter.fetch_add(1, Relaxed);
        }
        let is_behind = self.tasks().backlog().borrow().has(target);
        let sent = if is_behind { Ok(false) } else { self.push_task(target, &task) };
        let sent = sent.and_then(|sent| match sent {
            true => Ok(()),
            false => self.queue_task(target, task.map(<[u8]>::to_vec)),
        });
        if let Err(e) = sent {
            for counter in counters {
                counter.fetch_sub(1, Relaxed);
            }
            payload.discard();
            return Err(e);
        }
        if !self.has_worker_loop() {
            self.mail().sender().wake_receivers();
        }
        self.tasks().note_sent();
        state.server().tasks.fetch_add(1, Relaxed);
        Ok(id)
    }

    /// Puts a task into the queue of task worker `target`; `false`: there is no room.
    fn push_task<P: Payload>(&self, target: u32, task: &Message<P>) -> Result<bool> {
        let state = self.state();
        let to = state.config().worker_num + target;
        let mailbox = state.mailboxes().messages(WorkerId(to)).expect("a task worker has a mailbox");
        match state.task_queue() {
            None => Ok(self.mail().sender().push(mailbox, self.source(), task).is_ok()),
            Some(queue) => {
                let kind = match state.config().task_ipc {
                    TaskIpc::Preemptive => 1,
                    _ => i64::from(to) + 1,
                };
                let sent = queue.send(kind, &message::to_queue_form(task, self.source()), false);
                mailbox.event_fd().notify();
                sent.map_err(Error::from)
            }
        }
    }

    /// Whether the loop of a worker runs in this process: it sends what waits for room, and wakes receivers.
    fn has_worker_loop(&self) -> bool {
        matches!(self.role(), Role::Worker | Role::TaskWorker)
    }

    /// Keeps a task until its task worker has room. A process without the loop of a worker waits here instead.
    fn queue_task(&self, target: u32, task: Message<Vec<u8>>) -> Result<()> {
        let limit = self.state().config().task_queue_bytes;
        let deadline = clock::monotonic_ms() + TASK_TIMEOUT.as_millis() as u64;
        while !self.has_worker_loop() && clock::monotonic_ms() < deadline {
            std::thread::sleep(Duration::from_millis(1));
            if self.push_task(target, &task)? {
                return Ok(());
            }
        }
        let mut backlog = self.tasks().backlog().borrow_mut();
        if !self.has_worker_loop() || !backlog.has_room(task.payload().len(), limit) {
            let subject = format!("to task worker {target}: {} tasks wait for room (task_queue_bytes)", backlog.len());
            return Err(Error::refused("give a task", subject, Code::QueueFull));
        }
        backlog.push(target, task);
        Ok(())
    }

    /// Sends tasks that waited for room, as far as there is room now.
    pub(crate) fn flush_tasks(&self) {
        let backlog = self.tasks().backlog();
        if backlog.borrow().is_empty() {
            return;
        }
        backlog.borrow_mut().flush(|target, task| match self.push_task(target, task) {
            Ok(sent) => sent,
            Err(e) => {
                crate::log::error!("a task for task worker {target} is lost: {e}");
                true
            }
        });
    }

    /// Number of tasks that wait for room at their task workers.
    pub(crate) fn queued_tasks(&self) -> usize {
        self.tasks().backlog().borrow().len()
    }

    /// Answers a task: one `finish` event at the task's sender.
    ///
    /// # Errors
    /// In any process but a task worker, where the sender takes no results (it is no worker and does not wait), and where the task was answered before:
    /// its first answer counts.
    pub fn finish_task(&self, event: &TaskEvent, data: &[u8], flags: u32) -> Result<()> {
        const ACT: &str = "answer a task";
        if self.role() != Role::TaskWorker {
            return Err(Error::State { operation: ACT, reason: "only a task worker does".into() });
        }
        if event.is_answered() {
            let reason = format!("task {} has its answer already: the first one counts", event.id);
            return Err(Error::State { operation: ACT, reason });
        }
        let state = self.state();
        let source = event.source.0;
        // Only workers have finish events; other processes may have asked to wait for the result.
        let takes = event.reply.awaited || source < state.config().worker_num;
        let mailbox = state.mailboxes().results(event.source).filter(|_| takes);
        let Some(mailbox) = mailbox else {
            let reason = "its sender is no worker, and takes no answers".into();
            return Err(Error::State { operation: ACT, reason });
        };
        let payload = Outgoing::new(&state.config().task_tmpdir, data)?;
        let result = Message::TaskResult {
            id: event.id,
            source: self.source(),
            time: clock::wall_nanos(),
            flags: flags as u8,
            reply: event.reply,
            content: payload.content(),
        };
        // A worker never waits for room at a task worker, so there is no deadlock.
        self.mail().sender().push_all(mailbox, self.source(), &result, RESULT_TIMEOUT).map_err(|RingFull| {
            payload.discard();
            Error::refused(ACT, format!("of process {source}"), Code::ServerPipeBufferFull)
        })?;
        event.set_answered();
        Ok(())
    }

    /// The results of tasks that were sent just now with [`task_to_await`](Context::task_to_await), for code that waits for
    /// them while the loop of its worker runs on. In processes without such a loop they do not arrive: see
    /// [`await_tasks`](Context::await_tasks).
    pub fn expect_tasks(&self, ids: &[u64]) -> PendingResults {
        PendingResults { context: self.clone(), ids: ids.to_vec(), expected: self.tasks().expect(ids) }
    }

    /// Waits for the results of tasks sent with [`task_to_await`](Context::task_to_await), `timeout` at most. Blocks the
    /// process. Results of other tasks are delivered later, as `finish` events.
    pub fn await_tasks(&self, ids: &[u64], timeout: Duration) -> Vec<TaskResult> {
        let mut results: Vec<TaskResult> = ids.iter().map(|_| None).collect();
        let (Some(slot), Some(mailbox)) = (self.own_slot(), self.own_results()) else { return results };
        let deadline = clock::monotonic_ms().saturating_add(timeout.as_millis() as u64);
        let mut missing = ids.len();
        while missing > 0 {
            let message = mailbox.take(&mut self.mail().results().borrow_mut());
            if let Some(message) = message {
                missing -= usize::from(self.sort_result(message, ids, &mut results));
                continue;
            }
            let left = deadline.saturating_sub(clock::monotonic_ms());
            if left == 0 {
                break;
            }
            if sleep_if(&slot.sleeping, || mailbox.is_empty()) {
                socket::wait_readable(&[mailbox.event_fd().as_raw_fd()], Some(Duration::from_millis(left)));
                slot.sleeping.store(0, Relaxed);
                mailbox.event_fd().drain();
            }
        }
        // The descriptor may have been notified for another mailbox of this process meanwhile.
        mailbox.event_fd().notify();
        results
    }

    /// Puts an awaited result in its place, drops a late one, and defers everything else. Returns whether a missing result
    /// was found.
    fn sort_result(&self, message: Message, ids: &[u64], results: &mut [TaskResult]) -> bool {
        let Message::TaskResult { id, source, time, flags, reply: reply @ ReplyTo { awaited: true, .. }, content } =
            message
        else {
            self.mail().defer(message);
            return false;
        };
        match ids.iter().position(|wanted| *wanted == id) {
            Some(n) if reply.generation == self.generation() => {
                let event = finish_event(id, source, time, flags);
                match open_result(id, content) {
                    Some(data) => results[n].replace((event, data)).is_none(),
                    None => false,
                }
            }
            _ => {
                let event = finish_event(id, source, time, flags);
                self.deliver_awaited(&event, &reply, &content);
                false
            }
        }
    }

    /// Gives an awaited result to its waiter; drops it if nobody waits for it any more.
    pub(crate) fn deliver_awaited(&self, event: &FinishEvent, reply: &ReplyTo, content: &Content<Rc<Vec<u8>>>) {
        if reply.generation != self.generation() || !self.tasks().is_expected(event.task_id) {
            return self.drop_late_result(content);
        }
        let data = open_result(event.task_id, content.clone());
        self.tasks().deliver(event.task_id, data.map(|data| (*event, data)));
    }

    /// Number of results that arrived after their waiter had given up.
    pub fn late_answers(&self) -> u64 {
        self.tasks().late_results()
    }

    /// Drops an awaited result whose waiter has given up.
    pub(crate) fn drop_late_result(&self, content: &Content<Rc<Vec<u8>>>) {
        self.tasks().note_late_result();
        spill::discard(content);
    }

    /// A task was handled, whatever its outcome.
    pub(crate) fn count_task_done(&self) {
        let counters = [self.own_slot().map(|s| &s.tasking), Some(&self.state().server().tasking)];
        for counter in counters.into_iter().flatten() {
            let _ = counter.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(1)));
        }
    }

    /// Whether code of this process waits for results while its loop runs on.
    pub(crate) fn expects_results(&self) -> bool {
        self.tasks().has_expected()
    }

    pub(crate) fn own_results(&self) -> Option<&'static Mailbox> {
        self.state().mailboxes().results(self.worker_id()?)
    }

    fn generation(&self) -> u32 {
        self.own_slot().map_or(0, |slot| slot.current_generation())
    }
}

/// The results of awaited tasks, as the loop of this worker receives them. Results that arrive after this was dropped are
/// discarded.
pub struct PendingResults {
    context: Context,
    ids: Vec<u64>,
    expected: Rc<RefCell<Expected>>,
}

impl PendingResults {
    /// Ready once every result has arrived; until then the last one wakes the waker of `cx`.
    pub fn poll(&self, cx: &std::task::Context<'_>) -> Poll<()> {
        self.expected.borrow_mut().poll(cx)
    }

    /// The results that have arrived, in the order of the tasks.
    pub fn take(self) -> Vec<TaskResult> {
        self.expected.borrow_mut().take()
    }
}

impl Drop for PendingResults {
    fn drop(&mut self) {
        self.context.tasks().forget(&self.ids);
    }
}

pub(crate) fn finish_event(id: u64, source: Source, time: u64, flags: u8) -> FinishEvent {
    FinishEvent { task_id: id, task_worker: source.worker_id(), flags: u32::from(flags), dispatch_time: seconds(time) }
}

fn open_result(id: u64, content: Content<Rc<Vec<u8>>>) -> Option<Vec<u8>> {
    match content {
        Content::Inline(data) => Some(Rc::unwrap_or_clone(data)),
        spilled => match spill::open(&spilled) {
            Ok(data) => Some(data.into_owned()),
            Err(e) => {
                crate::log::error!("the result of task {id} is lost: {e}");
                None
            }
        },
    }
}

/// The task worker with the fewest unanswered tasks. The search starts behind the last one chosen.
fn least_loaded(state: &ServerState, tick: u64) -> u32 {
    let workers = state.task_workers();
    let load = |slot: &WorkerSlot| slot.tasking.load(Relaxed);
    let order = (0..workers.len()).map(|n| (n + tick as usize) % workers.len());
    order.min_by_key(|n| load(&workers[*n])).unwrap_or(0) as u32
}

/// A task in the form in which it lies in a System V queue, for programs that are not processes of the server. Its result
/// is discarded. `flags`: the sender's own bits, the lower eight only. A payload of more than 8000 bytes is written to a file
/// in `folder`, which the task worker removes.
///
/// # Errors
/// Where that file cannot be written.
pub fn pack_task(data: &[u8], flags: u32, folder: &Path) -> Result<Vec<u8>> {
    let payload = Outgoing::new(folder, data)?;
    let task = Message::Task {
        id: 0,
        source: Source::HEAD,
        time: clock::wall_nanos(),
        flags: flags as u8,
        reply: ReplyTo { generation: 0, awaited: false },
        content: payload.content(),
    };
    Ok(message::to_queue_form(&task, Source::HEAD))
}

/// A packed task's flags and payload; `None` for bytes that [`pack_task`] did not produce. The file of a long payload is
/// removed.
pub fn unpack_task(form: &[u8]) -> Option<(u32, Vec<u8>)> {
    match message::from_queue_form(form)? {
        Message::Task { flags, reply: ReplyTo { awaited: false, .. }, content, .. } => {
            spill::open(&content).ok().map(|data| (u32::from(flags), data.into_owned()))
        }
        _ => None,
    }
}

const RESULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a process without the loop of a worker waits for room at a task worker.
const TASK_TIMEOUT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SessionId;

    #[test]
    fn a_packed_task_is_unpacked_and_other_bytes_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let form = pack_task(b"work", 0x1FF, folder.path()).unwrap();
        assert_eq!(unpack_task(&form), Some((0xFF, b"work".to_vec())));
        assert_eq!(unpack_task(&form[..31]), None);
        let origin = message::Origin { session: SessionId(1), port: 0, reactor: 0, time: 0 };
        let connect: Message<&[u8]> = Message::Connect(origin);
        assert_eq!(unpack_task(&message::to_queue_form(&connect, Source::HEAD)), None);
        let long = vec![7; spill::INLINE + 1];
        let form = pack_task(&long, 1, folder.path()).unwrap();
        assert_eq!(unpack_task(&form), Some((1, long)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
