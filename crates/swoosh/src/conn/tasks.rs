//! The tasks of an owner's connections, polled by the thread's loop rather than by the runtime.
//!
//! A worker in base mode leaves its runtime whenever there is an event for user code. If connections were tasks of the
//! runtime, it would poll the kernel once more between the task that has read and the one that waits: a system call per
//! tick.

use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A set of tasks.
#[derive(Default)]
pub(crate) struct Tasks {
    running: RefCell<FuturesUnordered<Task>>,
    /// Tasks that were not polled yet.
    fresh: RefCell<Vec<Task>>,
    waker: RefCell<Option<Waker>>,
}

impl Tasks {
    /// Adds a task: it is polled for the first time when all are polled next.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + 'static) {
        self.fresh.borrow_mut().push(Box::pin(task));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Polls the tasks that were woken; the caller is woken when others are. Does nothing when called from within a task.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) {
        let Ok(mut running) = self.running.try_borrow_mut() else { return };
        loop {
            running.extend(self.fresh.take());
            match running.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => continue,
                Poll::Ready(None) | Poll::Pending if self.fresh.borrow().is_empty() => break,
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        self.waker.replace(Some(cx.waker().clone()));
    }

    /// Polls the tasks forever.
    pub(crate) async fn run(&self) {
        tokio::task::coop::unconstrained(poll_fn(|cx| {
            self.poll(cx);
            Poll::Pending
        }))
        .await
    }

    /// Polls the tasks until `future` is ready. Tasks are polled first, so that `future` sees their effects at once.
    pub(crate) async fn run_until<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        tokio::task::coop::unconstrained(poll_fn(|cx| {
            self.poll(cx);
            future.as_mut().poll(cx)
        }))
        .await
    }

    /// Drops all tasks.
    pub(crate) fn clear(&self) {
        drop(self.running.take());
        self.fresh.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;
    use tokio::sync::Notify;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn the_effect_of_a_task_is_visible_in_the_same_tick() {
        let (tasks, notify, wakes) = (Tasks::default(), Rc::new(Notify::new()), Rc::new(Cell::new(0)));
        let (waiter, count) = (notify.clone(), wakes.clone());
        tasks.begin(async move {
            loop {
                waiter.notified().await;
                count.set(count.get() + 1);
            }
        });
        let polls = Cell::new(0);
        block_on(tasks.run_until(async {
            for n in 0..3 {
                notify.notify_one();
                poll_fn(|_| {
                    polls.set(polls.get() + 1);
                    if wakes.get() > n { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
        }));
        assert_eq!(wakes.get(), 3);
        assert!(polls.get() <= 6, "{}", polls.get());
    }

    #[test]
    fn a_task_may_start_others_and_all_end() {
        let (tasks, done) = (Rc::new(Tasks::default()), Rc::new(Cell::new(0)));
        for _ in 0..100 {
            let (within, count) = (Rc::downgrade(&tasks), done.clone());
            tasks.begin(async move {
                tokio::task::yield_now().await;
                let inner = count.clone();
                within.upgrade().unwrap().begin(async move { inner.set(inner.get() + 1) });
                count.set(count.get() + 1);
            });
        }
        let (within, count) = (tasks.clone(), done.clone());
        block_on(tasks.run_until(poll_fn(move |cx| {
            // A poll from within does nothing, and does not fail.
            within.poll(cx);
            if count.get() == 200 { Poll::Ready(()) } else { Poll::Pending }
        })));
    }

    #[test]
    fn cleared_tasks_are_dropped() {
        let (tasks, held) = (Tasks::default(), Rc::new(()));
        for _ in 0..3 {
            let held = held.clone();
            tasks.begin(async move {
                std::future::pending::<()>().await;
                drop(held);
            });
        }
        block_on(tasks.run_until(tokio::task::yield_now()));
        let one_more = held.clone();
        tasks.begin(async move { drop(one_more) });
        tasks.clear();
        assert_eq!(Rc::strong_count(&held), 1);
    }
}
