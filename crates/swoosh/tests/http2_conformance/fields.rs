//! RFC 9113 section 8: requests and their fields.

use super::Case;
use super::peer::*;

/// The server refuses a request with these fields behind the usual ones.
fn malformed(p: &mut Peer, more: &[(&str, &str)]) -> Verdict {
    malformed_block(p, &request("GET", more))
}

/// The server refuses a request of this block, and answers the next one.
fn malformed_block(p: &mut Peer, block: &[u8]) -> Verdict {
    p.open()?;
    p.send(&get(1, block));
    p.expect_malformed(1)
}

/// The server resets the stream of a request with a name or a value of these octets, and nothing else: the field may be in the
/// table afterwards, and other streams are answered.
fn malformed_field(p: &mut Peer, name: &[u8], value: &[u8]) -> Verdict {
    p.open()?;
    let after = [request("GET", &[]), literal(0x40, b"x-after", b"1")].concat();
    p.send_all(&[
        get(1, &[request("GET", &[]), literal(0x40, b"x-before", b"1"), literal(0x40, name, value)].concat()),
        get(3, &[after, vec![0x80 | 64]].concat()),
        get(5, &[request("GET", &[]), field(name, value)].concat()),
        get(7, &[request("GET", &[]), vec![0x80 | 62, 0x80 | 64]].concat()),
    ]);
    expect_resets_and_responses(p, &[1, 5], &[3, 7])
}

/// The server resets some streams with PROTOCOL_ERROR and answers others, in any order.
fn expect_resets_and_responses(p: &mut Peer, resets: &[u32], responses: &[u32]) -> Verdict {
    let (mut reset, mut answered) = (Vec::new(), Vec::new());
    while reset.len() < resets.len() || answered.len() < responses.len() {
        let frame = p.read()?.ok_or("the connection was closed")?;
        match frame.kind {
            RST_STREAM if resets.contains(&frame.stream) && frame.payload == [0, 0, 0, 1] => reset.push(frame.stream),
            HEADERS if responses.contains(&frame.stream) && frame.has_status("200") => answered.push(frame.stream),
            RST_STREAM | HEADERS | GOAWAY => return Err(format!("{frame:?}")),
            _ => {}
        }
    }
    p.expect_alive()
}

