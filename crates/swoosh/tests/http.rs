//! HTTP over real sockets: complete requests reach workers, and malformed ones are refused.

mod common;

use common::{MODES, Server, all, connect};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

fn start(mode: &str) -> Server {
    Server::start(&[mode, "framing=http", "package_max=1000000"])
}

/// The statuses and bodies in a stream of answers.
fn facts(answers: &str) -> Vec<String> {
    let mut facts = Vec::new();
    let mut rest = answers;
    while let Some(at) = rest.find("\r\n\r\n") {
        let head = &rest[..at];
        let length = head.split("Content-Length: ").nth(1).map_or(0, |l| l.lines().next().unwrap().parse().unwrap());
        facts.push(format!("{} {}", &head[9..12], &rest[at + 4..at + 4 + length]));
        rest = &rest[at + 4 + length..];
    }
    facts
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for mode in MODES {
        let server = start(mode);
        let bytes = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                     POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\
                     GET /slow HTTP/1.1\r\nHost: a\r\n\r\nHEAD /5 HTTP/1.0\r\n\r\n";
        for size in [1, 7, 1000] {
            let mut stream = connect(&server);
            stream.set_nodelay(true).unwrap();
            for piece in bytes.as_bytes().chunks(size) {
                stream.write_all(piece).unwrap();
            }
            let wanted = ["200 GET /1 0", "200 POST /2 3", "200 POST /3 2", "200 GET /slow 0", "200 HEAD /5 0"];
            assert_eq!(facts(&all(stream)), wanted, "{mode}, in pieces of {size}");
        }
    }
}

/// RFC 9112 section 9.6.
#[test]
fn nothing_is_read_after_a_request_that_closes_its_connection() {
    for mode in MODES {
        let server = start(mode);
        for last in [
            "POST /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
            "POST /2 HTTP/1.0\r\n\r\n",
        ] {
            let bytes =
                format!("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n{last}GET /never HTTP/1.1\r\nHost: a\r\n\r\nno request");
            for size in [1, 1000] {
                let mut stream = connect(&server);
                for piece in bytes.as_bytes().chunks(size) {
                    // It may be closed already.
                    let _ = stream.write_all(piece);
                }
                let mut answers = Vec::new();
                let _ = stream.read_to_end(&mut answers);
                let answers = facts(&String::from_utf8(answers).unwrap());
                assert_eq!(answers.len(), 2, "{mode}, in pieces of {size}: {answers:?}");
            }
        }
    }
}

#[test]
fn bad_requests_are_answered_and_closed() {
    for mode in MODES {
        let server = start(mode);
        for (bytes, status) in [
            ("GET / HTTP/1.1\nHost: a\n\n", "400"),
            ("GET / HTTP/3.0\r\n\r\n", "505"),
            ("FOO / HTTP/1.1\r\nHost: a\r\n\r\n", "501"),
            ("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "413"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ] {
            let mut stream = connect(&server);
            stream.write_all(bytes.as_bytes()).unwrap();
            let answer = all(stream);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{mode}: {bytes:?}: {answer:?}");
            assert!(answer.contains("Connection: close\r\n"));
        }
        let mut stream = connect(&server);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(facts(&all(stream)), ["200 GET / 0"], "{mode}: it lives on");
    }
}

#[test]
fn a_refusal_waits_for_earlier_responses() {
    for mode in MODES {
        let server = start(mode);
        let mut stream = connect(&server);
        stream
            .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nbroken\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert_eq!(facts(&all(stream)), ["200 GET /slow 0", "200 GET /2 0", "400 "], "{mode}");
    }
}

#[test]
fn the_client_of_a_refused_upload_gets_the_response() {
    for mode in MODES {
        let server = start(mode);
        let mut stream = connect(&server);
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n").unwrap();
        // Nobody listens any more, but a reset would take the answer away.
        for _ in 0..40 {
            if stream.write_all(&[0; 65_536]).is_err() {
                break;
            }
        }
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 413", "{mode}");
    }
}

#[test]
fn continue_is_sent_while_the_body_is_missing() {
    for mode in MODES {
        let server = start(mode);
        let mut stream = connect(&server);
        stream.write_all(b"POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"body").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(facts(&all(stream)), ["200 POST /e 4"], "{mode}");
    }
}

#[test]
fn a_long_body_and_many_pipelined_requests_arrive() {
    for mode in MODES {
        let server = start(mode);
        let mut stream = connect(&server);
        let body = vec![b'x'; 900_000];
        stream
            .write_all(format!("POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes())
            .unwrap();
        stream.write_all(&body).unwrap();
        let reader = stream.try_clone().unwrap();
        let answers = std::thread::spawn(move || facts(&all(reader)));
        let start = Instant::now();
        for n in 0..20_000 {
            let close = if n == 19_999 { "Connection: close\r\n" } else { "" };
            stream.write_all(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n{close}\r\n").as_bytes()).unwrap();
        }
        let answers = answers.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(answers.len(), 20_001, "{mode}");
        assert_eq!(answers[0], "200 POST /long 900000");
        assert!(answers[1..].iter().enumerate().all(|(n, answer)| *answer == format!("200 GET /{n} 0")), "{mode}");
    }
}
