//! Requests and responses on a connection for which HTTP/2 was negotiated (setting `open_http2_protocol`, ALPN).

use super::body::{Body, Part, Slice};
use super::client::{CONNECT_FAILED, DEFAULT_MAX_BODY, Failure, REQUEST_TIMEOUT, SEND_FAILED, SERVER_RESET};
use crate::coroutine::http2::{Delivery, FORBIDDEN, Http2Connection, Http2Settings, OutgoingRequest, Parts, Want, uri};
use crate::coroutine::socket::CoroutineSocket;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use httparse::Header;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh_zend::{Array, PhpResult};

/// HTTP/2 on a connected socket if its TLS handshake has selected that.
pub(super) fn begin(
    link: &Rc<CoroutineSocket>,
    peer: String,
    settings: &Array,
    limit: Option<Duration>,
) -> PhpResult<Result<Option<Http2Connection>, Failure>> {
    if link.negotiated_protocol().is_none_or(|protocol| protocol != b"h2") {
        return Ok(Ok(None));
    }
    let begun = Http2Connection::begin(link.clone(), peer, Http2Settings::new(settings, DEFAULT_MAX_BODY), limit)?;
    Ok(begun.map(Some).map_err(|failure| Failure::new(CONNECT_FAILED, failure.code, failure.message)))
}

/// Sends a request whose head is in HTTP/1.1's format; returns its stream. A body that the server refuses is not an error:
/// the response follows.
pub(super) fn send(
    connection: &Http2Connection,
    head: &[u8],
    body: Option<Body>,
    limit: Option<Duration>,
) -> PhpResult<Result<u32, Failure>> {
    let head = match convert(head) {
        Ok(head) => head,
        Err(why) => return Ok(Err(Failure::new(CONNECT_FAILED, libc::EINVAL, why))),
    };
    let mut parts = body.unwrap_or_default().parts;
    let first = match parts.as_mut_slice() {
        [Part::Bytes(bytes), ..] => std::mem::take(bytes),
        _ => Vec::new(),
    };
    let is_open = parts.iter().any(|part| matches!(part, Part::File(..)));
    let request = OutgoingRequest { head, body: first, is_open, parts: Parts::Body };
    let id = match connection.send(request, limit)? {
        Ok(id) => id,
        Err(failure) => return Ok(Err(Failure::new(SEND_FAILED, failure.code, failure.message))),
    };
    if !is_open {
        return Ok(Ok(id));
    }
    for part in parts {
        let sent = match part {
            Part::Bytes(bytes) => Ok(write(connection, id, &bytes, limit)?),
            Part::File(path, offset, length) => send_file(connection, id, Slice::open(&path, offset, length), limit)?,
        };
        match sent {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(Ok(id)),
            Ok(Err(failure)) => return Ok(Err(failure)),
            Err(e) => {
                connection.reset(id, CANCEL);
                return Ok(Err(Failure::of(SEND_FAILED, e.raw_os_error().unwrap_or(libc::EIO))));
            }
        }
    }
    Ok(match connection.write(id, [], true, limit)? {
        Err(failure) if connection.failure().is_some() => Err(Failure::new(SEND_FAILED, failure.code, failure.message)),
        _ => Ok(id),
    })
}

/// Sends a part of a file: like [`write`], or the error of reading it.
fn send_file(
    connection: &Http2Connection,
    id: u32,
    slice: io::Result<Slice>,
    limit: Option<Duration>,
) -> PhpResult<io::Result<Result<bool, Failure>>> {
    let mut slice = match slice {
        Ok(slice) => slice,
        Err(e) => return Ok(Err(e)),
    };
    loop {
        match slice.read() {
            Ok(piece) if piece.is_empty() => return Ok(Ok(Ok(true))),
            Ok(piece) => match write(connection, id, &piece, limit)? {
                Ok(true) => {}
                other => return Ok(Ok(other)),
            },
            Err(e) => return Ok(Err(e)),
        }
    }
}

/// Sends a piece of a body; false if the server does not take the rest.
fn write(
    connection: &Http2Connection,
    id: u32,
    piece: &[u8],
    limit: Option<Duration>,
) -> PhpResult<Result<bool, Failure>> {
    Ok(match connection.write(id, piece, false, limit)? {
        Ok(()) => Ok(true),
        Err(failure) if connection.failure().is_some() || failure.code == libc::ETIMEDOUT => {
            Err(Failure::new(SEND_FAILED, failure.code, failure.message))
        }
        Err(_) => Ok(false),
    })
}

/// The next part of a stream's response.
pub(super) fn receive(
    connection: &Http2Connection,
    id: u32,
    until: Option<Instant>,
) -> PhpResult<Result<Delivery, Failure>> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()).max(SHORTEST_WAIT));
    Ok(match connection.recv(Want::Stream(id), left)? {
        Ok(Delivery { error: Some(code), .. }) => {
            let reason = h2::Reason::from(code);
            let why = format!("the server has reset the stream: {reason:?}, {}", reason.description());
            Err(Failure::new(SERVER_RESET, libc::ECONNRESET, why))
        }
        Ok(delivery) => Ok(delivery),
        Err(failure) => {
            let status = if failure.code == libc::ETIMEDOUT { REQUEST_TIMEOUT } else { SERVER_RESET };
            Err(Failure::new(status, failure.code, failure.message))
        }
    })
}

/// Gives a stream up; without effect if it has ended.
pub(super) fn give_up(connection: &Http2Connection, id: u32) {
    connection.reset(id, CANCEL);
}

/// Fields in the form that HTTP/1.1's have.
pub(super) fn headers(fields: &HeaderMap) -> impl Iterator<Item = Header<'_>> {
    fields.iter().map(|(name, value)| Header { name: name.as_str(), value: value.as_bytes() })
}

/// HTTP/2's form of a head that [`Head`](super::request_head::Head) has written (RFC 9113 section 8.3.1).
fn convert(head: &[u8]) -> Result<Request<()>, String> {
    let invalid = || "the request has no form in HTTP/2".to_owned();
    let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let line = lines.next().and_then(|line| line.strip_suffix(b" HTTP/1.1")).ok_or_else(invalid)?;
    let space = line.iter().position(|&byte| byte == b' ').ok_or_else(invalid)?;
    let (mut fields, mut authority) = (HeaderMap::new(), Vec::new());
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':').ok_or_else(invalid)?;
        let (name, value) = (line[..colon].to_ascii_lowercase(), line[colon + 1..].trim_ascii());
        match name.as_slice() {
            b"host" => authority = value.to_vec(),
            b"te" if value != b"trailers" => {}
            name if FORBIDDEN.contains(&name) => {}
            name => {
                let name = HeaderName::from_bytes(name).map_err(|_| invalid())?;
                fields.append(name, HeaderValue::from_bytes(value).map_err(|_| invalid())?);
            }
        }
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(&line[..space]).map_err(|_| invalid())?;
    *request.uri_mut() = uri("https", &authority, &line[space + 1..])?;
    *request.headers_mut() = fields;
    Ok(request)
}

/// A zero timeout would be no limit.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// RFC 9113 section 7.
const CANCEL: u32 = 8;
