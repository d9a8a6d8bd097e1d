//! The life of one connection: a task that reads packets and writes what waits.
//!
//! Runs in: the thread that owns the connection. An idle connection holds no buffer: bytes are read into one that
//! all connections of the thread share, and only the beginning of an unfinished packet is kept.

use super::connection::{Connection, Stage};
use super::handshake;
use super::owner::{Owner, READ_SIZE, Verdict, add, fleeting};
use super::registry::Flags;
use super::spool;
use super::timeouts;
use crate::config::Framing;
use crate::proto::framing::Cut;
use crate::proto::http1::Refusal;
use crate::proto::http1::reply::CONTINUE;
use crate::proto::{PeerFault, websocket};
use crate::sys::{clock, socket};
use crate::tls::Session;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// Drives the connection until it is closed.
pub async fn run(owner: Rc<Owner>, conn: Rc<Connection>) {
    if conn.stage() == Stage::Shaking && !handshake::shake(&owner, &conn).await {
        return owner.forget(&conn);
    }
    match owner.upcall().connect(&owner, &conn) {
        Verdict::Go => {}
        Verdict::Stall => conn.hold(super::connection::HOLD_STALL),
        Verdict::Close => owner.end(&conn),
    }
    poll_fn(|cx| poll(&owner, &conn, cx)).await;
    owner.forget(&conn);
}

fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) -> Poll<()> {
    if !conn.waker.borrow().as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
        *conn.waker.borrow_mut() = Some(cx.waker().clone());
    }
    if conn.stage() == Stage::Open && conn.hold.get() == 0 {
        read(owner, conn, cx);
    }
    if conn.has_output() {
        write(owner, conn, cx);
    }
    match conn.stage() {
        Stage::Dead => Poll::Ready(()),
        Stage::Finishing if !conn.has_output() => Poll::Ready(()),
        _ => Poll::Pending,
    }
}

