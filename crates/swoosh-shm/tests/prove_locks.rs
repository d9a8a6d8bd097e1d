//! Proofs of the locks that consist of robust mutexes. Loom runs each of them in every order in which the threads can
//! observe each other's steps. The source file is the one that the crate itself compiles. Threads also die, at each of
//! their steps, and what they hold is released as the kernel releases it.

mod sync {
    //! Loom's atomics, and models of a robust mutex and of a futex as glibc and the kernel specify them. Each operation is
    //! a step at which a thread may die.

    use loom::sync::{Condvar, Mutex, atomic};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::time::Duration;

    pub use atomic::Ordering;
    use atomic::Ordering::{Acquire, Relaxed, Release};
    pub use swoosh_os::mutex::{LockError, WaitMode};

    pub const SPINS: u32 = 2;
    pub const DEATH_CHECK_INTERVAL: Duration = Duration::from_millis(20);

    loom::thread_local! {
        /// The number of this thread, and the steps that it has left.
        static ME: Cell<(u32, u32)> = Cell::new((1, u32::MAX));
    }

    struct Died;

    /// Runs `act` as thread number `id`, which dies before its step number `steps`; the mutexes that it held are released
    /// then. Returns whether it died.
    pub fn live(id: u32, steps: u32, held: &[&RobustMutex], act: impl FnOnce()) -> bool {
        ME.with(|me| me.set((id, steps)));
        let Err(panic) = catch_unwind(AssertUnwindSafe(act)) else { return false };
        if !panic.is::<Died>() {
            resume_unwind(panic);
        }
        held.iter().for_each(|mutex| mutex.owner_dies(id));
        true
    }

    fn id() -> u32 {
        ME.with(|me| me.get().0)
    }

    /// A step at which the thread may die.
    pub fn step() {
        ME.with(|me| match me.get() {
            (_, 0) => resume_unwind(Box::new(Died)),
            (id, steps) => me.set((id, steps - 1)),
        });
    }

    pub struct AtomicU64(atomic::AtomicU64);

    impl AtomicU64 {
        pub fn new(value: u64) -> Self {
            AtomicU64(atomic::AtomicU64::new(value))
        }
        pub fn load(&self, order: Ordering) -> u64 {
            step();
            self.0.load(order)
        }
        pub fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
            step();
            self.0.fetch_or(bits, order)
        }
        pub fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
            step();
            self.0.fetch_and(bits, order)
        }
    }

    /// A word, and the threads that wait for it.
    pub struct AtomicU32 {
        value: atomic::AtomicU32,
        /// Waiters time out.
        naps: bool,
        bucket: Mutex<()>,
        event_fd: Condvar,
    }

    impl AtomicU32 {
        pub fn new(value: u32, naps: bool) -> Self {
            AtomicU32 { value: atomic::AtomicU32::new(value), naps, bucket: Mutex::new(()), event_fd: Condvar::new() }
        }
        pub fn load(&self, order: Ordering) -> u32 {
            step();
            self.value.load(order)
        }
        pub fn store(&self, value: u32, order: Ordering) {
            step();
            self.value.store(value, order);
        }
        pub fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
            step();
            self.value.fetch_add(value, order)
        }
        pub fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
            step();
            self.value.fetch_sub(value, order)
        }
        pub fn compare_exchange(&self, old: u32, new: u32, good: Ordering, bad: Ordering) -> Result<u32, u32> {
            step();
            self.value.compare_exchange(old, new, good, bad)
        }
    }

    pub mod futex {
        use super::{AtomicU32, Relaxed, step};
        use std::time::Duration;

        pub fn wait(word: &AtomicU32, value: u32, nap: Option<Duration>) -> bool {
            step();
            if word.naps {
                assert!(nap.is_some(), "a sleep without an end");
                loom::thread::yield_now();
                return true;
            }
            let bucket = word.bucket.lock().unwrap();
            if word.value.load(Relaxed) == value {
                drop(word.event_fd.wait(bucket).unwrap());
            }
            true
        }

        pub fn wake(word: &AtomicU32, count: u32) {
            assert_eq!(count, 1);
            step();
            drop(word.bucket.lock().unwrap());
            word.event_fd.notify_one();
        }
    }

    pub struct RobustMutex {
        /// 0, the number of its owner, or [`DEAD`].
        owner: atomic::AtomicU32,
        bucket: Mutex<()>,
        event_fd: Condvar,
    }

    const DEAD: u32 = u32::MAX;

    impl RobustMutex {
        pub fn new() -> Self {
            RobustMutex { owner: atomic::AtomicU32::new(0), bucket: Mutex::new(()), event_fd: Condvar::new() }
        }

        pub fn acquire(&self, wait: WaitMode) -> Result<bool, LockError> {
            loop {
                step();
                match self.take() {
                    Err(LockError::Deadlock) if wait == WaitMode::NonBlocking => return Err(LockError::Busy),
                    Err(LockError::Busy) if wait != WaitMode::NonBlocking => {
                        let bucket = self.bucket.lock().unwrap();
                        let owner = self.owner.load(Relaxed);
                        if owner != 0 && owner != DEAD {
                            drop(self.event_fd.wait(bucket).unwrap());
                        }
                    }
                    other => return other,
                }
            }
        }

        fn take(&self) -> Result<bool, LockError> {
            let mut free = 0;
            loop {
                match self.owner.compare_exchange(free, id(), Acquire, Relaxed) {
                    Ok(was) => return Ok(was == DEAD),
                    Err(other) if other == 0 || other == DEAD => free = other,
                    Err(owner) if owner == id() => return Err(LockError::Deadlock),
                    Err(_) => return Err(LockError::Busy),
                }
            }
        }

        pub fn release(&self) -> Result<(), LockError> {
            step();
            if self.owner.load(Relaxed) != id() {
                return Err(LockError::NotOwner);
            }
            self.pass(0);
            Ok(())
        }

        pub fn is_held_by_this_thread(&self) -> bool {
            step();
            let taken = self.take();
            if taken.is_ok() {
                self.pass(0);
            }
            taken == Err(LockError::Deadlock)
        }

        pub fn owner_dies(&self, id: u32) {
            if self.owner.load(Relaxed) == id {
                self.pass(DEAD);
            }
        }

        fn pass(&self, to: u32) {
            self.owner.store(to, Release);
            drop(self.bucket.lock().unwrap());
            self.event_fd.notify_all();
        }
    }
}
#[path = "../src/robust_lock.rs"]
mod robust_lock;
#[path = "../src/unowned_lock.rs"]
mod unowned_lock;

