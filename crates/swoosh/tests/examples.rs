//! Every example as a program, with a client that asks of it what it shows.

#[path = "common/mod.rs"]
mod common;

use common::{PATIENCE, example, group, kill, peak, wait_until};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running example, in a process group of its own.
struct Example {
    child: Child,
    port: u16,
    /// What it has printed so far.
    printed: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Example {
    fn start(name: &str, more: &[&str]) -> Example {
        let mut example = Self::spawn(name, more);
        let first = example.wait_for("on 127.0.0.1:", 1).remove(0);
        example.port = first.rsplit(':').next().unwrap().parse().unwrap();
        let next = example.wait_for("type next", 1).remove(0);
        assert!(next.replace("127.0.0.1:", "127.0.0.1 ").contains(&format!("127.0.0.1 {}", example.port)), "{next:?}");
        example.wait_for("Ctrl+C", 1);
        example
    }

    /// Starts one that listens nowhere.
    fn spawn(name: &str, more: &[&str]) -> Example {
        let mut command = Command::new(example(name));
        command.arg("0").args(more).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (lines, own) = (BufReader::new(child.stdout.take().unwrap()).lines(), printed.clone());
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|l| own.lock().unwrap().push(l)));
        Example { child, port: 0, printed, reader: Some(reader) }
    }

    /// The lines that have `part` in them, once there are so many.
    fn wait_for(&self, part: &str, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        let enough = wait_until(PATIENCE, || {
            found = self.printed.lock().unwrap().iter().filter(|l| l.contains(part)).cloned().collect();
            found.len() >= count
        });
        assert!(enough, "{part:?} was not printed {count} times: {:?}", self.printed.lock().unwrap());
        found
    }

    fn connect(&self) -> Lines {
        let mut stream = None;
        assert!(wait_until(PATIENCE, || {
            stream = TcpStream::connect(("127.0.0.1", self.port)).ok();
            stream.is_some()
        }));
        let stream = stream.unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Lines(BufReader::new(stream))
    }

    /// Ctrl+C: it ends in order, and all its processes with it.
    fn stop(mut self) {
        kill(self.child.id() as i32, libc::SIGINT);
        let mut status = None;
        assert!(wait_until(PATIENCE, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        }));
        assert_eq!(status.unwrap().code(), Some(0));
        // Its output ends only when its last process has.
        self.reader.take().unwrap().join().unwrap();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        if self.reader.is_some() {
            kill(-(self.child.id() as i32), libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// A client that speaks lines.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn send(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.next()
    }
}

