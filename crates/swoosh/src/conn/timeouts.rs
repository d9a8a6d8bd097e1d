//! Peers that send a request too slowly (`http_header_timeout`, `http_body_timeout`).
//!
//! Runs in: the thread that owns the connections, as one task that looks at all of them, so that no connection has a
//! timer of its own. A head is given time from its first byte on, and a body from its last one; a connection that asks
//! nothing after an answer is the heartbeat's.

use super::connection::{Connection, Stage};
use super::drive;
use super::owner::Owner;
use super::registry::Flags;
use crate::config::{Framing, PortConfig};
use crate::log;
use crate::proto::http1::Refusal;
use crate::proto::http1::request_framer::Progress;
use crate::state::ServerState;
use crate::sys::clock;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Remembers when it was that `length` bytes of a request waited for the others. `again`: they are the first of one.
pub(super) fn note(conn: &Connection, length: usize, again: bool) {
    if again || conn.framer.borrow().request_progress(length) == Progress::Body {
        conn.asking.set(clock::monotonic_ms());
    }
}

/// How often to look for slow peers, if at all: often enough for the shortest limit of a port that speaks HTTP.
pub fn interval(state: &ServerState) -> Option<Duration> {
    let http = state.ports.iter().filter(|port| matches!(port.config.framing, Framing::Http));
    let limits = http.flat_map(|port| [port.config.http_header_timeout, port.config.http_body_timeout]);
    let shortest = limits.filter(|limit| !limit.is_zero()).min()?;
    Some((shortest / LOOKS).clamp(SHORTEST, LONGEST))
}

/// Answers slow peers 408 and closes their connections; for ever, as a task.
pub async fn watch(owner: Rc<Owner>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let now = clock::monotonic_ms();
        for conn in owner.all() {
            look(&owner, &conn, now);
        }
    }
}

fn look(owner: &Rc<Owner>, conn: &Rc<Connection>, now: u64) {
    let config = &conn.port.config;
    if !matches!(config.framing, Framing::Http) || conn.stage() != Stage::Open || conn.deaf.get() {
        return;
    }
    if conn.hold.get() != 0 {
        // It is we who do not read.
        return conn.asking.set(now);
    }
    if Flags(conn.slot().flags.load(Relaxed)).any(Flags::WEBSOCKET) {
        return;
    }
    let waits = conn.input.borrow().len();
    let (part, answered) = {
        let framer = conn.framer.borrow();
        let spools = conn.spool.borrow().is_some();
        let part = if spools { Progress::Body } else { framer.request_progress(waits) };
        (part, framer.has_framed())
    };
    if part == Progress::NotStarted && answered || !is_over(config, part, now.saturating_sub(conn.asking.get())) {
        return;
    }
    *conn.input.borrow_mut() = Vec::new();
    drop(conn.spool.take());
    match part {
        Progress::NotStarted => {
            log::info!("connection {} from {} is closed: it asks nothing", conn.session.0, conn.from());
            owner.end(conn);
        }
        Progress::Head => drop(drive::refuse(owner, conn, Refusal::new(408, "its head does not come to an end"))),
        Progress::Body => drop(drive::refuse(owner, conn, Refusal::new(408, "its body does not come"))),
    }
}

fn is_over(config: &PortConfig, part: Progress, waited_ms: u64) -> bool {
    let limit = match part {
        Progress::NotStarted | Progress::Head => config.http_header_timeout,
        Progress::Body => config.http_body_timeout,
    };
    !limit.is_zero() && u128::from(waited_ms) > limit.as_millis()
}

/// Looks within the shortest limit.
const LOOKS: u32 = 8;
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);
