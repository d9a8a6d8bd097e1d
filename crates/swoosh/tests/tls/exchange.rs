//! Packets, files and slow peers over TLS.

use crate::authority::{Authority, connect, greet};
use crate::common::{Client, MODES, TIMEOUT, pattern, wait_until};
use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn packets_of_every_size_are_echoed() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "package_max=8000000"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        for size in [0, 1, 100, 16_384, 16_385, 300_000, 3_000_000] {
            let body = pattern(size);
            client.send([b"echo ", &body[..]].concat());
            assert_eq!(client.packet(), body, "{mode}, {size} bytes");
        }
        for n in 0..200 {
            client.send(format!("echo {n}"));
        }
        for n in 0..200 {
            assert_eq!(client.text(), n.to_string());
        }
        let connects = server.wait_for_events("connect", 1).len();
        client.half_close();
        assert!(client.is_closed(), "{mode}: a goodbye is answered");
        server.wait_for_event("close");
        assert_eq!((connects, server.count("close")), (1, 1), "{mode}");
    }
}

#[test]
fn packets_and_records_need_not_coincide() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut tls = connect(&server, &config, "localhost");
        for byte in b"\0\0\0\x0becho abcdef" {
            tls.write_all(&[*byte]).unwrap();
            tls.flush().unwrap();
        }
        tls.write_all(&b"\0\0\0\x06echo x".repeat(1000)).unwrap();
        let mut answer = [0; 10];
        tls.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"\0\0\0\x06abcdef", "{mode}");
        let mut answers = vec![0; 5000];
        tls.read_exact(&mut answers).unwrap();
        assert_eq!(answers, b"\0\0\0\x01x".repeat(1000));
    }
}

#[test]
fn a_request_before_close_notify_is_answered() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        client.send("echo first");
        client.send([b"echo ", &pattern(500_000)[..]].concat());
        client.half_close();
        assert_eq!(client.text(), "first", "{mode}");
        assert_eq!(client.packet(), pattern(500_000), "{mode}");
        assert!(client.is_closed(), "{mode}");
    }
}

#[test]
fn a_slow_request_is_answered_408_over_tls_too() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "framing=http", "header_timeout=200", "body_timeout=200"]);
        for handover in ["GET / HTT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"] {
            let mut tls = connect(&server, &config, "localhost");
            tls.write_all(handover.as_bytes()).unwrap();
            let mut answer = String::new();
            tls.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 408 "), "{mode}: {answer:?}");
        }
    }
}

#[test]
fn a_forged_record_closes_its_connection_with_the_cause_in_the_log() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut other = Client::over(connect(&server, &config, "localhost"));
        assert_eq!(other.ask("echo 1"), "1");
        let mut tls = greet(connect(&server, &config, "localhost")).unwrap();
        tls.sock.write_all(&[0x17, 3, 3, 0, 20]).unwrap();
        tls.sock.write_all(&[7; 20]).unwrap();
        assert!(tls.read(&mut [0; 1]).is_err(), "{mode}: an alert tells the client");
        server.wait_for_event("close");
        let reported = "is closed: TLS: a record cannot be decrypted";
        assert!(wait_until(TIMEOUT, || server.log().contains(reported)), "{mode}: {}", server.log());
        assert_eq!(other.ask("echo 2"), "2", "{mode}");
    }
}

#[test]
fn files_and_last_replies_arrive_complete_before_close_notify() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    let file = authority.path("file");
    fs::write(&file, pattern(1_500_000)).unwrap();
    for mode in MODES {
        let server = authority.start(&[mode, "socket_buffer=16000000"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        client.send(format!("sendfile {} 1000 1000000", file.display()));
        let bytes = client.bytes(1_000_000 + 6);
        assert_eq!(bytes[..1_000_000], pattern(1_500_000)[1000..1_001_000], "{mode}");
        assert_eq!(&bytes[1_000_000..], b"\0\0\0\x02ok");
        client.send([b"echoclose ", &pattern(1_000_000)[..]].concat());
        assert_eq!(client.packet(), pattern(1_000_000));
        // rustls tells an end without a goodbye by an error.
        assert!(client.is_closed(), "{mode}");
    }
}

#[test]
fn a_peer_that_does_not_read_costs_a_bounded_buffer() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode, "socket_buffer=400000", "high=200000", "low=1000", "kernel_send=65536"]);
        let mut client = Client::over(connect(&server, &config, "localhost"));
        for _ in 0..300 {
            client.send("reply 50000");
        }
        server.wait_for_event("buffer_full");
        std::thread::sleep(Duration::from_millis(100));
        // The buffered bytes arrive, however slowly; of the others, those before the first pause.
        let mut whole = 0;
        while whole < 8 {
            assert_eq!(client.packet_within(Duration::from_secs(20)).unwrap(), pattern(50_000), "{mode}");
            whole += 1;
        }
        while let Ok(packet) = client.packet_within(Duration::from_millis(700)) {
            assert_eq!(packet, pattern(50_000));
            whole += 1;
        }
        server.wait_for_event("buffer_empty");
        client.send("echo on");
        loop {
            let packet = client.packet_within(Duration::from_secs(20)).unwrap();
            if packet == b"on" {
                break;
            }
            assert_eq!(packet, pattern(50_000));
            whole += 1;
        }
        assert!(whole < 300, "{mode}: {whole} answers");
    }
}

#[test]
fn a_reply_to_a_client_that_has_reset_its_connection_ends_that_connection_alone() {
    let authority = Authority::new();
    let config = Arc::new(authority.config());
    for mode in MODES {
        let server = authority.start(&[mode]);
        let mut other = Client::over(connect(&server, &config, "localhost"));
        let mut tls = greet(connect(&server, &config, "localhost")).unwrap();
        socket2::SockRef::from(&tls.sock).set_linger(Some(Duration::ZERO)).unwrap();
        tls.write_all(b"\0\0\0\x09sleep 300").unwrap();
        // The worker of base mode sleeps in the handler, and sends to a connection that is gone.
        std::thread::sleep(Duration::from_millis(100));
        drop(tls);
        server.wait_for_event("close");
        other.send("echo on");
        assert_eq!(other.text(), "on", "{mode}");
        assert!(!server.log().contains("panicked"), "{mode}: {}", server.log());
    }
}