#[test]
fn echo_sends_back_what_comes_in_both_modes() {
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
fn tls_echo_seals_what_echo_sends_plain() {
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
fn a_program_that_cannot_bind_says_so_in_words() {
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
        client.set_read_timeout(Some(PATIENCE)).unwrap();
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
fn task_queue_counts_in_task_workers_and_answers_whoever_asked() {
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
fn chat_tells_everybody_but_the_speaker() {
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
    // The first thing that comes back to the first is what the second said: its own line did not.
    assert_eq!(first.next(), "guest 2: good evening");
    drop(third);
    assert_eq!((first.next(), second.next()), ("guest 3 has gone".into(), "guest 3 has gone".into()));
    chat.stop();
}

#[test]
fn supervised_goes_on_with_a_new_worker_and_the_old_connection() {
    let server = Example::start("supervised", &[]);
    let mut client = server.connect();
    let mut processes = BTreeSet::from([client.ask("who")]);
    for (n, (command, told)) in
        [("panic", "ended with status 101"), ("abort", "was ended by signal 6"), ("exit", "ended with status 7")]
            .into_iter()
            .enumerate()
    {
        client.send(command);
        server.wait_for(told, 1);
        server.wait_for("worker 0 runs as process", n + 2);
        assert!(processes.insert(client.ask("who")), "the same process again: {processes:?}");
    }
    assert_eq!(client.ask("nonsense"), "commands: who, panic, abort, exit");
    server.stop();
}

#[test]
fn async_handler_answers_others_while_one_waits() {
    let server = Example::start("async_handler", &[]);
    // The other server answers when it is told to, so that order is what shows who waited.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let mut waiting = server.connect();
    waiting.send(&format!("ask {address} are you there?"));
    let (mut asked, _) = other.accept().unwrap();
    let mut question = [0; 15];
    asked.set_read_timeout(Some(PATIENCE)).unwrap();
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
fn waiting_waits_by_channel_group_and_timeout_and_no_more_than_three_at_once() {
    let server = Example::start("waiting", &[]);
    let mut client = server.connect();
    assert_eq!(client.ask("gather 4"), "4 3 2 1");
    assert_eq!(client.ask("cancel"), "handover, given up, cleaned up");
    assert_eq!(client.ask("take 20"), "nothing came");
    // One that waits is woken by another connection's word.
    let mut taker = server.connect();
    taker.send("take 10000");
    assert_eq!(client.ask("put hello"), "put hello");
    assert_eq!(taker.next(), "took hello");
    // Two words find room; who brings a third and a fourth waits until they are taken. That is all that is done at once:
    // whoever takes them must come before.
    assert_eq!((client.ask("put a"), client.ask("put b")), ("put a".to_owned(), "put b".to_owned()));
    let mut bringers = [server.connect(), server.connect()];
    bringers.iter_mut().zip(["c", "d"]).for_each(|(bringer, word)| bringer.send(&format!("put {word}")));
    let taken: BTreeSet<String> = (0..4).map(|_| client.ask("take 10000")).collect();
    assert_eq!(taken, ["took a", "took b", "took c", "took d"].map(str::to_owned).into());
    assert_eq!(bringers.each_mut().map(|bringer| bringer.next()), ["put c", "put d"].map(str::to_owned));
    // A fourth request is not begun while three wait.
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
fn shared_table_counts_every_visit_and_outlives_a_killed_writer() {
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
    assert!(wait_until(PATIENCE, || !swoosh::sys::process::is_alive(number("helper as "))));
    supervisor.stop();
}

/// One answer of HTTP: status, head in small messages, body.
type Answer = (u16, String, Vec<u8>);

impl Lines {
    fn answer(&mut self) -> Answer {
        self.answer_to("GET")
    }

    fn answer_to(&mut self, line: &str) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "the connection is closed behind {head:?}");
        }
        let status = head[9..12].parse().unwrap();
        let head = head.to_lowercase();
        let mut body = Vec::new();
        let lengths = head.split_once("content-length: ").filter(|_| !line.starts_with("HEAD"));
        if let Some((_, length)) = lengths {
            body.resize(length.split("\r\n").next().unwrap().parse().unwrap(), 0);
            self.0.read_exact(&mut body).unwrap();
        }
        while head.contains("transfer-encoding: chunked") {
            let mut size = String::new();
            self.0.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
        (status, head, body)
    }

    fn request(&mut self, line: &str, more: &str) -> Answer {
        let bytes = format!("{line} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
        self.answer_to(line)
    }

    fn get(&mut self, path: &str) -> (u16, String) {
        let (status, _, body) = self.request(&format!("GET {path}"), "");
        (status, String::from_utf8(body).unwrap())
    }

    fn put(&mut self, line: &str, body: &str) -> (u16, String) {
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
        let (status, _, body) = self.answer();
        (status, String::from_utf8(body).unwrap())
    }

    /// A frame of a client, masked with zeros.
    fn say(&mut self, first: u8, data: &[u8]) {
        let mut out = vec![first, 0x80 | data.len() as u8, 0, 0, 0, 0];
        out.extend_from_slice(data);
        self.0.get_mut().write_all(&out).unwrap();
    }

    /// A short frame of the server.
    fn hear(&mut self) -> (u8, String) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut data = vec![0; head[1].into()];
        self.0.read_exact(&mut data).unwrap();
        (head[0], String::from_utf8_lossy(&data).into_owned())
    }
}

#[test]
fn http_hello_greets_in_both_modes() {
    for mode in ["process", "base"] {
        let server = Example::start("http_hello", &[mode]);
        let mut client = server.connect();
        for (target, wanted) in [("/", "Hello, World!\n"), ("/?name=you+%26+me", "Hello, you & me!\n")] {
            assert_eq!(client.get(target), (200, wanted.to_owned()));
        }
        let (status, head, body) = client.request("HEAD /", "");
        assert_eq!((status, body.len()), (200, 0), "{head}");
        assert!(head.contains("content-length: 14") && head.contains("\r\ndate: "), "{head}");
        server.stop();
    }
}

#[test]
fn http_json_answers_in_order_in_parts_and_in_time() {
    let server = Example::start("http_json", &[]);
    let mut client = server.connect();
    assert_eq!(client.put("PUT /notes/b", "two \"2\""), (201, "{\"kept\":true}\n".to_owned()));
    assert_eq!(client.put("PUT /notes/a", "one").0, 201);
    assert_eq!(client.put("PUT /notes/c", &"x".repeat(101)).0, 422);
    let all = "[{\"key\":\"a\",\"text\":\"one\"},{\"key\":\"b\",\"text\":\"two \\\"2\\\"\"}]\n";
    let (status, head, body) = client.request("GET /notes", "");
    assert_eq!((status, std::str::from_utf8(&body).unwrap()), (200, all));
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let gone = client.request("DELETE /notes/a", "");
    assert!(gone.0 == 204 && !gone.1.contains("content-length"), "{gone:?}");
    assert_eq!(client.request("DELETE /notes/a", "").0, 404);
    assert_eq!(client.get("/broken"), (500, String::new()));
    // The second of one connection waits for the first; others do not.
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let bytes = request("/slow?ms=300") + &request("/nowhere") + &request("/slow?ms=1");
    client.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    let mut other = server.connect();
    assert_eq!(other.get("/nowhere").0, 404);
    assert_eq!([client.answer().0, client.answer().0, client.answer().0], [200, 404, 200]);
    // Its deadline ends one request and its connection, and nobody else's.
    let (status, head, _) = client.request("GET /slow?ms=60000", "");
    assert!(status == 504 && head.contains("connection: close"), "{head}");
    assert_eq!(other.get("/slow?ms=1").0, 200);
    server.stop();
}

#[test]
fn static_files_serves_its_folder_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "0123456789").unwrap();
    std::fs::write(folder.path().join("index.html"), "<h1>here</h1>").unwrap();
    let server = Example::start("static_files", &[folder.path().to_str().unwrap()]);
    let mut client = server.connect();
    assert_eq!(client.get("/"), (200, "<h1>here</h1>".to_owned()));
    let (status, head, body) = client.request("GET /a.txt", "Range: bytes=2-4\r\n");
    assert_eq!((status, body.as_slice()), (206, &b"234"[..]));
    let tag = head.split("etag: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert_eq!(client.request("GET /a.txt", &format!("If-None-Match: {tag}\r\n")).0, 304);
    assert_eq!(client.get("/../../etc/passwd").0, 404);
    let (status, head, body) = client.request("GET /none", "Accept-Encoding: gzip\r\n");
    assert!(status == 404 && head.contains("content-encoding: gzip") && body.starts_with(&[0x1f, 0x8b]), "{head}");
    server.stop();
}

#[test]
fn upload_keeps_files_under_their_names_and_gives_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Example::start("upload", &[folder.path().to_str().unwrap()]);
    let mut client = server.connect();
    let large = "x".repeat(3_000_000);
    let part = |name: &str, data: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=f; filename=\"{name}\"\r\n\r\n{data}\r\n")
    };
    let body = part("a.txt", "hello") + &part("../escape", "no") + &part("big", &large) + "--b--\r\n";
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ";
    client.0.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let (status, _, told) = client.answer();
    let wanted = "a.txt: 5 bytes\na file without a name that can be kept\nbig: 3000000 bytes\n";
    assert_eq!((status, String::from_utf8(told).unwrap()), (200, wanted.to_owned()));
    assert_eq!(client.get("/a.txt"), (200, "hello".to_owned()));
    assert_eq!(client.get("/big").1.len(), 3_000_000);
    assert!(client.get("/").1.contains("<form"));
    // What is larger than memory should be is never there.
    let processes = group(server.child.id() as i32).into_iter().map(|(pid, _)| pid);
    let before: Vec<(i32, u64)> = processes.map(|pid| (pid, peak(pid))).collect();
    let body = part("huge", &"y".repeat(60 << 20)) + "--b--\r\n";
    client.0.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    assert_eq!(client.answer().2, b"huge: 62914560 bytes\n");
    for (pid, before) in before {
        assert!(peak(pid) < before + (8 << 20), "process {pid} grew from {before} to {}", peak(pid));
    }
    assert!(std::fs::read(folder.path().join("huge")).unwrap().iter().all(|byte| *byte == b'y'));
    server.stop();
}

