//! The corpus of requests is sent to nginx and to the test server: both accept and refuse the same requests, except for
//! intended differences. Without nginx (Debian's package nginx-light) the comparison is skipped with a message.

mod common;
#[path = "../../swoosh-proto/src/http1/request_framer/corpus/mod.rs"]
#[allow(dead_code, unused_imports)]
mod corpus;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both end their workers then.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let until = Instant::now() + common::TIMEOUT;
        while self.0.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx on a port of its own; `None` where it is not installed. A request is read whole before it is answered, since
/// it goes on to a second server within.
fn nginx(folder: &std::path::Path) -> Option<(Running, u16)> {
    let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
    let program = program.into_iter().find(|path| std::path::Path::new(path).exists())?;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = folder.display();
    let config = folder.join("nginx.conf");
    let text = format!(
        "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log; events {{ }}
        http {{
            access_log off; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;
            fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
            server {{
                listen 127.0.0.1:{port}; lingering_close always; lingering_timeout 1s; proxy_ignore_client_abort on;
                location / {{ proxy_pass http://unix:{at}/behind; }}
            }}
            server {{ listen unix:{at}/behind; location / {{ return 200 'done'; }} }}
        }}"
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&config).arg("-e").arg(folder.join("error.log"));
    let running = Running(command.spawn().unwrap());
    await_port(port);
    Some((running, port))
}

fn await_port(port: u16) {
    let until = Instant::now() + common::TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nobody serves port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ours() -> (Running, u16) {
    let mut command = Command::new(common::example("http_hello"));
    let mut running = Running(command.arg("0").stdout(Stdio::piped()).spawn().expect("the example is built"));
    let mut line = String::new();
    BufReader::new(running.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().rsplit(':').next().unwrap().parse().unwrap();
    await_port(port);
    (running, port)
}

/// The statuses of all answers to these bytes and a last good request behind them.
fn statuses(port: u16, bytes: &str) -> Vec<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(common::TIMEOUT)).unwrap();
    let all = [bytes, "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"].concat();
    stream.write_all(all.as_bytes()).unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut answers);
    let text = String::from_utf8_lossy(&answers);
    let codes = text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap());
    codes.filter(|&code| code >= 200).collect()
}

/// The requests with a `Host`, which nginx insists on and the corpus often leaves out.
fn with_host(bytes: &str) -> String {
    match bytes.to_ascii_lowercase().contains("host") {
        true => bytes.to_owned(),
        false => bytes.replace(" HTTP/1.1\r\n", " HTTP/1.1\r\nHost: a\r\n"),
    }
}

/// Answers that are no refusal, and whether one follows.
fn class(statuses: &[u16]) -> (usize, bool) {
    let taken = statuses.iter().filter(|&&status| status < 400).count();
    (taken, taken < statuses.len())
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let good = corpus::GOOD.iter().map(|(name, bytes, _)| (*name, *bytes));
    good.chain(corpus::BAD.iter().map(|(name, bytes, _)| (*name, *bytes)))
}

#[test]
fn every_intended_difference_is_in_the_corpus() {
    for begin in DIFFERENCES.iter().flat_map(|(_, _, names)| *names) {
        assert!(cases().any(|(name, _)| name.starts_with(begin)), "{begin}");
    }
}

#[test]
fn nginx_accepts_and_refuses_the_same_requests_except_for_intended_differences() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_nginx, theirs)) = nginx(folder.path()) else {
        return println!("nginx is not installed (Debian's package nginx-light)");
    };
    let (_swoosh, ours) = ours();
    let mut wrong = Vec::new();
    let (mut alike, mut meant) = (0, 0);
    for (name, bytes) in cases() {
        let bytes = if name == NO_HOST { bytes.to_owned() } else { with_host(bytes) };
        let (their, our) = (statuses(theirs, &bytes), statuses(ours, &bytes));
        if class(&their) == class(&our) {
            alike += 1;
            continue;
        }
        let taker = if class(&our).1 { Taker::Nginx } else { Taker::Ours };
        match DIFFERENCES.iter().find(|(who, _, names)| *who == taker && names.iter().any(|n| name.starts_with(n))) {
            None => wrong.push(format!("{name}: nginx {their:?}, ours {our:?}")),
            Some((_, reason, _)) => {
                meant += 1;
                println!("{name}: nginx {their:?}, ours {our:?}: {reason}");
            }
        }
    }
    println!("{alike} alike, {meant} different as is meant");
    assert!(wrong.is_empty(), "not alike, and not meant:\n{}", wrong.join("\n"));
    assert!(alike > 200, "only {alike} are alike");
}

