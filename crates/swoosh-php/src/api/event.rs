//! `Swoole\Event`: the loop of a plain script.

use crate::runtime::watchers::{READ, WRITE, Watcher};
use crate::runtime::{event_loop, last_error, watchers};
use std::rc::Rc;
use swoosh_zend::{Call, ClassBuilder, ClassSlot, OrFalse, PhpResult, Zval, runtime};

static EVENT: ClassSlot = ClassSlot::new();

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Event")
        .alias("swoole_event")
        .method(
            "static add(mixed $fd, ?callable $read_callback = null, ?callable $write_callback = null, int $events = SWOOLE_EVENT_READ): int|false",
            add,
        )
        .method("static del(mixed $fd): bool", del)
        .method(
            "static set(mixed $fd, ?callable $read_callback = null, ?callable $write_callback = null, int $events = 0): bool",
            set,
        )
        .method("static isset(mixed $fd, int $events = SWOOLE_EVENT_READ | SWOOLE_EVENT_WRITE): bool", isset)
        .method("static dispatch(): bool", dispatch)
        .method("static defer(callable $callback): bool", defer)
        .method("static cycle(?callable $callback, bool $before = false): bool", cycle)
        .method("static write(mixed $fd, string $data): bool", write)
        .method("static wait(): void", wait)
        .method("static rshutdown(): void", rshutdown)
        .method("static exit(): void", exit)
        .register(&EVENT);
}

/// Watches a stream, socket or descriptor. Returns the descriptor; `false`, with a warning, on failure.
pub fn add(call: &mut Call<'_>) -> PhpResult<OrFalse<i32>> {
    let read = call.callable_or_null(1)?.map(Rc::new);
    let write = call.callable_or_null(2)?.map(Rc::new);
    let events = call.int_or(3, READ)? & (READ | WRITE);
    let Some(fd) = descriptor(call) else { return Ok(OrFalse(None)) };
    if read.is_none() && write.is_none() {
        last_error::warn_misuse("neither a read nor a write callback is given");
        return Ok(OrFalse(None));
    }
    if events & READ != 0 && read.is_none() {
        last_error::warn_misuse("SWOOLE_EVENT_READ needs a read callback");
        return Ok(OrFalse(None));
    }
    if events & WRITE != 0 && write.is_none() {
        last_error::warn_misuse("SWOOLE_EVENT_WRITE needs a write callback");
        return Ok(OrFalse(None));
    }
    let subject = call.arg(0).cloned().unwrap_or(Zval::null());
    if !watchers::add(fd, Watcher::new(fd, subject, read, write, events)) {
        last_error::warn_misuse(&format!("descriptor {fd} is watched already; change it with Event::set()"));
        return Ok(OrFalse(None));
    }
    Ok(OrFalse(Some(fd)))
}

/// Stops watching a descriptor.
pub fn del(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(descriptor(call).is_some_and(watchers::remove))
}

/// Changes callbacks or events of what is watched.
pub fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (read, write) = (call.callable_or_null(1)?, call.callable_or_null(2)?);
    let events = call.int_or(3, 0)?;
    let Some(fd) = descriptor(call) else { return Ok(false) };
    if watchers::change(fd, read, write, events) {
        return Ok(true);
    }
    last_error::warn_misuse(&format!("descriptor {fd} is not watched; begin with Event::add()"));
    Ok(false)
}

/// Whether one of the events is watched.
pub fn isset(call: &mut Call<'_>) -> PhpResult<bool> {
    let events = call.int_or(1, READ | WRITE)?;
    Ok(descriptor(call).is_some_and(|fd| watchers::events(fd) & events != 0))
}

/// One iteration of the loop, which waits until something happens; `false` if there is nothing to wait for.
pub fn dispatch(_: &mut Call<'_>) -> PhpResult<bool> {
    match event_loop::is_alive() {
        true => event_loop::tick().map(|()| true),
        false => Ok(false),
    }
}

/// Calls a function in the next iteration of the loop.
pub fn defer(call: &mut Call<'_>) -> PhpResult<bool> {
    event_loop::defer(call.callable(0)?);
    Ok(true)
}

/// Calls a function in each iteration of the loop; `null` removes it.
pub fn cycle(call: &mut Call<'_>) -> PhpResult<bool> {
    let callback = call.callable_or_null(0)?;
    Ok(event_loop::set_cycle_callback(callback, call.bool_or(1, false)?))
}

/// Sends bytes without waiting for room.
pub fn write(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes(1)?;
    let Some(fd) = descriptor(call) else { return Ok(false) };
    if data.is_empty() {
        last_error::warn_misuse("the data to send is empty");
        return Ok(false);
    }
    Ok(call.arg(0).is_some_and(|subject| watchers::write(fd, subject, data)))
}

/// Runs the loop until nothing is left to wait for.
pub fn wait(_: &mut Call<'_>) -> PhpResult<()> {
    event_loop::run()
}

/// Runs the loop as at the script's end.
pub fn rshutdown(_: &mut Call<'_>) -> PhpResult<()> {
    let ended = event_loop::run_at_end();
    if ended.is_err() {
        event_loop::run_later_shutdown_functions()?;
    }
    ended
}

/// Ends the loop after this iteration.
pub fn exit(_: &mut Call<'_>) -> PhpResult<()> {
    event_loop::stop();
    Ok(())
}

/// The descriptor of argument 0; warns if it has none.
fn descriptor(call: &Call<'_>) -> Option<i32> {
    let fd = descriptor_of(call.arg(0)?);
    if fd.is_none() {
        last_error::warn_misuse("the argument is not a descriptor, stream or socket");
    }
    fd
}

/// The descriptor of a stream, a socket, an object of ours, or a number that is one.
pub fn descriptor_of(subject: &Zval) -> Option<i32> {
    match subject.int() {
        Some(fd) => i32::try_from(fd).ok().filter(|&fd| fd >= 0),
        None => runtime::descriptor(subject).or_else(|| of_ours(subject)),
    }
}

/// The descriptor of an object of one of our own classes, which they show as a property.
fn of_ours(subject: &Zval) -> Option<i32> {
    let object = subject.object()?;
    ["fd", "sock", "pipe"].iter().find_map(|name| {
        object.class().slot(name)?;
        object.get(name).int().and_then(|fd| i32::try_from(fd).ok()).filter(|&fd| fd >= 0)
    })
}