#[test]
fn websocket_chat_tells_everybody() {
    let server = Example::start("websocket_chat", &[]);
    let key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut page = server.connect();
    assert!(page.get("/").1.contains("new WebSocket"));
    assert_eq!(page.request("GET /chat", "").0, 400);
    assert_eq!(server.connect().request("GET /chat", &format!("{key}Sec-WebSocket-Version: 8\r\n")).0, 426);
    let mut guests = Vec::new();
    for n in 0..4 {
        let mut guest = server.connect();
        let (status, head, _) = guest.request("GET /chat", &format!("{key}Sec-WebSocket-Version: 13\r\n"));
        assert!(status == 101 && head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(guest.hear().1.ends_with(&format!("has come, {} are here", n + 1)));
        for other in &mut guests {
            let other: &mut Lines = other;
            assert!(other.hear().1.contains("has come"));
        }
        guests.push(guest);
    }
    // A message in two fragments, with a ping between.
    guests[0].say(0x01, b"hel");
    guests[0].say(0x89, b"p");
    guests[0].say(0x80, b"lo");
    assert_eq!(guests[0].hear(), (0x8A, "p".to_owned()));
    for guest in &mut guests {
        let (first, text) = guest.hear();
        assert!(first == 0x81 && text.ends_with(": hello"), "{text}");
    }
    guests[1].say(0x82, b"\x00\x01");
    assert_eq!(guests[1].hear().1, "2 bytes are no words");
    guests[1].say(0x81, b"/bye");
    assert_eq!(guests[1].hear(), (0x88, "\x03\u{fffd}bye".to_owned()));
    let mut broken = guests.remove(2);
    broken.0.get_mut().write_all(b"\x81\x02hi").unwrap();
    for guest in [0, 2] {
        let gone = [guests[guest].hear().1, guests[guest].hear().1];
        assert!(gone.iter().all(|text| text.contains("has gone")), "{gone:?}");
    }
    server.stop();
}

#[test]
fn redis_server_answers_commands_in_their_order_in_both_modes() {
    for mode in ["process", "base"] {
        let server = Example::start("redis_server", &[mode]);
        let mut one = server.connect();
        assert_eq!(one.ask("PING\r"), "+PONG");
        assert_eq!(one.ask("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r"), "+OK");
        let mut other = server.connect();
        // One packet with several commands; the answers come in their order.
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
fn every_example_has_a_test() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = std::fs::read_to_string(here.join("tests/examples.rs")).unwrap();
    for entry in std::fs::read_dir(here.join("examples")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        let run = ["Example::start", "Example::spawn", "Command::new(example"].map(|way| format!("{way}(\"{name}\""));
        assert!(run.iter().any(|run| tests.contains(run)), "{name} has no test");
    }
}

#[test]
fn the_readme_shows_the_program_that_the_documentation_compiles() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(here.join("../../README.md")).unwrap();
    let program = readme.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let library = std::fs::read_to_string(here.join("src/lib.rs")).unwrap();
    let documented: String = library.lines().map(|l| l.trim_start_matches("//!").trim_start_matches(' ')).collect();
    let shown: String = program.lines().map(str::trim_start).collect();
    assert!(documented.contains(&shown), "lib.rs compiles another one than\n{program}");
}
