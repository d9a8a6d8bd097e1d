//! The methods of `Swoole\Async\Client`.

use super::async_run::{Target, finish, run, write};
use super::async_state::{AsyncState, Event, Phase};
use super::data::{NO_CONNECTION, Payload, fail, set_error, set_type};
use super::settings::{parsed, tls_of};
use crate::api::exception::EXCEPTION;
use crate::api::socket::addresses_of;
use crate::coroutine::socket::{Direction, ErrorCode};
use crate::coroutine::{self, wait};
use crate::runtime::last_error;
use std::fs::File;
use std::rc::Rc;
use std::time::Duration;
use swoosh::client::Kind;
use swoosh_zend::error::{fatal, throw, warning};
use swoosh_zend::{Call, Callable, IntoZval, OrFalse, PhpResult, ZStr, Zval};

pub(super) fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    set_type(call, call.int(0)?)?;
    let _ = call.payload::<Payload>().asynchronous.set(Rc::default());
    Ok(())
}

fn state<'a>(call: &Call<'a>) -> Option<&'a Rc<AsyncState>> {
    call.this()?.payload::<Payload>()?.asynchronous.get()
}

pub(super) fn on(call: &mut Call<'_>) -> PhpResult<Zval> {
    let name = call.bytes(0)?;
    let event = [
        ("connect", Event::Connect),
        ("receive", Event::Receive),
        ("close", Event::Close),
        ("error", Event::Error),
        ("bufferFull", Event::BufferFull),
        ("bufferEmpty", Event::BufferEmpty),
    ];
    let Some((_, event)) = event.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)) else {
        last_error::warn_misuse(&format!("a client has no event {}", String::from_utf8_lossy(name)));
        return Ok(false.into_zval());
    };
    let callback = match Callable::new(call.rest(1).first().unwrap_or(&Zval::null())) {
        Ok(callback) => Rc::new(callback),
        Err(why) => {
            last_error::warn_misuse(&format!("the callback for {}: {why}", String::from_utf8_lossy(name)));
            return Ok(Zval::null());
        }
    };
    let Some(state) = state(call) else { return Ok(false.into_zval()) };
    let before = state.callbacks.borrow_mut()[*event as usize].replace(callback);
    drop(before);
    Ok(true.into_zval())
}

/// Begins to connect; the callbacks have the result.
pub(super) fn connect(
    call: &Call<'_>,
    state: &Rc<AsyncState>,
    kind: Kind,
    host: &[u8],
    port: i64,
    timeout: Option<Duration>,
) -> PhpResult<bool> {
    if state.phase.get() != Phase::Idle {
        last_error::warn_misuse("the client is connected already");
        return Ok(false);
    }
    if state.callbacks.borrow().iter().all(Option::is_none) {
        last_error::warn_misuse("no callbacks are set");
        return Ok(false);
    }
    let needed: &[(Event, &str)] = if kind.is_datagram() {
        &[(Event::Receive, "receive")]
    } else {
        &[(Event::Connect, "connect"), (Event::Receive, "receive"), (Event::Close, "close"), (Event::Error, "error")]
    };
    if let Some((_, name)) = needed.iter().find(|(event, _)| !state.has(*event)) {
        return Err(fatal(&format!("the client has no callback for {name}")));
    }
    let (Some(this), Some(settings)) = (call.this().cloned(), parsed(call, kind)) else { return Ok(false) };
    let opens_tls = call.payload::<Payload>().opens_tls.get() && !kind.is_datagram();
    let tls = tls_of(&settings, opens_tls, host);
    state.phase.set(Phase::Connecting);
    state.has_failed.set(false);
    state.number.set(state.number.get() + 1);
    state.asleep.set(false);
    state.is_full.set(false);
    state.output.take();
    let high = match (settings.port.high_watermark, settings.engine.buffer_size) {
        (0, Some(size)) => size + 1,
        (high, _) => high as usize,
    };
    state.watermarks.set((high, settings.port.low_watermark as usize));
    state.most.set(settings.port.socket_buffer_size as usize);
    state.packets.set_framing(settings.port.framing.clone(), settings.port.package_max_length);
    state.packets.clear();
    *state.tls.borrow_mut() = tls.clone();
    let target = Target { kind, host: host.to_vec(), port, timeout, tls };
    let number = state.number.get();
    coroutine::spawn_event({
        let state = state.clone();
        move || run(&this, &state, number, target, settings)
    })?;
    if state.has_failed.get() {
        warning(&format!("connect to {} failed", String::from_utf8_lossy(host)));
        return Ok(false);
    }
    Ok(true)
}

/// Stops reading: what arrives waits in the kernel.
pub(super) fn sleep(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(state) = state(call).cloned() else { return Ok(false) };
    if !state.is_connected() {
        warning("the client is not connected to a server");
        return Ok(false);
    }
    if state.asleep.replace(true) {
        return Ok(false);
    }
    state.link().map_or(Ok(false), |link| link.cancel(Direction::Read))?;
    Ok(true)
}

