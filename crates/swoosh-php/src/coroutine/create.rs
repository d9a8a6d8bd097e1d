//! Creating coroutines, and the lowest frame of each: it runs the job, the deferred functions and destructors, and decides
//! how the coroutine ended.
//!
//! Invariant: PHP code that a coroutine leaves behind (results, arguments, its context) is destroyed on its own stack,
//! because destructors may wait.

use super::classes::CANCELED;
use super::options::{Options, options};
use super::scheduler::{Coroutine, current, find, peek_cell, with};
use super::switch::start;
use super::table::Table;
use super::ticker;
use super::types::Job;
use crate::runtime::{event_loop, last_error, script_end};
use std::rc::Rc;
use swoosh_zend::error::{fatal, warning};
use swoosh_zend::stack::Stack;
use swoosh_zend::vm_state::{PendingException, report_uncaught, take_pending_exception};
use swoosh_zend::{Kind, PhpResult, Raised, Zval, output};

/// Whether another coroutine can be created (`max_coroutine`).
pub fn has_room() -> bool {
    with(|s| s.alive.get()) < options(Options::max_coroutine)
}

/// Creates a coroutine and runs it until it first waits; returns its id. `None`, after a warning, if `max_coroutine` is
/// reached. `Err`: an exit or a fatal error ended it or a coroutine that it resumed.
pub fn create(job: Job) -> PhpResult<Option<u64>> {
    script_end::prepare();
    let max = options(Options::max_coroutine);
    if with(|s| s.alive.get()) >= max {
        drop(job);
        last_error::set(TOO_MANY);
        warning(&format!("exceed max number of coroutine {max}"));
        return Ok(None);
    }
    let Some(stack) = with(|s| s.stacks.take()) else {
        drop(job);
        return Err(fatal("no memory for the stack of another coroutine"));
    };
    let coroutine = register(stack, job);
    let id = coroutine.id();
    ticker::ensure_started();
    start(coroutine, entry)?;
    Ok(Some(id))
}

/// Gives a new coroutine an id and adds it to the table.
#[inline(always)]
fn register(stack: Rc<Stack>, job: Job) -> Rc<Coroutine> {
    with(|s| {
        let id = s.last_id.get() + 1;
        s.last_id.set(id);
        let coroutine = Rc::new(Coroutine::new(id, peek_cell(&s.current, |c| c.id()), stack, job));
        s.table.borrow_mut().insert(id, coroutine.clone());
        s.alive.set(s.alive.get() + 1);
        s.peak.set(s.peak.get().max(s.alive.get()));
        s.callbacks.set(s.callbacks.get() + usize::from(coroutine.is_event));
        coroutine
    })
}

/// Runs code in a coroutine for an event. A process waits for such coroutines before it ends.
pub fn spawn_event(run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    with(|s| s.callbacks.set(s.callbacks.get() + 1));
    let run = || {
        let result = run();
        with(|s| s.callbacks.set(s.callbacks.get().saturating_sub(1)));
        result
    };
    create(Job::Native(Box::new(run))).map(drop)
}

/// In a process that a coroutine has just forked for a callback of its own: leaks the parent's coroutines. Those that had
/// resumed the caller do not go on, although they are below it on the stack. False if the caller is not in a coroutine.
pub fn leave_parents() -> bool {
    with(|s| {
        let Some(caller) = s.current.take() else { return false };
        std::mem::forget(caller);
        std::mem::forget(s.table.replace(Table::new()));
        s.alive.set(0);
        s.fork_origin.set(0);
        true
    })
}

/// Behind [`leave_parents`]: runs code in a coroutine that stands for the main program, so that an `exit` in it ends the
/// process. Returns once it has ended.
pub fn run_as_main(run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    with(|s| s.fork_origin.set(s.last_id.get() + 1));
    let main = match create(Job::Native(Box::new(run))) {
        Ok(Some(id)) if find(id).is_some() => id,
        created => return created.map(drop),
    };
    let step = || Ok((find(main).is_some() && event_loop::is_alive()).then_some(None));
    event_loop::run_while(step).map(drop)
}

/// The lowest frame of every coroutine.
fn entry() {
    let Some(coroutine) = current() else { return };
    let mut job = coroutine.job.take();
    let (result, mut failure) = run_job(&mut job);
    let mut pending = take_pending_exception();
    if failure.is_none() && !matches!(pending, PendingException::Exit) {
        failure = run_deferred(&coroutine, &result, &mut pending);
    }
    drop(result);
    drop(job);
    drop(coroutine.defers.take());
    drop(coroutine.context.take());
    if let later @ (PendingException::Exception(_) | PendingException::Exit) = take_pending_exception() {
        pending = later;
    }
    output::end_buffers();
    coroutine.outcome.set(outcome(&coroutine, failure, pending));
}

/// Calls the job. Returns its result, and the fatal error that ended native code.
#[inline(always)]
fn run_job(job: &mut Option<Job>) -> (Zval, Option<Raised>) {
    let result = match job {
        Some(Job::Closure(closure, args)) => closure.call_closure_unguarded(args),
        Some(Job::Call(callable, args)) => callable.call_unguarded(args),
        Some(Job::Event(callable, args, _)) => callable.call_unguarded(args),
        Some(Job::Native(_)) => {
            let Some(Job::Native(run)) = job.take() else { return (Zval::null(), None) };
            return (Zval::null(), run().err().filter(|raised| *raised == Raised::Bailout));
        }
        None => Zval::null(),
    };
    // A call that threw leaves its result undefined.
    (if result.kind() == Kind::Undef { Zval::null() } else { result }, None)
}

/// Calls the functions given to `defer`, last one first, until one throws. Returns the fatal error that ended one.
#[inline(always)]
fn run_deferred(coroutine: &Coroutine, result: &Zval, pending: &mut PendingException) -> Option<Raised> {
    loop {
        let deferred = coroutine.defers.borrow_mut().pop()?;
        match deferred.call(&mut [result.clone()]) {
            Ok(_) => {}
            Err(Raised::Bailout) => return Some(Raised::Bailout),
            Err(_) => {
                *pending = take_pending_exception();
                return None;
            }
        }
    }
}

/// The exit or fatal error to raise in the resumer. Reports an uncaught exception.
#[inline(always)]
fn outcome(coroutine: &Coroutine, failure: Option<Raised>, pending: PendingException) -> Option<Raised> {
    match pending {
        _ if failure.is_some() => failure,
        PendingException::None => None,
        // The graceful exit that unwinds coroutines at the end of the script.
        PendingException::Exit if with(|s| s.shutting_down.get()) => None,
        PendingException::Exception(e) if coroutine.abandoned.get() && e.class().is_a(CANCELED.get()) => None,
        PendingException::Exit => Some(Raised::Exit),
        PendingException::Exception(exception) => Some(report_uncaught(exception)),
    }
}

/// `SWOOLE_ERROR_PHP_FATAL_ERROR`, which Swoole sets here.
const TOO_MANY: i32 = 503;
