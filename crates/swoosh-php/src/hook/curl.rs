//! Guards transfers of PHP's curl extension, whose waits are hooked as polls of libcurl (see [`coverage`](super::coverage)):
//! all options, callbacks and connections are libcurl's and PHP's own.
//!
//! Invariant: a handle whose transfer waits in one coroutine is not touched by another, because libcurl's state must not
//! change in between.

use crate::coroutine;
use crate::coroutine::classes::CURL;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use swoosh_zend::error::throw;
use swoosh_zend::hook::{alias_function, surround_function, wrap_function};
use swoosh_zend::{Call, PhpResult, Zval};

thread_local! {
    /// The transfers of `curl_exec`: the coroutine, by the handle's object number.
    static TRANSFERS: RefCell<HashMap<u32, u64>> = RefCell::default();
    /// The handles whose last transfer was cancelled.
    static CANCELLED: RefCell<HashSet<u32>> = RefCell::default();
}

/// Installs the guards during module startup.
pub(super) fn start_up() {
    surround_function::<13, _, _>("curl_exec", begin, end);
    wrap_function::<14, _, _>("curl_setopt", guard);
    wrap_function::<15, _, _>("curl_setopt_array", guard);
    wrap_function::<16, _, _>("curl_reset", |call: &mut Call<'_>| {
        forget(handle(call.arg(0)));
        guard(call)
    });
    wrap_function::<17, _, _>("curl_upkeep", guard);
    wrap_function::<18, _, _>("curl_errno", |call: &mut Call<'_>| Ok(is_cancelled(call).then_some(ABORTED)));
    wrap_function::<19, _, _>("curl_error", |call: &mut Call<'_>| Ok(is_cancelled(call).then_some(ABORTED_TEXT)));
    // A new object may have the number of one that is gone.
    surround_function::<20, _, _>(
        "curl_init",
        |_: &mut Call<'_>| Ok(()),
        |_: &mut Call<'_>, made: &mut Zval| {
            forget(handle(Some(made)));
        },
    );
    surround_function::<21, _, _>("curl_copy_handle", guard_copy, |_: &mut Call<'_>, made: &mut Zval| {
        forget(handle(Some(made)));
    });
    for name in NAMES {
        alias_function(&format!("swoole_native_{name}"), name);
    }
}

fn handle(value: Option<&Zval>) -> Option<u32> {
    value.and_then(Zval::object).map(|object| object.handle())
}

fn forget(handle: Option<u32>) {
    if let Some(handle) = handle {
        CANCELLED.with_borrow_mut(|cancelled| cancelled.remove(&handle));
    }
}

/// Throws if a coroutine other than the caller transfers with the handle.
fn check(handle: u32) -> PhpResult<()> {
    let user = TRANSFERS.with_borrow(|transfers| transfers.get(&handle).copied());
    // In a forked child the coroutines of its parent do not exist.
    match user.filter(|&user| coroutine::current_id() != Some(user) && coroutine::find(user).is_some()) {
        Some(user) => {
            let text = format!("the curl handle is in use: coroutine #{user} waits for its transfer");
            Err(throw(CURL.get(), &text, 0))
        }
        None => Ok(()),
    }
}

fn guard(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    handle(call.arg(0)).map_or(Ok(()), check).map(|()| None)
}

fn guard_copy(call: &mut Call<'_>) -> PhpResult<()> {
    handle(call.arg(0)).map_or(Ok(()), check)
}

fn begin(call: &mut Call<'_>) -> PhpResult<()> {
    if let Some(handle) = handle(call.arg(0)) {
        check(handle)?;
        forget(Some(handle));
        if let Some(me) = coroutine::current_id() {
            TRANSFERS.with_borrow_mut(|transfers| transfers.insert(handle, me));
        }
    }
    Ok(())
}

fn end(call: &mut Call<'_>, result: &mut Zval) {
    let Some(handle) = handle(call.arg(0)) else { return };
    TRANSFERS.with_borrow_mut(|transfers| transfers.remove(&handle));
    if result.bool() == Some(false) && coroutine::current().is_some_and(|me| me.is_cancelled()) {
        CANCELLED.with_borrow_mut(|cancelled| cancelled.insert(handle));
    }
}

/// libcurl itself reports a wait that fails as a wrong argument.
fn is_cancelled(call: &Call<'_>) -> bool {
    handle(call.arg(0)).is_some_and(|handle| CANCELLED.with_borrow(|cancelled| cancelled.contains(&handle)))
}

/// CURLE_ABORTED_BY_CALLBACK, and libcurl's text for it.
const ABORTED: i64 = 42;
const ABORTED_TEXT: &str = "Operation was aborted by an application callback";

/// The functions that have a second name with the prefix `swoole_native_`.
const NAMES: &[&str] = &[
    "curl_close",
    "curl_copy_handle",
    "curl_errno",
    "curl_error",
    "curl_escape",
    "curl_exec",
    "curl_getinfo",
    "curl_init",
    "curl_multi_add_handle",
    "curl_multi_close",
    "curl_multi_errno",
    "curl_multi_exec",
    "curl_multi_getcontent",
    "curl_multi_info_read",
    "curl_multi_init",
    "curl_multi_remove_handle",
    "curl_multi_select",
    "curl_multi_setopt",
    "curl_pause",
    "curl_reset",
    "curl_setopt",
    "curl_setopt_array",
    "curl_unescape",
    "curl_upkeep",
];
