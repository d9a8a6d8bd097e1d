//! Opening files by names from outside. A fifo among them is no reason to wait for whoever writes it.

use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a file for reading, or a folder, where no part of its path is a symbolic link (RESOLVE_NO_SYMLINKS of openat2(2)):
/// without dots in it, such a path leads nowhere else than it says.
///
/// # Errors
/// ELOOP where a part of it is a link; ENOSYS and EPERM where the kernel, or who watches over it, knows no such call; what
/// open(2) has.
pub fn no_symlinks(path: &Path) -> io::Result<File> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::from_bits_retain(AT_ONCE))
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    Ok(File::from(openat2(AT_FDCWD, path, how)?))
}

/// Opens whatever has that name for reading.
///
/// # Errors
/// What open(2) has.
pub fn nonblocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(AT_ONCE).open(path)
}

const AT_ONCE: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

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
