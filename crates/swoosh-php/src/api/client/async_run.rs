//! `Swoole\Async\Client`: callbacks for what happens on a connection.
//!
//! A coroutine of its own connects, reads and calls the callbacks; a second one writes what the kernel does not take at
//! once. Every connection has a number: a coroutine that finds another number than its own leaves without a callback.

use super::async_state::{AsyncState, Event, Phase};
use super::data::{ERR_CODE, SETTING, SOCK};
use super::settings::{Parsed, parse, tls_of};
use crate::api::coroutine_client::{dial, open_datagrams};
use crate::api::socket::address_of;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::coroutine::{WaitKind, wait};
use crate::runtime::last_error;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use swoosh::client::Kind;
use swoosh::tls::ClientTls;
use swoosh_zend::{Array, IntoZval, Object, PhpResult, ZStr};

/// The arguments of `connect`.
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) host: Vec<u8>,
    pub(super) port: i64,
    pub(super) timeout: Option<Duration>,
    pub(super) tls: Option<ClientTls>,
}

/// The coroutine of a connection, from its beginning to its end.
pub(super) fn run(
    client: &Object,
    state: &Rc<AsyncState>,
    number: u64,
    target: Target,
    settings: Parsed,
) -> PhpResult<()> {
    let is_current = || state.number.get() == number && state.phase.get() != Phase::Idle;
    let opened = match open(client, state, &target, &settings)? {
        Ok(link) if !is_current() => return link.close(),
        Err(_) if !is_current() => return Ok(()),
        Ok(link) => match secure(&link, &target, &settings)? {
            _ if !is_current() => return link.close(),
            Ok(()) => Ok(link),
            Err(code) => Err(code),
        },
        Err(code) => Err(code),
    };
    let link = match opened {
        Ok(link) => link,
        Err(code) => {
            state.phase.set(Phase::Idle);
            state.has_failed.set(true);
            client.set_slot(ERR_CODE, code);
            last_error::set(code);
            return state.notify(Event::Error, client, None);
        }
    };
    *state.link.borrow_mut() = Some(link.clone());
    client.set_slot(SOCK, link.fd());
    state.phase.set(Phase::Connected);
    state.notify(Event::Connect, client, None)?;
    if target.kind.is_datagram() && is_current() {
        // `connect` has not returned yet; the callbacks come from the event loop.
        wait::sleep(Duration::from_millis(1))?;
    }
    while is_current() {
        if state.asleep.get() {
            sleep_until_woken(state, number)?;
            continue;
        }
        if let Some(callback) = state.tls_ready.take() {
            let settings = parse(&settings_of(client), target.kind);
            let Some(tls) = settings.as_ref().and_then(|settings| tls_of(settings, true, &target.host)) else { break };
            *state.tls.borrow_mut() = Some(tls);
            let host = &target.host;
            let shaken = match settings.map(|settings| settings.tls.begin(host)) {
                Some(Ok(session)) => {
                    link.start_tls(session);
                    link.handshake(target.timeout)?
                }
                _ => Err(CONTEXT_FAILED),
            };
            if !is_current() {
                break;
            }
            if let Err(code) = shaken {
                client.set_slot(ERR_CODE, code);
                return end(client, state);
            }
            callback.call(&mut [client.clone().into_zval()])?;
            continue;
        }
        let read = match target.kind.is_datagram() {
            true => link.recv(MAX_DATAGRAM, None)?.map(Some),
            false => state.packets.next_packet(&link, None)?.map(|bytes| (!bytes.is_empty()).then(|| ZStr::new(bytes))),
        };
        match read {
            _ if !is_current() => break,
            Ok(Some(packet)) => state.notify(Event::Receive, client, Some(packet))?,
            // `sleep` and `enableSSL` end the wait.
            Err(libc::ECANCELED) if state.asleep.get() || state.tls_ready.borrow().is_some() => {}
            Ok(None) | Err(_) => return end(client, state),
        }
    }
    Ok(())
}

/// The connection has ended, by the peer or by an error.
fn end(client: &Object, state: &Rc<AsyncState>) -> PhpResult<()> {
    finish(state)?;
    state.notify_close(client)
}

/// Closes the socket and ends all waits.
pub(super) fn finish(state: &Rc<AsyncState>) -> PhpResult<()> {
    state.phase.set(Phase::Idle);
    state.number.set(state.number.get() + 1);
    state.output.take();
    state.tls_ready.take();
    state.peer.take();
    let link = state.link.take();
    if let Some(waker) = state.reader.take() {
        waker.wake();
    }
    link.map_or(Ok(()), |link| link.close())
}

