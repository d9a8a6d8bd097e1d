//! The head of a request: decoded fields -> an HTTP/1 message.
//!
//! Invariant: the message says what the request says, and no more. Names and values are checked before they are put into it, and
//! nothing of the client can become framing of the message, which is written here.

use super::settings::ServerSettings;
use crate::http2::hpack::dynamic_table::ENTRY_OVERHEAD;
use crate::http2::hpack::field::{Field, FieldKind};

/// The framing of a request's body within its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// There is no body.
    None,
    /// The client has given its length, which is checked.
    Length,
    /// In chunks.
    Chunked,
    /// Sent as packets of its own behind the head; the request is handled before the body is complete.
    Parts,
    /// The bytes of a WebSocket (RFC 8441).
    Tunnel,
}

/// Memory that the connections of one thread use one after the other: no connection holds it between two calls.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The message of the last event that has one: the head of a request, or the fields of a trailer section.
    pub message: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    fields: Vec<u8>,
    cookies: Vec<u8>,
    pseudo: Vec<u8>,
}

/// A head that is being put together.
pub(super) struct HeadBuilder<'w> {
    fields: &'w mut Vec<u8>,
    cookies: &'w mut Vec<u8>,
    /// The values of pseudo-header fields and of `host`.
    values: &'w mut Vec<u8>,
    settings: ServerSettings,
    method: Option<Span>,
    scheme: Option<Span>,
    authority: Option<Span>,
    path: Option<Span>,
    protocol: Option<Span>,
    host: Option<Span>,
    websocket_key: Option<Span>,
    content_length: Option<u64>,
    is_grpc: bool,
    has_regular: bool,
    list: usize,
    count: u32,
    fault: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
struct Span(u32, u32);

/// A complete head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) form: BodyForm,
    pub(super) content_length: Option<u64>,
    pub(super) is_head: bool,
    /// Its fields go beyond a limit.
    pub(super) is_too_large: bool,
}

impl<'w> HeadBuilder<'w> {
    pub(super) fn new(
        fields: &'w mut Vec<u8>,
        cookies: &'w mut Vec<u8>,
        values: &'w mut Vec<u8>,
        settings: ServerSettings,
    ) -> Self {
        fields.clear();
        cookies.clear();
        values.clear();
        HeadBuilder {
            fields,
            cookies,
            values,
            settings,
            method: None,
            scheme: None,
            authority: None,
            path: None,
            protocol: None,
            host: None,
            websocket_key: None,
            content_length: None,
            is_grpc: false,
            has_regular: false,
            list: 0,
            count: 0,
            fault: None,
        }
    }

    fn max_list(&self) -> usize {
        self.settings.max_header_list_size as usize
    }

    /// Octets of all fields so far, with 32 for each.
    pub(super) fn list_size(&self) -> usize {
        self.list
    }

    /// Takes the next field.
    pub(super) fn take(&mut self, field: Field<'_>) {
        self.list += field.name.len() + field.value.len() + ENTRY_OVERHEAD;
        if let Some(fault) = field.fault {
            self.fault.get_or_insert(fault);
        }
        if self.fault.is_some() || self.list > self.max_list() {
            return;
        }
        if field.kind.is_pseudo() {
            return self.take_pseudo(field);
        }
        self.has_regular = true;
        self.count += 1;
        match field.kind {
            FieldKind::Cookie => {
                if !self.cookies.is_empty() {
                    self.cookies.extend_from_slice(b"; ");
                }
                return self.cookies.extend_from_slice(field.value);
            }
            FieldKind::Host => {
                if self.host.is_some() {
                    self.fault = Some("there are several `host` fields");
                }
                return self.host = Some(self.keep(field.value));
            }
            FieldKind::WebSocketKey => return self.websocket_key = Some(self.keep(field.value)),
            FieldKind::ContentLength => {
                let Some(length) = number(field.value) else {
                    return self.fault = Some("`content-length` is not a number");
                };
                if self.content_length.is_some_and(|earlier| earlier != length) {
                    self.fault = Some("two `content-length` fields differ");
                }
                return self.content_length = Some(length);
            }
            FieldKind::ContentType => self.is_grpc = is_grpc(field.value),
            _ => {}
        }
        put(self.fields, field.name, field.value);
    }

    fn take_pseudo(&mut self, field: Field<'_>) {
        if self.has_regular {
            return self.fault = Some("a pseudo-header field comes after a regular field");
        }
        let span = self.keep(field.value);
        let place = match field.kind {
            FieldKind::Method => &mut self.method,
            FieldKind::Scheme => &mut self.scheme,
            FieldKind::Authority => &mut self.authority,
            FieldKind::Path => &mut self.path,
            _ => &mut self.protocol,
        };
        if place.replace(span).is_some() {
            self.fault = Some("a pseudo-header field is there twice");
        }
    }

    fn keep(&mut self, value: &[u8]) -> Span {
        let start = self.values.len() as u32;
        self.values.extend_from_slice(value);
        Span(start, self.values.len() as u32)
    }

    fn value(&self, span: Option<Span>) -> Option<&[u8]> {
        span.map(|Span(start, end)| &self.values[start as usize..end as usize])
    }

