//! Connections: echo, framing, sizes, files, flow control, heartbeat, limits.

use crate::common::{Client, MODES, Server, TIMEOUT, pattern, resident, wait_until};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use std::time::Instant;

#[test]
fn an_echo_works_over_tcp_v4_v6_and_unix_sockets() {
    for mode in MODES {
        let server = Server::start(&[mode, "listen=[::1]:0", "listen=127.0.0.1:0", "listen=unix://FOLDER/echo.sock"]);
        for mut client in [
            Client::tcp(&format!("[::1]:{}", server.ports[0])),
            server.client_of(1),
            Client::unix(&server.folder.path().join("echo.sock")),
        ] {
            for n in 0..100 {
                assert_eq!(client.ask(format!("echo {n}")), n.to_string());
            }
        }
    }
}

#[test]
fn a_datagram_is_answered_to_its_sender() {
    for mode in MODES {
        let server = Server::start(&[mode, "listen=udp://127.0.0.1:0", "listen=unixgram://FOLDER/server.gram"]);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(TIMEOUT)).unwrap();
        let path = server.folder.path().join("client.gram");
        let unix = UnixDatagram::bind(&path).unwrap();
        unix.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut buffer = vec![0; 70_000];
        for size in [1usize, 500, 9000, 60_000] {
            udp.send_to(&pattern(size), ("127.0.0.1", server.ports[0])).unwrap();
            assert_eq!(udp.recv(&mut buffer).unwrap(), size);
            assert_eq!(buffer[..size], pattern(size));
            unix.send_to(&pattern(size), server.folder.path().join("server.gram")).unwrap();
            assert_eq!(unix.recv(&mut buffer).unwrap(), size);
        }
    }
}

#[test]
fn each_port_has_its_own_framing() {
    for mode in MODES {
        let server = Server::start(&[mode, "listen=127.0.0.1:0", "listen=127.0.0.1:0", "own_framing=eof"]);
        let mut by_length = server.client();
        let mut by_end = server.client_of(1);
        by_length.raw(&[0, 0]).unwrap();
        by_length.raw(&[0, 6, b'e', b'c', b'h', b'o']).unwrap();
        by_length.raw(b" x").unwrap();
        assert_eq!(by_length.packet(), b"x");
        by_end.raw(b"one\r").unwrap();
        by_end.raw(b"\ntwo\r\nthr").unwrap();
        assert_eq!(by_end.bytes(10), b"one\r\ntwo\r\n");
        by_end.raw(b"ee\r\n").unwrap();
        assert_eq!(by_end.bytes(7), b"three\r\n");
    }
}

#[test]
fn replies_of_any_size_arrive_complete() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let mut client = server.client();
        for size in [2usize, 2 << 20, 20 << 20, 3] {
            client.send(format!("reply {size}"));
            assert!(client.packet() == pattern(size), "{size} bytes differ");
        }
    }
}

#[test]
fn requests_up_to_package_max_length_arrive_complete() {
    for mode in MODES {
        let server = Server::start(&[mode, "package_max=4000000"]);
        let mut client = server.client();
        for size in [1usize, 65_530, 65_540, 1_000_000, 4_000_000 - 4 - 5] {
            let mut body = b"echo ".to_vec();
            body.extend(pattern(size));
            client.send(&body);
            assert!(client.packet() == pattern(size), "{size} bytes differ");
        }
    }
}

#[test]
fn a_packet_that_is_too_long_closes_only_its_own_connection() {
    for mode in MODES {
        let server = Server::start(&[mode, "package_max=1000"]);
        let mut good = server.client();
        let mut bad = server.client();
        assert_eq!(bad.ask("echo a"), "a");
        bad.raw(&5000u32.to_be_bytes()).unwrap();
        assert!(bad.is_closed());
        assert_eq!(good.ask("echo b"), "b");
        server.wait_for_event("close");
    }
}

#[test]
fn a_file_is_sent_completely_or_in_part() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let file = server.folder.path().join("file");
        std::fs::write(&file, pattern(10 << 20)).unwrap();
        let mut client = server.client();
        client.send(format!("sendfile {} 0 0", file.display()));
        let mut all = client.bytes((10 << 20) + 6);
        // The word "ok" is a packet of its own, behind the file.
        assert_eq!(all.split_off(10 << 20), b"\0\0\0\x02ok");
        assert!(all == pattern(10 << 20));
        client.send(format!("sendfile {} 1000 500", file.display()));
        assert_eq!(client.bytes(506)[..500], pattern(10_000)[1000..1500]);
        assert!(client.ask("sendfile /no/such/file 0 0").contains("/no/such/file"));
        assert_eq!(client.ask("echo on"), "on");
    }
}

#[test]
fn a_paused_connection_is_not_read_until_it_is_resumed() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let mut client = server.client();
        assert_eq!(client.ask("pause 300"), "ok");
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        assert_eq!(client.ask("echo late"), "late");
        assert!(began.elapsed() > Duration::from_millis(150), "{:?}", began.elapsed());
    }
}

#[test]
fn an_unconfirmed_connection_is_not_read() {
    let server = Server::start(&["delay_receive=1", "workers=1"]);
    let mut first = server.client();
    let mut second = server.client();
    server.wait_for_events("connect", 2);
    first.send("echo early");
    second.send("echo early");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(server.count("receive"), 0);
    drop((first, second));
}

