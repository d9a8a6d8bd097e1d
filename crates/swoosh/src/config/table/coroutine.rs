//! Settings of coroutines, and of the sockets and names that they wait for.

use super::rows::settings;
use crate::config::kind::{Kind, U32_MAX};
use crate::config::setting::{Setter, Target};
use std::time::Duration;

settings! { COROUTINE in Target::Coroutine;
    /// Coroutines of one process at once.
    max_coroutine | max_coro_num: Kind::int(0, i64::MAX, "coroutines"), "100,000" => Setter::Embedder(|e, v| {
        let (number, note) = v.clamped();
        e.coroutine.max_coroutine = Some(usize::try_from(number).unwrap_or(0));
        Ok(note)
    });
    /// A deadlock of all coroutines is reported.
    enable_deadlock_check: Kind::Bool, "true" => Setter::Embedder(|e, v| {
        e.coroutine.deadlock_check = Some(v.value.to_bool());
        Ok(None)
    });
    /// A coroutine that runs for longer than a time slice is switched out.
    enable_preemptive_scheduler: Kind::Bool, "`swoole.enable_preemptive_scheduler` of php.ini" =>
        Setter::Embedder(|e, v| {
            e.coroutine.preemptive = Some(v.value.to_bool());
            Ok(None)
        });
    /// PHP functions that switch coroutines in place of blocking, SWOOLE_HOOK_* flags.
    hook_flags: Kind::int(i64::MIN, i64::MAX, "flags"), "all within `Coroutine\\run`, else none" =>
        Setter::Embedder(|e, v| {
            e.coroutine.hook_flags = Some(v.value.to_int());
            Ok(None)
        });
    /// A loop with nothing else to do waits for a signal while a handler is set.
    wait_signal: Kind::Bool, "false" => Setter::Embedder(|e, v| {
        e.coroutine.wait_signal = Some(v.value.to_bool());
        Ok(None)
    });
    /// A function that keeps the loop running while it returns false.
    exit_condition: Kind::Function("a function"), "none" => Setter::Opaque;
    /// Resolvers of service names, asked in order.
    name_resolver: Kind::Objects, "none" => Setter::Opaque;
    /// The name server, with or without a port.
    dns_server: Kind::Text, "of `/etc/resolv.conf`" => Setter::Embedder(|e, v| {
        let server = v.bytes().ok().map(|server| String::from_utf8_lossy(&server).into_owned());
        e.coroutine.dns_server = Some(server.filter(|server| !server.is_empty()));
        Ok(None)
    });
    /// The time that a resolved address is cached.
    dns_cache_expire | dns_cache_refresh_time: SECONDS, "60" => Setter::Embedder(|e, v| {
        e.coroutine.dns_cache_expire = Some(Duration::try_from_secs_f64(v.value.to_float()).unwrap_or_default());
        Ok(None)
    });
    /// Names whose addresses are cached.
    dns_cache_capacity: Kind::int(0, i64::MAX, "names"), "1000" => Setter::Embedder(|e, v| {
        let (number, note) = v.clamped();
        e.coroutine.dns_cache_capacity = Some(usize::try_from(number).unwrap_or(0));
        Ok(note)
    });
    /// A random address of a name is used in place of the first.
    dns_lookup_random: Kind::Bool, "false" => Setter::Embedder(|e, v| {
        e.coroutine.dns_lookup_random = Some(v.value.to_bool());
        Ok(None)
    });
    /// The timeout of connect, read and write where there is no more specific one. Negative: no limit.
    socket_timeout: SECONDS, "none" => Setter::Embedder(|e, v| {
        e.coroutine.socket_timeout = Some(v.value.to_float());
        Ok(None)
    });
    /// The timeout of a name lookup.
    socket_dns_timeout: SECONDS, "60" => Setter::Embedder(|e, v| {
        e.coroutine.socket_dns_timeout = Some(v.value.to_float());
        Ok(None)
    });
    /// The timeout of connect(2).
    socket_connect_timeout: SECONDS, "none" => Setter::Embedder(|e, v| {
        e.coroutine.socket_connect_timeout = Some(v.value.to_float());
        Ok(None)
    });
    /// The timeout of reads.
    socket_read_timeout | socket_recv_timeout: SECONDS, "none" => Setter::Embedder(|e, v| {
        e.coroutine.socket_read_timeout = Some(v.value.to_float());
        Ok(None)
    });
    /// The timeout of writes.
    socket_write_timeout | socket_send_timeout: SECONDS, "none" => Setter::Embedder(|e, v| {
        e.coroutine.socket_write_timeout = Some(v.value.to_float());
        Ok(None)
    });
    /// The C stack of a coroutine.
    c_stack_size: Kind::int(0, U32_MAX, "bytes"), "2 MiB of address space" =>
        Setter::Ignored("a coroutine has 2 MiB of address space, and memory for the part that it uses");
    /// The PHP stack of a coroutine.
    stack_size: Kind::int(0, U32_MAX, "bytes"), "grows" => Setter::Ignored("PHP's own stack grows on demand");
}

const SECONDS: Kind = Kind::Seconds { min: 0, max: U32_MAX };
