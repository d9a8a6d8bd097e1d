//! The methods of `Swoole\Server` that need a running server.

use super::server_object::state;
use crate::runtime::last_error;
use crate::server::send_yield::Output;
use crate::server::state::{report, session, succeeded};
use crate::server::task::CALLBACK;
use crate::server::{send_yield, task};
use std::time::Duration;
use swoosh::context::{Context, Reading, Role};
use swoosh::error::Code;
use swoosh::handler::{SessionId, WorkerId};
use swoosh::tls::to_pem;
use swoosh::{Error, Mode};
use swoosh_zend::error::warning;
use swoosh_zend::{Array, Call, ClassBuilder, OrFalse, PhpResult, ZStr, Zval};

/// Adds the methods of this file.
pub fn add(class: ClassBuilder) -> ClassBuilder {
    class
        .method("send(string|int $fd, string $send_data, int $serverSocket = -1): bool", send)
        .method("sendto(string $ip, int $port, string $send_data, int $server_socket = -1): bool", send_to)
        .method("sendwait(int $conn_fd, string $send_data): bool", send_wait)
        .method("exists(int $fd): bool", exists)
        .method("exist(int $fd): bool", exists)
        .method("protect(int $fd, bool $is_protected = true): bool", protect)
        .method("sendfile(int $conn_fd, string $filename, int $offset = 0, int $length = 0): bool", send_file)
        .method("close(int $fd, bool $reset = false): bool", close)
        .method("confirm(int $fd): bool", |call: &mut Call<'_>| reading(call, Reading::Confirm))
        .method("pause(int $fd): bool", |call: &mut Call<'_>| reading(call, Reading::Pause))
        .method("resume(int $fd): bool", |call: &mut Call<'_>| reading(call, Reading::Resume))
        .method("task(mixed $data, int $taskWorkerIndex = -1, ?callable $finishCallback = null): int|false", task)
        .method("taskwait(mixed $data, float $timeout = 0.5, int $taskWorkerIndex = -1): mixed", task_wait)
        .method("taskWaitMulti(array $tasks, float $timeout = 0.5): array|false", task_wait_multi)
        .method("taskCo(array $tasks, float $timeout = 0.5): array|false", task_co)
        .method("finish(mixed $data): bool", finish)
        .method("reload(bool $only_reload_taskworker = false): bool", reload)
        .method("shutdown(): bool", shutdown)
        .method("stop(int $workerId = -1): bool", stop)
        .method("getLastError(): int", |_: &mut Call<'_>| Ok(last_error::get()))
        .method("heartbeat(bool $ifCloseConnection = true): array|false", heartbeat)
        .method("getClientInfo(int $fd, int $reactor_id = -1, bool $ignoreError = false): array|false", info)
        .method("getClientList(int $start_fd = 0, int $find_count = 10): array|false", list)
        .method("getWorkerId(): int|false", worker_id)
        .method("getWorkerPid(int $worker_id = -1): int|false", worker_pid)
        .method("getWorkerStatus(int $worker_id = -1): int|false", worker_status)
        .method("getManagerPid(): int", manager_pid)
        .method("getMasterPid(): int", master_pid)
        .method("connection_info(int $fd, int $reactor_id = -1, bool $ignoreError = false): array|false", info)
        .method("connection_list(int $start_fd = 0, int $find_count = 10): array|false", list)
        .method("sendMessage(mixed $message, int $dst_worker_id): bool", send_message)
        .method("stats(): array", stats)
        .method("bind(int $fd, int $uid): bool", bind)
}

/// Sends to a connection, or to a datagram peer if `fd` is a socket path.
fn send(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let data = call.string(1)?;
    let Some(node) = state.running() else { return Ok(false) };
    let fd = match call.arg(0).and_then(Zval::int) {
        Some(fd) => fd,
        None => match call.arg(0).and_then(Zval::bytes) {
            Some(path) if path.starts_with(b"/") => {
                let by = call.int_or(2, -1)? as i32;
                return Ok(sent_datagram(node.send_to(&String::from_utf8_lossy(path), 0, data.as_bytes(), by)));
            }
            Some(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0),
            None => call.int(0)?,
        },
    };
    if data.as_bytes().is_empty() {
        report(&Error::refused("send to", format!("connection {fd}"), Code::NoPayload));
        return Ok(false);
    }
    if fd <= 0 {
        last_error::warn_misuse("invalid fd; use the one passed to the callback");
        return Ok(false);
    }
    // The coroutine holds a reference: the caller's string may be freed while it waits.
    let data = data.clone();
    send_yield::send(state, &node, fd, Output::Bytes(data.as_bytes()))
}

fn send_to(call: &mut Call<'_>) -> PhpResult<bool> {
    let (address, port, data) = (call.text(0)?, call.int(1)?, call.bytes(2)?);
    let by = call.int_or(3, -1)?;
    let Some(node) = state(call)?.running() else { return Ok(false) };
    Ok(sent_datagram(node.send_to(&address, port, data, by as i32)))
}

/// A datagram that the kernel rejects is logged; the error code stays unset, as in Swoole.
fn sent_datagram(result: swoosh::Result<()>) -> bool {
    match result {
        Err(e @ Error::System { .. }) => {
            swoosh::log::warn!("{e}");
            false
        }
        other => succeeded(other),
    }
}

fn send_wait(call: &mut Call<'_>) -> PhpResult<bool> {
    let (fd, data) = (call.int(0)?, call.bytes(1)?);
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let sent = succeeded(node.send_wait(session(fd), data, SEND_WAIT_TIMEOUT));
    state.check()?;
    Ok(sent)
}

fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    let fd = call.int(0)?;
    Ok(state(call)?.running().is_some_and(|node| node.exists(session(fd))))
}

fn protect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (fd, on) = (call.int(0)?, call.bool_or(1, true)?);
    Ok(state(call)?.running().is_some_and(|node| node.protect(session(fd), on).is_ok()))
}

fn bind(call: &mut Call<'_>) -> PhpResult<bool> {
    let (fd, uid) = (call.int(0)?, call.int(1)?);
    let Some(node) = state(call)?.running() else { return Ok(false) };
    if uid > i64::from(u32::MAX) {
        last_error::warn_misuse("the uid exceeds 32 bits");
        return Ok(false);
    }
    Ok(node.bind(session(fd), uid as u32).unwrap_or(false))
}

fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let (fd, path) = (call.int(0)?, call.bytes(1)?);
    // A negative length sends the file to its end.
    let (offset, length) = (call.int_or(2, 0)?, call.int_or(3, 0)?.max(0));
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let (Ok(offset), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else {
        warning("the offset must not be negative");
        last_error::set(Code::RuntimeNotice as i32);
        return Ok(false);
    };
    let Ok(path) = std::str::from_utf8(path) else {
        report(&Error::refused("send a file to", format!("connection {fd}"), Code::SystemCallFail));
        return Ok(false);
    };
    let opened = node.open_file_for(session(fd), path, offset, length);
    let opened = match opened {
        Ok((file, offset, end)) => return send_yield::send(state, &node, fd, Output::File(&file, offset, end)),
        Err(e) => Err(e),
    };
    let sent = match opened {
        Err(Error::System { operation, subject, cause }) => {
            swoosh::log::notice!("{operation} {subject}: {cause}");
            last_error::set(Code::SystemCallFail as i32);
            false
        }
        // A range beyond the end of the file: nothing is sent, and Swoole returns true.
        Err(e) if e.code() == Code::InvalidParams as i32 => {
            swoosh::log::warn!("{e}");
            if state.mode() == Mode::Base {
                last_error::set(e.code());
            }
            true
        }
        other => succeeded(other),
    };
    state.check()?;
    Ok(sent)
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let (fd, reset) = (call.int(0)?, call.bool_or(1, false)?);
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let closed = succeeded(node.close(session(fd), reset));
    state.check()?;
    Ok(closed)
}

fn reading(call: &Call<'_>, what: Reading) -> PhpResult<bool> {
    let fd = call.int(0)?;
    let Some(node) = state(call)?.running() else { return Ok(false) };
    Ok(succeeded(node.set_reading(session(fd), what)))
}

fn info(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let fd = call.int(0)?;
    Ok(OrFalse(state(call)?.running().and_then(|node| client_info(&node, session(fd)))))
}

fn list(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let (after, count) = (call.int_or(0, 0)?, call.int_or(1, 10)?);
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    if count > MAX_LISTED {
        last_error::warn_misuse(
            "at most 100 connections can be listed at once; continue with the last fd as $start_fd",
        );
        return Ok(OrFalse(None));
    }
    let Ok(after) = u64::try_from(after) else { return Ok(OrFalse(None)) };
    let listed = node.client_list(SessionId(after), usize::try_from(count).unwrap_or(0), None);
    Ok(OrFalse(listed.map(|ids| ids.into_iter().map(|id| id.0).collect())))
}

/// Idle connections, optionally closed; `false` without `heartbeat_idle_time`.
fn heartbeat(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let closes = call.bool_or(0, true)?;
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(OrFalse(None)) };
    if node.state().ports().iter().all(|port| port.config().heartbeat_idle_time == 0) {
        return Ok(OrFalse(None));
    }
    let idle = node.idle_connections();
    if closes {
        for id in &idle {
            succeeded(node.close(*id, false));
            state.check()?;
        }
    }
    Ok(OrFalse(Some(idle.into_iter().map(|id| id.0).collect())))
}

// ---- tasks ----

fn target(index: i64) -> Option<u32> {
    (index >= 0).then(|| u32::try_from(index).unwrap_or(u32::MAX))
}

fn task(call: &mut Call<'_>) -> PhpResult<OrFalse<u64>> {
    let index = call.int_or(1, -1)?;
    let callback = call.callable_or_null(2)?;
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(OrFalse(None)) };
    let (bytes, flags) = task::encode(call.arg(0).unwrap_or(&Zval::null()))?;
    let flags = flags | if callback.is_some() { CALLBACK } else { 0 };
    match node.task(bytes.as_bytes(), target(index), flags) {
        Ok(id) => {
            if let Some(callback) = callback {
                state.set_on_finish(id, callback);
            }
            Ok(OrFalse(Some(id)))
        }
        Err(e) => {
            report(&e);
            Ok(OrFalse(None))
        }
    }
}

