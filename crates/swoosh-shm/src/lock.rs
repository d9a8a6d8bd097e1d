//! Locks between processes that pass on when their owner dies.
//!
//! ```
//! use swoosh_shm::lock::{Access, LockKind, Lock, WaitMode};
//!
//! # fn main() -> swoosh_os::Result<()> {
//! let lock = Lock::new(LockKind::Mutex)?; // before the processes that share it are forked
//! if let Ok(held) = lock.lock(Access::Exclusive, WaitMode::Blocking) {
//!     assert!(!held.owner_died());
//! } // given back here
//! # Ok(())
//! # }
//! ```
//!
//! The rule it protects: whatever is held is a robust mutex (or a lock of the kernel's on a file), which the kernel frees
//! when the thread that holds it ends, however it ends; `shm/robust_lock.rs` makes the other kinds of it.
//!
//! A lock belongs to the thread that took it: a child that is forked meanwhile does not hold it.

pub use swoosh_os::mutex::{LockError, WaitMode};

use super::robust_lock::{End, Head, RobustLock};
use std::fs::{File, OpenOptions};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use swoosh_os::arena::Arena;
use swoosh_os::memory::Mapping;
use swoosh_os::mutex::RobustMutex;
use swoosh_os::{Error, Result};
use swoosh_os::{flock, process};

/// What a lock is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// One holder; the others sleep.
    Mutex,
    /// One holder; the others try again and again for a while before they sleep.
    Spin,
    /// One writer, or up to [`MAX_READERS`] readers. A writer that waits lets no more readers in.
    ReadWrite,
    /// So many holders, 1 to [`MAX_PERMITS`].
    Semaphore(u32),
}

/// How a lock is wanted. Only [`LockKind::ReadWrite`] and files make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Alone.
    Exclusive,
    /// Beside others who want it so too.
    Shared,
}

/// A lock. Copies of the value, and the copies of forked processes, are the same lock.
#[derive(Debug, Clone)]
pub struct Lock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: LockKind,
    memory: Option<Mapping>,
}

/// A lock that is held until this is dropped, by the thread that took it.
#[derive(Debug)]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    died: bool,
    here: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the last owner died holding it: what the lock guards may be half done.
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
    /// A lock that nobody holds. Fails where the kernel has no memory, or the semaphore no such number of permits.
    pub fn new(kind: LockKind) -> Result<Self> {
        Lock::make(kind, None)
    }

    /// As [`new`](Lock::new), in memory of an arena, which it keeps: a page of it.
    pub fn in_arena(kind: LockKind, arena: &Arena) -> Result<Self> {
        Lock::make(kind, Some(arena))
    }

    fn make(kind: LockKind, arena: Option<&Arena>) -> Result<Self> {
        let more = match kind {
            LockKind::Mutex | LockKind::Spin => 0,
            LockKind::ReadWrite => MAX_READERS,
            LockKind::Semaphore(permits) if (1..=MAX_PERMITS).contains(&permits) => permits,
            LockKind::Semaphore(permits) => {
                let expected = format!("1 to {MAX_PERMITS}");
                return Err(Error::Argument { name: "permits", value: permits.to_string(), expected });
            }
        };
        let size = size_of::<Head>() + more as usize * size_of::<RobustMutex>();
        let memory = match arena {
            Some(arena) => Mapping::in_arena(arena, size, "a lock")?,
            None => Mapping::new(size, "a lock")?,
        };
        let lock = Lock(Arc::new(Inner { kind, memory: Some(memory) }));
        lock.0.head().door.init_checking();
        lock.0.more().iter().for_each(RobustMutex::init_checking);
        Ok(lock)
    }

    /// What it is like.
    pub fn kind(&self) -> LockKind {
        self.0.kind
    }

    /// Takes the lock for as long as the guard lives.
    pub fn lock(&self, access: Access, wait: WaitMode) -> Result<LockGuard<'_>, LockError> {
        let died = self.acquire(access, wait)?;
        Ok(LockGuard { lock: self, died, here: PhantomData })
    }

    /// Takes the lock without a guard, to be given back by [`release`](Lock::release) of the same thread. True if its
    /// last owner died holding it: what the lock guards may be half done.
    #[inline]
    pub fn acquire(&self, access: Access, wait: WaitMode) -> Result<bool, LockError> {
        let robust_lock = self.0.robust_lock();
        match (self.0.kind, access) {
            (LockKind::Mutex, _) => robust_lock.head.door.acquire(wait),
            (LockKind::Spin, _) => robust_lock.spin(wait),
            (LockKind::ReadWrite, Access::Exclusive) => robust_lock.write(wait),
            (LockKind::ReadWrite, Access::Shared) => robust_lock.read(wait),
            (LockKind::Semaphore(_), _) => robust_lock.take_permit(wait),
        }
    }

    /// Gives back what this thread holds; of several readings or permits the last one found.
    #[inline]
    pub fn release(&self) -> Result<(), LockError> {
        let robust_lock = self.0.robust_lock();
        match self.0.kind {
            LockKind::Mutex | LockKind::Spin => robust_lock.head.door.release(),
            LockKind::ReadWrite => robust_lock.leave(),
            LockKind::Semaphore(_) => robust_lock.give_permit(),
        }
    }
}

