//! Statistics of the server.

use super::Context;
use crate::shm::slots::{ReactorSlot, WorkerSlot};
use crate::state::WorkerRow;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Counters of the server at one moment, summed over its processes.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Stats {
    /// Seconds since the epoch.
    pub start_time: u64,
    pub connections: u64,
    pub accepted: u64,
    pub closed: u64,
    /// Connections refused or aborted by the server.
    pub aborted: u64,
    pub workers: u32,
    pub task_workers: u32,
    pub user_processes: u32,
    pub idle_workers: u32,
    pub idle_task_workers: u32,
    /// Packets that reactors have read.
    pub requests: u64,
    pub responses: u64,
    pub dispatched: u64,
    /// Requests handled by this worker.
    pub own_requests: u64,
    pub own_responses: u64,
    pub own_dispatched: u64,
    pub recv_bytes: u64,
    pub send_bytes: u64,
    /// Tasks sent, and those of them without a result yet.
    pub tasks: u64,
    pub tasking: u64,
    /// Messages and bytes in the System V queue, where tasks travel by one.
    pub task_queue: Option<(u64, u64)>,
    /// Ids of the youngest and the oldest connection.
    pub max_session: u64,
    pub min_session: u64,
    pub sessions: u64,
    pub messages: u64,
    /// Requests in flight.
    pub concurrency: u64,
    pub own_concurrency: u64,
    /// Number of reloads.
    pub reloads: u64,
}

impl Context {
    /// The current counters.
    pub fn stats(&self) -> Stats {
        let state = self.state();
        let (server, config) = (state.server(), state.config());
        let sum = |pick: fn(&ReactorSlot) -> &AtomicU64| state.reactors().iter().map(|r| pick(r).load(Relaxed)).sum();
        let (workers, tasks) = (state.request_workers(), state.task_workers());
        let idle = |slots: &[WorkerSlot]| slots.iter().filter(|w| w.is_idle()).count() as u32;
        let own = |pick: fn(&WorkerSlot) -> &AtomicU64| self.own_slot().map_or(0, |w| pick(w).load(Relaxed));
        let ids = || state.registry().all().map(|(id, _, _)| id).filter(|id| !id.is_stream()).map(|id| id.0);
        Stats {
            start_time: server.start_time.load(Relaxed),
            connections: state.registry().count(),
            accepted: sum(|r| &r.accepted),
            closed: sum(|r| &r.closed),
            aborted: sum(|r| &r.aborted),
            workers: config.worker_num,
            task_workers: config.task_worker_num,
            user_processes: state.user_processes() as u32,
            idle_workers: idle(workers),
            idle_task_workers: idle(tasks),
            requests: sum(|r| &r.requests),
            responses: sum(|r| &r.responses),
            dispatched: workers.iter().map(|w| w.dispatched.load(Relaxed)).sum(),
            own_requests: own(|w| &w.requests),
            own_responses: own(|w| &w.responses),
            own_dispatched: own(|w| &w.dispatched),
            recv_bytes: sum(|r| &r.recv_bytes),
            send_bytes: sum(|r| &r.send_bytes),
            tasks: server.tasks.load(Relaxed),
            tasking: server.tasking.load(Relaxed),
            task_queue: state.task_queue().and_then(|q| q.status().ok()).map(|h| (h.messages, h.bytes)),
            max_session: ids().max().unwrap_or(0),
            min_session: ids().min().unwrap_or(0),
            sessions: server.next_session.load(Relaxed) - config.start_session_id,
            messages: server.messages.load(Relaxed),
            concurrency: workers.iter().map(|w| w.concurrency.load(Relaxed)).sum(),
            own_concurrency: own(|w| &w.concurrency),
            reloads: u64::from(server.reloads.load(Relaxed)),
        }
    }
}
