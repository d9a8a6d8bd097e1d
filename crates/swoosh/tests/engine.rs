//! What a server promises, asked of a real one over real sockets.

mod common;

use common::{Client, PATIENCE, Server, kill, pattern, resident, wait_until};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

const MODES: [&str; 2] = ["mode=process", "mode=base"];

#[test]
fn what_comes_in_goes_out_again_over_tcp_v4_v6_and_unix_sockets() {
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
fn datagrams_are_answered_to_whoever_sent_them() {
    for mode in MODES {
        let server = Server::start(&[mode, "listen=udp://127.0.0.1:0", "listen=unixgram://FOLDER/server.gram"]);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        let path = server.folder.path().join("client.gram");
        let unix = UnixDatagram::bind(&path).unwrap();
        unix.set_read_timeout(Some(PATIENCE)).unwrap();
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
fn each_port_cuts_packets_its_own_way() {
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
fn dispatch_by_connection_keeps_a_connection_with_one_worker_and_uses_all_workers() {
    let server = Server::start(&["workers=3", "dispatch=2"]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..9 {
        let mut client = server.client();
        let first = client.who().worker;
        assert!((0..20).all(|_| client.who().worker == first));
        seen.insert(first);
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn dispatch_in_turn_gives_one_connections_requests_to_every_worker() {
    for dispatch in ["dispatch=1", "dispatch=3"] {
        let server = Server::start(&["workers=3", dispatch]);
        let mut client = server.client();
        let mut seen = std::collections::BTreeSet::new();
        // A worker that has not begun yet, or is busy, may be passed over for a while.
        let asked = (0..5000).find(|_| {
            seen.insert(client.who().worker);
            seen.len() == 3
        });
        assert!(asked.is_some(), "{dispatch}: only {seen:?}");
        assert_eq!(server.count("connect"), 0, "life events come out of order in this mode, so they do not come");
    }
}

#[test]
fn an_idle_worker_gets_the_request_while_another_is_busy() {
    let server = Server::start(&["workers=2", "dispatch=3"]);
    let mut slow = server.client();
    slow.send("sleep 1000");
    std::thread::sleep(Duration::from_millis(50));
    let mut quick = server.client();
    let began = Instant::now();
    for _ in 0..50 {
        quick.who();
    }
    assert!(began.elapsed() < Duration::from_millis(800), "quick requests waited for the slow one");
    assert_eq!(slow.text(), "slept");
}

#[test]
fn dispatch_by_address_gives_one_address_to_one_worker() {
    let server = Server::start(&["workers=3", "dispatch=4"]);
    let first = server.client().who().worker;
    assert!((0..10).all(|_| server.client().who().worker == first));
}

#[test]
fn dispatch_by_uid_joins_the_connections_of_one_user() {
    let server = Server::start(&["workers=3", "dispatch=5"]);
    for uid in [1u32, 2, 3, 7] {
        for _ in 0..3 {
            let mut client = server.client();
            assert_eq!(client.ask(format!("bind {uid}")), "ok");
            assert_eq!(client.who().worker, uid % 3);
        }
    }
}

#[test]
fn answers_of_any_size_arrive_whole() {
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
fn requests_up_to_the_longest_allowed_arrive_whole() {
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
fn a_file_is_sent_whole_or_in_part() {
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
fn connections_beyond_max_conn_are_refused_and_there_is_room_again_when_others_leave() {
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
        let again = wait_until(PATIENCE, || {
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
        assert_eq!(server.count("close"), 7, "each close is told once");
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
fn ids_are_never_used_again() {
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
fn a_peer_that_never_reads_costs_only_its_bounded_buffer() {
    for mode in MODES {
        let server = Server::start(&[mode, "socket_buffer=4000000"]);
        let mut deaf = server.client();
        deaf.send("flood 1000");
        let flood = server.wait_for_event("flood");
        let numbers: Vec<u32> = flood[6..].split(' ').map(|n| n.parse().unwrap()).collect();
        assert!(numbers[0] < 30, "{flood}");
        assert_eq!(server.client().ask("echo a"), "a");
        let memory: u64 = server.processes().into_iter().map(resident).sum();
        assert!(memory < 200 << 20, "{memory} bytes");
    }
}

#[test]
fn the_watermarks_are_told_once_each() {
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

#[test]
fn tasks_are_answered_whichever_way_they_travel() {
    for ipc in ["ipc=1", "ipc=2", "ipc=3"] {
        for mode in MODES {
            let server = Server::start(&[mode, ipc, "tasks=2"]);
            let mut client = server.client();
            for n in 0..50 {
                assert_eq!(client.ask(format!("task any echo {n}")), n.to_string(), "{ipc}");
            }
            assert_eq!(client.ask("await 10"), "0 1 2 3 4 5 6 7 8 9", "{ipc}");
            client.send("task any big 3000000");
            assert!(client.packet() == pattern(3_000_000));
            let mut body = b"task any count ".to_vec();
            body.resize(1_000_000, b'x');
            assert_eq!(client.ask(&body), (1_000_000 - 9).to_string());
            let left = std::fs::read_dir(server.folder.path()).unwrap().flatten();
            let left: Vec<_> = left.filter(|f| f.file_name().to_string_lossy().ends_with(".task")).collect();
            assert!(left.is_empty(), "payloads stay behind: {left:?}");
        }
    }
}

#[test]
fn a_chosen_task_worker_gets_the_task() {
    for ipc in ["ipc=1", "ipc=2"] {
        let server = Server::start(&["tasks=3", "workers=2", ipc]);
        let mut client = server.client();
        for n in 0..12u32 {
            let answer = client.ask(format!("task {} who", n % 3));
            assert_eq!(answer.split(' ').next().unwrap(), (2 + n % 3).to_string());
        }
        assert!(client.ask("task 3 who").contains("there is no task worker 3"));
    }
}

#[test]
fn a_worker_that_waits_for_tasks_gives_up_in_time_and_still_hears_of_everything_else() {
    let server = Server::start(&["tasks=1", "workers=1"]);
    let mut client = server.client();
    client.send("task 0 sleep 1500");
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    assert_eq!(client.ask("await 1 200"), "-");
    assert!(began.elapsed() < Duration::from_millis(1000));
    assert_eq!(client.text(), "slept");
    for _ in 0..200 {
        assert_eq!(client.ask("await 2"), "0 1");
        assert_eq!(client.ask("echo a"), "a");
    }
}

#[test]
fn a_full_queue_of_tasks_says_so() {
    for ipc in ["ipc=1", "ipc=2"] {
        let server = Server::start(&["tasks=1", ipc]);
        let mut client = server.client();
        let answer = client.ask("flood_tasks");
        let given: u32 = answer.split(' ').next().unwrap().parse().unwrap();
        assert!(given > 1 && answer.contains("queue"), "{answer}");
    }
}

#[test]
fn messages_of_any_size_reach_workers_and_task_workers() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "tasks=1"]);
        let mut client = server.client();
        let own = client.who().worker;
        for to in [1 - own, 2] {
            for size in [1usize, 7990, 8000, 8100, 300_000, 1_500_000] {
                let mut body = format!("message {to} ").into_bytes();
                body.extend(vec![b'm'; size]);
                assert_eq!(client.ask(&body), format!("message {to} {size}"));
            }
        }
        assert!(client.ask(format!("message {own} x")).contains("this process itself"));
        assert!(client.ask("message 9 x").contains("process 9"));
    }
}

#[test]
fn timers_run_once_or_until_they_are_cleared() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let mut client = server.client();
        let waited: u64 = client.ask("after 100").parse().unwrap();
        assert!((95..1000).contains(&waited), "{waited} ms");
        client.send("tick 20 5");
        for _ in 0..5 {
            assert_eq!(client.text(), "tick");
        }
        assert_eq!(client.ask("echo no more"), "no more");
    }
}

#[test]
fn a_worker_is_replaced_after_its_number_of_requests_and_no_request_is_lost() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=1", "max_request=50"]);
        let mut pids = std::collections::BTreeSet::new();
        let mut client = server.client();
        for _ in 0..220 {
            // In base mode a worker's connections end with it.
            let pid = match client.try_send(b"who").and_then(|()| client.try_packet()) {
                Ok(answer) => String::from_utf8(answer).unwrap().split(' ').nth(1).unwrap().to_string(),
                Err(_) if mode == "mode=base" => {
                    client = server.client();
                    continue;
                }
                Err(e) => panic!("a request is lost: {e}"),
            };
            pids.insert(pid);
        }
        assert!(pids.len() >= 4, "{} processes have answered", pids.len());
        assert_eq!(server.count("worker_error"), 0);
    }
}

#[test]
fn a_reload_replaces_every_worker_and_says_so() {
    for mode in MODES {
        let server = Server::start(&[mode, "tasks=1", "user_process=1"]);
        server.wait_for_events("worker_start", 3);
        let user = server.wait_for_event("user_process");
        server.signal(libc::SIGUSR1);
        server.wait_for_event("after_reload");
        server.wait_for_events("worker_start", 6);
        assert_eq!(server.count("worker_start"), 6);
        server.signal(libc::SIGUSR2);
        server.wait_for_events("after_reload", 2);
        server.wait_for_events("worker_start", 7);
        assert_eq!(server.count("worker_start"), 7, "SIGUSR2 replaces task workers only");
        assert_eq!(server.count("before_reload"), 2);
        assert_eq!(server.count(&user), 1);
        assert_eq!(server.client().ask("echo a"), "a");
    }
}

#[test]
fn code_can_reload_stop_a_worker_and_shut_the_server_down() {
    for mode in MODES {
        let mut server = Server::start(&[mode]);
        server.wait_for_events("worker_start", 2);
        let mut client = server.client();
        assert_eq!(client.ask("reload"), "ok");
        server.wait_for_event("after_reload");
        let mut client = server.client();
        client.who();
        client.send("stop 1");
        server.wait_for_events("worker_start 1", 3);
        server.client().send("shutdown");
        assert!(server.wait().success());
    }
}

#[test]
fn a_server_that_is_told_to_end_does_so_in_order() {
    for mode in MODES {
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut server = Server::start(&[mode, "tasks=1"]);
            server.wait_for_events("worker_start", 3);
            server.wait_for_event("manager_start");
            let mut client = server.client();
            client.who();
            server.signal(signal);
            assert!(server.wait().success());
            assert!(client.is_closed());
            let events = server.events();
            let at =
                |what: &str| events.iter().position(|e| e.starts_with(what)).unwrap_or_else(|| panic!("no {what}"));
            // In base mode it is worker 0 that tells of it, while the others end.
            let first = if mode == "mode=base" { "worker_stop 0" } else { "worker_stop" };
            assert!(at("before_shutdown") < at(first), "{events:?}");
            assert!(at("worker_stop") < at("manager_stop") && at("manager_stop") < at("shutdown"), "{events:?}");
            assert_eq!(server.count("worker_stop"), 3);
            assert!(server.processes().is_empty());
            assert!(std::net::TcpStream::connect(("127.0.0.1", server.ports[0])).is_err());
        }
    }
}

#[test]
fn a_server_of_one_process_serves_and_ends_in_order() {
    let mut server = Server::start(&["mode=base", "workers=1"]);
    assert_eq!(server.processes().len(), 1);
    assert_eq!(server.client().ask("echo a"), "a");
    assert!(server.stop().success());
    assert_eq!(server.count("worker_stop"), 1);
    assert_eq!(server.count("shutdown"), 1);
}

#[test]
fn requests_that_were_accepted_are_answered_before_the_server_ends() {
    let mut server = Server::start(&["workers=2"]);
    let mut clients: Vec<Client> = (0..6).map(|_| server.client()).collect();
    for client in &mut clients {
        client.who();
    }
    for client in &mut clients {
        client.send("sleep 100");
    }
    std::thread::sleep(Duration::from_millis(60));
    server.signal(libc::SIGTERM);
    for client in &mut clients {
        assert_eq!(client.text(), "slept");
    }
    assert!(server.wait().success());
}

#[test]
fn answers_that_are_awaited_by_futures_are_given_before_a_worker_is_replaced() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=1", "tasks=1"]);
        let mut client = server.client();
        client.send("later 400");
        std::thread::sleep(Duration::from_millis(60));
        server.signal(libc::SIGUSR1);
        assert_eq!(client.text(), "later");
    }
}

#[test]
fn a_worker_whose_timers_keep_it_alive_is_told_to_clear_them() {
    let mut server = Server::start(&["keep_timer=1"]);
    server.wait_for_events("worker_start", 2);
    let began = Instant::now();
    assert!(server.stop().success());
    assert_eq!(server.count("worker_exit"), 2);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_pid_file_holds_the_masters_id_while_the_server_runs() {
    for mode in MODES {
        let mut server = Server::start(&[mode, "pid_file=FOLDER/pid"]);
        let path = server.folder.path().join("pid");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), server.pid().to_string());
        assert!(server.stop().success());
        assert!(!path.exists());
    }
}

#[test]
fn the_log_file_is_opened_anew_on_request() {
    for mode in MODES {
        let server = Server::start(&[mode, "log=FOLDER/server.log", "package_max=100"]);
        server.wait_for_events("worker_start", 2);
        let (log, moved) = (server.folder.path().join("server.log"), server.folder.path().join("old.log"));
        std::fs::rename(&log, &moved).unwrap();
        let rt = libc::SIGRTMIN();
        let pid = server.pid();
        assert!(
            std::process::Command::new("kill").args([format!("-{rt}"), pid.to_string()]).status().unwrap().success()
        );
        assert!(wait_until(PATIENCE, || log.exists()));
        std::thread::sleep(Duration::from_millis(100));
        let mut bad = server.client();
        bad.raw(&5000u32.to_be_bytes()).unwrap();
        assert!(bad.is_closed());
        assert!(wait_until(PATIENCE, || std::fs::read_to_string(&log).unwrap().contains("is closed")));
    }
}

#[test]
fn a_port_that_is_in_use_and_a_setting_that_cannot_be_are_told_at_once() {
    let server = Server::start(&[]);
    let listen = format!("listen=127.0.0.1:{}", server.ports[0]);
    for mode in MODES {
        let Err(error) = Server::spawn(&[mode, &listen]) else { panic!("two servers have one port") };
        assert!(error.contains(&server.ports[0].to_string()) && error.contains("in use"), "{error}");
        let mut bad = Server::spawn(&[mode, "workers=0"]).unwrap();
        assert!(!bad.wait().success());
        assert!(bad.log().contains("worker_num"), "{}", bad.log());
    }
}

#[test]
fn a_server_whose_reactor_is_the_master_itself_does_all_the_same() {
    let mut server = Server::start(&["single_thread=1", "tasks=1"]);
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask("echo a"), "a");
        client.send("reply 3000000");
    }
    for client in &mut clients {
        assert!(client.packet() == pattern(3_000_000));
    }
    // What waits when the end comes is still written.
    clients[0].send("reply 5000000");
    std::thread::sleep(Duration::from_millis(300));
    server.signal(libc::SIGTERM);
    std::thread::sleep(Duration::from_millis(200));
    assert!(clients[0].packet() == pattern(5_000_000));
    assert!(server.wait().success());
}

#[test]
fn sockets_that_are_shared_lose_no_connection() {
    for mode in MODES {
        let server = Server::start(&[mode, "reuse_port=1", "workers=3"]);
        for _ in 0..60 {
            assert_eq!(server.client().ask("echo a"), "a");
        }
    }
}

#[test]
fn a_message_to_a_sleeping_worker_always_wakes_it() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "tasks=2"]);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let mut client = server.client();
                std::thread::spawn(move || {
                    let own = client.who().worker;
                    for n in 0..400 {
                        assert_eq!(client.ask(format!("echo {n}")), n.to_string());
                        assert_eq!(client.ask(format!("task any echo {n}")), n.to_string());
                        assert_eq!(client.ask(format!("message {} x", 1 - own)), format!("message {} 1", 1 - own));
                        if n % 10 == 0 {
                            assert_eq!(client.ask("await 2"), "0 1");
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_killed_worker_is_replaced_and_told_of_and_its_connections_stay() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let who = client.who();
    kill(who.pid, libc::SIGKILL);
    assert_ne!(client.who().pid, who.pid);
    server.wait_for_event(&format!("worker_error {} 0 9", who.worker));
    assert!(wait_until(PATIENCE, || server.zombies().is_empty()));
}

#[test]
fn a_signal_that_comes_while_the_server_starts_does_what_it_does_later() {
    for mode in MODES.iter().cycle().take(10) {
        let mut server = Server::start(&[mode, "workers=2"]);
        server.signal(libc::SIGUSR1);
        server.wait_for_event("after_reload");
        assert_eq!(server.client().ask("echo a"), "a", "{mode}");
        assert!(server.stop().success(), "{mode}");
    }
}

#[test]
fn a_request_that_is_followed_by_the_end_of_its_connection_is_handled_in_every_dispatch_mode() {
    for dispatch in ["dispatch=1", "dispatch=2", "dispatch=3", "dispatch=7"] {
        let server = Server::start(&["workers=3", dispatch]);
        for _ in 0..50 {
            let mut client = server.client();
            client.send("echo last words");
            client.half_close();
            assert_eq!(client.text(), "last words", "{dispatch}");
            assert!(client.is_closed(), "{dispatch}");
        }
        assert!(wait_until(PATIENCE, || server.client().ask("connections") == "1"), "{dispatch}");
    }
}
