//! Removal of rows by the table itself: expired ones, and, if it evicts, unused ones.

use super::layout::Storage;
use super::locked_chain::LockedChain;
use super::prefetch::Prefetch;
use crate::row_version::LIVE;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use swoosh_os::clock;

impl Storage {
    /// Removes a row to make room for another: an expired one, or, if the table evicts, one that was not used since the
    /// search passed it last (the clock algorithm). `false` if there is none. The caller must hold no lock.
    #[cold]
    pub(in crate::table) fn make_room(&self) -> bool {
        let (free, now) = (self.free_list(), clock::monotonic_ms());
        let rows = free.fresh.load(Acquire).min(self.capacity);
        if !self.evicts && free.next_search.load(Relaxed) > now {
            return false;
        }
        let may_remove = rows > 0 && (self.evicts || self.deadline().is_some());
        for _ in 0..if may_remove { 2 * u64::from(rows) + 1 } else { 0 } {
            let at = free.clock_hand.fetch_add(1, Relaxed) % rows;
            let row = self.header(at);
            let version = row.version.read();
            if version & LIVE == 0 {
                continue;
            }
            let expired = self.is_expired(self.copy(at, version));
            if (expired || (self.evicts && row.used.swap(0, Relaxed) == 0)) && self.remove_row(at, expired) {
                return true;
            }
        }
        // A killed writer may have left a row that its stripe's repair frees.
        let left = (0..self.stripes).filter(|n| self.all_stripes()[*n as usize].pending.load(Relaxed) != 0);
        if left.map(|n| drop(self.lock_stripe(n))).count() > 0 {
            return true;
        }
        // All rows were checked: do not repeat that for every insertion.
        free.next_search.store(now + SEARCH_PAUSE_MS, Relaxed);
        false
    }

    /// Removes all expired rows and returns their number.
    pub(in crate::table) fn purge(&self) -> u64 {
        let end = self.free_list().fresh.load(Acquire).min(self.capacity);
        let remove_if_expired = |at: &u32| {
            let version = self.header(*at).version.read();
            version & LIVE != 0 && self.is_expired(self.copy(*at, version)) && self.remove_row(*at, true)
        };
        (0..end).filter(remove_if_expired).count() as u64
    }

    /// Removes a row under its stripe's lock, if it still exists and, for `expired`, has still expired.
    fn remove_row(&self, at: u32, expired: bool) -> bool {
        let row = self.header(at);
        let owner = row.owner.load(Acquire);
        if owner == 0 || owner > self.stripes {
            return false;
        }
        let guard = self.lock_stripe(owner - 1);
        let hash = row.hash.load(Relaxed);
        let chain = LockedChain::new(self, hash, owner - 1, Prefetch::All, guard);
        let there = row.version.read() & LIVE != 0 && row.owner.load(Relaxed) == owner;
        if !there || self.stripe_of(hash) != owner - 1 || (expired && !self.is_expired(chain.cells(at))) {
            return false;
        }
        chain.remove(at);
        let count = if expired { &self.free_list().expired } else { &self.free_list().evicted };
        count.fetch_add(1, Relaxed);
        true
    }
}

/// Pause after a search of a full table that found no expired row, milliseconds.
const SEARCH_PAUSE_MS: u64 = 100;
