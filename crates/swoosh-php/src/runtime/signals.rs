//! Signal handlers of user code.
//!
//! Invariant: a signal only sets a flag and notifies an eventfd; its PHP handler runs in the event loop. A forked process
//! starts without handlers.

use super::reactor::Watch;
use super::scheduler::{callbacks_in_coroutines, run_callback};
use super::{reactor, script_end};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::task::Context;
use swoosh::sys::event_fd::EventFd;
use swoosh::sys::signal;
use swoosh::{Error, Result};
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{Callable, IntoZval, PhpResult, Raised, call_function, runtime};
use tokio::io::Interest;

#[derive(Default)]
struct Signals {
    generation: u32,
    handlers: BTreeMap<i32, Rc<Callable>>,
    event_fd: Option<(&'static EventFd, Watch)>,
}

thread_local! {
    static SIGNALS: RefCell<Signals> = RefCell::default();
    /// Whether any handler is installed: a cheap check for each tick.
    static ANY: Cell<bool> = const { Cell::new(false) };
}

fn with<R>(f: impl FnOnce(&mut Signals) -> R) -> R {
    SIGNALS.with_borrow_mut(|signals| {
        if signals.generation != runtime::generation() {
            // Leaked: the parent's callbacks are not destroyed here, and its eventfd stays registered with the parent.
            std::mem::forget(std::mem::take(signals));
            signals.generation = runtime::generation();
            ANY.set(false);
        }
        f(signals)
    })
}

/// Calls `handler` in the loop each time the signal arrives, in place of the server that handled it in this process. Fails
/// for signals that cannot be handled (signal(7)).
pub fn handle(number: i32, handler: Callable) -> Result<()> {
    let event_fd = with(|signals| {
        if signals.event_fd.is_none() {
            // Leaked, because a signal may arrive at any time.
            let event_fd: &'static EventFd = Box::leak(Box::new(EventFd::new()?));
            let watch = Watch::new(event_fd.as_raw_fd(), Interest::READABLE);
            let watch = watch.map_err(|e| Error::system("watch", "for signals", e))?;
            signals.event_fd = Some((event_fd, watch));
        }
        signals
            .event_fd
            .as_ref()
            .map(|(event_fd, _)| *event_fd)
            .ok_or_else(|| Error::State { operation: "watch for signals", reason: "there is no event_fd".into() })
    })?;
    signal::subscribe(number, event_fd)?;
    script_end::prepare();
    let old = with(|signals| signals.handlers.insert(number, Rc::new(handler)));
    ANY.set(true);
    listen();
    drop(old);
    Ok(())
}

/// How many signals have a handler.
pub fn count() -> usize {
    if ANY.get() { with(|signals| signals.handlers.len()) } else { 0 }
}

/// Whether signals alone keep the loop of a plain script running: while any has a handler (`wait_signal`), or while SIGCHLD
/// has one and there are child processes.
pub fn keep_alive(wait_signal: bool) -> bool {
    let handles_children = || with(|signals| signals.handlers.contains_key(&libc::SIGCHLD));
    ANY.get() && (wait_signal && count() > 0 || handles_children() && has_children())
}

fn has_children() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT).is_ok()
}

/// Removes a handler; the server handles the signal again where it did before, else it has its default action. False if
/// there was none.
pub fn remove(number: i32) -> bool {
    let old = with(|signals| signals.handlers.remove(&number));
    if old.is_some() {
        signal::unsubscribe(number);
    }
    old.is_some()
}

/// Whether a handled signal has arrived.
#[inline]
pub fn is_due() -> bool {
    ANY.get() && signal::has_subscribed()
}

/// Has the signals that a terminal sends when it closes, and that timers send, do nothing in the processes of a server,
/// unless pcntl handles them. PHP's own action for them is not the kernel's default, so the engine cannot tell.
pub fn discard_unhandled() {
    for number in DISCARDED {
        let handler = call_function("pcntl_signal_get_handler", &mut [number.into_zval()]).ok().flatten();
        if handler.is_none_or(|handler| handler.int() == Some(0))
            && let Err(e) = signal::discard(&[number])
        {
            swoosh::log::warn!("{e}");
        }
    }
}

/// The script runs on without a server: these signals have their default actions again.
pub fn restore_discarded() {
    signal::restore_defaults(&DISCARDED);
}

const DISCARDED: [i32; 2] = [libc::SIGHUP, libc::SIGALRM];

/// Runs the handlers of the signals that have arrived. Called in each tick.
#[inline]
pub fn run_due() -> PhpResult<()> {
    if ANY.get() { run_now() } else { Ok(()) }
}

fn run_now() -> PhpResult<()> {
    // Drained first, so that a signal that arrives from here on notifies the eventfd again.
    with(|signals| {
        if let Some((event_fd, watch)) = &signals.event_fd {
            event_fd.drain();
            watch.clear_read_ready();
        }
    });
    for number in signal::take_subscribed() {
        let Some(handler) = with(|signals| signals.handlers.get(&number).cloned()) else { continue };
        let run = move || handler.call(&mut [number.into_zval()]).map(drop);
        match run_callback(callbacks_in_coroutines(), run) {
            Err(Raised::Exception) => return Err(raise_uncaught(Raised::Exception)),
            other => other?,
        }
    }
    listen();
    Ok(())
}

/// Arms the event queue so that the next signal wakes the loop.
fn listen() {
    with(|signals| {
        let Some((event_fd, watch)) = &mut signals.event_fd else { return };
        if !watch.is_current() {
            // The loop that it belonged to has ended: it would report the descriptor as ready without an end.
            match Watch::new(event_fd.as_raw_fd(), Interest::READABLE) {
                Ok(renewed) => *watch = renewed,
                Err(e) => return swoosh::log::error!("watch for signals: {e}"),
            }
        }
        let token = reactor::watcher_token(event_fd.as_raw_fd());
        let waker = reactor::waker(token);
        if watch.poll_read(&mut Context::from_waker(&waker)).is_ready() {
            reactor::wake(token);
        }
    });
}

/// Removes all handlers at the end of the request.
pub fn request_end() {
    if ANY.replace(false) {
        let held = with(|signals| {
            signals.handlers.keys().for_each(|number| signal::unsubscribe(*number));
            (std::mem::take(&mut signals.handlers), signals.event_fd.take())
        });
        drop(held);
    }
}
