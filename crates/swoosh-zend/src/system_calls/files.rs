//! Files: reads and writes of PHP's plain streams, opens, and calls that change directories and files.
//!
//! A read first asks the kernel for what it has at hand (`RWF_NOWAIT` of preadv2(2)); an open first tries the kernel's
//! lookup cache (`RESOLVE_CACHED` of openat2(2)). Only if that would block, another thread does the work.

use super::{Next, Shared, WaitHooks, active, errno, replace, set_errno, with_errno};
use crate::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// SWOOLE_HOOK_FILE.
const FILE: i64 = 256;
/// SWOOLE_HOOK_STDIO.
const STDIO: i64 = 32768;

/// Hooks plain files and pipes. Returns the C functions that PHP does not import: those block.
pub fn hook_files() -> Vec<&'static str> {
    // SAFETY: the callback has the declared signature and static lifetime; module startup is single-threaded.
    unsafe { ffi::swoosh_install_file_hooks(Some(before_close)) };
    let replacements: [(&'static CStr, *const ()); 14] = [
        (c"read", read as *const ()),
        (c"write", write as *const ()),
        (c"open", open as *const ()),
        (c"opendir", opendir as *const ()),
        (c"mkdir", mkdir as *const ()),
        (c"rmdir", rmdir as *const ()),
        (c"rename", rename as *const ()),
        (c"unlink", unlink as *const ()),
        (c"ftruncate", ftruncate as *const ()),
        (c"fsync", fsync as *const ()),
        (c"fdatasync", fdatasync as *const ()),
        (c"flock", flock as *const ()),
        (c"glob", glob as *const ()),
        (c"copy_file_range", copy_file_range as *const ()),
    ];
    let missing = replacements.iter().filter(|(name, with)| !replace(None, name, *with));
    missing.filter_map(|(name, _)| name.to_str().ok()).collect()
}

unsafe extern "C" fn before_close(fd: c_int) {
    if let Some(hooks) = super::HOOKS.get() {
        (hooks.before_close)(fd);
    }
}

/// The hooks for a call that a plain stream makes, if the caller may wait. Other reads and writes of PHP are its own affair:
/// script output, for example.
fn stream_call() -> Option<&'static WaitHooks> {
    // SAFETY: reads and clears a flag of the C side, which belongs to PHP's thread; it is set in that thread only.
    let made_by_stream = crate::thread::is_php_thread() && unsafe { ffi::swoosh_take_stream_call() };
    if made_by_stream { file_call(FILE | STDIO) } else { None }
}

/// The hooks, if one of the flags is on and the caller may wait. The compiler reads its files without waiting, because its
/// state is not swapped between coroutines.
fn file_call(flags: i64) -> Option<&'static WaitHooks> {
    // SAFETY: reads a counter of the C side in PHP's thread, which `active` has checked.
    active(flags).filter(|_| !unsafe { ffi::swoosh_is_compiling() })
}

unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, length: usize) -> isize {
    if let Some(hooks) = stream_call() {
        let part = libc::iovec { iov_base: buffer, iov_len: length };
        loop {
            // SAFETY: the caller of read(2) guarantees `length` bytes at `buffer`. Offset -1: the file's own position.
            let done = unsafe { libc::preadv2(fd, &part, 1, -1, libc::RWF_NOWAIT) };
            if done >= 0 {
                return done;
            }
            match next(hooks, fd, false, length) {
                Some(Next::Retry) => {}
                Some(Next::Fail(code)) => return with_errno((-1, code)),
                Some(Next::Perform | Next::PerformPart(_)) => break,
                None => return -1,
            }
        }
    }
    // SAFETY: passes the caller's arguments on.
    unsafe { libc::read(fd, buffer, length) }
}

unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, length: usize) -> isize {
    if let Some(hooks) = stream_call() {
        let part = libc::iovec { iov_base: buffer.cast_mut(), iov_len: length };
        loop {
            // SAFETY: the caller of write(2) guarantees `length` bytes at `buffer`, which pwritev2(2) only reads.
            let done = unsafe { libc::pwritev2(fd, &part, 1, -1, libc::RWF_NOWAIT) };
            if done >= 0 {
                return done;
            }
            match next(hooks, fd, true, length) {
                Some(Next::Retry) => {}
                Some(Next::Fail(code)) => return with_errno((-1, code)),
                Some(Next::PerformPart(part)) => {
                    // SAFETY: a part of the caller's buffer.
                    return unsafe { libc::write(fd, buffer, part.min(length)) };
                }
                Some(Next::Perform) => break,
                None => return -1,
            }
        }
        // A regular file: the page cache takes small writes.
        if length > INLINE_WRITE {
            // SAFETY: the caller of write(2) guarantees `length` bytes at `buffer`.
            let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) }.to_vec();
            return with_descriptor(hooks, fd, move |fd| {
                // SAFETY: pointer and length describe `bytes`.
                unsafe { libc::write(fd, bytes.as_ptr().cast::<c_void>(), bytes.len()) }
            });
        }
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::write(fd, buffer, length) };
    }
    // SAFETY: passes the caller's arguments on.
    unsafe { super::sockets::write_of_php(fd, buffer, length) }
}

/// How a transfer goes on that failed with the errno that is set; `None`: with that error.
fn next(hooks: &WaitHooks, fd: c_int, write: bool, length: usize) -> Option<Next> {
    match errno() {
        libc::EAGAIN => Some((hooks.transfer)(fd, write, length, true)),
        libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | libc::ESPIPE => {
            Some((hooks.transfer)(fd, write, length, false))
        }
        libc::EINTR => Some(Next::Retry),
        _ => None,
    }
}

/// Runs a system call on a duplicate of a descriptor in another thread: user code may close its own meanwhile.
fn with_descriptor(hooks: &WaitHooks, fd: c_int, call: impl FnOnce(c_int) -> isize + Send + 'static) -> isize {
    // SAFETY: F_DUPFD_CLOEXEC takes numbers, and returns -1 or a new descriptor.
    let duplicate = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if duplicate < 0 {
        return call(fd);
    }
    // SAFETY: a new descriptor that nothing else owns.
    let duplicate = unsafe { OwnedFd::from_raw_fd(duplicate) };
    let work = move || {
        let result = call(duplicate.as_raw_fd());
        (result, errno())
    };
    with_errno((hooks.offload_on)(fd, Box::new(work)))
}

/// open(2), whose third argument counts only for calls that may create a file. A C function with variable arguments gets
/// them in the same registers on the supported machines.
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let creates = flags & (libc::O_CREAT | libc::O_TMPFILE) != 0;
    let mode = if creates { mode } else { 0 };
    let Some(hooks) = file_call(FILE) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::open(path, flags, mode) };
    };
    let mut waits_for_peer = None;
    // SAFETY: the caller of open(2) passes a C string.
    let name = || unsafe { CStr::from_ptr(path) };
    let mut queue = None;
    // A file that may have to be created, and is not emptied.
    let may_create = flags & libc::O_CREAT != 0 && flags & (libc::O_TRUNC | libc::O_EXCL | libc::O_TMPFILE) == 0;
    if may_create {
        // One coroutine creates it, and those that come meanwhile open it afterwards, in their order.
        let key = hash(name());
        if !(hooks.enter)(key) {
            return with_errno((-1, libc::ECANCELED));
        }
        queue = Some(key);
        match open_cached(path, flags & !libc::O_CREAT) {
            Ok(Cached::Open(fd)) => {
                (hooks.leave)(key);
                return fd;
            }
            // Stays open like a reader's.
            Ok(Cached::Pipe(end)) => waits_for_peer = Some(end),
            Err(_) => {}
        }
    } else if flags & (libc::O_CREAT | libc::O_TRUNC | libc::O_ACCMODE) == 0 {
        match open_cached(path, flags) {
            Ok(Cached::Open(fd)) => return fd,
            // Stays open, so that a writer that has seen this reader finds it.
            Ok(Cached::Pipe(reader)) => waits_for_peer = Some(reader),
            Err(libc::EAGAIN | libc::EPERM | libc::EXDEV | libc::EINVAL) => {}
            Err(code) => return with_errno((-1, code)),
        }
    }
    let path = CString::from(name());
    let opened = (hooks.open)(Box::new(move || {
        // SAFETY: `path` is a C string.
        let fd = unsafe { libc::open(path.as_ptr(), flags, mode) };
        // SAFETY: a new descriptor that nothing else owns.
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(unsafe { OwnedFd::from_raw_fd(fd) }) }
    }));
    drop(waits_for_peer);
    queue.into_iter().for_each(hooks.leave);
    match opened {
        Ok(fd) => fd.into_raw_fd(),
        Err(e) => with_errno((-1, e.raw_os_error().unwrap_or(libc::EIO))),
    }
}

