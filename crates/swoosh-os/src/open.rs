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
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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

/// Opens a file for writing and creates it with these permissions if it is missing.
///
/// In a directory where other users may create files (such as /tmp), nothing is opened that another user may have planted: a
/// symbolic link, a file of another user, or a file with a second name. Elsewhere only trusted users can do that, and links
/// such as one to /dev/stdout are followed.
///
/// # Errors
/// `ELOOP` or `EPERM` for what others may have planted; otherwise the errors of open(2).
///
/// ```
/// use swoosh_os::open::{WriteFrom, for_writing};
///
/// let folder = tempfile::tempdir()?;
/// let log = for_writing(&folder.path().join("log"), WriteFrom::End, 0o640)?;
/// assert_eq!(log.metadata()?.len(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn for_writing(path: &Path, from: WriteFrom, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).mode(mode).append(from == WriteFrom::End).write(true);
    if !is_shared_directory(path)? {
        return options.truncate(from == WriteFrom::Start).custom_flags(libc::O_NOCTTY).open(path);
    }
    let file = options.custom_flags(libc::O_NOCTTY | libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let about = file.metadata()?;
    if about.uid() != nix::unistd::geteuid().as_raw() || about.nlink() > 1 || !about.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    // Truncated only now: opening must not change a file of others.
    if from == WriteFrom::Start {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Where writing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFrom {
    /// At the beginning of an empty file: what was in it is removed.
    Start,
    /// Always at the end (`O_APPEND`).
    End,
}

/// Whether any user may create files in the directory of that path.
fn is_shared_directory(path: &Path) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(std::fs::metadata(folder)?.mode() & 0o002 != 0)
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
    fn in_a_directory_of_all_users_nothing_planted_is_written_to() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let victim = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        std::fs::write(victim.path(), "kept").unwrap();
        symlink(victim.path(), at("link")).unwrap();
        std::fs::hard_link(victim.path(), at("second")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let share = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        share(0o1777);
        for name in ["link", "second", "fifo"] {
            for from in [WriteFrom::Start, WriteFrom::End] {
                assert!(for_writing(&at(name), from, 0o640).is_err(), "{name}");
            }
        }
        assert_eq!(std::fs::read_to_string(victim.path()).unwrap(), "kept");
        let own = for_writing(&at("own"), WriteFrom::End, 0o640).unwrap();
        assert_eq!(own.metadata().unwrap().mode() & 0o137, 0);
        std::io::Write::write_all(&mut &own, b"old").unwrap();
        assert_eq!(for_writing(&at("own"), WriteFrom::Start, 0o640).unwrap().metadata().unwrap().len(), 0);
        // Links of those who may write to a directory of their own are followed.
        share(0o755);
        assert!(for_writing(&at("link"), WriteFrom::End, 0o640).is_ok());
    }

    #[test]
    fn a_file_of_another_user_in_a_directory_of_all_users_is_refused() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        let planted = folder.path().join("log");
        std::fs::write(&planted, "kept").unwrap();
        std::os::unix::fs::chown(&planted, Some(65534), Some(65534)).unwrap();
        assert!(for_writing(&planted, WriteFrom::Start, 0o640).is_err());
        assert_eq!(std::fs::read_to_string(&planted).unwrap(), "kept");
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
