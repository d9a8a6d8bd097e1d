//! Locks of the kernel's on open files (flock(2)).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Takes the lock of an open file, alone or `shared`. False: somebody else holds it and `wait` is false.
pub fn lock(file: &File, shared: bool, wait: bool) -> io::Result<bool> {
    let how = if shared { libc::LOCK_SH } else { libc::LOCK_EX };
    match flock(file, if wait { how } else { how | libc::LOCK_NB }) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) => Err(e),
    }
}

/// Gives the lock of an open file back.
pub fn unlock(file: &File) -> io::Result<()> {
    flock(file, libc::LOCK_UN)
}

fn flock(file: &File, operation: i32) -> io::Result<()> {
    loop {
        // SAFETY: two numbers; the descriptor is open as long as `file` is borrowed.
        if unsafe { libc::flock(file.as_raw_fd(), operation) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
