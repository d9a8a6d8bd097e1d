//! Read-write locks, semaphores and spin locks made of robust mutexes.
//!
//! Invariant: every holder has locked a mutex, which the kernel releases when the holder dies. A reader holds one of
//! many reader mutexes. A writer holds the gate, which readers pass on their way in, once no reader mutex is held. A
//! permit of a semaphore is one mutex. No counter exists that a dead process could leave wrong. Proven by
//! `tests/prove_locks.rs`.

use super::sync::{
    AtomicU32, AtomicU64, DEATH_CHECK_INTERVAL, LockError, Ordering, RobustMutex, SPINS, WaitMode, futex,
};
use std::time::{Duration, Instant};

/// The beginning of a lock's memory; the mutexes of readers or permits follow.
#[repr(C, align(64))]
pub(crate) struct LockHead {
    /// The lock itself, or the gate that readers pass and writers keep.
    pub(crate) gate: RobustMutex,
    /// Counts returned permits, for futex waits.
    pub(crate) released: AtomicU32,
    /// Waiters for a permit. One that died waiting stays counted, which costs a needless futex call per release.
    pub(crate) waiters: AtomicU32,
    /// The index at which a free mutex was found last.
    pub(crate) hint: AtomicU32,
    /// One bit per reader mutex that is held. A reader sets it while it holds gate and mutex, and clears it before it
    /// releases the mutex. A bit whose mutex is free was left by a dead reader.
    pub(crate) reader_bits: AtomicU64,
}

/// A lock's memory.
#[derive(Clone, Copy)]
pub(crate) struct RobustLock<'a> {
    /// The beginning.
    pub(crate) head: &'a LockHead,
    /// The mutexes of readers or permits.
    pub(crate) mutexes: &'a [RobustMutex],
}

impl RobustLock<'_> {
    /// Acquires the gate: tries repeatedly before it sleeps. `true` if the last owner died.
    pub(crate) fn spin(self, wait: WaitMode) -> Result<bool, LockError> {
        let gate = &self.head.gate;
        let tries = if wait == WaitMode::NonBlocking { 1 } else { SPINS };
        for _ in 0..tries {
            match gate.acquire(WaitMode::NonBlocking) {
                Err(LockError::Busy) => std::hint::spin_loop(),
                other => return other,
            }
        }
        if wait == WaitMode::NonBlocking { Err(LockError::Busy) } else { gate.acquire(wait) }
    }

    /// Acquires the lock as its only holder. `true` if the last owner of the gate died.
    pub(crate) fn write(self, wait: WaitMode) -> Result<bool, LockError> {
        let deadline = Deadline::after(wait);
        let head = self.head;
        let died = head.gate.acquire(wait)?;
        loop {
            let readers = head.reader_bits.load(Ordering::Acquire);
            if readers == 0 {
                return Ok(died);
            }
            // No reader enters any more. Each one inside leaves, or has died and left its bit.
            let n = readers.trailing_zeros() as usize;
            if let Err(error) = self.mutexes[n].acquire(deadline.remaining()) {
                let _ = head.gate.release();
                return Err(error);
            }
            head.reader_bits.fetch_and(!(1 << n), Ordering::Relaxed);
            let _ = self.mutexes[n].release();
        }
    }

    /// Acquires the lock beside other readers. `true` if the last owner of the gate died; the death of a reader is not
    /// reported, because a reader changes nothing.
    pub(crate) fn read(self, wait: WaitMode) -> Result<bool, LockError> {
        let deadline = Deadline::after(wait);
        let head = self.head;
        let died = head.gate.acquire(wait)?;
        let taken = match self.take_any() {
            Some((n, _)) => Ok(n),
            None => self.mutexes[0].acquire(deadline.remaining()).map(|_| 0),
        };
        if let Ok(n) = taken {
            head.reader_bits.fetch_or(1 << n, Ordering::Relaxed);
        }
        let _ = head.gate.release();
        taken.map(|_| died)
    }

    /// Releases the lock of a writer or of a reader. Only a writer holds the gate.
    pub(crate) fn unlock(self) -> Result<(), LockError> {
        if self.head.gate.release().is_ok() {
            return Ok(());
        }
        let n = self.indexes().find(|n| self.mutexes[*n].is_held_by_this_thread()).ok_or(LockError::NotOwner)?;
        self.head.reader_bits.fetch_and(!(1 << n), Ordering::Release);
        self.mutexes[n].release()
    }

    /// Acquires a permit. `true` if its last holder died.
    pub(crate) fn take_permit(self, wait: WaitMode) -> Result<bool, LockError> {
        let deadline = Deadline::after(wait);
        let head = self.head;
        loop {
            let released = head.released.load(Ordering::Acquire);
            if let Some((_, died)) = self.take_any() {
                return Ok(died);
            }
            let limit = match deadline.remaining() {
                WaitMode::NonBlocking => return Err(LockError::Busy),
                WaitMode::Timeout(left) => left.min(DEATH_CHECK_INTERVAL),
                WaitMode::Blocking => DEATH_CHECK_INTERVAL,
            };
            // The kernel releases the permit of a holder that dies without waking this futex, hence the limit.
            head.waiters.fetch_add(1, Ordering::AcqRel);
            futex::wait(&head.released, released, Some(limit));
            head.waiters.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Returns a permit that this thread holds.
    pub(crate) fn give_permit(self) -> Result<(), LockError> {
        let head = self.head;
        self.indexes().find(|n| self.mutexes[*n].release().is_ok()).ok_or(LockError::NotOwner)?;
        head.released.fetch_add(1, Ordering::Release);
        // Either this call sees the waiter, or the waiter sees `released` changed. A plain load could miss the waiter.
        if head.waiters.fetch_add(0, Ordering::AcqRel) > 0 {
            futex::wake(&head.released, 1);
        }
        Ok(())
    }

    /// Acquires the first free mutex: its index, and whether its owner died.
    fn take_any(self) -> Option<(usize, bool)> {
        self.indexes().find_map(|n| {
            let died = self.mutexes[n].acquire(WaitMode::NonBlocking).ok()?;
            self.head.hint.store(n as u32, Ordering::Relaxed);
            Some((n, died))
        })
    }

    /// All indexes, starting with the hint.
    fn indexes(self) -> impl Iterator<Item = usize> {
        let (first, count) = (self.head.hint.load(Ordering::Relaxed) as usize, self.mutexes.len());
        (first..first + count).map(move |n| n % count)
    }
}

/// The moment at which a wait ends.
pub(crate) struct Deadline(WaitMode, Option<Instant>);

impl Deadline {
    /// The wait starts now.
    pub(crate) fn after(wait: WaitMode) -> Self {
        match wait {
            WaitMode::Timeout(time) => Deadline(wait, Instant::now().checked_add(time)),
            _ => Deadline(wait, None),
        }
    }

    /// The remaining wait; `NonBlocking` once the time is over.
    pub(crate) fn remaining(&self) -> WaitMode {
        match (self.0, self.1) {
            (WaitMode::Timeout(_), None) => WaitMode::Blocking,
            (WaitMode::Timeout(_), Some(end)) => match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => WaitMode::NonBlocking,
                left => WaitMode::Timeout(left),
            },
            (wait, _) => wait,
        }
    }
}
