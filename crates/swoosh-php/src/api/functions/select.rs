//! Waiting for one of several sockets, and pairs of sockets.

use crate::api::{client, event, socket, system};
use crate::coroutine;
use crate::coroutine::configure;
use crate::coroutine::socket::CoroutineSocket;
use crate::coroutine::{dns, wait};
use crate::runtime::{last_error, scheduler};
use socket2::{Domain, Protocol, Socket, Type};
use std::rc::Rc;
use std::time::Duration;
use swoosh::sys::poll::{self, PollFlags};
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, Key, OrFalse, PhpResult, Zval};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_select(?array &$read, ?array &$write, ?array &$except, ?float $timeout = 0.5): int|false", select)
        .add(
            "swoole_client_select(?array &$read, ?array &$write, ?array &$except, ?float $timeout = 0.5): int|false",
            select,
        )
        .add("swoole_coroutine_socketpair(int $domain, int $type, int $protocol): array|false", pair)
        .add("swoole_clear_dns_cache(): void", |_: &mut Call<'_>| {
            dns::clear();
            Ok(())
        })
        .add(
            "swoole_async_dns_lookup_coro(string $domain_name, float $timeout = 60, int $type = AF_INET): string|false",
            system::dns_lookup,
        )
        .add("swoole_async_set(array $settings): bool", set);
}

/// How many of the descriptors are ready; the arrays keep those.
fn select(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let kinds = [PollFlags::POLLIN, PollFlags::POLLOUT, PollFlags::POLLPRI];
    let mut wanted: Vec<(i32, PollFlags)> = Vec::new();
    // Clients that have received more than they returned are readable, although their sockets may not be.
    let mut buffered: Vec<bool> = Vec::new();
    for (n, flags) in kinds.into_iter().enumerate() {
        let given = call.arg(n).and_then(Zval::array).into_iter().flatten();
        for (_, subject) in given {
            let Some(fd) = event::descriptor_of(subject) else { continue };
            wanted.push((fd, flags));
            buffered.push(n == 0 && client::has_input(subject));
        }
    }
    if wanted.is_empty() {
        last_error::warn_misuse("the arrays contain no descriptor");
        return Ok(OrFalse(None));
    }
    let seconds = if call.has(3) { call.float(3)? } else { 0.5 };
    let limit = (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    if limit != Some(Duration::ZERO) && !buffered.contains(&true) {
        if coroutine::may_wait() {
            wait::any_of(&wanted, limit)?;
        } else {
            let _ = look(&wanted, limit);
        }
    }
    let polled = look(&wanted, Some(Duration::ZERO)).into_iter();
    let mut ready = polled.zip(buffered).map(|((ready, closed), buffered)| (ready || buffered, closed));
    let mut count = 0;
    for n in 0..kinds.len() {
        let Some(given) = call.arg(n).and_then(Zval::array).cloned() else { continue };
        let mut kept = Array::new();
        for (key, subject) in &given {
            if event::descriptor_of(subject).is_none() {
                continue;
            }
            let (is_ready, is_closed) = ready.next().unwrap_or_default();
            count += usize::from(is_ready || is_closed);
            if !is_ready {
                continue;
            }
            match key {
                Key::Index(index) => kept.set(index, subject.clone()),
                Key::Name(name) => kept.insert(name.as_bytes(), subject.clone()),
            }
        }
        call.assign(n, kept);
    }
    Ok(OrFalse(Some(count)))
}

/// Which of them are ready, and which are not open: those end the wait, but are not ready.
fn look(wanted: &[(i32, PollFlags)], limit: Option<Duration>) -> Vec<(bool, bool)> {
    let judge = |events: &PollFlags| {
        let closed = events.contains(PollFlags::POLLNVAL);
        (!events.is_empty() && !closed, closed)
    };
    match poll::ready(wanted, limit) {
        Ok(found) => found.iter().map(judge).collect(),
        Err(_) => vec![(false, false); wanted.len()],
    }
}

/// Two sockets that are connected with each other.
fn pair(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let (domain, kind, protocol) = (call.int(0)? as i32, call.int(1)? as i32, call.int(2)? as i32);
    let protocol = (protocol != 0).then(|| Protocol::from(protocol));
    match Socket::pair(Domain::from(domain), Type::from(kind).nonblocking(), protocol) {
        Ok((one, other)) => {
            let mut pair = Array::new();
            for socket in [one, other] {
                pair.push(socket::object(Rc::new(CoroutineSocket::from_socket(socket)), domain, kind)?);
            }
            Ok(OrFalse(Some(pair)))
        }
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EINVAL));
            Ok(OrFalse(None))
        }
    }
}

/// Settings of the loop: whether callbacks run in coroutines of their own, and what coroutines take.
fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    if let Some(on) = given.get("enable_coroutine") {
        scheduler::set_callbacks_in_coroutines(on.to_bool());
    }
    configure::apply(given);
    Ok(true)
}
