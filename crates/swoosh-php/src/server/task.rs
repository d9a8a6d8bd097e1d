//! Tasks and messages as bytes: strings as they are, everything else serialised; and the object that stands for a task.

use super::state::{State, done};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::TaskEvent;
use swoosh_zend::{ClassSlot, IntoZval, Object, PhpResult, Raised, ZStr, Zval, runtime};

/// `Swoole\Server\Task`.
pub static TASK: ClassSlot = ClassSlot::new();

/// The payload is serialised (`SWOOLE_TASK_SERIALIZE`).
pub const SERIALIZED: u32 = 2;

/// A function waits for the result (`SWOOLE_TASK_CALLBACK`).
pub const CALLBACK: u32 = 8;

/// Which task an object is.
#[derive(Default)]
pub struct Which {
    /// The task.
    pub event: Cell<Option<TaskEvent>>,
    /// The server that it is of.
    pub state: OnceCell<Rc<State>>,
}

swoosh_zend::payload!(Which);

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

/// Answers a task.
pub fn answer(node: &Context, event: &TaskEvent, data: &Zval) -> PhpResult<bool> {
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
