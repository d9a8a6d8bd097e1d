//! Order, exactness, repetition and cancellation of timers.

use super::types::{Due, NoSuchTimer, TimerId};
use super::wheel::{Entry, LEVELS, TICK, TimerWheel};

use std::time::Duration;

const MS: u64 = 1_000_000;

fn ns(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// Runs all due timers and returns their values in order.
fn fire(wheel: &mut TimerWheel<u32>, now: u64) -> Vec<u32> {
    let mut order = Vec::new();
    while let Some(due) = wheel.next_due(now) {
        order.push(*wheel.value(due.id).unwrap());
        wheel.finish(due.id);
    }
    order
}

#[test]
fn timers_are_due_by_deadline_then_by_id() {
    let begin = 1_000_003 * TICK;
    let mut wheel = TimerWheel::new(begin);
    for (ticks, value) in [(50, 5), (10, 1), (4097, 7), (10, 2), (64, 6), (30, 3), (30, 4)] {
        wheel.after(begin, ns(ticks * TICK), value);
    }
    assert_eq!(fire(&mut wheel, 1_000_013 * TICK - 1), []);
    assert_eq!(fire(&mut wheel, 2_000_000 * TICK), [1, 2, 3, 4, 5, 6, 7]);
    assert!(wheel.is_empty());
}

#[test]
fn a_timer_is_due_in_the_tick_after_its_deadline_and_never_before() {
    let distances = [1, 2, 63, 64, 65, 4095, 4096, 4097, 300_000, 1 << 24, (1 << 24) + 1, 1 << 36, 1 << 45];
    for ticks in distances {
        for begin in [0, 1, 63, 64, 4095, 26_000_000_123] {
            for (now, delay) in
                [(begin * TICK, ticks * TICK), (begin * TICK + 7, ticks * TICK - 3), (begin * TICK + 9, 1)]
            {
                let mut wheel = TimerWheel::new(now);
                wheel.after(now, ns(delay), 1);
                let deadline = now + delay;
                assert_eq!(fire(&mut wheel, deadline.div_ceil(TICK) * TICK - 1), []);
                assert_eq!(wheel.next_deadline(), Some(deadline.div_ceil(TICK) * TICK));
                assert_eq!(fire(&mut wheel, deadline.div_ceil(TICK) * TICK), [1]);
            }
        }
    }
}

#[test]
fn a_slot_with_many_timers_is_opened_at_its_beginning() {
    let mut wheel = TimerWheel::new(0);
    for n in 0..100 {
        wheel.after(0, ns((5000 + n % 10) * TICK), 1);
    }
    let mut checks = 0;
    while let Some(at) = wheel.next_deadline() {
        let fired = fire(&mut wheel, at).len();
        assert_eq!(fired, if at < 5000 * TICK { 0 } else { 10 });
        checks += 1;
    }
    assert!(checks <= 10 + LEVELS, "{checks} checks for ten ticks");
}

#[test]
fn a_repeating_timer_keeps_its_phase_and_skips_missed_times() {
    let mut wheel = TimerWheel::new(0);
    let id = wheel.every(0, ns(10 * MS), 1);
    assert_eq!(fire(&mut wheel, 13 * MS), [1]);
    assert_eq!(wheel.info(id).unwrap().deadline, 20 * MS);
    assert_eq!(fire(&mut wheel, 57 * MS), [1]);
    assert_eq!(wheel.info(id).unwrap().deadline, 60 * MS);
    assert_eq!(wheel.info(id).unwrap().exec_count, 2);
}

#[test]
fn an_older_repeating_timer_precedes_a_younger_one_with_the_same_deadline() {
    let mut wheel = TimerWheel::new(0);
    wheel.every(0, ns(10 * MS), 1);
    wheel.after(0, ns(20 * MS), 2);
    assert_eq!(fire(&mut wheel, 11 * MS), [1]);
    assert_eq!(fire(&mut wheel, 21 * MS), [1, 2]);
}

#[test]
fn a_timer_may_cancel_itself_and_others_while_it_runs() {
    let mut wheel = TimerWheel::new(0);
    let first = wheel.every(0, ns(5 * MS), 1);
    let second = wheel.after(0, ns(5 * MS), 2);
    let due = wheel.next_due(6 * MS).unwrap();
    assert_eq!(due, Due { id: first, repeats: true });
    assert_eq!(wheel.cancel(second), Ok(Some(2)));
    assert!(wheel.exists(first));
    assert_eq!(wheel.cancel(first), Ok(None));
    assert_eq!(wheel.cancel(first), Err(NoSuchTimer));
    assert!(wheel.info(first).unwrap().removed);
    assert_eq!(wheel.finish(first), Some(1));
    assert_eq!(wheel.next_due(100 * MS), None);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_single_timer_exists_while_it_runs() {
    let mut wheel = TimerWheel::new(0);
    let id = wheel.after(0, ns(MS), 1);
    wheel.next_due(2 * MS).unwrap();
    assert!(wheel.exists(id));
    assert_eq!(wheel.cancel(id), Ok(None));
    assert_eq!(wheel.finish(id), Some(1));
    assert!(!wheel.exists(id));
}

#[test]
fn a_timer_added_while_another_runs_is_due_at_its_own_time() {
    let mut wheel = TimerWheel::new(0);
    wheel.after(0, ns(5 * MS), 1);
    let due = wheel.next_due(1000 * MS).unwrap();
    wheel.after(1000 * MS, ns(MS), 2);
    wheel.finish(due.id);
    assert_eq!(fire(&mut wheel, 1000 * MS), []);
    assert_eq!(fire(&mut wheel, 1002 * MS), [2]);
}

#[test]
fn ids_count_up_and_the_index_drops_empty_pages() {
    let mut wheel = TimerWheel::new(0);
    let kept = wheel.after(0, ns(1_000_000), 7);
    for n in 2..10_000 {
        let id = wheel.after(0, ns(100), 0);
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
fn the_longest_delay_is_accepted() {
    let mut wheel = TimerWheel::new(5);
    wheel.every(5, ns(i64::MAX as u64), 1);
    wheel.after(5, Duration::MAX, 2);
    assert_eq!(fire(&mut wheel, 1 << 40), []);
    assert_eq!(wheel.len(), 2);
}

#[test]
fn an_entry_with_a_pointer_and_a_tag_takes_at_most_80_bytes() {
    assert!(size_of::<Entry<Result<Box<u8>, Box<u16>>>>() <= 80);
}
