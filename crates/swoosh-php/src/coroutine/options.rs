//! The settings of `Swoole\Coroutine::set`.

use super::{setting_values, timeout};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::{Array, Callable, Key, runtime};

/// The settings of coroutines.
pub struct Options {
    given: Option<Array>,
    max_coroutine: usize,
    deadlock_check: bool,
    exit_condition: Option<Rc<Callable>>,
    wait_signal: bool,
    dns_cache_expire: Duration,
    dns_cache_capacity: usize,
    dns_server: Option<String>,
    dns_lookup_random: bool,
    socket_dns_timeout: Option<Duration>,
    socket_connect_timeout: Option<Duration>,
    socket_read_timeout: Option<Duration>,
    socket_write_timeout: Option<Duration>,
    hook_flags: Option<i64>,
    /// `None`: the INI setting was not looked at yet.
    preemptive: Cell<Option<bool>>,
}

thread_local! {
    static OPTIONS: RefCell<Options> = const { RefCell::new(Options::new()) };
}

/// Reads the settings.
#[inline]
pub fn options<R>(read: impl FnOnce(&Options) -> R) -> R {
    OPTIONS.with_borrow(read)
}

impl Options {
    const fn new() -> Self {
        Options {
            given: None,
            max_coroutine: DEFAULT_MAX_COROUTINE,
            deadlock_check: true,
            exit_condition: None,
            wait_signal: false,
            dns_cache_expire: Duration::from_secs(60),
            dns_cache_capacity: 1000,
            dns_server: None,
            dns_lookup_random: false,
            socket_dns_timeout: Some(Duration::from_secs(60)),
            socket_connect_timeout: None,
            socket_read_timeout: None,
            socket_write_timeout: None,
            hook_flags: None,
            preemptive: Cell::new(None),
        }
    }

    /// Merges settings into the current ones.
    pub(super) fn set(settings: &Array) {
        let old = OPTIONS.with_borrow_mut(|options| {
            let old = options.given.clone();
            let given = options.given.get_or_insert_default();
            // Swoole's order, which programs may print.
            let new: Vec<_> = settings.iter().collect();
            for (key, value) in new.into_iter().rev() {
                match key {
                    Key::Name(name) => given.insert(name.as_bytes(), value.clone()),
                    Key::Index(index) => given.set(index, value.clone()),
                }
            }
            let typed = setting_values::of_coroutines(settings);
            if let Some(most) = typed.max_coroutine {
                options.max_coroutine = Some(most).filter(|&n| n > 0).unwrap_or(DEFAULT_MAX_COROUTINE);
            }
            options.deadlock_check = typed.deadlock_check.unwrap_or(options.deadlock_check);
            options.dns_cache_expire = typed.dns_cache_expire.unwrap_or(options.dns_cache_expire);
            options.dns_cache_capacity = typed.dns_cache_capacity.unwrap_or(options.dns_cache_capacity);
            options.dns_lookup_random = typed.dns_lookup_random.unwrap_or(options.dns_lookup_random);
            if let Some(server) = typed.dns_server {
                options.dns_server = server;
            }
            if let Some(condition) = settings.get("exit_condition") {
                options.exit_condition = Callable::new(condition).ok().map(Rc::new);
            }
            options.wait_signal = typed.wait_signal.unwrap_or(options.wait_signal);
            let all = typed.socket_timeout;
            for (at, seconds) in [
                (&mut options.socket_dns_timeout, typed.socket_dns_timeout),
                (&mut options.socket_connect_timeout, typed.socket_connect_timeout.or(all)),
                (&mut options.socket_read_timeout, typed.socket_read_timeout.or(all)),
                (&mut options.socket_write_timeout, typed.socket_write_timeout.or(all)),
            ] {
                *at = seconds.map_or(*at, timeout::limit);
            }
            options.hook_flags = typed.hook_flags.or(options.hook_flags);
            if typed.preemptive.is_some() {
                options.preemptive.set(typed.preemptive);
            }
            old
        });
        drop(old);
    }

    /// The settings as given; `None` before the first call of `set`.
    pub fn given(&self) -> Option<Array> {
        self.given.clone()
    }

    /// The maximum number of live coroutines.
    pub fn max_coroutine(&self) -> usize {
        self.max_coroutine
    }

    /// Whether deadlocks are reported.
    pub fn deadlock_check(&self) -> bool {
        self.deadlock_check
    }

    /// `exit_condition`: the loop of a plain script ends only once this returns `true`.
    pub fn exit_condition(&self) -> Option<Rc<Callable>> {
        self.exit_condition.clone()
    }

    /// `wait_signal`: signal handlers keep the loop of a plain script running.
    pub fn wait_signal(&self) -> bool {
        self.wait_signal
    }

    /// How long an address stays in the DNS cache.
    pub fn dns_cache_expire(&self) -> Duration {
        self.dns_cache_expire
    }

    /// How many names the DNS cache holds.
    pub fn dns_cache_capacity(&self) -> usize {
        self.dns_cache_capacity
    }

    /// The name server to query; `None`: those of the system.
    pub fn dns_server(&self) -> Option<String> {
        self.dns_server.clone()
    }

    /// Whether a random address of a name is used instead of its first.
    pub fn dns_lookup_random(&self) -> bool {
        self.dns_lookup_random
    }

    /// The timeout of a name lookup; `None`: that of the resolver.
    pub fn socket_dns_timeout(&self) -> Option<Duration> {
        self.socket_dns_timeout
    }

    /// The connect timeout of sockets without one of their own; `None`: not set.
    pub fn socket_connect_timeout(&self) -> Option<Duration> {
        self.socket_connect_timeout
    }

    /// The initial read timeout of sockets; `None`: unlimited.
    pub fn socket_read_timeout(&self) -> Option<Duration> {
        self.socket_read_timeout
    }

    /// The initial write timeout of sockets; `None`: unlimited.
    pub fn socket_write_timeout(&self) -> Option<Duration> {
        self.socket_write_timeout
    }

    /// `hook_flags`; `None`: not set.
    pub fn hook_flags(&self) -> Option<i64> {
        self.hook_flags
    }

    /// Whether time slices end.
    pub fn preemptive(&self) -> bool {
        self.preemptive.get().unwrap_or_else(|| {
            let on = runtime::ini_bool("swoole.enable_preemptive_scheduler");
            self.preemptive.set(Some(on));
            on
        })
    }
}

/// Restores the defaults at the end of the request.
pub fn reset() {
    let old = OPTIONS.replace(Options::new());
    drop(old);
}

/// The default of `max_coroutine`.
const DEFAULT_MAX_COROUTINE: usize = 100_000;
