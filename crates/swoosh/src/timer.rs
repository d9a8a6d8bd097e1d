//! Timers of one thread: a hierarchical wheel of one-millisecond ticks.
//!
//! This module never reads the clock: `now`, in milliseconds of a clock that only rises, is handed in. It calls nothing
//! either: [`TimerWheel::next_due`] names one timer at a time and the caller runs it, so that what runs may add and
//! cancel timers, itself included.
//!
//! Each level has 64 slots, a slot of one level being as long as the whole level below; eleven levels hold any `u64`.
//! Adding and cancelling touch one slot. A timer far away is moved down at most once for each level.

use std::collections::VecDeque;

/// A timer's number: 1, 2, 3... in the order of adding, never used twice in a wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub u64);

/// A timer that is due: run it, then call [`TimerWheel::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which one.
    pub id: TimerId,
    /// Whether it comes again.
    pub repeats: bool,
}

/// What is known of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerInfo {
    /// When it is due next, in the clock's milliseconds.
    pub deadline: u64,
    /// Milliseconds from one time to the next; 0 for a timer that comes once.
    pub interval: u64,
    /// How often it has come.
    pub exec_count: u64,
    /// The wheel's round ([`TimerWheel::rounds`]) in which it came last, or was added.
    pub round: u64,
    /// Whether it was cancelled while it ran.
    pub removed: bool,
}

/// All timers of a thread, each with a value of the caller's (what to run).
#[derive(Debug)]
pub struct TimerWheel<T> {
    levels: Box<[Level; LEVELS]>,
    /// Levels with at least one occupied slot, one bit each.
    occupied: u16,
    entries: Vec<Entry<T>>,
    /// Head of the chain of entries that are free.
    free: u32,
    index: IdIndex,
    alive: usize,
    /// The wheel has handed out everything up to this time.
    elapsed: u64,
    /// Ids of one slot that are due and not handed out yet, lowest first.
    due: VecDeque<TimerId>,
    rounds: u64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    occupied: u64,
    slots: [Chain; SLOTS],
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
}

#[derive(Debug)]
struct Entry<T> {
    id: u64,
    deadline: u64,
    interval: u64,
    exec_count: u64,
    round: u64,
    value: Option<T>,
    prev: u32,
    next: u32,
    /// Level and slot, or [`NOWHERE`].
    place: u16,
    /// How many calls of it run at this moment.
    running: u16,
    removed: bool,
}

impl<T> TimerWheel<T> {
    /// An empty wheel that begins at `now`.
    pub fn new(now: u64) -> Self {
        TimerWheel {
            levels: Box::new([Level { occupied: 0, slots: [EMPTY; SLOTS] }; LEVELS]),
            occupied: 0,
            entries: Vec::new(),
            free: NONE,
            index: IdIndex::default(),
            alive: 0,
            elapsed: now,
            due: VecDeque::new(),
            rounds: 0,
        }
    }

    /// Adds a timer that comes once, `delay` milliseconds (at least 1) after `now`.
    pub fn after(&mut self, now: u64, delay: u64, value: T) -> TimerId {
        self.add(now, delay, 0, value)
    }

    /// Adds a timer that comes each `interval` milliseconds (at least 1), the first time `interval` after `now`.
    pub fn every(&mut self, now: u64, interval: u64, value: T) -> TimerId {
        self.add(now, interval, interval.max(1), value)
    }

    /// Cancels a timer and gives back its value, which the caller drops when it holds no borrow any more. The value of
    /// a timer that is running comes from [`finish`](Self::finish). `Err` if there is no such timer.
    pub fn cancel(&mut self, id: TimerId) -> Result<Option<T>, NoSuchTimer> {
        let at = self.index.get(id.0).ok_or(NoSuchTimer)?;
        let entry = &mut self.entries[at as usize];
        if entry.removed {
            return Err(NoSuchTimer);
        }
        if entry.running > 0 {
            entry.removed = true;
            self.unlink(at);
            return Ok(None);
        }
        self.unlink(at);
        Ok(self.release(at))
    }

