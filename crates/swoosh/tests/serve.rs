//! A server of each mode as a program: it serves, replies to large requests, and ends in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The example `echo`, on a port of its own. Killed with all its processes when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(mode: &str) -> Server {
        use std::os::unix::process::CommandExt;
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().parent().unwrap().join("examples/echo");
        let mut command = Command::new(program);
        command.args(["0", mode]).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        let server = Server { child, port };
        drop(server.connect());
        server
    }

    fn connect(&self) -> TcpStream {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    return stream;
                }
                Err(e) => assert!(Instant::now() < until, "nobody listens: {e}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The manager and the two workers, once they run.
    fn processes(&self) -> (u32, Vec<u32>) {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let manager = children(self.child.id()).first().copied();
            let workers = manager.map(children).unwrap_or_default();
            if let (Some(manager), 2) = (manager, workers.len()) {
                return (manager, workers);
            }
            assert!(Instant::now() < until, "the manager has forked {workers:?} only");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(mut self) -> i32 {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ =
            Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn echo(stream: &mut TcpStream, data: &[u8]) {
    stream.write_all(data).unwrap();
    let mut back = vec![0; data.len()];
    stream.read_exact(&mut back).unwrap();
    assert!(back == data, "the echo differs");
}

fn serves(mode: &str) {
    let server = Server::start(mode);
    let mut streams: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for round in 0..50u32 {
        for (n, stream) in streams.iter_mut().enumerate() {
            echo(stream, format!("{round} of {n}").as_bytes());
        }
    }
    let mut writer = streams[0].try_clone().unwrap();
    let large: Vec<u8> = (0..4_000_000u32).map(|n| (n >> 3) as u8).collect();
    let sent = large.clone();
    let sender = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    let mut back = vec![0; large.len()];
    streams[0].read_exact(&mut back).unwrap();
    sender.join().unwrap();
    assert!(back == large, "4 MB came back changed");
    assert_eq!(server.end(), 0);
}

#[test]
fn process_mode_serves_and_ends_in_order() {
    serves("process");
}

#[test]
fn base_mode_serves_and_ends_in_order() {
    serves("base");
}

#[test]
fn a_half_closed_peer_still_gets_its_answer() {
    for mode in ["process", "base"] {
        let server = Server::start(mode);
        let mut stream = server.connect();
        stream.write_all(b"last words").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert_eq!(all, "last words", "in {mode} mode");
    }
}

#[test]
fn a_killed_worker_is_replaced_and_connections_stay_open_in_process_mode() {
    let server = Server::start("process");
    let mut stream = server.connect();
    echo(&mut stream, b"before");
    let (_, workers) = server.processes();
    for worker in workers {
        Command::new("kill").args(["-KILL", &worker.to_string()]).status().unwrap();
    }
    echo(&mut stream, b"after");
    assert_eq!(server.end(), 0);
}

#[test]
fn nothing_is_left_two_seconds_after_the_master_was_killed() {
    let mut server = Server::start("process");
    let (manager, mut all) = server.processes();
    all.push(manager);
    Command::new("kill").args(["-KILL", &server.child.id().to_string()]).status().unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    while all.iter().any(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z ")))
    {
        assert!(Instant::now() < until, "a process outlived its master");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Its sockets are closed once all of its threads have ended.
    server.child.wait().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err(), "somebody still listens");
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    text.split_whitespace().map(|p| p.parse().unwrap()).collect()
}
