//! The lock of a stripe, and the repair of what its dead owner left.

use super::layout::{CHANGING, Storage};
use crate::hash_chains::HashChains;
use crate::row_version::LIVE;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use swoosh_os::mutex::RobustMutexGuard;

impl Storage {
    #[inline]
    pub(super) fn lock_stripe(&self, stripe: u32) -> RobustMutexGuard<'_> {
        self.all_stripes()[stripe as usize].lock.lock_repairing(|| self.repair(stripe))
    }

    /// Finishes or undoes what a killed writer began in this stripe, whose lock is held.
    #[cold]
    fn repair(&self, stripe_number: u32) {
        self.repair_split(stripe_number);
        let stripe = &self.all_stripes()[stripe_number as usize];
        let pending = stripe.pending.load(Acquire);
        if pending != 0 && pending <= self.capacity {
            let row = self.header(pending - 1);
            let guard = self.lock_free_list();
            let ours = row.owner.load(Acquire) == stripe_number + 1;
            drop(guard);
            // A live row was inserted completely, or its removal had not begun.
            if ours && row.version.read() & LIVE == 0 {
                let bucket = self.bucket(row.hash.load(Relaxed));
                if bucket & (self.stripes - 1) == stripe_number {
                    self.unlink(bucket, pending);
                }
                stripe.unlinked.fetch_add(1, Release);
                self.return_row(pending);
            }
        }
        let mut count = 0;
        for bucket in self.chains_of(stripe_number) {
            let mut at = self.heads()[bucket as usize].load(Acquire);
            while at != 0 {
                let row = self.header(at - 1);
                count += u32::from(row.version.read_locked() & LIVE != 0);
                at = row.next.load(Relaxed);
            }
        }
        self.counts()[stripe_number as usize].store(count, Release);
        stripe.pending.store(0, Release);
    }

    /// The number of rows. Waits for concurrent insertions and removals.
    pub(in crate::table) fn count(&self) -> u64 {
        (0..self.stripes).map(|n| u64::from(self.count_of(n))).sum()
    }

    fn count_of(&self, stripe: u32) -> u32 {
        let count = self.counts()[stripe as usize].load(Acquire);
        if count & CHANGING == 0 {
            return count;
        }
        let guard = self.lock_stripe(stripe);
        let count = self.counts()[stripe as usize].load(Acquire);
        drop(guard);
        count
    }
}