    /// The next timer that is due at `now`, in the order of deadline, then id; `None` when none is.
    ///
    /// A repeating timer is set to its next time beforehand: its own deadline plus the interval, times that have passed
    /// already left out. Every timer that is handed out has to be given to [`finish`](Self::finish).
    pub fn next_due(&mut self, now: u64) -> Option<Due> {
        loop {
            while let Some(id) = self.due.pop_front() {
                let Some(at) = self.index.get(id.0) else { continue };
                let entry = &mut self.entries[at as usize];
                if entry.removed {
                    continue;
                }
                entry.running = entry.running.saturating_add(1);
                entry.exec_count += 1;
                entry.round = self.rounds;
                let repeats = entry.interval > 0;
                if repeats {
                    let missed = now.saturating_sub(entry.deadline) / entry.interval;
                    entry.deadline = entry.deadline.saturating_add(entry.interval.saturating_mul(missed + 1));
                    self.link(at);
                }
                return Some(Due { id, repeats });
            }
            match self.next_slot() {
                Some((level, slot, begins)) if begins <= now => self.open(level, slot, begins),
                _ => {
                    self.elapsed = self.elapsed.max(now);
                    return None;
                }
            }
        }
    }

    /// A timer that [`next_due`](Self::next_due) named has run. Gives back its value if it does not come again.
    pub fn finish(&mut self, id: TimerId) -> Option<T> {
        let at = self.index.get(id.0)?;
        let entry = &mut self.entries[at as usize];
        entry.running = entry.running.saturating_sub(1);
        if entry.running == 0 && (entry.removed || entry.interval == 0) {
            return self.release(at);
        }
        None
    }

    /// A timer's value.
    pub fn value(&self, id: TimerId) -> Option<&T> {
        self.entries[self.index.get(id.0)? as usize].value.as_ref()
    }

    /// Whether the timer exists and was not cancelled.
    pub fn exists(&self, id: TimerId) -> bool {
        self.index.get(id.0).is_some_and(|at| !self.entries[at as usize].removed)
    }

    /// What is known of a timer.
    pub fn info(&self, id: TimerId) -> Option<TimerInfo> {
        let entry = &self.entries[self.index.get(id.0)? as usize];
        Some(TimerInfo {
            deadline: entry.deadline,
            interval: entry.interval,
            exec_count: entry.exec_count,
            round: entry.round,
            removed: entry.removed,
        })
    }

