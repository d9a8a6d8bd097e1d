//! Locks between processes that pass on when their owner dies.
//!
//! Invariant: the holder of a lock holds a robust mutex, which the kernel releases when the thread that holds it ends,
//! however it ends. `robust_lock.rs` builds the other kinds from such mutexes.
//!
//! A lock belongs to the thread that acquired it: a child forked meanwhile does not hold it. [`LockKind::Unowned`] may be
//! released by others (`unowned_lock.rs`).

pub use swoosh_os::mutex::{LockError, WaitMode};

use super::robust_lock::{LockHead, RobustLock};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use swoosh_os::arena::Arena;
use swoosh_os::memory::Mapping;
use swoosh_os::mutex::RobustMutex;
use swoosh_os::{Error, Result};

/// The kind of a lock.
///
/// ```
/// use swoosh_shm::lock::{Lock, LockKind, MAX_PERMITS};
///
/// assert!(Lock::new(LockKind::Semaphore(MAX_PERMITS + 1)).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// One holder; waiters sleep.
    Mutex,
    /// One holder; waiters retry for a while before they sleep.
    Spin,
    /// One writer, or up to [`MAX_READERS`] readers. A waiting writer lets no more readers in.
    ReadWrite,
    /// That many holders, 1 to [`MAX_PERMITS`].
    Semaphore(u32),
    /// One holder, and any thread of any process may release it. Waiters retry for a while before they sleep if `spins`.
    Unowned {
        /// Whether waiters retry.
        spins: bool,
    },
}

/// The access that a lock is acquired for. Only [`LockKind::ReadWrite`] and file locks distinguish them.
///
/// ```
/// use swoosh_shm::lock::{Access, Lock, LockKind, WaitMode};
///
/// let lock = Lock::new(LockKind::ReadWrite)?;
/// let first = lock.lock(Access::Shared, WaitMode::Blocking);
/// let second = lock.lock(Access::Shared, WaitMode::Blocking);
/// assert!(first.is_ok() && second.is_ok());
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Excludes all others.
    Exclusive,
    /// Excludes exclusive access only.
    Shared,
}

/// A lock. Clones, and the copies in forked processes, are the same lock.
///
/// ```
/// use swoosh_shm::lock::{Access, Lock, LockKind, WaitMode};
///
/// let lock = Lock::new(LockKind::Mutex)?; // before the processes that share it are forked
/// if let Ok(guard) = lock.lock(Access::Exclusive, WaitMode::Blocking) {
///     assert!(!guard.owner_died());
/// } // released here
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: LockKind,
    /// `None` only while it is dropped.
    memory: Option<Mapping>,
    /// The seat that this process used last ([`LockKind::Unowned`]).
    last_seat: AtomicUsize,
}

/// Holds a [`Lock`] until it is dropped, in the thread that acquired it.
///
/// ```
/// use swoosh_shm::lock::{Access, Lock, LockError, LockKind, WaitMode};
///
/// let lock = Lock::new(LockKind::Semaphore(1))?;
/// let guard = lock.lock(Access::Exclusive, WaitMode::Blocking);
/// assert_eq!(lock.acquire(Access::Exclusive, WaitMode::NonBlocking), Err(LockError::Busy));
/// drop(guard);
/// assert_eq!(lock.acquire(Access::Exclusive, WaitMode::NonBlocking), Ok(false));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    died: bool,
    not_send: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the last owner died holding the lock: the guarded data may be partly changed.
    pub fn owner_died(&self) -> bool {
        self.died
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        let _ = self.lock.release();
    }
}

impl Lock {
    /// Creates a lock that nobody holds, in memory of its own: one page.
    ///
    /// # Errors
    /// If the kernel has no memory, or the number of permits is out of range.
    pub fn new(kind: LockKind) -> Result<Self> {
        Lock::create(kind, None)
    }

    /// Like [`new`](Lock::new), in memory of an arena, which is never returned to it.
    ///
    /// # Errors
    /// If the arena has no memory left, or the number of permits is out of range.
    pub fn in_arena(kind: LockKind, arena: &Arena) -> Result<Self> {
        Lock::create(kind, Some(arena))
    }

    fn create(kind: LockKind, arena: Option<&Arena>) -> Result<Self> {
        let mutexes = match kind {
            LockKind::Mutex | LockKind::Spin => 0,
            LockKind::ReadWrite => MAX_READERS,
            LockKind::Unowned { .. } => SEATS,
            LockKind::Semaphore(permits) if (1..=MAX_PERMITS).contains(&permits) => permits,
            LockKind::Semaphore(permits) => {
                let expected = format!("1 to {MAX_PERMITS}");
                return Err(Error::Argument { name: "permits", value: permits.to_string(), expected });
            }
        };
        let size = size_of::<LockHead>() + mutexes as usize * size_of::<RobustMutex>();
        let memory = match arena {
            Some(arena) => Mapping::in_arena(arena, size, "a lock")?,
            None => Mapping::new(size, "a lock")?,
        };
        let lock = Lock(Arc::new(Inner { kind, memory: Some(memory), last_seat: AtomicUsize::new(0) }));
        lock.0.head().gate.init_checking();
        lock.0.mutexes().iter().for_each(RobustMutex::init_checking);
        Ok(lock)
    }