    /// Appends the message of the head to `out`. `has_body`: frames of a body may follow.
    ///
    /// # Errors
    /// If the request is malformed: the rule that it violates.
    pub(super) fn finish(self, has_body: bool, out: &mut Vec<u8>) -> Result<Head, &'static str> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let method = self.value(self.method);
        if self.list > self.max_list() || self.count > self.settings.max_headers {
            return Ok(Head {
                form: BodyForm::None,
                content_length: None,
                is_head: method == Some(b"HEAD"),
                is_too_large: true,
            });
        }
        let method = method.ok_or("`:method` is missing")?;
        let form = match self.value(self.protocol) {
            Some(_) if !self.settings.connect_protocol => return Err("a pseudo-header field is not known"),
            Some(_) if method != b"CONNECT" => return Err("`:protocol` without CONNECT (RFC 8441)"),
            Some(b"websocket") if has_body => BodyForm::Tunnel,
            Some(_) => return Err("`:protocol` is not `websocket`, or ends its request (RFC 8441)"),
            None if !has_body => BodyForm::None,
            None if self.settings.grpc_streams && method == b"POST" && self.is_grpc => BodyForm::Parts,
            None if self.content_length.is_some() => BodyForm::Length,
            None => BodyForm::Chunked,
        };
        if !has_body && self.content_length.is_some_and(|length| length > 0) {
            return Err("`content-length` without a body");
        }
        let target = self.target(method, form)?;
        out.extend_from_slice(if form == BodyForm::Tunnel { b"GET" } else { method });
        out.push(b' ');
        out.extend_from_slice(target);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        self.put_host(out)?;
        out.extend_from_slice(self.fields);
        if let (Some(length), BodyForm::None | BodyForm::Length | BodyForm::Chunked) = (self.content_length, form) {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if !self.cookies.is_empty() {
            put(out, b"cookie", self.cookies);
        }
        match form {
            BodyForm::Chunked => put(out, b"transfer-encoding", b"chunked"),
            BodyForm::Tunnel => {
                put(out, b"connection", b"Upgrade");
                put(out, b"upgrade", b"websocket");
                // The key is not used over HTTP/2 (RFC 8441 section 5.1), but handshakes of HTTP/1 have one.
                put(out, b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==");
            }
            BodyForm::None | BodyForm::Length | BodyForm::Parts => {}
        }
        if let (Some(key), false) = (self.value(self.websocket_key), form == BodyForm::Tunnel) {
            put(out, b"sec-websocket-key", key);
        }
        out.extend_from_slice(b"\r\n");
        let content_length = self.content_length.filter(|_| form != BodyForm::Tunnel);
        Ok(Head { form, content_length, is_head: method == b"HEAD", is_too_large: false })
    }

    /// The target of the request line (RFC 9113 section 8.3.1 and 8.5).
    fn target(&self, method: &[u8], form: BodyForm) -> Result<&[u8], &'static str> {
        let (scheme, path) = (self.value(self.scheme), self.value(self.path));
        if method == b"CONNECT" && form != BodyForm::Tunnel {
            if scheme.is_some() || path.is_some() {
                return Err("CONNECT with `:scheme` or `:path`");
            }
            return self.value(self.authority).ok_or("CONNECT without `:authority`");
        }
        let scheme = scheme.ok_or("`:scheme` is missing")?;
        let is_scheme_byte = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.');
        if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(is_scheme_byte) {
            return Err("`:scheme` is invalid");
        }
        let path = path.ok_or("`:path` is missing")?;
        if path.is_empty() {
            return Err("`:path` is empty");
        }
        if path[0] != b'/' && !(path == b"*" && method == b"OPTIONS") {
            return Err("`:path` does not begin with a slash");
        }
        if path.iter().any(|octet| *octet <= b' ' || *octet == 0x7f) {
            return Err("`:path` has a space or a control character");
        }
        Ok(path)
    }

    /// The authority, else the `host` field (RFC 9113 section 8.3.1). Two that differ are malformed.
    fn put_host(&self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let (authority, host) = (self.value(self.authority), self.value(self.host));
        if authority.is_some_and(|authority| !is_authority(authority)) {
            return Err("`:authority` is invalid");
        }
        if let (Some(authority), Some(host)) = (authority, host)
            && !authority.eq_ignore_ascii_case(host)
        {
            return Err("`:authority` and `host` differ");
        }
        if let Some(host) = authority.or(host) {
            put(out, b"host", host);
        }
        Ok(())
    }
}

/// Takes a field of a trailer section, and appends it to `out`.
pub(super) fn take_trailer(field: Field<'_>, fault: &mut Option<&'static str>, out: &mut Vec<u8>) {
    if let Some(own) = field.fault {
        fault.get_or_insert(own);
    } else if field.kind.is_pseudo() {
        fault.get_or_insert("a pseudo-header field is part of the trailers");
    } else {
        put(out, field.name, field.value);
    }
}

/// Whether an authority is a host with or without a port (RFC 3986 section 3.2), and has no user.
fn is_authority(authority: &[u8]) -> bool {
    let is_host_byte = |octet: &u8| {
        octet.is_ascii_alphanumeric() || octet.is_ascii_graphic() && !matches!(octet, b'@' | b'/' | b'?' | b'#' | b'\\')
    };
    !authority.is_empty() && authority.iter().all(is_host_byte)
}

/// Whether it is a media type of gRPC, and not of gRPC-Web, whose trailers are part of the body.
fn is_grpc(media_type: &[u8]) -> bool {
    media_type.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest, [] | [b'+' | b';' | b' ', ..]))
}

/// A number of at most 19 digits.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = (1..20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

impl Workspace {
    /// A builder, the memory for strings, and the place of the message.
    pub(super) fn split(&mut self, settings: ServerSettings) -> (HeadBuilder<'_>, &mut Vec<u8>, &mut Vec<u8>) {
        let builder = HeadBuilder::new(&mut self.fields, &mut self.cookies, &mut self.pseudo, settings);
        (builder, &mut self.scratch, &mut self.message)
    }

    /// Memory that it holds, bytes.
    pub fn capacity(&self) -> usize {
        [&self.message, &self.scratch, &self.fields, &self.cookies, &self.pseudo].iter().map(|v| v.capacity()).sum()
    }
}

#[cfg(test)]
mod tests;
