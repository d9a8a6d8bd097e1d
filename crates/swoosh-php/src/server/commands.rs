//! Commands: the master runs a registered function in another process of the server and waits for its reply.
//!
//! A command travels as an interprocess message with the flag `COMMAND`; its reply is a sequence of datagrams on a socket
//! pair that every process inherits. Each datagram carries the request's number, because processes reply at the same time
//! and replies to requests that timed out are discarded, and the number of bytes from it to the reply's end.

use super::command_table::ServerCommands;
use super::state::PhpServer;
use super::task::{decode, encode};
use crate::runtime::last_error;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};
use swoosh::context::Context;
use swoosh::handler::WorkerId;
use swoosh::sys::socket::wait_readable;
use swoosh_zend::{Array, Callable, IntoZval, Object, PhpResult, Zval};

/// Where a command runs.
enum Target {
    Here,
    Manager,
    Process(WorkerId),
}

/// Runs a command in the master, the manager or a worker and returns its reply; `None`, with a warning, if it cannot run or
/// does not reply within `REPLY_TIMEOUT`.
pub fn run(
    state: &PhpServer,
    node: &Context,
    server: &Object,
    (name, to, kind): (&str, i64, i64),
    data: &Zval,
) -> PhpResult<Option<Vec<u8>>> {
    let refuse = |why: String| {
        last_error::warn_misuse(&why);
        Ok(None)
    };
    let Some(callable) = state.commands().find(name, kind) else {
        return refuse(format!("no command {name:?} is registered for processes of type {kind}"));
    };
    let target = match (kind, u32::try_from(to).map(WorkerId)) {
        (MASTER, _) => Target::Here,
        (MANAGER, _) => Target::Manager,
        (WORKER | TASK_WORKER, Ok(id)) if node.worker_id() == Some(id) => Target::Here,
        (WORKER | TASK_WORKER, Ok(id)) => Target::Process(id),
        (WORKER | TASK_WORKER, Err(_)) => return refuse(format!("no process {to}")),
        _ => return refuse("commands run in the master, the manager, workers and task workers".to_owned()),
    };
    if matches!(target, Target::Here) {
        return call(&callable, server, data.clone()).map(Some);
    }
    let number = state.commands().last_request.get() + 1;
    state.commands().last_request.set(number);
    let mut message = Array::new();
    message.push(number);
    message.push(name);
    message.push(data.clone());
    let (bytes, flags) = encode(&message.into_zval())?;
    let (bytes, flags) = (bytes.as_bytes(), flags | COMMAND);
    let (sent, whom) = match target {
        Target::Process(id) => (node.send_message(id, bytes, flags), format!("process {}", id.0)),
        Target::Manager | Target::Here => (node.send_to_manager(bytes, flags), "the manager".to_owned()),
    };
    if let Err(e) = sent {
        return refuse(e.to_string());
    }
    match wait(state.commands(), number) {
        Some(reply) => Ok(Some(reply)),
        None => refuse(format!("command {name:?}: {whom} did not reply in time")),
    }
}

/// Reads replies until request `number` is answered or [`REPLY_TIMEOUT`] expires.
fn wait(commands: &ServerCommands, number: u64) -> Option<Vec<u8>> {
    let reply_sockets = commands.reply_sockets.borrow();
    let (_, end) = reply_sockets.as_ref()?;
    end.set_nonblocking(true).ok()?;
    let until = Instant::now() + REPLY_TIMEOUT;
    let mut buffer = vec![0; HEAD + PART];
    let mut reply = Vec::new();
    while Instant::now() < until {
        match end.recv(&mut buffer) {
            Ok(n) if n >= HEAD && buffer[..8] == number.to_le_bytes() => {
                reply.extend_from_slice(&buffer[HEAD..n]);
                if buffer[8..HEAD] == ((n - HEAD) as u64).to_le_bytes() {
                    return Some(reply);
                }
            }
            // The reply to a request that timed out.
            Ok(_) => {}
            Err(_) => wait_readable(&[end.as_raw_fd()], Some(until.saturating_duration_since(Instant::now()))),
        }
    }
    None
}

/// Whether an interprocess message is a command.
pub fn is_command(flags: u32) -> bool {
    flags & COMMAND != 0
}

/// A command has come: runs it and sends the reply.
pub fn reply(state: &PhpServer, server: &Object, flags: u32, bytes: &[u8]) -> PhpResult<()> {
    let Some(message) = decode(bytes, flags) else { return Ok(()) };
    let Some(parts) = message.array() else { return Ok(()) };
    let (Some(number), Some(name)) = (parts.at(0).and_then(Zval::int), parts.at(1).and_then(Zval::to_zstr)) else {
        return Ok(());
    };
    let Some(callable) = state.commands().find(&name.to_text(), -1) else { return Ok(()) };
    let data = parts.at(2).cloned().unwrap_or(Zval::null());
    let reply = state.home().leave_if_child(call(&callable, server, data))?;
    if let Some((end, _)) = &*state.commands().reply_sockets.borrow()
        && let Err(e) = send_reply(end, number, &reply)
    {
        swoosh::log::warn!("send the reply to command {:?}, {} bytes: {e}", name.to_text(), reply.len());
    }
    Ok(())
}

/// Fails if the master does not read: it waits for nothing any more.
fn send_reply(end: &UnixDatagram, number: i64, reply: &[u8]) -> io::Result<()> {
    end.set_write_timeout(Some(SEND_TIMEOUT))?;
    let mut left = reply;
    loop {
        let (part, rest) = left.split_at(left.len().min(PART));
        let head = [number.to_le_bytes(), (left.len() as u64).to_le_bytes()].concat();
        end.send(&[&head, part].concat())?;
        left = rest;
        if left.is_empty() {
            return Ok(());
        }
    }
}

fn call(callable: &Callable, server: &Object, data: Zval) -> PhpResult<Vec<u8>> {
    let said = callable.call(&mut [server.clone().into_zval(), data])?;
    Ok(said.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default())
}

/// `SWOOLE_SERVER_COMMAND_*`.
const MASTER: i64 = 2;
const WORKER: i64 = 8;
const TASK_WORKER: i64 = 16;
const MANAGER: i64 = 32;
/// Message flag of commands.
const COMMAND: u32 = 0x40;
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a reply in one datagram: less than the default of net.core.wmem_default, which bounds it.
const PART: usize = 64 << 10;
/// Bytes before them: the request's number, and how many bytes of the reply are left.
const HEAD: usize = 16;
/// How long one part of a reply waits for room.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);
