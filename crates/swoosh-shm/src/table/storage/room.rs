//! Room for rows: those that are free, and those that go so that others have their place.

use super::{Chain, NoRoom, Reach, Storage, step};
use crate::version::LIVE;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use swoosh_os::clock;
use swoosh_os::mutex::RobustMutexGuard;

impl Storage {
    pub(super) fn lock_free(&self) -> RobustMutexGuard<'_> {
        let free = self.free();
        free.lock.lock_repairing(|| {
            let returning = free.returning.load(Acquire);
            if returning != 0 {
                self.finish_return(returning);
            }
            // A row that has an owner already is not free: its taker died before it said so here.
            let (head, fresh) = (free.head.load(Acquire), free.fresh.load(Acquire));
            if head != 0 && self.header(head - 1).owner.load(Acquire) != 0 {
                free.head.store(self.header(head - 1).next_free.load(Relaxed), Release);
            }
            if fresh < self.capacity && self.header(fresh).owner.load(Acquire) != 0 {
                free.fresh.store(fresh + 1, Release);
            }
        })
    }

    /// A free row plus one, which belongs to the stripe now and is its pending one.
    pub(super) fn take_free(&self, stripe: u32) -> Result<u32, NoRoom> {
        let free = self.free();
        let held = self.lock_free();
        let (head, fresh) = (free.head.load(Relaxed), free.fresh.load(Relaxed));
        let at = match head {
            0 if fresh < self.capacity => fresh + 1,
            0 => return Err(NoRoom),
            head => head,
        };
        let room = free.room.load(Relaxed);
        if head == 0 && fresh >= room {
            free.room.store(room.saturating_mul(2).min(self.capacity), Relaxed);
            step();
        }
        let row = self.header(at - 1);
        self.all_stripes()[stripe as usize].pending.store(at, Release);
        step();
        row.owner.store(stripe + 1, Release);
        step();
        if head == 0 {
            free.fresh.store(fresh + 1, Release);
        } else {
            free.head.store(row.next_free.load(Relaxed), Release);
        }
        step();
        drop(held);
        Ok(at)
    }

    /// Gives a row (plus one) that is in no chain back.
    pub(super) fn give_back(&self, at: u32) {
        let free = self.free();
        let held = self.lock_free();
        free.returning.store(at, Release);
        step();
        self.finish_return(at);
        drop(held);
    }

    fn finish_return(&self, at: u32) {
        let free = self.free();
        let row = self.header(at - 1);
        let head = free.head.load(Relaxed);
        if head != at {
            row.next_free.store(head, Release);
            step();
            row.owner.store(0, Release);
            step();
            free.head.store(at, Release);
            step();
        }
        free.returning.store(0, Release);
        step();
    }

    /// Drops one row so that another has room: one that is past its end, or, where rows are evicted, one that was not
    /// used since this came by the last time. No lock must be held. False where there is none.
    #[cold]
    pub(in crate::table) fn make_room(&self) -> bool {
        let (free, now) = (self.free(), clock::monotonic_ms());
        let rows = free.fresh.load(Acquire).min(self.capacity);
        if !self.evicts && free.look_again.load(Relaxed) > now {
            return false;
        }
        let drops = rows > 0 && (self.evicts || self.deadline.is_some());
        for _ in 0..if drops { 2 * u64::from(rows) + 1 } else { 0 } {
            let at = free.hand.fetch_add(1, Relaxed) % rows;
            let row = self.header(at);
            let version = row.version.read();
            if version & LIVE == 0 {
                continue;
            }
            let expired = self.is_over(self.copy(at, version));
            if (expired || (self.evicts && row.used.swap(0, Relaxed) == 0)) && self.drop_row(at, expired) {
                return true;
            }
        }
        // A killed writer may have left a place that comes back when its stripe is locked.
        let left = (0..self.stripes).filter(|n| self.all_stripes()[*n as usize].pending.load(Relaxed) != 0);
        if left.map(|n| drop(self.lock_stripe(n))).count() > 0 {
            return true;
        }
        // All were looked at: not again for the next insertion already.
        free.look_again.store(now + LOOK_AGAIN_MS, Relaxed);
        false
    }

    /// Removes all rows that are past their end; how many.
    pub(in crate::table) fn purge(&self) -> u64 {
        let end = self.free().fresh.load(Acquire).min(self.capacity);
        let over = |at: &u32| {
            let version = self.header(*at).version.read();
            version & LIVE != 0 && self.is_over(self.copy(*at, version)) && self.drop_row(*at, true)
        };
        (0..end).filter(over).count() as u64
    }

    /// Removes that row under its stripe's lock, if it is still there (and, `expired`, past its end).
    fn drop_row(&self, at: u32, expired: bool) -> bool {
        let row = self.header(at);
        let owner = row.owner.load(Acquire);
        if owner == 0 || owner > self.stripes {
            return false;
        }
        let held = self.lock_stripe(owner - 1);
        let hash = row.hash.load(Relaxed);
        let chain = Chain { storage: self, hash, stripe: owner - 1, reach: Reach::All, _held: held };
        let there = row.version.read() & LIVE != 0 && row.owner.load(Relaxed) == owner;
        if !there || self.stripe_of(hash) != owner - 1 || (expired && !self.is_over(chain.cells(at))) {
            return false;
        }
        chain.remove(at);
        let count = if expired { &self.free().expired } else { &self.free().evicted };
        count.fetch_add(1, Relaxed);
        true
    }
}

/// How long a full table without expired rows is not searched for them again.
const LOOK_AGAIN_MS: u64 = 100;