/// A number that stands for a path among the objects that coroutines use one at a time.
fn hash(path: &CStr) -> usize {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish() as usize
}

enum Cached {
    /// A file without a peer.
    Open(c_int),
    /// An end of a named pipe, opened without waiting for its peer.
    Pipe(OwnedFd),
}

/// Opens a file that exists if the kernel has its whole path at hand. Does not block, except where the kernel has no
/// openat2(2): there a path is looked up at once, because disks seldom delay that and another thread always costs time.
fn open_cached(path: *const c_char, flags: c_int) -> Result<Cached, i32> {
    /// The kernel is older than Linux 5.6, or a tool such as valgrind stands between.
    static HAS_NO_OPENAT2: AtomicBool = AtomicBool::new(false);
    let mut fd = -1;
    if !HAS_NO_OPENAT2.load(Relaxed) {
        let how = OpenHow { flags: (flags | libc::O_NONBLOCK) as u64, mode: 0, resolve: libc::RESOLVE_CACHED };
        // SAFETY: openat2(2) reads the path, a C string, and the structure with the given size.
        let opened =
            unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path, &raw const how, size_of::<OpenHow>()) };
        fd = opened as c_int;
        if fd < 0 && errno() == libc::ENOSYS {
            HAS_NO_OPENAT2.store(true, Relaxed);
        }
    }
    if HAS_NO_OPENAT2.load(Relaxed) {
        // SAFETY: open(2) reads the path, a C string.
        fd = unsafe { libc::open(path, flags | libc::O_NONBLOCK) };
    }
    if fd < 0 {
        return Err(errno());
    }
    if flags & libc::O_NONBLOCK != 0 {
        return Ok(Cached::Open(fd));
    }
    // SAFETY: `fd` is a new descriptor; fstat(2) fills the structure, which is read only on success.
    unsafe {
        let mut status: libc::stat = std::mem::zeroed();
        if libc::fstat(fd, &mut status) == 0 && status.st_mode & libc::S_IFMT == libc::S_IFIFO {
            return Ok(Cached::Pipe(OwnedFd::from_raw_fd(fd)));
        }
        // The flag has no effect on regular files, but children may inherit the open file.
        libc::fcntl(fd, libc::F_SETFL, flags & !libc::O_ACCMODE);
    }
    Ok(Cached::Open(fd))
}

/// `struct open_how` of openat2(2).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// Runs a call with one path in another thread if the hook is on.
fn with_path(path: *const c_char, call: impl FnOnce(*const c_char) -> c_int + Send + 'static) -> c_int {
    let Some(hooks) = file_call(FILE) else { return call(path) };
    // SAFETY: the callers pass the C string that they got from the caller of the C function.
    let path = CString::from(unsafe { CStr::from_ptr(path) });
    with_errno((hooks.offload)(Box::new(move || (call(path.as_ptr()) as isize, errno())), None)) as c_int
}

unsafe extern "C" fn mkdir(path: *const c_char, mode: libc::mode_t) -> c_int {
    // SAFETY: `with_path` passes a C string.
    with_path(path, move |path| unsafe { libc::mkdir(path, mode) })
}

unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: `with_path` passes a C string.
    with_path(path, |path| unsafe { libc::rmdir(path) })
}

unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: `with_path` passes a C string.
    with_path(path, |path| unsafe { libc::unlink(path) })
}

unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller of rename(2) passes C strings.
    let to = CString::from(unsafe { CStr::from_ptr(to) });
    // SAFETY: `with_path` passes a C string, and `to` is one.
    with_path(from, move |from| unsafe { libc::rename(from, to.as_ptr()) })
}

