//! The corpus of requests goes to nginx and to a server of ours: both answer as many and refuse the same, but for
//! differences that are meant. Without nginx (Debian's package nginx-light) there is nothing to compare, and it says so.

mod common;
#[path = "../src/proto/http1/frame/corpus.rs"]
#[allow(dead_code)]
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
        let until = Instant::now() + common::PATIENCE;
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
    let until = Instant::now() + common::PATIENCE;
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
    stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
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

/// Answers that are no refusal, and whether one follows.
fn class(statuses: &[u16]) -> (usize, bool) {
    let taken = statuses.iter().filter(|&&status| status < 400).count();
    (taken, taken < statuses.len())
}

#[test]
fn nginx_takes_and_refuses_the_same_but_for_what_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_nginx, theirs)) = nginx(folder.path()) else {
        return println!("nginx is not installed (Debian's package nginx-light)");
    };
    let (_swoosh, ours) = ours();
    let good = corpus::GOOD.iter().map(|(name, bytes, _)| (*name, *bytes));
    let cases = good.chain(corpus::BAD.iter().map(|(name, bytes, _)| (*name, *bytes)));
    let mut wrong = Vec::new();
    let (mut alike, mut meant) = (0, 0);
    for (name, bytes) in cases {
        let (their, our) = (statuses(theirs, bytes), statuses(ours, bytes));
        let differs = class(&their) != class(&our);
        let reason = DIFFERENCES.iter().find(|(_, names)| names.contains(&name));
        match (differs, reason) {
            (true, None) => wrong.push(format!("{name}: nginx {their:?}, ours {our:?}")),
            (true, Some((reason, _))) => {
                meant += 1;
                println!("{name}: nginx {their:?}, ours {our:?}: {reason}");
            }
            (false, _) => alike += 1,
        }
    }
    println!("{alike} alike, {meant} different as is meant");
    assert!(wrong.is_empty(), "not alike, and not meant:\n{}", wrong.join("\n"));
    assert!(alike > 200, "only {alike} are alike");
}

/// What is meant to differ, and why.
const DIFFERENCES: &[(&str, &[&str])] = &[];
