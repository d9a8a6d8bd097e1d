//! `Swoole\Coroutine\Channel`: values from one coroutine to another.

use super::exception::{Constructed, constructed, not_constructed};
use crate::coroutine::channel::{Channel, ChannelError};
use crate::coroutine::wait::limit;
use swoosh_zend::{Array, Call, Class, ClassBuilder, ClassSlot, IntoZval, PhpResult, Value, Zval};

/// `Swoole\Coroutine\Channel`.
pub static CHANNEL: ClassSlot = ClassSlot::new();

/// Payload of a channel object.
#[derive(Default)]
pub struct Payload(pub Channel);
impl Constructed for Payload {
    fn is_constructed(&self) -> bool {
        self.0.is_constructed()
    }
}

swoosh_zend::payload!(Payload: traces |payload, visit| payload.0.trace(visit));

/// Registers the class.
pub fn register(short_names: bool) -> Class {
    let mut class = ClassBuilder::new("Swoole\\Coroutine\\Channel");
    if short_names {
        class = class.alias("Co\\Channel").alias("chan");
    }
    class
        .payload::<Payload>()
        .property("capacity", Value::Int(0))
        .property("errCode", Value::Int(0))
        .method("__construct(int $size = 1)", construct)
        .method("push(mixed $data, float $timeout = -1): bool", push)
        .method("pop(float $timeout = -1): mixed", pop)
        .method("isEmpty(): bool", constructed::<Payload, _>(|call: &mut Call<'_>| Ok(channel(call).is_empty())))
        .method("isFull(): bool", constructed::<Payload, _>(|call: &mut Call<'_>| Ok(channel(call).is_full())))
        .method("close(): bool", constructed::<Payload, _>(close))
        .method("stats(): array", constructed::<Payload, _>(stats))
        .method("length(): int", constructed::<Payload, _>(|call: &mut Call<'_>| Ok(channel(call).len())))
        .register(&CHANNEL)
}

fn channel<'a>(call: &Call<'a>) -> &'a Channel {
    &call.payload::<Payload>().0
}

/// The channel; throws an `Error` if a subclass did not call the constructor.
#[inline(always)]
fn require_constructed<'a>(call: &Call<'a>) -> PhpResult<&'a Channel> {
    let channel = channel(call);
    if channel.is_constructed() { Ok(channel) } else { Err(not_constructed()) }
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let capacity = channel(call).set_capacity(call.int_or(0, 1)?);
    set(call, CAPACITY, capacity as i64);
    Ok(())
}

#[inline(always)]
fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let value = call.arg(0).cloned().unwrap_or(Zval::null());
    let limit = limit(call.float_or(1, -1.0)?);
    match require_constructed(call)?.push(value, limit)? {
        Ok(()) => {
            succeed(call);
            Ok(true)
        }
        Err(refusal) => Ok(refuse(call, refusal)),
    }
}

#[inline(always)]
fn pop(call: &mut Call<'_>) -> PhpResult<Zval> {
    let limit = limit(call.float_or(0, -1.0)?);
    match require_constructed(call)?.pop(limit)? {
        Ok(value) => {
            succeed(call);
            Ok(value)
        }
        Err(refusal) => Ok(refuse(call, refusal).into_zval()),
    }
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let closed = channel(call).close()?;
    if !closed {
        refuse(call, ChannelError::Closed);
    }
    Ok(closed)
}

fn stats(call: &mut Call<'_>) -> PhpResult<Array> {
    let (producers, consumers) = channel(call).waiting();
    let mut stats = Array::new();
    stats.insert("consumer_num", consumers);
    stats.insert("producer_num", producers);
    stats.insert("queue_num", channel(call).len());
    Ok(stats)
}

/// Sets `errCode` back to 0 after an earlier failure.
#[inline(always)]
fn succeed(call: &Call<'_>) {
    if let Some(this) = call.this()
        && this.slot(ERR_CODE).int() != Some(0)
    {
        this.set_slot(ERR_CODE, 0i64);
    }
}

#[cold]
fn refuse(call: &Call<'_>, refusal: ChannelError) -> bool {
    set(call, ERR_CODE, refusal as i64);
    false
}

fn set(call: &Call<'_>, slot: usize, value: i64) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

const CAPACITY: usize = 0;
const ERR_CODE: usize = 1;