fn read(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) {
    if let Some(tls) = &conn.tls {
        let early = tls.borrow_mut().take_early();
        if !early.is_empty() && take_bytes(owner, conn, &early) == Verdict::Stall {
            conn.hold(super::connection::HOLD_STALL);
        }
        if conn.stage() != Stage::Open || conn.hold.get() != 0 {
            return;
        }
    }
    for _ in 0..READS_A_TURN {
        let mut ready = match conn.io.poll_read_ready(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(e)) => return owner.fail(conn, &e),
        };
        let most = if conn.spool.borrow().is_some() { STORED_SIZE } else { READ_SIZE };
        let mut scratch = owner.take_scratch(most);
        let result = socket::recv(conn.fd(), &mut scratch[..most]);
        if result.as_ref().is_ok_and(|n| *n < most && *n > 0) {
            // All that was there is read: the next readiness will be told by the kernel.
            ready.clear_ready();
        }
        match result {
            Ok(0) => owner.end(conn),
            Ok(n) => {
                add(&owner.slot().recv_bytes, n as u64);
                conn.slot().last_recv.store(owner.now(), Relaxed);
                let verdict = match &conn.tls {
                    None => take_bytes(owner, conn, &scratch[..n]),
                    Some(tls) => take_sealed(owner, conn, tls, &scratch[..n]),
                };
                if verdict == Verdict::Stall {
                    conn.hold(super::connection::HOLD_STALL);
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
            Err(e) if fleeting(&e) => {}
            Err(e) => owner.fail(conn, &e),
        }
        owner.give_scratch(scratch);
        if conn.stage() != Stage::Open || conn.hold.get() != 0 {
            return;
        }
    }
    // Others want to be read too; come again.
    cx.waker().wake_by_ref();
}

/// The same of bytes that are sealed. All that they say is taken at once: nothing is left behind of which no readiness
/// would ever tell.
fn take_sealed(owner: &Rc<Owner>, conn: &Rc<Connection>, tls: &RefCell<Session>, sealed: &[u8]) -> Verdict {
    let mut plain = owner.take_plain();
    let outcome = tls.borrow_mut().receive(sealed, &mut plain);
    let verdict = if plain.is_empty() { Verdict::Go } else { take_bytes(owner, conn, &plain) };
    plain.clear();
    owner.give_plain(plain);
    if conn.has_sealed_output() {
        // An alert, or a new key.
        flush(owner, conn);
    }
    match outcome {
        Err(e) => owner.break_off(conn, format_args!("TLS: {e}")),
        Ok(()) if tls.borrow_mut().is_closed_by_peer() => owner.end(conn),
        Ok(()) => {}
    }
    verdict
}

/// Cuts packets from what waits and what has come, and tells of each.
fn take_bytes(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
    if conn.deaf.get() {
        return Verdict::Go;
    }
    if let Framing::None = conn.port.config.framing {
        return settle(owner, conn, owner.upcall().packet(owner, conn, data));
    }
    if conn.spool.borrow().is_some() {
        return spool::take(owner, conn, data);
    }
    take_packets(owner, conn, data)
}

/// The same, where no body is written to a file.
pub(super) fn take_packets(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
    let upcall = owner.upcall();
    // Taken out while user code runs: it may end this very connection.
    let mut held = conn.input.take();
    let joined = !held.is_empty();
    if joined {
        held.extend_from_slice(data);
    }
    let bytes: &[u8] = if joined { &held } else { data };
    let mut at = 0;
    let mut verdict = Verdict::Go;
    let joins = conn.port.config.framing.is_asked();
    while at < bytes.len() && conn.stage() == Stage::Open {
        let limit = conn.port.config.package_max_length;
        let flags = Flags(conn.slot().flags.load(Relaxed));
        if flags.any(Flags::WEBSOCKET) {
            let expect = websocket::Expect { max: limit, masked: true, deflate: flags.any(Flags::DEFLATE) };
            let len = match websocket::next(expect, &bytes[at..]) {
                Ok(Cut::Packet(len)) => len,
                Ok(Cut::Need(_)) => break,
                Err(len) => {
                    // The worker says what is wrong, behind what it has still to say.
                    conn.deaf.set(true);
                    len
                }
            };
            let packet = upcall.packet(owner, conn, &bytes[at..at + len]);
            at = if conn.deaf.get() { bytes.len() } else { at + len };
            match settle(owner, conn, packet) {
                Verdict::Go => {}
                other => verdict = other,
            }
            continue;
        }
        let cut = conn.framer.borrow_mut().next(&conn.port.config.framing, limit, &bytes[at..]);
        match cut {
            Ok(Cut::Packet(len)) if joined && len == bytes.len() && len >= GIVEN_FROM => {
                conn.slot().recv_queued.store(0, Relaxed);
                held.shrink_to_fit();
                return settle(owner, conn, upcall.whole_packet(owner, conn, held));
            }
            Ok(Cut::Packet(len)) => {
                conn.deaf.set(conn.framer.borrow().was_last());
                // What is answered at once goes out with the answer to what is here already.
                let again = joins && at + len < bytes.len() && !conn.deaf.get();
                owner.begin_answer(Some(conn.session), again);
                let packet = upcall.packet(owner, conn, &bytes[at..at + len]);
                owner.end_answer(again);
                at = if conn.deaf.get() { bytes.len() } else { at + len };
                match settle(owner, conn, packet) {
                    Verdict::Go => {}
                    other => verdict = other,
                }
            }
            Ok(Cut::Need(whole)) => {
                if joins && spool::is_long(owner, conn, whole, bytes.len() - at) {
                    owner.end_answer(false);
                    return match spool::begin(owner, conn, &bytes[at..]) {
                        Verdict::Go => verdict,
                        other => other,
                    };
                }
                if conn.framer.borrow_mut().take_wish_to_continue() {
                    owner.write(conn, CONTINUE, false);
                }
                break;
            }
            Err(PeerFault::Refused(refusal)) => {
                at = bytes.len();
                if let Some(said) = refuse(owner, conn, refusal) {
                    verdict = said;
                }
                break;
            }
            Err(fault) => {
                owner.break_off(conn, format_args!("{fault}"));
                break;
            }
        }
    }
    owner.end_answer(false);
    let rest = bytes.len() - at;
    conn.slot().recv_queued.store(rest as u64, Relaxed);
    if joins && rest > 0 {
        let again = !joined || at > 0;
        timeouts::note(conn, rest, again);
    }
    if conn.stage() == Stage::Open && rest > 0 {
        *conn.input.borrow_mut() = if joined {
            held.drain(..at);
            held
        } else {
            data[at..].to_vec()
        };
    }
    verdict
}

/// Hears no more of this connection, and says why. `None`: it is said already.
pub(super) fn refuse(owner: &Rc<Owner>, conn: &Rc<Connection>, refusal: Refusal) -> Option<Verdict> {
    conn.deaf.set(true);
    if conn.framer.borrow().has_begun() {
        // What was asked before is answered before: the worker knows when that is done.
        return Some(settle(owner, conn, owner.upcall().packet(owner, conn, &refusal.to_packet())));
    }
    owner.refuse_request(conn, refusal);
    None
}

pub(super) fn settle(owner: &Rc<Owner>, conn: &Rc<Connection>, verdict: Verdict) -> Verdict {
    if verdict == Verdict::Close {
        owner.end(conn);
    }
    verdict
}

fn write(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) {
    loop {
        let mut ready = match conn.io.poll_write_ready(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(e)) => return lost(owner, conn, &e),
        };
        if flush(owner, conn) {
            return;
        }
        ready.clear_ready();
    }
}

/// Writes what the socket takes now; `true` where nothing waits any more, or never will.
pub(super) fn flush(owner: &Rc<Owner>, conn: &Rc<Connection>) -> bool {
    let (written, result) = conn.output.borrow_mut().write_to(&mut conn.wire());
    if written.all > 0 {
        add(&owner.slot().send_bytes, written.all);
        conn.note_unqueued(written.from_memory);
        conn.since.set(clock::monotonic_ms());
    }
    let waits = conn.output.borrow().len();
    if conn.above.get() && waits <= conn.port.config.low_watermark {
        conn.above.set(false);
        owner.upcall().watermark(owner, conn, false);
    }
    match result {
        Ok(()) => true,
        Err(e) if e.kind() == ErrorKind::WouldBlock => false,
        Err(e) => {
            lost(owner, conn, &e);
            true
        }
    }
}

/// Tells the peer that nothing more comes, as far as the socket takes that now (RFC 8446 section 6.1).
pub(super) fn say_goodbye(conn: &Connection) {
    if let Some(tls) = &conn.tls
        && !tls.borrow().is_handshaking()
    {
        tls.borrow_mut().close();
        let _ = conn.wire().flush();
    }
}

/// The peer is gone, or a file was cut short: what waits cannot be written any more.
fn lost(owner: &Rc<Owner>, conn: &Rc<Connection>, cause: &std::io::Error) {
    owner.fail(conn, cause);
    if conn.stage() == Stage::Finishing {
        conn.stage.set(Stage::Dead);
    }
}

/// Bytes of a packet from which on they are given away rather than copied.
const GIVEN_FROM: usize = 64 << 10;
/// Bytes read at once of a body that goes to a file, where each write has a price of its own.
const STORED_SIZE: usize = 256 << 10;
/// Reads from one connection before the others have their turn.
const READS_A_TURN: usize = 16;
