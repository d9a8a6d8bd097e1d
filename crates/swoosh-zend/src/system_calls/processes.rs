//! popen(3), pclose(3) and waitpid(2) of PHP: `exec`, `shell_exec`, `popen`, `proc_open`, `mail` and others.

use super::{active, errno, replace, with_errno};
use crate::{runtime, thread};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::IntoRawFd;

/// SWOOLE_HOOK_STDIO and SWOOLE_HOOK_PROC.
const FLAGS: i64 = 32768 | 1024;

thread_local! {
    /// The children of [`popen`], by the address of their FILE.
    static CHILDREN: RefCell<HashMap<usize, i32>> = RefCell::default();
    /// Whether `proc_open` runs.
    static STARTING: Cell<bool> = const { Cell::new(false) };
}

/// Hooks processes. Returns the C functions that PHP does not import: those block.
pub fn hook_processes() -> Vec<&'static str> {
    let mut missing = Vec::new();
    // A stream of `popen` has to be closed by `pclose`.
    if !(replace(None, c"pclose", pclose as *const ()) && replace(None, c"popen", popen as *const ())) {
        missing.push("popen");
    }
    if !replace(None, c"waitpid", waitpid as *const ()) {
        missing.push("waitpid");
    }
    replace(None, c"fork", fork as *const ());
    // PHP 8.4 and later start a child without fork(2) where the C library can change its folder.
    replace(None, c"posix_spawn", posix_spawn as *const ());
    replace(None, c"posix_spawnp", posix_spawnp as *const ());
    replace(None, c"wait3", wait3 as *const ());
    replace(None, c"wait4", wait4 as *const ());
    missing
}

unsafe extern "C" fn popen(command: *const c_char, mode: *const c_char) -> *mut libc::FILE {
    // SAFETY: the caller of popen(3) passes C strings.
    let (command_text, mode_text) = unsafe { (CStr::from_ptr(command), CStr::from_ptr(mode)) };
    let hooks = match mode_text.to_bytes() {
        b"r" | b"w" => active(FLAGS),
        _ => None,
    };
    let Some(hooks) = hooks else {
        // SAFETY: passes the caller's arguments on.
        return unsafe { libc::popen(command, mode) };
    };
    let reads = mode_text.to_bytes() == b"r";
    match (hooks.spawn)(CString::from(command_text), reads) {
        Ok((end, pid)) => {
            // SAFETY: the descriptor is open, and the FILE takes it over; `mode` is a C string.
            let file = unsafe { libc::fdopen(end.into_raw_fd(), mode) };
            CHILDREN.with_borrow_mut(|children| children.insert(file as usize, pid));
            file
        }
        Err(e) => with_errno((std::ptr::null_mut(), e.raw_os_error().unwrap_or(libc::EAGAIN))),
    }
}

unsafe extern "C" fn pclose(file: *mut libc::FILE) -> c_int {
    let Some(pid) = CHILDREN.with_borrow_mut(|children| children.remove(&(file as usize))) else {
        // SAFETY: passes the caller's argument on.
        return unsafe { libc::pclose(file) };
    };
    // SAFETY: `popen` has opened the FILE, and its entry was just removed: nothing else closes it.
    unsafe { libc::fclose(file) };
    wait_for(pid)
}

/// Waits for a child of this process: its wait status, or -1 with errno.
fn wait_for(pid: i32) -> c_int {
    let Some(hooks) = super::HOOKS.get() else { return -1 };
    with_errno(match (hooks.child)(pid) {
        Ok(status) => (status, 0),
        Err(code) => (-1, code),
    })
}

/// `proc_open` begins, or ends: a child that is forked meanwhile is its own.
pub fn set_starting(starting: bool) {
    STARTING.set(starting);
}

unsafe extern "C" fn fork() -> libc::pid_t {
    // SAFETY: fork(2) has no preconditions; the caller does in the child what it would do without the hook.
    let child = unsafe { libc::fork() };
    if child > 0 {
        claim(child);
    }
    child
}

