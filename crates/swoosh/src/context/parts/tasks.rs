//! The tasks that a process has sent: their numbers, those that wait for room, and the results that are waited for.

use crate::context::events::FinishEvent;
use crate::ipc::Message;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The result of an awaited task: its event and payload.
pub type TaskReply = (FinishEvent, Vec<u8>);

/// A task's result, or `None` where it did not arrive in time.
pub type TaskResult = Option<TaskReply>;

/// The tasks of one process.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    next_id: Cell<u64>,
    /// Results that arrived after their waiter had given up.
    late_results: Cell<u64>,
    /// By task: where the loop puts its result.
    expected: RefCell<HashMap<u64, Destination>>,
    backlog: RefCell<TaskBacklog>,
}

/// A waiter, and the place of the result among those that it waits for.
type Destination = (Rc<RefCell<Expected>>, usize);

/// Results that one waiter waits for while the loop of its process runs on.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    results: Vec<TaskResult>,
    missing: usize,
    waker: Option<Waker>,
}

impl Expected {
    /// Ready once every result has arrived; until then the waker of `cx` is woken by the last one.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.missing == 0 {
            return Poll::Ready(());
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The results that have arrived.
    pub(crate) fn take(&mut self) -> Vec<TaskResult> {
        std::mem::take(&mut self.results)
    }
}

impl Tasks {
    /// Number of the next task.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.get()
    }

    /// The next task was sent.
    pub(crate) fn note_sent(&self) {
        self.next_id.set(self.next_id.get() + 1);
    }

    /// Number of results that arrived after their waiter had given up.
    pub(crate) fn late_results(&self) -> u64 {
        self.late_results.get()
    }

    /// A result arrived after its waiter had given up.
    pub(crate) fn note_late_result(&self) {
        self.late_results.set(self.late_results.get() + 1);
    }

    /// Registers a waiter for the results of these tasks.
    pub(crate) fn expect(&self, ids: &[u64]) -> Rc<RefCell<Expected>> {
        let results = ids.iter().map(|_| None).collect();
        let waiter = Rc::new(RefCell::new(Expected { results, missing: ids.len(), waker: None }));
        self.expected.borrow_mut().extend(ids.iter().enumerate().map(|(n, id)| (*id, (waiter.clone(), n))));
        waiter
    }

    /// Whether a waiter is registered for the result of this task.
    pub(crate) fn is_expected(&self, id: u64) -> bool {
        self.expected.borrow().contains_key(&id)
    }

    /// Whether any waiter is registered.
    pub(crate) fn has_expected(&self) -> bool {
        !self.expected.borrow().is_empty()
    }

    /// Gives a result (`None`: it is lost) to its waiter.
    pub(crate) fn deliver(&self, id: u64, result: TaskResult) {
        let Some((waiter, n)) = self.expected.borrow_mut().remove(&id) else { return };
        let waker = {
            let mut waiter = waiter.borrow_mut();
            if let Some(place) = waiter.results.get_mut(n) {
                *place = result;
            }
            waiter.missing = waiter.missing.saturating_sub(1);
            if waiter.missing == 0 { waiter.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The waiter for these tasks has given up, or has everything.
    pub(crate) fn forget(&self, ids: &[u64]) {
        let mut expected = self.expected.borrow_mut();
        for id in ids {
            expected.remove(id);
        }
    }

    /// Tasks that wait for room at their task worker.
    pub(crate) fn backlog(&self) -> &RefCell<TaskBacklog> {
        &self.backlog
    }
}

/// Tasks that found no room in the queues of their task workers, in order for each of them.
#[derive(Debug, Default)]
pub(crate) struct TaskBacklog {
    queues: BTreeMap<u32, VecDeque<Message<Vec<u8>>>>,
    bytes: u64,
}

impl TaskBacklog {
    /// Whether tasks for this task worker wait.
    pub(crate) fn has(&self, target: u32) -> bool {
        self.queues.contains_key(&target)
    }

    /// Whether no task waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Number of tasks that wait.
    pub(crate) fn len(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    /// Whether a payload of this many bytes fits below `limit` bytes.
    pub(crate) fn has_room(&self, payload: usize, limit: u64) -> bool {
        self.bytes + cost(payload) <= limit
    }

    /// Appends a task for a task worker.
    pub(crate) fn push(&mut self, target: u32, task: Message<Vec<u8>>) {
        self.bytes += cost(task.payload().len());
        self.queues.entry(target).or_default().push_back(task);
    }

    /// Sends what there is room for. `send` returns whether the task was sent, or will never be.
    pub(crate) fn flush(&mut self, mut send: impl FnMut(u32, &Message<Vec<u8>>) -> bool) {
        let bytes = &mut self.bytes;
        self.queues.retain(|target, queue| {
            while let Some(task) = queue.front() {
                if !send(*target, task) {
                    return true;
                }
                *bytes -= cost(task.payload().len());
                queue.pop_front();
            }
            false
        });
    }
}

/// Bytes of memory that a task with such a payload counts for.
fn cost(payload: usize) -> u64 {
    payload as u64 + OVERHEAD
}

/// Estimated cost of a queued task beside its payload.
const OVERHEAD: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::WorkerId;
    use crate::ipc::{Content, ReplyTo, Source};

    fn task(id: u64) -> Message<Vec<u8>> {
        let reply = ReplyTo { generation: 1, awaited: false };
        let content = Content::Inline(vec![0; 872]);
        Message::Task { id, source: Source::process(WorkerId(0)), time: 0, flags: 0, reply, content }
    }

    #[test]
    fn queued_tasks_are_bounded_and_leave_in_order_for_each_task_worker() {
        let mut backlog = TaskBacklog::default();
        for id in 0..4 {
            assert!(backlog.has_room(872, 4000));
            backlog.push(id as u32 % 2, task(id));
        }
        assert!(!backlog.has_room(872, 4000) && backlog.has(0) && backlog.len() == 4);
        let mut sent = Vec::new();
        // Task worker 0 is full.
        backlog.flush(|target, task| {
            let Message::Task { id, .. } = task else { return true };
            if target == 1 {
                sent.push(*id);
            }
            target == 1
        });
        assert_eq!(sent, [1, 3]);
        assert!(backlog.has_room(872, 3000) && backlog.has(0) && !backlog.has(1));
        backlog.flush(|_, _| true);
        assert!(backlog.is_empty() && backlog.has_room(0, OVERHEAD));
    }

    #[test]
    fn a_waiter_is_ready_when_its_last_result_arrives_and_a_forgotten_one_gets_none() {
        let tasks = Tasks::default();
        let waiter = tasks.expect(&[7, 8]);
        let cx = Context::from_waker(Waker::noop());
        let event = crate::context::finish_event(7, Source::process(WorkerId(1)), 0, 0);
        tasks.deliver(8, None);
        assert!(waiter.borrow_mut().poll(&cx).is_pending() && tasks.is_expected(7));
        tasks.deliver(7, Some((event, b"result".to_vec())));
        assert!(waiter.borrow_mut().poll(&cx).is_ready());
        let results = waiter.borrow_mut().take();
        assert_eq!(results[0].as_ref().unwrap().1, b"result");
        assert!(results[1].is_none() && !tasks.has_expected());
        tasks.expect(&[9]);
        tasks.forget(&[9]);
        assert!(!tasks.is_expected(9));
    }
}