    /// When to look for due timers again: never later than the next deadline, but sometimes earlier (at the beginning
    /// of the slot where a far timer waits). `None` without timers.
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.due.is_empty() {
            return Some(self.elapsed);
        }
        self.next_slot().map(|(_, _, begins)| begins)
    }

    /// The ids of all timers, newest first.
    pub fn ids(&self) -> Vec<TimerId> {
        let mut ids: Vec<TimerId> =
            self.entries.iter().filter(|e| e.value.is_some() && !e.removed).map(|e| TimerId(e.id)).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }

    /// How many timers there are.
    pub fn len(&self) -> usize {
        self.alive
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// How many rounds [`begin_round`](Self::begin_round) has counted.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Rounds count from 0 again.
    pub fn restart_rounds(&mut self) {
        self.rounds = 0;
    }

    /// Counts a look for due timers.
    pub fn begin_round(&mut self) {
        self.rounds += 1;
    }

    fn add(&mut self, now: u64, delay: u64, interval: u64, value: T) -> TimerId {
        if self.alive == 0 && self.due.is_empty() {
            self.elapsed = self.elapsed.max(now);
        }
        // A deadline behind `elapsed` would never be found again.
        let deadline = now.max(self.elapsed).saturating_add(delay.max(1));
        let id = self.index.next_id();
        let entry = Entry {
            id,
            deadline,
            interval,
            exec_count: 0,
            round: self.rounds,
            value: Some(value),
            prev: NONE,
            next: NONE,
            place: NOWHERE,
            running: 0,
            removed: false,
        };
        let at = if self.free == NONE {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        } else {
            let at = self.free;
            self.free = self.entries[at as usize].next;
            self.entries[at as usize] = entry;
            at
        };
        self.index.push(at);
        self.alive += 1;
        self.link(at);
        TimerId(id)
    }

    /// Forgets an entry that is in no slot, and gives its value back.
    fn release(&mut self, at: u32) -> Option<T> {
        let entry = &mut self.entries[at as usize];
        let value = entry.value.take();
        self.index.remove(entry.id);
        entry.next = self.free;
        self.free = at;
        self.alive -= 1;
        if self.alive == 0 && self.entries.capacity() > KEEP {
            self.entries = Vec::new();
            self.free = NONE;
        }
        value
    }

    /// Puts an entry into the slot of its deadline.
    fn link(&mut self, at: u32) {
        let deadline = self.entries[at as usize].deadline;
        let apart = (deadline ^ self.elapsed) | (SLOTS as u64 - 1);
        let level = (63 - apart.leading_zeros()) / BITS;
        let slot = (deadline >> (level * BITS)) as usize % SLOTS;
        let (level, lane) = (level as usize, level);
        let chain = &mut self.levels[level].slots[slot];
        let last = chain.last;
        chain.last = at;
        if last == NONE {
            chain.first = at;
            self.levels[level].occupied |= 1 << slot;
            self.occupied |= 1 << lane;
        } else {
            self.entries[last as usize].next = at;
        }
        let entry = &mut self.entries[at as usize];
        entry.prev = last;
        entry.next = NONE;
        entry.place = (level * SLOTS + slot) as u16;
    }

    /// Takes an entry out of its slot, if it is in one.
    fn unlink(&mut self, at: u32) {
        let entry = &mut self.entries[at as usize];
        if entry.place == NOWHERE {
            return;
        }
        let (level, slot) = (entry.place as usize / SLOTS, entry.place as usize % SLOTS);
        let (prev, next) = (entry.prev, entry.next);
        entry.place = NOWHERE;
        match prev {
            NONE => self.levels[level].slots[slot].first = next,
            prev => self.entries[prev as usize].next = next,
        }
        match next {
            NONE => self.levels[level].slots[slot].last = prev,
            next => self.entries[next as usize].prev = prev,
        }
        if self.levels[level].slots[slot].first == NONE {
            self.vacate(level, slot);
        }
    }

    fn vacate(&mut self, level: usize, slot: usize) {
        self.levels[level].slots[slot] = EMPTY;
        self.levels[level].occupied &= !(1 << slot);
        if self.levels[level].occupied == 0 {
            self.occupied &= !(1 << level);
        }
    }

    /// The occupied slot that begins first, and when that is. Every slot of a level begins before any of the next.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        if self.occupied == 0 {
            return None;
        }
        let level = self.occupied.trailing_zeros();
        let slot = self.levels[level as usize].occupied.trailing_zeros();
        let shift = level * BITS;
        let base = if shift + BITS >= u64::BITS { 0 } else { self.elapsed >> (shift + BITS) << (shift + BITS) };
        Some((level as usize, slot as usize, base | (u64::from(slot) << shift)))
    }

    /// Time has come to the beginning of a slot: what is due goes to `due`, the rest moves to lower levels.
    fn open(&mut self, level: usize, slot: usize, begins: u64) {
        let mut at = self.levels[level].slots[slot].first;
        self.vacate(level, slot);
        self.elapsed = begins;
        while at != NONE {
            let entry = &mut self.entries[at as usize];
            let next = entry.next;
            entry.place = NOWHERE;
            if entry.deadline <= begins {
                self.due.push_back(TimerId(entry.id));
            } else {
                self.link(at);
            }
            at = next;
        }
        // A repeating timer comes into its slot after younger ones: the slot's order is that of arrival.
        let due = self.due.make_contiguous();
        if !due.is_sorted() {
            due.sort_unstable();
        }
    }
}

/// There is no timer with that id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchTimer;

