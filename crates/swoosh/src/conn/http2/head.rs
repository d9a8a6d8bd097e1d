//! The head of a request: fields of HTTP/2 to an HTTP/1 message.
//!
//! Invariant: the message says what the request says, and no more. `h2` has checked names and values; here nothing of the
//! client can become framing of the message, which the server writes itself.

use http_types::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, TE};
use http_types::{Method, request};

/// The framing of a request's body within its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// There is no body.
    None,
    /// The client has given its length, and `h2` checks it.
    Length,
    /// In chunks.
    Chunked,
    /// Sent as packets of its own behind the head; the request is handled before the body is complete.
    Parts,
    /// The bytes of a WebSocket (RFC 8441).
    Tunnel,
}

/// The rule for heads that a request violates: its stream is reset with PROTOCOL_ERROR.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Appends the HTTP/1 message of a request's head. `has_body`: frames of a body may follow. `streams_grpc`: gRPC calls are
/// handled before their body is complete.
pub(super) fn serialize(
    out: &mut Vec<u8>,
    head: &request::Parts,
    has_body: bool,
    streams_grpc: bool,
) -> Result<BodyForm, Malformed> {
    let protocol = head.extensions.get::<h2::ext::Protocol>();
    let form = match protocol {
        Some(protocol) if protocol.as_str() == "websocket" && has_body => BodyForm::Tunnel,
        Some(_) => return Err(Malformed("`:protocol` is not `websocket`, or ends its request (RFC 8441)")),
        None if !has_body => BodyForm::None,
        None if streams_grpc && is_grpc(head) => BodyForm::Parts,
        None if head.headers.contains_key(CONTENT_LENGTH) => BodyForm::Length,
        None => BodyForm::Chunked,
    };
    put_request_line(out, head, form)?;
    put_host(out, head)?;
    for (name, value) in &head.headers {
        // RFC 9113 section 8.2.1.
        if let [b' ' | b'\t', ..] | [.., b' ' | b'\t'] = value.as_bytes() {
            return Err(Malformed("a value begins or ends with a space or a tab"));
        }
        if is_left_out(name, value.as_bytes(), form)? {
            continue;
        }
        put(out, name.as_str(), value.as_bytes());
    }
    put_cookies(out, head);
    match form {
        BodyForm::Chunked => put(out, "transfer-encoding", b"chunked"),
        BodyForm::Tunnel => {
            put(out, "connection", b"Upgrade");
            put(out, "upgrade", b"websocket");
            // The key is not used over HTTP/2 (RFC 8441 section 5.1), but handshakes of HTTP/1 have one.
            put(out, "sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA==");
        }
        BodyForm::None | BodyForm::Length | BodyForm::Parts => {}
    }
    out.extend_from_slice(b"\r\n");
    Ok(form)
}

/// Whether it is a call of gRPC, and not of gRPC-Web, whose trailers are part of the body.
fn is_grpc(head: &request::Parts) -> bool {
    let media_type = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let rest = media_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    head.method == Method::POST && rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';' | b' ', ..]))
}

fn put_request_line(out: &mut Vec<u8>, head: &request::Parts, form: BodyForm) -> Result<(), Malformed> {
    let method = if form == BodyForm::Tunnel { "GET" } else { head.method.as_str() };
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    let target = match head.uri.path_and_query() {
        // There was no `:path`.
        _ if head.uri.path().is_empty() && head.method != Method::CONNECT => {
            return Err(Malformed("`:path` is missing"));
        }
        _ if head.method == Method::CONNECT && form != BodyForm::Tunnel => {
            head.uri.authority().ok_or(Malformed("CONNECT without `:authority`"))?.as_str()
        }
        Some(path) => path.as_str(),
        None => return Err(Malformed("`:path` is missing")),
    };
    if target.is_empty() || !target.bytes().all(|b| b > b' ' && b != 0x7f) {
        return Err(Malformed("`:path` has a space or a control character"));
    }
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    Ok(())
}

