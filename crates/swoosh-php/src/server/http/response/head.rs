//! Serializes a response's head, and complete bodies with compression.

use super::state::{COOKIE, HEADER, ResponseState, TRAILER};
use crate::server::http::settings::HttpSettings;
use std::borrow::Cow;
use swoosh::http::compress::Coding;
use swoosh::proto::http1::response_writer::{self, put_number};
use swoosh::proto::http1::{has_token, is_token_byte};
use swoosh_zend::{Array, Key, Object, Zval};

/// Framing of the body (RFC 9112 section 6).
pub(crate) enum Body {
    Length(u64),
    Chunked,
    UntilClosed,
}

impl ResponseState {
    /// Writes the head of a complete response. Returns its body, compressed where that applies.
    pub(crate) fn put_whole<'a>(&self, out: &mut Vec<u8>, object: &Object, body: &'a [u8]) -> Cow<'a, [u8]> {
        let own = object.slot(HEADER).array().cloned();
        let short =
            self.accepted_coding.get().and_then(|coding| Some((coding, self.shorter(coding, own.as_ref(), body)?)));
        let (coding, bytes) = match short {
            Some((coding, short)) => (Some(coding), Cow::Owned(short)),
            None => (None, Cow::Borrowed(body)),
        };
        self.put_head(out, object, own.as_ref(), Body::Length(bytes.len() as u64), coding);
        if self.has_body() { bytes } else { Cow::Borrowed(&[]) }
    }

    /// The compressed body, if the compression rules apply to it.
    fn shorter(&self, coding: Coding, own: Option<&Array>, body: &[u8]) -> Option<Vec<u8>> {
        let of_own = |name: &str| {
            let found = own.into_iter().flatten().find(|(key, _)| is_key(key, name));
            found.and_then(|(_, value)| value.bytes().map(<[u8]>::to_vec))
        };
        let kind = of_own("content-type").unwrap_or_else(|| b"text/html".to_vec());
        if of_own("content-encoding").is_some()
            || !response_writer::has_body("", u16::try_from(self.status.get()).unwrap_or(200))
            || self.status.get() == 206
        {
            return None;
        }
        let compress = |config: &HttpSettings| {
            let rules = &config.compression;
            rules.suits(&kind, body.len()).then(|| rules.compress(coding, body)).flatten()
        };
        self.connection.get()?.with_config(compress).flatten()
    }

    pub(crate) fn put_head(
        &self,
        out: &mut Vec<u8>,
        object: &Object,
        own: Option<&Array>,
        body: Body,
        coding: Option<Coding>,
    ) {
        let status = self.status.get();
        if self.is_http2() && (102..200).contains(&status) | (status == 100) {
            // No response follows: the stream is reset.
            self.keep_alive.set(false);
        }
        self.put_status_line(out);
        let mut seen = Seen::default();
        if let Some(own) = own {
            for (key, value) in own {
                self.put_own(out, &key, value, &mut seen);
            }
        }
        if let Some(cookies) = object.slot(COOKIE).array() {
            for (_, cookie) in cookies {
                put_field(out, b"Set-Cookie", cookie.bytes().unwrap_or_default());
            }
        }
        match (seen.server, seen.date) {
            (false, false) => out.extend_from_slice(b"Server: swoole-http-server\r\nDate: "),
            (false, true) => out.extend_from_slice(b"Server: swoole-http-server\r\n"),
            (true, false) => out.extend_from_slice(b"Date: "),
            (true, true) => {}
        }
        if !seen.date {
            out.extend_from_slice(&swoosh::http::now());
            out.extend_from_slice(b"\r\n");
        }
        if matches!(body, Body::UntilClosed) {
            self.keep_alive.set(false);
        }
        let bare = self.handshake.get() && status == 101;
        if !bare && self.ends_with_worker() {
            self.keep_alive.set(false);
        }
        if !seen.connection && !bare {
            out.extend_from_slice(match self.keep_alive.get() {
                true => b"Connection: keep-alive\r\n",
                false => b"Connection: close\r\n",
            });
        }
        if !seen.content_type && !bare {
            out.extend_from_slice(b"Content-Type: text/html\r\n");
        }
        if let Some(coding) = coding {
            put_field(out, b"Content-Encoding", coding.name().as_bytes());
            put_field(out, b"Vary", b"Accept-Encoding");
        }
        if self.in_chunks.get() {
            // The stream's own framing: HTTP/2 sends the length, and what follows the body.
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        if !(seen.omits_length && matches!(body, Body::Length(_))) {
            self.put_framing(out, body, seen.length);
        }
        out.extend_from_slice(b"\r\n");
    }

    fn put_status_line(&self, out: &mut Vec<u8>) {
        match (self.status.get(), &*self.reason.borrow()) {
            (200, None) => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
            (status, reason) => {
                out.extend_from_slice(format!("HTTP/1.1 {status} ").as_bytes());
                let known = response_writer::reason(u16::try_from(status).unwrap_or(0));
                out.extend_from_slice(reason.as_deref().unwrap_or(known.as_bytes()));
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The fields that tell the body's length. `own_length`: the handler's `Content-Length`, used for HEAD only.
    fn put_framing(&self, out: &mut Vec<u8>, body: Body, own_length: Option<u64>) {
        let status = self.status.get();
        match body {
            // RFC 9110 section 8.6: no Content-Length.
            Body::Length(_) if (100..200).contains(&status) || status == 204 => {}
            Body::Length(0) if self.head_request.get() && own_length.is_some() => {
                put_length(out, own_length.unwrap_or(0));
            }
            Body::Length(0) if self.head_request.get() || status == 304 => {}
            Body::Length(length) => put_length(out, length),
            Body::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Body::UntilClosed => {}
        }
    }

    /// Writes a field that the handler set. Framing fields are left to the server.
    fn put_own(&self, out: &mut Vec<u8>, key: &Key<'_>, value: &Zval, seen: &mut Seen) {
        let number;
        let name: &[u8] = match key {
            Key::Name(name) => name.as_bytes(),
            Key::Index(index) => {
                number = index.to_string();
                number.as_bytes()
            }
        };
        if value.is_null() {
            return;
        }
        let is_empty = value.bytes().is_some_and(|value| value.trim_ascii().is_empty());
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            4 if is("date") => seen.date = true,
            6 if is("server") => seen.server = true,
            10 if is("connection") => {
                seen.connection = true;
                // Of a stream, this is not the connection.
                if !self.is_http2() && value.bytes().is_some_and(|value| has_token(value, "close")) {
                    self.keep_alive.set(false);
                }
            }
            12 if is("content-type") => seen.content_type = true,
            // An empty value asks not to send the field.
            14 if is("content-length") && is_empty => {
                seen.omits_length = true;
                return;
            }
            16 if is("content-encoding") && is_empty => return,
            14 if is("content-length") => {
                seen.length = value.to_zstr().and_then(|text| text.to_text().trim().parse().ok());
                return;
            }
            17 if is("transfer-encoding") => return,
            _ => {}
        }
        if let Some(list) = value.array() {
            for (_, item) in &list.clone() {
                if !item.is_null() {
                    put_own_value(out, name, item);
                }
            }
        } else {
            put_own_value(out, name, value);
        }
    }
}

/// Fields that the handler set itself.
#[derive(Default)]
struct Seen {
    date: bool,
    server: bool,
    connection: bool,
    content_type: bool,
    /// The handler asked for no `Content-Length`.
    omits_length: bool,
    /// `Content-Length` of a response to HEAD.
    length: Option<u64>,
}

pub(crate) fn is_key(key: &Key<'_>, name: &str) -> bool {
    matches!(key, Key::Name(key) if key.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
}

fn put_own_value(out: &mut Vec<u8>, name: &[u8], value: &Zval) {
    if let Some(bytes) = value.bytes() {
        return put_field(out, name, bytes.trim_ascii_end());
    }
    if let Some(text) = value.to_zstr() {
        put_field(out, name, text.as_bytes());
    }
}

/// Writes a field; skips invalid names and values (response splitting).
pub(crate) fn put_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if name.is_empty() || !name.iter().all(|&b| is_token_byte(b)) || !response_writer::is_field_value(value) {
        let name = String::from_utf8_lossy(name);
        return swoosh::log::warn!("skipping header field {name:?}: invalid characters");
    }
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn put_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    put_number(out, length);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn has_trailers(object: &Object) -> bool {
    object.slot(TRAILER).array().is_some_and(|trailers| !trailers.is_empty())
}

pub(crate) fn put_trailers(out: &mut Vec<u8>, object: &Object) {
    let Some(trailers) = object.slot(TRAILER).array() else { return };
    for (key, value) in &trailers.clone() {
        if let Key::Name(name) = key {
            put_field(out, name.as_bytes(), value.bytes().unwrap_or_default());
        }
    }
}
