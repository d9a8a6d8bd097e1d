//! Behaviour under faults, measured under steady load. Each test prints a line of figures:
//! `cargo test --test faults -- --nocapture`. docs/RELIABILITY.md lists them.

mod common;

use common::{Client, MODES, Server, TIMEOUT, kill, wait_until};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The outcomes of requests.
#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    answered: AtomicU64,
    /// The connection stayed open, the answer did not come.
    lost: AtomicU64,
    /// The connection was closed or reset.
    broken: AtomicU64,
    wrong: AtomicU64,
}

impl Counts {
    fn get(&self) -> [u64; 5] {
        [&self.sent, &self.answered, &self.lost, &self.broken, &self.wrong].map(|c| c.load(SeqCst))
    }

    fn line(&self) -> String {
        let [sent, answered, lost, broken, wrong] = self.get();
        format!("{sent} requests, {answered} answered, {lost} lost, {broken} connections broken, {wrong} wrong answers")
    }
}

/// Clients that ask one request after the other until they are stopped.
struct Load {
    counts: Arc<Counts>,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(server: &Server, clients: usize, ask: &'static str) -> Load {
        let (counts, ends): (Arc<Counts>, Arc<AtomicBool>) = Default::default();
        let address = format!("127.0.0.1:{}", server.ports[0]);
        let threads = (0..clients)
            .map(|_| {
                let (counts, ends, address) = (counts.clone(), ends.clone(), address.clone());
                std::thread::spawn(move || load(&address, ask, &counts, &ends))
            })
            .collect();
        Load { counts, ends, threads }
    }

    fn end(self) -> Arc<Counts> {
        self.ends.store(true, SeqCst);
        self.threads.into_iter().for_each(|t| t.join().unwrap());
        self.counts
    }
}

fn load(address: &str, ask: &str, counts: &Counts, ends: &AtomicBool) {
    let mut client = Client::tcp(address);
    let mut n = 0u64;
    // Answers that were given up on must not be taken for later ones: each carries its number.
    while !ends.load(SeqCst) {
        n += 1;
        counts.sent.fetch_add(1, SeqCst);
        let answer = client.try_send(format!("{ask} {n}").as_bytes()).and_then(|()| client.packet_within(LOST_AFTER));
        match answer {
            Ok(answer) if answer == n.to_string().as_bytes() => counts.answered.fetch_add(1, SeqCst),
            Ok(_) => counts.wrong.fetch_add(1, SeqCst),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => counts.lost.fetch_add(1, SeqCst),
            Err(_) => {
                client = Client::tcp(address);
                counts.broken.fetch_add(1, SeqCst)
            }
        };
    }
}

const LOST_AFTER: Duration = Duration::from_secs(3);

fn report(what: &str, figures: std::fmt::Arguments<'_>) {
    println!("FIGURES {what}: {figures}");
}

fn assert_clean(server: &Server) {
    assert!(wait_until(TIMEOUT, || server.zombies().is_empty()), "zombies: {:?}", server.zombies());
}

/// The port can be bound and nothing of the server is alive.
fn assert_gone(server: &Server, timeout: Duration) -> Duration {
    let began = Instant::now();
    assert!(wait_until(timeout, || server.processes().is_empty()), "orphans: {:?}", server.processes());
    let took = began.elapsed();
    TcpListener::bind(("127.0.0.1", server.ports[0])).expect("the port is free");
    took
}

#[test]
fn twenty_reloads_under_load_lose_no_request() {
    let server = Server::start(&["workers=2", "tasks=1"]);
    let load = Load::start(&server, 4, "echo");
    for n in 1..=20 {
        server.signal(libc::SIGUSR1);
        server.wait_for_events("after_reload", n);
    }
    let counts = load.end();
    report("20 reloads, process mode", format_args!("{}", counts.line()));
    let [sent, answered, ..] = counts.get();
    assert_eq!(sent, answered);
    assert_eq!(server.count("worker_error"), 0);
    assert!(!server.log().contains("killed"), "{}", server.log());
    assert_clean(&server);
}

