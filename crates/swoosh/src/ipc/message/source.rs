//! The sender of a message.

use crate::ids::WorkerId;

/// The sender of a message. Pieces of long messages are joined per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(u16);

impl Source {
    /// The manager, or the master.
    pub const HEAD: Source = Source(0xFFFE);

    /// A worker, task worker or user process.
    pub fn process(id: WorkerId) -> Self {
        Source(id.0 as u16)
    }

    /// A reactor thread.
    pub fn reactor(id: u16) -> Self {
        Source(FIRST_REACTOR + id)
    }

    /// A process that user code has forked. A source for each, so that the pieces of what two of them send are not mixed.
    pub fn foreign_child(pid: i32) -> Self {
        Source(FIRST_FOREIGN_CHILD + (pid % FOREIGN_CHILDREN) as u16)
    }

    /// The number that user code sees; a process of the server has its own, every other sender one above 32767.
    pub fn worker_id(self) -> WorkerId {
        WorkerId(u32::from(self.0))
    }

    pub(in crate::ipc) fn bits(self) -> u16 {
        self.0
    }

    pub(in crate::ipc) fn from_bits(bits: u16) -> Self {
        Source(bits)
    }
}

/// Most processes that a server may have.
pub const MAX_PROCESSES: usize = FIRST_REACTOR as usize;

const FIRST_REACTOR: u16 = 0x8000;
const FIRST_FOREIGN_CHILD: u16 = 0xC000;
const FOREIGN_CHILDREN: i32 = 0x3F00;
