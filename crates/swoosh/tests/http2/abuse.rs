//! Known abuses of HTTP/2: each is bounded, ends with the right code, is counted, and disturbs no other client.

use super::common::{MODES, Server, wait_until};
use super::peer::{
    CONTINUATION, DATA, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY, Peer, REFUSED_STREAM, RST_STREAM,
    SETTINGS, field, frame, get, literal, post, rst_stream, settings, window_update,
};
use super::{has_status, open, open_with, request, start};
use std::time::Duration;

const ENHANCE_YOUR_CALM: u32 = 11;

/// The number of connections and streams that the server has refused or aborted.
fn aborted(server: &Server) -> u64 {
    let mut peer = open(server);
    peer.send(&get(1, &request("GET", "/aborted")));
    let body = peer.wait("the number", |f| f.kind == DATA && !f.payload.is_empty()).unwrap();
    String::from_utf8(body.payload).unwrap().parse().unwrap()
}

/// Sends pieces of an abuse until the server ends the connection, at most `limit` of them.
fn abuse(name: &str, limit: u32, arguments: &[&str], mut piece: impl FnMut(&mut Peer, u32)) {
    for mode in MODES {
        let server = start(&[&[mode], arguments].concat());
        let before = aborted(&server);
        let mut peer = open(&server);
        for n in 0..limit {
            piece(&mut peer, n);
        }
        if let Err(why) = peer.expect_connection_error(&[ENHANCE_YOUR_CALM]) {
            panic!("{mode}: {name}: {why}");
        }
        assert!(wait_until(Duration::from_secs(5), || aborted(&server) > before), "{mode}: {name} is not counted");
        let mut other = open(&server);
        other.send(&get(1, &request("GET", "/")));
        other.expect_response(1).unwrap();
    }
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_others_answered() {
    for mode in MODES {
        let server = start(&[mode, "streams=3"]);
        let mut peer = open(&server);
        for stream in [1, 3, 5, 7] {
            peer.send(&post(stream, &request("POST", "/")));
        }
        peer.expect_stream_error(7, &[REFUSED_STREAM]).unwrap();
        for stream in [1, 3, 5] {
            peer.send(&frame(DATA, 1, stream, b"body"));
            peer.expect_response(stream).unwrap();
        }
        peer.send(&get(9, &request("GET", "/")));
        peer.expect_response(9).unwrap();
    }
}

#[test]
fn a_list_of_fields_beyond_the_limit_is_answered_431() {
    for mode in MODES {
        let server = start(&[mode, "header_list=2000"]);
        let mut peer = open(&server);
        let long = [request("GET", "/"), field(b"x-long", &[b'v'; 2500])].concat();
        peer.send(&get(1, &long));
        let head = peer.wait("a response", |f| f.kind == HEADERS && f.stream == 1).unwrap();
        assert!(has_status(&head, 431), "{mode}: {:?}", head.payload);
        peer.send(&get(3, &request("GET", "/")));
        peer.expect_response(3).unwrap();
    }
}

/// CVE-2023-44487.
#[test]
fn rapid_resets_end_the_connection() {
    abuse("rapid reset", 5000, &[], |peer, n| {
        let stream = 2 * n + 1;
        peer.send_all(&[get(stream, &request("GET", "/")), rst_stream(stream, 8)]);
    });
}

/// CVE-2025-8671: the client makes the server reset its streams.
#[test]
fn resets_that_the_client_provokes_end_the_connection() {
    abuse("made you reset", 5000, &[], |peer, n| {
        let stream = 2 * n + 1;
        peer.send_all(&[get(stream, &request("GET", "/")), window_update(stream, 0x7fff_ffff)]);
    });
    abuse("malformed requests", 5000, &[], |peer, n| {
        peer.send(&get(2 * n + 1, &[request("GET", "/"), field(b"connection", b"close")].concat()));
    });
}

/// CVE-2024-27316.
#[test]
fn a_flood_of_continuations_ends_the_connection() {
    abuse("empty CONTINUATION", 5000, &[], |peer, n| match n {
        0 => peer.send(&frame(HEADERS, 1, 1, &request("GET", "/"))),
        _ => peer.send(&frame(CONTINUATION, 0, 1, b"")),
    });
    abuse("long CONTINUATION", 100, &[], |peer, n| match n {
        0 => peer.send(&frame(HEADERS, 1, 1, &request("GET", "/"))),
        _ => peer.send(&frame(CONTINUATION, 0, 1, &[0x82; 16_000])),
    });
}

/// CVE-2019-9515.
#[test]
fn a_flood_of_settings_ends_the_connection() {
    abuse("settings", 5000, &[], |peer, _| peer.send(&settings(&[])));
}

/// CVE-2019-9512.
#[test]
fn a_flood_of_pings_ends_the_connection() {
    abuse("pings", 5000, &[], |peer, _| peer.send(&frame(PING, 0, 0, b"12345678")));
}

#[test]
fn a_flood_of_window_updates_ends_the_connection() {
    abuse("window updates", 300, &[], |peer, _| peer.send(&window_update(0, 1).repeat(100)));
}

/// CVE-2019-9513.
#[test]
fn a_flood_of_priorities_ends_the_connection() {
    abuse("priorities", 5000, &[], |peer, n| peer.send(&frame(PRIORITY, 0, 2 * n + 1, &[0, 0, 0, 0, 16])));
}

/// CVE-2019-9518.
#[test]
fn a_flood_of_empty_frames_ends_the_connection() {
    abuse("empty DATA", 5000, &[], |peer, n| match n {
        0 => peer.send(&post(1, &request("POST", "/"))),
        _ => peer.send(&frame(DATA, 0, 1, b"")),
    });
}

/// CVE-2016-6581.
#[test]
fn a_bomb_of_compressed_fields_ends_the_connection() {
    abuse("HPACK bomb", 1, &[], |peer, _| {
        let large = literal(0x40, b"x-large", &[b'v'; 3500]);
        let references = vec![0x80 | 62; 10_000];
        peer.send(&get(1, &[request("GET", "/"), large, references].concat()));
    });
}

#[test]
fn a_field_block_that_is_never_complete_ends_the_connection() {
    abuse("slow fields", 1, &["header_timeout=1000"], |peer, _| {
        peer.send(&frame(HEADERS, 1, 1, &request("GET", "/")));
    });
    abuse("slow fields in many frames", 20, &["header_timeout=1000"], |peer, n| {
        match n {
            0 => peer.send(&frame(HEADERS, 1, 1, &request("GET", "/"))),
            _ => peer.send(&frame(CONTINUATION, 0, 1, b"")),
        }
        std::thread::sleep(Duration::from_millis(200));
    });
}

/// CVE-2019-9511, CVE-2019-9517: a client that asks for much, and takes nothing of it.
#[test]
fn responses_that_are_not_read_are_given_up() {
    for mode in MODES {
        let server = start(&[mode, "body_timeout=300"]);
        let before = aborted(&server);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 10)]);
        for stream in [1, 3, 5] {
            peer.send(&get(stream, &request("GET", "/size/100000")));
        }
        let mut left = vec![1, 3, 5];
        while !left.is_empty() {
            let reset = peer.read().unwrap().expect("the connection stays open");
            if reset.kind == RST_STREAM {
                assert_eq!(reset.payload, ENHANCE_YOUR_CALM.to_be_bytes());
                left.retain(|stream| *stream != reset.stream);
            }
        }
        assert!(aborted(&server) >= before + 3, "{mode}");
        peer.send_all(&[settings(&[(INITIAL_WINDOW_SIZE, 100)]), get(7, &request("GET", "/"))]);
        peer.expect_response(7).unwrap();
    }
}

#[test]
fn the_answers_to_a_client_that_does_not_read_are_bounded() {
    for mode in MODES {
        let server = start(&[mode, "kernel_send=4096", "body_timeout=300"]);
        let mut peer = open_with(&server, &[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]);
        peer.send(&window_update(0, 0x7fff_0000));
        for n in 0..100 {
            peer.send(&get(2 * n + 1, &request("GET", "/size/200000")));
        }
        // It is closed for its client's silence, without a GOAWAY that could not be sent.
        let is_reported = |line: &str| line.contains("connection 1 from") && line.contains("does not read");
        let closed = || server.log().lines().any(is_reported);
        assert!(wait_until(Duration::from_secs(10), closed), "{mode}: {}", server.log());
        let mut end = None;
        while let Ok(Some(frame)) = peer.read() {
            end = Some(frame.kind);
        }
        assert_ne!(end, Some(GOAWAY), "{mode}");
        assert!(end.is_none_or(|kind| kind != SETTINGS), "{mode}");
        open(&server).expect_alive().unwrap();
    }
}
