//! Every example as a program, with a client that checks its output and replies.

mod client;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "tower")]
mod grpc;
mod http;
mod sse;

use client::Example;
use common::{TIMEOUT, example, kill, wait_until};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn echo_works_in_both_modes() {
    for mode in ["process", "base"] {
        let echo = Example::start("echo", &[mode]);
        let mut clients = [echo.connect(), echo.connect(), echo.connect()];
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.ask(&format!("hello {n}")), format!("hello {n}"));
        }
        echo.stop();
    }
}

#[test]
fn tls_echo_works_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert"), made.cert.pem()).unwrap();
    std::fs::write(path("key"), made.key_pair.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    for mode in ["process", "base"] {
        let echo = Example::start("tls_echo", &[mode, &path("cert"), &path("key")]);
        let client = rustls::ClientConnection::new(config.clone(), "localhost".try_into().unwrap()).unwrap();
        let mut tls = rustls::StreamOwned::new(client, echo.connect().0.into_inner());
        tls.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        tls.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello", "{mode}");
        echo.stop();
    }
}

#[test]
fn the_client_talks_to_both_echo_servers() {
    let run = |arguments: &[&str]| {
        let out = Command::new(example("client")).args(arguments).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let echo = Example::start("echo", &["base"]);
    drop(echo.connect()); // It listens now: the client connects once only.
    assert_eq!(run(&[&echo.port.to_string()]), "one\ntwo\nthree\n");
    echo.stop();
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert"), made.cert.pem()).unwrap();
    std::fs::write(path("key"), made.key_pair.serialize_pem()).unwrap();
    let echo = Example::start("tls_echo", &["base", &path("cert"), &path("key")]);
    drop(echo.connect());
    assert_eq!(run(&[&echo.port.to_string(), &path("cert")]), "one\ntwo\nthree\n");
    echo.stop();
}

#[test]
fn a_program_that_cannot_bind_prints_the_cause() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let out = Command::new(example("echo")).arg(address.port().to_string()).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(words.starts_with(&format!("Error: bind {address}: Address already in use")), "{words}");
}

#[test]
fn udp_echo_answers_each_sender() {
    let echo = Example::start("udp_echo", &[]);
    let clients = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap()];
    for (n, client) in clients.iter().enumerate() {
        client.set_read_timeout(Some(TIMEOUT)).unwrap();
        client.send_to(format!("datagram {n}").as_bytes(), ("127.0.0.1", echo.port)).unwrap();
    }
    for (n, client) in clients.iter().enumerate() {
        let mut buffer = [0; 100];
        let (len, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], format!("datagram {n}").as_bytes());
        assert_eq!(from.port(), echo.port);
    }
    echo.stop();
}

#[test]
fn task_queue_counts_in_task_workers_and_answers_the_client() {
    let queue = Example::start("task_queue", &[]);
    let mut clients = [(queue.connect(), 100, 25), (queue.connect(), 30_000, 3245)];
    for (client, below, _) in &mut clients {
        client.send(&below.to_string());
    }
    for (client, below, primes) in &mut clients {
        let queued = client.next();
        assert!(queued.starts_with("task ") && queued.ends_with(" is queued"), "{queued:?}");
        let answer = client.next();
        assert!(answer.contains(&format!(": {primes} primes below {below} (task worker ")), "{answer:?}");
        let by = answer.trim_end_matches(')').rsplit(' ').next().unwrap();
        assert!(["1", "2"].contains(&by), "not a task worker: {answer:?}");
    }
    assert_eq!(clients[0].0.ask("many"), "a number up to 10000000, please");
    queue.stop();
}

#[test]
fn chat_sends_a_line_to_all_other_guests() {
    let chat = Example::start("chat", &[]);
    let mut first = chat.connect();
    assert_eq!(first.next(), "you are guest 1, with 0 others");
    let mut second = chat.connect();
    assert_eq!(second.next(), "you are guest 2, with 1 others");
    assert_eq!(first.next(), "guest 2 has come");
    let mut third = chat.connect();
    assert_eq!(third.next(), "you are guest 3, with 2 others");
    assert_eq!((first.next(), second.next()), ("guest 3 has come".into(), "guest 3 has come".into()));
    first.send("good morning");
    assert_eq!((second.next(), third.next()), ("guest 1: good morning".into(), "guest 1: good morning".into()));
    second.send("good evening");
    assert_eq!(third.next(), "guest 2: good evening");
    // The first guest did not get its own line.
    assert_eq!(first.next(), "guest 2: good evening");
    drop(third);
    assert_eq!((first.next(), second.next()), ("guest 3 has gone".into(), "guest 3 has gone".into()));
    chat.stop();
}

