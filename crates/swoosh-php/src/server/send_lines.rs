//! Sends that wait for room, by connection.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Who waits for room, by connection.
#[derive(Default)]
pub struct Lines {
    pub(super) lines: RefCell<HashMap<i64, VecDeque<u64>>>,
    pub(super) next: Cell<u64>,
    /// The setting `send_yield`.
    pub on: Cell<bool>,
    /// The setting `send_timeout`: how long a `send` waits at most; `None`: as long as the connection lasts.
    pub limit: Cell<Option<Duration>>,
}
