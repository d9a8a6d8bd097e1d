//! Results of a round of messages and of a tick of the event loop.

/// Outcome of a round of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No message.
    Idle,
    /// Messages were handled.
    Busy,
    /// The process is to end.
    Ending,
}

/// Result of one tick of the event loop: decides whether it may sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Activity {
    /// Nothing to do.
    Idle,
    /// Events, all of which were handled.
    Handled,
    /// There may be more to do at once.
    MayHaveMore,
}

impl Activity {
    /// `Handled` if there were events, else `Idle`.
    pub(crate) fn handled(any: bool) -> Self {
        if any { Activity::Handled } else { Activity::Idle }
    }

    /// `MayHaveMore` if there were events, else `Idle`.
    pub(crate) fn may_have_more(any: bool) -> Self {
        if any { Activity::MayHaveMore } else { Activity::Idle }
    }
}
