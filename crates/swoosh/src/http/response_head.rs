//! The head of a response: status line and fields.

use super::compress::Coding;
use super::request::ResponseMode;
use crate::proto::http1::response_writer::{self, put_number};
use crate::static_files::date::now;

/// Appends the head of a response. `fields`: the program's own, serialized. `length` of the body, bytes; `None`: the body
/// is streamed, in chunks or, by HTTP/1.0, until the connection is closed.
pub(super) fn put(
    out: &mut Vec<u8>,
    status: u16,
    fields: &[u8],
    mode: ResponseMode,
    length: Option<u64>,
    coding: Option<Coding>,
) {
    match status {
        200 => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
        _ => {
            out.extend_from_slice(b"HTTP/1.1 ");
            put_number(out, u64::from(status));
            out.extend_from_slice(b" ");
            out.extend_from_slice(response_writer::reason(status).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(fields);
    put_field(out, b"Date", &now());
    if !mode.keep_alive {
        put_field(out, b"Connection", b"close");
    } else if mode.http10 {
        put_field(out, b"Connection", b"keep-alive");
    }
    if let Some(coding) = coding {
        put_field(out, b"Content-Encoding", coding.name().as_bytes());
        put_field(out, b"Vary", b"Accept-Encoding");
    }
    match length {
        // These have no body, and so no length (RFC 9110 section 8.6).
        _ if (100..200).contains(&status) || matches!(status, 204 | 304) => {}
        Some(length) => {
            out.extend_from_slice(b"Content-Length: ");
            put_number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        None if mode.http10 || mode.head_only => {}
        None => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends one field.
pub(super) fn put_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
