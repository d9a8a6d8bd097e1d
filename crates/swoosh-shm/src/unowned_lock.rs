//! A lock that any process may release, and that passes on when its holder dies.
//!
//! Invariant: a holder locks a seat, which is a robust mutex, before it enters the seat's number into the state, and the
//! state is cleared before the seat is unlocked. A seat that is free while the state names it therefore belonged to a
//! holder that died. A process that releases another's lock clears the state only: the seat stays with the holder, who
//! uses it again, and later holders take other seats. Proven by `tests/prove_locks.rs`.

use super::robust_lock::{Deadline, RobustLock};
use super::sync::{DEATH_CHECK_INTERVAL, LockError, Ordering, SPINS, WaitMode, futex};
use std::sync::atomic::AtomicUsize;

impl RobustLock<'_> {
    /// Acquires the lock; with `spins`, tries repeatedly before it sleeps. `true` if the last holder died. `last`: the seat
    /// that this process used last, in its own memory.
    pub(crate) fn take_unowned(self, last: &AtomicUsize, wait: WaitMode, spins: bool) -> Result<bool, LockError> {
        let deadline = Deadline::after(wait);
        let mut tries = if spins && wait != WaitMode::NonBlocking { SPINS } else { 0 };
        loop {
            let state = self.head.released.load(Ordering::Acquire);
            match seat_of(state) {
                None => {
                    if let Some(seat) = self.take_seat(last) {
                        if self.enter(state, seat) {
                            return Ok(false);
                        }
                        continue;
                    }
                }
                Some(seat) if self.mutexes[seat].acquire(WaitMode::NonBlocking).is_ok() => {
                    if self.enter(state, seat) {
                        return Ok(true);
                    }
                    continue;
                }
                Some(seat) => {
                    let is_own = wait != WaitMode::NonBlocking && self.mutexes[seat].is_held_by_this_thread();
                    if is_own && self.head.released.load(Ordering::Relaxed) == state {
                        return Err(LockError::Deadlock);
                    }
                }
            }
            if tries > 0 {
                tries -= 1;
                std::hint::spin_loop();
                continue;
            }
            let limit = match deadline.remaining() {
                WaitMode::NonBlocking => return Err(LockError::Busy),
                WaitMode::Timeout(left) => left.min(DEATH_CHECK_INTERVAL),
                WaitMode::Blocking => DEATH_CHECK_INTERVAL,
            };
            // The kernel releases the seat of a holder that dies without waking this futex, hence the limit.
            self.head.waiters.fetch_add(1, Ordering::AcqRel);
            futex::wait(&self.head.released, state, Some(limit));
            self.head.waiters.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Releases the lock on behalf of any holder.
    ///
    /// # Errors
    /// [`LockError::NotOwner`] if nobody holds it.
    pub(crate) fn give_unowned(self) -> Result<(), LockError> {
        let head = self.head;
        let mut state = head.released.load(Ordering::Relaxed);
        let seat = loop {
            let seat = seat_of(state).ok_or(LockError::NotOwner)?;
            match head.released.compare_exchange(state, after(state, None), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break seat,
                Err(other) => state = other,
            }
        };
        // An error means that another thread holds the seat.
        let _ = self.mutexes[seat].release();
        // Either this call sees the waiter, or the waiter sees the state changed. A plain load could miss the waiter.
        if head.waiters.fetch_add(0, Ordering::AcqRel) > 0 {
            futex::wake(&head.released, 1);
        }
        Ok(())
    }

    /// Enters a seat that this thread has locked into the state; unlocks it if the state has changed.
    fn enter(self, state: u32, seat: usize) -> bool {
        let next = after(state, Some(seat));
        let entered = self.head.released.compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !entered {
            let _ = self.mutexes[seat].release();
        }
        entered
    }

    /// Locks a seat: the one that was used last, which this thread still holds if another process released its lock; else
    /// another that it holds; else any free one. A thread thus keeps one seat at most.
    fn take_seat(self, last: &AtomicUsize) -> Option<usize> {
        let is_free = |seat: &usize| self.mutexes[*seat].acquire(WaitMode::NonBlocking).is_ok();
        let is_own = |seat: &usize| self.mutexes[*seat].is_held_by_this_thread();
        let used = last.load(Ordering::Relaxed);
        if is_free(&used) || is_own(&used) {
            return Some(used);
        }
        let mut all = 0..self.mutexes.len();
        let seat = all.clone().find(is_own).or_else(|| all.find(is_free))?;
        last.store(seat, Ordering::Relaxed);
        Some(seat)
    }
}

/// The seat that the state names; `None` while nobody holds the lock.
fn seat_of(state: u32) -> Option<usize> {
    (state & SEAT_MASK).checked_sub(1).map(|seat| seat as usize)
}

/// The next state. Its generation differs, so that no two holds have the same state.
fn after(state: u32, seat: Option<usize>) -> u32 {
    let generation = (state & !SEAT_MASK).wrapping_add(SEAT_MASK + 1);
    generation | seat.map_or(0, |seat| seat as u32 + 1)
}

/// The bits of the state that hold the seat plus one; the others are its generation.
const SEAT_MASK: u32 = 0xFF;
