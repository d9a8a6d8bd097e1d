//! Tasks, messages between processes, timers.

use crate::common::{MODES, Server, pattern};
use std::time::Duration;
use std::time::Instant;

#[test]
fn tasks_are_answered_over_every_transport() {
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
fn a_worker_that_waits_for_tasks_times_out_and_handles_other_events() {
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
fn a_full_task_queue_is_an_error() {
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
fn a_message_always_wakes_a_sleeping_worker() {
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
