//! A mutex between processes that recovers when its owner is killed (pthread_mutexattr_setrobust(3)).
//!
//! The kernel unlocks a robust mutex when the thread that holds it ends, however it ends, and tells the next owner.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::time::Duration;

/// A robust mutex, placed in shared memory. Zeroed memory is valid before [`init`](RobustMutex::init).
///
/// A thread that holds it should run a few instructions only, never a call that may block.
///
/// ```
/// use swoosh_os::memory::SharedMemory;
/// use swoosh_os::mutex::RobustMutex;
///
/// let memory = SharedMemory::new(size_of::<RobustMutex>(), "a mutex")?;
/// // SAFETY: the mapping is zeroed, page-aligned, large enough and never unmapped.
/// let mutex = unsafe { memory.start().cast::<RobustMutex>().as_ref() };
/// mutex.init(); // before the processes that share it are forked
/// drop(mutex.lock());
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[repr(C)]
pub struct RobustMutex {
    inner: UnsafeCell<libc::pthread_mutex_t>,
}

// SAFETY: a pthread mutex with PTHREAD_PROCESS_SHARED may be used by any thread of any process that maps it.
unsafe impl Send for RobustMutex {}
// SAFETY: all methods access `inner` through pthread calls, which synchronise threads and processes.
unsafe impl Sync for RobustMutex {}

/// Holds a [`RobustMutex`] until it is dropped, in the thread that locked it.
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<swoosh_os::mutex::RobustMutexGuard<'static>>(); // a mutex is unlocked by the thread that locked it
/// ```
pub struct RobustMutexGuard<'a> {
    mutex: &'a RobustMutex,
    not_send: PhantomData<*const ()>,
}

/// How long a lock operation may wait.
///
/// ```
/// use swoosh_os::mutex::WaitMode;
///
/// assert_ne!(WaitMode::NonBlocking, WaitMode::Timeout(std::time::Duration::from_millis(5)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitMode {
    /// Not at all.
    NonBlocking,
    /// At most that long.
    Timeout(Duration),
    /// Without limit.
    Blocking,
}

/// Why a lock was not acquired or not released.
///
/// ```
/// assert_eq!(swoosh_os::mutex::LockError::Busy.errno(), libc::EBUSY);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockError {
    /// Another thread or process holds it, and the time to wait is over.
    Busy,
    /// The calling thread holds it already and would wait for itself.
    Deadlock,
    /// The calling thread does not hold it.
    NotOwner,
}

impl LockError {
    /// The errno of pthread_mutex_lock(3) for it: `EBUSY`, `EDEADLK` or `EPERM`.
    pub fn errno(self) -> i32 {
        match self {
            LockError::Busy => libc::EBUSY,
            LockError::Deadlock => libc::EDEADLK,
            LockError::NotOwner => libc::EPERM,
        }
    }
}

impl RobustMutex {
    /// Initialises the mutex in place, once, before another process or thread can reach it. A thread that locks it
    /// twice deadlocks.
    pub fn init(&self) {
        self.init_as(libc::PTHREAD_MUTEX_NORMAL);
    }

    /// Like [`init`](RobustMutex::init), but a thread that locks it twice gets [`LockError::Deadlock`].
    pub fn init_checking(&self) {
        self.init_as(libc::PTHREAD_MUTEX_ERRORCHECK);
    }

    fn init_as(&self, kind: libc::c_int) {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        // SAFETY: `attributes` is initialised by the first call and destroyed by the last. `inner` has the size and
        // alignment of its type, and `init` requires that no other process or thread uses it yet.
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

    /// Locks. If the last owner died holding the mutex, the guarded data may be the result of any prefix of the owner's
    /// writes.
    #[inline]
    pub fn lock(&self) -> RobustMutexGuard<'_> {
        self.lock_repairing(|| ())
    }

