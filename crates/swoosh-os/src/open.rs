//! Opens files by names that come from outside, without blocking on a FIFO and, if wanted, without symbolic links.
//!
//! ```
//! use std::path::Path;
//!
//! let file = swoosh_os::open::nonblocking(Path::new("/proc/self/stat")).unwrap();
//! assert!(file.metadata().unwrap().is_file());
//! ```

use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a file or directory for reading if no component of its path is a symbolic link (`RESOLVE_NO_SYMLINKS` of
/// openat2(2)). Opening a FIFO does not wait for its writer.
///
/// `..` components are resolved as usual; a caller that confines paths to a directory has to reject them.
///
/// # Errors
/// `ELOOP` if a component is a link; `ENOSYS` or `EPERM` if the kernel or a seccomp filter does not allow openat2(2);
/// otherwise the errors of open(2).
pub fn no_symlinks(path: &Path) -> io::Result<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::from_bits_retain(NONBLOCKING))
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    Ok(File::from(openat2(AT_FDCWD, path, how)?))
}

/// Opens a file or directory for reading. Opening a FIFO does not wait for its writer, and a terminal does not become
/// the controlling one.
///
/// # Errors
/// The errors of open(2).
pub fn nonblocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(NONBLOCKING).open(path)
}

const NONBLOCKING: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_with_a_link_in_it_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        std::fs::create_dir(at.join("real")).unwrap();
        std::fs::write(at.join("real/file"), "text").unwrap();
        symlink("real", at.join("folder")).unwrap();
        symlink("file", at.join("real/link")).unwrap();
        let mut text = String::new();
        no_symlinks(&at.join("real/file")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert!(no_symlinks(&at.join("real")).unwrap().metadata().unwrap().is_dir());
        for link in ["folder/file", "real/link"] {
            assert_eq!(no_symlinks(&at.join(link)).unwrap_err().raw_os_error(), Some(libc::ELOOP), "{link}");
        }
        assert_eq!(no_symlinks(&at.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_fifo_is_opened_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap().join("fifo");
        nix::unistd::mkfifo(&at, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for open in [no_symlinks, nonblocking] {
            assert!(!open(&at).unwrap().metadata().unwrap().is_file());
        }
    }
}
