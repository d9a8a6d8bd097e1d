//! Returns free heap memory to the system after a peak of queued output.

use super::owner::Owner;
use crate::sys::heap;
use std::sync::atomic::Ordering::Relaxed;

/// The highest amount of queued output since memory was returned last, bytes.
#[derive(Debug, Default)]
pub(super) struct OutputPeak(u64);

impl OutputPeak {
    /// Notes the output that is queued now, and returns memory to the system after a peak.
    pub(super) fn check(&mut self, owner: &Owner) {
        if self.is_over(owner.all().iter().map(|conn| conn.slot().send_queued.load(Relaxed)).sum()) {
            heap::release_free_memory();
        }
    }

    /// Whether a peak is over: another one has to come before the next.
    fn is_over(&mut self, queued: u64) -> bool {
        self.0 = self.0.max(queued);
        let is_over = self.0 >= LEAST && queued < self.0 / 4;
        if is_over {
            self.0 = queued;
        }
        is_over
    }
}

/// A lower peak is not worth the time.
const LEAST: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_over_once() {
        let mut peak = OutputPeak::default();
        let seen = [0, 40 << 20, 80 << 20, 30 << 20, 19 << 20, 1 << 20, 0, 15 << 20, 0, 17 << 20, 0];
        let over = seen.map(|queued| peak.is_over(queued));
        assert_eq!(over, [false, false, false, false, true, true, false, false, false, false, true]);
    }
}
