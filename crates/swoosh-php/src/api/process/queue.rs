//! Messages to and from a process by a System V queue.

use super::data::{Holder, Messages, ok_or_warn, slot};
use crate::runtime::last_error;
use nix::errno::Errno;
use std::path::Path;
use swoosh::sys::message_queue::{MessageBuffer, MessageQueue, key_from_path};
use swoosh_zend::{Array, Call, OrFalse, PhpResult, Zval, call_function};

/// Opens or creates the queue of a key; key 0 is derived from the script's path.
pub(super) fn use_queue(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, mode, capacity) = (call.int_or(0, 0)?, call.int_or(1, 2)?, call.int_or(2, -1)?);
    let key = match key {
        0 => script()?.and_then(|path| ok_or_warn(key_from_path(Path::new(&path)))),
        key => Some(key as i32),
    };
    let Some(key) = key.filter(|key| *key != 0) else { return Ok(false) };
    let Some(queue) = ok_or_warn(MessageQueue::open(key)) else { return Ok(false) };
    if capacity > 0 && ok_or_warn(queue.set_capacity(capacity as u64)).is_none() {
        return Ok(false);
    }
    let messages = Messages { queue, addressed: mode & !IPC_NOWAIT != 2, waits: mode & IPC_NOWAIT == 0 };
    call.payload::<Holder>().queue.set(Some(messages));
    if let Some(this) = call.this() {
        this.set_slot(slot("msgQueueKey")?, key);
        this.set_slot(slot("msgQueueId")?, queue.id());
    }
    Ok(true)
}

/// The file that runs.
fn script() -> PhpResult<Option<String>> {
    let Some(files) = call_function("get_included_files", &mut [])? else { return Ok(None) };
    Ok(files.array().and_then(|files| files.at(0)).and_then(Zval::string).map(|path| path.to_text().into_owned()))
}

fn queue(call: &Call<'_>) -> Option<Messages> {
    let queue = call.payload::<Holder>().queue.get();
    if queue.is_none() {
        last_error::warn_misuse("the process has no message queue: call useQueue() first");
    }
    queue
}

/// The type of messages for this process: 1 and above.
fn address(call: &Call<'_>) -> PhpResult<i64> {
    let id = slot("id")?;
    Ok(1 + call.this().and_then(|this| this.slot(id).int()).unwrap_or(0).max(0))
}

pub(super) fn stat_queue(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let held = queue(call).and_then(|messages| ok_or_warn(messages.queue.status()));
    Ok(OrFalse(held.map(|held| {
        let mut array = Array::new();
        array.insert("queue_num", held.messages);
        array.insert("queue_bytes", held.bytes);
        array
    })))
}

pub(super) fn free_queue(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(messages) = queue(call) else { return Ok(false) };
    call.payload::<Holder>().queue.set(None);
    Ok(ok_or_warn(messages.queue.remove()).is_some())
}

/// Appends a message; in a queue that waits, once there is room.
pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes(0)?;
    let Some(messages) = queue(call) else { return Ok(false) };
    if data.is_empty() {
        last_error::warn_misuse("the data to push is empty");
        return Ok(false);
    }
    let address = address(call)?;
    loop {
        match ok_or_warn(messages.queue.send(address, data, messages.waits)) {
            Some(true) => return Ok(true),
            // A signal came: the loop handles it later.
            Some(false) if messages.waits => {}
            Some(false) => {
                last_error::set(Errno::EAGAIN as i32);
                return Ok(false);
            }
            None => return Ok(false),
        }
    }
}

/// Takes the oldest message (in an addressed queue: for this process), at most `$size` bytes.
pub(super) fn pop(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let size = call.int_or(0, 65536)?;
    let Some(messages) = queue(call) else { return Ok(OrFalse(None)) };
    let mut buffer = MessageBuffer::with_capacity(size.clamp(1, 1 << 24) as usize);
    let kind = if messages.addressed { address(call)? } else { 0 };
    loop {
        match ok_or_warn(messages.queue.receive(kind, messages.waits, &mut buffer)) {
            Some(Some(_)) => return Ok(OrFalse(Some(buffer.data().to_vec()))),
            Some(None) if messages.waits => {}
            Some(None) => {
                last_error::set(Errno::ENOMSG as i32);
                return Ok(OrFalse(None));
            }
            None => return Ok(OrFalse(None)),
        }
    }
}

const IPC_NOWAIT: i64 = 256;