#[test]
fn reloads_of_base_mode_break_connections_in_order_and_lose_none_of_the_new_ones() {
    let server = Server::start(&["mode=base", "workers=2"]);
    let load = Load::start(&server, 4, "echo");
    for n in 1..=10 {
        server.signal(libc::SIGUSR1);
        server.wait_for_events("after_reload", n);
    }
    let counts = load.end();
    report("10 reloads, base mode", format_args!("{}", counts.line()));
    let [_, answered, lost, broken, wrong] = counts.get();
    assert!(answered > 0 && lost == 0 && wrong == 0);
    assert!(broken <= 10 * 4 * 2, "a reload breaks each connection once at most for each worker: {broken}");
    assert!(!server.log().contains("killed"), "{}", server.log());
    assert_clean(&server);
}

#[test]
fn killed_workers_lose_only_requests_in_progress_and_connections_stay() {
    let server = Server::start(&["workers=3"]);
    server.wait_for_events("worker_start", 3);
    let load = Load::start(&server, 4, "echo");
    let began = Instant::now();
    let mut kills = 0;
    while began.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(200));
        let worker = kills % 3;
        kill(last_pid(&server, worker), libc::SIGKILL);
        kills += 1;
    }
    std::thread::sleep(LOST_AFTER + Duration::from_millis(200));
    let counts = load.end();
    report("a worker killed every 200 ms for 5 s", format_args!("{kills} kills, {}", counts.line()));
    let [_, answered, lost, broken, wrong] = counts.get();
    assert_eq!((broken, wrong), (0, 0));
    assert!(answered > 0 && lost <= u64::from(kills) * 2, "{lost} lost by {kills} kills");
    assert_clean(&server);
}

fn last_pid(server: &Server, worker: u32) -> i32 {
    let start = format!("worker_start {worker} ");
    let all = server.wait_for_events(&start, 1);
    all.last().unwrap()[start.len()..].parse().unwrap()
}

#[test]
fn a_killed_task_worker_loses_only_its_task() {
    let server = Server::start(&["workers=2", "tasks=1"]);
    server.wait_for_events("worker_start", 3);
    let load = Load::start(&server, 2, "task any echo");
    let kills = 10;
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(200));
        kill(last_pid(&server, 2), libc::SIGKILL);
    }
    std::thread::sleep(LOST_AFTER + Duration::from_millis(200));
    let counts = load.end();
    report("the task worker killed", format_args!("{kills} kills, {}", counts.line()));
    let [_, answered, lost, broken, wrong] = counts.get();
    assert_eq!((broken, wrong), (0, 0));
    assert!(answered > 0 && lost <= kills, "{lost} lost by {kills} kills");
    assert_clean(&server);
}

#[test]
fn a_server_whose_manager_was_killed_ends_with_an_error_and_leaves_nothing() {
    let mut server = Server::start(&["workers=2", "tasks=1", "user_process=1"]);
    server.wait_for_events("worker_start", 3);
    server.wait_for_event("user_process");
    let load = Load::start(&server, 2, "echo");
    let pids = server.client().ask("pids");
    let manager: i32 = pids.split(' ').nth(1).unwrap().parse().unwrap();
    load.end();
    let began = Instant::now();
    kill(manager, libc::SIGKILL);
    let status = server.wait();
    assert!(!status.success());
    assert!(server.log().contains("the manager process has ended"), "{}", server.log());
    assert_gone(&server, Duration::from_secs(2));
    report("the manager killed", format_args!("all gone after {} ms, {status}", began.elapsed().as_millis()));
}

#[test]
fn a_reactor_thread_that_panics_ends_the_server_with_status_255() {
    for threads in ["reactors=2", "reactors=1"] {
        let mut server = Server::start(&["workers=2", threads, "panic_in_reactor=1"]);
        assert_eq!(server.client().ask("echo a"), "a");
        server.client().send("echo panic in the reactor");
        assert_eq!(server.wait().code(), Some(255), "{}", server.log());
        assert!(server.log().contains("as asked"), "{}", server.log());
        assert_gone(&server, TIMEOUT);
    }
}

