//! What `Swoole\Coroutine::set` sets.

use crate::zend::{Array, Key, runtime};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// The settings of coroutines.
pub struct Options {
    given: Option<Array>,
    max_coroutine: usize,
    deadlock_check: bool,
    dns_cache_expire: Duration,
    dns_cache_capacity: usize,
    /// `None`: the INI setting was not looked at yet.
    preemptive: Cell<Option<bool>>,
}

thread_local! {
    static OPTIONS: RefCell<Options> = const { RefCell::new(Options::new()) };
}

/// Asks the settings.
#[inline]
pub fn options<R>(ask: impl FnOnce(&Options) -> R) -> R {
    OPTIONS.with_borrow(ask)
}

impl Options {
    const fn new() -> Self {
        Options {
            given: None,
            max_coroutine: MOST,
            deadlock_check: true,
            dns_cache_expire: Duration::from_secs(60),
            dns_cache_capacity: 1000,
            preemptive: Cell::new(None),
        }
    }

    /// Adds settings to those that are set.
    pub fn set(settings: &Array) {
        if settings.is_empty() {
            return;
        }
        let old = OPTIONS.with_borrow_mut(|options| {
            let old = options.given.clone();
            let given = options.given.get_or_insert_default();
            // Swoole's order, which a program may print.
            let new: Vec<_> = settings.iter().collect();
            for (key, value) in new.into_iter().rev() {
                match key {
                    Key::Name(name) => given.insert(name.as_bytes(), value.clone()),
                    Key::Index(index) => given.set(index, value.clone()),
                }
            }
            let most = settings.get("max_coroutine").or_else(|| settings.get("max_coro_num"));
            if let Some(most) = most {
                options.max_coroutine = usize::try_from(most.to_int()).ok().filter(|&n| n > 0).unwrap_or(MOST);
            }
            if let Some(check) = settings.get("enable_deadlock_check") {
                options.deadlock_check = check.to_bool();
            }
            if let Some(seconds) = settings.get("dns_cache_expire") {
                options.dns_cache_expire = Duration::from_secs(u64::try_from(seconds.to_int()).unwrap_or(0));
            }
            if let Some(most) = settings.get("dns_cache_capacity") {
                options.dns_cache_capacity = usize::try_from(most.to_int()).unwrap_or(0);
            }
            if let Some(preemptive) = settings.get("enable_preemptive_scheduler") {
                options.preemptive.set(Some(preemptive.to_bool()));
            }
            old
        });
        drop(old);
    }

    /// All that was set; `None` before anything was.
    pub fn given(&self) -> Option<Array> {
        self.given.clone()
    }

    /// How many coroutines there may be at once.
    pub fn max_coroutine(&self) -> usize {
        self.max_coroutine
    }

    /// Whether a deadlock is told.
    pub fn deadlock_check(&self) -> bool {
        self.deadlock_check
    }

    /// How long an address is kept.
    pub fn dns_cache_expire(&self) -> Duration {
        self.dns_cache_expire
    }

    /// How many addresses are kept.
    pub fn dns_cache_capacity(&self) -> usize {
        self.dns_cache_capacity
    }

    /// Whether time slices end.
    pub fn preemptive(&self) -> bool {
        self.preemptive.get().unwrap_or_else(|| {
            let on = runtime::switch("swoole.enable_preemptive_scheduler");
            self.preemptive.set(Some(on));
            on
        })
    }
}

/// The request ends.
pub fn reset() {
    let old = OPTIONS.replace(Options::new());
    drop(old);
}

/// Where nothing else is said.
const MOST: usize = 100_000;
