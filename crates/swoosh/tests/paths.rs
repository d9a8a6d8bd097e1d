//! Rare paths, with every result verified: daemons, inherited sockets, large transfers during reloads, message storms,
//! thousands of connections that open and close.

mod common;

use common::{Client, MODES, Server, TIMEOUT, example, kill, pattern, wait_until};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

fn report(what: &str, figures: std::fmt::Arguments<'_>) {
    println!("FIGURES {what}: {figures}");
}

/// Clients that repeat an operation until the test ends, and count how often.
struct Crowd {
    ends: Arc<AtomicBool>,
    times: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    fn start(server: &Server, clients: usize, again: impl Fn(&mut Client) + Send + Sync + 'static) -> Crowd {
        let (ends, times, again) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::new(again));
        let threads = (0..clients).map(|_| {
            let (mut client, ends, times, again) = (server.client(), ends.clone(), times.clone(), again.clone());
            std::thread::spawn(move || {
                while !ends.load(SeqCst) {
                    again(&mut client);
                    times.fetch_add(1, SeqCst);
                }
            })
        });
        let threads = threads.collect();
        Crowd { ends, times, threads }
    }

    fn end(self) -> u64 {
        self.ends.store(true, SeqCst);
        self.threads.into_iter().for_each(|t| t.join().unwrap());
        self.times.load(SeqCst)
    }
}

/// Ends a daemon, whatever becomes of the test.
struct Daemon(i32);

impl Drop for Daemon {
    fn drop(&mut self) {
        let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(self.0)));
        if let Ok(group) = group {
            kill(-group.as_raw(), libc::SIGKILL);
        }
    }
}

#[test]
fn a_daemon_leaves_its_terminal_and_ends_by_the_id_in_its_pid_file() {
    for mode in MODES {
        let folder = tempfile::tempdir().unwrap();
        // Relative names mean what they meant where the program was started.
        let arguments = [mode, "workers=2", "daemonize=1", "pid_file=pid", "log=server.log", "events=events"];
        let mut child = Command::new(example("testserver"))
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        let port: u16 = said.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(child.wait().unwrap().success());
        let pid_file = folder.path().join("pid");
        let read = || std::fs::read_to_string(&pid_file).ok().and_then(|pid| pid.parse::<i32>().ok());
        assert!(wait_until(TIMEOUT, || read().is_some()));
        let daemon = Daemon(read().unwrap());
        let mut client = Client::tcp(&format!("127.0.0.1:{port}"));
        assert_eq!(client.ask("echo a"), "a");
        let link = |fd: u32| std::fs::read_link(format!("/proc/{}/fd/{fd}", daemon.0)).unwrap();
        assert_eq!(link(0).to_str(), Some("/dev/null"));
        assert_eq!((link(1), link(2)), (folder.path().join("server.log"), folder.path().join("server.log")));
        assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", daemon.0)).unwrap().to_str(), Some("/"));
        kill(daemon.0, libc::SIGTERM);
        assert!(wait_until(TIMEOUT, || !swoosh::sys::process::is_alive(daemon.0)));
        assert!(!pid_file.exists());
        assert!(wait_until(TIMEOUT, || TcpListener::bind(("127.0.0.1", port)).is_ok()));
        let events = std::fs::read_to_string(folder.path().join("events")).unwrap();
        assert_eq!(events.matches("worker_stop").count(), 2, "{events}");
    }
}

#[test]
fn a_socket_that_is_handed_in_outlives_the_server_and_serves_the_next_one() {
    let settings: [&[&str]; 3] = [&["mode=process"], &["mode=base"], &["mode=base", "reuse_port=1"]];
    for setting in settings {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let mut waiting = None;
        for round in 0..3 {
            let descriptor = OwnedFd::from(listener.try_clone().unwrap());
            let events = folder.path().join(format!("events{round}"));
            let mut child = Command::new("sh")
                .args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"", "sh"])
                .arg(example("testserver"))
                .args(setting)
                .arg("workers=2")
                .arg(format!("listen=127.0.0.1:{port}"))
                .arg(format!("events={}", events.display()))
                .stdin(Stdio::from(descriptor))
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            // The second server serves clients that connected between the two.
            let mut client = waiting.take().unwrap_or_else(|| Client::tcp(&format!("127.0.0.1:{port}")));
            assert_eq!(client.ask("echo a"), "a", "{setting:?} {round}");
            // Connections that arrive while the server ends wait for the next one.
            kill(child.id() as i32, libc::SIGTERM);
            assert!(wait_until(TIMEOUT, || child.try_wait().unwrap().is_some_and(|status| status.success())));
            waiting = Some(Client::tcp(&format!("127.0.0.1:{port}")));
        }
    }
}