const NO_HOST: &str = "9112 3: no Host is suffered, as programs send it";

/// The side that accepts, the reason, and the cases: names or prefixes of names.
const DIFFERENCES: &[(Taker, &str, &[&str])] = &[
    (Taker::Ours, "programs and their tests send such requests", &[NO_HOST, "9110 7.2: empty host"]),
    (Taker::Ours, "a file server or proxy has no use for it", &["9110 9.3.7: asterisk", "9110 9.3.8: TRACE"]),
    (Taker::Ours, "a handler may be a proxy", &["9110 9.3.6: authority", "9110 9.3.6: a port of CONNECT"]),
    (
        Taker::Ours,
        "nginx decodes the target and rejects .. and zero bytes; ours passes it to the handler unchanged",
        &["9112 3.2.1: odd origin", "9112 3.2.1: percent, also of zero and slash"],
    ),
    (
        Taker::Ours,
        "whitespace around a value is not part of it (RFC 9110 section 5.5)",
        &["9110 8.6: tabs around", "9112 6.1: blanks behind chunked"],
    ),
    (
        Taker::Nginx,
        "a line ends with CRLF: a reader that knows no other end would see other requests",
        &[
            "9112 2.2: bare LF",
            "9112 2.2: one bare LF",
            "9112 2.2: a coding behind a bare LF",
            "9112 7.1: bare LF behind",
            "9112 7.1.1: bare LF in an extension",
            "9112 7.1: a last chunk with bare LF",
            "9112 7.1: an end with bare LF",
        ],
    ),
    (
        Taker::Nginx,
        "chunk extensions are checked as RFC 9112 section 7.1.1 defines them; nginx skips them",
        &[
            "9112 7.1.1: an extension without a name",
            "9112 7.1.1: an extension that is no token",
            "9112 7.1.1: a quoted value without its end",
        ],
    ),
    (Taker::Nginx, "a few empty lines are enough", &["9112 2.2: empty lines without end"]),
    (
        Taker::Nginx,
        "nginx leaves out malformed fields; another reader may interpret them differently",
        &[
            "9112 5: no colon",
            "9110 5.6.2: bracket in a name",
            "9110 5.6.2: other letters in a name",
            "9110 5.1: ",
            "9110 5.5: event_fd in a value",
            "9110 5.5: DEL in a value",
            "9110 5.5: escape in a value",
            "9110 5.5: vertical tab in a value",
            "9110 5.5: form feed in a value",
            "9110 5.5: backspace in a value",
            "9110 5.5: unit separator in a value",
        ],
    ),
    (Taker::Nginx, "nginx answers in the way of HTTP/0.9, without a status", &["9112 3: no version"]),
    (
        Taker::Nginx,
        "a request line has one form",
        &[
            "9112 3: two blanks",
            "9112 3.2: other scheme",
            "9112 3.2: other letters",
            "9112 3.2: a scheme within a word",
        ],
    ),
    (
        Taker::Nginx,
        "a host is what RFC 3986 section 3.2.2 says, and has no user",
        &["9112 3.2: a host with a user", "9110 7.2: host with"],
    ),
    (
        Taker::Nginx,
        "who knows no method or version cannot know what it means",
        &["9110 15.6.2: ", "9110 15.6.6: HTTP/1.9"],
    ),
    (
        Taker::Nginx,
        "what follows a size is an extension or nothing",
        &[
            "9112 7.1: blank behind the size",
            "9112 7.1: a tab behind the size",
            "9112 7.1: words behind a blank",
            "9112 7.1: NUL in an extension",
            "9112 7.1: DEL in an extension",
        ],
    ),
    (Taker::Nginx, "nginx does not look at trailers; a reader that does may see something else", &["9112 7.1.2: "]),
    (Taker::Nginx, "who cannot meet an expectation says so", &["9110 10.1.1: "]),
];

/// The side that accepts a request that the other refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taker {
    Nginx,
    Ours,
}
