//! The timer wheel.

use super::id_index::{IdIndex, NONE};
use super::types::{Due, NoSuchTimer, TimerId, TimerInfo};
use std::collections::VecDeque;
use std::time::Duration;

/// The timers of a thread, each with a value of the caller, such as a callback. Times are nanoseconds of the caller's clock.
///
/// ```
/// use std::time::Duration;
/// use swoosh::timer::TimerWheel;
///
/// let mut wheel = TimerWheel::new(0);
/// wheel.after(0, Duration::from_millis(10), "10 ms");
/// assert_eq!(wheel.next_due(9_999_999), None);
/// assert!(wheel.time_left(|| 9_999_999).unwrap() > Duration::ZERO);
/// let due = wheel.next_due(wheel.next_deadline().unwrap()).unwrap();
/// assert_eq!(wheel.finish(due.id), Some("10 ms"));
/// ```
#[derive(Debug)]
pub struct TimerWheel<T> {
    levels: Box<[Level; LEVELS]>,
    /// Levels with at least one occupied slot, one bit each.
    occupied: u16,
    entries: Vec<Entry<T>>,
    /// The head of the list of free entries.
    free: u32,
    pub(super) index: IdIndex,
    alive: usize,
    /// The tick up to which all due timers have been handed out.
    elapsed: u64,
    /// Timers of one slot that are due and not handed out yet, lowest id first.
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
pub(super) struct Entry<T> {
    id: u64,
    /// Nanoseconds.
    deadline: u64,
    /// Nanoseconds; 0 for a one-shot timer.
    interval: u64,
    exec_count: u64,
    round: u64,
    value: Option<T>,
    prev: u32,
    next: u32,
    /// Level and slot, or [`NOWHERE`].
    place: u16,
    /// The number of its calls in progress.
    running: u16,
    removed: bool,
}

impl<T> Entry<T> {
    /// The first tick at whose beginning the deadline has passed, so that no timer is early.
    fn tick(&self) -> u64 {
        self.deadline.div_ceil(TICK)
    }
}

impl<T> TimerWheel<T> {
    /// An empty wheel that starts at `now`, nanoseconds of the caller's clock.
    pub fn new(now: u64) -> Self {
        TimerWheel {
            levels: Box::new([Level { occupied: 0, slots: [EMPTY; SLOTS] }; LEVELS]),
            occupied: 0,
            entries: Vec::new(),
            free: NONE,
            index: IdIndex::default(),
            alive: 0,
            elapsed: now / TICK,
            due: VecDeque::new(),
            rounds: 0,
        }
    }

    /// Adds a one-shot timer, due `delay` (at least 1 ns) after `now`.
    pub fn after(&mut self, now: u64, delay: Duration, value: T) -> TimerId {
        self.add(now, nanos(delay), 0, value)
    }

    /// Adds a repeating timer, due every `interval` (at least 1 ns), first `interval` after `now`.
    pub fn every(&mut self, now: u64, interval: Duration, value: T) -> TimerId {
        self.add(now, nanos(interval), nanos(interval), value)
    }

    /// Cancels a timer and returns its value, which the caller drops after releasing its borrows. The value of a running
    /// timer is returned by [`finish`](Self::finish).
    ///
    /// # Errors
    /// If there is no such timer.
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

    /// The next timer that is due at `now`, by tick, then by id.
    ///
    /// A repeating timer has its next deadline already: the last one plus a multiple of the interval, in the future. Pass
    /// every timer that this returns to [`finish`](Self::finish).
    pub fn next_due(&mut self, now: u64) -> Option<Due> {
        let tick = now / TICK;
        loop {
            while let Some(id) = self.due.pop_front() {
                let Some(at) = self.index.get(id.0) else { continue };
                let entry = &mut self.entries[at as usize];
                if entry.removed {
                    continue;
                }
                entry.running = entry.running.saturating_add(1);
                let repeats = entry.interval > 0;
                if repeats {
                    let missed = now.saturating_sub(entry.deadline) / entry.interval;
                    entry.deadline = entry.deadline.saturating_add(entry.interval.saturating_mul(missed + 1));
                    self.link(at);
                }
                return Some(Due { id, repeats });
            }
            match self.next_slot() {
                Some((level, slot, begins)) if begins <= tick => self.open(level, slot, begins),
                _ => {
                    self.elapsed = self.elapsed.max(tick);
                    return None;
                }
            }
        }
    }