fn task_wait(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let (timeout, index) = (call.float_or(1, 0.5)?, call.int_or(2, -1)?);
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let (bytes, flags) = task::encode(call.arg(0).unwrap_or(&Zval::null()))?;
    let id = match node.task_to_await(bytes.as_bytes(), target(index), flags) {
        Ok(id) => id,
        Err(e) => {
            report(&e);
            return Ok(OrFalse(None));
        }
    };
    let answer = task::await_results(&node, &[id], timeout)?.pop().flatten();
    if answer.is_none() {
        last_error::set(Code::CoTimedout as i32);
    }
    Ok(OrFalse(answer))
}

fn task_wait_multi(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    wait_for_many(call, false)
}

fn task_co(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    wait_for_many(call, true)
}

/// Results of several tasks, by index; late ones are omitted, or `false` if `fill`.
fn wait_for_many(call: &Call<'_>, fill: bool) -> PhpResult<OrFalse<Array>> {
    let (tasks, timeout) = (call.array(0)?.clone(), call.float_or(1, 0.5)?);
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let closed: Vec<(ZStr, u32)> = tasks.iter().map(|(_, task)| task::encode(task)).collect::<PhpResult<_>>()?;
    let mut ids = Vec::with_capacity(closed.len());
    let mut places = Vec::with_capacity(closed.len());
    for (place, (bytes, flags)) in closed.iter().enumerate() {
        match node.task_to_await(bytes.as_bytes(), None, *flags) {
            Ok(id) => {
                ids.push(id);
                places.push(place);
            }
            // Applies to every task.
            Err(e @ Error::State { .. }) => {
                report(&e);
                return Ok(OrFalse(None));
            }
            Err(e) => report(&e),
        }
    }
    if ids.is_empty() {
        last_error::set(Code::TaskDispatchFail as i32);
        return Ok(OrFalse(None));
    }
    let mut answers: Vec<Option<Zval>> = closed.iter().map(|_| None).collect();
    for (place, answer) in places.into_iter().zip(task::await_results(&node, &ids, timeout)?) {
        answers[place] = answer;
    }
    if answers.iter().any(Option::is_none) {
        last_error::set(Code::CoTimedout as i32);
    }
    let mut array = Array::with_capacity(answers.len());
    for (place, answer) in answers.into_iter().enumerate() {
        match answer {
            Some(answer) => array.set(place as i64, answer),
            None if fill => array.set(place as i64, false),
            None => {}
        }
    }
    Ok(OrFalse(Some(array)))
}

