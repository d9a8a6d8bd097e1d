//! Tasks: giving them away, answering them, waiting for answers.

use super::{Answer, Node, Role, is_task_worker};
use crate::config::TaskIpc;
use crate::error::{Code, Error, Result};
use crate::handler::{FinishEvent, TaskEvent, WorkerId};
use crate::ipc::{Assembler, Head, Kind, Mailbox, Message, sleep_if, spill};
use crate::shm::ring::Full;
use crate::shm::slots::WorkerSlot;
use crate::state::ServerState;
use crate::sys::{clock, socket};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A task's result, or `None` where it did not come in time.
pub type TaskResult = Option<Answer>;

/// The bit of a task's flags that says: its sender waits for the answer; an answer that comes too late is dropped.
pub const WAITED: u32 = 1 << 30;

impl Node {
    /// Gives a task away: to the task worker of that index (0 is the first), or to an idle one. Its number.
    ///
    /// `flags`: the sender's own bits, the lower eight only; the task worker reads them in its event. Fails in a task
    /// worker, where there is no such task worker, and where its queue is full.
    pub fn task(&self, data: &[u8], target: Option<u32>, flags: u32) -> Result<u64> {
        self.give_task(data, target, flags & 0xFF)
    }

    /// Gives a task away whose answer [`await_tasks`](Node::await_tasks) will fetch.
    pub fn task_to_await(&self, data: &[u8], target: Option<u32>, flags: u32) -> Result<u64> {
        self.give_task(data, target, flags & 0xFF | WAITED)
    }

    fn give_task(&self, data: &[u8], target: Option<u32>, flags: u32) -> Result<u64> {
        const ACT: &str = "give a task";
        let state = self.0.state;
        let refuse = |why: &str| Error::State { operation: ACT, reason: why.into() };
        let count = state.config.task_worker_num;
        if count == 0 {
            return Err(refuse("there are no task workers: set task_worker_num"));
        }
        if is_task_worker(self) || self.worker_id().is_none() {
            return Err(refuse("only workers and user processes give tasks"));
        }
        if target.is_some_and(|t| t >= count) {
            return Err(refuse(&format!("there is no task worker {}: the last is {}", target.unwrap_or(0), count - 1)));
        }
        let target = target.unwrap_or_else(|| idlest(state, self.0.next_task.get()));
        let id = self.0.next_task.get();
        let mut head = self.head(Kind::Task, id, flags);
        // A result of an earlier incarnation's task is not taken for one of ours.
        head.extra = self.own_slot().map_or(0, |s| s.generation.load(Relaxed));
        let to = WorkerId(state.config.worker_num + target);
        let mailbox = &state.messages[to.0 as usize];
        let mut spilled = None;
        if data.len() > spill::INLINE {
            head.flags |= spill::SPILLED;
            spilled = Some(spill::spill(&state.config.task_tmpdir, data)?);
        }
        let payload = spilled.as_deref().unwrap_or(data);
        // Counted before it is there to be taken: a quick task worker counts it off at once.
        let counters = [&state.server[0].tasking, &state.workers[to.0 as usize].tasking];
        for counter in counters {
            counter.fetch_add(1, Relaxed);
        }
        let sent = match &state.task_queue {
            None => Ok(self.0.sender.push(mailbox, &head, &[payload]).is_ok()),
            Some(queue) => {
                let kind = match state.config.task_ipc {
                    TaskIpc::Preemptive => 1,
                    _ => i64::from(to.0) + 1,
                };
                let sent = queue.send(kind, &queued_form(&head, payload), false);
                mailbox.event_fd().notify();
                sent
            }
        };
        if !matches!(sent, Ok(true)) {
            for counter in counters {
                counter.fetch_sub(1, Relaxed);
            }
            if let Some(name) = &spilled {
                spill::discard(name);
            }
            sent?;
            return Err(Error::refused(ACT, format!("to task worker {target}"), Code::QueueFull));
        }
        self.0.next_task.set(id + 1);
        state.server[0].tasks.fetch_add(1, Relaxed);
        Ok(id)
    }

