//! How a connection begins to speak HTTP/2: by the preface of a client that knows (RFC 9113 section 3.3), or by an upgrade
//! from HTTP/1.1. A client that has negotiated `h2` by ALPN sends the preface too.

use super::receive;
use super::session::Session;
use super::version::{Upgrading, Version};
use crate::conn::connection::Connection;
use crate::conn::owner::{Owner, ReadAction};
use crate::proto::http2::PREFACE;
use crate::proto::http2::code;
use crate::proto::http2::frames::{FrameHead, FrameScanner};
use crate::proto::http2::upgrade;
use crate::state::registry::{ConnectionRow, Flags};
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// Takes bytes of a connection that speaks, or may speak, HTTP/2; `None`: they are HTTP/1.
#[inline]
pub(in crate::conn) fn take_bytes(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Option<ReadAction> {
    if let Version::Http1 = &*conn.version.borrow() {
        return None;
    }
    take(owner, conn, data)
}

fn take(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Option<ReadAction> {
    let mut version = conn.version.borrow_mut();
    match &mut *version {
        Version::Http1 => None,
        Version::Http2(session) => {
            let session = session.clone();
            drop(version);
            Some(pass_on(owner, conn, &session, data))
        }
        Version::Undecided => {
            let mut kept = conn.input.borrow_mut();
            let known = kept.len().min(PREFACE.len());
            let rest = &PREFACE[known..];
            let compared = rest.len().min(data.len());
            if rest[..compared] != data[..compared] {
                *version = Version::Http1;
                return None;
            }
            if known + data.len() < PREFACE.len() {
                kept.extend_from_slice(data);
                conn.note_start(kept.len());
                return Some(ReadAction::Continue);
            }
            let first = std::mem::take(&mut *kept);
            drop(kept);
            let session = begin(owner, conn);
            *version = Version::Http2(session.clone());
            drop(version);
            let action = pass_on(owner, conn, &session, &first);
            Some(action.then(pass_on(owner, conn, &session, data)))
        }
        Version::Upgrading(upgrading) => {
            upgrading.input.extend_from_slice(data);
            let Some(end) = end_of_settings(&upgrading.input) else {
                if upgrading.input.len() > MAX_START {
                    drop(version);
                    owner.abort(conn, format_args!("HTTP/2: SETTINGS do not follow the upgrade"));
                }
                return Some(ReadAction::Continue);
            };
            let Upgrading { input, first_stream } = std::mem::take(&mut **upgrading);
            let session = begin(owner, conn);
            *version = Version::Http2(session.clone());
            drop(version);
            let (start, rest) = input.split_at(end);
            let action = pass_on(owner, conn, &session, start);
            let action = action.then(pass_on(owner, conn, &session, &first_stream));
            Some(action.then(pass_on(owner, conn, &session, rest)))
        }
    }
}

/// Upgrades a connection whose first complete request asks for HTTP/2; `false`: it does not.
pub(in crate::conn) fn upgrade(owner: &Rc<Owner>, conn: &Rc<Connection>, request: &[u8]) -> bool {
    // Earlier requests, which HTTP/1.1 answers, would be overtaken.
    let is_first = conn.slot().last_dispatch.load(Relaxed) == 0 && !conn.has_output();
    if conn.port().config().http2.is_none() || !is_first || conn.is_stream() || conn.tls.is_some() {
        return false;
    }
    let Some(first_stream) = upgrade::first_stream(request) else { return false };
    owner.write(conn, upgrade::SWITCHING, false);
    *conn.version.borrow_mut() = Version::Upgrading(Box::new(Upgrading { input: Vec::new(), first_stream }));
    true
}

fn begin(owner: &Owner, conn: &Rc<Connection>) -> Rc<Session> {
    conn.slot().set_flags(Flags::HTTP2);
    let config = conn.port().config().http2.unwrap_or_default();
    Rc::new(Session::new(&config, owner.http2_output.clone()))
}

fn pass_on(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Rc<Session>, data: &[u8]) -> ReadAction {
    receive::take_bytes(owner, conn, session, data);
    ReadAction::Continue
}

/// Closes a connection that costs too much, with ENHANCE_YOUR_CALM (RFC 9113 section 10.5).
pub(in crate::conn) fn abort(owner: &Rc<Owner>, conn: &Rc<Connection>, why: fmt::Arguments<'_>) {
    receive::fail(owner, conn, code::ENHANCE_YOUR_CALM, why);
}

/// Where the client's preface and its settings, which follow it at once, end.
fn end_of_settings(input: &[u8]) -> Option<usize> {
    let mut scanner = FrameScanner::behind(PREFACE.len() as u32);
    let head = input.get(..PREFACE.len() + FrameHead::LENGTH)?;
    let mut kind = None;
    scanner.scan(head, |frame| kind = Some(frame.kind));
    // Other frames are an error, which the session reports.
    let payload = if kind == Some(FrameHead::SETTINGS) { scanner.left_of_payload() as usize } else { 0 };
    Some(head.len() + payload).filter(|end| *end <= input.len())
}

/// Bytes within which the settings of an upgraded client are complete.
const MAX_START: usize = 4096;
