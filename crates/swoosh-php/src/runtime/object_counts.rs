//! Finds classes whose objects accumulate: `swoole_tracer_leak_detect`, and `swoole.leak_detection`, which checks in the
//! event loop.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use swoosh_zend::{call_function, runtime};

thread_local! {
    /// The objects of each class, and the memory in use, at the last check.
    static LAST: RefCell<Option<(HashMap<String, i64>, i64)>> = const { RefCell::new(None) };
    /// When the loop checks next; `None` while `swoole.leak_detection` is off.
    static NEXT_CHECK: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Growth of objects and memory since the last check.
pub struct Growth {
    /// The classes and how many more objects each has, the largest number first.
    pub classes: Vec<(String, i64)>,
    /// Bytes of memory.
    pub memory: i64,
}

/// The classes of which there are more than `threshold` objects more than at the last check; `None` at the first one.
pub fn growth(threshold: i64) -> Option<Growth> {
    let mut counts: HashMap<String, i64> = HashMap::new();
    for handle in 1..runtime::object_handles() {
        if let Some(object) = runtime::object_by_handle(u64::from(handle)) {
            *counts.entry(object.class().name()).or_default() += 1;
        }
    }
    let memory = call_function("memory_get_usage", &mut []).ok().flatten().map_or(0, |bytes| bytes.to_int());
    let (old, old_memory) = LAST.replace(Some((counts.clone(), memory)))?;
    let mut classes: Vec<(String, i64)> = counts
        .into_iter()
        .map(|(class, count)| (class.clone(), count - old.get(&class).copied().unwrap_or(0)))
        .filter(|(_, more)| *more > threshold)
        .collect();
    classes.sort_by_key(|(_, more)| -more);
    Some(Growth { classes, memory: memory - old_memory })
}

/// The loop begins: it checks from now on if `swoole.leak_detection` is on.
pub fn loop_begins() {
    if NEXT_CHECK.get().is_none() && runtime::ini_bool("swoole.leak_detection") {
        NEXT_CHECK.set(Some(Instant::now() + INTERVAL));
        growth(THRESHOLD);
    }
}

/// Logs the classes that have grown, once in an interval. Called in each tick of the loop.
#[inline]
pub fn tick() {
    if NEXT_CHECK.get().is_some_and(|next| Instant::now() >= next) {
        check();
    }
}

#[cold]
fn check() {
    NEXT_CHECK.set(Some(Instant::now() + INTERVAL));
    let Some(growth) = growth(THRESHOLD) else { return };
    for (class, more) in growth.classes {
        swoosh::log::warn!(
            "{more} more objects of {class} than at the last check, memory {:+} bytes: swoole.leak_detection",
            growth.memory
        );
    }
}

/// Forgets the last check at the end of the request.
pub fn request_end() {
    LAST.take();
    NEXT_CHECK.set(None);
}

const INTERVAL: Duration = Duration::from_secs(1);
/// More objects of a class that are reported, as by `swoole_tracer_leak_detect`.
const THRESHOLD: i64 = 64;
