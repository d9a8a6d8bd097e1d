//! The hook flags of `Swoole\Runtime`: which of PHP's own functions and streams suspend the coroutine instead of blocking.

use super::scheduler::may_wait;
use std::cell::{Cell, RefCell};
use swoosh_zend::error::warning;

thread_local! {
    static FLAGS: Cell<i64> = const { Cell::new(0) };
}

/// The enabled hooks, as `SWOOLE_HOOK_*` bits.
#[inline]
pub fn flags() -> i64 {
    FLAGS.get()
}

/// Enables these hooks and disables all others.
pub fn set_flags(flags: i64) {
    FLAGS.set(flags & 0xffff_ffff);
}

/// Whether a hook is enabled and the caller may wait.
#[inline]
pub fn is_on(flag: i64) -> bool {
    flags() & flag != 0 && may_wait()
}

/// Warns, once for each, of hooks among `flags` that this build cannot serve.
pub fn warn_of_unserved(flags: i64) {
    let fresh = UNSERVED.with_borrow_mut(|unserved| {
        let (fresh, rest) = std::mem::take(unserved).into_iter().partition(|entry| entry.flag & flags != 0);
        *unserved = rest;
        fresh
    });
    for Unserved { name, functions, .. } in fresh {
        warning(&format!("{name} has no effect on {functions}: they block all coroutines"));
    }
}

/// A hook that has no effect on some functions that this PHP has.
#[derive(Debug)]
pub struct Unserved {
    /// The `SWOOLE_HOOK_*` bit.
    pub flag: i64,
    /// The flag's name.
    pub name: &'static str,
    /// The functions that block, for a message.
    pub functions: String,
}

/// Records a hook that cannot be served. During module startup.
pub fn add_unserved(entry: Unserved) {
    ALL_UNSERVED.with_borrow_mut(|all| all.push((entry.name, entry.functions.clone())));
    UNSERVED.with_borrow_mut(|unserved| unserved.push(entry));
}

/// Records a family of functions whose system calls are hooked. During module startup.
pub fn add_served(family: &'static str) {
    SERVED.with_borrow_mut(|served| served.push(family));
}

/// The families of functions that wait without blocking others, for the module's section of `phpinfo()`.
pub fn served() -> String {
    let mut families = vec!["sleep", "streams", "DNS"];
    SERVED.with_borrow(|served| families.extend(served));
    families.join(", ")
}

/// The names of the flags that have no effect on some functions, and those functions.
pub fn unserved() -> Vec<(&'static str, String)> {
    ALL_UNSERVED.with_borrow(Clone::clone)
}

thread_local! {
    static SERVED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static ALL_UNSERVED: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
    /// Those that no warning was given for.
    static UNSERVED: RefCell<Vec<Unserved>> = const { RefCell::new(Vec::new()) };
}

/// SWOOLE_HOOK_TCP.
pub const TCP: i64 = 2;
/// SWOOLE_HOOK_STREAM_FUNCTION.
pub const STREAM_FUNCTION: i64 = 128;
/// SWOOLE_HOOK_FILE.
pub const FILE: i64 = 256;
/// SWOOLE_HOOK_SLEEP.
pub const SLEEP: i64 = 512;
/// SWOOLE_HOOK_PROC.
pub const PROC: i64 = 1024;
/// SWOOLE_HOOK_CURL.
pub const CURL: i64 = 2048;
/// SWOOLE_HOOK_NATIVE_CURL.
pub const NATIVE_CURL: i64 = 4096;
/// SWOOLE_HOOK_SOCKETS.
pub const SOCKETS: i64 = 16384;
/// SWOOLE_HOOK_STDIO.
pub const STDIO: i64 = 32768;
/// SWOOLE_HOOK_PDO_PGSQL.
pub const PDO_PGSQL: i64 = 1 << 16;
/// SWOOLE_HOOK_PDO_SQLITE.
pub const PDO_SQLITE: i64 = 1 << 19;
/// SWOOLE_HOOK_NET_FUNCTION.
pub const NET_FUNCTION: i64 = 1 << 21;
/// SWOOLE_HOOK_MONGODB.
pub const MONGODB: i64 = 1 << 22;
/// SWOOLE_HOOK_ALL.
pub const ALL: i64 = 2_143_287_295;