/// The server answers a request with these fields.
fn accepted(p: &mut Peer, block: &[u8]) -> Verdict {
    p.open()?;
    p.send(&get(1, block));
    p.expect_response(1)
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/");
const AUTHORITY: (&str, &str) = (":authority", "localhost");

pub const CASES: &[Case] = &[
    // Messages.
    Case("8.1", "a response ends its stream", |p| accepted(p, &request("GET", &[]))),
    Case("8.1", "trailers end a request", |p| {
        p.open()?;
        let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &field(b"x-checksum", b"7"));
        p.send_all(&[post(1, &request("POST", &[])), frame(DATA, 0, 1, b"x"), trailers]);
        p.expect_response(1)
    }),
    Case("8.1", "a second field block that does not end the stream is malformed", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), post(1, &field(b"x-a", b"1"))]);
        p.expect_malformed(1)
    }),
    Case("8.1", "a response to HEAD has no content", |p| {
        p.open()?;
        p.send(&get(1, &request("HEAD", &[])));
        let head = p.wait("a response", |f| f.kind == HEADERS && f.stream == 1)?;
        if head.flags & END_STREAM == 0 {
            let data = p.wait("the end of the response", |f| f.kind == DATA && f.stream == 1)?;
            if !data.payload.is_empty() {
                return Err("it has content".into());
            }
        }
        Ok(())
    }),
    // Content.
    Case("8.1.1", "DATA shorter than content-length is malformed", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[("content-length", "5")])), last_data(1, b"four")]);
        p.expect_malformed(1)
    }),
    Case("8.1.1", "DATA longer than content-length is malformed", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[("content-length", "3")])), last_data(1, b"four")]);
        p.expect_malformed(1)
    }),
    Case("8.1.1", "several DATA frames that are longer than content-length are malformed", |p| {
        p.open()?;
        let head = post(1, &request("POST", &[("content-length", "5")]));
        p.send_all(&[head, frame(DATA, 0, 1, b"four"), last_data(1, b"four")]);
        p.expect_malformed(1)
    }),
    Case("8.1.1", "a content-length without DATA is malformed", |p| malformed(p, &[("content-length", "5")])),
    Case("8.1.1", "a content-length before trailers is checked, too", |p| {
        p.open()?;
        let head = post(1, &request("POST", &[("content-length", "5")]));
        let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &field(b"x-a", b"1"));
        p.send_all(&[head, frame(DATA, 0, 1, b"x"), trailers]);
        p.expect_malformed(1)
    }),
    Case("8.1.1", "several DATA frames of the length that content-length tells are accepted", |p| {
        p.open()?;
        let head = post(1, &request("POST", &[("content-length", "8")]));
        p.send_all(&[head, frame(DATA, 0, 1, b"four"), last_data(1, b"four")]);
        p.expect_response(1)
    }),
    Case("8.1.1", "a content-length of 0 is accepted", |p| accepted(p, &request("POST", &[("content-length", "0")]))),
    Case("8.1.1", "a content-length that is no number is malformed", |p| malformed(p, &[("content-length", "five")])),
    Case("8.1.1", "a negative content-length is malformed", |p| malformed(p, &[("content-length", "-1")])),
    Case("8.1.1", "two different content-lengths are malformed", |p| {
        p.open()?;
        let head = post(1, &request("POST", &[("content-length", "4"), ("content-length", "5")]));
        p.send_all(&[head, last_data(1, b"four")]);
        p.expect_malformed(1)
    }),
    // Names and values.
    Case("8.2", "a name with upper-case letters is malformed", |p| malformed_field(p, b"X-Test", b"1")),
    Case("8.2.1", "a name with a space is malformed", |p| malformed_field(p, b"x test", b"1")),
    Case("8.2.1", "a name with a control character is malformed", |p| malformed_field(p, b"x\x01test", b"1")),
    Case("8.2.1", "a name with NUL is malformed", |p| malformed_field(p, b"x\0test", b"1")),
    Case("8.2.1", "a name with a line break is malformed", |p| malformed_field(p, b"x\r\ntest", b"1")),
    Case("8.2.1", "a name with DEL is malformed", |p| malformed_field(p, b"x\x7ftest", b"1")),
    Case("8.2.1", "a name beyond ASCII is malformed", |p| malformed_field(p, b"x\xfftest", b"1")),
    Case("8.2.1", "a name with a colon is malformed", |p| malformed_field(p, b"x:test", b"1")),
    Case("8.2.1", "an empty name is malformed", |p| malformed_field(p, b"", b"1")),
    Case("8.2.1", "a value with NUL is malformed", |p| malformed_field(p, b"x-test", b"a\0b")),
    Case("8.2.1", "a value with LF is malformed", |p| malformed_field(p, b"x-test", b"a\nx-more: b")),
    Case("8.2.1", "a value with CR is malformed", |p| malformed_field(p, b"x-test", b"a\rb")),
    Case("8.2.1", "a value that begins with a space is malformed", |p| malformed(p, &[("x-test", " a")])),
    Case("8.2.1", "a value that ends with a tab is malformed", |p| malformed(p, &[("x-test", "a\t")])),
    Case("8.2.1", "an empty value is accepted", |p| accepted(p, &request("GET", &[("x-test", "")]))),
    Case("8.2.1", "a value beyond ASCII is accepted", |p| {
        accepted(p, &[request("GET", &[]), field(b"x-test", b"\xc3\xa4")].concat())
    }),
    // Fields of a connection.
    Case("8.2.2", "connection is malformed", |p| malformed(p, &[("connection", "keep-alive")])),
    Case("8.2.2", "keep-alive is malformed", |p| malformed(p, &[("keep-alive", "timeout=5")])),
    Case("8.2.2", "proxy-connection is malformed", |p| malformed(p, &[("proxy-connection", "keep-alive")])),
    Case("8.2.2", "transfer-encoding is malformed", |p| malformed(p, &[("transfer-encoding", "chunked")])),
    Case("8.2.2", "upgrade is malformed", |p| malformed(p, &[("upgrade", "websocket")])),
    Case("8.2.2", "te other than trailers is malformed", |p| malformed(p, &[("te", "trailers, deflate")])),
    Case("8.2.2", "te of trailers is accepted", |p| accepted(p, &request("GET", &[("te", "trailers")]))),
    Case("8.2.3", "cookies in several fields are accepted", |p| {
        accepted(p, &request("GET", &[("cookie", "a=b"), ("cookie", "c=d")]))
    }),
    // Pseudo-header fields.
    Case("8.3", "an unknown pseudo-header field is malformed", |p| malformed_field(p, b":test", b"1")),
    Case("8.1.1", "a malformed field in trailers is an error of its stream", |p| {
        p.open()?;
        p.send_all(&[
            post(1, &request("POST", &[])),
            frame(DATA, 0, 1, b"x"),
            get(1, &literal(0x40, b"x-test", b"a\r\nb")),
            get(3, &[request("GET", &[]), field(b"x-more", b"1")].concat()),
        ]);
        expect_resets_and_responses(p, &[1], &[3])
    }),
    Case("8.3.1", "a :method with a space is an error of its stream", |p| {
        p.open()?;
        p.send_all(&[
            get(1, &[&[2, 5][..], b"GET X", &request("GET", &[])[13..]].concat()),
            get(3, &request("GET", &[])),
        ]);
        expect_resets_and_responses(p, &[1], &[3])
    }),
    Case("8.3", "a pseudo-header field of responses is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")]))
    }),
    Case("8.3", "a pseudo-header field in trailers is malformed", |p| {
        p.open()?;
        let trailers = get(1, &block(&[(":method", "GET")]));
        p.send_all(&[post(1, &request("POST", &[])), frame(DATA, 0, 1, b"x"), trailers]);
        p.expect_malformed(1)
    }),
    Case("8.3", "a pseudo-header field behind a field is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, ("x-test", "1"), PATH, AUTHORITY]))
    }),
    Case("8.3.1", "an empty :path is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, (":path", ""), AUTHORITY]))
    }),
    Case("8.3.1", "a missing :method is malformed", |p| malformed_block(p, &block(&[SCHEME, PATH, AUTHORITY]))),
    Case("8.3.1", "a missing :scheme is malformed", |p| malformed_block(p, &block(&[METHOD, PATH, AUTHORITY]))),
    Case("8.3.1", "a missing :path is malformed", |p| malformed_block(p, &block(&[METHOD, SCHEME, AUTHORITY]))),
    Case("8.3.1", "no field at all is malformed", |p| malformed_block(p, &[])),
    Case("8.3.1", "two :method are malformed", |p| {
        malformed_block(p, &block(&[METHOD, METHOD, SCHEME, PATH, AUTHORITY]))
    }),
    Case("8.3.1", "two :scheme are malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, SCHEME, PATH, AUTHORITY]))
    }),
    Case("8.3.1", "two :path are malformed", |p| malformed_block(p, &block(&[METHOD, SCHEME, PATH, PATH, AUTHORITY]))),
    Case("8.3.1", "two :authority are malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY]))
    }),
    Case("8.3.1", "a :path that does not begin with a slash is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, (":path", "index"), AUTHORITY]))
    }),
    Case("8.3.1", "a :path with a space is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, (":path", "/ HTTP/1.1"), AUTHORITY]))
    }),
    Case("8.3.1", "a :path with a line break is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, (":path", "/\r\nx-more: 1"), AUTHORITY]))
    }),
    Case("8.3.1", "a :method with a space is malformed", |p| {
        malformed_block(p, &block(&[(":method", "GET /x"), SCHEME, PATH, AUTHORITY]))
    }),
    Case("8.3.1", "an :authority with a user is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, PATH, (":authority", "user@localhost")]))
    }),
    Case("8.3.1", "a Host field that contradicts :authority is malformed", |p| malformed(p, &[("host", "elsewhere")])),
    Case("8.3.1", "a Host field that repeats :authority is accepted", |p| {
        accepted(p, &request("GET", &[("host", "localhost")]))
    }),
    Case("8.3.1", "a Host field in place of :authority is accepted", |p| {
        accepted(p, &block(&[METHOD, SCHEME, PATH, ("host", "localhost")]))
    }),
    Case("8.3.1", "pseudo-header fields in another order are accepted", |p| {
        accepted(p, &block(&[AUTHORITY, PATH, SCHEME, METHOD]))
    }),
    // CONNECT.
    Case("8.5", "CONNECT with :path is malformed", |p| {
        malformed_block(p, &block(&[(":method", "CONNECT"), PATH, AUTHORITY]))
    }),
    Case("8.5", "CONNECT with :scheme is malformed", |p| {
        malformed_block(p, &block(&[(":method", "CONNECT"), SCHEME, AUTHORITY]))
    }),
    Case("8.5", "CONNECT without :authority is malformed", |p| malformed_block(p, &block(&[(":method", "CONNECT")]))),
    Case("8.5", ":protocol of a method other than CONNECT is malformed", |p| {
        malformed_block(p, &block(&[METHOD, SCHEME, PATH, AUTHORITY, (":protocol", "websocket")]))
    }),
];
