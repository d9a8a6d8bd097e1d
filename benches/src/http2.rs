//! HTTP/2 benchmarks, with h2load as the client: requests, an upload, a download, idle connections.

use crate::tree::{self, Tree};
use crate::{ROUNDS, median, own, php, raise_limit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

type Make = fn() -> Command;

/// The servers, and the most that a request may cost beside hyper.
const SERVERS: [(&str, f64, Make); 4] = [
    ("Rust, base mode", 1.05, || own(&["serve", "http2", "base"])),
    ("Rust, process mode", 1.8, || own(&["serve", "http2", "process"])),
    ("PHP, base mode", 1.4, || php("http2.php", &["base"])),
    ("PHP, process mode", 1.8, || php("http2.php", &["process"])),
];

/// All groups.
pub fn all() {
    if Command::new("h2load").arg("--version").output().is_err() {
        return println!("HTTP/2: h2load is not installed");
    }
    tree::pin(1);
    println!("HTTP/2, 8 connections, 32 streams each: CPU per request, ratio to hyper");
    beside(None, |server| {
        h2load(server.port, &["-c8", "-m32", "-n20000"], "/");
        let before = server.cpu_nanos();
        h2load(server.port, &["-c8", "-m32", "-n200000"], "/");
        (server.cpu_nanos() - before) as f64 / 200_000.0
    });
    println!("HTTP/2, an upload of 100 MB that user code ignores: CPU, ratio to hyper");
    let body = tempfile::NamedTempFile::new().expect("a file");
    body.as_file().set_len(100 << 20).expect("a file of 100 MB");
    let file = format!("-d{}", body.path().display());
    beside(Some(1.2), |server| cpu(server, &["-c1", "-m1", "-n1", &file], "/"));
    println!("HTTP/2, a download of 1 GB: CPU, ratio to hyper");
    beside(Some(1.2), |server| cpu(server, &["-c1", "-m1", "-n1", "-w20", "-W20"], "/download"));
    idle();
}

/// Runs every server and hyper alternately, and prints the medians of the ratios.
fn beside(goal: Option<f64>, cost: impl Fn(&Tree) -> f64) {
    for (name, own_goal, make) in SERVERS {
        let (mut ratios, mut first, mut second) = (Vec::new(), 0.0, 0.0);
        for _ in 0..ROUNDS {
            first = cost(&Tree::start(&mut own(&["serve", "hyper", "http2"]), 0));
            second = cost(&Tree::start(&mut make(), 0));
            ratios.push(second / first);
        }
        let (ratio, goal) = (median(&mut ratios), goal.unwrap_or(own_goal));
        println!("  {name:20} {ratio:5.2}  (goal {goal:.2}; last round {second:.0} ns, hyper {first:.0} ns)");
    }
}

/// CPU time of one run of h2load.
fn cpu(server: &Tree, arguments: &[&str], path: &str) -> f64 {
    let before = server.cpu_nanos();
    h2load(server.port, arguments, path);
    (server.cpu_nanos() - before) as f64
}

/// Runs h2load; every request has to succeed.
fn h2load(port: u16, arguments: &[&str], path: &str) {
    let url = format!("http://127.0.0.1:{port}{path}");
    let output = Command::new("h2load").args(arguments).arg(&url).output().expect("h2load");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(" 0 failed, 0 errored"), "h2load {arguments:?} {url}: {text}");
}

/// Memory of idle connections.
fn idle() {
    println!(
        "{IDLE} idle HTTP/2 connections, each after one request: memory of the process tree for each (goal 6144 bytes)"
    );
    raise_limit();
    let hyper: (&str, f64, Make) = ("hyper", 0.0, || own(&["serve", "hyper", "http2"]));
    for (name, _, make) in SERVERS.into_iter().chain([hyper]) {
        let server = Tree::start(&mut make(), 0);
        let warm: Vec<TcpStream> = (0..50).map(|_| request(server.port)).collect();
        drop(warm);
        std::thread::sleep(Duration::from_millis(300));
        let before = server.memory();
        let open: Vec<TcpStream> = (0..IDLE).map(|_| request(server.port)).collect();
        std::thread::sleep(Duration::from_millis(300));
        let each = server.memory().saturating_sub(before) / IDLE as u64;
        drop(open);
        println!("  {name:20} {each} bytes");
    }
}

/// Opens a connection and reads the answer of one request.
fn request(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    // The preface and an empty SETTINGS frame (RFC 9113 section 3.4); GET / of localhost in HEADERS (RFC 7541, static table).
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x84\x86\x41\x09localhost");
    // An acknowledgement of the server's settings.
    bytes.extend_from_slice(b"\0\0\0\x04\x01\0\0\0\0");
    stream.write_all(&bytes).expect("send");
    let mut back = Vec::new();
    while !back.ends_with(b"Hello, World!") {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).expect("an answer");
        assert!(length > 0, "the server closes: {back:?}");
        back.extend_from_slice(&piece[..length]);
        // The body may be followed by an empty DATA frame that ends the stream.
        if back.ends_with(b"\0\0\0\0\x01\0\0\0\x01") {
            break;
        }
    }
    stream
}

const IDLE: usize = 2000;