/// Reads again.
pub(super) fn wake_up(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(state) = state(call).cloned() else { return Ok(false) };
    if !state.is_connected() {
        warning("the client is not connected to a server");
        return Ok(false);
    }
    let was_asleep = state.asleep.replace(false);
    if let Some(waker) = state.reader.take() {
        waker.wake();
    }
    Ok(was_asleep)
}

pub(super) fn close(call: &Call<'_>, state: &Rc<AsyncState>) -> PhpResult<bool> {
    let was = state.phase.get();
    if was == Phase::Idle {
        if !state.is_closing.get() {
            warning("the client is not connected to a server");
        }
        return Ok(false);
    }
    let Some(this) = call.this().cloned() else { return Ok(false) };
    finish(state)?;
    if was == Phase::Connected {
        state.notify_close(&this)?;
    }
    Ok(true)
}

/// Starts TLS; the callback is called when it is ready.
pub(super) fn enable_tls(call: &Call<'_>, state: &Rc<AsyncState>) -> PhpResult<bool> {
    let Some(callback) = call.callable_or_null(0)? else {
        return Err(throw(
            EXCEPTION.get(),
            "enableSSL() of an asynchronous client requires a callback",
            INVALID_PARAMS,
        ));
    };
    let link = state.link().filter(|_| state.is_connected());
    let Some(link) = link.filter(|link| !link.is_tls()) else {
        warning("TLS can be enabled once, on a connected stream");
        return Ok(false);
    };
    *state.tls_ready.borrow_mut() = Some(Rc::new(callback));
    link.cancel(Direction::Read)?;
    Ok(true)
}

/// Sends bytes; those that the kernel does not take at once wait in memory.
pub(super) fn send(call: &Call<'_>, state: &Rc<AsyncState>, data: &[u8]) -> PhpResult<OrFalse<usize>> {
    let (Some(link), Some(this)) = (state.link(), call.this().cloned()) else { return Ok(OrFalse(None)) };
    if call.payload::<Payload>().kind.get().is_some_and(Kind::is_datagram) {
        let peer = state.peer.borrow().clone();
        return Ok(OrFalse(
            match peer.map_or_else(|| link.socket().send(data), |peer| link.socket().send_to(data, &peer)) {
                Ok(sent) => Some(sent),
                Err(e) => {
                    fail(call, e.raw_os_error().unwrap_or(libc::EIO), &format!("send: {e}"));
                    None
                }
            },
        ));
    }
    if state.output.borrow().len() + data.len() > state.most.get() {
        fail(call, libc::EINVAL, "the data does not fit into the output buffer (socket_buffer_size)");
        return Ok(OrFalse(None));
    }
    state.output.borrow_mut().extend_from_slice(data);
    if !state.is_writing.replace(true) {
        let (client, state, number) = (this.clone(), state.clone(), state.number.get());
        coroutine::spawn_event(move || write(&client, &state, &link, number))?;
    }
    let (high, _) = state.watermarks.get();
    if state.has(Event::BufferFull) && state.output.borrow().len() >= high && state.is_connected() {
        state.is_full.set(true);
        state.notify(Event::BufferFull, &this, None)?;
    }
    Ok(OrFalse(Some(data.len())))
}

pub(super) fn send_to(call: &Call<'_>, state: &Rc<AsyncState>, host: &[u8], port: u16, data: &[u8]) -> PhpResult<bool> {
    let Some(link) = state.link() else {
        set_error(call, NO_CONNECTION);
        return Ok(false);
    };
    let unix = call.payload::<Payload>().kind.get().is_some_and(Kind::is_unix);
    let family = if unix {
        libc::AF_UNIX
    } else {
        i32::from(link.socket().local_addr().map_or(libc::AF_INET as u16, |a| a.family()))
    };
    let to = match addresses_of(family, host, i64::from(port), None)? {
        Ok(all) => all.into_iter().next(),
        Err(code) => {
            set_error(call, code);
            return Ok(false);
        }
    };
    let sent = to.map(|to| link.socket().send_to(data, &to));
    if let Some(Err(e)) = &sent {
        set_error(call, e.raw_os_error().unwrap_or(libc::EIO));
    }
    Ok(matches!(sent, Some(Ok(_))))
}

/// Receives without the callback: waits until something has arrived.
pub(super) fn recv(call: &Call<'_>, state: &Rc<AsyncState>, size: usize) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = state.link() else { return Ok(OrFalse(None)) };
    Ok(OrFalse(match link.recv(size, None)? {
        Ok(bytes) => Some(bytes),
        Err(code) => {
            fail(call, code, "nothing can be received");
            None
        }
    }))
}

/// Sends a part of a file after the output that waits.
pub(super) fn send_file(state: &Rc<AsyncState>, file: File, offset: u64, end: u64) -> PhpResult<Result<(), ErrorCode>> {
    let Some(link) = state.link() else { return Ok(Err(NO_CONNECTION)) };
    let state = state.clone();
    wait::run_in_coroutine(move || {
        while state.is_writing.get() && state.is_connected() {
            wait::sleep(Duration::from_millis(1))?;
        }
        Ok(link.send_part(&file, offset, end, None)?.map(drop))
    })
}

/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i64 = 505;
