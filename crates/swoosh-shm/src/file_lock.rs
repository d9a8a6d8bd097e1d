//! A lock on a file, for programs in any language and processes without a common parent (flock(2)).

use super::lock::{Access, WaitMode};
use super::robust_lock::Deadline;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use swoosh_os::{Error, Result};
use swoosh_os::{flock, process};

/// A lock on a file. The kernel releases it when the process that holds it ends.
///
/// ```
/// use swoosh_shm::file_lock::FileLock;
/// use swoosh_shm::lock::{Access, WaitMode};
///
/// let path = std::env::temp_dir().join(format!("example-{}.lock", std::process::id()));
/// let lock = FileLock::new(&path)?;
/// assert!(lock.acquire(Access::Exclusive, WaitMode::Blocking)?);
/// lock.release()?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    /// The process that opened the file, and the file. A lock belongs to an open file description, which a forked child
    /// shares with its parent, so each process opens the file again.
    opened: std::sync::Mutex<Option<(i32, Arc<File>)>>,
}

impl FileLock {
    /// A lock on that file, which is created if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be opened for reading and writing.
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

    /// Acquires the lock; `false` if another process held it all the time. A process that holds it already changes its
    /// access. With a timeout the lock is polled, every 5 ms at the latest.
    ///
    /// # Errors
    /// If the file cannot be opened or the kernel has no memory for locks.
    pub fn acquire(&self, access: Access, wait: WaitMode) -> Result<bool> {
        let file = self.file()?;
        let deadline = Deadline::after(wait);
        let mut pause = Duration::from_micros(100);
        loop {
            let taken = flock::lock(&file, access == Access::Shared, wait == WaitMode::Blocking);
            if taken.map_err(|e| Error::system("lock", self.path.display(), e))? {
                return Ok(true);
            }
            match deadline.remaining() {
                WaitMode::Timeout(left) => std::thread::sleep(pause.min(left)),
                _ => return Ok(false),
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Releases the lock. Releasing one that is not held has no effect.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn release(&self) -> Result<()> {
        flock::unlock(&*self.file()?).map_err(|e| Error::system("unlock", self.path.display(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swoosh_os::process::Fork;

    fn child(act: impl FnOnce() -> bool) -> i32 {
        match process::fork().unwrap() {
            Fork::Child => process::exit_now(i32::from(!act())),
            Fork::Parent(pid) => pid,
        }
    }

    fn in_child(act: impl FnOnce() -> bool) -> bool {
        process::wait_for(child(act)).unwrap().status == 0
    }

    #[test]
    fn a_lock_on_a_file_excludes_others_and_a_forked_child() {
        let dir = tempfile::tempdir().unwrap();
        let lock = FileLock::new(dir.path().join("lock")).unwrap();
        assert!(lock.acquire(Access::Exclusive, WaitMode::Blocking).unwrap());
        assert!(in_child(|| !lock.acquire(Access::Exclusive, WaitMode::NonBlocking).unwrap()));
        assert!(in_child(|| !lock.acquire(Access::Shared, WaitMode::Timeout(Duration::from_millis(30))).unwrap()));
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
        assert_eq!(process::wait_for(holder).unwrap().signal(), libc::SIGKILL);
        assert!(lock.acquire(Access::Exclusive, WaitMode::Timeout(Duration::from_secs(5))).unwrap());
    }
}
