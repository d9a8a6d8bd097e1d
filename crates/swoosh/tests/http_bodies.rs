//! Requests too long for memory: their bodies are spooled to unnamed files and delivered in order.

mod common;

use common::{MODES, Server, TIMEOUT, all, connect, peak, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How many files without a name the processes hold in that folder.
fn held(server: &Server) -> usize {
    let folder = server.folder.path().display().to_string();
    let of = |pid: i32| {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let targets = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.filter(|t| t.starts_with(&folder) && t.to_string_lossy().ends_with("(deleted)")).count()
    };
    server.processes().into_iter().map(of).sum()
}

fn leaves_nothing(server: &Server) {
    assert!(wait_until(TIMEOUT, || held(server) == 0), "{} files are held still", held(server));
    let names = std::fs::read_dir(server.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name != "events" && name != "log").collect();
    assert!(left.is_empty(), "{left:?} is left");
}

#[test]
fn the_owner_of_a_connection_never_has_a_long_body_in_memory() {
    const LENGTH: u64 = 48 << 20;
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "package_max=60000000", "workers=1"]);
        let worker = server.wait_for_event("worker_start");
        let worker: i32 = worker.rsplit(' ').next().unwrap().parse().unwrap();
        let processes = server.processes();
        let before: Vec<u64> = processes.iter().map(|pid| peak(*pid)).collect();
        let mut stream = connect(&server);
        stream
            .write_all(
                format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {LENGTH}\r\n\r\n")
                    .as_bytes(),
            )
            .unwrap();
        let piece = vec![7; 1 << 20];
        for _ in 0..LENGTH >> 20 {
            stream.write_all(&piece).unwrap();
        }
        let answer = all(stream);
        assert!(answer.ends_with(&format!("POST / {LENGTH}")), "{mode}: {answer:?}");
        for (pid, before) in processes.iter().zip(before) {
            let more = peak(*pid) - before;
            // The code of this server wants each request in one piece.
            let most = if *pid == worker { LENGTH * 5 / 2 } else { 8 << 20 };
            assert!(more < most, "{mode}: process {pid} has taken {more} bytes more");
            let is_gone = || common::resident(*pid) < LENGTH / 2;
            assert!(wait_until(TIMEOUT, is_gone), "{mode}: process {pid} keeps {}", common::resident(*pid));
        }
        leaves_nothing(&server);
    }
}

#[test]
fn long_and_short_bodies_may_alternate() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "input_buffer=1000"]);
        let mut stream = connect(&server);
        let (mut bytes, mut wanted) = (Vec::new(), Vec::new());
        for length in [0, 10, 900, 1000, 5000, 300_000, 3, 70_000] {
            let body = vec![b'x'; length];
            bytes.extend_from_slice(
                format!("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes(),
            );
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            for chunk in body.chunks(777) {
                bytes.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\nT: 1\r\n\r\n");
            wanted.extend([format!("POST /l {length}"), format!("POST /c {length}")]);
        }
        bytes.extend_from_slice(b"GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        wanted.push("GET /end 0".into());
        let sender = stream.try_clone().unwrap();
        let sends = std::thread::spawn(move || {
            let mut sender = sender;
            // Ends of pieces fall everywhere.
            bytes.chunks(4999).for_each(|piece| sender.write_all(piece).unwrap());
        });
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        sends.join().unwrap();
        let bodies: Vec<&str> = text.split("\r\n\r\n").skip(1).map(|b| b.split("HTTP/1.1").next().unwrap()).collect();
        assert_eq!(bodies, wanted, "{mode}");
        leaves_nothing(&server);
    }
}

#[test]
fn expect_100_continue_is_answered() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "package_max=9000000"]);
        let mut stream = connect(&server);
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4000000\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n", "{mode}");
        stream.write_all(&vec![b'x'; 4_000_000]).unwrap();
        assert!(all(stream).ends_with("POST / 4000000"), "{mode}");
    }
}