#[test]
fn nothing_is_left_two_seconds_after_the_master_was_killed() {
    for mode in MODES {
        let mut server = Server::start(&[mode, "workers=2", "tasks=1", "user_process=1"]);
        server.wait_for_events("worker_start", 3);
        server.wait_for_event("user_process");
        // One worker hangs.
        server.client().send("spin");
        std::thread::sleep(Duration::from_millis(50));
        server.signal(libc::SIGKILL);
        server.child.wait().unwrap();
        let took = assert_gone(&server, Duration::from_secs(2));
        report(&format!("the head killed, {mode}"), format_args!("all gone after {} ms", took.as_millis()));
    }
}

#[test]
fn a_worker_that_panics_at_every_tenth_request_serves_the_others() {
    let server = Server::start(&["workers=2", "panic_every=10"]);
    let (mut answered, mut lost) = (0, 0);
    let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
    for round in 0..60 {
        for client in &mut clients {
            client.send(format!("echo {round}"));
        }
        // Each panic loses one request: the round is over when the panics account for the answers that are missing.
        let mut waiting: Vec<&mut Client> = clients.iter_mut().collect();
        let accounted_for = wait_until(TIMEOUT, || {
            waiting.retain_mut(|client| match client.packet_within(Duration::from_millis(20)) {
                Ok(answer) if answer == round.to_string().as_bytes() => {
                    answered += 1;
                    false
                }
                Ok(_) => panic!("a wrong answer"),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => true,
                Err(e) => panic!("a connection is broken: {e}"),
            });
            waiting.len() + lost == server.count("worker_error")
        });
        assert!(accounted_for, "round {round}: {} answers are missing, {lost} were lost before", waiting.len());
        lost += waiting.len();
    }
    let panics = server.count("worker_error");
    report("a panic at every tenth request", format_args!("{answered} answered, {lost} lost, {panics} panics"));
    assert_eq!(lost, panics);
    assert!(answered >= 200);
    assert_clean(&server);
}

#[test]
fn two_thousand_connections_that_send_one_byte_and_stall_cost_little() {
    common::raise_descriptor_limit();
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "max_conn=5000"]);
        let address = ("127.0.0.1", server.ports[0]);
        let stalled: Vec<TcpStream> = (0..2000)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                std::io::Write::write_all(&mut stream, &[0]).unwrap();
                stream
            })
            .collect();
        let mut client = server.client();
        let began = Instant::now();
        for n in 0..1000 {
            assert_eq!(client.ask(format!("echo {n}")), n.to_string());
        }
        let took = began.elapsed();
        let memory: u64 = server.processes().into_iter().map(common::resident).sum();
        report(
            &format!("2,000 stalled connections, {mode}"),
            format_args!("1,000 requests of another in {} ms, {} MB in all processes", took.as_millis(), memory >> 20),
        );
        assert!(took < Duration::from_secs(5) && memory < 200 << 20);
        drop(stalled);
        assert!(wait_until(TIMEOUT, || client.ask("connections") == "1"));
    }
}

#[test]
fn a_client_that_never_reads_does_not_grow_the_server_by_a_gigabyte() {
    for mode in MODES {
        let server = Server::start(&[mode]);
        let mut silent = server.client();
        silent.send("flood 1000");
        let flood = server.wait_for_event("flood");
        let numbers: Vec<u32> = flood[6..].split(' ').map(|n| n.parse().unwrap()).collect();
        let memory: u64 = server.processes().into_iter().map(common::resident).sum();
        report(
            &format!("1 GB to a peer that does not read, {mode}"),
            format_args!("{} MB taken, {} MB refused, {} MB of memory", numbers[0], numbers[1], memory >> 20),
        );
        assert!(memory < 100 << 20);
        assert_eq!(server.client().ask("echo a"), "a");
    }
}

#[test]
fn garbage_and_absurd_lengths_do_not_affect_other_connections() {
    for mode in MODES {
        for framing in ["length", "eof", "eofcheck", "none"] {
            let server =
                Server::start(&[mode, "package_max=10000", &format!("framing={framing}"), "listen=127.0.0.1:0"]);
            let mut seed = 99u64;
            for round in 0..100 {
                let mut stream = TcpStream::connect(("127.0.0.1", server.ports[0])).unwrap();
                let garbage: Vec<u8> = (0..20_000)
                    .map(|_| {
                        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        (seed >> 56) as u8
                    })
                    .collect();
                let garbage = if round % 2 == 0 { vec![0xFF; 20_000] } else { garbage };
                let _ = std::io::Write::write_all(&mut stream, &garbage);
            }
            let mut client = server.client();
            match framing {
                "length" => assert_eq!(client.ask("echo a"), "a"),
                _ => {
                    client.raw(b"hello\r\n").unwrap();
                    assert_eq!(client.bytes(7), b"hello\r\n");
                }
            }
            assert_eq!(server.count("worker_error"), 0);
            server.wait_for_events("close", 100);
        }
    }
    report("garbage", format_args!("800 connections of 20,000 bytes over 4 framings and 2 modes: no worker died"));
}

