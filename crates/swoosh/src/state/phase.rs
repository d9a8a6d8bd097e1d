//! Phases of a server, and requests to its manager.

/// Phase of the server's life. A server only moves to a later phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ServerPhase {
    /// Its processes are being forked.
    Starting = 0,
    /// It serves.
    Running = 1,
    /// It accepts no new connection; workers finish what was accepted.
    Ending = 2,
    /// Workers have ended.
    Ended = 3,
}

/// A request of another process to the manager: a bit of
/// [`ServerSlot::manager_requests`](crate::shm::slots::ServerSlot::manager_requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ManagerRequest {
    /// Workers and task workers are to be replaced.
    Reload = 1,
    /// Task workers are to be replaced.
    ReloadTaskWorkers = 2,
    /// The server is to end, in order.
    Shutdown = 4,
}
