//! What a round of the loop has found.

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

/// What one tick of the loop has found.
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
