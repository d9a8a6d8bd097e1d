//! `sleep`, `usleep`, `time_nanosleep`, `time_sleep_until`.

use crate::coroutine::hook_flags::{SLEEP, is_on};
use crate::coroutine::wait;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swoosh_zend::hook::wrap_function;
use swoosh_zend::{Call, PhpResult};

/// The module starts.
pub fn start_up() {
    wrap_function::<0, _, _>("sleep", sleep);
    wrap_function::<1, _, _>("usleep", usleep);
    wrap_function::<2, _, _>("time_nanosleep", nanosleep);
    wrap_function::<3, _, _>("time_sleep_until", sleep_until);
}

/// Whether this call is one for us: wrong arguments are PHP's own to refuse.
fn is_ours(call: &Call<'_>, count: usize) -> bool {
    is_on(SLEEP) && call.count() == count
}

fn sleep(call: &mut Call<'_>) -> PhpResult<Option<i64>> {
    if !is_ours(call, 1) {
        return Ok(None);
    }
    let Ok(seconds) = u64::try_from(call.int(0)?) else { return Ok(None) };
    wait::sleep(Duration::from_secs(seconds).max(SHORTEST))?;
    Ok(Some(0))
}

fn usleep(call: &mut Call<'_>) -> PhpResult<Option<()>> {
    if !is_ours(call, 1) {
        return Ok(None);
    }
    let Ok(micros) = u64::try_from(call.int(0)?) else { return Ok(None) };
    wait::sleep(Duration::from_micros(micros).max(SHORTEST))?;
    Ok(Some(()))
}

fn nanosleep(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_ours(call, 2) {
        return Ok(None);
    }
    let (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) = (u64::try_from(call.int(0)?), u32::try_from(call.int(1)?)) else {
        return Ok(None);
    };
    wait::sleep(Duration::new(seconds, nanos).max(SHORTEST)).map(Some)
}

fn sleep_until(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_ours(call, 1) {
        return Ok(None);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let left = call.float(0)? - now;
    if left <= 0.0 {
        return Ok(None);
    }
    wait::sleep(wait::duration(left)).map(Some)
}

const SHORTEST: Duration = Duration::from_millis(1);
