//! The settings of `Swoole\Coroutine::set`.

use super::timeout;
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
    /// `None` until the INI setting is read.
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
            let most = settings.get("max_coroutine").or_else(|| settings.get("max_coro_num"));
            if let Some(most) = most {
                options.max_coroutine =
                    usize::try_from(most.to_int()).ok().filter(|&n| n > 0).unwrap_or(DEFAULT_MAX_COROUTINE);
            }
            if let Some(check) = settings.get("enable_deadlock_check") {
                options.deadlock_check = check.to_bool();
            }
            if let Some(condition) = settings.get("exit_condition") {
                options.exit_condition = Callable::new(condition).ok().map(Rc::new);
            }
            if let Some(wait) = settings.get("wait_signal") {
                options.wait_signal = wait.to_bool();
            }
            for name in ["dns_cache_refresh_time", "dns_cache_expire"] {
                if let Some(seconds) = settings.get(name) {
                    options.dns_cache_expire = Duration::try_from_secs_f64(seconds.to_float()).unwrap_or_default();
                }
            }
            if let Some(server) = settings.get("dns_server") {
                let server = server.to_zstr().map(|server| server.to_text().into_owned());
                options.dns_server = server.filter(|server| !server.is_empty());
            }
            if let Some(random) = settings.get("dns_lookup_random") {
                options.dns_lookup_random = random.to_bool();
            }
            let limit = |names: &[&str]| {
                let given = names.iter().find_map(|name| settings.get(name));
                given.map(|seconds| timeout::limit(seconds.to_float()))
            };
            for (at, names) in [
                (&mut options.socket_dns_timeout, &["socket_dns_timeout"][..]),
                (&mut options.socket_connect_timeout, &["socket_connect_timeout", "socket_timeout"]),
                (&mut options.socket_read_timeout, &["socket_read_timeout", "socket_recv_timeout", "socket_timeout"]),
                (&mut options.socket_write_timeout, &["socket_write_timeout", "socket_send_timeout", "socket_timeout"]),
            ] {
                *at = limit(names).unwrap_or(*at);
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

    /// Whether the preemptive scheduler is enabled.
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
