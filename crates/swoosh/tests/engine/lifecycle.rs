//! Reload, shutdown, replaced workers, files of the server, startup errors.

use crate::common::{Client, MODES, Server, TIMEOUT, kill, pattern, wait_until};
use std::time::Duration;
use std::time::Instant;

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
fn user_code_can_reload_stop_a_worker_and_shut_the_server_down() {
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
fn a_server_shuts_down_in_order() {
    for mode in MODES {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
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
            // In base mode worker 0 reports it, while the others end.
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
fn accepted_requests_are_answered_before_the_server_ends() {
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
fn pending_futures_complete_before_a_worker_is_replaced() {
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
fn a_worker_kept_alive_by_timers_gets_worker_exit() {
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
fn the_log_file_is_reopened_on_request() {
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
        assert!(wait_until(TIMEOUT, || log.exists()));
        std::thread::sleep(Duration::from_millis(100));
        let mut bad = server.client();
        bad.raw(&5000u32.to_be_bytes()).unwrap();
        assert!(bad.is_closed());
        assert!(wait_until(TIMEOUT, || std::fs::read_to_string(&log).unwrap().contains("is closed")));
    }
}

#[test]
fn a_port_in_use_and_a_setting_out_of_range_fail_at_once() {
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
fn a_server_with_single_thread_works() {
    let mut server = Server::start(&["single_thread=1", "tasks=1"]);
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask("echo a"), "a");
        client.send("reply 3000000");
    }
    for client in &mut clients {
        assert!(client.packet() == pattern(3_000_000));
    }
    // Output that is queued at shutdown is still written.
    clients[0].send("reply 5000000");
    std::thread::sleep(Duration::from_millis(300));
    server.signal(libc::SIGTERM);
    std::thread::sleep(Duration::from_millis(200));
    assert!(clients[0].packet() == pattern(5_000_000));
    assert!(server.wait().success());
}

#[test]
fn reuse_port_loses_no_connection() {
    for mode in MODES {
        let server = Server::start(&[mode, "reuse_port=1", "workers=3"]);
        for _ in 0..60 {
            assert_eq!(server.client().ask("echo a"), "a");
        }
    }
}

#[test]
fn a_killed_worker_is_reported_and_replaced_and_its_connections_stay() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let who = client.who();
    kill(who.pid, libc::SIGKILL);
    assert_ne!(client.who().pid, who.pid);
    server.wait_for_event(&format!("worker_error {} 0 9", who.worker));
    assert!(wait_until(TIMEOUT, || server.zombies().is_empty()));
}

#[test]
fn a_signal_during_startup_is_handled() {
    for mode in MODES.iter().cycle().take(10) {
        let mut server = Server::start(&[mode, "workers=2"]);
        server.signal(libc::SIGUSR1);
        server.wait_for_event("after_reload");
        assert_eq!(server.client().ask("echo a"), "a", "{mode}");
        assert!(server.stop().success(), "{mode}");
    }
}