    /// The kind it was created with.
    pub fn kind(&self) -> LockKind {
        self.0.kind
    }

    /// Acquires the lock until the guard is dropped.
    ///
    /// # Errors
    /// See [`acquire`](Lock::acquire).
    pub fn lock(&self, access: Access, wait: WaitMode) -> Result<LockGuard<'_>, LockError> {
        let died = self.acquire(access, wait)?;
        Ok(LockGuard { lock: self, died, not_send: PhantomData })
    }

    /// Acquires the lock without a guard; the same thread has to call [`release`](Lock::release). `true` if the last
    /// owner died holding it: the guarded data may be partly changed.
    ///
    /// # Errors
    /// [`LockError::Busy`] when the time to wait is over, [`LockError::Deadlock`] if the calling thread would wait for
    /// itself. A semaphore does not detect the latter.
    #[inline]
    pub fn acquire(&self, access: Access, wait: WaitMode) -> Result<bool, LockError> {
        let lock = self.0.robust_lock();
        match (self.0.kind, access) {
            (LockKind::Mutex, _) => lock.head.gate.acquire(wait),
            (LockKind::Spin, _) => lock.spin(wait),
            (LockKind::ReadWrite, Access::Exclusive) => lock.write(wait),
            (LockKind::ReadWrite, Access::Shared) => lock.read(wait),
            (LockKind::Semaphore(_), _) => lock.take_permit(wait),
            (LockKind::Unowned { spins }, _) => lock.take_unowned(&self.0.last_seat, wait, spins),
        }
    }

    /// Releases the lock. A thread that holds several read accesses or permits releases one of them.
    ///
    /// # Errors
    /// [`LockError::NotOwner`] if the calling thread does not hold it; for [`LockKind::Unowned`], if nobody does.
    #[inline]
    pub fn release(&self) -> Result<(), LockError> {
        let lock = self.0.robust_lock();
        match self.0.kind {
            LockKind::Mutex | LockKind::Spin => lock.head.gate.release(),
            LockKind::ReadWrite => lock.unlock(),
            LockKind::Semaphore(_) => lock.give_permit(),
            LockKind::Unowned { .. } => lock.give_unowned(),
        }
    }
}

impl Inner {
    fn memory(&self) -> &Mapping {
        self.memory.as_ref().expect("the memory is there until the lock is dropped")
    }

    fn head(&self) -> &LockHead {
        // SAFETY: `create` allocated at least a `LockHead`, aligned to a page and zeroed, which is valid for one before
        // `init_checking`. The mapping lives as long as `self`.
        unsafe { self.memory().start().cast::<LockHead>().as_ref() }
    }

    fn mutexes(&self) -> &[RobustMutex] {
        let memory = self.memory();
        let count = (memory.len() - size_of::<LockHead>()) / size_of::<RobustMutex>();
        // SAFETY: `count` mutexes fit behind the `LockHead`, whose size is a multiple of 64 and so of their alignment.
        // The memory was zeroed, and the mapping lives as long as `self`.
        unsafe {
            let at = memory.start().add(size_of::<LockHead>()).cast::<RobustMutex>();
            std::slice::from_raw_parts(at.as_ptr(), count)
        }
    }

    #[inline]
    fn robust_lock(&self) -> RobustLock<'_> {
        RobustLock { head: self.head(), mutexes: self.mutexes() }
    }
}

impl Drop for Inner {
    /// The C library keeps a list of the robust mutexes that a thread holds. Memory with such a mutex must stay mapped.
    fn drop(&mut self) {
        let is_free = |mutex: &RobustMutex| {
            let _ = mutex.release();
            mutex.acquire(WaitMode::NonBlocking).is_ok() && mutex.release().is_ok()
        };
        let all = is_free(&self.head().gate) & self.mutexes().iter().fold(true, |all, mutex| is_free(mutex) & all);
        if !all {
            std::mem::forget(self.memory.take());
        }
    }
}

