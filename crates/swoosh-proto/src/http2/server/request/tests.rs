use super::*;
use crate::http2::hpack::decoder::Decoder;

/// The message of a request with these fields.
fn message(fields: &[(&str, &str)], has_body: bool) -> Result<(String, Head), &'static str> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut workspace = Workspace::default();
    let (mut builder, scratch, message) = workspace.split(ServerSettings {
        max_header_list_size: 1000,
        max_headers: 8,
        grpc_streams: true,
        ..ServerSettings::default()
    });
    Decoder::new(4096).decode(&block, scratch, |field| builder.take(field)).unwrap();
    let head = builder.finish(has_body, message)?;
    Ok((String::from_utf8(message.clone()).unwrap(), head))
}

fn post(fields: &[(&str, &str)], has_body: bool) -> Result<(String, Head), &'static str> {
    let usual = [(":method", "POST"), (":scheme", "http"), (":path", "/p?q=1"), (":authority", "a.test")];
    message(&[&usual[..], fields].concat(), has_body)
}

#[test]
fn a_head_becomes_a_message_with_one_host_and_one_cookie_field() {
    let fields = [("cookie", "a=1"), ("x-one", "1"), ("host", "A.test"), ("cookie", "b=2"), ("te", "trailers")];
    let (text, head) = post(&fields, false).unwrap();
    let wanted = "POST /p?q=1 HTTP/1.1\r\nhost: a.test\r\nx-one: 1\r\nte: trailers\r\ncookie: a=1; b=2\r\n\r\n";
    assert_eq!((text.as_str(), head.form), (wanted, BodyForm::None));
}

#[test]
fn the_framing_of_the_body_is_the_servers_own() {
    let (text, head) = post(&[("content-length", "5")], true).unwrap();
    let wanted = "POST /p?q=1 HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\n";
    assert_eq!((text.as_str(), head.form, head.content_length), (wanted, BodyForm::Length, Some(5)));
    let (text, head) = post(&[], true).unwrap();
    let wanted = "POST /p?q=1 HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!((text.as_str(), head.form, head.content_length), (wanted, BodyForm::Chunked, None));
    for (lengths, is_valid) in [
        (&["5", "5"][..], true),
        (&["5", "6"], false),
        (&["five"], false),
        (&["+5"], false),
        (&[""], false),
        (&["99999999999999999999"], false),
    ] {
        let fields: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        assert_eq!(post(&fields, true).is_ok(), is_valid, "{lengths:?}");
    }
    assert!(post(&[("content-length", "5")], false).is_err());
    assert!(post(&[("content-length", "0")], false).is_ok());
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
        let (text, head) = post(&fields, true).unwrap();
        assert_eq!((head.form, text.contains("content-length")), (wanted, wanted == BodyForm::Length), "{media_type}");
        assert_eq!(post(&fields[..1], false).unwrap().1.form, BodyForm::None);
    }
}

#[test]
fn a_websocket_is_a_handshake_of_http_1() {
    let connect = |protocol: &'static str, method: &'static str, has_body| {
        let fields = [
            (":method", method),
            (":protocol", protocol),
            (":scheme", "https"),
            (":path", "/chat"),
            (":authority", "a"),
            ("sec-websocket-key", "own"),
            ("sec-websocket-version", "13"),
        ];
        message(&fields, has_body)
    };
    let (text, head) = connect("websocket", "CONNECT", true).unwrap();
    let wanted = "GET /chat HTTP/1.1\r\nhost: a\r\nsec-websocket-version: 13\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    assert_eq!((text.as_str(), head.form), (wanted, BodyForm::Tunnel));
    assert!(connect("websocket", "CONNECT", false).is_err());
    assert!(connect("websocket", "GET", true).is_err());
    assert!(connect("connect-udp", "CONNECT", true).is_err());
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
        (":path", "/"),
        (":status", "200"),
    ] {
        assert!(post(&[field], true).is_err(), "{field:?}");
    }
    let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    assert!(message(&[&usual[..], &[("host", "a"), ("host", "a")]].concat(), false).is_err());
    assert!(message(&[&usual[..2], &[("x", "1")], &usual[2..]].concat(), false).is_err(), "the order");
    for missing in 0..3 {
        let mut fields = usual.to_vec();
        fields.remove(missing);
        assert!(message(&fields, false).is_err(), "{missing}");
        fields.insert(missing, (usual[missing].0, ""));
        assert!(message(&fields, false).is_err(), "{missing} is empty");
    }
}

#[test]
fn targets_and_authorities() {
    let get = |method, path, authority| {
        message(&[(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)], false)
    };
    for path in ["/a?b", "/%20", "/\u{e4}"] {
        assert!(get("GET", path, "a:80").is_ok(), "{path}");
    }
    for path in ["a", "*", "http://a/", "/ a", "/\t", "/\x7f"] {
        assert!(get("GET", path, "a").is_err(), "{path}");
    }
    assert!(get("OPTIONS", "*", "a").is_ok());
    for authority in ["", "u@a", "a/b", "a?b", "a#b", "a b"] {
        assert!(get("GET", "/", authority).is_err(), "{authority}");
    }
    assert!(get("GET", "/", "[::1]:80").is_ok());
    let (text, _) = message(&[(":method", "CONNECT"), (":authority", "a:443")], true).unwrap();
    assert!(text.starts_with("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n"));
    assert!(message(&[(":method", "CONNECT")], true).is_err());
    assert!(message(&[(":method", "CONNECT"), (":authority", "a"), (":path", "/")], true).is_err());
}

#[test]
fn more_fields_than_the_limits_allow_are_refused() {
    let long = "v".repeat(100);
    let fields = vec![("x-long", &long[..]); 7];
    assert!(post(&fields, false).unwrap().1.is_too_large);
    let fields = vec![("x", "1"); 9];
    assert!(post(&fields, false).unwrap().1.is_too_large);
    assert!(!post(&fields[..8], false).unwrap().1.is_too_large);
}
