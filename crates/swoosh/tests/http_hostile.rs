//! Requests over HTTP that are slow, large or hostile: each costs its own connection, and nobody else's.

mod common;

use common::{PATIENCE, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MODES: [&str; 2] = ["mode=process", "mode=base"];

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Everything that comes until the connection is closed.
fn all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Sends one byte every 20 ms for as long as they are taken and nothing is answered; the answer.
fn drip(mut stream: TcpStream, bytes: &[u8]) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut answer = Vec::new();
    for byte in bytes {
        let _ = stream.write_all(&[*byte]);
        match stream.read_to_end(&mut answer) {
            Err(e) if e.kind() == ErrorKind::WouldBlock && answer.is_empty() => {}
            _ => break,
        }
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_head_that_does_not_end_is_answered_408_however_busily_it_comes() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "header_timeout=300"]);
        let mut still = connect(&server);
        still.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
        let endless = b"GET / HTTP/1.1\r\n".iter().chain(b"X: y\r\n".iter().cycle().take(2000)).copied();
        let busy = drip(connect(&server), &endless.collect::<Vec<u8>>());
        assert!(busy.starts_with("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"), "{mode}: {busy:?}");
        let still = all(still);
        assert!(still.starts_with("HTTP/1.1 408 "), "{mode}: {still:?}");
        // A connection that never asks is closed without a word.
        assert_eq!(all(connect(&server)), "", "{mode}");
    }
}

#[test]
fn a_body_that_pauses_is_answered_408_and_one_that_comes_slowly_is_taken() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "body_timeout=400", "header_timeout=200"]);
        for form in ["Content-Length: 9\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"] {
            let mut stream = connect(&server);
            stream.write_all(format!("POST / HTTP/1.1\r\n{form}").as_bytes()).unwrap();
            let answer = all(stream);
            assert!(answer.starts_with("HTTP/1.1 408 "), "{mode}: {answer:?}");
        }
        let mut slow = connect(&server);
        slow.write_all(b"POST /slowly HTTP/1.1\r\nConnection: close\r\nContent-Length: 12\r\n\r\n").unwrap();
        for _ in 0..12 {
            std::thread::sleep(Duration::from_millis(60));
            slow.write_all(b"x").unwrap();
        }
        let answer = all(slow);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("POST /slowly 12"), "{mode}: {answer:?}");
    }
}

#[test]
fn a_connection_that_has_its_answers_may_rest_and_408_waits_for_those_before_it() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "header_timeout=150", "body_timeout=150"]);
        let mut stream = connect(&server);
        for n in 0..2 {
            stream.write_all(format!("GET /{n} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
            let mut answer = [0; 300];
            let length = stream.read(&mut answer).unwrap();
            assert!(answer[..length].starts_with(b"HTTP/1.1 200 "), "{mode}");
            std::thread::sleep(Duration::from_millis(500));
        }
        stream.write_all(b"GET /slow HTTP/1.1\r\n\r\nGET /half HTTP/1.1\r\nHo").unwrap();
        let answers = all(stream);
        let first = answers.find("GET /slow 0").expect("the first answer");
        let second = answers.find("HTTP/1.1 408 ").expect("the second answer");
        assert!(first < second, "{mode}: {answers:?}");
    }
}
