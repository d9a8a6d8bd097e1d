//! The kinds of descriptors, as far as waiting for them is concerned.
//!
//! ```
//! use std::os::fd::AsRawFd;
//! use swoosh_os::descriptor_kind::{DescriptorKind, descriptor_kind};
//!
//! let (reader, _writer) = std::io::pipe().unwrap();
//! assert_eq!(descriptor_kind(reader.as_raw_fd()).unwrap(), DescriptorKind::Other);
//! ```

use super::foreign_fd::ForeignFd;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use std::io;
use std::os::fd::RawFd;

/// See [`descriptor_kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorKind {
    /// A regular file, directory or block device: always ready for poll(2), although reads may wait for a disk.
    File,
    /// A pipe, socket, terminal or other device: poll(2) reports when it is ready.
    Other,
}

/// The kind of an open descriptor (fstat(2)).
///
/// # Errors
/// `EBADF` if it is not open.
///
/// # Panics
/// If the number is negative.
pub fn descriptor_kind(fd: RawFd) -> io::Result<DescriptorKind> {
    let mode = SFlag::from_bits_truncate(fstat(ForeignFd::new(fd))?.st_mode & SFlag::S_IFMT.bits());
    Ok(match mode {
        SFlag::S_IFREG | SFlag::S_IFDIR | SFlag::S_IFBLK => DescriptorKind::File,
        _ => DescriptorKind::Other,
    })
}

/// Device and inode of an open file (fstat(2)), which no other file has meanwhile.
///
/// # Errors
/// `EBADF` if it is not open.
///
/// # Panics
/// If the number is negative.
pub fn file_identity(fd: RawFd) -> io::Result<(u64, u64)> {
    let status = fstat(ForeignFd::new(fd))?;
    Ok((status.st_dev, status.st_ino))
}

/// Whether operations on a descriptor fail instead of blocking (`O_NONBLOCK` of fcntl(2)). False if it is not open.
///
/// # Panics
/// If the number is negative.
pub fn is_nonblocking(fd: RawFd) -> bool {
    let flags = fcntl(ForeignFd::new(fd), FcntlArg::F_GETFL);
    flags.is_ok_and(|flags| OFlag::from_bits_truncate(flags).contains(OFlag::O_NONBLOCK))
}