#[test]
fn a_body_that_is_too_long_malformed_or_slow_is_refused_in_order() {
    let head = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n";
    for mode in MODES {
        let server =
            Server::start(&[mode, "framing=http", "input_buffer=1000", "package_max=300000", "body_timeout=400"]);
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        for (body, status) in [
            (format!("Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(40)), 413),
            (format!("Transfer-Encoding: chunked\r\n\r\n{}x\r\n", chunk.repeat(4)), 400),
            (format!("Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(4)), 408),
            (format!("Content-Length: 5000\r\n\r\n{}", "x".repeat(4000)), 408),
        ] {
            let mut stream = connect(&server);
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            let mut answers = Vec::new();
            let _ = stream.read_to_end(&mut answers);
            let answers = String::from_utf8(answers).unwrap();
            let first = answers.find("GET /slow 0").expect("the first answer");
            let second = answers.find(&format!("HTTP/1.1 {status} ")).unwrap_or_else(|| panic!("{mode}: {answers}"));
            assert!(first < second, "{mode}: {answers:?}");
        }
        leaves_nothing(&server);
    }
}

#[test]
fn an_aborted_upload_leaves_no_file() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "package_max=60000000"]);
        let mut streams: Vec<TcpStream> = (0..20).map(|_| connect(&server)).collect();
        for stream in &mut streams {
            stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n").unwrap();
            stream.write_all(&vec![1; 2_000_000]).unwrap();
        }
        assert!(wait_until(TIMEOUT, || held(&server) == 20), "{mode}: {}", held(&server));
        for (n, stream) in streams.into_iter().enumerate() {
            if n % 2 == 0 {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
        leaves_nothing(&server);
    }
}

#[test]
fn a_missing_directory_fails_only_the_request() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "upload_dir=/no/such/folder", "package_max=9000000"]);
        server.wait_for_events("worker_start", 2);
        let before = server.processes();
        let mut stream = connect(&server);
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n").unwrap();
        assert!(all(stream).starts_with("HTTP/1.1 500 "), "{mode}");
        assert!(
            server.log().contains("answered 500: make a file in /no/such/folder: No such file"),
            "{}",
            server.log()
        );
        let mut small = connect(&server);
        small.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        assert!(all(small).ends_with("POST / 3"), "{mode}");
        assert_eq!(server.processes(), before, "{mode}");
    }
}

#[test]
fn a_full_disk_fails_only_the_request() {
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "file_size=2000000", "package_max=9000000"]);
        server.wait_for_events("worker_start", 2);
        let before = server.processes();
        let mut stream = connect(&server);
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n").unwrap();
        let _ = stream.write_all(&vec![b'x'; 2_500_000]);
        assert!(all(stream).starts_with("HTTP/1.1 500 "), "{mode}");
        assert!(server.log().contains("answered 500: write a body to disk: File too large"), "{}", server.log());
        let mut long = connect(&server);
        long.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1900000\r\n\r\n").unwrap();
        long.write_all(&vec![b'x'; 1_900_000]).unwrap();
        assert!(all(long).ends_with("POST / 1900000"), "{mode}");
        assert_eq!(server.processes(), before, "{mode}");
        leaves_nothing(&server);
    }
}

/// Six long requests of one worker, each behind one that takes its time.
fn ask_slowly(server: &Server) -> Vec<TcpStream> {
    let mut streams: Vec<TcpStream> = (0..6).map(|_| connect(server)).collect();
    let body = vec![b'x'; 200_000];
    for (n, stream) in streams.iter_mut().enumerate() {
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let head =
            format!("POST /{n} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    }
    std::thread::sleep(Duration::from_millis(150));
    streams
}

#[test]
fn stored_bodies_wait_for_the_successor_of_a_worker_that_is_replaced() {
    let server = Server::start(&["mode=process", "framing=http", "workers=1", "input_buffer=1000"]);
    let streams = ask_slowly(&server);
    server.signal(libc::SIGUSR1);
    for (n, stream) in streams.into_iter().enumerate() {
        let answer = all(stream);
        assert!(answer.ends_with(&format!("POST /{n} 200000")), "{n}: {answer:?}");
    }
    assert_eq!(server.wait_for_events("worker_start", 2).len(), 2);
    leaves_nothing(&server);
}

#[test]
fn a_worker_that_is_killed_takes_one_body_with_it_and_leaves_no_file() {
    let server = Server::start(&["mode=process", "framing=http", "workers=1", "input_buffer=1000"]);
    let worker = server.wait_for_event("worker_start");
    let streams = ask_slowly(&server);
    common::kill(worker.rsplit(' ').next().unwrap().parse().unwrap(), libc::SIGKILL);
    let mut whole = 0;
    for (n, mut stream) in streams.into_iter().enumerate() {
        let mut answer = Vec::new();
        // A client whose request was lost with the worker gets no response.
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(!answer.contains("HTTP/1.1 5"), "{n}: {answer:?}");
        whole += usize::from(answer.ends_with(&format!("POST /{n} 200000")));
    }
    assert!(whole >= 5, "{whole} of 6 were answered");
    leaves_nothing(&server);
}
