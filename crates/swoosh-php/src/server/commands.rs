//! Commands: code that the master asks another process of the server to run, and whose answer it waits for.
//!
//! A command travels as a message with a flag of its own; its answer comes back as one datagram through a pair of sockets
//! that every process inherits.

use super::command_table::Commands;
use super::state::State;
use super::task::{close, open};
use crate::runtime::last_error;
use std::os::fd::AsRawFd;
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

/// Runs a command here, in the manager or in the worker of that number, and gives what it answered; `None`, with a warning, without.
pub fn ask(
    state: &State,
    node: &Context,
    server: &Object,
    (name, to, kind): (&str, i64, i64),
    data: &Zval,
) -> PhpResult<Option<Vec<u8>>> {
    let refuse = |why: String| {
        last_error::warn_misuse(&why);
        Ok(None)
    };
    let Some(callable) = state.commands.find(name, kind) else {
        return refuse(format!("processes of type {kind} take no command {name:?}"));
    };
    let target = match (kind, u32::try_from(to).map(WorkerId)) {
        (MASTER, _) => Target::Here,
        (MANAGER, _) => Target::Manager,
        (WORKER | TASK_WORKER, Ok(id)) if node.worker_id() == Some(id) => Target::Here,
        (WORKER | TASK_WORKER, Ok(id)) => Target::Process(id),
        (WORKER | TASK_WORKER, Err(_)) => return refuse(format!("there is no process {to}")),
        _ => return refuse("commands are for the master, the manager, workers and task workers".to_owned()),
    };
    if matches!(target, Target::Here) {
        return run(&callable, server, data.clone()).map(Some);
    }
    let number = state.commands.asked.get() + 1;
    state.commands.asked.set(number);
    let mut message = Array::new();
    message.push(number);
    message.push(name);
    message.push(data.clone());
    let (bytes, flags) = close(&message.into_zval())?;
    let (bytes, flags) = (bytes.as_bytes(), flags | COMMAND);
    let (sent, whom) = match target {
        Target::Process(id) => (node.send_message(id, bytes, flags), format!("process {}", id.0)),
        Target::Manager | Target::Here => (node.send_to_manager(bytes, flags), "the manager".to_owned()),
    };
    if let Err(e) = sent {
        return refuse(e.to_string());
    }
    match wait(&state.commands, number) {
        Some(answer) => Ok(Some(answer)),
        None => refuse(format!("{whom} did not answer the command {name:?} in time")),
    }
}

/// Takes answers until it is that one's, ten seconds at most.
fn wait(commands: &Commands, number: u64) -> Option<Vec<u8>> {
    let answers = commands.answers.borrow();
    let (_, end) = answers.as_ref()?;
    end.set_nonblocking(true).ok()?;
    let until = Instant::now() + PATIENCE;
    let mut buffer = vec![0; LONGEST];
    while Instant::now() < until {
        match end.recv(&mut buffer) {
            Ok(n) if n >= 8 && buffer[..8] == number.to_le_bytes() => return Some(buffer[8..n].to_vec()),
            // One that came too late.
            Ok(_) => {}
            Err(_) => wait_readable(&[end.as_raw_fd()], Some(until.saturating_duration_since(Instant::now()))),
        }
    }
    None
}

/// Whether a message is a command.
pub fn is_one(flags: u32) -> bool {
    flags & COMMAND != 0
}

/// A command has come: runs it and answers.
pub fn answer(state: &State, server: &Object, flags: u32, bytes: &[u8]) -> PhpResult<()> {
    let Some(message) = open(bytes, flags) else { return Ok(()) };
    let Some(parts) = message.array() else { return Ok(()) };
    let (Some(number), Some(name)) = (parts.at(0).and_then(Zval::int), parts.at(1).and_then(Zval::to_zstr)) else {
        return Ok(());
    };
    let Some(callable) = state.commands.find(&name.to_text(), -1) else { return Ok(()) };
    let data = parts.at(2).cloned().unwrap_or(Zval::null());
    let mut reply = number.to_le_bytes().to_vec();
    reply.extend(state.fork_guard.leave_if_child(run(&callable, server, data))?);
    if let Some((end, _)) = &*state.commands.answers.borrow()
        && let Err(e) = end.send(&reply)
    {
        swoosh::log::warn!("the answer of a command, {} bytes, cannot be sent: {e}", reply.len() - 8);
    }
    Ok(())
}

fn run(callable: &Callable, server: &Object, data: Zval) -> PhpResult<Vec<u8>> {
    let said = callable.call(&mut [server.clone().into_zval(), data])?;
    Ok(said.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default())
}

/// `SWOOLE_SERVER_COMMAND_*`.
const MASTER: i64 = 2;
const WORKER: i64 = 8;
const TASK_WORKER: i64 = 16;
const MANAGER: i64 = 32;
/// Marks a message as a command.
const COMMAND: u32 = 0x40;
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer: what a datagram holds at most (net.core.wmem_max, by default).
const LONGEST: usize = 256 << 10;