/// Connects a stream, or opens a socket for datagrams.
fn open(
    client: &Object,
    state: &AsyncState,
    target: &Target,
    settings: &Parsed,
) -> PhpResult<Result<Rc<CoroutineSocket>, ErrorCode>> {
    let family = match target.kind {
        Kind::Tcp => (libc::AF_INET, libc::SOCK_STREAM),
        Kind::Udp => (libc::AF_INET, libc::SOCK_DGRAM),
        Kind::Tcp6 => (libc::AF_INET6, libc::SOCK_STREAM),
        Kind::Udp6 => (libc::AF_INET6, libc::SOCK_DGRAM),
        Kind::UnixStream => (libc::AF_UNIX, libc::SOCK_STREAM),
        Kind::UnixDatagram => (libc::AF_UNIX, libc::SOCK_DGRAM),
    };
    let local = match &settings.engine.local {
        None => None,
        Some((host, port)) => match address_of(family.0, host.as_bytes(), i64::from(*port), None)? {
            Ok(address) => Some(address),
            Err(code) => return Ok(Err(code)),
        },
    };
    let opened = |fd: i32| client.set_slot(SOCK, fd);
    if target.kind.is_datagram() {
        let (host, port) = (&target.host, target.port);
        let opened = open_datagrams(family, local, host, port, target.timeout, opened)?;
        return Ok(opened.map(|(link, peer)| {
            *state.peer.borrow_mut() = Some(peer);
            link
        }));
    }
    let proxy = settings.proxy.clone();
    let linked = dial(family, local, proxy, &target.host, target.port, target.timeout, opened)?;
    if target.kind == Kind::UnixStream && linked.is_ok() {
        // Connected at once; the callbacks come from the event loop all the same.
        wait::sleep(Duration::from_millis(1))?;
    }
    Ok(linked)
}

/// The TLS handshake, if the connection begins with TLS.
fn secure(link: &CoroutineSocket, target: &Target, settings: &Parsed) -> PhpResult<Result<(), ErrorCode>> {
    if target.tls.is_none() {
        return Ok(Ok(()));
    }
    match settings.tls.begin(&target.host) {
        Ok(session) => link.start_tls(session),
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            return Ok(Err(CONTEXT_FAILED));
        }
    }
    // Whatever the reason is, a certificate included: the handshake has failed.
    Ok(link.handshake(target.timeout)?.map_err(|code| if code == libc::ETIMEDOUT { code } else { HANDSHAKE_FAILED }))
}

fn settings_of(client: &Object) -> Array {
    client.slot(SETTING).array().cloned().unwrap_or_default()
}

fn sleep_until_woken(state: &Rc<AsyncState>, number: u64) -> PhpResult<()> {
    let woken = wait::poll(WaitKind::Io, None, |cx| {
        if !state.asleep.get() || state.number.get() != number {
            return Poll::Ready(());
        }
        *state.reader.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    });
    state.reader.take();
    if !matches!(woken?, wait::WaitOutcome::Done(())) {
        state.asleep.set(false);
    }
    Ok(())
}

/// The coroutine that writes the output.
pub(super) fn write(client: &Object, state: &Rc<AsyncState>, link: &Rc<CoroutineSocket>, number: u64) -> PhpResult<()> {
    let result = loop {
        let chunk = {
            let output = state.output.borrow();
            output[..output.len().min(CHUNK)].to_vec()
        };
        if chunk.is_empty() || state.number.get() != number {
            break Ok(());
        }
        match link.send(&chunk, None) {
            Ok(Ok(sent)) if state.number.get() == number => drop(state.output.borrow_mut().drain(..sent)),
            // The reading coroutine notices the end.
            Ok(_) => break Ok(()),
            Err(raised) => break Err(raised),
        }
    };
    state.is_writing.set(false);
    result?;
    let (_, low) = state.watermarks.get();
    if state.number.get() == number && state.output.borrow().len() <= low && state.is_full.replace(false) {
        return state.notify(Event::BufferEmpty, client, None);
    }
    Ok(())
}

const MAX_DATAGRAM: usize = 65536;
/// Bytes that are written at once.
const CHUNK: usize = 1 << 20;
/// SWOOLE_ERROR_SSL_HANDSHAKE_FAILED.
const HANDSHAKE_FAILED: ErrorCode = 1018;
/// SWOOLE_ERROR_SSL_CREATE_CONTEXT_FAILED.
const CONTEXT_FAILED: ErrorCode = 1019;
