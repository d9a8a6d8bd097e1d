//! The beginning of a connection on a port that speaks TLS, before user code knows of it.
//!
//! Runs in: the connection's own task. A handshake that fails, or takes too long, ends this connection and no other.

use super::connection::{Connection, Stage};
use super::owner::{Owner, READ_SIZE, add, fleeting};
use super::registry::Flags;
use crate::config::Framing;
use crate::log;
use crate::sys::{clock, socket};
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// Agrees upon TLS; `false`: the connection is to be forgotten.
pub async fn shake(owner: &Rc<Owner>, conn: &Rc<Connection>) -> bool {
    let Some(acceptor) = &conn.port.tls else { return true };
    let limit = acceptor.handshake_timeout();
    let outcome = match tokio::time::timeout(limit, steps(owner, conn)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it is not done after {} seconds", limit.as_secs_f32())),
    };
    if conn.stage() != Stage::Shaking {
        return false;
    }
    match outcome {
        Ok(()) => {
            note_certificate(owner, conn);
            conn.slot().flags.fetch_and(!Flags::SHAKING, Relaxed);
            conn.stage.set(Stage::Open);
            conn.asking.set(clock::monotonic_ms());
            true
        }
        Err(why) if why == AT_ONCE => {
            // Whoever only looks whether the port is open comes so, again and again.
            log::debug!("connection {} from {}: no TLS handshake: {why}", conn.session.0, conn.from());
            false
        }
        Err(why) => {
            add(&owner.slot().aborted, 1);
            log::info!("connection {} from {}: no TLS handshake: {why}", conn.session.0, conn.from());
            false
        }
    }
}

/// What the peer has shown is for workers to be asked of.
fn note_certificate(owner: &Owner, conn: &Connection) {
    if let Some(certificates) = &owner.state.certificates
        && !certificates.note(conn.index, conn.peer_certificate().as_deref())
    {
        log::notice!("connection {} from {}: its certificate is too long to be shown", conn.session.0, conn.from());
    }
}

async fn steps(owner: &Rc<Owner>, conn: &Rc<Connection>) -> Result<(), String> {
    let tls = conn.tls.as_ref().expect("a connection that shakes hands has a session");
    let mut handover = false;
    loop {
        write(conn).await?;
        if !tls.borrow().is_handshaking() {
            return Ok(());
        }
        let mut ready = conn.io.readable().await.map_err(|e| e.to_string())?;
        let mut scratch = owner.take_scratch(READ_SIZE);
        let result = socket::recv(conn.fd(), &mut scratch[..READ_SIZE]);
        let taken = result.as_ref().ok().map(|n| {
            let sealed = &scratch[..*n];
            let plaintext = !handover && speaks_http(sealed);
            let mut early = Vec::new();
            let outcome = tls.borrow_mut().receive(sealed, &mut early);
            tls.borrow_mut().keep_early(early);
            (outcome, plaintext)
        });
        owner.give_scratch(scratch);
        match (result, taken) {
            (Ok(0), _) => return Err(if handover { "the peer has gone" } else { AT_ONCE }.into()),
            (Ok(n), Some((outcome, plaintext))) => {
                handover = true;
                add(&owner.slot().recv_bytes, n as u64);
                conn.slot().last_recv.store(owner.now(), Relaxed);
                if let Err(e) = outcome {
                    refuse(conn, plaintext);
                    return Err(if plaintext { "the peer speaks HTTP without TLS".into() } else { e.to_string() });
                }
            }
            (Err(e), _) if e.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
            (Err(e), _) if fleeting(&e) => {}
            (Err(e), _) => return Err(e.to_string()),
            (Ok(_), None) => {}
        }
        if conn.stage() != Stage::Shaking {
            return Err("it was closed".into());
        }
    }
}

/// Writes what is sealed, all of it.
async fn write(conn: &Connection) -> Result<(), String> {
    loop {
        match conn.wire().flush() {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) if fleeting(&e) => continue,
            Err(e) => return Err(e.to_string()),
        }
        let mut ready = conn.io.writable().await.map_err(|e| e.to_string())?;
        if let Ok(result) = ready.try_io(|_| conn.wire().flush()) {
            return result.map_err(|e| e.to_string());
        }
    }
}

/// Tells the peer why: by rustls's alert, or in the only words that it understands.
fn refuse(conn: &Connection, plaintext: bool) {
    if plaintext && matches!(conn.port.config.framing, Framing::Http) {
        let _ = socket::send(conn.fd(), PLAIN_HTTP);
        if let Some(tls) = &conn.tls {
            tls.borrow_mut().discard_output();
        }
    } else {
        let _ = conn.wire().flush();
    }
}

/// Whether a peer begins as one of HTTP does, with a method. A handshake begins with 22 (RFC 8446 section 5.1).
fn speaks_http(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
    method > 2 && bytes.get(method) == Some(&b' ')
}

const AT_ONCE: &str = "the peer has gone at once";
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
Content-Length: 37\r\n\r\nThis port speaks HTTPS: HTTP over TLS";