use loom::cell::UnsafeCell;
use robust_lock::{LockHead, RobustLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use sync::{AtomicU32, AtomicU64, LockError, RobustMutex, WaitMode, live, step};

/// A lock, and two words that only an exclusive holder may change. They differ during a change.
struct Guarded {
    head: LockHead,
    more: Vec<RobustMutex>,
    first: UnsafeCell<u64>,
    second: UnsafeCell<u64>,
}

impl Guarded {
    fn new(more: usize, naps: bool) -> Self {
        let head = LockHead {
            gate: RobustMutex::new(),
            released: AtomicU32::new(0, naps),
            waiters: AtomicU32::new(0, naps),
            hint: AtomicU32::new(0, naps),
            reader_bits: AtomicU64::new(0),
        };
        let more = (0..more).map(|_| RobustMutex::new()).collect();
        Guarded { head, more, first: UnsafeCell::new(0), second: UnsafeCell::new(0) }
    }

    fn lock(&self) -> RobustLock<'_> {
        RobustLock { head: &self.head, mutexes: &self.more }
    }

    fn mutexes(&self) -> Vec<&RobustMutex> {
        std::iter::once(&self.head.gate).chain(&self.more).collect()
    }

    /// The work of an exclusive holder. Loom fails if another thread is inside, or if earlier changes are not visible.
    #[allow(unsafe_code)]
    fn change(&self, died: bool) {
        // SAFETY: loom checks each access and fails if another thread accesses the word at the same time.
        let add = |word: &UnsafeCell<u64>| word.with_mut(|word| unsafe { std::mem::replace(&mut *word, *word + 1) });
        // SAFETY: loom checks each access and fails if another thread changes the word at the same time.
        let (first, second) = unsafe { (self.first.with(|word| *word), self.second.with(|word| *word)) };
        if first != second {
            assert!(died, "the death of the last owner was not reported");
            add(&self.second);
        }
        step();
        add(&self.first);
        step();
        add(&self.second);
    }

    /// The work of a shared holder.
    #[allow(unsafe_code)]
    fn look(&self, died: bool) {
        // SAFETY: loom checks each access and fails if another thread changes a word at the same time.
        let (first, second) = unsafe { (self.first.with(|word| *word), self.second.with(|word| *word)) };
        assert!(first == second || died, "half a change");
        step();
    }
}

/// The program of one thread.
type Act = fn(&Guarded);

fn writes(lock: &Guarded) {
    let died = lock.lock().write(WaitMode::Blocking).unwrap();
    lock.change(died);
    lock.lock().unlock().unwrap();
}

fn reads(lock: &Guarded) {
    let died = lock.lock().read(WaitMode::Blocking).unwrap();
    lock.look(died);
    lock.lock().unlock().unwrap();
}

fn spins(lock: &Guarded) {
    let died = lock.lock().spin(WaitMode::Blocking).unwrap();
    lock.change(died);
    lock.lock().unlock().unwrap();
}

fn takes_the_permit(lock: &Guarded) {
    let died = lock.lock().take_permit(WaitMode::Blocking).unwrap();
    lock.change(died);
    lock.lock().give_permit().unwrap();
}

fn tries_the_permit(lock: &Guarded) {
    if let Ok(died) = lock.lock().take_permit(WaitMode::NonBlocking) {
        lock.change(died);
        lock.lock().give_permit().unwrap();
    }
    assert_eq!(lock.lock().give_permit(), Err(LockError::NotOwner));
}

