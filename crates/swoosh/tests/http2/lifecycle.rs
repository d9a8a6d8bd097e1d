//! The end of HTTP/2 connections: no request of a client that behaves is lost.

use super::common::{MODES, Server, kill, wait_until};
use super::peer::{
    ACK, DATA, END_STREAM, GOAWAY, PING, PREFACE, Peer, REFUSED_STREAM, RST_STREAM, frame, get, post, settings,
};
use super::{open, request, start};
use std::net::SocketAddr;
use std::time::Duration;

/// Answers PINGs until the server has named its last stream, and the connection has ended; how many streams were answered.
fn follow_to_the_end(peer: &mut Peer) -> usize {
    let mut answered = 0;
    let mut last = u32::MAX;
    while let Some(received) = peer.read().unwrap() {
        match received.kind {
            PING if received.flags & ACK == 0 => peer.send(&frame(PING, ACK, 0, &received.payload)),
            GOAWAY => {
                let next = u32::from_be_bytes(received.payload[..4].try_into().unwrap()) & 0x7fff_ffff;
                assert!(next <= last, "the last stream has grown");
                assert_eq!(received.payload[4..8], [0; 4], "NO_ERROR");
                last = next;
            }
            DATA if received.flags & END_STREAM != 0 => answered += 1,
            RST_STREAM => panic!("{received:?}"),
            _ => {}
        }
    }
    answered
}

#[test]
fn a_server_that_ends_answers_what_it_has_accepted() {
    for mode in MODES {
        let mut server = start(&[mode]);
        let mut peer = open(&server);
        for stream in [1, 3, 5] {
            peer.send(&get(stream, &request("GET", "/slow")));
        }
        peer.send(&get(7, &request("GET", "/")));
        // One is answered, so that all have arrived.
        peer.wait("a response", |f| f.kind == DATA && f.flags & END_STREAM != 0).unwrap();
        server.signal(libc::SIGTERM);
        assert_eq!(follow_to_the_end(&mut peer), 3, "{mode}");
        assert!(server.wait().success());
    }
}

#[test]
fn an_idle_connection_is_told_of_the_end() {
    for mode in MODES {
        let mut server = start(&[mode]);
        let mut peer = open(&server);
        peer.expect_alive().unwrap();
        server.signal(libc::SIGTERM);
        assert_eq!(follow_to_the_end(&mut peer), 0, "{mode}");
        assert!(server.wait().success());
    }
}

/// Sends requests one behind the other, as a client that behaves: one that is refused, or that the server has not seen, is
/// sent again. Returns how many were answered.
fn requests(server: &Server, count: usize) -> usize {
    let mut answered = 0;
    let mut peer = open(server);
    let mut stream = 1;
    while answered < count {
        peer.send(&get(stream, &request("GET", "/")));
        let is_answered = loop {
            let Some(received) = peer.read().unwrap() else { break None };
            match received.kind {
                PING if received.flags & ACK == 0 => peer.send(&frame(PING, ACK, 0, &received.payload)),
                DATA if received.stream == stream && received.flags & END_STREAM != 0 => break Some(true),
                RST_STREAM if received.stream == stream => {
                    assert_eq!(received.payload, REFUSED_STREAM.to_be_bytes());
                    break Some(false);
                }
                GOAWAY => {
                    let last = u32::from_be_bytes(received.payload[..4].try_into().unwrap()) & 0x7fff_ffff;
                    if last < stream {
                        break None;
                    }
                }
                _ => {}
            }
        };
        answered += usize::from(is_answered == Some(true));
        match is_answered {
            Some(_) => stream += 2,
            None => (peer, stream) = (open(server), 1),
        }
    }
    answered
}

#[test]
fn a_reload_loses_no_request() {
    for mode in MODES {
        let server = start(&[mode]);
        let pid = server.pid();
        let reloads = std::thread::spawn(move || {
            for _ in 0..5 {
                std::thread::sleep(Duration::from_millis(120));
                kill(pid, libc::SIGUSR1);
            }
        });
        let clients: Vec<_> = (0..3).map(|_| ()).collect();
        std::thread::scope(|scope| {
            let running: Vec<_> = clients.iter().map(|()| scope.spawn(|| requests(&server, 700))).collect();
            running.into_iter().for_each(|client| assert_eq!(client.join().unwrap(), 700, "{mode}"));
        });
        reloads.join().unwrap();
        assert!(wait_until(Duration::from_secs(10), || server.count("worker_start") >= 4), "{mode}: it has reloaded");
    }
}

#[test]
fn a_worker_that_dies_resets_its_stream_and_not_the_connection() {
    let server = start(&["mode=process", "workers=1", "panic_every=3"]);
    let mut peer = open(&server);
    let mut outcomes = Vec::new();
    for stream in [1, 3, 5, 7, 9] {
        peer.send(&post(stream, &request("POST", "/")));
        peer.send(&frame(DATA, END_STREAM, stream, b"x"));
        let last = peer.wait_for_end(stream).unwrap();
        outcomes.push((last.kind, if last.kind == RST_STREAM { last.payload } else { Vec::new() }));
    }
    let internal_error = (RST_STREAM, vec![0, 0, 0, 2]);
    assert!(outcomes.contains(&(DATA, Vec::new())) && outcomes.contains(&internal_error), "{outcomes:?}");
    peer.expect_alive().unwrap();
}

#[test]
fn a_request_that_was_upgraded_is_answered_though_its_worker_ends() {
    let server = start(&["mode=base"]);
    let mut peer = Peer::connect(SocketAddr::from(([127, 0, 0, 1], server.ports[0]))).unwrap();
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    peer.send(format!("GET /slow HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n").as_bytes());
    peer.skip(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".len());
    server.signal(libc::SIGUSR1);
    std::thread::sleep(Duration::from_millis(50));
    peer.send_all(&[PREFACE.to_vec(), settings(&[])]);
    assert_eq!(follow_to_the_end(&mut peer), 1);
}

#[test]
fn a_client_that_never_opens_a_stream_is_closed_by_the_header_timeout_and_one_that_has_is_not() {
    for mode in MODES {
        let server = start(&[mode, "header_timeout=200"]);
        let mut used = open(&server);
        used.send(&get(1, &request("GET", "/")));
        used.expect_response(1).unwrap();
        let mut unused = open(&server);
        let goaway = unused.wait("GOAWAY", |frame| frame.kind == GOAWAY).unwrap();
        assert_eq!(goaway.payload[4..8], [0, 0, 0, 0], "{mode}: NO_ERROR");
        unused.expect_close().unwrap();
        used.expect_alive().unwrap();
    }
}
