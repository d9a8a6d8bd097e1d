//! The calls of ext/sockets: each is tried without blocking, and waits in the coroutine if it has to.

use super::{WaitHooks, active, errno, object_of, replace, replace_in_extension, set_errno, with_errno};
use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// SWOOLE_HOOK_SOCKETS.
const FLAG: i64 = 16384;
/// The file name of the extension.
const LIBRARY: &str = "sockets.so";

/// Hooks ext/sockets. Returns the C functions that could not be hooked: those block.
pub fn hook_sockets() -> Vec<&'static str> {
    let replacements: [(&'static CStr, *const ()); 9] = [
        (c"accept", accept as *const ()),
        (c"connect", connect as *const ()),
        (c"recv", recv as *const ()),
        (c"recvfrom", recvfrom as *const ()),
        (c"recvmsg", recvmsg as *const ()),
        (c"send", send as *const ()),
        (c"sendto", sendto as *const ()),
        (c"sendmsg", sendmsg as *const ()),
        (c"select", select as *const ()),
    ];
    // socket_write() writes with write(2).
    match object_of(LIBRARY) {
        Some(library) => {
            replace(Some(library), c"write", write as *const ());
        }
        None => IS_IN_PHP.store(true, Ordering::Relaxed),
    }
    let missing = replacements.iter().filter(|(name, with)| !replace_in_extension(LIBRARY, name, *with));
    missing.filter_map(|(name, _)| name.to_str().ok()).collect()
}

/// Whether ext/sockets is compiled into PHP, whose write(2) the hooks of files replace.
static IS_IN_PHP: AtomicBool = AtomicBool::new(false);

/// write(2) of PHP where no plain stream makes the call: that of ext/sockets, where it is compiled in.
///
/// # Safety
/// `bytes` is valid for reads of `length` bytes, as for write(2).
pub(super) unsafe fn write_of_php(fd: c_int, bytes: *const c_void, length: usize) -> isize {
    if IS_IN_PHP.load(Ordering::Relaxed) {
        // SAFETY: passes the caller's arguments on.
        return unsafe { write(fd, bytes, length) };
    }
    // SAFETY: passes the caller's arguments on.
    unsafe { libc::write(fd, bytes, length) }
}

/// The hooks, if a call on this descriptor would block the process.
fn blocking(fd: c_int) -> Option<&'static WaitHooks> {
    let hooks = active(FLAG)?;
    // SAFETY: F_GETFL takes numbers.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    (flags >= 0 && flags & libc::O_NONBLOCK == 0).then_some(hooks)
}

/// Like [`blocking`], for a call with flags.
fn blocking_with(fd: c_int, flags: c_int) -> Option<&'static WaitHooks> {
    if flags & libc::MSG_DONTWAIT == 0 { blocking(fd) } else { None }
}

/// The timeout that `socket_set_option` has set; `None`: no limit.
fn limit(fd: c_int, write: bool) -> Option<Duration> {
    let option = if write { libc::SO_SNDTIMEO } else { libc::SO_RCVTIMEO };
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut size = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: getsockopt(2) writes at most `size` bytes to `time`.
    let found = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut time).cast::<c_void>(), &mut size) };
    let time = Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64);
    (found == 0 && !time.is_zero()).then_some(time)
}

/// Repeats a call that fails with EAGAIN each time the descriptor is ready.
fn repeat(hooks: &WaitHooks, fd: c_int, write: bool, mut call: impl FnMut() -> isize) -> isize {
    loop {
        let done = call();
        if done >= 0 || !matches!(errno(), libc::EAGAIN | libc::EINTR) {
            return done;
        }
        if errno() == libc::EAGAIN
            && let Err(code) = (hooks.descriptor)(fd, write, limit(fd, write))
        {
            return with_errno((-1, code));
        }
    }
}