/// The authority, else the `host` field (RFC 9113 section 8.3.1). Two that differ are malformed.
fn put_host(out: &mut Vec<u8>, head: &request::Parts) -> Result<(), Malformed> {
    let mut fields = head.headers.get_all(HOST).iter();
    let (host, second) = (fields.next(), fields.next());
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    match (authority, host) {
        _ if second.is_some() => Err(Malformed("there are several `host` fields")),
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host.as_bytes()) => {
            Err(Malformed("`:authority` and `host` differ"))
        }
        (Some(authority), _) => {
            put(out, "host", authority);
            Ok(())
        }
        (None, Some(host)) => {
            put(out, "host", host.as_bytes());
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// Whether a field is not part of the message, or is put elsewhere.
fn is_left_out(name: &HeaderName, value: &[u8], form: BodyForm) -> Result<bool, Malformed> {
    // Fields of an HTTP/1 connection make a request malformed (RFC 9113 section 8.2.2).
    match name.as_str() {
        "connection" | "transfer-encoding" | "keep-alive" | "upgrade" | "proxy-connection" => {
            return Err(Malformed("it has a field of HTTP/1.1's connection"));
        }
        "sec-websocket-key" => return Ok(form == BodyForm::Tunnel),
        _ => {}
    }
    if *name == TE {
        return if value.eq_ignore_ascii_case(b"trailers") {
            Ok(false)
        } else {
            Err(Malformed("`te` is not `trailers`"))
        };
    }
    if *name == CONTENT_LENGTH {
        // A tunnel has no length, and the length of no body is no framing.
        return Ok(matches!(form, BodyForm::Tunnel | BodyForm::Parts));
    }
    Ok(*name == HOST || *name == COOKIE)
}

/// Cookies are one field in HTTP/1 (RFC 9113 section 8.2.3).
fn put_cookies(out: &mut Vec<u8>, head: &request::Parts) {
    let mut cookies = head.headers.get_all(COOKIE).iter();
    let Some(first) = cookies.next() else { return };
    out.extend_from_slice(b"cookie: ");
    out.extend_from_slice(first.as_bytes());
    for cookie in cookies {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(cookie.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_types::Request;

    fn message(uri: &str, fields: &[(&str, &str)], has_body: bool) -> Result<(String, BodyForm), Malformed> {
        let mut request = Request::builder().method("POST").uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        let form = serialize(&mut out, &head, has_body, true)?;
        Ok((String::from_utf8(out).unwrap(), form))
    }

    #[test]
    fn a_head_becomes_a_message_with_one_host_and_one_cookie_field() {
        let fields = [("cookie", "a=1"), ("x-one", "1"), ("host", "A.test"), ("cookie", "b=2"), ("te", "trailers")];
        let (text, form) = message("http://a.test/p?q=1", &fields, false).unwrap();
        let wanted = "POST /p?q=1 HTTP/1.1\r\nhost: a.test\r\nx-one: 1\r\nte: trailers\r\ncookie: a=1; b=2\r\n\r\n";
        assert_eq!((text.as_str(), form), (wanted, BodyForm::None));
    }

    #[test]
    fn the_framing_of_the_body_is_the_servers_own() {
        let (text, form) = message("http://a/", &[("content-length", "5")], true).unwrap();
        assert_eq!(
            (text.as_str(), form),
            ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", BodyForm::Length)
        );
        let (text, form) = message("http://a/", &[], true).unwrap();
        let wanted = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!((text.as_str(), form), (wanted, BodyForm::Chunked));
    }

    #[test]
    fn a_grpc_call_is_a_message_of_its_head() {
        for (media_type, wanted) in [
            ("application/grpc", BodyForm::Parts),
            ("application/grpc+proto", BodyForm::Parts),
            ("application/grpc-web", BodyForm::Length),
            ("application/json", BodyForm::Length),
        ] {
            let fields = [("content-type", media_type), ("content-length", "5")];
            let (text, form) = message("http://a/", &fields, true).unwrap();
            assert_eq!((form, text.contains("content-length")), (wanted, wanted == BodyForm::Length), "{media_type}");
            assert_eq!(message("http://a/", &fields, false).unwrap().1, BodyForm::None);
        }
    }

    #[test]
    fn fields_of_a_connection_and_contradictions_are_malformed() {
        for field in [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("keep-alive", "1"),
            ("proxy-connection", "x"),
            ("te", "gzip"),
            ("host", "b.test"),
            ("x-space", " v"),
            ("x-tab", "v\t"),
        ] {
            assert!(message("http://a.test/", &[field], true).is_err(), "{field:?}");
        }
        assert!(message("/", &[("host", "a"), ("host", "a")], true).is_err());
    }
}
