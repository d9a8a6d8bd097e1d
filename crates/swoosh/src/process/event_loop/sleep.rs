//! How the loop sleeps: until something arrives, a timer is due, or more work is known.

use super::{Activity, EventLoop, SHUTDOWN_POLL, Watched};
use crate::context::Role;
use crate::ipc::sleep_if;
use crate::process::base_worker;
use crate::process::service_reporter::ServiceReporter;
use crate::request::admission;
use crate::runtime::{self, ThreadRuntime};
use crate::sys::socket;
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

impl EventLoop {
    /// Sleeps until something arrives, unless something is there.
    pub(super) fn wait(&mut self, activity: Activity) {
        self.ticks += 1;
        let limit = self.sleep_limit();
        let has_more = match activity {
            Activity::Idle => false,
            Activity::Handled => self.has_more(),
            Activity::MayHaveMore => true,
        };
        if has_more || limit == Some(Duration::ZERO) {
            // A full mailbox must not keep the runtime from its own work.
            if self.ticks.is_multiple_of(TICKS_BETWEEN_POLLS) {
                self.block_on(self.poll_runtime());
            }
            return;
        }
        let inboxes = &self.inboxes;
        if sleep_if(self.sleeping, || inboxes.iter().all(|inbox| inbox.mailbox.is_empty())) {
            self.sleep(limit);
            self.sleeping.store(0, Relaxed);
        }
    }

    /// Whether there is more to do after a tick that has handled all events it found.
    fn has_more(&self) -> bool {
        self.context.is_stopping() || self.context.mail().has_deferred() || base_worker::has_events(&self.context)
    }

    pub(super) fn sleep(&self, limit: Option<Duration>) {
        let Some(event_fd) = self.inboxes.first().map(|inbox| inbox.mailbox.event_fd()) else { return };
        let arrived = self.context.executor().runtime().and_then(|runtime| {
            // Pinned here: the runtime would move the whole future several times.
            self.block_on(pin!(self.something_arrives(&runtime, limit)))
        });
        if arrived.is_none() {
            socket::wait_readable(&[event_fd.as_raw_fd(), self.signals.event_fd().as_raw_fd()], limit);
            event_fd.drain();
        }
    }

    /// Waits on the runtime until there is something for user code, or `limit` is over.
    async fn something_arrives(&self, runtime: &ThreadRuntime, limit: Option<Duration>) {
        let Ok(watched) = self.watch() else { return };
        let timer = async {
            match limit {
                Some(limit) => runtime.sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.context.lifecycle().wake().raised() => {}
            () = runtime::notified(&watched.mailboxes) => {}
            () = runtime::notified(&watched.signals) => {}
            () = std::future::poll_fn(|cx| self.context.handler().poll_ready(cx)) => {}
            () = timer => {}
        }
    }

    fn watch(&self) -> crate::error::Result<Rc<Watched>> {
        if let Some(watched) = &*self.watched.borrow() {
            return Ok(watched.clone());
        }
        let watched = Rc::new(Watched {
            mailboxes: runtime::watch(self.inboxes[0].mailbox.event_fd())?,
            signals: runtime::watch(self.signals.event_fd())?,
        });
        *self.watched.borrow_mut() = Some(watched.clone());
        Ok(watched)
    }

    /// Lets the runtime do its own work, without waiting.
    async fn poll_runtime(&self) {
        tokio::select! {
            biased;
            () = std::future::poll_fn(|cx| self.context.handler().poll_ready(cx)) => {}
            () = tokio::task::yield_now() => {}
        }
    }

    pub(super) fn sleep_limit(&self) -> Option<Duration> {
        let left = self.time_left();
        let shutdown = left.filter(|_| !admission::is_empty());
        let timer = self.context.timers().next_delay();
        let has_queue = self.context.state().task_queue().is_some() && self.context.role() == Role::TaskWorker;
        let queue = has_queue.then_some(TASK_QUEUE_POLL);
        let backlog = (self.context.queued_tasks() > 0).then_some(TASK_BACKLOG_POLL);
        let report = self.reporter.as_ref().and_then(ServiceReporter::next_delay);
        let clients = left.filter(|_| base_worker::awaits_clients(&self.context, left)).map(|_| SHUTDOWN_POLL);
        let user_code = self.context.handler().sleep_limit();
        [timer, user_code, queue, shutdown, backlog, clients, report].into_iter().flatten().min()
    }
}

/// A loop that is never idle polls the runtime once in this many ticks.
const TICKS_BETWEEN_POLLS: u64 = 61;
/// How often a worker whose tasks wait for room checks whether there is some.
const TASK_BACKLOG_POLL: Duration = Duration::from_millis(2);
/// How often a task worker checks a System V queue, which other programs may fill.
const TASK_QUEUE_POLL: Duration = Duration::from_millis(50);
