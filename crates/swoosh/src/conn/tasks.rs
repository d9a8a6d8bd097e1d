//! The tasks of an owner's connections, polled by whoever waits for them rather than by the runtime.
//!
//! A worker in base mode leaves its runtime each time that there is something for user code. Were connections tasks of the
//! runtime, it would look at the kernel once more between the task that has read and the one that waits: a system call
//! for each turn.

use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Such tasks.
#[derive(Default)]
pub struct Tasks {
    running: RefCell<FuturesUnordered<Task>>,
    /// Handover and not polled yet.
    fresh: RefCell<Vec<Task>>,
    waker: RefCell<Option<Waker>>,
}

impl Tasks {
    /// Begins one: it is polled for the first time when all are polled next.
    pub fn begin(&self, task: impl Future<Output = ()> + 'static) {
        self.fresh.borrow_mut().push(Box::pin(task));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Polls those that were woken; the caller is woken when others are. Does nothing where that is happening already,
    /// further out.
    pub fn poll(&self, cx: &mut Context<'_>) {
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

    /// Polls them for ever.
    pub async fn run(&self) {
        tokio::task::coop::unconstrained(poll_fn(|cx| {
            self.poll(cx);
            Poll::Pending
        }))
        .await
    }

    /// Polls them until `future` is ready; them first, so that what they have done is seen at once.
    pub async fn run_until<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        tokio::task::coop::unconstrained(poll_fn(|cx| {
            self.poll(cx);
            future.as_mut().poll(cx)
        }))
        .await
    }

    /// Drops them all.
    pub fn clear(&self) {
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
    fn what_a_task_has_done_is_seen_in_the_same_turn() {
        let (tasks, event_fd, rung) = (Tasks::default(), Rc::new(Notify::new()), Rc::new(Cell::new(0)));
        let (heard, count) = (event_fd.clone(), rung.clone());
        tasks.begin(async move {
            loop {
                heard.notified().await;
                count.set(count.get() + 1);
            }
        });
        let polls = Cell::new(0);
        block_on(tasks.run_until(async {
            for n in 0..3 {
                event_fd.notify_one();
                poll_fn(|_| {
                    polls.set(polls.get() + 1);
                    if rung.get() > n { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
        }));
        assert_eq!(rung.get(), 3);
        assert!(polls.get() <= 6, "{}", polls.get());
    }

    #[test]
    fn a_task_may_begin_others_and_all_end() {
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
            // Polled from within it does nothing, and does not fail.
            within.poll(cx);
            if count.get() == 200 { Poll::Ready(()) } else { Poll::Pending }
        })));
    }

    #[test]
    fn what_is_cleared_is_dropped() {
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