/// The most readers at the same time.
pub const MAX_READERS: u32 = 64;
/// Threads that can wait for each other's [`LockKind::Unowned`] lock after others have released it for them.
const SEATS: u32 = 64;
/// The most permits of a semaphore.
pub const MAX_PERMITS: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::AtomicLong;
    use std::time::Duration;
    use swoosh_os::process;
    use swoosh_os::process::Fork;

    const SOON: WaitMode = WaitMode::Timeout(Duration::from_millis(30));
    const OWNED: [LockKind; 4] = [LockKind::Mutex, LockKind::Spin, LockKind::ReadWrite, LockKind::Semaphore(1)];
    const UNOWNED: [LockKind; 2] = [LockKind::Unowned { spins: false }, LockKind::Unowned { spins: true }];

    fn kinds() -> impl Iterator<Item = LockKind> {
        OWNED.into_iter().chain(UNOWNED)
    }

    fn child(act: impl FnOnce() -> bool) -> i32 {
        match process::fork().unwrap() {
            Fork::Child => process::exit_now(i32::from(!act())),
            Fork::Parent(pid) => pid,
        }
    }

    fn ends_well(pid: i32) -> bool {
        loop {
            if let Some(ended) = process::try_wait(pid) {
                return ended.status == 0;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn in_child(act: impl FnOnce() -> bool) -> bool {
        ends_well(child(act))
    }

    #[test]
    fn a_lock_has_one_holder() {
        for kind in kinds() {
            let lock = Lock::new(kind).unwrap();
            let held = lock.lock(Access::Exclusive, WaitMode::Blocking).unwrap();
            assert!(
                in_child(|| lock.acquire(Access::Exclusive, WaitMode::NonBlocking) == Err(LockError::Busy)),
                "{kind:?}"
            );
            assert!(in_child(|| lock.acquire(Access::Exclusive, SOON) == Err(LockError::Busy)), "{kind:?}");
            if OWNED.contains(&kind) {
                assert!(in_child(|| lock.release() == Err(LockError::NotOwner)), "{kind:?}");
            }
            let waits = child(|| lock.acquire(Access::Exclusive, WaitMode::Blocking) == Ok(false));
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
            assert!(ends_well(waits), "{kind:?}");
            // The child exited while it held the lock.
            assert_eq!(lock.acquire(Access::Exclusive, WaitMode::Blocking), Ok(true), "{kind:?}");
            assert_eq!(lock.release(), Ok(()), "{kind:?}");
            assert_eq!(lock.release(), Err(LockError::NotOwner), "{kind:?}");
        }
    }

    #[test]
    fn locks_in_an_arena_work_and_are_accounted_for() {
        let arena = Arena::reserve(8192).unwrap();
        let lock = Lock::in_arena(LockKind::Mutex, &arena).unwrap();
        let held = lock.lock(Access::Exclusive, WaitMode::NonBlocking).unwrap();
        assert!(in_child(|| lock.acquire(Access::Exclusive, WaitMode::NonBlocking) == Err(LockError::Busy)));
        drop(held);
        let other = Lock::in_arena(LockKind::ReadWrite, &arena).unwrap();
        assert!(
            other.lock(Access::Shared, WaitMode::NonBlocking).is_ok()
                && lock.lock(Access::Exclusive, WaitMode::NonBlocking).is_ok()
        );
        assert_eq!(arena.allocations().iter().map(|piece| &piece.purpose[..]).collect::<Vec<_>>(), ["a lock"; 2]);
        let error = Lock::in_arena(LockKind::Spin, &arena).unwrap_err().to_string();
        assert_eq!(error, "take from the arena: a lock needs 4096 bytes, and of the arena's 8192 only 0 are left");
    }

    #[test]
    fn acquiring_a_lock_twice_is_an_error() {
        for kind in kinds().filter(|kind| *kind != LockKind::Semaphore(1)) {
            let lock = Lock::new(kind).unwrap();
            lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap();
            assert_eq!(lock.acquire(Access::Exclusive, WaitMode::Blocking), Err(LockError::Deadlock), "{kind:?}");
            assert_eq!(lock.acquire(Access::Exclusive, WaitMode::NonBlocking), Err(LockError::Busy), "{kind:?}");
            lock.release().unwrap();
        }
        let lock = Lock::new(LockKind::ReadWrite).unwrap();
        lock.acquire(Access::Shared, WaitMode::NonBlocking).unwrap();
        assert_eq!(lock.acquire(Access::Exclusive, WaitMode::Blocking), Err(LockError::Deadlock));
        lock.release().unwrap();
        lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap();
    }

    #[test]
    fn an_unowned_lock_is_released_by_any_process_and_its_holder_may_acquire_it_again() {
        for kind in UNOWNED {
            let lock = Lock::new(kind).unwrap();
            for _ in 0..3 * SEATS {
                lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap();
                let waits = child(|| {
                    lock.acquire(Access::Exclusive, WaitMode::Blocking) == Ok(false) && lock.release().is_ok()
                });
                assert!(in_child(|| lock.release().is_ok()), "{kind:?}");
                assert!(ends_well(waits), "{kind:?}");
            }
            assert_eq!(lock.release(), Err(LockError::NotOwner), "{kind:?}");
            // The holder of a lock that was released for it dies: nobody is affected.
            let dies = child(|| {
                lock.acquire(Access::Exclusive, WaitMode::Blocking) == Ok(false) && in_child(|| lock.release().is_ok())
            });
            assert!(ends_well(dies));
            assert_eq!(lock.acquire(Access::Exclusive, WaitMode::NonBlocking), Ok(false), "{kind:?}");
        }
    }

    #[test]
    fn readers_share_and_writers_exclude() {
        let lock = Lock::new(LockKind::ReadWrite).unwrap();
        lock.acquire(Access::Shared, WaitMode::Blocking).unwrap();
        assert!(in_child(|| lock.acquire(Access::Shared, WaitMode::NonBlocking).is_ok() && lock.release().is_ok()));
        assert!(in_child(|| lock.acquire(Access::Exclusive, SOON) == Err(LockError::Busy)));
        assert!(in_child(|| lock.acquire(Access::Shared, WaitMode::NonBlocking).is_ok()));
        lock.release().unwrap();
        let held = lock.lock(Access::Exclusive, WaitMode::NonBlocking).unwrap();
        assert!(in_child(|| lock.acquire(Access::Shared, SOON) == Err(LockError::Busy)));
        drop(held);
        for _ in 0..MAX_READERS {
            lock.acquire(Access::Shared, WaitMode::NonBlocking).unwrap();
        }
        assert!(lock.acquire(Access::Shared, SOON).is_err());
        for _ in 0..MAX_READERS {
            lock.release().unwrap();
        }
        assert!(lock.release().is_err());
        // A dead reader does not block a writer.
        assert!(in_child(|| lock.acquire(Access::Shared, WaitMode::NonBlocking).is_ok()));
        lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap();
        lock.release().unwrap();
    }

    #[test]
    fn a_semaphore_has_as_many_holders_as_permits() {
        let lock = Lock::new(LockKind::Semaphore(3)).unwrap();
        for _ in 0..3 {
            lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap();
        }
        assert!(in_child(|| lock.acquire(Access::Exclusive, WaitMode::NonBlocking).is_err()));
        let waits = child(|| lock.acquire(Access::Exclusive, WaitMode::Blocking).is_ok());
        std::thread::sleep(Duration::from_millis(5));
        lock.release().unwrap();
        assert!(ends_well(waits));
        lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap();
        assert!(Lock::new(LockKind::Semaphore(0)).is_err() && Lock::new(LockKind::Semaphore(MAX_PERMITS + 1)).is_err());
    }

    #[test]
    fn every_kind_of_lock_passes_on_when_its_owner_is_killed() {
        let rounds = std::env::var("SWOOSH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
        for kind in kinds() {
            let lock = Lock::new(kind).unwrap();
            let inside = AtomicLong::new(0).unwrap();
            for round in 0..rounds {
                let pids = [(); 2].map(|()| {
                    child(|| {
                        loop {
                            let Ok(died) = lock.acquire(Access::Exclusive, WaitMode::Blocking) else { return false };
                            if died {
                                inside.set(0);
                            }
                            if inside.add(1) != 1 {
                                return false;
                            }
                            inside.sub(1);
                            if lock.release().is_err() {
                                return false;
                            }
                        }
                    })
                });
                std::thread::sleep(Duration::from_micros(100 + 17 * (round % 30)));
                for pid in pids {
                    process::kill(pid, libc::SIGKILL);
                    loop {
                        if let Some(ended) = process::try_wait(pid) {
                            assert_eq!(ended.signal(), libc::SIGKILL, "{kind:?}: two were inside");
                            break;
                        }
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
                let died = lock
                    .acquire(Access::Exclusive, WaitMode::Timeout(Duration::from_secs(5)))
                    .expect("the lock passes on");
                if died {
                    inside.set(0);
                }
                assert_eq!(inside.get(), 0, "{kind:?}: the death of the owner was not reported");
                lock.release().unwrap();
            }
        }
    }

    #[test]
    fn a_lock_that_is_dropped_while_held_stays_usable_elsewhere() {
        for kind in kinds() {
            let lock = Lock::new(kind).unwrap();
            lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap();
            let clone = lock.clone();
            let waits = child(|| clone.acquire(Access::Exclusive, WaitMode::Timeout(Duration::from_secs(5))).is_ok());
            drop((lock, clone));
            assert!(ends_well(waits), "{kind:?}");
            let next = Lock::new(kind).unwrap();
            next.acquire(Access::Exclusive, WaitMode::Blocking).unwrap();
            next.release().unwrap();
        }
    }
}
