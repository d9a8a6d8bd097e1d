//! HTTP and WebSocket benchmarks: echoes, broadcasts, uploads, files, latency, idle connections.

use crate::tree::{self, Tree};
use crate::{ECHO_TIME, IDLE, ROUNDS, load, median, own, php, raise_limit};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Starts a server with the given folder of files.
type Make = fn(&str) -> Command;

const SERVERS: [(&str, Make); 4] = [
    ("Rust, base mode", |folder| own(&["serve", "web", "base", folder])),
    ("Rust, process mode", |folder| own(&["serve", "web", "process", folder])),
    ("PHP, base mode", |folder| php("web.php", &["base", folder])),
    ("PHP, process mode", |folder| php("web.php", &["process", folder])),
];

/// All groups.
pub fn all() {
    echo();
    broadcast();
    upload();
    files();
    latency();
    idle();
}

/// Runs every server and a reference alternately, and prints the medians of the ratios.
fn beside(reference: impl Fn() -> Command, folder: &str, goal: f64, cost: impl Fn(&Tree) -> f64) {
    tree::pin(1);
    for (name, make) in SERVERS {
        let (mut ratios, mut first, mut second) = (Vec::new(), 0.0, 0.0);
        for _ in 0..ROUNDS {
            first = cost(&Tree::start(&mut reference(), 0));
            second = cost(&Tree::start(&mut make(folder), 0));
            ratios.push(second / first);
        }
        let ratio = median(&mut ratios);
        println!("  {name:20} {ratio:5.2}  (goal {goal:.2}; last round {second:.0} ns, reference {first:.0} ns)");
    }
}

/// CPU time for each unit that `run` counts.
fn cpu_per(server: &Tree, run: impl Fn(Duration) -> u64) -> f64 {
    run(Duration::from_millis(300));
    let before = server.cpu_nanos();
    let count = run(ECHO_TIME);
    (server.cpu_nanos() - before) as f64 / count as f64
}

/// WebSocket echo.
pub fn echo() {
    println!("WebSocket echo, 256 connections, 64 bytes: CPU per message, ratio to a fastwebsockets echo");
    let cost = |server: &Tree| cpu_per(server, |time| load::websocket_echo(server.port, 256, 64, time));
    beside(|| own(&["serve", "fastwebsockets"]), "/tmp", 1.15, cost);
}

/// Broadcasts.
pub fn broadcast() {
    println!("WebSocket, 1 KB to 5,000 connections: CPU per delivery, and the part beyond a bare send(2)");
    raise_limit();
    tree::pin(1);
    let cost = |mut command: Command| {
        let server = Tree::start(&mut command, 0);
        median(&mut load::broadcasts(server.port, 5000, 1024, 2 * ROUNDS, || server.cpu_nanos()))
    };
    for (name, make) in SERVERS {
        let bare = cost(own(&["serve", "broadcast"]));
        let own = cost(make("/tmp"));
        println!("  {name:20} {own:5.0} ns, {:.0} of them beyond a bare send(2) (goal 1300)", own - bare);
    }
}

/// Uploads that user code ignores.
pub fn upload() {
    println!("Uploads of 20 MB that user code ignores: GB per second of CPU time (goal 1.5)");
    tree::pin(1);
    for (name, make) in SERVERS {
        let server = Tree::start(&mut make("/tmp"), 0);
        let before = server.memory();
        let mut rates: Vec<f64> =
            (0..ROUNDS).map(|_| 1.0 / cpu_per(&server, |time| load::uploads(server.port, 4, 20 << 20, time))).collect();
        let more = server.memory().saturating_sub(before) as f64 / 1e6;
        println!("  {name:20} {:5.2} GB/s, {more:.1} MB more memory afterwards", median(&mut rates));
    }
}

/// Static files.
pub fn files() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file.bin"), vec![b'x'; 64 << 10]).expect("a file");
    if !Path::new(NGINX).exists() {
        return println!("A file of 64 KB: {NGINX} is not installed");
    }
    println!("A file of 64 KB, 64 connections: CPU per request, ratio to nginx");
    let at = folder.path().display().to_string();
    const ASK: &str = "GET /file.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";
    beside(
        || nginx(folder.path()),
        &at,
        1.2,
        |server| cpu_per(server, |time| load::http(server.port, 64, 1, ASK, time)),
    );
}

fn nginx(folder: &Path) -> Command {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let at = folder.display();
    let config = folder.join("nginx.conf");
    let text = format!(
        "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log; user root; events {{ }}
        http {{
            access_log off; sendfile on; keepalive_requests 1000000000; default_type application/octet-stream;
            client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u;
            scgi_temp_path {at}/s; server {{ listen 127.0.0.1:{port}; root {at}; }}
        }}"
    );
    std::fs::write(&config, text).expect("a configuration");
    let mut command = Command::new("sh");
    let (config, log) = (config.display(), folder.join("error.log"));
    command.arg("-c").arg(format!("echo port {port}; exec {NGINX} -p {at} -c {config} -e {}", log.display()));
    command
}

/// Latency at half of hyper's maximum load.
pub fn latency() {
    const HELLO: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tree::pin(1);
    let most = {
        let hyper = Tree::start(&mut own(&["serve", "hyper"]), 0);
        load::http(hyper.port, 64, 1, HELLO, ECHO_TIME) as f64 / ECHO_TIME.as_secs_f64()
    };
    let rate = most / 2.0;
    println!(
        "HTTP, 64 connections, {rate:.0} requests a second (half of hyper's most): half, and 99 of 100 answers within"
    );
    let within = |mut command: Command| {
        let server = Tree::start(&mut command, 0);
        load::latency(server.port, 64, HELLO, rate, ECHO_TIME)
    };
    for (name, make) in SERVERS {
        let (mut half, mut most, mut first, mut second) = (Vec::new(), Vec::new(), [0.0; 2], [0.0; 2]);
        for _ in 0..ROUNDS {
            first = within(own(&["serve", "hyper"]));
            second = within(make("/tmp"));
            half.push(second[0] / first[0]);
            most.push(second[1] / first[1]);
        }
        println!(
            "  {name:20} {:5.2} and {:5.2} of hyper's (goal 2.00; last round {second:.0?} us beside {first:.0?} us)",
            median(&mut half),
            median(&mut most)
        );
    }
}

/// Idle connections after one request.
pub fn idle() {
    println!("{IDLE} idle connections, each after one request: memory of the process tree for each (goal 2560 bytes)");
    raise_limit();
    let hyper: (&str, Make) = ("hyper", |_| own(&["serve", "hyper"]));
    for (name, make) in SERVERS.into_iter().chain([hyper]) {
        let server = Tree::start(&mut make("/tmp"), 0);
        drop(load::idle_http(server.port, 50));
        std::thread::sleep(Duration::from_millis(300));
        let before = server.memory();
        let open = load::idle_http(server.port, IDLE);
        std::thread::sleep(Duration::from_millis(300));
        let each = server.memory().saturating_sub(before) / IDLE as u64;
        drop(open);
        println!("  {name:20} {each} bytes");
    }
}

const NGINX: &str = "/usr/sbin/nginx";
