//! The async runtime of a process, and the futures that user code runs on it.

use super::{Context, Inner, Role};
use crate::error::{Error, Result};
use crate::runtime::{self, ThreadRuntime};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// The runtime of one process, where it has one.
#[derive(Default)]
pub(crate) struct Executor {
    handle: OnceCell<tokio::runtime::Handle>,
    /// The runtime itself, in workers and task workers.
    runtime: RefCell<Option<Rc<ThreadRuntime>>>,
    /// Futures of user code that have not ended.
    futures: Cell<usize>,
}

impl Executor {
    /// Uses a runtime that belongs to somebody else.
    pub(crate) fn set_handle(&self, handle: tokio::runtime::Handle) {
        let _ = self.handle.set(handle);
    }

    /// The runtime of a worker, where it has one by now.
    pub(crate) fn runtime(&self) -> Option<Rc<ThreadRuntime>> {
        self.runtime.borrow().clone()
    }

    /// Takes the runtime out: the worker ends.
    pub(crate) fn take_runtime(&self) -> Option<Rc<ThreadRuntime>> {
        self.runtime.take()
    }

    /// Number of futures of user code that have not ended.
    pub(crate) fn futures(&self) -> usize {
        self.futures.get()
    }
}

impl Context {
    /// The async runtime that this process's loop sleeps on. Workers whose handler does not run inside a runtime get it with
    /// the first call; from then on their loop sleeps there.
    ///
    /// # Errors
    /// Where no descriptors are left, and in a process without a loop of the engine.
    pub fn runtime(&self) -> Result<tokio::runtime::Handle> {
        let executor = self.executor();
        if let Some(handle) = executor.handle.get() {
            return Ok(handle.clone());
        }
        if !matches!(self.role(), Role::Worker | Role::TaskWorker) {
            return Err(Error::State {
                operation: "make an event loop",
                reason: "this process has no loop of the engine's".into(),
            });
        }
        let context = self.clone();
        let refresh_clock = move || {
            if let Some(owner) = context.owner() {
                owner.refresh_clock();
            }
        };
        let runtime = runtime::for_this_thread(|| (), refresh_clock)?;
        let handle = executor.handle.get_or_init(|| runtime.handle().clone()).clone();
        *executor.runtime.borrow_mut() = Some(Rc::new(runtime));
        Ok(handle)
    }

    /// Runs a future on this process's event loop, beside everything else. A process that is to end waits for its futures
    /// first, as far as `max_wait_time` allows.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        match self.executor().handle.get() {
            Some(runtime) => {
                let running = RunningFuture::new(self);
                runtime.spawn(send_wrapper::SendWrapper::new(async move {
                    let _running = running;
                    future.await;
                }));
                self.lifecycle().wake().raise();
            }
            None => crate::log::error!("spawn a future: this process has no event loop"),
        }
    }
}

/// A future that has not ended.
struct RunningFuture(Weak<Inner>);

impl RunningFuture {
    fn new(context: &Context) -> Self {
        let futures = &context.executor().futures;
        futures.set(futures.get() + 1);
        RunningFuture(Rc::downgrade(&context.0))
    }
}

impl Drop for RunningFuture {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            inner.executor.futures.set(inner.executor.futures.get() - 1);
            if inner.lifecycle.is_stopping() {
                inner.lifecycle.wake().raise();
            }
        }
    }
}
