//! The methods of `Swoole\Server` that give tasks and answer them.

use super::server_object::state;
use crate::coroutine::{self, WaitKind, wait};
use crate::runtime::last_error;
use crate::server::state::report;
use crate::server::task;
use crate::server::task::CALLBACK;
use std::rc::Rc;
use std::time::Duration;
use swoosh::Error;
use swoosh::context::{Context, Role};
use swoosh::error::Code;
use swoosh_zend::error::warning;
use swoosh_zend::{Array, Call, OrFalse, PhpResult, ZStr, Zval};

fn target(index: i64) -> Option<u32> {
    (index >= 0).then(|| u32::try_from(index).unwrap_or(u32::MAX))
}

pub(super) fn task(call: &mut Call<'_>) -> PhpResult<OrFalse<u64>> {
    let index = call.int_or(1, -1)?;
    let callback = call.callable_or_null(2)?;
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(OrFalse(None)) };
    let (bytes, flags) = task::encode(call.arg(0).unwrap_or(&Zval::null()))?;
    let flags = flags | if callback.is_some() { CALLBACK } else { 0 };
    match node.task(bytes.as_bytes(), target(index), flags) {
        Ok(id) => {
            if let Some(callback) = callback {
                state.on_finish.borrow_mut().insert(id, Rc::new(callback));
            }
            Ok(OrFalse(Some(id)))
        }
        Err(e) => {
            report(&e);
            Ok(OrFalse(None))
        }
    }
}

pub(super) fn task_wait(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let (timeout, index) = (call.float_or(1, 0.5)?, call.int_or(2, -1)?);
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let (bytes, flags) = task::encode(call.arg(0).unwrap_or(&Zval::null()))?;
    let id = match node.task_to_await(bytes.as_bytes(), target(index), flags) {
        Ok(id) => id,
        Err(e) => {
            report(&e);
            return Ok(OrFalse(None));
        }
    };
    let answer = wait_for(&node, &[id], timeout)?.pop().flatten();
    if answer.is_none() {
        last_error::set(Code::CoTimedout as i32);
    }
    Ok(OrFalse(answer))
}

/// Results received before the timeout. A coroutine is suspended until they are there; other code blocks its process.
fn wait_for(node: &Context, ids: &[u64], timeout: f64) -> PhpResult<Vec<Option<Zval>>> {
    let late = node.late_answers();
    let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(MAX_TIMEOUT).min(MAX_TIMEOUT);
    let answers = if node.role() == Role::Worker && coroutine::current_id().is_some() {
        let pending = node.expect_tasks(ids);
        wait::poll(WaitKind::Io, Some(timeout), |cx| pending.poll(cx))?;
        pending.take()
    } else {
        node.await_tasks(ids, timeout)
    };
    if node.late_answers() > late {
        last_error::set(Code::TaskTimeout as i32);
    }
    Ok(answers.into_iter().map(|answer| answer.and_then(|(event, data)| task::decode(&data, event.flags))).collect())
}

pub(super) fn task_wait_multi(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    wait_for_many(call, false)
}

pub(super) fn task_co(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    wait_for_many(call, true)
}

/// Results of several tasks, by index; late ones are omitted, or `false` if `fill`.
fn wait_for_many(call: &Call<'_>, fill: bool) -> PhpResult<OrFalse<Array>> {
    let (tasks, timeout) = (call.array(0)?.clone(), call.float_or(1, 0.5)?);
    let Some(node) = state(call)?.running() else { return Ok(OrFalse(None)) };
    let closed: Vec<(ZStr, u32)> = tasks.iter().map(|(_, task)| task::encode(task)).collect::<PhpResult<_>>()?;
    let mut ids = Vec::with_capacity(closed.len());
    let mut places = Vec::with_capacity(closed.len());
    for (place, (bytes, flags)) in closed.iter().enumerate() {
        match node.task_to_await(bytes.as_bytes(), None, *flags) {
            Ok(id) => {
                ids.push(id);
                places.push(place);
            }
            // Applies to every task.
            Err(e @ Error::State { .. }) => {
                report(&e);
                return Ok(OrFalse(None));
            }
            Err(e) => report(&e),
        }
    }
    if ids.is_empty() {
        last_error::set(Code::TaskDispatchFail as i32);
        return Ok(OrFalse(None));
    }
    let mut answers: Vec<Option<Zval>> = closed.iter().map(|_| None).collect();
    for (place, answer) in places.into_iter().zip(wait_for(&node, &ids, timeout)?) {
        answers[place] = answer;
    }
    if answers.iter().any(Option::is_none) {
        last_error::set(Code::CoTimedout as i32);
    }
    let mut array = Array::with_capacity(answers.len());
    for (place, answer) in answers.into_iter().enumerate() {
        match answer {
            Some(answer) => array.set(place as i64, answer),
            None if fill => array.set(place as i64, false),
            None => {}
        }
    }
    Ok(OrFalse(Some(array)))
}

pub(super) fn finish(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let Some(node) = state.running() else { return Ok(false) };
    let event = state.task.borrow().clone();
    let Some(event) = event else {
        warning("no task is in progress; call finish() in the task callback");
        return Ok(false);
    };
    task::answer(&node, &event, call.arg(0).unwrap_or(&Zval::null()))
}

// ---- processes ----

const MAX_TIMEOUT: Duration = Duration::from_secs(1 << 30);
