//! `Swoole\Lock`: locks shared with forked processes, released when their holder dies. A mutex and a spin lock may be
//! released by any of the processes.

use super::{exception, shared_memory};
use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Duration;
use swoosh::shm::lock::{Access, Lock, LockError, LockKind, WaitMode};
use swoosh_zend::error::throw;
use swoosh_zend::{Call, ClassBuilder, ClassSlot, PhpResult, Value};

static LOCK: ClassSlot = ClassSlot::new();
/// Slot of the property `errCode`.
static ERR_CODE: OnceLock<Option<usize>> = OnceLock::new();

/// The lock behind an object; `None` before its constructor ran.
#[derive(Default)]
pub struct Holder(RefCell<Option<Lock>>);

swoosh_zend::payload!(Holder);

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Lock")
        .alias("swoole_lock")
        .payload::<Holder>()
        .constant("MUTEX", Value::Int(MUTEX))
        .constant("RWLOCK", Value::Int(RWLOCK))
        .constant("SPINLOCK", Value::Int(SPINLOCK))
        .property("errCode", Value::Int(0))
        .method("__construct(int $type = SWOOLE_MUTEX)", construct)
        .method("lock(int $operation = LOCK_EX, float $timeout = -1): bool", lock)
        .method("unlock(): bool", unlock)
        .register(&LOCK);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let kind = match call.int_or(0, MUTEX)? {
        MUTEX => LockKind::Unowned { spins: false },
        RWLOCK => LockKind::ReadWrite,
        SPINLOCK => LockKind::Unowned { spins: true },
        other => {
            let why = format!("unknown lock type {other}: use Lock::MUTEX, Lock::RWLOCK or Lock::SPINLOCK");
            return Err(throw(exception::EXCEPTION.get(), &why, other));
        }
    };
    let made = match shared_memory::arena() {
        Some(arena) => Lock::in_arena(kind, &arena),
        None => Lock::new(kind),
    };
    let made = made.map_err(|error| throw(exception::EXCEPTION.get(), &error.to_string(), 0))?;
    let before = call.payload::<Holder>().0.replace(Some(made));
    drop(before);
    Ok(())
}

/// Acquires the lock. Like flock(), it does not report that a previous holder died.
fn lock(call: &mut Call<'_>) -> PhpResult<bool> {
    let (operation, seconds) = (call.int_or(0, LOCK_EX)?, call.float_or(1, -1.0)?);
    let access = if operation & !LOCK_NB == LOCK_SH { Access::Shared } else { Access::Exclusive };
    let limited = seconds >= 0.0;
    let wait = match Duration::try_from_secs_f64(seconds) {
        _ if operation & LOCK_NB != 0 => WaitMode::NonBlocking,
        Ok(time) if limited => WaitMode::Timeout(time),
        _ => WaitMode::Blocking,
    };
    let errno = with(call, |lock| match lock.acquire(access, wait) {
        Ok(_) => 0,
        Err(LockError::Busy) if matches!(wait, WaitMode::Timeout(_)) => libc::ETIMEDOUT,
        Err(why) => why.errno(),
    })?;
    Ok(set_error_code(call, errno))
}

fn unlock(call: &mut Call<'_>) -> PhpResult<bool> {
    let errno = with(call, |lock| lock.release().err().map_or(0, LockError::errno))?;
    Ok(set_error_code(call, errno))
}

/// Runs `act`, which must not call PHP, with the lock.
#[inline]
fn with(call: &Call<'_>, act: impl FnOnce(&Lock) -> i32) -> PhpResult<i32> {
    let done = call.payload::<Holder>().0.borrow().as_ref().map(act);
    done.ok_or_else(exception::not_constructed)
}

/// Sets `errCode` (0: success); returns whether it is 0.
fn set_error_code(call: &Call<'_>, errno: i32) -> bool {
    let slot = *ERR_CODE.get_or_init(|| LOCK.get().slot("errCode"));
    if let (Some(this), Some(slot)) = (call.this(), slot)
        && this.slot(slot).int() != Some(i64::from(errno))
    {
        this.set_slot(slot, errno);
    }
    errno == 0
}

const RWLOCK: i64 = 1;
const MUTEX: i64 = 3;
const SPINLOCK: i64 = 5;
/// As PHP's own constants for flock().
const LOCK_SH: i64 = 1;
const LOCK_EX: i64 = 2;
const LOCK_NB: i64 = 4;
