//! A lock between processes that recovers when its owner is killed (pthread_mutexattr_setrobust(3)).

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lives in shared memory; guards a few instructions, never a call that may wait.
#[repr(C)]
pub struct RobustMutex {
    inner: UnsafeCell<libc::pthread_mutex_t>,
}

// SAFETY: a pthread mutex with PTHREAD_PROCESS_SHARED is made to be used from several threads and processes.
unsafe impl Send for RobustMutex {}
// SAFETY: as above.
unsafe impl Sync for RobustMutex {}

/// RobustMutexGuard until dropped, by the thread that took it.
pub struct RobustMutexGuard<'a> {
    mutex: &'a RobustMutex,
    here: PhantomData<*const ()>,
}

/// How long [`RobustMutex::acquire`] may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitMode {
    /// Not at all.
    NonBlocking,
    /// At most that long.
    Timeout(Duration),
    /// For ever.
    Blocking,
}

/// Why a lock was not taken, or not given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockError {
    /// Somebody holds it, and the time is over.
    Busy,
    /// This thread holds it already, and would wait for itself.
    Deadlock,
    /// This thread does not hold it.
    NotOwner,
}

impl LockError {
    /// The errno that stands for it: `EBUSY`, `EDEADLK`, `EPERM`.
    pub fn errno(self) -> i32 {
        match self {
            LockError::Busy => libc::EBUSY,
            LockError::Deadlock => libc::EDEADLK,
            LockError::NotOwner => libc::EPERM,
        }
    }
}

impl RobustMutex {
    /// Makes the mutex ready in place, once, before any process but this one can reach it.
    pub fn init(&self) {
        self.init_as(libc::PTHREAD_MUTEX_NORMAL);
    }

    /// As [`init`](RobustMutex::init); a thread that holds it and wants it again is told so instead of waiting for ever.
    pub fn init_checking(&self) {
        self.init_as(libc::PTHREAD_MUTEX_ERRORCHECK);
    }

    fn init_as(&self, kind: libc::c_int) {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        // SAFETY: `attributes` is initialised by the first call and destroyed by the last; `inner` is memory of the
        // right size and alignment that nobody else uses yet.
        unsafe {
            let a = attributes.as_mut_ptr();
            libc::pthread_mutexattr_init(a);
            libc::pthread_mutexattr_settype(a, kind);
            libc::pthread_mutexattr_setpshared(a, libc::PTHREAD_PROCESS_SHARED);
            libc::pthread_mutexattr_setrobust(a, libc::PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(self.inner.get(), a);
            libc::pthread_mutexattr_destroy(a);
        }
    }

    /// Takes the lock. Where its owner died in the middle, the lock passes on: what it guards must be right after any
    /// prefix of the owner's writes.
    #[inline]
    pub fn lock(&self) -> RobustMutexGuard<'_> {
        self.lock_repairing(|| ())
    }

    /// Takes the lock. Where its owner died in the middle, `repair` runs first; should this process die in it, the next
    /// owner repairs from the beginning.
    #[inline]
    pub fn lock_repairing(&self, repair: impl FnOnce()) -> RobustMutexGuard<'_> {
        // SAFETY: `inner` was initialised by `init`, and is never destroyed.
        let code = unsafe { libc::pthread_mutex_lock(self.inner.get()) };
        if code == libc::EOWNERDEAD {
            repair();
            self.passed_on();
        }
        RobustMutexGuard { mutex: self, here: PhantomData }
    }

    /// Takes the lock without a guard, to be given back by [`release`](RobustMutex::release) of the same thread. True
    /// if its last owner died holding it.
    pub fn acquire(&self, wait: WaitMode) -> Result<bool, LockError> {
        // SAFETY: `inner` was initialised by `init` and is never destroyed; `until` outlives the call.
        let code = unsafe {
            match wait {
                WaitMode::NonBlocking => libc::pthread_mutex_trylock(self.inner.get()),
                WaitMode::Blocking => libc::pthread_mutex_lock(self.inner.get()),
                WaitMode::Timeout(time) => {
                    let until = wall_clock_in(time);
                    libc::pthread_mutex_timedlock(self.inner.get(), &until)
                }
            }
        };
        match code {
            0 => Ok(false),
            libc::EOWNERDEAD => {
                self.passed_on();
                Ok(true)
            }
            libc::EDEADLK if wait != WaitMode::NonBlocking => Err(LockError::Deadlock),
            _ => Err(LockError::Busy),
        }
    }

    /// Gives back what [`acquire`](RobustMutex::acquire) took.
    pub fn release(&self) -> Result<(), LockError> {
        // SAFETY: a robust mutex refuses this to everyone but its owner.
        match unsafe { libc::pthread_mutex_unlock(self.inner.get()) } {
            0 => Ok(()),
            _ => Err(LockError::NotOwner),
        }
    }

    /// Whether this thread holds it; only of one that was made by [`init_checking`](RobustMutex::init_checking).
    pub fn is_held_by_this_thread(&self) -> bool {
        // SAFETY: `inner` was initialised and is never destroyed; what is taken by asking is given back.
        unsafe {
            match libc::pthread_mutex_trylock(self.inner.get()) {
                libc::EDEADLK => true,
                libc::EOWNERDEAD => {
                    self.passed_on();
                    libc::pthread_mutex_unlock(self.inner.get());
                    false
                }
                0 => {
                    libc::pthread_mutex_unlock(self.inner.get());
                    false
                }
                _ => false,
            }
        }
    }

    #[cold]
    fn passed_on(&self) {
        // SAFETY: this thread holds the lock now, as EOWNERDEAD says.
        unsafe { libc::pthread_mutex_consistent(self.inner.get()) };
    }
}

impl Drop for RobustMutexGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a `RobustMutexGuard` exists only while this thread owns the lock.
        unsafe { libc::pthread_mutex_unlock(self.mutex.inner.get()) };
    }
}

/// The moment after that time, as pthread_mutex_timedlock(3) wants it: on the clock of the wall.
fn wall_clock_in(time: Duration) -> libc::timespec {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let then = now.saturating_add(time.min(A_LONG_TIME));
    libc::timespec { tv_sec: then.as_secs() as libc::time_t, tv_nsec: i64::from(then.subsec_nanos()) }
}

const A_LONG_TIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SharedMemory;
    use crate::process::{self, Fork};

    #[test]
    fn a_lock_whose_owner_was_killed_passes_on() {
        let memory = SharedMemory::new(4096, "a test").unwrap();
        // SAFETY: the mapping is zeroed, large enough, page-aligned and never unmapped.
        let mutex = unsafe { &*memory.start().as_ptr().cast::<RobustMutex>() };
        mutex.init();
        for _ in 0..20 {
            match process::fork().unwrap() {
                Fork::Child => {
                    let held = mutex.lock();
                    std::mem::forget(held);
                    process::exit_now(0);
                }
                Fork::Parent(pid) => {
                    process::wait_for(pid).unwrap();
                }
            }
            drop(mutex.lock());
        }
    }
}