    /// Answers a task. May be called more than once; each call is one `finish` at the task's sender.
    pub fn finish_task(&self, event: &TaskEvent, data: &[u8], flags: u32) -> Result<()> {
        const ACT: &str = "answer a task";
        if self.role() != Role::TaskWorker {
            return Err(Error::State { operation: ACT, reason: "only a task worker does".into() });
        }
        let state = self.0.state;
        let source = event.source.0;
        let Some(Some(mailbox)) = state.results.get(source as usize) else {
            return Err(Error::State {
                operation: ACT,
                reason: format!("its sender, process {source}, takes no answers"),
            });
        };
        let mut head = self.head(Kind::Finish, event.id, flags & 0xFF | event.flags & WAITED);
        head.extra = event.flags >> GENERATION_SHIFT & GENERATION_MASK;
        let mut spilled = None;
        if data.len() > spill::INLINE {
            head.flags |= spill::SPILLED;
            spilled = Some(spill::spill(&state.config.task_tmpdir, data)?);
        }
        let payload = spilled.as_deref().unwrap_or(data);
        // A worker never waits for a task worker's queue, so waiting for its answers' queue ends.
        self.0.sender.push_patiently(mailbox, &head, payload, ANSWER_PATIENCE).map_err(|Full| {
            if let Some(name) = &spilled {
                spill::discard(name);
            }
            Error::refused(ACT, format!("of process {source}"), Code::ServerPipeBufferFull)
        })
    }

    /// Waits for the answers of tasks given with [`task_to_await`](Node::task_to_await), `timeout` at most. Answers to
    /// other tasks are told as always, later.
    pub fn await_tasks(&self, ids: &[u64], timeout: Duration) -> Vec<TaskResult> {
        let mut answers: Vec<TaskResult> = ids.iter().map(|_| None).collect();
        let (Some(slot), Some(mailbox)) = (self.own_slot(), self.own_results()) else { return answers };
        let until = clock::monotonic_ms().saturating_add(timeout.as_millis() as u64);
        let mut missing = ids.len();
        while missing > 0 {
            let message = mailbox.take(&mut self.0.results.borrow_mut());
            if let Some(message) = message {
                let place = ids.iter().position(|id| *id == message.head.id && message.head.flags & WAITED != 0);
                match place {
                    Some(n) if self.is_ours(&message.head) => {
                        if let Some(answer) = self.open_answer(message)
                            && answers[n].replace(answer).is_none()
                        {
                            missing -= 1;
                        }
                    }
                    _ if message.head.kind == Kind::Finish && message.head.flags & WAITED != 0 => {
                        self.drop_late(&message)
                    }
                    _ => self.0.deferred.borrow_mut().push_back(message),
                }
                continue;
            }
            let left = until.saturating_sub(clock::monotonic_ms());
            if left == 0 {
                break;
            }
            if sleep_if(&slot.sleeping, || mailbox.is_empty()) {
                socket::wait_readable(&[mailbox.event_fd().as_raw_fd()], Some(Duration::from_millis(left)));
                slot.sleeping.store(0, Relaxed);
                mailbox.event_fd().drain();
            }
        }
        // Somebody may have rung for another mailbox of this process meanwhile.
        mailbox.event_fd().notify();
        answers
    }

    /// How many answers have come after their waiter had given up.
    pub fn late_answers(&self) -> u64 {
        self.0.late_answers.get()
    }

    pub(crate) fn drop_late(&self, message: &Message) {
        self.0.late_answers.set(self.0.late_answers.get() + 1);
        if message.head.flags & spill::SPILLED != 0 {
            spill::discard(&message.data);
        }
    }

