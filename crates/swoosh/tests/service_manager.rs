//! Reports to a service manager (sd_notify(3)): a socket of the test takes its place.

mod common;

use common::{Server, TIMEOUT, kill, wait_until};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Each process that can head a server: a master, a manager, a worker that is alone.
const HEADS: [&[&str]; 3] =
    [&["mode=process", "tasks=1"], &["mode=base", "tasks=1"], &["mode=base", "workers=1", "listen=127.0.0.1:0"]];

/// The socket of a service manager.
struct Receiver {
    socket: UnixDatagram,
    path: String,
    _folder: tempfile::TempDir,
}

impl Receiver {
    fn new() -> Receiver {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").display().to_string();
        Receiver { socket: UnixDatagram::bind(&path).unwrap(), path, _folder: folder }
    }

    /// The next message that arrives within `limit`.
    fn within(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// The next message.
    fn next(&self) -> String {
        self.within(TIMEOUT).expect("a report")
    }

    /// Drops messages up to one with this line.
    fn wait_for(&self, line: &str) -> String {
        loop {
            let message = self.next();
            if message.lines().any(|one| one == line) {
                return message;
            }
        }
    }
}

#[test]
fn readiness_waits_for_every_worker_and_reloads_and_shutdown_are_reported() {
    for arguments in HEADS {
        let manager = Receiver::new();
        let arguments = [arguments, &["start_pause=100"]].concat();
        let mut server = Server::spawn_in(&[("NOTIFY_SOCKET", &manager.path)], &arguments).unwrap();
        let ready = manager.next();
        let all = if arguments.contains(&"tasks=1") { 3 } else { 1 };
        assert_eq!(server.count("worker_start"), all, "{arguments:?}: {ready}");
        assert!(ready.starts_with("READY=1\nSTATUS=serving 127.0.0.1:"), "{arguments:?}: {ready}");
        assert_eq!(server.client().ask("echo a"), "a");
        if all > 1 {
            server.signal(libc::SIGUSR1);
            let reload = manager.next();
            assert!(reload.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{arguments:?}: {reload}");
            let ready = manager.next();
            assert!(ready.starts_with("READY=1\n"), "{arguments:?}: {ready}");
            assert_eq!(server.count("worker_start"), 2 * all, "{arguments:?}");
        }
        server.signal(libc::SIGTERM);
        let stop = manager.next();
        assert!(stop.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=8000000\n"), "{arguments:?}: {stop}");
        assert!(server.wait().success());
        assert_eq!(manager.within(Duration::from_millis(10)), None, "{arguments:?}");
    }
}

#[test]
fn a_reload_that_a_worker_requests_is_reported_too() {
    let manager = Receiver::new();
    let server = Server::spawn_in(&[("NOTIFY_SOCKET", &manager.path)], &["mode=process"]).unwrap();
    manager.wait_for("READY=1");
    assert_eq!(server.client().ask("reload"), "ok");
    manager.wait_for("RELOADING=1");
    manager.wait_for("READY=1");
}

#[test]
fn a_shutdown_that_a_worker_requests_is_reported_too() {
    for arguments in HEADS {
        let manager = Receiver::new();
        let mut server = Server::spawn_in(&[("NOTIFY_SOCKET", &manager.path)], arguments).unwrap();
        manager.wait_for("READY=1");
        server.client().send("shutdown");
        manager.wait_for("STOPPING=1");
        assert!(server.wait().success(), "{arguments:?}");
    }
}

#[test]
fn a_daemon_names_its_process() {
    let manager = Receiver::new();
    let arguments = ["mode=process", "daemonize=1", "pid_file=FOLDER/pid", "log=FOLDER/daemon.log"];
    let server = Server::spawn_in(&[("NOTIFY_SOCKET", &manager.path)], &arguments).unwrap();
    let message = manager.wait_for("READY=1");
    let pid = std::fs::read_to_string(server.folder.path().join("pid")).unwrap();
    kill(pid.parse().unwrap(), libc::SIGTERM);
    assert!(message.lines().any(|line| line == format!("MAINPID={pid}")), "{message}");
    manager.wait_for("STOPPING=1");
    assert!(wait_until(TIMEOUT, || !swoosh::sys::process::is_alive(pid.parse().unwrap())));
}

#[test]
fn an_abstract_address_is_notified() {
    let name = format!("swoosh-service-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let manager = Receiver { socket, path: format!("@{name}"), _folder: tempfile::tempdir().unwrap() };
    let _server = Server::spawn_in(&[("NOTIFY_SOCKET", &manager.path)], &[]).unwrap();
    manager.wait_for("READY=1");
}

#[test]
fn a_watchdog_is_fed_by_whichever_process_heads_the_server() {
    for arguments in HEADS {
        let manager = Receiver::new();
        let environment = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "200000")];
        let _server = Server::spawn_in(&environment, arguments).unwrap();
        for _ in 0..5 {
            manager.wait_for("WATCHDOG=1");
        }
    }
}

#[test]
fn the_watchdog_starves_while_the_manager_does_not_run() {
    let manager = Receiver::new();
    let environment = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "200000")];
    let server = Server::spawn_in(&environment, &["mode=process"]).unwrap();
    manager.wait_for("READY=1");
    manager.wait_for("WATCHDOG=1");
    let status = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    // The manager is the only child of the process that called `start`.
    let parent = format!("PPid:\t{}\n", server.pid());
    let supervisor = server.processes().into_iter().find(|pid| status(pid).contains(&parent)).unwrap();
    kill(supervisor, libc::SIGSTOP);
    assert!(wait_until(TIMEOUT, || manager.within(Duration::from_millis(600)).is_none()));
    assert_eq!(server.client().ask("echo a"), "a", "the master and the workers serve");
    kill(supervisor, libc::SIGCONT);
    manager.wait_for("WATCHDOG=1");
}

#[test]
fn the_watchdog_of_another_process_and_an_unreachable_manager_disturb_nothing() {
    let manager = Receiver::new();
    let environment = [("NOTIFY_SOCKET", manager.path.as_str()), ("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")];
    let server = Server::spawn_in(&environment, &[]).unwrap();
    assert!(!manager.next().contains("WATCHDOG"));
    assert_eq!(manager.within(Duration::from_millis(300)), None);
    assert_eq!(server.client().ask("echo a"), "a");
    for (address, words) in [("/nobody/here", "misses reports"), ("vsock:2:1", "neither a path nor")] {
        let mut server = Server::spawn_in(&[("NOTIFY_SOCKET", address)], &[]).unwrap();
        server.wait_for_events("worker_start", 2);
        assert_eq!(server.client().ask("echo a"), "a");
        assert!(server.stop().success());
        assert!(server.log().contains(words), "{}", server.log());
    }
}
