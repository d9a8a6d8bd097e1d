//! `Swoole\Channel`, a class of Swoole 1 to 4: a queue of values in shared memory, for forked processes. Its memory is
//! released when the processes end.

use super::exception;
use std::cell::RefCell;
use swoosh::shm::lock::{Access, Lock, LockKind, WaitMode};
use swoosh::shm::ring::Ring;
use swoosh_zend::error::{throw, warning};
use swoosh_zend::runtime::{serialize, unserialize};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, PhpResult, Raised, Zval};

static CHANNEL: ClassSlot = ClassSlot::new();

/// The queue behind an object; `None` before its constructor ran.
#[derive(Default)]
struct Holder(RefCell<Option<Queue>>);
swoosh_zend::payload!(Holder);

#[derive(Clone)]
struct Queue {
    ring: Ring,
    /// Held while a value is taken: a ring has one consumer at a time.
    consumer: Lock,
    capacity: usize,
}

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Channel")
        .alias("swoole_channel")
        .payload::<Holder>()
        .method("__construct(int $size)", construct)
        .method("push(mixed $data): bool", push)
        .method("pop(): mixed", |call: &mut Call<'_>| take(call, true))
        .method("peek(): mixed", |call: &mut Call<'_>| take(call, false))
        .method("stats(): array", stats)
        .register(&CHANNEL);
}

/// `$size`: bytes of memory, at least 64 KiB. A value may take a quarter of them.
fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let capacity = usize::try_from(call.int(0)?).unwrap_or(0).max(MIN_CAPACITY).next_power_of_two();
    let made = Ring::new(capacity, "a channel").and_then(|ring| Ok((ring, Lock::new(LockKind::Mutex)?)));
    match made {
        Ok((ring, consumer)) => {
            *call.payload::<Holder>().0.borrow_mut() = Some(Queue { ring, consumer, capacity });
            Ok(())
        }
        Err(e) => Err(throw(exception::EXCEPTION.get(), &e.to_string(), 0)),
    }
}

fn queue(call: &Call<'_>) -> PhpResult<Queue> {
    call.payload::<Holder>().0.borrow().clone().ok_or_else(exception::not_constructed)
}

/// False if the value does not fit at present.
fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let queue = queue(call)?;
    let value = serialize(call.rest(0).first().unwrap_or(&Zval::null())).ok_or(Raised::Exception)?;
    if value.as_bytes().len() > queue.ring.longest() {
        warning(&format!("a value of this channel has at most {} bytes", queue.ring.longest()));
        return Ok(false);
    }
    Ok(queue.ring.push(&[0; 4], &[value.as_bytes()]).is_ok())
}

/// Takes the oldest value; false if the channel is empty.
fn take(call: &Call<'_>, remove: bool) -> PhpResult<Zval> {
    let queue = queue(call)?;
    let copy = |_: &[u64; 4], bytes: &[u8]| bytes.to_vec();
    let bytes = {
        let Ok(_guard) = queue.consumer.lock(Access::Exclusive, WaitMode::Blocking) else {
            return Ok(false.into_zval());
        };
        if remove { queue.ring.pop(copy) } else { queue.ring.front(copy) }
    };
    Ok(bytes.and_then(|bytes| unserialize(&bytes)).unwrap_or_else(|| false.into_zval()))
}

fn stats(call: &mut Call<'_>) -> PhpResult<Array> {
    let queue = queue(call)?;
    let mut stats = Array::new();
    stats.insert("queue_num", queue.ring.len());
    stats.insert("capacity", queue.capacity);
    Ok(stats)
}

const MIN_CAPACITY: usize = 64 << 10;
