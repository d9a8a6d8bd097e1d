//! Encoding of tasks and messages: strings unchanged, other values serialized. Also the payload of task objects.

use super::state::{PhpServer, succeeded};
use crate::coroutine::{self, WaitKind, wait};
use crate::runtime::last_error;
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;
use swoosh::context::{Context, Role};
use swoosh::error::Code;
use swoosh::handler::TaskEvent;
use swoosh_zend::{ClassSlot, IntoZval, Object, PhpResult, Raised, ZStr, Zval, runtime};

/// `Swoole\Server\Task`.
pub static TASK: ClassSlot = ClassSlot::new();

/// Flag: the payload is serialized (`SWOOLE_TASK_SERIALIZE`).
pub const SERIALIZED: u32 = 2;

/// Flag: a callback of the sender takes the result (`SWOOLE_TASK_CALLBACK`).
pub const CALLBACK: u32 = 8;

/// Payload of a `Swoole\Server\Task`.
#[derive(Default)]
pub struct TaskRef {
    dispatched: OnceCell<(TaskEvent, Rc<PhpServer>)>,
}

impl TaskRef {
    /// The task, and the server that dispatched it; `None` for an object that user code made.
    pub fn get(&self) -> Option<&(TaskEvent, Rc<PhpServer>)> {
        self.dispatched.get()
    }
}

swoosh_zend::payload!(TaskRef);

/// The object that a task callback gets.
pub fn object(state: &Rc<PhpServer>, event: &TaskEvent, data: Zval) -> PhpResult<Object> {
    let object = Object::new(TASK.get())?;
    object.set_slot(0, data);
    object.set_slot(1, event.dispatch_time);
    object.set_slot(2, event.id);
    object.set_slot(3, event.source.0);
    object.set_slot(4, event.flags & 0xFF);
    if let Some(task_ref) = object.payload::<TaskRef>() {
        let _ = task_ref.dispatched.set((event.clone(), state.clone()));
    }
    Ok(object)
}

/// Sends the result of a task; false, with a warning in the log, where it has one already.
pub fn answer(node: &Context, event: &TaskEvent, data: &Zval) -> PhpResult<bool> {
    if event.is_answered() {
        swoosh::log::warn!("task {} has its result already: drop the second call of finish()", event.id);
        last_error::set(Code::WrongOperation as i32);
        return Ok(false);
    }
    let (bytes, flags) = encode(data)?;
    Ok(succeeded(node.finish_task(event, bytes.as_bytes(), flags | event.flags & CALLBACK)))
}

/// Encodes a value, with the flags to decode it.
///
/// # Errors
/// The exception of a value that cannot be serialized.
pub fn encode(value: &Zval) -> PhpResult<(ZStr, u32)> {
    match value.string() {
        Some(text) => Ok((text.clone(), 0)),
        None => runtime::serialize(value).map(|bytes| (bytes, SERIALIZED)).ok_or(Raised::Exception),
    }
}

/// Decodes a value; `None` if the bytes cannot be unserialized.
pub fn decode(bytes: &[u8], flags: u32) -> Option<Zval> {
    if flags & SERIALIZED != 0 { runtime::unserialize(bytes) } else { Some(bytes.into_zval()) }
}

/// Results received before the timeout. A coroutine is suspended until they are there; other code blocks its process.
pub fn await_results(node: &Context, ids: &[u64], timeout: f64) -> PhpResult<Vec<Option<Zval>>> {
    let late = node.late_answers();
    let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(MAX_TIMEOUT).min(MAX_TIMEOUT);
    let answers = if node.role() == Role::Worker && coroutine::current_id().is_some() {
        let pending = node.expect_tasks(ids);
        wait::poll(WaitKind::Io, Some(timeout), |cx| pending.poll(cx))?;
        pending.take()
    } else {
        node.await_tasks(ids, timeout)
    };
    if node.late_answers() > late {
        last_error::set(Code::TaskTimeout as i32);
    }
    Ok(answers.into_iter().map(|answer| answer.and_then(|(event, data)| decode(&data, event.flags))).collect())
}

const MAX_TIMEOUT: Duration = Duration::from_secs(1 << 30);
