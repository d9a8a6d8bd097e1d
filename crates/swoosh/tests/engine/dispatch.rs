//! Dispatch modes: the worker that gets a request.

use crate::common::{Server, TIMEOUT, wait_until};
use std::time::Duration;
use std::time::Instant;

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
fn round_robin_gives_the_requests_of_a_connection_to_every_worker() {
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
fn a_request_before_a_close_is_handled_in_every_dispatch_mode() {
    for dispatch in ["dispatch=1", "dispatch=2", "dispatch=3", "dispatch=7"] {
        let server = Server::start(&["workers=3", dispatch]);
        for _ in 0..50 {
            let mut client = server.client();
            client.send("echo last words");
            client.half_close();
            assert_eq!(client.text(), "last words", "{dispatch}");
            assert!(client.is_closed(), "{dispatch}");
        }
        assert!(wait_until(TIMEOUT, || server.client().ask("connections") == "1"), "{dispatch}");
    }
}