    /// A task is handled, whatever came of it.
    pub(crate) fn count_task_done(&self) {
        let counters = [self.own_slot().map(|s| &s.tasking), Some(&self.0.state.server[0].tasking)];
        for counter in counters.into_iter().flatten() {
            let _ = counter.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(1)));
        }
    }

    pub(crate) fn own_results(&self) -> Option<&'static Mailbox> {
        self.0.state.results.get(self.worker_id()?.0 as usize)?.as_ref()
    }

    /// An answer's event and payload; `None` where it belongs to nobody any more.
    pub(crate) fn open_answer(&self, message: Message) -> Option<Answer> {
        let Message { head, data } = message;
        let data = if head.flags & spill::SPILLED != 0 {
            match spill::fetch(&data) {
                Ok(data) => data,
                Err(e) => {
                    crate::log::error!("the answer to task {} is lost: {e}", head.id);
                    return None;
                }
            }
        } else {
            Rc::unwrap_or_clone(data)
        };
        let event = FinishEvent {
            task_id: head.id,
            task_worker: WorkerId(u32::from(head.from)),
            flags: head.flags & 0xFF,
            dispatch_time: crate::conn::datagram::seconds(head.time),
        };
        Some((event, data))
    }

    fn is_ours(&self, head: &Head) -> bool {
        let own = self.own_slot().map_or(0, |s| s.generation.load(Relaxed));
        head.extra == own & GENERATION_MASK
    }
}

/// A task's event as its task worker gets it. The sender's incarnation rides in bits that user code does not use.
pub(crate) fn task_event(head: &Head) -> TaskEvent {
    TaskEvent {
        id: head.id,
        source: WorkerId(u32::from(head.from)),
        flags: head.flags & (0xFF | WAITED) | (head.extra & GENERATION_MASK) << GENERATION_SHIFT,
        dispatch_time: crate::conn::datagram::seconds(head.time),
    }
}

/// A task as it lies in a System V queue: its head's words, then its payload.
fn queued_form(head: &Head, payload: &[u8]) -> Vec<u8> {
    let mut form = Vec::with_capacity(32 + payload.len());
    for word in head.words() {
        form.extend(word.to_ne_bytes());
    }
    form.extend(payload);
    form
}

/// A task from its form in a System V queue; `None` for what no server of ours put there.
pub(crate) fn from_queued_form(form: &[u8], assembler: &mut Assembler) -> Option<Message> {
    let words = form.get(..32)?;
    let words = std::array::from_fn(|n| u64::from_ne_bytes(words[8 * n..8 * n + 8].try_into().expect("eight bytes")));
    assembler.whole(&words, &form[32..])
}

/// A task in the form in which it lies in a System V queue, for programs that are no process of the server. Nobody gets
/// its answer. `flags`: the sender's own bits, the lower eight only.
pub fn pack_task(data: &[u8], flags: u32) -> Result<Vec<u8>> {
    if data.len() > spill::INLINE {
        return Err(Error::refused("pack a task of", format!("{} bytes", data.len()), Code::TaskPackageTooBig));
    }
    let (kind, flags, time) = (Kind::Task, flags & 0xFF, clock::wall_nanos());
    let head = Head { kind, from: crate::ipc::MANAGER, flags, id: 0, time, extra: 0, reactor: 0 };
    Ok(queued_form(&head, data))
}

/// A packed task's flags and payload; `None` for bytes that [`pack_task`] did not make.
pub fn unpack_task(form: &[u8]) -> Option<(u32, Vec<u8>)> {
    let message = from_queued_form(form, &mut Assembler::default())?;
    let Head { kind, flags, .. } = message.head;
    (kind == Kind::Task && flags & !0xFF == 0).then(|| (flags, message.data.to_vec()))
}

/// The task worker with the fewest tasks in hand, beginning the search behind the last one chosen.
fn idlest(state: &ServerState, turn: u64) -> u32 {
    let first = state.config.worker_num as usize;
    let count = state.config.task_worker_num as usize;
    let load = |slot: &WorkerSlot| slot.tasking.load(Relaxed);
    let order = (0..count).map(|n| (n + turn as usize) % count);
    order.min_by_key(|n| load(&state.workers[first + n])).unwrap_or(0) as u32
}

const GENERATION_SHIFT: u32 = 8;
const GENERATION_MASK: u32 = 0xFFFF;
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