fn finish(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let event = state.task();
    let Some(event) = event else {
        warning("no task is in progress; call finish() in the task callback");
        return Ok(false);
    };
    task::answer(&node, &event, call.arg(0).unwrap_or(&Zval::null()))
}

// ---- processes ----

fn send_message(call: &mut Call<'_>) -> PhpResult<bool> {
    let to = call.int(1)?;
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let Ok(to) = u32::try_from(to) else {
        last_error::warn_misuse(&format!("no process {to}"));
        return Ok(false);
    };
    if !state.takes_messages() {
        last_error::warn_misuse("no onPipeMessage callback is registered; set it with on('pipeMessage', ...)");
        return Ok(false);
    }
    let (bytes, flags) = task::encode(call.arg(0).unwrap_or(&Zval::null()))?;
    Ok(succeeded(node.send_message(WorkerId(to), bytes.as_bytes(), flags)))
}

fn reload(call: &mut Call<'_>) -> PhpResult<bool> {
    let tasks_only = call.bool_or(0, false)?;
    Ok(state(call)?.running().is_some_and(|node| succeeded(node.reload(tasks_only))))
}

fn shutdown(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(node) = state(call)?.node() else {
        warning("the server is not running");
        last_error::set(Code::WrongOperation as i32);
        return Ok(false);
    };
    Ok(succeeded(node.shutdown()))
}