#[test]
fn supervised_replaces_its_worker_and_keeps_the_connection() {
    let server = Example::start("supervised", &[]);
    let mut client = server.connect();
    let mut processes = BTreeSet::from([client.ask("who")]);
    for (n, (command, report)) in
        [("panic", "ended with status 101"), ("abort", "was ended by signal 6"), ("exit", "ended with status 7")]
            .into_iter()
            .enumerate()
    {
        client.send(command);
        server.wait_for(report, 1);
        server.wait_for("worker 0 runs as process", n + 2);
        assert!(processes.insert(client.ask("who")), "the same process again: {processes:?}");
    }
    assert_eq!(client.ask("nonsense"), "commands: who, panic, abort, exit");
    server.stop();
}

#[test]
fn async_handler_serves_others_while_one_waits() {
    let server = Example::start("async_handler", &[]);
    // The other server answers when the test lets it, so that the order of replies is known.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let mut waiting = server.connect();
    waiting.send(&format!("ask {address} are you there?"));
    let (mut asked, _) = other.accept().unwrap();
    let mut question = [0; 15];
    asked.set_read_timeout(Some(TIMEOUT)).unwrap();
    asked.read_exact(&mut question).unwrap();
    assert_eq!(&question, b"are you there?\n");
    assert_eq!(server.connect().ask("sleep 20 meanwhile"), "meanwhile");
    asked.write_all(b"I am\n").unwrap();
    assert_eq!(waiting.next(), format!("{address} says I am"));
    drop((asked, other));
    assert!(waiting.ask(&format!("ask {address} and now?")).starts_with("cannot: "));
    server.stop();
}

#[test]
fn waiting_has_channels_groups_timeouts_and_a_concurrency_limit() {
    let server = Example::start("waiting", &[]);
    let mut client = server.connect();
    assert_eq!(client.ask("gather 4"), "4 3 2 1");
    assert_eq!(client.ask("cancel"), "started, cancelled, cleaned up");
    assert_eq!(client.ask("take 20"), "nothing came");
    // A word of another connection wakes a waiting request.
    let mut taker = server.connect();
    taker.send("take 10000");
    assert_eq!(client.ask("put hello"), "put hello");
    assert_eq!(taker.next(), "took hello");
    // The channel has room for two words; a third and a fourth wait until words are taken. With these two requests and one
    // that takes a word the concurrency limit is reached.
    assert_eq!((client.ask("put a"), client.ask("put b")), ("put a".to_owned(), "put b".to_owned()));
    let mut putters = [server.connect(), server.connect()];
    putters.iter_mut().zip(["c", "d"]).for_each(|(putter, word)| putter.send(&format!("put {word}")));
    let taken: BTreeSet<String> = (0..4).map(|_| client.ask("take 10000")).collect();
    assert_eq!(taken, ["took a", "took b", "took c", "took d"].map(str::to_owned).into());
    assert_eq!(putters.each_mut().map(|putter| putter.next()), ["put c", "put d"].map(str::to_owned));
    // A fourth request does not start while three wait.
    let mut waiters = [server.connect(), server.connect(), server.connect()];
    let sent = Instant::now();
    waiters.iter_mut().for_each(|waiter| waiter.send("take 1000"));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(client.ask("gather 1"), "1");
    assert!(sent.elapsed() >= Duration::from_secs(1), "{:?}", sent.elapsed());
    waiters.iter_mut().for_each(|waiter| assert_eq!(waiter.next(), "nothing came"));
    server.stop();
}

#[test]
fn blocking_work_in_another_thread_lets_others_run_and_a_held_worker_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let log = folder.path().join("log");
    let server = Example::start("blocking", &[&log.display().to_string()]);
    let mut reader = server.connect();
    reader.send(&format!("read {pipe}"));
    let mut client = server.connect();
    assert_eq!(client.ask("ping"), "pong");
    std::fs::write(&pipe, "through the pipe").unwrap();
    assert_eq!(reader.next(), "read through the pipe");
    assert!(client.ask("read /no/such/file").starts_with("cannot: "));
    assert_eq!(client.ask("hold 200"), "held");
    server.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("user code of worker 0 has held its loop for "), "{log}");
}