/// Sends all bytes, as a blocking call does. A stream socket takes part of them at a time.
fn send_all(
    hooks: &WaitHooks,
    fd: c_int,
    bytes: *const c_void,
    length: usize,
    call: impl Fn(*const c_void, usize) -> isize,
) -> isize {
    let mut sent = 0;
    loop {
        // SAFETY: `sent` is at most `length`, the size of the caller's buffer.
        let rest = unsafe { bytes.cast::<u8>().add(sent) }.cast::<c_void>();
        let done = repeat(hooks, fd, true, || call(rest, length - sent));
        match usize::try_from(done) {
            Ok(done) => sent += done,
            Err(_) if sent > 0 => return sent as isize,
            Err(_) => return done,
        }
        if sent >= length || done == 0 {
            return sent as isize;
        }
    }
}

unsafe extern "C" fn recv(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> isize {
    // SAFETY: recv(2) is recvfrom(2) without an address.
    unsafe { recvfrom(fd, buffer, length, flags, std::ptr::null_mut(), std::ptr::null_mut()) }
}

unsafe extern "C" fn recvfrom(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    address: *mut libc::sockaddr,
    size: *mut libc::socklen_t,
) -> isize {
    // SAFETY: passes the caller's arguments on; `at` is at most `length`.
    let step = |at: usize, flags| unsafe {
        libc::recvfrom(fd, buffer.cast::<u8>().add(at).cast(), length - at, flags, address, size)
    };
    let Some(hooks) = blocking_with(fd, flags) else {
        return step(0, flags);
    };
    let mut received = 0;
    loop {
        let done = repeat(hooks, fd, false, || step(received, flags & !libc::MSG_WAITALL | libc::MSG_DONTWAIT));
        let Ok(count) = usize::try_from(done) else { return if received > 0 { received as isize } else { done } };
        received += count;
        if flags & libc::MSG_WAITALL == 0 || count == 0 || received >= length {
            return received as isize;
        }
    }
}

unsafe extern "C" fn recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> isize {
    match blocking_with(fd, flags) {
        // SAFETY: passes the caller's arguments on.
        Some(hooks) => repeat(hooks, fd, false, || unsafe { libc::recvmsg(fd, message, flags | libc::MSG_DONTWAIT) }),
        // SAFETY: passes the caller's arguments on.
        None => unsafe { libc::recvmsg(fd, message, flags) },
    }
}

unsafe extern "C" fn send(fd: c_int, bytes: *const c_void, length: usize, flags: c_int) -> isize {
    // SAFETY: send(2) is sendto(2) without an address.
    unsafe { sendto(fd, bytes, length, flags, std::ptr::null(), 0) }
}

unsafe extern "C" fn sendto(
    fd: c_int,
    bytes: *const c_void,
    length: usize,
    flags: c_int,
    address: *const libc::sockaddr,
    size: libc::socklen_t,
) -> isize {
    match blocking_with(fd, flags) {
        Some(hooks) => send_all(hooks, fd, bytes, length, |bytes, length| {
            // SAFETY: `send_all` passes a part of the caller's buffer.
            unsafe { libc::sendto(fd, bytes, length, flags | libc::MSG_DONTWAIT, address, size) }
        }),
        // SAFETY: passes the caller's arguments on.
        None => unsafe { libc::sendto(fd, bytes, length, flags, address, size) },
    }
}

unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, length: usize) -> isize {
    match blocking(fd) {
        Some(hooks) => {
            let done = send_all(hooks, fd, bytes, length, |bytes, length| {
                // SAFETY: `send_all` passes a part of the caller's buffer.
                unsafe { libc::send(fd, bytes, length, libc::MSG_DONTWAIT) }
            });
            if done >= 0 || errno() != libc::ENOTSOCK {
                return done;
            }
            // SAFETY: passes the caller's arguments on.
            unsafe { libc::write(fd, bytes, length) }
        }
        // SAFETY: passes the caller's arguments on.
        None => unsafe { libc::write(fd, bytes, length) },
    }
}

unsafe extern "C" fn sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> isize {
    match blocking_with(fd, flags) {
        // SAFETY: passes the caller's arguments on.
        Some(hooks) => repeat(hooks, fd, true, || unsafe { libc::sendmsg(fd, message, flags | libc::MSG_DONTWAIT) }),
        // SAFETY: passes the caller's arguments on.
        None => unsafe { libc::sendmsg(fd, message, flags) },
    }
}

