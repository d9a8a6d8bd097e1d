//! Requests and responses of HTTP/2, by clients of our own and by curl.

use super::common::{MODES, connect, wait_until};
use super::peer::{
    DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, RST_STREAM, block, field, frame, get, post,
    rst_stream, window_update,
};
use super::{has_status, open, open_with, request, start};
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn one_port_speaks_both_versions() {
    for mode in MODES {
        let server = start(&[mode]);
        let mut old = connect(&server);
        old.write_all(b"GET /old HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        old.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("GET /old 0"), "{mode}: {text}");
        let mut new = open(&server);
        new.send(&get(1, &request("GET", "/new")));
        new.expect_response(1).unwrap();
        // The preface's first bytes are those of a request, too.
        let mut slow = connect(&server);
        slow.write_all(b"P").unwrap();
        slow.write_all(b"OST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab").unwrap();
        text.clear();
        slow.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("POST /slow 2"), "{mode}: {text}");
    }
}

#[test]
fn a_port_without_the_setting_speaks_http_1_only() {
    for mode in MODES {
        let server = super::Server::start(&[mode, "framing=http"]);
        let mut client = connect(&server);
        client.write_all(super::peer::PREFACE).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 "), "{mode}: {text}");
        let mut client = connect(&server);
        let upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        client.write_all(format!("GET /stays HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n").as_bytes()).unwrap();
        text.clear();
        client.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("GET /stays 0"), "{mode}: {text}");
    }
}

#[test]
fn bodies_arrive_whole_whether_their_length_is_announced_or_not() {
    for mode in MODES {
        // A body of this length goes to a file.
        let server = start(&[mode, "input_buffer=50000", "package_max=1000000"]);
        for (body, announced) in [(10, true), (10, false), (60_000, true), (60_000, false)] {
            let mut peer = open(&server);
            let mut head = request("POST", "/");
            if announced {
                head.extend(field(b"content-length", body.to_string().as_bytes()));
            }
            peer.send(&post(1, &head));
            for (n, piece) in vec![b'x'; body].chunks(10_000).enumerate() {
                let last = (n + 1) * 10_000 >= body;
                peer.send(&frame(DATA, if last { END_STREAM } else { 0 }, 1, piece));
            }
            let answer = peer.wait("the answer", |f| f.kind == DATA && !f.payload.is_empty()).unwrap();
            let text = String::from_utf8(answer.payload).unwrap();
            // The test server sees the head alone of a stored request.
            assert!(text == format!("POST / {body}") || body == 60_000, "{mode}: {text}, announced: {announced}");
        }
    }
}

#[test]
fn a_response_follows_the_windows_of_its_client() {
    for mode in MODES {
        let server = start(&[mode]);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 7)]);
        peer.send(&get(1, &request("GET", "/size/20")));
        for (size, window) in [(7, 3), (3, 10), (10, 0)] {
            let data = peer.wait("a piece", |f| f.kind == DATA).unwrap();
            assert_eq!((data.payload.len(), data.flags & END_STREAM != 0), (size, window == 0), "{mode}");
            if window > 0 {
                peer.send(&window_update(1, window));
            }
        }
    }
}

#[test]
fn a_stream_that_is_reset_leaves_the_others_alone() {
    for mode in MODES {
        let server = start(&[mode]);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 10)]);
        peer.send_all(&[get(1, &request("GET", "/size/1000")), get(3, &request("GET", "/size/20"))]);
        peer.wait("a piece", |f| f.kind == DATA && f.stream == 1).unwrap();
        peer.send_all(&[rst_stream(1, 8), window_update(3, 10)]);
        let last = peer.wait("the end", |f| f.stream == 3 && f.flags & END_STREAM != 0 && f.kind == DATA).unwrap();
        assert!(!last.payload.is_empty(), "{mode}");
        peer.expect_alive().unwrap();
    }
}

#[test]
fn every_stream_is_released_however_it_ends() {
    for mode in MODES {
        let server = start(&[mode]);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 100)]);
        for n in 0..40 {
            let stream = 2 * n + 1;
            match n % 4 {
                0 => peer.send(&get(stream, &request("GET", "/"))),
                1 => peer.send(&get(stream, &request("HEAD", "/"))),
                2 => peer.send_all(&[post(stream, &request("POST", "/")), frame(DATA, END_STREAM, stream, b"x")]),
                _ => peer.send_all(&[get(stream, &request("GET", "/size/1000")), rst_stream(stream, 8)]),
            }
            if n % 4 < 3 {
                peer.expect_response(stream).unwrap();
            }
        }
        let mut stream = 101;
        let mut streams = || {
            stream += 2;
            peer.send(&get(stream, &request("GET", "/streams")));
            let body = peer.wait("the number", |f| f.kind == DATA && f.stream == stream && !f.payload.is_empty());
            String::from_utf8(body.unwrap().payload).unwrap()
        };
        let mut open = String::new();
        let released = wait_until(Duration::from_secs(5), || {
            open = streams();
            open == "1"
        });
        assert!(released, "{mode}: {open} streams are open");
    }
}

#[test]
fn an_early_response_to_an_upload_ends_it_without_an_error() {
    for mode in MODES {
        let server = start(&[mode, "package_max=20000"]);
        let mut peer = open(&server);
        let head = [request("POST", "/"), field(b"content-length", b"100000")].concat();
        peer.send_all(&[post(1, &head), frame(DATA, 0, 1, &[b'x'; 1000])]);
        let answer = peer.wait("a refusal", |f| f.kind == HEADERS && f.stream == 1).unwrap();
        assert!(has_status(&answer, 413), "{mode}: {:?}", answer.payload);
        let reset = loop {
            let frame = peer.read().unwrap().expect("the connection stays open");
            if frame.kind == RST_STREAM {
                break frame;
            }
        };
        assert_eq!((reset.stream, reset.payload.as_slice()), (1, &[0; 4][..]), "{mode}: NO_ERROR");
        peer.send(&get(3, &request("GET", "/")));
        peer.expect_response(3).unwrap();
    }
}

/// RFC 8441.
#[test]
fn an_unknown_protocol_is_refused_on_its_stream() {
    for mode in MODES {
        let server = start(&[mode]);
        let mut peer = open(&server);
        let connect =
            [(":method", "CONNECT"), (":protocol", "other"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
        peer.send(&frame(HEADERS, END_HEADERS, 1, &block(&connect)));
        peer.expect_stream_error(1, &[1]).unwrap();
        peer.expect_alive().unwrap();
    }
}

#[test]
fn downloads_on_one_connection_take_turns() {
    const STREAMS: u32 = 20;
    const SIZE: usize = 1_000_000;
    for mode in MODES {
        let server = start(&[mode]);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]);
        peer.send(&window_update(0, 0x7fff_0000));
        for n in 0..STREAMS {
            peer.send(&get(2 * n + 1, &request("GET", &format!("/size/{SIZE}"))));
        }
        // Bytes of all streams before the last piece of each, and the longest gap between two pieces.
        let (mut all, mut open, mut gap) = (0, std::collections::HashMap::new(), 0);
        let mut left = STREAMS;
        while left > 0 {
            let frame = peer.wait("a piece", |f| f.kind == DATA).unwrap();
            if let Some(before) = open.insert(frame.stream, all) {
                gap = gap.max(all - before);
            }
            all += frame.payload.len();
            if frame.flags & END_STREAM != 0 {
                open.remove(&frame.stream);
                left -= 1;
            }
        }
        assert_eq!(all, STREAMS as usize * SIZE, "{mode}");
        assert!(gap < 3_000_000, "{mode}: one stream has waited for {gap} bytes of the others");
    }
}
