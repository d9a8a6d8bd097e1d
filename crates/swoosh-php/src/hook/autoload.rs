//! Classes that are being autoloaded: other coroutines wait for the end of the load instead of not finding the class.
//!
//! Invariant: one flow of execution loads a class at a time. Coroutines that would wait for each other in a circle do not
//! wait: PHP's answer to a class that needs itself, "not found", is theirs.

use crate::coroutine::{self, WaitKind, WakeReason};
use crate::runtime::reactor;
use std::cell::RefCell;
use std::collections::HashMap;
use swoosh_zend::PhpResult;
use swoosh_zend::hook::{Autoload, AutoloadHooks, install_autoload_hooks};

/// A load that has begun.
struct Load {
    /// The loading coroutine; 0: code outside of coroutines.
    loader: u64,
    /// The waiting coroutines and the tokens that wake them.
    waiters: Vec<(u64, u64)>,
}

thread_local! {
    /// The classes that are being loaded, by their names in lower case.
    static LOADS: RefCell<HashMap<Vec<u8>, Load>> = RefCell::default();
}

/// Installs the hook during module startup.
pub(super) fn start_up() {
    install_autoload_hooks(AutoloadHooks { begin, end, is_loader });
}

fn begin(name: &[u8]) -> Autoload {
    let me = coroutine::current();
    let id = me.as_ref().map_or(0, |me| me.id());
    let loader = LOADS.with_borrow(|loads| loads.get(name).map(|load| load.loader));
    match loader {
        Some(loader) if is_alive(loader) => {
            let Some(me) = me.filter(|_| coroutine::may_wait() && !waits_for(loader, id)) else {
                return Autoload::NotFound;
            };
            let token = me.next_token();
            LOADS.with_borrow_mut(|loads| {
                if let Some(load) = loads.get_mut(name) {
                    load.waiters.push((id, token));
                }
            });
            let woken = me.wait(WaitKind::Io, None);
            LOADS.with_borrow_mut(|loads| {
                if let Some(load) = loads.get_mut(name) {
                    load.waiters.retain(|&waiter| waiter != (id, token));
                }
            });
            match woken {
                Ok(WakeReason::Done) => Autoload::LookUp,
                // A pending exception is thrown when the lookup returns.
                _ => Autoload::NotFound,
            }
        }
        // A loader that a fatal error ended has left its entry.
        _ => {
            LOADS.with_borrow_mut(|loads| loads.insert(name.to_vec(), Load { loader: id, waiters: Vec::new() }));
            Autoload::Load
        }
    }
}

fn is_loader(name: &[u8]) -> bool {
    let Some(me) = coroutine::current_id() else { return false };
    LOADS.with_borrow(|loads| loads.get(name).is_some_and(|load| load.loader == me))
}

/// Those who waited run before the loader goes on.
fn end(name: &[u8]) -> PhpResult<()> {
    let load = LOADS.with_borrow_mut(|loads| loads.remove(name));
    for (id, token) in load.into_iter().flat_map(|load| load.waiters) {
        coroutine::wake_from(id, reactor::token_wait_number(token))?;
    }
    Ok(())
}

/// In a forked child the other coroutines of its parent do not exist.
fn is_alive(loader: u64) -> bool {
    loader == 0 || coroutine::find(loader).is_some()
}

/// Whether `other` is `me`, or waits, directly or by way of others, for a class that `me` loads.
fn waits_for(other: u64, me: u64) -> bool {
    LOADS.with_borrow(|loads| {
        let mut at = other;
        // A chain visits each load once at most.
        for _ in 0..=loads.len() {
            if at == me {
                return true;
            }
            match loads.values().find(|load| load.waiters.iter().any(|&(id, _)| id == at)) {
                Some(load) => at = load.loader,
                None => return false,
            }
        }
        true
    })
}