#[test]
fn reloads_in_the_middle_of_large_requests_and_answers_lose_nothing() {
    let server = Server::start(&["workers=2", "reactors=2", "package_max=8000000", "max_wait=10000"]);
    let mut body = b"echo ".to_vec();
    body.extend(pattern(3_000_000));
    let crowd = Crowd::start(&server, 6, move |client| {
        client.send(&body);
        assert!(client.packet() == body[5..], "an answer differs");
    });
    for n in 1..=10 {
        std::thread::sleep(Duration::from_millis(50));
        server.signal(if n % 3 == 0 { libc::SIGUSR2 } else { libc::SIGUSR1 });
        server.wait_for_events("after_reload", n);
    }
    assert_eq!(server.count("close"), 0);
    let echoed = crowd.end();
    report("10 reloads during echoes of 3 MB, process mode", format_args!("{echoed} echoes, all of them right"));
    assert!(echoed > 10 && server.count("worker_error") == 0);
    assert!(!server.log().contains("killed"), "{}", server.log());
}

#[test]
fn the_rest_of_a_request_whose_worker_was_killed_is_not_taken_for_a_request() {
    let server = Server::start(&["workers=1", "reactors=2", "package_max=8000000"]);
    let mut body = b"echo ".to_vec();
    body.extend(pattern(3_000_000));
    let (address, lost) = (format!("127.0.0.1:{}", server.ports[0]), Arc::<AtomicU64>::default());
    let losses = lost.clone();
    let crowd = Crowd::start(&server, 4, move |client| {
        client.send(&body);
        match client.packet_within(Duration::from_secs(4)) {
            Ok(answer) => assert!(answer == body[5..], "an answer differs"),
            // Late bytes of this request are not mixed with the next.
            Err(_) => {
                losses.fetch_add(1, SeqCst);
                *client = Client::tcp(&address);
            }
        }
    });
    let kills = 5;
    for n in 1..=kills {
        std::thread::sleep(Duration::from_millis(100));
        server.client().send("panic");
        server.wait_for_events("worker_error", n);
    }
    let (echoed, lost) = (crowd.end(), lost.load(SeqCst));
    report("5 panics during echoes of 3 MB of others", format_args!("{echoed} echoes, {lost} lost, none wrong"));
    assert!(echoed > 5 && lost <= kills as u64 * 4);
}

#[test]
fn workers_that_are_replaced_after_so_many_requests_lose_none() {
    let server = Server::start(&["workers=3", "max_request=500", "tasks=1", "task_max_request=300"]);
    let crowd = Crowd::start(&server, 6, |client| {
        assert_eq!(client.ask("echo a"), "a");
        assert_eq!(client.ask("await 2"), "0 1");
    });
    server.wait_for_events("worker_start", 40);
    assert_eq!((server.count("worker_error"), server.count("close")), (0, 0));
    let asked = crowd.end() * 2;
    let starts = server.count("worker_start");
    report("max_request under load", format_args!("{asked} requests, all answered, by {starts} processes"));
}

