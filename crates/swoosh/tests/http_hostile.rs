//! Slow, large and hostile HTTP requests: each affects its own connection only.

mod common;

use common::{MODES, Server, TIMEOUT, all, connect, peak, raise_descriptor_limit, wait_until};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

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
fn an_unfinished_head_is_answered_408_even_if_bytes_keep_arriving() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "header_timeout=300"]);
        let mut still = connect(&server);
        still.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").unwrap();
        let endless = b"GET / HTTP/1.1\r\nHost: a\r\n".iter().chain(b"X: y\r\n".iter().cycle().take(2000)).copied();
        let busy = drip(connect(&server), &endless.collect::<Vec<u8>>());
        assert!(busy.starts_with("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"), "{mode}: {busy:?}");
        let still = all(still);
        assert!(still.starts_with("HTTP/1.1 408 "), "{mode}: {still:?}");
        // A connection that never asks is closed without a word.
        assert_eq!(all(connect(&server)), "", "{mode}");
    }
}

#[test]
fn a_paused_body_is_answered_408_and_a_slow_one_is_accepted() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "body_timeout=400", "header_timeout=200"]);
        for form in ["Content-Length: 9\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"] {
            let mut stream = connect(&server);
            stream.write_all(format!("POST / HTTP/1.1\r\nHost: a\r\n{form}").as_bytes()).unwrap();
            let answer = all(stream);
            assert!(answer.starts_with("HTTP/1.1 408 "), "{mode}: {answer:?}");
        }
        let mut slow = connect(&server);
        slow.write_all(b"POST /slowly HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 12\r\n\r\n").unwrap();
        for _ in 0..12 {
            std::thread::sleep(Duration::from_millis(60));
            slow.write_all(b"x").unwrap();
        }
        let answer = all(slow);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("POST /slowly 12"), "{mode}: {answer:?}");
    }
}

#[test]
fn an_idle_connection_stays_open_and_408_waits_for_earlier_responses() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "header_timeout=150", "body_timeout=150"]);
        let mut stream = connect(&server);
        for n in 0..2 {
            stream.write_all(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
            let mut answer = [0; 300];
            let length = stream.read(&mut answer).unwrap();
            assert!(answer[..length].starts_with(b"HTTP/1.1 200 "), "{mode}");
            std::thread::sleep(Duration::from_millis(500));
        }
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /half HTTP/1.1\r\nHost: a\r\nHo").unwrap();
        let answers = all(stream);
        let first = answers.find("GET /slow 0").expect("the first answer");
        let second = answers.find("HTTP/1.1 408 ").expect("the second answer");
        assert!(first < second, "{mode}: {answers:?}");
    }
}

#[test]
fn a_million_requests_on_one_connection_are_answered_in_order() {
    // Ten seconds of each mode in a debug build.
    let count = 1_000_000;
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http"]);
        let stream = connect(&server);
        let mut writer = BufWriter::new(stream.try_clone().unwrap());
        let sent = std::thread::spawn(move || {
            for n in 0..count {
                let close = if n + 1 == count { "Connection: close\r\n" } else { "" };
                let request = format!("GET /{n} HTTP/1.1\r\nHost: a\r\n{close}\r\n");
                writer.write_all(request.as_bytes()).unwrap();
            }
            writer.flush().unwrap();
        });
        let mut next = 0;
        let (mut reader, mut line) = (BufReader::new(stream), Vec::new());
        while reader.read_until(b'\n', &mut line).unwrap() > 0 {
            // The body of one answer, and the status of the next behind it.
            if line.starts_with(b"GET /") {
                let wanted = format!("GET /{next} 0");
                assert!(line.starts_with(wanted.as_bytes()), "{mode}: {:?}", String::from_utf8_lossy(&line));
                next += 1;
            }
            line.clear();
        }
        sent.join().unwrap();
        assert_eq!(next, count, "{mode}");
    }
}

#[test]
fn a_head_of_a_hundred_megabytes_is_refused_early_and_costs_no_memory() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "package_max=200000000"]);
        for (begin, status) in
            [("GET / HTTP/1.1\r\nHost: a\r\n", "431"), ("GET /", "414"), ("GET / HTTP/1.1\r\nHost: a\r\nX: ", "431")]
        {
            let mut stream = connect(&server);
            let mut sent = stream.write(begin.as_bytes()).unwrap();
            let piece = b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(1 << 10);
            let piece = if begin.ends_with('\n') { piece } else { vec![b'y'; 32 << 10] };
            while sent < 100 << 20 && stream.write_all(&piece).is_ok() {
                sent += piece.len();
            }
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let answer = String::from_utf8_lossy(&answer);
            // A peer that goes on sending may lose the answer to a reset, but never sees another one.
            assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status} ")), "{mode}: {answer:?}");
        }
        for pid in server.processes() {
            assert!(peak(pid) < 100 << 20, "{mode}: process {pid} has had {} bytes", peak(pid));
        }
    }
}

/// 40 uploads that end after 700,000 bytes, every other one by a reset.
fn leave_uploads(server: &Server) {
    for round in 0..40 {
        let mut stream = connect(server);
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n").unwrap();
        stream.write_all(&vec![1; 700_000]).unwrap();
        if round % 2 == 0 {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}

#[test]
fn aborted_uploads_do_not_affect_other_connections() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "package_max=60000000"]);
        server.wait_for_events("worker_start", 2);
        let processes = server.processes();
        leave_uploads(&server);
        let after_some = processes.iter().map(|pid| common::resident(*pid)).max().unwrap();
        (0..3).for_each(|_| leave_uploads(&server));
        // One that is done with sending still gets its answers; one that was not whole gets none.
        let mut half = connect(&server);
        half.write_all(
            b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
        )
        .unwrap();
        half.shutdown(Shutdown::Write).unwrap();
        let answers = all(half);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 2, "{mode}: {answers:?}");
        assert!(answers.ends_with("GET /2 0"), "{mode}: {answers:?}");
        for pid in &processes {
            // The allocator may keep some memory; a leak would be 84 MB.
            let is_small = || common::resident(*pid) < after_some + (48 << 20);
            assert!(wait_until(TIMEOUT, is_small), "{mode}: process {pid} keeps {}", common::resident(*pid));
        }
        assert_eq!(server.processes(), processes, "{mode}: nobody was replaced");
    }
}

#[test]
fn ten_thousand_connections_at_once_are_all_served() {
    const COUNT: usize = 10_000;
    raise_descriptor_limit();
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "max_conn=20000"]);
        let mut streams: Vec<TcpStream> = (0..COUNT).map(|_| connect(&server)).collect();
        for (n, stream) in streams.iter_mut().enumerate() {
            stream.write_all(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        }
        for (n, stream) in streams.iter_mut().enumerate() {
            let mut answer = [0; 400];
            let length = stream.read(&mut answer).unwrap();
            let answer = String::from_utf8_lossy(&answer[..length]);
            assert!(answer.ends_with(&format!("GET /{n} 0")), "{mode}: {answer:?}");
        }
    }
}
