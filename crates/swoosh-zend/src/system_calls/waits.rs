//! poll(2), usleep(3), nanosleep(2) and getaddrinfo(3), as client libraries call them while they wait for a peer or a lock.

use super::{HOOKS, Shared, active, replace, set_errno, with_errno};
use crate::thread;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// Hooks poll(2) in a library, or in PHP itself for `None`, under a `SWOOLE_HOOK_*` flag. With `DISCONNECTS` a wait that
/// fails, because the coroutine is cancelled, ends the connection: the peer's answer must not be taken for that to the next
/// request. With `KEEPS` the descriptors stay watched; the library's closes are hooked. False if the library is not loaded
/// or does not call it.
pub fn hook_poll<const FLAGS: i64, const DISCONNECTS: bool, const KEEPS: bool>(library: Option<&'static str>) -> bool {
    replace(library, c"poll", poll::<FLAGS, DISCONNECTS, KEEPS> as *const ())
}

/// Hooks close(2) in a library, so that its descriptors may stay watched from one poll to the next. Before
/// [`hook_poll`] of that library.
pub fn hook_close(library: &'static str) -> bool {
    replace(Some(library), c"close", close as *const ())
}

unsafe extern "C" fn close(fd: c_int) -> c_int {
    if let Some(hooks) = HOOKS.get() {
        // Before the number is free for another file.
        (hooks.unwatch)(fd, thread::is_php_thread());
    }
    // SAFETY: passes the caller's argument on.
    unsafe { libc::close(fd) }
}

/// Hooks usleep(3) and nanosleep(2) in a library. False if it calls neither.
pub fn hook_sleep<const FLAGS: i64>(library: &'static str) -> bool {
    let by_micros = replace(Some(library), c"usleep", usleep::<FLAGS> as *const ());
    // SQLite since 3.42.
    replace(Some(library), c"nanosleep", nanosleep::<FLAGS> as *const ()) || by_micros
}

/// Hooks getaddrinfo(3) and getnameinfo(3) in a library, or in PHP itself for `None`. False if it does not call the first.
pub fn hook_name_lookup<const FLAGS: i64>(library: Option<&'static str>) -> bool {
    replace(library, c"getnameinfo", getnameinfo::<FLAGS> as *const ());
    replace(library, c"getaddrinfo", getaddrinfo::<FLAGS> as *const ())
}

unsafe extern "C" fn poll<const FLAGS: i64, const DISCONNECTS: bool, const KEEPS: bool>(
    fds: *mut libc::pollfd,
    count: libc::nfds_t,
    timeout: c_int,
) -> c_int {
    let Some(hooks) = (if timeout == 0 { None } else { active(FLAGS) }) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::poll(fds, count, timeout) };
    };
    let end = u64::try_from(timeout).ok().map(|ms| Instant::now() + Duration::from_millis(ms));
    loop {
        // SAFETY: as the caller of poll(2) guarantees, `fds` has `count` entries.
        let ready = unsafe { libc::poll(fds, count, 0) };
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if ready != 0 || left == Some(Duration::ZERO) {
            return ready;
        }
        let wanted: Vec<_> = match count {
            0 => Vec::new(),
            // SAFETY: `fds` has `count` entries, which nothing else uses during the call.
            _ => unsafe { std::slice::from_raw_parts(fds, count as usize) }
                .iter()
                .filter(|entry| entry.fd >= 0)
                .map(|entry| (entry.fd, entry.events))
                .collect(),
        };
        if let Err(code) = (hooks.poll)(&wanted, left, KEEPS) {
            if DISCONNECTS {
                for (fd, _) in wanted {
                    // SAFETY: shutdown(2) takes numbers; it fails for what is not a socket.
                    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
                }
            }
            set_errno(code);
            return -1;
        }
    }
}

unsafe extern "C" fn usleep<const FLAGS: i64>(micros: libc::useconds_t) -> c_int {
    match active(FLAGS) {
        Some(hooks) => {
            (hooks.sleep)(Duration::from_micros(u64::from(micros)));
            0
        }
        // SAFETY: usleep(3) takes a number.
        None => unsafe { libc::usleep(micros) },
    }
}