/// Where the entry of an id is: pages of consecutive ids, each dropped when its last timer is gone.
#[derive(Debug)]
struct IdIndex {
    /// The page of number `first` comes first.
    pages: VecDeque<Option<Box<Page>>>,
    first: u64,
    next_id: u64,
}

#[derive(Debug)]
struct Page {
    entries: [u32; PAGE],
    used: u32,
}

impl Default for IdIndex {
    fn default() -> Self {
        IdIndex { pages: VecDeque::new(), first: 0, next_id: 1 }
    }
}

impl IdIndex {
    fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Records the entry of the next id.
    fn push(&mut self, at: u32) {
        let id = self.next_id;
        self.next_id += 1;
        let number = id / PAGE as u64;
        while self.first + self.pages.len() as u64 <= number {
            // The last page was kept for ids to come; it may be empty.
            self.drop_empty(self.pages.len().wrapping_sub(1));
            self.pages.push_back(Some(Box::new(Page { entries: [NONE; PAGE], used: 0 })));
        }
        if let Some(Some(page)) = self.pages.get_mut((number - self.first) as usize) {
            page.entries[id as usize % PAGE] = at;
            page.used += 1;
        }
    }

    fn get(&self, id: u64) -> Option<u32> {
        let number = (id / PAGE as u64).checked_sub(self.first)?;
        let page = self.pages.get(usize::try_from(number).ok()?)?.as_ref()?;
        let at = page.entries[id as usize % PAGE];
        (at != NONE).then_some(at)
    }

    fn remove(&mut self, id: u64) {
        let Some(number) = (id / PAGE as u64).checked_sub(self.first) else { return };
        let number = number as usize;
        if let Some(Some(page)) = self.pages.get_mut(number) {
            page.entries[id as usize % PAGE] = NONE;
            page.used -= 1;
            if number + 1 < self.pages.len() {
                self.drop_empty(number);
            }
        }
    }