fn stop(call: &mut Call<'_>) -> PhpResult<bool> {
    let id = call.int_or(0, -1)?;
    let which = u32::try_from(id).ok().map(WorkerId);
    Ok(state(call)?.running().is_some_and(|node| succeeded(node.stop(which))))
}

fn worker_id(call: &mut Call<'_>) -> PhpResult<OrFalse<u32>> {
    Ok(OrFalse(state(call)?.node().and_then(|node| worker_of(&node, -1)).map(|id| id.0)))
}

/// The worker or task worker with an id; a negative id means the calling one.
fn worker_of(node: &Context, id: i64) -> Option<WorkerId> {
    match u32::try_from(id) {
        Ok(id) => Some(WorkerId(id)).filter(|id| node.worker_slot(*id).is_some()),
        Err(_) => node.worker_id().filter(|_| matches!(node.role(), Role::Worker | Role::TaskWorker)),
    }
}

fn worker_pid(call: &mut Call<'_>) -> PhpResult<OrFalse<i32>> {
    let id = call.int_or(0, -1)?;
    let Some(node) = state(call)?.node() else { return Ok(OrFalse(None)) };
    let slot = worker_of(&node, id).and_then(|id| node.worker_slot(id));
    Ok(OrFalse(slot.map(|slot| slot.pid.load(std::sync::atomic::Ordering::Relaxed))))
}

fn worker_status(call: &mut Call<'_>) -> PhpResult<OrFalse<u32>> {
    let id = call.int_or(0, -1)?;
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let slot = worker_of(&node, id).and_then(|id| node.worker_slot(id));
    Ok(OrFalse(slot.map(|slot| slot.status.load(std::sync::atomic::Ordering::Relaxed))))
}

