//! `Swoole\Server\Task`.

use crate::runtime::last_error;
use crate::server::state::report;
use crate::server::task::{TASK, TaskRef, answer, decode, encode};
use std::path::PathBuf;
use swoosh_zend::{Call, ClassBuilder, OrFalse, PhpResult, Value, Zval};

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Server\\Task")
        .alias("swoole_server_task")
        .is_final()
        .payload::<TaskRef>()
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
    let Some((event, state)) = call.payload::<TaskRef>().get() else {
        last_error::warn_misuse("the task was not created by a server; use the one passed to the task callback");
        return Ok(false);
    };
    let Some(node) = state.running() else { return Ok(false) };
    answer(&node, event, call.arg(0).unwrap_or(&Zval::null()))
}

/// A task as another program may put it into the server's System V queue (`task_ipc_mode` 2 and 3).
fn pack(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let (bytes, flags) = encode(call.arg(0).unwrap_or(&Zval::null()))?;
    let folder = PathBuf::from(std::env::var_os("TMPDIR").unwrap_or_else(|| "/tmp".into()));
    match swoosh::context::pack_task(bytes.as_bytes(), flags, &folder) {
        Ok(packed) => Ok(OrFalse(Some(packed))),
        Err(e) => {
            report(&e);
            Ok(OrFalse(None))
        }
    }
}

fn unpack(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let unpacked = swoosh::context::unpack_task(call.bytes(0)?);
    Ok(OrFalse(unpacked.and_then(|(flags, bytes)| decode(&bytes, flags))))
}
