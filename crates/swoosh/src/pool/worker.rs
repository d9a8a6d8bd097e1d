//! A worker of a pool.
//!
//! Runs in: the process that the supervisor has forked for it.

use super::{Inbox, Message, Pipe, Shared, Work};
use crate::error::Result;
use crate::handler::Flow;
use crate::sys::process;
use crate::sys::signal::Signals;
use crate::sys::socket;
use std::cell::Cell;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A worker, as its code sees it.
#[derive(Debug, Clone)]
pub struct Worker(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Rc<Shared>,
    signals: Signals,
    id: u32,
    told: Cell<bool>,
    /// Messages that this process has handled.
    handled: Cell<u64>,
}

impl Worker {
    pub(super) fn new(shared: Rc<Shared>, id: u32) -> Result<Self> {
        let signals = Signals::install(&[libc::SIGTERM, libc::SIGINT], &[])?;
        // An interrupt from the terminal is for the supervisor; both may be user code's instead.
        signals.allow_subscription(libc::SIGTERM);
        signals.allow_subscription(libc::SIGINT);
        process::set_parent_death_signal(libc::SIGKILL, shared.supervisor);
        shared.slots[id as usize].pid.store(process::pid(), Relaxed);
        Ok(Worker(Rc::new(Inner { shared, signals, id, told: Cell::new(false), handled: Cell::new(0) })))
    }

    /// Its number, from 0; its successors have the same.
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// How many had this number before it.
    pub fn generation(&self) -> u32 {
        self.0.shared.slots[self.0.id as usize].starts.load(Relaxed).saturating_sub(1)
    }

    /// Process id of the supervisor.
    pub fn supervisor_pid(&self) -> i32 {
        self.0.shared.supervisor
    }

    /// Process id of a worker of the pool; `None` while there is none of that number.
    pub fn pid_of(&self, id: u32) -> Option<i32> {
        self.0.shared.pid(id)
    }

    /// Whether it has been told to end: its code is to return soon.
    pub fn should_stop(&self) -> bool {
        if !self.0.told.get() && self.0.signals.take().contains(libc::SIGTERM) {
            self.0.told.set(true);
        }
        self.0.told.get()
    }

    /// Ends this worker as if it had been told to: it is replaced.
    pub fn stop(&self) {
        self.0.told.set(true);
    }

    /// Can be read when it was told to end, or something else has come that [`should_stop`](Worker::should_stop) looks at.
    pub fn event_fd(&self) -> RawFd {
        self.0.signals.event_fd().as_raw_fd()
    }

    /// Sleeps, but not beyond the moment at which it is told to end; `false` if it was.
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

    /// Sends a message to a worker of the pool, itself included; waits for room for a second at most.
    ///
    /// Fails where there is no such worker, or it takes no messages from others, or not in time.
    pub fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        self.0.shared.send(to, data)
    }

    /// Of worker `id`'s pipe: its own end in that worker, in every other process the one that leads there.
    pub fn pipe_of(&self, id: u32) -> Option<&Pipe> {
        let (entrance, own) = self.0.shared.pipes.get(id as usize)?;
        Some(if id == self.0.id { own } else { entrance })
    }

    /// Tells the whole pool to end.
    pub fn shut_down(&self) -> bool {
        process::kill(self.0.shared.supervisor, libc::SIGTERM)
    }

    /// From now on nobody looks after this process, and another one takes its place. It gets no more messages, may
    /// outlive the pool, and ends when its code does.
    pub fn detach(&self) {
        process::clear_parent_death_signal();
        self.0.shared.slots[self.0.id as usize].detached.store(process::pid(), Relaxed);
        self.0.shared.event_fd.notify();
        self.0.told.set(true);
    }

    /// Where its messages come in.
    pub fn inbox(&self) -> Result<Inbox> {
        Inbox::new(self.0.shared.clone(), self.0.id)
    }

    /// Counts a message that was handled; `false`: it was the last one of this process.
    pub fn count_handled(&self) -> bool {
        self.0.shared.slots[self.0.id as usize].handled.fetch_add(1, Relaxed);
        self.0.handled.set(self.0.handled.get() + 1);
        let most = self.0.shared.pool.max_requests;
        most == 0 || self.0.handled.get() < most
    }

    /// Its life, where it has no event loop of its own: see [`Work`].
    pub fn serve(&self, work: &impl Work) -> i32 {
        match self.live(work) {
            Ok(()) => 0,
            Err(stop) => stop.code,
        }
    }

    /// Says that this worker does its work from now on, so that a reload may go on with the next.
    pub fn serves(&self) {
        let slot = &self.0.shared.slots[self.0.id as usize];
        slot.serves.store(slot.starts.load(Relaxed), Relaxed);
        self.0.shared.event_fd.notify();
    }

    fn live(&self, work: &impl Work) -> Flow {
        if !work.takes_messages() {
            self.serves();
        }
        work.worker_start(self)?;
        self.serves();
        if work.takes_messages() && !self.should_stop() {
            match self.inbox() {
                Ok(mut inbox) => self.take_messages(work, &mut inbox)?,
                Err(e) => crate::log::error!("worker {}: {e}", self.0.id),
            }
        }
        work.worker_stop(self)
    }

    fn take_messages(&self, work: &impl Work, inbox: &mut Inbox) -> Flow {
        let mut more = true;
        let mut given: Result<Option<Message>> = Ok(None);
        while more && !self.should_stop() {
            match given.and_then(|given| if given.is_some() { Ok(given) } else { inbox.take() }) {
                Ok(Some(message)) => more = self.handle(work, inbox, message)?,
                Ok(None) => {
                    given = inbox.wait(self.event_fd(), None);
                    continue;
                }
                Err(e) => {
                    crate::log::error!("worker {}: {e}", self.0.id);
                    return Ok(());
                }
            }
            given = Ok(None);
        }
        // Whoever came in is served: they cannot come in elsewhere any more.
        inbox.close_entrance();
        if inbox.clients() > 0 {
            work.worker_exit(self)?;
        }
        let until = Instant::now() + LAST_CLIENTS;
        while inbox.clients() > 0 && Instant::now() < until {
            match inbox.take() {
                Ok(Some(message)) => drop(self.handle(work, inbox, message)?),
                _ => drop(inbox.wait(inbox.descriptor(), Some(until.saturating_duration_since(Instant::now())))),
            }
        }
        Ok(())
    }

    fn handle(&self, work: &impl Work, inbox: &mut Inbox, mut message: Message) -> Flow<bool> {
        work.message(self, &mut message)?;
        inbox.answer(message);
        Ok(self.count_handled())
    }
}

/// How long a worker that is to end waits for clients that have connected.
const LAST_CLIENTS: Duration = Duration::from_millis(500);
