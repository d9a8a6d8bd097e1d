//! Logs user code that holds the loop of a worker, for programs in Rust that set `blocking_detection`.
//!
//! Runs in: workers and task workers.

use crate::blocking::{self, Watch};
use crate::context::Context;

/// Watches the loop that this thread runs; `None` if that is not wanted.
pub(super) fn start(context: &Context) -> Option<Watch> {
    let threshold = context.state().config().blocking_detection?;
    let id = context.worker_id().map_or(0, |id| id.0);
    let watch = blocking::watch(threshold, move |held| {
        crate::log::warn!(
            "user code of worker {id} has held its loop for {} ms: work that waits belongs in Context::spawn_blocking",
            held.time.as_millis()
        );
    });
    watch.inspect_err(|e| crate::log::warn!("{e}")).ok()
}