fn manager_pid(call: &mut Call<'_>) -> PhpResult<i32> {
    Ok(state(call)?.node().map_or(0, |node| node.manager_pid()))
}

fn master_pid(call: &mut Call<'_>) -> PhpResult<i32> {
    Ok(state(call)?.node().map_or(0, |node| node.master_pid()))
}

fn stats(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let stats = node.stats();
    let mut array = Array::with_capacity(32);
    array.insert("start_time", stats.start_time);
    array.insert("connection_num", stats.connections);
    array.insert("abort_count", stats.aborted);
    array.insert("accept_count", stats.accepted);
    array.insert("close_count", stats.closed);
    array.insert("worker_num", stats.workers);
    array.insert("task_worker_num", stats.task_workers);
    array.insert("user_worker_num", stats.user_processes);
    array.insert("idle_worker_num", stats.idle_workers);
    array.insert("dispatch_count", stats.dispatched);
    array.insert("request_count", stats.requests);
    array.insert("response_count", stats.responses);
    array.insert("total_recv_bytes", stats.recv_bytes);
    array.insert("total_send_bytes", stats.send_bytes);
    array.insert("pipe_packet_msg_id", stats.messages);
    array.insert("concurrency", stats.concurrency);
    array.insert("session_round", stats.sessions);
    array.insert("min_fd", stats.min_session);
    array.insert("max_fd", stats.max_session);
    array.insert("worker_request_count", stats.own_requests);
    array.insert("worker_response_count", stats.own_responses);
    array.insert("worker_dispatch_count", stats.own_dispatched);
    array.insert("worker_concurrency", stats.own_concurrency);
    if let Some((messages, bytes)) = stats.task_queue {
        array.insert("task_queue_num", messages);
        array.insert("task_queue_bytes", bytes);
    }
    if stats.task_workers > 0 {
        array.insert("task_idle_worker_num", stats.idle_task_workers);
        array.insert("tasking_num", stats.tasking);
        array.insert("task_count", stats.tasks);
    }
    array.insert("coroutine_num", crate::coroutine::count());
    array.insert("coroutine_peek_num", crate::coroutine::peak());
    Ok(OrFalse(Some(array)))
}

const MAX_LISTED: i64 = 100;
/// Time limit of `sendwait`.
const SEND_WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The array of `getClientInfo`.
pub fn client_info(node: &Context, session: SessionId) -> Option<Array> {
    let info = node.client_info(session)?;
    let mut array = Array::with_capacity(16);
    if info.uid > 0 || node.state().config().dispatch_mode == swoosh::config::DispatchMode::Uid {
        array.insert("uid", info.uid);
    }
    array.insert("server_port", info.server_port);
    array.insert("server_fd", info.server_fd);
    array.insert("socket_fd", info.socket_fd);
    array.insert("socket_type", info.socket_type);
    array.insert("remote_port", info.peer.port);
    array.insert("remote_ip", info.peer.ip.map(|ip| ip.to_string()).unwrap_or_default());
    array.insert("reactor_id", info.reactor_id);
    array.insert("connect_time", info.connect_time);
    array.insert("last_time", info.last_recv as i64);
    array.insert("last_recv_time", info.last_recv);
    array.insert("last_send_time", info.last_send);
    array.insert("last_dispatch_time", info.last_dispatch);
    if node.was_websocket(session) {
        array.insert("websocket_status", if node.is_websocket(session) { ACTIVE } else { CLOSING });
    }
    if let Some(certificate) = node.client_certificate(session) {
        array.insert("ssl_client_cert", to_pem(&certificate));
    }
    array.insert("close_errno", info.close_errno);
    array.insert("recv_queued_bytes", info.recv_queued);
    array.insert("send_queued_bytes", info.send_queued);
    Some(array)
}

/// SWOOLE_WEBSOCKET_STATUS_ACTIVE and SWOOLE_WEBSOCKET_STATUS_CLOSING.
const ACTIVE: i32 = 3;

const CLOSING: i32 = 4;