fn takes_unowned(lock: &Guarded) {
    let died = lock.lock().take_unowned(&AtomicUsize::new(0), WaitMode::Blocking, false).unwrap();
    lock.change(died);
    lock.lock().give_unowned().unwrap();
}

fn spins_unowned(lock: &Guarded) {
    let died = lock.lock().take_unowned(&AtomicUsize::new(0), WaitMode::Blocking, true).unwrap();
    lock.change(died);
    lock.lock().give_unowned().unwrap();
}

/// Leaves the lock for another thread to release.
fn keeps_unowned(lock: &Guarded) {
    let died = lock.lock().take_unowned(&AtomicUsize::new(0), WaitMode::Blocking, false).unwrap();
    lock.change(died);
}

/// Releases the lock of another thread once it is held.
fn frees_unowned(lock: &Guarded) {
    while lock.lock().give_unowned().is_err() {
        loom::thread::yield_now();
    }
}

/// Runs all programs concurrently, the first of which dies before its step number `steps`, then `last`. Returns whether
/// it died in any order of steps.
fn run(make: fn() -> Guarded, acts: &'static [Act], steps: u32, last: Act) -> bool {
    let died = Arc::new(AtomicBool::new(false));
    let died_in_model = died.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(move || {
        let lock = loom::sync::Arc::new(make());
        let threads: Vec<_> = acts
            .iter()
            .enumerate()
            .map(|(n, act)| {
                let (lock, died_in_model) = (lock.clone(), died_in_model.clone());
                loom::thread::spawn(move || {
                    let steps = if n == 0 { steps } else { u32::MAX };
                    if live(n as u32 + 2, steps, &lock.mutexes(), || act(&lock)) {
                        died_in_model.store(true, Relaxed);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        last(&lock);
    });
    died.load(Relaxed)
}

/// Explores the programs without deaths.
fn prove(make: fn() -> Guarded, acts: &'static [Act], last: Act) {
    assert!(!run(make, acts, u32::MAX, last));
}

/// Explores the programs with a death of the first one at each of its steps.
fn prove_deaths(make: fn() -> Guarded, acts: &'static [Act], last: Act) {
    let deaths = (0..).take_while(|steps| run(make, acts, *steps, last)).count();
    assert!(deaths >= 5, "only {deaths} steps to die at");
}

#[test]
fn a_writer_excludes_others_and_readers_see_its_changes() {
    prove(|| Guarded::new(2, false), &[writes, reads], reads);
    prove(|| Guarded::new(2, false), &[writes, writes], reads);
    prove(|| Guarded::new(1, false), &[reads, reads], writes);
}

#[test]
fn a_writer_waits_for_every_reader() {
    prove(|| Guarded::new(2, false), &[writes, reads, reads], writes);
}

#[test]
fn a_reader_that_dies_at_any_step_blocks_nobody() {
    prove_deaths(|| Guarded::new(2, false), &[reads, writes], writes);
    prove_deaths(|| Guarded::new(2, false), &[reads, reads], writes);
}

#[test]
fn the_death_of_a_writer_at_any_step_is_reported_to_the_next_owner() {
    prove_deaths(|| Guarded::new(2, false), &[writes, writes], reads);
    prove_deaths(|| Guarded::new(2, false), &[writes], reads);
}

#[test]
fn a_spinning_holder_excludes_others_and_may_die() {
    prove(|| Guarded::new(0, false), &[spins, spins], spins);
    prove_deaths(|| Guarded::new(0, false), &[spins, spins], spins);
}

#[test]
fn a_permit_has_one_holder_and_its_return_wakes_a_waiter() {
    prove(|| Guarded::new(1, false), &[takes_the_permit, takes_the_permit], takes_the_permit);
    prove(|| Guarded::new(1, false), &[takes_the_permit, tries_the_permit], takes_the_permit);
}

#[test]
fn a_permit_whose_holder_dies_at_any_step_passes_on() {
    prove_deaths(|| Guarded::new(1, true), &[takes_the_permit, takes_the_permit], takes_the_permit);
}

#[test]
fn an_unowned_lock_has_one_holder_and_its_release_wakes_a_waiter() {
    prove(|| Guarded::new(2, false), &[takes_unowned, takes_unowned], takes_unowned);
    prove(|| Guarded::new(2, true), &[spins_unowned, spins_unowned], takes_unowned);
}

#[test]
fn an_unowned_lock_whose_holder_dies_at_any_step_passes_on() {
    prove_deaths(|| Guarded::new(2, true), &[takes_unowned, takes_unowned], takes_unowned);
}

#[test]
fn an_unowned_lock_is_released_by_another_thread() {
    prove(|| Guarded::new(2, true), &[keeps_unowned, frees_unowned], takes_unowned);
}

/// Preemptions in one order of steps, at most.
const PREEMPTIONS: usize = 2;