/// Records a child that was forked while `proc_open` runs.
fn claim(child: libc::pid_t) {
    if thread::is_php_thread()
        && STARTING.get()
        && let Some(hooks) = active(FLAGS)
    {
        (hooks.claim)(child);
    }
}

/// A hook of posix_spawn(3) or posix_spawnp(3), whose arguments are the same.
macro_rules! spawn_hook {
    ($name:ident) => {
        unsafe extern "C" fn $name(
            pid: *mut libc::pid_t,
            file: *const c_char,
            actions: *const libc::posix_spawn_file_actions_t,
            attributes: *const libc::posix_spawnattr_t,
            arguments: *const *mut c_char,
            environment: *const *mut c_char,
        ) -> c_int {
            let mut child = 0;
            // SAFETY: passes the caller's arguments on; the child's id is stored in a local.
            let result = unsafe { libc::$name(&mut child, file, actions, attributes, arguments, environment) };
            if result == 0 {
                claim(child);
                if !pid.is_null() {
                    // SAFETY: the caller passes null or a place for the id.
                    unsafe { *pid = child };
                }
            }
            result
        }
    };
}

spawn_hook!(posix_spawn);
spawn_hook!(posix_spawnp);

unsafe extern "C" fn waitpid(pid: libc::pid_t, status: *mut c_int, options: c_int) -> libc::pid_t {
    // SAFETY: passes the caller's arguments on; a null pointer instead of usage counts is allowed.
    unsafe { wait4(pid, status, options, std::ptr::null_mut()) }
}

unsafe extern "C" fn wait3(status: *mut c_int, options: c_int, usage: *mut c_void) -> libc::pid_t {
    // SAFETY: passes the caller's arguments on; wait3 is wait4 for any child.
    unsafe { wait4(-1, status, options, usage) }
}

unsafe extern "C" fn wait4(pid: libc::pid_t, status: *mut c_int, options: c_int, usage: *mut c_void) -> libc::pid_t {
    if pid > 0 && options == 0 && usage.is_null() && active(FLAGS).is_some() {
        let ended = wait_for(pid);
        if ended == -1 {
            return -1;
        }
        if !status.is_null() {
            // SAFETY: the caller passes null or a place for the status.
            unsafe { *status = ended };
        }
        return pid;
    }
    let hooks = super::HOOKS.get().filter(|_| thread::is_php_thread());
    if pid > 0
        && let Some(kept) = hooks.and_then(|hooks| (hooks.kept)(pid))
    {
        if !status.is_null() {
            // SAFETY: the caller passes null or a place for the status.
            unsafe { *status = kept };
        }
        return pid;
    }
    loop {
        let mut ended = 0;
        // SAFETY: the status is stored in a local, and `usage` is the caller's pointer.
        let reaped = unsafe { libc::wait4(pid, &mut ended, options, usage.cast::<libc::rusage>()) };
        let code = errno();
        // A wait for any child leaves those that a coroutine waits for.
        if pid <= 0 && reaped > 0 && hooks.is_some_and(|hooks| (hooks.keep_status)(reaped, ended)) {
            continue;
        }
        if pid > 0
            && reaped > 0
            && let Some(hooks) = hooks
        {
            (hooks.reaped)(pid);
        }
        // Only the end of a resource of `proc_open` asks like this.
        if reaped == 0
            && pid > 0
            && options == libc::WNOHANG
            && !runtime::is_running(&["pcntl_waitpid", "proc_get_status"])
            && let Some(hooks) = active(FLAGS)
        {
            (hooks.given_up)(pid);
        }
        if reaped > 0 && !status.is_null() {
            // SAFETY: the caller passes null or a place for the status.
            unsafe { *status = ended };
        }
        return with_errno((reaped, code));
    }
}
