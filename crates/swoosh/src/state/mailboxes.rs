//! Where messages and descriptors for each process of a server wait.

use crate::config::Mode;
use crate::error::Result;
use crate::ids::WorkerId;
use crate::ipc::handover::Handover;
use crate::ipc::mailbox::{Mailbox, new_event_fd};
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::sys::fd_channel::FdChannel;

/// The mailboxes, handovers and descriptor channels of a server, created before the first fork.
pub struct Mailboxes {
    requests: Vec<Mailbox>,
    handovers: Vec<Handover>,
    stored_bodies: Vec<FdChannel>,
    files_to_send: Vec<FdChannel>,
    messages: Vec<Mailbox>,
    to_manager: Mailbox,
    /// `None` for task workers.
    results: Vec<Option<Mailbox>>,
    commands: Vec<Mailbox>,
}

impl Mailboxes {
    /// Reserves what the processes with the rows `worker_slots`, of which the first `workers` are request workers and the next
    /// `tasks` are task workers, and the connections' owners with the rows `reactor_slots` need. `stores_bodies`: reactors
    /// store long request bodies in files.
    pub(super) fn reserve(
        mode: Mode,
        workers: usize,
        tasks: usize,
        stores_bodies: bool,
        server: &'static ServerSlot,
        worker_slots: &'static [WorkerSlot],
        reactor_slots: &'static [ReactorSlot],
    ) -> Result<Self> {
        let in_process_mode = mode == Mode::Process;
        let (mut requests, mut handovers) = (Vec::new(), Vec::new());
        let channels = if stores_bodies && in_process_mode { workers } else { 0 };
        let stored_bodies = (0..channels).map(|_| FdChannel::new()).collect::<std::result::Result<_, _>>()?;
        let files_to_send = reactor_slots.iter().map(|_| FdChannel::new()).collect::<std::result::Result<_, _>>()?;
        let (mut messages, mut results) = (Vec::new(), Vec::new());
        for (id, slot) in worker_slots.iter().enumerate() {
            let (event_fd, sleeping) = (new_event_fd()?, &slot.sleeping);
            if id < workers && in_process_mode {
                requests.push(Mailbox::new(REQUESTS_CAPACITY, "requests", event_fd, sleeping)?);
                handovers.push(Handover::new()?);
            }
            messages.push(Mailbox::new(MESSAGES_CAPACITY, "messages and tasks", event_fd, sleeping)?);
            let takes_results = !(workers..workers + tasks).contains(&id);
            let result_box = || Mailbox::new(RESULTS_CAPACITY, "results of tasks", event_fd, sleeping);
            results.push(takes_results.then(result_box).transpose()?);
        }
        let to_manager =
            Mailbox::new(MANAGER_CAPACITY, "messages to the manager", new_event_fd()?, &server.manager_sleeping)?;
        let reactors = if in_process_mode { reactor_slots } else { &[] };
        let commands = reactors
            .iter()
            .map(|slot| Mailbox::new(COMMANDS_CAPACITY, "replies", new_event_fd()?, &slot.sleeping))
            .collect::<Result<_>>()?;
        Ok(Mailboxes { requests, handovers, stored_bodies, files_to_send, messages, to_manager, results, commands })
    }

    /// Reactors -> worker: requests. By worker; none in base mode.
    #[inline]
    pub fn requests(&self) -> &[Mailbox] {
        &self.requests
    }

    /// Worker -> its successor: requests that were taken and not handled. `None` in base mode, and for other processes.
    pub fn handover(&self, worker: WorkerId) -> Option<&Handover> {
        self.handovers.get(worker.0 as usize)
    }

    /// Reactors -> worker: request bodies stored in files. `None` in base mode, where no port speaks HTTP, and for other
    /// processes.
    pub fn stored_bodies(&self, worker: WorkerId) -> Option<&FdChannel> {
        self.stored_bodies.get(worker.0 as usize)
    }

    /// Any process -> owner of connections: open files that `SendFile` commands name. By reactor thread or base worker.
    pub fn files_to_send(&self, owner: u32) -> Option<&FdChannel> {
        self.files_to_send.get(owner as usize)
    }

    /// Any process -> process: messages, tasks, commands for another base worker's connections.
    #[inline]
    pub fn messages(&self, process: WorkerId) -> Option<&Mailbox> {
        self.messages.get(process.0 as usize)
    }

    /// Any process -> manager: messages. Not read where there is no manager.
    pub fn to_manager(&self) -> &Mailbox {
        &self.to_manager
    }

    /// Task workers -> process: results. `None` for task workers.
    pub fn results(&self, process: WorkerId) -> Option<&Mailbox> {
        self.results.get(process.0 as usize)?.as_ref()
    }

    /// Any process -> reactor thread: commands for its connections. By reactor thread; none in base mode.
    #[inline]
    pub fn commands(&self) -> &[Mailbox] {
        &self.commands
    }

    /// Wakes every process and reactor thread that takes messages, results or commands.
    pub(crate) fn wake_receivers(&self) {
        for mailbox in self.commands.iter().chain(&self.messages).chain(self.results.iter().flatten()) {
            mailbox.event_fd().notify();
        }
    }
}

// Capacities of mailboxes in bytes.
const REQUESTS_CAPACITY: usize = 1 << 20;
const MESSAGES_CAPACITY: usize = 4 << 20;
const MANAGER_CAPACITY: usize = 256 << 10;
const RESULTS_CAPACITY: usize = 1 << 20;
const COMMANDS_CAPACITY: usize = 1 << 20;