#[test]
fn the_heartbeat_closes_silent_connections_and_leaves_protected_ones() {
    for mode in MODES {
        let server = Server::start(&[mode, "idle=1", "check=1"]);
        let (mut silent, mut protected, mut busy) = (server.client(), server.client(), server.client());
        assert_eq!(silent.ask("echo a"), "a");
        assert_eq!(protected.ask("protect"), "ok");
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2500) {
            assert_eq!(busy.ask("echo b"), "b");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(silent.is_closed());
        assert_eq!(protected.ask("echo c"), "c");
    }
}

#[test]
fn connections_beyond_max_conn_are_refused_until_others_close() {
    for mode in MODES {
        let server = Server::start(&[mode, "max_conn=5", "workers=1"]);
        let mut all: Vec<Client> = (0..5).map(|_| server.client()).collect();
        for client in &mut all {
            assert_eq!(client.ask("echo a"), "a");
        }
        let mut more: Vec<Client> = (0..5).map(|_| server.client()).collect();
        assert_eq!(all[0].ask("connections"), "5");
        let answered = more
            .iter_mut()
            .filter_map(|c| c.try_send(b"echo b").and_then(|()| c.packet_within(Duration::from_millis(100))).ok());
        assert_eq!(answered.count(), 0);
        drop(more);
        all.truncate(2);
        let again = wait_until(TIMEOUT, || {
            let mut late = server.client();
            late.try_send(b"echo c").and_then(|()| late.try_packet()).is_ok_and(|p| p == b"c")
        });
        assert!(again, "nobody is accepted though there is room");
    }
}

#[test]
fn a_burst_of_connections_never_exceeds_max_conn() {
    for mode in MODES {
        let server = Server::start(&[mode, "max_conn=50", "workers=2"]);
        let mut first = server.client();
        assert_eq!(first.ask("echo a"), "a");
        let burst: Vec<Client> = (0..300).map(|_| server.client()).collect();
        for _ in 0..20 {
            let open: u32 = first.ask("connections").parse().unwrap();
            assert!(open <= 50, "{open} connections are open");
        }
        drop(burst);
    }
}

#[test]
fn a_connection_can_be_closed_from_its_worker_another_worker_and_a_task_worker() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "tasks=1"]);
        let mut own = server.client();
        own.send("close");
        assert!(own.is_closed());
        let mut last = server.client();
        last.send("echoclose bye");
        assert_eq!(last.text(), "bye");
        assert!(last.is_closed());
        let mut reset = server.client();
        reset.send("reset");
        let end = reset.try_packet().expect_err("nothing comes");
        assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset, "not an end in order");
        let mut others: Vec<Client> = (0..4).map(|_| server.client()).collect();
        let mut actor = server.client();
        for (n, other) in others.iter_mut().enumerate() {
            let session = other.who().session;
            if n % 2 == 0 {
                let answer = actor.ask(format!("close_other {session}"));
                assert_eq!(answer, "ok");
            } else {
                actor.send(format!("task 0 close {session}"));
            }
            assert!(other.is_closed());
        }
        server.wait_for_events("close", 7);
        assert_eq!(server.count("close"), 7, "each close is reported once");
    }
}

#[test]
fn a_half_closed_peer_still_gets_its_answer() {
    for mode in MODES {
        for ask in ["echo a", "sleep 100", "reply 3000000"] {
            let server = Server::start(&[mode]);
            let mut client = server.client();
            client.send(ask);
            client.half_close();
            let answer = client.packet();
            assert!(!answer.is_empty());
            assert!(client.is_closed());
            server.wait_for_event("close");
        }
    }
}

#[test]
fn connection_ids_are_never_reused() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let mut last = std::collections::BTreeSet::new();
        for _ in 0..100 {
            assert!(last.insert(server.client().who().session));
        }
        assert_eq!(server.client().ask("exists 1"), "false");
    }
}

#[test]
fn a_peer_that_never_reads_costs_a_bounded_buffer() {
    for mode in MODES {
        let server = Server::start(&[mode, "socket_buffer=4000000"]);
        let mut silent = server.client();
        silent.send("flood 1000");
        let flood = server.wait_for_event("flood");
        let numbers: Vec<u32> = flood[6..].split(' ').map(|n| n.parse().unwrap()).collect();
        assert!(numbers[0] < 30, "{flood}");
        assert_eq!(server.client().ask("echo a"), "a");
        let memory: u64 = server.processes().into_iter().map(resident).sum();
        assert!(memory < 200 << 20, "{memory} bytes");
    }
}

#[test]
fn each_watermark_event_is_sent_once() {
    for mode in MODES {
        let server = Server::start(&[mode, "high=100000", "low=1000", "kernel_send=100000"]);
        let mut client = server.client();
        client.send("reply 7000000");
        server.wait_for_event("buffer_full");
        assert_eq!(client.packet().len(), 7_000_000);
        server.wait_for_event("buffer_empty");
        assert_eq!((server.count("buffer_full"), server.count("buffer_empty")), (1, 1));
    }
}