    /// Locks. If the last owner died holding the mutex, runs `repair` first. If this process dies in `repair`, the next
    /// owner runs its `repair` from the start.
    #[inline]
    pub fn lock_repairing(&self, repair: impl FnOnce()) -> RobustMutexGuard<'_> {
        // SAFETY: `inner` was initialised by `init` and is never destroyed.
        let code = unsafe { libc::pthread_mutex_lock(self.inner.get()) };
        match code {
            0 => {}
            libc::EOWNERDEAD => {
                repair();
                self.mark_consistent();
            }
            other => refused("pthread_mutex_lock", other),
        }
        RobustMutexGuard { mutex: self, not_send: PhantomData }
    }

    /// Locks without a guard; the same thread has to call [`release`](RobustMutex::release). `true` if the last owner
    /// died holding the mutex.
    ///
    /// # Errors
    /// [`LockError::Busy`], or [`LockError::Deadlock`] for a mutex of [`init_checking`](RobustMutex::init_checking).
    pub fn acquire(&self, wait: WaitMode) -> Result<bool, LockError> {
        // SAFETY: `inner` was initialised by `init` and is never destroyed; `until` outlives the call.
        let code = unsafe {
            match wait {
                WaitMode::NonBlocking => libc::pthread_mutex_trylock(self.inner.get()),
                WaitMode::Blocking => libc::pthread_mutex_lock(self.inner.get()),
                WaitMode::Timeout(time) => {
                    let until = monotonic_after(time);
                    pthread_mutex_clocklock(self.inner.get(), libc::CLOCK_MONOTONIC, &until)
                }
            }
        };
        match code {
            0 => Ok(false),
            libc::EOWNERDEAD => {
                self.mark_consistent();
                Ok(true)
            }
            libc::EDEADLK if wait != WaitMode::NonBlocking => Err(LockError::Deadlock),
            libc::EBUSY | libc::ETIMEDOUT | libc::EDEADLK => Err(LockError::Busy),
            other => refused("acquire", other),
        }
    }

    /// Unlocks after [`acquire`](RobustMutex::acquire).
    ///
    /// # Errors
    /// [`LockError::NotOwner`] if the calling thread does not hold the mutex.
    pub fn release(&self) -> Result<(), LockError> {
        // SAFETY: `inner` was initialised by `init`. A robust mutex refuses to be unlocked by a thread that is not its
        // owner (pthread_mutex_unlock(3)).
        match unsafe { libc::pthread_mutex_unlock(self.inner.get()) } {
            0 => Ok(()),
            _ => Err(LockError::NotOwner),
        }
    }

    /// Whether the calling thread holds the mutex; only for one of [`init_checking`](RobustMutex::init_checking).
    pub fn is_held_by_this_thread(&self) -> bool {
        // SAFETY: `inner` was initialised by `init_checking` and is never destroyed. A lock that trylock acquires is
        // released again.
        unsafe {
            match libc::pthread_mutex_trylock(self.inner.get()) {
                libc::EDEADLK => true,
                libc::EOWNERDEAD => {
                    self.mark_consistent();
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

    /// Without this call, the next unlock would make the mutex unusable.
    #[cold]
    fn mark_consistent(&self) {
        // SAFETY: the caller got EOWNERDEAD from this mutex, which means that this thread holds it.
        unsafe { libc::pthread_mutex_consistent(self.inner.get()) };
    }
}

impl Drop for RobustMutexGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a guard is created by the thread that locked the mutex and is not `Send`, so this thread holds it.
        unsafe { libc::pthread_mutex_unlock(self.mutex.inner.get()) };
    }
}

unsafe extern "C" {
    /// pthread_mutex_clocklock(3), which the crate libc does not declare: waits until a moment of that clock. The wall
    /// clock, which pthread_mutex_timedlock(3) uses, may be set while the wait lasts.
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        until: *const libc::timespec,
    ) -> libc::c_int;
}

/// The C library refused an operation on a mutex: its memory is damaged, and the guarded data must not be touched.
#[cold]
fn refused(operation: &str, code: i32) -> ! {
    panic!("{operation}: {}", std::io::Error::from_raw_os_error(code));
}

/// The moment after `time` on the monotonic clock.
fn monotonic_after(time: Duration) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime(2) fills `now`, which outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    let now = Duration::new(now.tv_sec.max(0) as u64, now.tv_nsec as u32);
    let then = now.saturating_add(time.min(MAX_TIMEOUT));
    libc::timespec { tv_sec: then.as_secs() as libc::time_t, tv_nsec: i64::from(then.subsec_nanos()) }
}

/// Ten years: longer waits would overflow `timespec`.
const MAX_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

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

    #[test]
    fn a_wait_with_a_timeout_lasts_that_long() {
        let memory = SharedMemory::new(4096, "a test").unwrap();
        // SAFETY: the mapping is zeroed, large enough, page-aligned and never unmapped.
        let mutex = unsafe { &*memory.start().as_ptr().cast::<RobustMutex>() };
        mutex.init_checking();
        let held = mutex.lock();
        let time = Duration::from_millis(30);
        let waits = std::thread::spawn(move || {
            let began = std::time::Instant::now();
            (mutex.acquire(WaitMode::Timeout(time)), began.elapsed() >= time)
        });
        assert_eq!(waits.join().unwrap(), (Err(LockError::Busy), true));
        drop(held);
    }

    #[test]
    #[should_panic(expected = "pthread_mutex_lock")]
    fn a_mutex_that_cannot_be_locked_is_not_treated_as_held() {
        let memory = SharedMemory::new(4096, "a test").unwrap();
        // SAFETY: the mapping is zeroed, large enough, page-aligned and never unmapped.
        let mutex = unsafe { &*memory.start().as_ptr().cast::<RobustMutex>() };
        mutex.init_checking();
        std::mem::forget(mutex.lock());
        // The thread would wait for itself.
        drop(mutex.lock());
    }
}