#[test]
fn shared_table_counts_every_visit_and_survives_a_killed_writer() {
    let out = Command::new(example("shared_table")).output().unwrap();
    let printed = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(printed.contains("front page: 40000 visits") && printed.contains("2 rows of 1228"), "{printed}");
}

#[test]
fn process_pool_answers_and_replaces_a_worker_that_fails() {
    let pool = Example::start("process_pool", &[]);
    let ask = |word: &[u8]| {
        let mut client = TcpStream::connect(("127.0.0.1", pool.port)).unwrap();
        client.write_all(&[&(word.len() as u32).to_be_bytes(), word].concat()).unwrap();
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        String::from_utf8_lossy(answer.get(4..).unwrap_or_default()).into_owned()
    };
    assert!(ask(b"hello").starts_with("HELLO from worker "));
    assert_eq!(ask(b"exit"), "");
    pool.wait_for("runs as process", 3);
    assert!(ask(b"again").starts_with("AGAIN from worker "));
    pool.stop();
}

#[test]
fn supervisor_replaces_a_worker_whose_helper_ends_with_it() {
    let supervisor = Example::spawn("supervisor", &[]);
    let first = supervisor.wait_for("worker 0 runs as process", 1).remove(0);
    supervisor.wait_for("worker 1: the square of 1 is 1", 1);
    let number = |word: &str| first.split(word).nth(1).unwrap().split(',').next().unwrap().parse::<i32>().unwrap();
    kill(number("as process "), libc::SIGKILL);
    supervisor.wait_for("worker 0 runs as process", 2);
    supervisor.wait_for("worker 0: the square of 101 is 10201", 1);
    assert!(wait_until(TIMEOUT, || !swoosh::sys::process::is_alive(number("helper as "))));
    supervisor.stop();
}

#[test]
fn redis_server_answers_commands_in_their_order_in_both_modes() {
    for mode in ["process", "base"] {
        let server = Example::start("redis_server", &[mode]);
        let mut one = server.connect();
        assert_eq!(one.ask("PING\r"), "+PONG");
        assert_eq!(one.ask("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r"), "+OK");
        let mut other = server.connect();
        // Several commands in one packet are answered in order.
        assert_eq!(other.ask("get k\r\nget none\r\nmget k none\r\ndel k x\r\nnope\r\ndbsize\r"), "$5");
        let wanted = ["value", "$-1", "*2", "$5", "value", "$-1", ":1"];
        for line in wanted {
            assert_eq!(other.next(), line);
        }
        assert!(other.next().starts_with("-ERR unknown command"));
        assert_eq!(other.next(), ":0");
        server.stop();
    }
}

#[test]
fn settings_reference_prints_the_document() {
    let out = Command::new(example("settings_reference")).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), include_str!("../../../../docs/SETTINGS.md"));
}

#[test]
fn every_example_has_a_test() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = ["main.rs", "http.rs", "grpc.rs", "sse.rs"]
        .map(|file| std::fs::read_to_string(here.join("tests/examples").join(file)).unwrap());
    let tests = tests.concat();
    for entry in std::fs::read_dir(here.join("examples")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let run = ["Example::start", "Example::spawn", "Command::new(example"].map(|way| format!("{way}(\"{name}\""));
        assert!(run.iter().any(|run| tests.contains(run)), "{name} has no test");
    }
}

#[test]
fn the_readmes_show_the_program_that_the_documentation_compiles() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(here.join("../../README.md")).unwrap();
    let program = readme.split("```rust,no_run\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(std::fs::read_to_string(here.join("README.md")).unwrap().contains(program), "README.md of the crate");
    let library = std::fs::read_to_string(here.join("src/lib.rs")).unwrap();
    let documented: String = library.lines().map(|l| l.trim_start_matches("//!").trim_start_matches(' ')).collect();
    let shown: String = program.lines().map(str::trim_start).collect();
    assert!(documented.contains(&shown), "the documentation of lib.rs has another program than\n{program}");
}
