//! Who may go in: locks for readers and writers, semaphores and spinning, made of robust mutexes.
//!
//! The rule it protects: whoever is inside holds a mutex, which the kernel frees when he dies. Reading is holding one of many
//! mutexes, writing is holding the door that readers pass on their way in, once none of theirs is held; a permit of a
//! semaphore is one of them. Nothing is counted that a dead process could leave wrong. Proven by `tests/prove_locks.rs`.

use super::sync::{AtomicU32, AtomicU64, LOOK_AGAIN, LockError, Ordering, RobustMutex, SPINS, WaitMode, futex};
use std::time::{Duration, Instant};

/// What lies in a lock's memory, followed by the mutexes of readers or permits.
#[repr(C, align(64))]
pub struct Head {
    /// The lock itself, or the door that readers pass and writers keep.
    pub door: RobustMutex,
    /// Permits given back, for those who wait for one.
    pub freed: AtomicU32,
    /// How many wait for one; those who died waiting are counted for ever, which costs a call of the kernel.
    pub waiting: AtomicU32,
    /// Where a free mutex was found last.
    pub hint: AtomicU32,
    /// Which mutexes readers hold. A bit is set behind the door, by who holds its mutex, who clears it before giving that
    /// back; one whose mutex is free was left by a dead reader.
    pub reading: AtomicU64,
}

/// A lock's memory.
#[derive(Clone, Copy)]
pub struct RobustLock<'a> {
    /// Its beginning.
    pub head: &'a Head,
    /// The mutexes behind it.
    pub more: &'a [RobustMutex],
}

impl RobustLock<'_> {
    /// Takes the door; tries again and again for a while before it sleeps.
    pub fn spin(self, wait: WaitMode) -> Result<bool, LockError> {
        let door = &self.head.door;
        let tries = if wait == WaitMode::NonBlocking { 1 } else { SPINS };
        for _ in 0..tries {
            match door.acquire(WaitMode::NonBlocking) {
                Err(LockError::Busy) => std::hint::spin_loop(),
                other => return other,
            }
        }
        if wait == WaitMode::NonBlocking { Err(LockError::Busy) } else { door.acquire(wait) }
    }

    /// Goes in alone. True if the last one who had the door died.
    pub fn write(self, wait: WaitMode) -> Result<bool, LockError> {
        let end = End::of(wait);
        let head = self.head;
        let died = head.door.acquire(wait)?;
        loop {
            let reading = head.reading.load(Ordering::Acquire);
            if reading == 0 {
                return Ok(died);
            }
            // Nobody new comes in. Who is there leaves, or has died and left a bit.
            let n = reading.trailing_zeros() as usize;
            if let Err(why) = self.more[n].acquire(end.left()) {
                let _ = head.door.release();
                return Err(why);
            }
            head.reading.fetch_and(!(1 << n), Ordering::Relaxed);
            let _ = self.more[n].release();
        }
    }

    /// Goes in beside other readers. A dead reader has changed nothing: nobody is told of it.
    pub fn read(self, wait: WaitMode) -> Result<bool, LockError> {
        let end = End::of(wait);
        let head = self.head;
        let died = head.door.acquire(wait)?;
        let taken = match self.take_one() {
            Some((n, _)) => Ok(n),
            None => self.more[0].acquire(end.left()).map(|_| 0),
        };
        if let Ok(n) = taken {
            head.reading.fetch_or(1 << n, Ordering::Relaxed);
        }
        let _ = head.door.release();
        taken.map(|_| died)
    }

    /// Leaves, as a writer or as a reader. Only a writer holds the door.
    pub fn leave(self) -> Result<(), LockError> {
        if self.head.door.release().is_ok() {
            return Ok(());
        }
        let n = self.places().find(|n| self.more[*n].is_held_by_this_thread()).ok_or(LockError::NotOwner)?;
        self.head.reading.fetch_and(!(1 << n), Ordering::Release);
        self.more[n].release()
    }

    /// Takes a permit. True if the last one who had it died.
    pub fn take_permit(self, wait: WaitMode) -> Result<bool, LockError> {
        let end = End::of(wait);
        let head = self.head;
        loop {
            let freed = head.freed.load(Ordering::Acquire);
            if let Some((_, died)) = self.take_one() {
                return Ok(died);
            }
            let nap = match end.left() {
                WaitMode::NonBlocking => return Err(LockError::Busy),
                WaitMode::Timeout(left) => left.min(LOOK_AGAIN),
                WaitMode::Blocking => LOOK_AGAIN,
            };
            // A permit whose holder dies is given back by the kernel, which does not ring here: hence the naps.
            head.waiting.fetch_add(1, Ordering::AcqRel);
            futex::wait(&head.freed, freed, Some(nap));
            head.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Gives a permit back that this thread holds.
    pub fn give_permit(self) -> Result<(), LockError> {
        let head = self.head;
        self.places().find(|n| self.more[*n].release().is_ok()).ok_or(LockError::NotOwner)?;
        head.freed.fetch_add(1, Ordering::Release);
        // Either this finds who waits, or he finds `freed` changed: a mere load could miss him.
        if head.waiting.fetch_add(0, Ordering::AcqRel) > 0 {
            futex::wake(&head.freed, 1);
        }
        Ok(())
    }

    /// Takes the first free mutex: its place, and whether its owner died.
    fn take_one(self) -> Option<(usize, bool)> {
        self.places().find_map(|n| {
            let died = self.more[n].acquire(WaitMode::NonBlocking).ok()?;
            self.head.hint.store(n as u32, Ordering::Relaxed);
            Some((n, died))
        })
    }

    /// All places, the likeliest first.
    fn places(self) -> impl Iterator<Item = usize> {
        let (first, count) = (self.head.hint.load(Ordering::Relaxed) as usize, self.more.len());
        (first..first + count).map(move |n| n % count)
    }
}

/// The moment at which a wait is over.
pub struct End(WaitMode, Option<Instant>);

impl End {
    /// It begins now.
    pub fn of(wait: WaitMode) -> Self {
        match wait {
            WaitMode::Timeout(time) => End(wait, Instant::now().checked_add(time)),
            _ => End(wait, None),
        }
    }

    /// The wait that is left: none when the time is over.
    pub fn left(&self) -> WaitMode {
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