/// Runs a call with the descriptor not blocking. The setting belongs to the open file, so it is restored at once.
fn without_blocking<T>(fd: c_int, call: impl FnOnce() -> T) -> (T, i32) {
    // SAFETY: F_GETFL and F_SETFL take numbers.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK);
        let result = call();
        let code = errno();
        libc::fcntl(fd, libc::F_SETFL, flags);
        (result, code)
    }
}

unsafe extern "C" fn accept(fd: c_int, address: *mut libc::sockaddr, size: *mut libc::socklen_t) -> c_int {
    // SAFETY: passes the caller's arguments on.
    let call = || unsafe { libc::accept(fd, address, size) };
    match blocking(fd) {
        Some(hooks) => repeat(hooks, fd, false, || with_errno(without_blocking(fd, call)) as isize) as c_int,
        None => call(),
    }
}

unsafe extern "C" fn connect(fd: c_int, address: *const libc::sockaddr, size: libc::socklen_t) -> c_int {
    // SAFETY: passes the caller's arguments on.
    let call = || unsafe { libc::connect(fd, address, size) };
    let Some(hooks) = blocking(fd) else { return call() };
    let (connected, code) = without_blocking(fd, call);
    match code {
        _ if connected == 0 => return 0,
        libc::EINPROGRESS => {}
        // A Unix socket whose backlog is full: the kernel reports no event for it.
        libc::EAGAIN => return call(),
        _ => return with_errno((-1, code)),
    }
    if let Err(code) = (hooks.descriptor)(fd, true, limit(fd, true)) {
        return with_errno((-1, if code == libc::EAGAIN { libc::EINPROGRESS } else { code }));
    }
    let mut code: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: getsockopt(2) writes at most `size` bytes to `code`.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut code).cast::<c_void>(), &mut size) };
    with_errno((if code == 0 { 0 } else { -1 }, code))
}

unsafe extern "C" fn select(
    count: c_int,
    readers: *mut libc::fd_set,
    writers: *mut libc::fd_set,
    others: *mut libc::fd_set,
    time: *mut libc::timeval,
) -> c_int {
    // SAFETY: the caller of select(2) passes null or a valid structure.
    let limit = (!time.is_null()).then(|| unsafe {
        Duration::from_secs((*time).tv_sec.max(0) as u64) + Duration::from_micros((*time).tv_usec.max(0) as u64)
    });
    let Some(hooks) = (if limit == Some(Duration::ZERO) { None } else { active(FLAG) }) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::select(count, readers, writers, others, time) };
    };
    let end = limit.map(|limit| Instant::now() + limit);
    let sets = [readers, writers, others];
    // SAFETY: the caller passes null or valid sets.
    let wanted_sets = sets.map(|set| (!set.is_null()).then(|| unsafe { *set }));
    let mut wanted = Vec::new();
    for (set, events) in wanted_sets.iter().zip([libc::POLLIN, libc::POLLOUT, libc::POLLPRI]) {
        let Some(set) = set else { continue };
        // SAFETY: a copy of the caller's set, which has room for FD_SETSIZE descriptors.
        wanted.extend((0..count).filter(|&fd| unsafe { libc::FD_ISSET(fd, set) }).map(|fd| (fd, events)));
    }
    loop {
        let mut now = libc::timeval { tv_sec: 0, tv_usec: 0 };
        for (set, wanted) in sets.iter().zip(&wanted_sets) {
            if let Some(wanted) = wanted {
                // SAFETY: the set is the caller's, which is valid as it is not null.
                unsafe { **set = *wanted };
            }
        }
        // SAFETY: passes the caller's sets on, with a time of zero.
        let ready = unsafe { libc::select(count, readers, writers, others, &mut now) };
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if ready != 0 || left == Some(Duration::ZERO) {
            return ready;
        }
        if let Err(code) = (hooks.poll)(&wanted, left, false) {
            set_errno(code);
            return -1;
        }
    }
}
