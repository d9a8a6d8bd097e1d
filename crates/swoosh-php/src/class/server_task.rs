//! `Swoole\Server\Task`, and tasks and messages as bytes: strings as they are, everything else serialised.

use crate::bridge::last_error;
use crate::bridge::server::{State, done, tell};
use crate::zend::{
    Call, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Raised, Value, ZStr, Zval, runtime,
};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use swoosh::handler::TaskEvent;
use swoosh::node::Node;

static TASK: ClassSlot = ClassSlot::new();

/// The payload is serialised (`SWOOLE_TASK_SERIALIZE`).
pub const SERIALIZED: u32 = 2;
/// A function waits for the result (`SWOOLE_TASK_CALLBACK`).
pub const CALLBACK: u32 = 8;

/// Which task an object is.
#[derive(Default)]
pub struct Which {
    event: Cell<Option<TaskEvent>>,
    state: OnceCell<Rc<State>>,
}

crate::payload!(Which);

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Server\\Task")
        .alias("swoole_server_task")
        .is_final()
        .payload::<Which>()
        .property("data", Value::Null)
        .property("dispatch_time", Value::Int(0))
        .property("id", Value::Int(-1))
        .property("worker_id", Value::Int(-1))
        .property("flags", Value::Int(0))
        .method("finish(mixed $data): bool", finish)
        .method("static pack(mixed $data): string|false", pack)
        .method("static unpack(string $data): mixed", unpack)
        .register(&TASK);
}

/// A task as a callback gets it.
pub fn object(state: &Rc<State>, event: &TaskEvent, data: Zval) -> PhpResult<Object> {
    let object = Object::new(TASK.get())?;
    object.set_slot(0, data);
    object.set_slot(1, event.dispatch_time);
    object.set_slot(2, event.id);
    object.set_slot(3, event.source.0);
    object.set_slot(4, event.flags & 0xFF);
    if let Some(which) = object.payload::<Which>() {
        which.event.set(Some(*event));
        let _ = which.state.set(state.clone());
    }
    Ok(object)
}

fn finish(call: &mut Call<'_>) -> PhpResult<bool> {
    let which = call.payload::<Which>();
    let (Some(event), Some(state)) = (which.event.get(), which.state.get()) else {
        last_error::refuse("this task was not given by a server; use the one that the task callback gets");
        return Ok(false);
    };
    let Some(node) = state.running() else { return Ok(false) };
    answer(&node, &event, call.arg(0).unwrap_or(&Zval::null()))
}

/// Answers a task.
pub fn answer(node: &Node, event: &TaskEvent, data: &Zval) -> PhpResult<bool> {
    let (bytes, flags) = close(data)?;
    Ok(done(node.finish_task(event, bytes.as_bytes(), flags | event.flags & CALLBACK)))
}

/// A value as bytes, and the flags that say how. `Err` where it cannot be serialised.
pub fn close(value: &Zval) -> PhpResult<(ZStr, u32)> {
    match value.string() {
        Some(text) => Ok((text.clone(), 0)),
        None => runtime::serialize(value).map(|bytes| (bytes, SERIALIZED)).ok_or(Raised::Exception),
    }
}

/// A value from its bytes; `None` where they are none.
pub fn open(bytes: &[u8], flags: u32) -> Option<Zval> {
    if flags & SERIALIZED != 0 { runtime::unserialize(bytes) } else { Some(bytes.into_zval()) }
}

/// A task as another program may put it into the server's System V queue (`task_ipc_mode` 2 and 3).
fn pack(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let (bytes, flags) = close(call.arg(0).unwrap_or(&Zval::null()))?;
    match swoosh::node::pack_task(bytes.as_bytes(), flags) {
        Ok(packed) => Ok(OrFalse(Some(packed))),
        Err(e) => {
            tell(&e);
            Ok(OrFalse(None))
        }
    }
}

fn unpack(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let unpacked = swoosh::node::unpack_task(call.bytes(0)?);
    Ok(OrFalse(unpacked.and_then(|(flags, bytes)| open(&bytes, flags))))
}
