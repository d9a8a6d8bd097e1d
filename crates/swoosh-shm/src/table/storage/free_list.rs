//! Allocation of rows.

use super::layout::Storage;
use crate::table::kill_point::step;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use swoosh_os::mutex::RobustMutexGuard;

/// No row is free.
#[derive(Debug)]
pub(in crate::table) struct NoFreeRow;

impl Storage {
    pub(super) fn lock_free_list(&self) -> RobustMutexGuard<'_> {
        let free = self.free_list();
        free.lock.lock_repairing(|| {
            let returning = free.returning.load(Acquire);
            if returning != 0 {
                self.finish_return(returning);
            }
            // A row with an owner is not free: its taker died before it updated the list.
            let (head, fresh) = (free.head.load(Acquire), free.fresh.load(Acquire));
            if head != 0 && self.header(head - 1).owner.load(Acquire) != 0 {
                free.head.store(self.header(head - 1).next_free.load(Relaxed), Release);
            }
            if fresh < self.capacity && self.header(fresh).owner.load(Acquire) != 0 {
                free.fresh.store(fresh + 1, Release);
            }
        })
    }

    /// Allocates a row, makes it the stripe's pending one and returns its number plus one.
    pub(super) fn take_free(&self, stripe: u32) -> Result<u32, NoFreeRow> {
        let free = self.free_list();
        let guard = self.lock_free_list();
        let (head, fresh) = (free.head.load(Relaxed), free.fresh.load(Relaxed));
        let at = match head {
            0 if fresh < self.capacity => fresh + 1,
            0 => return Err(NoFreeRow),
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
        drop(guard);
        Ok(at)
    }

    /// Returns a row (its number plus one), which is in no chain.
    pub(super) fn return_row(&self, at: u32) {
        let free = self.free_list();
        let guard = self.lock_free_list();
        free.returning.store(at, Release);
        step();
        self.finish_return(at);
        drop(guard);
    }

    fn finish_return(&self, at: u32) {
        let free = self.free_list();
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
}
