//! The TLS handshake, before user code knows the connection.
//!
//! Runs in: the connection's own task. A handshake that fails or times out ends this connection and no other.

use super::connection::{Connection, ConnectionState};
use super::owner::{Owner, READ_SIZE, add, is_transient};
use crate::config::Framing;
use crate::log;
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::{clock, socket};
use socket2::Socket;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::io::unix::AsyncFd;

/// Runs the handshake; `false`: it failed, and the connection is to be forgotten.
pub(super) async fn run(owner: &Rc<Owner>, conn: &Rc<Connection>) -> bool {
    let Some(acceptor) = conn.port().tls() else { return true };
    let limit = acceptor.handshake_timeout();
    let outcome = match tokio::time::timeout(limit, steps(owner, conn)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("timeout after {} seconds", limit.as_secs_f32())),
    };
    if conn.state() != ConnectionState::Handshaking {
        return false;
    }
    match outcome {
        Ok(()) => {
            store_certificate(owner, conn);
            conn.slot().clear_flags(Flags::HANDSHAKING);
            conn.enter(ConnectionState::Open);
            conn.restart_request_timeout(clock::monotonic_ms());
            true
        }
        Err(why) if why == NO_BYTES => {
            // Health checks connect and close without sending: too frequent for the info level.
            log::debug!("connection {} from {}: no TLS handshake: {why}", conn.session().0, conn.peer_name());
            false
        }
        Err(why) => {
            add(&owner.slot().aborted, 1);
            log::info!("connection {} from {}: no TLS handshake: {why}", conn.session().0, conn.peer_name());
            false
        }
    }
}

/// Stores the client certificate where workers can read it.
fn store_certificate(owner: &Owner, conn: &Connection) {
    if let Some(certificates) = owner.state.certificates()
        && !certificates.note(conn.index(), conn.peer_certificate().as_deref())
    {
        log::notice!(
            "connection {} from {}: its certificate is too long to be stored",
            conn.session().0,
            conn.peer_name()
        );
    }
}

async fn steps(owner: &Rc<Owner>, conn: &Rc<Connection>) -> Result<(), String> {
    let tls = conn.tls.as_ref().expect("a handshaking connection has a session");
    let io = conn.transport.socket().expect("a handshaking connection has a socket");
    let mut has_received = false;
    loop {
        write(conn, io).await?;
        if !tls.borrow().is_handshaking() {
            return Ok(());
        }
        let mut ready = io.readable().await.map_err(|e| e.to_string())?;
        let mut buffer = owner.take_read_buffer(READ_SIZE);
        let result = socket::recv(conn.fd(), &mut buffer[..READ_SIZE]);
        let taken = result.as_ref().ok().map(|n| {
            let ciphertext = &buffer[..*n];
            let plaintext = !has_received && is_http(ciphertext);
            let mut early = Vec::new();
            let outcome = tls.borrow_mut().receive(ciphertext, &mut early);
            tls.borrow_mut().keep_early(early);
            (outcome, plaintext)
        });
        owner.put_read_buffer(buffer);
        match (result, taken) {
            (Ok(0), _) => return Err(if has_received { "closed by the peer" } else { NO_BYTES }.into()),
            (Ok(n), Some((outcome, plaintext))) => {
                has_received = true;
                add(&owner.slot().recv_bytes, n as u64);
                conn.slot().last_recv.store(owner.now(), Relaxed);
                if let Err(e) = outcome {
                    report(conn, plaintext);
                    return Err(if plaintext { "plain HTTP on a TLS port".into() } else { e.to_string() });
                }
            }
            (Err(e), _) if e.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
            (Err(e), _) if is_transient(&e) => {}
            (Err(e), _) => return Err(e.to_string()),
            (Ok(_), None) => {}
        }
        if conn.state() != ConnectionState::Handshaking {
            return Err("closed by the server".into());
        }
    }
}

/// Writes all queued TLS records.
async fn write(conn: &Connection, io: &AsyncFd<Socket>) -> Result<(), String> {
    loop {
        match conn.wire().flush() {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) if is_transient(&e) => continue,
            Err(e) => return Err(e.to_string()),
        }
        let mut ready = io.writable().await.map_err(|e| e.to_string())?;
        if let Ok(result) = ready.try_io(|_| conn.wire().flush()) {
            return result.map_err(|e| e.to_string());
        }
    }
}

/// Tells the peer the cause: by the TLS alert, or by an HTTP response where it sent plain HTTP.
fn report(conn: &Connection, plaintext: bool) {
    if plaintext && matches!(conn.port().config().framing, Framing::Http) {
        let _ = socket::send(conn.fd(), PLAIN_HTTP);
        if let Some(tls) = &conn.tls {
            tls.borrow_mut().discard_output();
        }
    } else {
        let _ = conn.wire().flush();
    }
}

/// Whether the bytes start with an HTTP method. A TLS handshake starts with 22 (RFC 8446 section 5.1).
fn is_http(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
    method > 2 && bytes.get(method) == Some(&b' ')
}

const NO_BYTES: &str = "closed by the peer before its first byte";
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
Content-Length: 37\r\n\r\nThis port speaks HTTPS: HTTP over TLS";
