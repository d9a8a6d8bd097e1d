//! The cost of acquiring and releasing an uncontended lock.

use std::time::Instant;
use swoosh::shm::lock::{Access, Lock, LockKind, WaitMode};

/// The time of one lock and unlock, in nanoseconds.
pub fn uncontended(kind: LockKind, access: Access) -> f64 {
    let lock = Lock::new(kind).expect("memory for a lock");
    let begun = Instant::now();
    for _ in 0..TIMES {
        lock.acquire(access, WaitMode::Blocking).expect("it is free");
        lock.release().expect("it is held");
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// The reference: a mutex of the standard library, which is private to a process.
pub fn of_one_process() -> f64 {
    let mutex = std::sync::Mutex::new(0);
    let begun = Instant::now();
    for n in 0..TIMES {
        *std::hint::black_box(&mutex).lock().expect("not poisoned") = n;
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

const TIMES: u32 = 1_000_000;