impl Inner {
    fn memory(&self) -> &Mapping {
        self.memory.as_ref().expect("the memory is there until the lock is dropped")
    }

    fn head(&self) -> &Head {
        // SAFETY: the mapping is page-aligned, zeroed (valid for a `Head` before `init_checking`), begins with a `Head`
        // and lives as long as `self`.
        unsafe { self.memory().start().cast::<Head>().as_ref() }
    }

    fn more(&self) -> &[RobustMutex] {
        let memory = self.memory();
        let count = (memory.len() - size_of::<Head>()) / size_of::<RobustMutex>();
        // SAFETY: as above; `new` mapped room for so many behind the `Head`, whose size is a multiple of 64.
        unsafe {
            let at = memory.start().add(size_of::<Head>()).cast::<RobustMutex>();
            std::slice::from_raw_parts(at.as_ptr(), count)
        }
    }

    #[inline]
    fn robust_lock(&self) -> RobustLock<'_> {
        RobustLock { head: self.head(), more: self.more() }
    }
}

impl Drop for Inner {
    /// A mutex that this process holds is in a list of the thread's: its memory has to stay.
    fn drop(&mut self) {
        let free = |mutex: &RobustMutex| {
            let _ = mutex.release();
            mutex.acquire(WaitMode::NonBlocking).is_ok() && mutex.release().is_ok()
        };
        let all = free(&self.head().door) & self.more().iter().fold(true, |all, slot| free(slot) & all);
        if !all {
            std::mem::forget(self.memory.take());
        }
    }
}

/// A lock on a file, which programs of any language and processes without a common parent can share (flock(2)). The
/// kernel gives it up when the process that holds it ends.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    /// The file as this process opened it: a lock belongs to an opening, and a forked child inherits its parent's.
    opened: std::sync::Mutex<Option<(i32, Arc<File>)>>,
}

impl FileLock {
    /// The lock on that file, which is created if there is none.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        let lock = FileLock { path: path.as_ref().to_owned(), opened: std::sync::Mutex::new(None) };
        lock.file()?;
        Ok(lock)
    }

    fn file(&self) -> Result<Arc<File>> {
        let mut opened = self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let pid = process::pid();
        if let Some((_, file)) = opened.as_ref().filter(|(opener, _)| *opener == pid) {
            return Ok(file.clone());
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path);
        let file = Arc::new(file.map_err(|e| Error::system("open", self.path.display(), e))?);
        *opened = Some((pid, file.clone()));
        Ok(file)
    }

    /// Takes the lock; false where somebody else held it for all that time. A process that holds it changes it to the
    /// other access.
    ///
    /// Fails where the file cannot be opened or the kernel has no room for locks.
    pub fn acquire(&self, access: Access, wait: WaitMode) -> Result<bool> {
        let file = self.file()?;
        let end = End::of(wait);
        let mut nap = Duration::from_micros(100);
        loop {
            let taken = flock::lock(&file, access == Access::Shared, wait == WaitMode::Blocking);
            if taken.map_err(|e| Error::system("lock", self.path.display(), e))? {
                return Ok(true);
            }
            match end.left() {
                WaitMode::Timeout(left) => std::thread::sleep(nap.min(left)),
                _ => return Ok(false),
            }
            nap = (nap * 2).min(Duration::from_millis(5));
        }
    }

    /// Gives the lock back.
    pub fn release(&self) -> Result<()> {
        flock::unlock(&*self.file()?).map_err(|e| Error::system("unlock", self.path.display(), e))
    }
}

