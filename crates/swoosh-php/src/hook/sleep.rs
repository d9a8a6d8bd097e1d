//! Hooks `sleep`, `usleep`, `time_nanosleep` and `time_sleep_until`.

use crate::coroutine::hook_flags::{SLEEP, is_on};
use crate::coroutine::wait;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swoosh_zend::hook::wrap_function;
use swoosh_zend::{Call, PhpResult};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    wrap_function::<0, _, _>("sleep", sleep);
    wrap_function::<1, _, _>("usleep", usleep);
    wrap_function::<2, _, _>("time_nanosleep", nanosleep);
    wrap_function::<3, _, _>("time_sleep_until", sleep_until);
}

/// Whether to run the hook. Calls with wrong arguments are left to PHP, which throws.
fn is_hooked(call: &Call<'_>, count: usize) -> bool {
    is_on(SLEEP) && call.count() == count
}

fn sleep(call: &mut Call<'_>) -> PhpResult<Option<i64>> {
    if !is_hooked(call, 1) {
        return Ok(None);
    }
    let Ok(seconds) = u64::try_from(call.int(0)?) else { return Ok(None) };
    wait::sleep(Duration::from_secs(seconds).max(MIN_SLEEP))?;
    Ok(Some(0))
}

fn usleep(call: &mut Call<'_>) -> PhpResult<Option<()>> {
    if !is_hooked(call, 1) {
        return Ok(None);
    }
    let Ok(micros) = u64::try_from(call.int(0)?) else { return Ok(None) };
    wait::sleep(Duration::from_micros(micros).max(MIN_SLEEP))?;
    Ok(Some(()))
}

fn nanosleep(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_hooked(call, 2) {
        return Ok(None);
    }
    let (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) = (u64::try_from(call.int(0)?), u32::try_from(call.int(1)?)) else {
        return Ok(None);
    };
    wait::sleep(Duration::new(seconds, nanos).max(MIN_SLEEP)).map(Some)
}

fn sleep_until(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_hooked(call, 1) {
        return Ok(None);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    let left = call.float(0)? - now;
    if left <= 0.0 {
        return Ok(None);
    }
    wait::sleep(wait::duration(left)).map(Some)
}

/// A zero sleep would return at once instead of yielding.
const MIN_SLEEP: Duration = Duration::from_micros(1);
