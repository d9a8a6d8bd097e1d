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
    /// The running calls of `curl_exec` and `curl_multi_exec` by the handle's object number: the coroutine, and how many
    /// calls it has begun, each in a callback of the one before.
    static TRANSFERS: RefCell<HashMap<u32, (u64, u32)>> = RefCell::default();
    /// The streams that a handle reads from or writes to, or that the handles of a multi handle do, by its object number:
    /// libcurl keeps their `FILE`.
    static STREAMS: RefCell<HashMap<u32, Vec<i64>>> = RefCell::default();
    /// The handles whose last transfer was cancelled.
    static CANCELLED: RefCell<HashSet<u32>> = RefCell::default();
}

/// Installs the guards during module startup.
pub(super) fn start_up() {
    surround_function::<13, _, _>("curl_exec", begin, end);
    wrap_function::<14, _, _>("curl_setopt", |call: &mut Call<'_>| {
        let guarded = guard(call)?;
        note_stream(handle(call.arg(0)), call.arg(2));
        Ok(guarded)
    });
    wrap_function::<15, _, _>("curl_setopt_array", |call: &mut Call<'_>| {
        let guarded = guard(call)?;
        let options = call.arg(1).and_then(Zval::array).cloned();
        for (_, value) in options.iter().flatten() {
            note_stream(handle(call.arg(0)), Some(value));
        }
        Ok(guarded)
    });
    wrap_function::<16, _, _>("curl_reset", |call: &mut Call<'_>| {
        forget(handle(call.arg(0)));
        guard(call)
    });
    surround_function::<43, _, _>("curl_multi_exec", begin, end);
    wrap_function::<44, _, _>("curl_multi_close", guard);
    wrap_function::<45, _, _>("curl_multi_remove_handle", guard);
    wrap_function::<46, _, _>("curl_multi_add_handle", |call: &mut Call<'_>| {
        let guarded = guard(call)?;
        copy_streams(handle(call.arg(1)), handle(call.arg(0)));
        Ok(guarded)
    });
    wrap_function::<47, _, _>("curl_multi_setopt", guard);
    wrap_function::<48, _, _>("fclose", |call: &mut Call<'_>| keep_stream(call.arg(0)).map(|()| None::<bool>));
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
    surround_function::<21, _, _>("curl_copy_handle", guard_copy, |call: &mut Call<'_>, made: &mut Zval| {
        forget(handle(Some(made)));
        copy_streams(handle(call.arg(0)), handle(Some(made)));
    });
    surround_function::<49, _, _>(
        "curl_multi_init",
        |_: &mut Call<'_>| Ok(()),
        |_: &mut Call<'_>, made: &mut Zval| {
            forget(handle(Some(made)));
        },
    );
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
        STREAMS.with_borrow_mut(|streams| streams.remove(&handle));
    }
}

fn note_stream(handle: Option<u32>, value: Option<&Zval>) {
    if let (Some(handle), Some(stream)) = (handle, value.and_then(Zval::resource_id)) {
        STREAMS.with_borrow_mut(|streams| streams.entry(handle).or_default().push(stream));
    }
}

fn copy_streams(from: Option<u32>, to: Option<u32>) {
    if let (Some(from), Some(to)) = (from, to) {
        STREAMS.with_borrow_mut(|streams| {
            if let Some(copied) = streams.get(&from).cloned() {
                streams.entry(to).or_default().extend(copied);
            }
        });
    }
}

/// Throws if a transfer of another coroutine uses the stream.
fn keep_stream(stream: Option<&Zval>) -> PhpResult<()> {
    if TRANSFERS.with_borrow(HashMap::is_empty) {
        return Ok(());
    }
    let Some(stream) = stream.and_then(Zval::resource_id) else { return Ok(()) };
    let handles: Vec<u32> = TRANSFERS.with_borrow(|transfers| transfers.keys().copied().collect());
    let uses = |handle: &u32| {
        STREAMS.with_borrow(|streams| streams.get(handle).is_some_and(|of_handle| of_handle.contains(&stream)))
    };
    handles.into_iter().filter(uses).try_for_each(check)
}

/// Throws if a coroutine other than the caller transfers with the handle.
fn check(handle: u32) -> PhpResult<()> {
    let user = TRANSFERS.with_borrow(|transfers| transfers.get(&handle).map(|&(user, _)| user));
    // In a forked child the coroutines of its parent do not exist.
    match user.filter(|&user| coroutine::current_id() != Some(user) && coroutine::find(user).is_some()) {
        Some(user) => {
            let me = coroutine::current_id().unwrap_or(0);
            let text = format!(
                "the curl handle is in use: coroutine #{user} waits for its transfer, coroutine #{me} needs a handle of its own"
            );
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
        CANCELLED.with_borrow_mut(|cancelled| cancelled.remove(&handle));
        if let Some(me) = coroutine::current_id() {
            TRANSFERS.with_borrow_mut(|transfers| {
                let running = transfers.entry(handle).or_insert((me, 0));
                *running = (me, if running.0 == me { running.1 + 1 } else { 1 });
            });
        }
    }
    Ok(())
}

fn end(call: &mut Call<'_>, result: &mut Zval) {
    let Some(handle) = handle(call.arg(0)) else { return };
    TRANSFERS.with_borrow_mut(|transfers| match transfers.get_mut(&handle) {
        Some((_, calls)) if *calls > 1 => *calls -= 1,
        _ => drop(transfers.remove(&handle)),
    });
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