    fn drop_empty(&mut self, number: usize) {
        if let Some(page) = self.pages.get_mut(number)
            && page.as_ref().is_some_and(|page| page.used == 0)
        {
            *page = None;
        }
        while let Some(None) = self.pages.front() {
            self.pages.pop_front();
            self.first += 1;
        }
    }
}

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;
const NONE: u32 = u32::MAX;
const NOWHERE: u16 = u16::MAX;
const EMPTY: Chain = Chain { first: NONE, last: NONE };
/// Ids on a page of the index.
const PAGE: usize = 1024;
/// Entries that are kept allocated when the last timer goes.
const KEEP: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs everything that is due and gives the values in order.
    fn fire(wheel: &mut TimerWheel<u32>, now: u64) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(due) = wheel.next_due(now) {
            order.push(*wheel.value(due.id).unwrap());
            wheel.finish(due.id);
        }
        order
    }

    #[test]
    fn timers_come_in_the_order_of_deadline_then_id() {
        let mut wheel = TimerWheel::new(1_000_003);
        for (delay, value) in [(50, 5), (10, 1), (4097, 7), (10, 2), (64, 6), (30, 3), (30, 4)] {
            wheel.after(1_000_003, delay, value);
        }
        assert_eq!(fire(&mut wheel, 1_000_012), []);
        assert_eq!(fire(&mut wheel, 2_000_000), [1, 2, 3, 4, 5, 6, 7]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn nothing_comes_early_and_nothing_is_missed_whatever_the_distance() {
        for delay in [1, 2, 63, 64, 65, 4095, 4096, 4097, 300_000, 1 << 24, (1 << 24) + 1, 1 << 36, 1 << 50] {
            for begin in [0, 1, 63, 64, 4095, 1_700_000_000_123] {
                let mut wheel = TimerWheel::new(begin);
                wheel.after(begin, delay, 1);
                let mut looks = 0;
                while let Some(at) = wheel.next_deadline() {
                    assert!(at <= begin + delay);
                    let fired = fire(&mut wheel, at);
                    assert_eq!(fired.len(), usize::from(at == begin + delay), "{begin}+{delay} at {at}");
                    looks += 1;
                }
                assert!(looks <= LEVELS, "{looks} looks for one timer");
            }
        }
    }

    #[test]
    fn a_repeating_timer_keeps_its_beat_and_leaves_out_what_was_missed() {
        let mut wheel = TimerWheel::new(0);
        let id = wheel.every(0, 10, 1);
        assert_eq!(fire(&mut wheel, 13), [1]);
        assert_eq!(wheel.info(id).unwrap().deadline, 20);
        assert_eq!(fire(&mut wheel, 57), [1]);
        assert_eq!(wheel.info(id).unwrap().deadline, 60);
        assert_eq!(wheel.info(id).unwrap().exec_count, 2);
    }

    #[test]
    fn a_repeating_timer_comes_before_a_younger_one_of_the_same_deadline() {
        let mut wheel = TimerWheel::new(0);
        wheel.every(0, 10, 1);
        wheel.after(0, 20, 2);
        assert_eq!(fire(&mut wheel, 10), [1]);
        assert_eq!(fire(&mut wheel, 20), [1, 2]);
    }

    #[test]
    fn a_timer_may_cancel_itself_and_others_while_it_runs() {
        let mut wheel = TimerWheel::new(0);
        let first = wheel.every(0, 5, 1);
        let second = wheel.after(0, 5, 2);
        let due = wheel.next_due(5).unwrap();
        assert_eq!(due, Due { id: first, repeats: true });
        assert_eq!(wheel.cancel(second), Ok(Some(2)));
        assert!(wheel.exists(first));
        assert_eq!(wheel.cancel(first), Ok(None));
        assert_eq!(wheel.cancel(first), Err(NoSuchTimer));
        assert!(wheel.info(first).unwrap().removed);
        assert_eq!(wheel.finish(first), Some(1));
        assert_eq!(wheel.next_due(100), None);
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn a_single_timer_exists_while_it_runs() {
        let mut wheel = TimerWheel::new(0);
        let id = wheel.after(0, 1, 1);
        wheel.next_due(1).unwrap();
        assert!(wheel.exists(id));
        assert_eq!(wheel.cancel(id), Ok(None));
        assert_eq!(wheel.finish(id), Some(1));
        assert!(!wheel.exists(id));
    }

    #[test]
    fn a_timer_that_is_added_while_another_runs_waits_its_time() {
        let mut wheel = TimerWheel::new(0);
        wheel.after(0, 5, 1);
        let due = wheel.next_due(1000).unwrap();
        wheel.after(1000, 1, 2);
        wheel.finish(due.id);
        assert_eq!(fire(&mut wheel, 1000), []);
        assert_eq!(fire(&mut wheel, 1001), [2]);
    }

    #[test]
    fn ids_count_up_and_are_found_after_many_others_are_gone() {
        let mut wheel = TimerWheel::new(0);
        let kept = wheel.after(0, 1_000_000, 7);
        for n in 2..10_000 {
            let id = wheel.after(0, 100, 0);
            assert_eq!(id, TimerId(n));
            assert_eq!(wheel.cancel(id), Ok(Some(0)));
        }
        assert_eq!(wheel.value(kept), Some(&7));
        assert_eq!(wheel.ids(), [kept]);
        assert_eq!(wheel.cancel(TimerId(0)), Err(NoSuchTimer));
        assert_eq!(wheel.cancel(TimerId(u64::MAX)), Err(NoSuchTimer));
        assert_eq!(wheel.cancel(kept), Ok(Some(7)));
        assert_eq!(wheel.index.pages.len(), 1);
    }

    #[test]
    fn an_endless_delay_is_taken() {
        let mut wheel = TimerWheel::new(5);
        wheel.every(5, i64::MAX as u64, 1);
        wheel.after(5, u64::MAX, 2);
        assert_eq!(fire(&mut wheel, 1 << 40), []);
        assert_eq!(wheel.len(), 2);
    }

    #[test]
    fn an_entry_with_a_pointer_and_a_tag_takes_at_most_80_bytes() {
        assert!(size_of::<Entry<Result<Box<u8>, Box<u16>>>>() <= 80);
    }
}
