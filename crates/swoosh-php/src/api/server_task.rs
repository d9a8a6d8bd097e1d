//! `Swoole\Server\Task`, and tasks and messages as bytes: strings as they are, everything else serialised.

use crate::runtime::last_error;
use crate::server::state::tell;
use crate::server::task::{TASK, Which, answer, close, open};
use swoosh_zend::{Call, ClassBuilder, OrFalse, PhpResult, Value, Zval};

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

fn finish(call: &mut Call<'_>) -> PhpResult<bool> {
    let which = call.payload::<Which>();
    let (Some(event), Some(state)) = (which.event.get(), which.state.get()) else {
        last_error::warn_misuse("this task was not given by a server; use the one that the task callback gets");
        return Ok(false);
    };
    let Some(node) = state.running() else { return Ok(false) };
    answer(&node, &event, call.arg(0).unwrap_or(&Zval::null()))
}

/// A task as another program may put it into the server's System V queue (`task_ipc_mode` 2 and 3).
fn pack(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let (bytes, flags) = close(call.arg(0).unwrap_or(&Zval::null()))?;
    match swoosh::context::pack_task(bytes.as_bytes(), flags) {
        Ok(packed) => Ok(OrFalse(Some(packed))),
        Err(e) => {
            tell(&e);
            Ok(OrFalse(None))
        }
    }
}

fn unpack(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let unpacked = swoosh::context::unpack_task(call.bytes(0)?);
    Ok(OrFalse(unpacked.and_then(|(flags, bytes)| open(&bytes, flags))))
}