/// Reads the directory once, so that readdir(3) finds it in the page cache.
unsafe extern "C" fn opendir(path: *const c_char) -> *mut libc::DIR {
    let Some(hooks) = file_call(FILE) else {
        // SAFETY: passes the caller's argument on.
        return unsafe { libc::opendir(path) };
    };
    // SAFETY: the caller of opendir(3) passes a C string.
    let path = CString::from(unsafe { CStr::from_ptr(path) });
    with_errno((hooks.offload)(
        Box::new(move || {
            // SAFETY: `path` is a C string; the directory is open and used by this thread only until the closure ends.
            unsafe {
                let directory = libc::opendir(path.as_ptr());
                let code = errno();
                if !directory.is_null() {
                    while !libc::readdir(directory).is_null() {}
                    libc::rewinddir(directory);
                }
                (directory as isize, code)
            }
        }),
        None,
    )) as *mut libc::DIR
}

unsafe extern "C" fn glob(
    pattern: *const c_char,
    flags: c_int,
    on_error: Option<extern "C" fn(*const c_char, c_int) -> c_int>,
    found: *mut libc::glob_t,
) -> c_int {
    let Some(hooks) = file_call(FILE) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::glob(pattern, flags, on_error, found) };
    };
    // SAFETY: the caller of glob(3) passes a C string.
    let pattern = CString::from(unsafe { CStr::from_ptr(pattern) });
    let found = Shared(found);
    with_errno((hooks.offload)(
        Box::new(move || {
            // SAFETY: `pattern` is a C string; the waiting caller keeps the place of the result and does not touch it.
            let code = unsafe { libc::glob(pattern.as_ptr(), flags, on_error, found.get()) };
            (code as isize, errno())
        }),
        None,
    )) as c_int
}

unsafe extern "C" fn ftruncate(fd: c_int, length: libc::off_t) -> c_int {
    // SAFETY: ftruncate(2) takes numbers.
    let call = move |fd| unsafe { libc::ftruncate(fd, length) } as isize;
    file_call(FILE).map_or_else(|| call(fd), |hooks| with_descriptor(hooks, fd, call)) as c_int
}

unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: fsync(2) takes a number.
    let call = |fd| unsafe { libc::fsync(fd) } as isize;
    file_call(FILE).map_or_else(|| call(fd), |hooks| with_descriptor(hooks, fd, call)) as c_int
}

unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: fdatasync(2) takes a number.
    let call = |fd| unsafe { libc::fdatasync(fd) } as isize;
    file_call(FILE).map_or_else(|| call(fd), |hooks| with_descriptor(hooks, fd, call)) as c_int
}

unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut libc::off_t,
    to: c_int,
    to_offset: *mut libc::off_t,
    length: usize,
    flags: c_uint,
) -> isize {
    // With offsets in the caller's memory it is left alone: PHP passes none.
    let hooks = if from_offset.is_null() && to_offset.is_null() { file_call(FILE) } else { None };
    // SAFETY: F_DUPFD_CLOEXEC takes numbers, and returns -1 or a new descriptor.
    let target = hooks.map_or(-1, |_| unsafe { libc::fcntl(to, libc::F_DUPFD_CLOEXEC, 3) });
    let (Some(hooks), true) = (hooks, target >= 0) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::copy_file_range(from, from_offset, to, to_offset, length, flags) };
    };
    // SAFETY: a new descriptor that nothing else owns.
    let target = unsafe { OwnedFd::from_raw_fd(target) };
    with_descriptor(hooks, from, move |from| {
        // SAFETY: the descriptors are open; without offsets the positions of the files are used.
        unsafe { libc::copy_file_range(from, null_mut(), target.as_raw_fd(), null_mut(), length, flags) }
    })
}

unsafe extern "C" fn flock(fd: c_int, operation: c_int) -> c_int {
    let waits = operation == libc::LOCK_SH || operation == libc::LOCK_EX;
    if waits && let Some(hooks) = file_call(FILE | STDIO) {
        loop {
            // SAFETY: flock(2) takes numbers.
            let locked = unsafe { libc::flock(fd, operation | libc::LOCK_NB) };
            if locked == 0 || errno() != libc::EWOULDBLOCK {
                return locked;
            }
            match (hooks.lock)(fd, operation == libc::LOCK_EX) {
                Next::Retry => {}
                Next::Fail(code) => {
                    set_errno(code);
                    return -1;
                }
                Next::Perform | Next::PerformPart(_) => break,
            }
        }
    }
    // SAFETY: flock(2) takes numbers.
    unsafe { libc::flock(fd, operation) }
}

/// Writes to regular files up to this size are not moved to another thread if the kernel cannot tell whether they block.
const INLINE_WRITE: usize = 64 * 1024;
