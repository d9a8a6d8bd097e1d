//! A lock between processes that recovers when its owner is killed (pthread_mutexattr_setrobust(3)).

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// Lives in shared memory; guards a few instructions, never a call that may wait.
#[repr(C)]
pub struct RobustMutex {
    inner: UnsafeCell<libc::pthread_mutex_t>,
}

// SAFETY: a pthread mutex with PTHREAD_PROCESS_SHARED is made to be used from several threads and processes.
unsafe impl Send for RobustMutex {}
// SAFETY: as above.
unsafe impl Sync for RobustMutex {}

/// Held until dropped.
pub struct Held<'a>(&'a RobustMutex);

impl RobustMutex {
    /// Makes the mutex ready in place, once, before any process but this one can reach it.
    pub fn init(&self) {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        // SAFETY: `attributes` is initialised by the first call and destroyed by the last; `inner` is memory of the
        // right size and alignment that nobody else uses yet.
        unsafe {
            let a = attributes.as_mut_ptr();
            libc::pthread_mutexattr_init(a);
            libc::pthread_mutexattr_setpshared(a, libc::PTHREAD_PROCESS_SHARED);
            libc::pthread_mutexattr_setrobust(a, libc::PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(self.inner.get(), a);
            libc::pthread_mutexattr_destroy(a);
        }
    }

    /// Takes the lock. Where its owner died in the middle, the lock passes on: what it guards must be right after any
    /// prefix of the owner's writes.
    pub fn lock(&self) -> Held<'_> {
        // SAFETY: `inner` was initialised by `init`, and is never destroyed.
        let code = unsafe { libc::pthread_mutex_lock(self.inner.get()) };
        if code == libc::EOWNERDEAD {
            // SAFETY: this thread holds the lock now, as EOWNERDEAD says.
            unsafe { libc::pthread_mutex_consistent(self.inner.get()) };
        }
        Held(self)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: a `Held` exists only while this thread owns the lock.
        unsafe { libc::pthread_mutex_unlock(self.0.inner.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memory::SharedMemory;
    use crate::sys::process::{self, Fork};

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