/// As many can read at once.
pub const MAX_READERS: u32 = 64;
/// The most permits of a semaphore.
pub const MAX_PERMITS: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::AtomicLong;
    use swoosh_os::process::Fork;

    const SOON: WaitMode = WaitMode::Timeout(Duration::from_millis(30));
    const KINDS: [LockKind; 4] = [LockKind::Mutex, LockKind::Spin, LockKind::ReadWrite, LockKind::Semaphore(1)];

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
    fn a_lock_is_held_by_one() {
        for kind in KINDS {
            let lock = Lock::new(kind).unwrap();
            let held = lock.lock(Access::Exclusive, WaitMode::Blocking).unwrap();
            assert!(
                in_child(|| lock.acquire(Access::Exclusive, WaitMode::NonBlocking) == Err(LockError::Busy)),
                "{kind:?}"
            );
            assert!(in_child(|| lock.acquire(Access::Exclusive, SOON) == Err(LockError::Busy)), "{kind:?}");
            assert!(in_child(|| lock.release() == Err(LockError::NotOwner)), "{kind:?}");
            let waits = child(|| lock.acquire(Access::Exclusive, WaitMode::Blocking) == Ok(false));
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
            assert!(ends_well(waits), "{kind:?}");
            // The child ended with it.
            assert_eq!(lock.acquire(Access::Exclusive, WaitMode::Blocking), Ok(true), "{kind:?}");
            assert_eq!(lock.release(), Ok(()), "{kind:?}");
            assert_eq!(lock.release(), Err(LockError::NotOwner), "{kind:?}");
        }
    }

    #[test]
    fn locks_of_an_arena_are_locks_like_others_and_accounted_for() {
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
    fn who_holds_a_lock_and_wants_it_again_is_told() {
        for kind in [LockKind::Mutex, LockKind::Spin, LockKind::ReadWrite] {
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
    fn readers_share_and_a_writer_is_alone() {
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
        // A reader that died is no reader.
        assert!(in_child(|| lock.acquire(Access::Shared, WaitMode::NonBlocking).is_ok()));
        lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap();
        lock.release().unwrap();
    }

    #[test]
    fn a_semaphore_has_so_many_permits() {
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
    fn owners_killed_at_any_moment_pass_every_kind_of_lock_on() {
        let rounds = std::env::var("SWOOSH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
        for kind in KINDS {
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
                let died =
                    lock.acquire(Access::Exclusive, WaitMode::Timeout(Duration::from_secs(5))).expect("it passed on");
                if died {
                    inside.set(0);
                }
                assert_eq!(inside.get(), 0, "{kind:?}: a dead owner was not told of");
                lock.release().unwrap();
            }
        }
    }

    #[test]
    fn a_lock_that_is_dropped_while_held_harms_nobody() {
        for kind in KINDS {
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

    #[test]
    fn a_lock_on_a_file_excludes_others_and_a_forked_child() {
        let dir = tempfile::tempdir().unwrap();
        let lock = FileLock::new(dir.path().join("lock")).unwrap();
        assert!(lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap());
        assert!(in_child(|| !lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap()));
        assert!(in_child(|| !lock.acquire(Access::Shared, SOON).unwrap()));
        assert!(lock.acquire(Access::Shared, WaitMode::NonBlocking).unwrap());
        assert!(in_child(|| lock.acquire(Access::Shared, WaitMode::NonBlocking).unwrap()));
        lock.release().unwrap();
        let holder = child(|| {
            lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap();
            std::thread::sleep(Duration::from_secs(60));
            true
        });
        std::thread::sleep(Duration::from_millis(20));
        process::kill(holder, libc::SIGKILL);
        assert!(!ends_well(holder));
        assert!(lock.acquire(Access::Exclusive, WaitMode::Timeout(Duration::from_secs(5))).unwrap());
    }
}