#[test]
fn workers_of_base_mode_send_to_one_anothers_connections_in_order_and_whole() {
    let server = Server::start(&["mode=base", "workers=4", "reuse_port=1", "socket_buffer=100000000"]);
    let mut pairs: Vec<(Client, Client)> = (0..32).map(|_| (server.client(), server.client())).collect();
    let targets: Vec<(u32, u32, u64)> = pairs
        .iter_mut()
        .map(|(asks, gets)| {
            let target = gets.who();
            (asks.who().worker, target.worker, target.session)
        })
        .collect();
    let abroad = targets.iter().filter(|(from, to, _)| from != to).count();
    let threads: Vec<_> = pairs
        .into_iter()
        .zip(targets)
        .map(|((mut asks, mut gets), (_, _, session))| {
            std::thread::spawn(move || {
                asks.send(format!("pour {session} 40 100000"));
                for n in 0..40u32 {
                    let packet = gets.packet();
                    assert_eq!(packet[..4], n.to_be_bytes());
                    assert!(packet[4..] == pattern(100_000), "bytes differ");
                }
                assert_eq!(asks.text(), "refused 0");
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    report(
        "base mode, sends across workers",
        format_args!("32 connections got 4 MB each, {abroad} from another worker"),
    );
}

#[test]
fn a_storm_of_messages_among_all_processes_loses_none_silently() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=3", "tasks=2"]);
        let threads: Vec<_> = (0..6)
            .map(|n| {
                let mut client = server.client();
                let size = if n % 3 == 0 { 9000 } else { 100 };
                std::thread::spawn(move || {
                    client.send(format!("storm 5 300 {size}"));
                    let (mut answers, mut reported) = (0u64, None);
                    while reported.is_none_or(|(sent, _)| answers < sent) {
                        let text = client.text();
                        match text.strip_prefix("stormed ") {
                            Some(numbers) => {
                                let (sent, refused) = numbers.split_once(' ').unwrap();
                                reported = Some((sent.parse::<u64>().unwrap(), refused.parse::<u64>().unwrap()));
                            }
                            None => {
                                assert!(text.ends_with(&format!(" {size}")), "{text}");
                                answers += 1;
                            }
                        }
                    }
                    let (sent, refused) = reported.unwrap();
                    assert_eq!((answers, sent + refused), (sent, 1200));
                    refused
                })
            })
            .collect();
        let refused: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
        report(&format!("message storm, {mode}"), format_args!("7,200 messages, {refused} refused, no other lost"));
        assert_eq!(server.count("worker_error"), 0);
    }
}

#[test]
fn large_tasks_arrive_complete_by_ring_and_by_queue() {
    for ipc in ["ipc=1", "ipc=2", "ipc=3"] {
        let server = Server::start(&["workers=2", "tasks=2", ipc, "package_max=8000000"]);
        let mut body = b"task any echo ".to_vec();
        body.extend(pattern(3 << 20));
        let body = Arc::new(body);
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let (mut client, body) = (server.client(), body.clone());
                std::thread::spawn(move || {
                    for _ in 0..5 {
                        client.send(&body[..]);
                        assert!(client.packet() == body[14..], "a result differs");
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        let left = std::fs::read_dir(server.folder.path()).unwrap().flatten();
        assert_eq!(left.filter(|f| f.file_name().to_string_lossy().ends_with(".task")).count(), 0);
    }
}

#[test]
fn task_workers_that_are_busy_finish_their_task_before_they_are_replaced() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=1", "tasks=2"]);
        server.wait_for_events("worker_start", 3);
        let mut clients: Vec<Client> = (0..6).map(|_| server.client()).collect();
        for client in &mut clients {
            client.send("task any sleep 300");
        }
        std::thread::sleep(Duration::from_millis(100));
        server.signal(libc::SIGUSR2);
        for client in &mut clients {
            assert_eq!(client.text(), "slept");
        }
        server.wait_for_event("after_reload");
        server.wait_for_events("worker_start", 5);
        assert_eq!((server.count("worker_start"), server.count("worker_error")), (5, 0));
        assert!(!server.log().contains("killed"), "{}", server.log());
    }
}

#[test]
fn five_thousand_connections_that_come_and_go_leave_nothing_behind() {
    common::raise_descriptor_limit();
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "max_conn=10000"]);
        let crowd = Crowd::start(&server, 2, |client| assert_eq!(client.ask("echo a"), "a"));
        let (mut open, mut seed) = (Vec::new(), 7u64);
        for n in 0..5000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let random = (seed >> 40) as usize;
            let mut client = server.client();
            match random % 4 {
                0 => {}
                1 => client.send("echo unread"),
                2 => assert_eq!(client.ask(format!("echo {n}")), n.to_string()),
                _ => client.raw(&[0, 0, 0]).unwrap(),
            }
            open.push(client);
            while open.len() > 500 {
                drop(open.swap_remove(random % open.len()));
            }
        }
        drop(open);
        let asked = crowd.end();
        let mut last = server.client();
        assert!(wait_until(TIMEOUT, || last.ask("connections") == "1"), "{} are open", last.ask("connections"));
        server.wait_for_events("close", 5002);
        assert_eq!((server.count("close"), server.count("connect")), (5002, 5003));
        assert_eq!(server.count("worker_error"), 0);
        report(&format!("5,000 connections come and go, {mode}"), format_args!("{asked} requests of others answered"));
    }
}

#[test]
fn ports_of_both_families_and_of_unix_serve_through_reloads_and_under_load() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "listen=[::1]:0", "listen=unix://FOLDER/echo.sock"]);
        let path = server.folder.path().join("echo.sock");
        for reloads in 1..=3 {
            let mut clients = vec![Client::tcp(&format!("[::1]:{}", server.ports[0])), Client::unix(&path)];
            for n in 0..200 {
                for client in &mut clients {
                    assert_eq!(client.ask(format!("echo {n}")), n.to_string());
                }
            }
            server.signal(libc::SIGUSR1);
            server.wait_for_events("after_reload", reloads);
        }
    }
}

#[test]
fn every_process_goes_on_in_the_new_log_after_a_rotation_under_load() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "log=FOLDER/server.log", "package_max=1000"]);
        let crowd = Crowd::start(&server, 2, |client| assert_eq!(client.ask("echo a"), "a"));
        let log = server.folder.path().join("server.log");
        for n in 0..5 {
            std::fs::rename(&log, server.folder.path().join(format!("old{n}"))).unwrap();
            let reopen = format!("-{}", libc::SIGRTMIN());
            assert!(Command::new("kill").args([reopen, server.pid().to_string()]).status().unwrap().success());
            let tells_again = || {
                let mut bad = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
                let _ = std::io::Write::write_all(&mut bad, &5000u32.to_be_bytes());
                std::fs::read_to_string(&log).is_ok_and(|text| text.contains("is closed"))
            };
            assert!(wait_until(TIMEOUT, tells_again), "round {n}");
        }
        let began = Instant::now();
        assert!(crowd.end() > 0 && began.elapsed() < TIMEOUT);
    }
}