unsafe extern "C" fn nanosleep<const FLAGS: i64>(time: *const libc::timespec, rest: *mut libc::timespec) -> c_int {
    let Some(hooks) = active(FLAGS) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::nanosleep(time, rest) };
    };
    // SAFETY: the caller of nanosleep(2) passes a valid structure.
    let time = unsafe { *time };
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) else {
        set_errno(libc::EINVAL);
        return -1;
    };
    (hooks.sleep)(Duration::new(seconds, nanos));
    0
}

unsafe extern "C" fn getaddrinfo<const FLAGS: i64>(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    result: *mut *mut libc::addrinfo,
) -> c_int {
    // A number needs no lookup.
    // SAFETY: the caller of getaddrinfo(3) passes null or a valid structure.
    let is_number = !hints.is_null() && unsafe { (*hints).ai_flags } & libc::AI_NUMERICHOST != 0;
    let Some(hooks) = (if node.is_null() || is_number { None } else { active(FLAGS) }) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::getaddrinfo(node, service, hints, result) };
    };
    // SAFETY: the caller passes null or C strings.
    let text = |text: *const c_char| (!text.is_null()).then(|| CString::from(unsafe { CStr::from_ptr(text) }));
    let (node, service) = (text(node), text(service));
    // SAFETY: the caller passes null or a valid structure, of which the number fields are copied; the pointers are null as
    // getaddrinfo(3) requires.
    let hints = (!hints.is_null()).then(|| Shared(Box::into_raw(Box::new(unsafe { *hints }))));
    let mut found: *mut libc::addrinfo = null_mut();
    let shared = Shared(&raw mut found);
    let done = (hooks.offload)(
        Box::new(move || {
            let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
            let hints = hints.as_ref().map_or(null_mut(), Shared::get);
            // SAFETY: the strings live until the closure ends, `hints` is null or a structure that this closure owns, and the
            // waiting caller keeps the place of the result.
            let code = unsafe {
                let code = libc::getaddrinfo(pointer(&node), pointer(&service), hints, shared.get());
                if !hints.is_null() {
                    drop(Box::from_raw(hints));
                }
                code
            };
            (code as isize, super::errno())
        }),
        None,
    );
    let code = with_errno(done) as c_int;
    if code == 0 {
        // SAFETY: the caller's place for the result.
        unsafe { *result = found };
    }
    code
}

unsafe extern "C" fn getnameinfo<const FLAGS: i64>(
    address: *const libc::sockaddr,
    size: libc::socklen_t,
    host: *mut c_char,
    host_size: libc::socklen_t,
    service: *mut c_char,
    service_size: libc::socklen_t,
    flags: c_int,
) -> c_int {
    let is_lookup = flags & libc::NI_NUMERICHOST == 0 && !host.is_null() && service.is_null();
    let Some(hooks) = (if is_lookup { active(FLAGS) } else { None }) else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::getnameinfo(address, size, host, host_size, service, service_size, flags) };
    };
    // SAFETY: the caller passes `size` bytes at `address`.
    let bytes = unsafe { std::slice::from_raw_parts(address.cast::<u8>(), size as usize) };
    // A copy that is aligned like any socket address.
    let mut copy: Box<libc::sockaddr_storage> = Box::new(empty_address());
    let length = bytes.len().min(size_of::<libc::sockaddr_storage>());
    // SAFETY: `length` bytes fit into both.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut *copy).cast::<u8>(), length) };
    let shared = Shared(host);
    let done = (hooks.offload)(
        Box::new(move || {
            let address = (&raw const *copy).cast::<libc::sockaddr>();
            // SAFETY: the address is this closure's own; the waiting caller keeps the place of the result, which has room
            // for `host_size` bytes, and does not touch it.
            let code = unsafe {
                libc::getnameinfo(address, length as libc::socklen_t, shared.get(), host_size, null_mut(), 0, flags)
            };
            (code as isize, super::errno())
        }),
        None,
    );
    with_errno(done) as c_int
}

fn empty_address() -> libc::sockaddr_storage {
    // SAFETY: the structure consists of numbers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}
