//! Timeouts: peers that send a request too slowly (`http_header_timeout`, `http_body_timeout`), and silent peers
//! (`heartbeat_idle_time`).
//!
//! Runs in: the thread that owns the connections, as one task per kind that checks all of them, so that no connection has a
//! timer of its own. The header timeout starts with a request's first byte, the body timeout with each byte; a keep-alive
//! connection without a request is left to the heartbeat.

use super::connection::{Connection, ConnectionState};
use super::http2::start;
use super::output_peak::OutputPeak;
use super::owner::{Owner, add};
use crate::config::{Framing, PortConfig};
use crate::log;
use crate::proto::http1::Refusal;
use crate::proto::http1::request_framer::Progress;
use crate::proto::http2::code;
use crate::runtime;
use crate::state::ServerState;
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::clock;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Starts the tasks that the settings call for, on the runtime that is entered.
pub fn start(owner: &Rc<Owner>) {
    if let Some(interval) = heartbeat_interval(owner.state) {
        runtime::spawn(watch_silent_peers(owner.clone(), interval));
    }
    if let Some(interval) = request_interval(owner.state) {
        runtime::spawn(watch_slow_peers(owner.clone(), interval));
    }
}

/// How often to check for silent connections: `heartbeat_check_interval`, else often enough for the shortest
/// `heartbeat_idle_time`. `None`: never.
fn heartbeat_interval(state: &ServerState) -> Option<Duration> {
    let shortest = state.ports().iter().map(|p| p.config().heartbeat_idle_time).filter(|s| *s > 0).min()?;
    let interval = match state.config().heartbeat_check_interval {
        0 => shortest.div_ceil(2),
        n => n,
    };
    Some(Duration::from_secs(u64::from(interval)))
}

/// How often to check for slow peers: often enough for the shortest limit of an HTTP port. `None`: never.
fn request_interval(state: &ServerState) -> Option<Duration> {
    let http = state.ports().iter().filter(|port| matches!(port.config().framing, Framing::Http));
    let limits = http.flat_map(|port| [port.config().http_header_timeout, port.config().http_body_timeout]);
    let shortest = limits.filter(|limit| !limit.is_zero()).min()?;
    Some((shortest / CHECKS_PER_LIMIT).clamp(SHORTEST, LONGEST))
}

/// Closes connections from which nothing was received for their port's `heartbeat_idle_time`.
async fn watch_silent_peers(owner: Rc<Owner>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        owner.refresh_clock();
        for conn in owner.all() {
            let limit = u64::from(conn.port().config().heartbeat_idle_time);
            let slot = conn.slot();
            let idle_time = owner.now().saturating_sub(slot.last_recv.load(Relaxed));
            let is_protected = slot.flags().any(Flags::PROTECTED);
            // A peer that never begins its TLS handshake is silent too.
            let is_open = conn.state() <= ConnectionState::Open;
            if limit > 0 && !conn.is_stream() && !is_protected && is_open && idle_time > limit * 1_000_000_000 {
                let (session, peer) = (conn.session().0, conn.peer_name());
                log::info!("connection {session} from {peer} is closed: nothing was received for {limit} seconds");
                owner.close_idle(&conn);
            }
        }
    }
}

/// Answers slow peers 408 and closes their connections.
async fn watch_slow_peers(owner: Rc<Owner>, interval: Duration) {
    let mut peak = OutputPeak::default();
    loop {
        tokio::time::sleep(interval).await;
        let now = clock::monotonic_ms();
        for conn in owner.all() {
            if conn.is_stream() || conn.speaks_http2() {
                check_output(&owner, &conn, now);
            }
            check_request(&owner, &conn, now);
        }
        peak.check(&owner);
    }
}

/// Ends a stream, or a connection of HTTP/2, whose client takes nothing of what waits for it: a client may have many streams
/// that each hold a response in memory. A WebSocket is left to `slow_consumer`, as by HTTP/1.
fn check_output(owner: &Rc<Owner>, conn: &Rc<Connection>, now: u64) {
    let limit = conn.port().config().http_body_timeout.as_millis();
    let is_stalled = conn.has_output() && limit > 0 && u128::from(conn.stalled_for(now)) > limit;
    if !is_stalled || conn.slot().flags().any(Flags::WEBSOCKET) {
        return;
    }
    log::info!("connection {} from {} is closed: its client does not read", conn.session().0, conn.peer_name());
    add(&owner.slot().aborted, 1);
    match conn.transport.stream() {
        Some(stream) => stream.reset(code::ENHANCE_YOUR_CALM),
        None => conn.drop_output(),
    }
    owner.lose(conn, &io::ErrorKind::TimedOut.into());
}

fn check_request(owner: &Rc<Owner>, conn: &Rc<Connection>, now: u64) {
    let config = conn.port().config();
    let is_http = matches!(config.framing, Framing::Http) && !conn.slot().flags().any(Flags::WEBSOCKET);
    if !is_http || conn.state() != ConnectionState::Open || conn.discard_input.get() {
        return;
    }
    if let Some(session) = conn.http2() {
        // Its requests are streams, but for the block of header fields that a stream begins with.
        let limit = config.http_header_timeout.as_millis();
        if limit > 0 && session.incomplete_for(now).is_some_and(|age| u128::from(age) > limit) {
            start::abort(owner, conn, format_args!("header timeout"));
        } else if limit > 0
            && session.is_unused()
            && session.incomplete_for(now).is_none()
            && u128::from(conn.request_age(now)) > limit
        {
            let (id, peer) = (conn.session().0, conn.peer_name());
            log::info!("connection {id} from {peer} is closed: header timeout, no request received");
            owner.abort_http2(conn, code::NO_ERROR);
            owner.end_after_last_bytes(conn);
        }
        return;
    }
    if conn.is_held_at_all() {
        // The server does not read: the peer is not to blame.
        return conn.restart_request_timeout(now);
    }
    let length = conn.input.borrow().len();
    let (part, has_earlier_requests) = {
        let framer = conn.framer.borrow();
        let is_spooled = conn.spool.borrow().is_some();
        let part = if is_spooled { Progress::Body } else { framer.request_progress(length) };
        (part, framer.has_framed())
    };
    if part == Progress::NotStarted && has_earlier_requests || !is_expired(config, part, conn.request_age(now)) {
        return;
    }
    *conn.input.borrow_mut() = Vec::new();
    drop(conn.spool.take());
    match part {
        Progress::NotStarted => {
            let (session, peer) = (conn.session().0, conn.peer_name());
            log::info!("connection {session} from {peer} is closed: header timeout, no request received");
            owner.end(conn);
        }
        Progress::Head => _ = owner.reject(conn, Refusal::new(408, "header timeout")),
        Progress::Body => _ = owner.reject(conn, Refusal::new(408, "body timeout")),
    }
}

fn is_expired(config: &PortConfig, part: Progress, age_ms: u64) -> bool {
    let limit = match part {
        Progress::NotStarted | Progress::Head => config.http_header_timeout,
        Progress::Body => config.http_body_timeout,
    };
    !limit.is_zero() && u128::from(age_ms) > limit.as_millis()
}

/// Checks within the shortest limit.
const CHECKS_PER_LIMIT: u32 = 8;
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);
