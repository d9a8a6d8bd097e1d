//! Advisory locks on open files (flock(2)). A lock belongs to the open file description: a forked child shares it.
//!
//! ```
//! use swoosh_os::flock;
//!
//! let path = std::env::temp_dir().join(format!("flock-{}", std::process::id()));
//! let (first, second) = (std::fs::File::create(&path).unwrap(), std::fs::File::open(&path).unwrap());
//! assert!(flock::lock(&first, false, true).unwrap());
//! assert!(!flock::lock(&second, false, false).unwrap(), "another description holds it");
//! flock::unlock(&first).unwrap();
//! # std::fs::remove_file(path).unwrap();
//! ```

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Takes the lock exclusively or `shared`. `false`: another holder prevents it, and `wait` is false.
///
/// # Errors
/// If the kernel has no memory for locks, or the file system does not support them.
pub fn lock(file: &impl AsFd, shared: bool, wait: bool) -> io::Result<bool> {
    let how = if shared { libc::LOCK_SH } else { libc::LOCK_EX };
    match flock(file, if wait { how } else { how | libc::LOCK_NB }) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) => Err(e),
    }
}

/// Releases the lock. Releasing one that is not held has no effect.
///
/// # Errors
/// If the file system does not support locks.
pub fn unlock(file: &impl AsFd) -> io::Result<()> {
    flock(file, libc::LOCK_UN)
}

fn flock(file: &impl AsFd, operation: i32) -> io::Result<()> {
    loop {
        // SAFETY: flock(2) takes two numbers and accesses no memory of this process.
        if unsafe { libc::flock(file.as_fd().as_raw_fd(), operation) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