#[test]
fn a_server_without_descriptors_keeps_its_connections_and_recovers() {
    for mode in MODES {
        let server = Server::start(&[mode, "workers=2", "nofile=96", "max_conn=1000"]);
        let mut first = server.client();
        assert_eq!(first.ask("echo a"), "a");
        let crowd: Vec<Client> = (0..300).map(|_| server.client()).collect();
        std::thread::sleep(Duration::from_millis(300));
        for n in 0..100 {
            assert_eq!(first.ask(format!("echo {n}")), n.to_string());
        }
        let open: u32 = first.ask("connections").parse().unwrap();
        drop(crowd);
        let began = Instant::now();
        let again = wait_until(TIMEOUT, || {
            let mut late = server.client();
            late.try_send(b"echo b").and_then(|()| late.try_packet()).is_ok_and(|p| p == b"b")
        });
        assert!(again);
        report(
            &format!("descriptors exhausted, {mode}"),
            format_args!("{open} of 301 open, served again {} ms after the others left", began.elapsed().as_millis()),
        );
        assert_eq!(server.count("worker_error"), 0);
    }
}

#[test]
fn a_worker_that_fails_at_startup_is_started_with_growing_pauses() {
    for mode in MODES {
        let mut server = Server::spawn(&[mode, "workers=2", "die_at_start=1"]).unwrap();
        std::thread::sleep(Duration::from_secs(3));
        let starts = server.count("worker_start");
        report(&format!("death at start, {mode}"), format_args!("{starts} starts of 2 workers in 3 s"));
        assert!((4..30).contains(&starts), "{starts} starts");
        assert!(server.log().contains("times in a row"));
        let began = Instant::now();
        server.stop();
        assert!(began.elapsed() < Duration::from_secs(2));
        assert_gone(&server, Duration::from_secs(1));
    }
}

#[test]
fn a_log_that_cannot_be_written_does_not_stop_the_server() {
    for mode in MODES {
        let mut server = Server::start(&[mode, "log=/dev/full", "package_max=1000"]);
        for _ in 0..50 {
            let mut bad = server.client();
            bad.raw(&5000u32.to_be_bytes()).unwrap();
            assert!(bad.is_closed());
        }
        assert_eq!(server.client().ask("echo a"), "a");
        assert!(server.stop().success());
    }
    report("a full disk under the log", format_args!("100 lines could not be written, every request was answered"));
}

#[test]
fn a_stuck_worker_is_killed_after_max_wait_time() {
    for mode in MODES {
        let mut server = Server::start(&[mode, "workers=2", "max_wait=500"]);
        server.wait_for_events("worker_start", 2);
        server.client().send("spin");
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        server.signal(libc::SIGUSR1);
        server.wait_for_event("after_reload");
        let reload = began.elapsed();
        assert!(wait_until(TIMEOUT, || server.client().ask("echo a") == "a"));
        server.client().send("spin");
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        let _ = server.stop();
        let end = began.elapsed();
        report(
            &format!("a stuck worker with max_wait_time 500 ms, {mode}"),
            format_args!("reload {} ms, end {} ms", reload.as_millis(), end.as_millis()),
        );
        for took in [reload, end] {
            assert!((400..2500).contains(&took.as_millis()), "{took:?}");
        }
        assert_gone(&server, Duration::from_secs(1));
    }
}

#[test]
fn a_connection_is_closed_even_if_its_worker_died_while_closing_it() {
    let server = Server::start(&["workers=1"]);
    let mut held = server.client();
    held.send("die_closing");
    assert!(held.is_closed());
    let mut client = server.client();
    assert!(wait_until(TIMEOUT, || client.ask("connections") == "1"));
}
