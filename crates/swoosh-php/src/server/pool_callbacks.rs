//! The callbacks of a process pool, and the properties that differ between its processes.

use std::rc::Rc;
use swoosh_zend::Callable;

/// The callbacks that user code registered.
#[derive(Default)]
#[allow(missing_docs)]
pub struct PoolCallbacks {
    pub start: Option<Rc<Callable>>,
    pub shutdown: Option<Rc<Callable>>,
    pub worker_start: Option<Rc<Callable>>,
    pub worker_stop: Option<Rc<Callable>>,
    pub worker_exit: Option<Rc<Callable>>,
    pub message: Option<Rc<Callable>>,
}

/// Callbacks in the order of [`EVENTS`].
pub fn callbacks(mut callbacks: [Option<Rc<Callable>>; EVENTS.len()]) -> PoolCallbacks {
    let mut take = |n: usize| callbacks[n].take();
    PoolCallbacks {
        start: take(0),
        shutdown: take(1),
        worker_start: take(2),
        worker_stop: take(3),
        worker_exit: take(4),
        message: take(5),
    }
}

/// Slots of the properties that differ between processes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct PoolSlots {
    pub master_pid: usize,
    pub worker_id: usize,
    pub worker_pid: usize,
    pub worker_running: usize,
    pub running: usize,
}

/// Events: lower-case name, and the private property that holds the callback.
pub const EVENTS: [(&str, &str); 6] = [
    ("start", "onStart"),
    ("shutdown", "onShutdown"),
    ("workerstart", "onWorkerStart"),
    ("workerstop", "onWorkerStop"),
    ("workerexit", "onWorkerExit"),
    ("message", "onMessage"),
];
