//! `Swoole\Coroutine\WaitGroup`, `Barrier` and `Lock`: synchronization between coroutines.

use crate::coroutine;
use crate::coroutine::{Coroutine, WaitKind, WakeReason, wait};
use crate::runtime::{last_error, reactor};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use swoosh::shm::atomic::Atomic;
use swoosh_zend::error::{argument_type_error, throw, warning};
use swoosh_zend::{Call, Class, ClassBuilder, ClassSlot, Object, PhpResult, Value, Zval};

static WAIT_GROUP: ClassSlot = ClassSlot::new();
static BARRIER: ClassSlot = ClassSlot::new();
static LOCK: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let group = ClassBuilder::new("Swoole\\Coroutine\\WaitGroup")
        .payload::<WaitGroup>()
        .protected_property("chan", Value::Null)
        .protected_property("count", Value::Int(0))
        .protected_property("waiting", Value::Bool(false))
        .method("__construct(int $delta = 0)", construct_group)
        .method("add(int $delta = 1): void", add)
        .method("done(): void", done)
        .method("wait(float $timeout = -1.0): bool", wait_for_group)
        .method("count(): int", |call: &mut Call<'_>| Ok(call.payload::<WaitGroup>().count.get()));
    short(group, "Co\\WaitGroup").register(&WAIT_GROUP);
    let barrier = ClassBuilder::new("Swoole\\Coroutine\\Barrier")
        .payload::<Barrier>()
        .method("__destruct()", destroy_barrier)
        .method("static make(): self", |_: &mut Call<'_>| Object::new(BARRIER.get()))
        .method("static wait(Swoole\\Coroutine\\Barrier &$barrier, float $timeout = -1.0): void", wait_for_barrier);
    short(barrier, "Co\\Barrier").register(&BARRIER);
    let lock = ClassBuilder::new("Swoole\\Coroutine\\Lock")
        .payload::<Lock>()
        .property("errCode", Value::Int(0))
        .method("__construct(bool $shared = false)", construct_lock)
        .method("lock(int $operation = LOCK_EX): bool", lock)
        .method("unlock(): bool", unlock);
    short(lock, "Co\\Lock").register(&LOCK);
}

// ---- WaitGroup ----

#[derive(Default)]
struct WaitGroup {
    count: Cell<i64>,
    waiting: Cell<bool>,
    waiter: RefCell<Option<Rc<Coroutine>>>,
}
swoosh_zend::payload!(WaitGroup);

const COUNT: usize = 1;
const WAITING: usize = 2;

fn update_properties(call: &Call<'_>) {
    let group = call.payload::<WaitGroup>();
    if let Some(this) = call.this() {
        this.set_slot(COUNT, group.count.get());
        this.set_slot(WAITING, group.waiting.get());
    }
}

fn construct_group(call: &mut Call<'_>) -> PhpResult<()> {
    call.payload::<WaitGroup>().count.set(call.int_or(0, 0)?.max(0));
    update_properties(call);
    Ok(())
}

fn add(call: &mut Call<'_>) -> PhpResult<()> {
    change(call, call.int_or(0, 1)?, |class, message| throw(class("InvalidArgumentException"), message, 0))
}

fn done(call: &mut Call<'_>) -> PhpResult<()> {
    let group = call.payload::<WaitGroup>();
    if group.count.get() < 1 {
        return Err(throw(spl("BadMethodCallException"), "WaitGroup counter is already 0", 0));
    }
    step(call, -1)
}

fn change(
    call: &Call<'_>,
    delta: i64,
    refuse: impl FnOnce(fn(&str) -> Class, &str) -> swoosh_zend::Raised,
) -> PhpResult<()> {
    let group = call.payload::<WaitGroup>();
    if group.waiting.get() {
        return Err(throw(spl("BadMethodCallException"), "add() must not be called while wait() is in progress", 0));
    }
    if group.count.get() + delta < 0 {
        return Err(refuse(spl, "WaitGroup counter must not become negative"));
    }
    step(call, delta)
}

fn step(call: &Call<'_>, delta: i64) -> PhpResult<()> {
    let group = call.payload::<WaitGroup>();
    group.count.set(group.count.get() + delta);
    update_properties(call);
    if group.count.get() == 0 {
        let waiter = group.waiter.take();
        if let Some(waiter) = waiter {
            return coroutine::wake(waiter);
        }
    }
    Ok(())
}

fn wait_for_group(call: &mut Call<'_>) -> PhpResult<bool> {
    let limit = wait::limit(call.float_or(0, -1.0)?);
    let group = call.payload::<WaitGroup>();
    if group.waiting.get() {
        return Err(throw(spl("BadMethodCallException"), "another coroutine already waits for this WaitGroup", 0));
    }
    if group.count.get() == 0 {
        return Ok(true);
    }
    let coroutine = coroutine::expect_current()?;
    group.waiting.set(true);
    update_properties(call);
    *group.waiter.borrow_mut() = Some(coroutine.clone());
    let woken = coroutine.wait(WaitKind::Join, limit);
    drop(group.waiter.take());
    group.waiting.set(false);
    update_properties(call);
    Ok(woken? == WakeReason::Done)
}

/// A class of PHP's own by its name.
fn spl(name: &str) -> Class {
    Class::named(name).unwrap_or_else(Class::exception)
}

// ---- Barrier ----

#[derive(Default)]
struct Barrier {
    waits: RefCell<Option<Rc<BarrierWait>>>,
}
swoosh_zend::payload!(Barrier);

/// A wait for the destruction of a barrier.
struct BarrierWait {
    gone: Cell<bool>,
    /// Wake token; set when the coroutine suspends.
    token: Cell<Option<u64>>,
}

/// The last reference is gone: wakes the waiter.
fn destroy_barrier(call: &mut Call<'_>) -> PhpResult<()> {
    let waits = call.payload::<Barrier>().waits.take();
    if let Some(waits) = waits
        && !waits.gone.replace(true)
        && let Some(token) = waits.token.get()
    {
        reactor::wake(token);
    }
    Ok(())
}

fn wait_for_barrier(call: &mut Call<'_>) -> PhpResult<()> {
    let limit = wait::limit(call.float_or(1, -1.0)?);
    let gone = {
        let handed_over = call.arg(0).and_then(Zval::object).and_then(|object| object.payload::<Barrier>());
        let Some(barrier) = handed_over else {
            return Err(argument_type_error(1, "must be of type Swoole\\Coroutine\\Barrier"));
        };
        coroutine::expect_current()?;
        if barrier.waits.borrow().is_some() {
            warning("another coroutine waits for this barrier");
        }
        let gone = Rc::new(BarrierWait { gone: Cell::new(false), token: Cell::new(None) });
        *barrier.waits.borrow_mut() = Some(gone.clone());
        gone
    };
    // Other references may be gone already: then this destroys the barrier.
    call.assign(0, Zval::null());
    if gone.gone.get() {
        return Ok(());
    }
    let coroutine = coroutine::expect_current()?;
    gone.token.set(Some(coroutine.next_token()));
    let woken = coroutine.wait(WaitKind::Barrier, limit);
    gone.gone.set(true);
    woken?;
    Ok(())
}

// ---- Lock ----

#[derive(Default)]
struct Lock {
    owner: Cell<Option<u64>>,
    waiters: RefCell<VecDeque<Waiter>>,
    /// Shared between processes: 0 is unlocked, 1 locked.
    word: OnceCell<Atomic>,
}
swoosh_zend::payload!(Lock);

/// A waiter, and whether the lock was handed over to it.
type Waiter = (Rc<Coroutine>, Rc<Cell<bool>>);

fn construct_lock(call: &mut Call<'_>) -> PhpResult<()> {
    if call.bool_or(0, false)? {
        let Ok(word) = Atomic::new(0) else {
            return Err(throw(crate::api::exception::EXCEPTION.get(), "allocate shared memory for the lock", 0));
        };
        let _ = call.payload::<Lock>().word.set(word);
    }
    Ok(())
}

fn lock(call: &mut Call<'_>) -> PhpResult<bool> {
    let now = call.int_or(0, EXCLUSIVE)? & NOT_BLOCKING != 0;
    let lock = call.payload::<Lock>();
    let Some(coroutine) = coroutine::current() else {
        // WaitOutcome of coroutines nothing can wait: acquired now or refused.
        let free = lock.owner.get().is_none() && try_acquire_shared(lock);
        lock.owner.set(lock.owner.get().or(free.then_some(NO_COROUTINE)));
        return Ok(if free { true } else { refuse(call, libc::EBUSY) });
    };
    if lock.owner.get() == Some(coroutine.id()) {
        return Ok(true);
    }
    if lock.owner.get().is_none() && try_acquire_shared(lock) {
        lock.owner.set(Some(coroutine.id()));
        return Ok(true);
    }
    if now {
        return Ok(refuse(call, libc::EBUSY));
    }
    while lock.owner.get().is_some() || !try_acquire_shared(lock) {
        if lock.owner.get().is_none() {
            // Held by another process, which cannot wake this one: poll.
            if !wait::sleep(POLL_INTERVAL)? {
                return Ok(refuse(call, wait::CANCELED));
            }
            continue;
        }
        let handed_over = Rc::new(Cell::new(false));
        lock.waiters.borrow_mut().push_back((coroutine.clone(), handed_over.clone()));
        let woken = coroutine.wait(WaitKind::Lock, None);
        if handed_over.get() && woken == Ok(WakeReason::Done) {
            return Ok(true);
        }
        lock.waiters.borrow_mut().retain(|(_, other)| !Rc::ptr_eq(other, &handed_over));
        if handed_over.get() {
            // Handed over to a waiter that was cancelled meanwhile.
            release(lock);
        }
        if woken? == WakeReason::Cancelled {
            last_error::set(wait::CANCELED);
            return Ok(refuse(call, wait::CANCELED));
        }
    }
    lock.owner.set(Some(coroutine.id()));
    Ok(true)
}

fn unlock(call: &mut Call<'_>) -> PhpResult<bool> {
    release(call.payload::<Lock>());
    Ok(true)
}

/// Hands the lock over to the first waiter, or unlocks it.
fn release(lock: &Lock) {
    let next = lock.waiters.borrow_mut().pop_front();
    match next {
        Some((coroutine, handed_over)) => {
            handed_over.set(true);
            lock.owner.set(Some(coroutine.id()));
            reactor::wake(coroutine.token());
        }
        None => {
            lock.owner.set(None);
            if let Some(word) = lock.word.get() {
                word.set(0);
            }
        }
    }
}

/// Acquires the lock against other processes; always succeeds if it is not shared.
fn try_acquire_shared(lock: &Lock) -> bool {
    lock.word.get().is_none_or(|word| word.compare_and_set(0, 1))
}

fn refuse(call: &Call<'_>, code: i32) -> bool {
    if let Some(this) = call.this() {
        this.set_slot(0, code);
    }
    false
}

/// The owner of a lock that was taken outside of coroutines.
const NO_COROUTINE: u64 = 0;
/// LOCK_EX and LOCK_NB.
const EXCLUSIVE: i64 = 2;
const NOT_BLOCKING: i64 = 4;
const POLL_INTERVAL: Duration = Duration::from_millis(1);
