//! Kinds and states of numbered processes.

use crate::shm::slots::WorkerSlot;
use std::sync::atomic::Ordering::Relaxed;

/// The kind of work of a numbered process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// Handles requests.
    Worker,
    /// Handles tasks.
    TaskWorker,
    /// Runs user code added with `addProcess`.
    User,
}

/// Activity of a worker, as its row shows it. The numbers are those of `SWOOLE_WORKER_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum WorkerStatus {
    /// Handles a request.
    Busy = 1,
    /// Waits for requests.
    Idle = 2,
    /// Shuts down.
    Exiting = 3,
}

/// Typed access to a worker's row.
pub trait WorkerRow {
    /// Records what the worker does.
    fn set_status(&self, status: WorkerStatus);
    /// Whether it waits for requests.
    fn is_idle(&self) -> bool;
    /// Whether it handles a request.
    fn is_busy(&self) -> bool;
    /// The incarnation that runs: 1 for the first process with this number.
    fn current_generation(&self) -> u32;
}

impl WorkerRow for WorkerSlot {
    fn set_status(&self, status: WorkerStatus) {
        self.status.store(status as u32, Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.status.load(Relaxed) == WorkerStatus::Idle as u32
    }

    fn is_busy(&self) -> bool {
        self.status.load(Relaxed) == WorkerStatus::Busy as u32
    }

    fn current_generation(&self) -> u32 {
        self.generation.load(Relaxed)
    }
}
