//! What it costs to take a lock that is free and to give it back.

use std::time::Instant;
use swoosh::shm::lock::{Access, Lock, LockKind, WaitMode};

/// Nanoseconds of one lock and unlock.
pub fn uncontended(kind: LockKind, access: Access) -> f64 {
    let lock = Lock::new(kind).expect("memory for a lock");
    let begun = Instant::now();
    for _ in 0..TIMES {
        lock.acquire(access, WaitMode::Blocking).expect("it is free");
        lock.release().expect("it is held");
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// The same of a mutex of the standard library, which no other process sees.
pub fn of_one_process() -> f64 {
    let mutex = std::sync::Mutex::new(0);
    let begun = Instant::now();
    for n in 0..TIMES {
        *std::hint::black_box(&mutex).lock().expect("nobody panics") = n;
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

const TIMES: u32 = 1_000_000;
