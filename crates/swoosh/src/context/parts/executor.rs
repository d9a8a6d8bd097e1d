//! The async runtime of a process, and the futures of user code on it.

use super::lifecycle::Lifecycle;
use crate::runtime::ThreadRuntime;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use tokio::runtime::Handle;

/// The runtime of one process, where it has one.
#[derive(Default)]
pub(crate) struct Executor {
    handle: OnceCell<Handle>,
    /// The runtime itself, in workers and task workers.
    runtime: RefCell<Option<Rc<ThreadRuntime>>>,
    /// Futures of user code that have not ended.
    futures: Rc<Cell<usize>>,
}

impl Executor {
    /// Uses a runtime that belongs to somebody else.
    pub(crate) fn set_handle(&self, handle: Handle) {
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

    /// The runtime's handle, where this process has a runtime.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// Uses the runtime of a worker from here on.
    pub(crate) fn set_runtime(&self, runtime: ThreadRuntime) -> &Handle {
        let handle = self.handle.get_or_init(|| runtime.handle().clone());
        *self.runtime.borrow_mut() = Some(Rc::new(runtime));
        handle
    }

    /// A future of user code starts.
    pub(crate) fn begin_future(&self, lifecycle: Rc<Lifecycle>) -> RunningFuture {
        self.futures.set(self.futures.get() + 1);
        RunningFuture { futures: self.futures.clone(), lifecycle }
    }
}

/// A future of user code that has not ended.
pub(crate) struct RunningFuture {
    futures: Rc<Cell<usize>>,
    lifecycle: Rc<Lifecycle>,
}

impl Drop for RunningFuture {
    fn drop(&mut self) {
        self.futures.set(self.futures.get() - 1);
        if self.lifecycle.is_stopping() {
            self.lifecycle.wake().raise();
        }
    }
}