    /// Ends a call of a timer that [`next_due`](Self::next_due) returned. Returns the value if the timer is over.
    pub fn finish(&mut self, id: TimerId) -> Option<T> {
        let at = self.index.get(id.0)?;
        let entry = &mut self.entries[at as usize];
        entry.running = entry.running.saturating_sub(1);
        entry.exec_count += 1;
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

    /// The state of a timer.
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

    /// The time to call [`next_due`](Self::next_due) again, in nanoseconds: the end of the tick of the next deadline.
    /// Earlier, at the beginning of a slot of a higher level, if that slot has many timers. `None` without timers.
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.due.is_empty() {
            return Some(self.elapsed.saturating_mul(TICK));
        }
        let (level, slot, begins) = self.next_slot()?;
        let tick = if level == 0 { begins } else { self.first_tick(level, slot).unwrap_or(begins) };
        Some(tick.saturating_mul(TICK))
    }

    /// The time until [`next_due`](Self::next_due) is to be called again; `None` without timers, and then the clock `now` is
    /// not read.
    pub fn time_left(&self, now: impl FnOnce() -> u64) -> Option<Duration> {
        self.next_deadline().map(|deadline| Duration::from_nanos(deadline.saturating_sub(now())))
    }

    /// The first tick of a slot's timers; `None` if the slot has more than [`MAX_LOOKED_AT`].
    fn first_tick(&self, level: usize, slot: usize) -> Option<u64> {
        let mut first = u64::MAX;
        let mut at = self.levels[level].slots[slot].first;
        for _ in 0..MAX_LOOKED_AT {
            let entry = self.entries.get(at as usize)?;
            first = first.min(entry.tick());
            at = entry.next;
            if at == NONE {
                return Some(first);
            }
        }
        None
    }

    /// The ids of all timers, newest first.
    pub fn ids(&self) -> Vec<TimerId> {
        let mut ids: Vec<TimerId> =
            self.entries.iter().filter(|e| e.value.is_some() && !e.removed).map(|e| TimerId(e.id)).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }

    /// The number of timers.
    pub fn len(&self) -> usize {
        self.alive
    }

    /// Whether there are no timers.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// The rounds that [`begin_round`](Self::begin_round) has counted.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Resets the count of rounds to 0.
    pub fn restart_rounds(&mut self) {
        self.rounds = 0;
    }

    /// Counts a round: one check for due timers.
    pub fn begin_round(&mut self) {
        self.rounds += 1;
    }

    fn add(&mut self, now: u64, delay: u64, interval: u64, value: T) -> TimerId {
        if self.alive == 0 && self.due.is_empty() {
            self.elapsed = self.elapsed.max(now / TICK);
        }
        let deadline = now.saturating_add(delay);
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

    /// Frees an entry that is in no slot and returns its value.
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
        // A tick before `elapsed` would never be found.
        let tick = self.entries[at as usize].tick().max(self.elapsed);
        let apart = (tick ^ self.elapsed) | (SLOTS as u64 - 1);
        let level = (63 - apart.leading_zeros()) / BITS;
        let slot = (tick >> (level * BITS)) as usize % SLOTS;
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

    /// Removes an entry from its slot, if it is in one.
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

    /// The occupied slot that begins first, with its tick. Every slot of a level begins before any slot of the next level.
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

    /// Opens a slot at its tick: timers that are due go to `due`, the others to lower levels.
    fn open(&mut self, level: usize, slot: usize, begins: u64) {
        let mut at = self.levels[level].slots[slot].first;
        self.vacate(level, slot);
        self.elapsed = begins;
        while at != NONE {
            let entry = &mut self.entries[at as usize];
            let next = entry.next;
            entry.place = NOWHERE;
            if entry.tick() <= begins {
                self.due.push_back(TimerId(entry.id));
            } else {
                self.link(at);
            }
            at = next;
        }
        // The slot is in order of insertion, where a repeating timer may follow younger ones.
        let due = self.due.make_contiguous();
        if !due.is_sorted() {
            due.sort_unstable();
        }
    }
}

/// A delay in nanoseconds, at least 1; the longest ones are cut to 584 years.
fn nanos(delay: Duration) -> u64 {
    u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Nanoseconds of a tick, the resolution of the wheel: 65.5 us. Timers of one tick are due together, in one wake-up.
pub(super) const TICK: u64 = 1 << 16;
/// Timers of a slot that are looked at for the exact time of the next one.
const MAX_LOOKED_AT: usize = 16;
/// Bits of a tick that one level covers.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
pub(super) const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;
/// The place of an entry that is in no slot.
const NOWHERE: u16 = u16::MAX;
const EMPTY: Chain = Chain { first: NONE, last: NONE };
/// The capacity for entries that is kept when the last timer ends.
const KEEP: usize = 4096;
