//! A worker of a pool, as its code sees it.
//!
//! Runs in: the process that the supervisor forked for it.

use super::inbox::Inbox;
use super::pipe::Pipe;
use super::shared::Shared;
use crate::error::Result;
use crate::sys::process;
use crate::sys::signal::{self, Signals};
use crate::sys::socket;
use std::cell::Cell;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A worker of a pool, as its code sees it: [`Work::worker_start`](super::Work::worker_start) gets one.
#[derive(Debug, Clone)]
pub struct Worker(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Rc<Shared>,
    signals: Signals,
    id: u32,
    stop_requested: Cell<bool>,
    /// Messages that this process has handled.
    handled: Cell<u64>,
}

impl Worker {
    pub(super) fn new(shared: Rc<Shared>, id: u32) -> Result<Self> {
        let signals = Signals::install(&[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT], &[])?;
        // The supervisor handles an interrupt from the terminal.
        signal::discard(&DISCARDED)?;
        crate::sys::parent_death::set_parent_death_signal(libc::SIGKILL, shared.supervisor);
        shared.slots[id as usize].pid.store(process::pid(), Relaxed);
        Ok(Worker(Rc::new(Inner { shared, signals, id, stop_requested: Cell::new(false), handled: Cell::new(0) })))
    }

    /// The worker's number, from 0; a replacement has the same.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The number of processes that had this worker's number before.
    pub fn generation(&self) -> u32 {
        self.0.shared.slots[self.0.id as usize].starts.load(Relaxed).saturating_sub(1)
    }

    /// The process id of a worker; `None` if none with that number runs.
    pub fn pid_of(&self, id: u32) -> Option<i32> {
        self.0.shared.pid(id)
    }

    /// Like [`pid_of`](Self::pid_of), for a worker that may just be starting: waits `limit` for it at most.
    pub fn await_pid_of(&self, id: u32, limit: Duration) -> Option<i32> {
        let end = Instant::now() + limit;
        loop {
            let pid = self.pid_of(id);
            if pid.is_some() || id >= self.0.shared.options.workers || self.should_stop() || Instant::now() >= end {
                return pid;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether the worker was asked to end: its code should return soon.
    pub fn should_stop(&self) -> bool {
        if !self.0.stop_requested.get() && self.0.signals.take().contains(libc::SIGTERM) {
            self.0.stop_requested.set(true);
        }
        self.0.stop_requested.get()
    }

    /// Gives SIGTERM its default action, for code that never calls [`should_stop`](Worker::should_stop): the worker ends at
    /// once when it is asked to.
    pub fn die_when_told(&self) {
        signal::restore_defaults(&[libc::SIGTERM]);
    }

    /// Ends the effect of [`die_when_told`](Worker::die_when_told): from here on the code calls `should_stop`.
    ///
    /// # Errors
    /// If the kernel refuses the handler.
    pub fn stop_when_told(&self) -> Result<()> {
        Ok(signal::record_pending(&[libc::SIGTERM])?)
    }

    /// Ends this worker, as if it had been asked to; it is replaced.
    pub fn stop(&self) {
        self.0.stop_requested.set(true);
    }

    /// A descriptor that is readable when a signal has arrived; call [`should_stop`](Worker::should_stop) then.
    pub fn event_fd(&self) -> RawFd {
        self.0.signals.event_fd().as_raw_fd()
    }

    /// Sleeps for `time`, or until the worker is asked to end, and then returns false.
    pub fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.should_stop() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            socket::wait_readable(&[self.event_fd()], Some(left));
        }
        false
    }

    /// Sends a message to a worker of the pool, itself included; waits at most one second for room.
    ///
    /// # Errors
    /// If there is no such worker, the pool has no sockets between workers, or there was no room in time.
    pub fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        self.0.shared.send(to, data)
    }

    /// A worker's pipe: in that worker itself its receiving end, in every other process the sending end.
    pub fn pipe_of(&self, id: u32) -> Option<&Pipe> {
        let pipe = self.0.shared.pipes.get(id as usize)?;
        Some(if id == self.0.id { &pipe.local } else { &pipe.remote })
    }

    /// Tells the whole pool to end.
    pub fn shut_down(&self) -> bool {
        process::kill(self.0.shared.supervisor, libc::SIGTERM)
    }

    /// Detaches this process from the supervisor, which starts a replacement. It receives no more messages, may outlive the
    /// pool, and ends when its code does.
    pub fn detach(&self) {
        crate::sys::parent_death::clear_parent_death_signal();
        self.0.shared.slots[self.0.id as usize].detached.store(process::pid(), Relaxed);
        self.0.shared.event_fd.notify();
        self.0.stop_requested.set(true);
    }

    /// The inbox of the worker's messages.
    ///
    /// # Errors
    /// If no epoll(7) descriptor can be made.
    pub fn inbox(&self) -> Result<Inbox> {
        Inbox::new(self.0.shared.clone(), self.0.id)
    }

    /// Counts a handled message; false after the last one that this process may handle.
    pub fn count_handled(&self) -> bool {
        self.0.shared.slots[self.0.id as usize].handled.fetch_add(1, Relaxed);
        self.0.handled.set(self.0.handled.get() + 1);
        let most = self.0.shared.options.max_requests;
        most == 0 || self.0.handled.get() < most
    }

    /// Reports this worker as ready, so that a reload may continue with the next one.
    pub fn mark_ready(&self) {
        let slot = &self.0.shared.slots[self.0.id as usize];
        slot.serves.store(slot.starts.load(Relaxed), Relaxed);
        self.0.shared.event_fd.notify();
    }
}

/// Signals that a terminal, logrotate or a supervisor sends by habit.
pub(super) const DISCARDED: [i32; 5] = [libc::SIGHUP, libc::SIGALRM, libc::SIGPIPE, libc::SIGUSR1, libc::SIGUSR2];
