//! Prints the cost of the server, as ratios to reference programs that run right before it.
//!
//! `make bench` runs all of it. CPU per request is the CPU time, user and system, of the server's whole process tree
//! divided by the requests it answered; the server has one core and the client the other. Each figure is the median of
//! several rounds, in each of which the reference runs right before.

mod http2;
mod ipc;
mod load;
mod lock;
mod pipe;
mod reference;
mod servers;
mod table;
mod tls;
mod tree;
mod web;

use std::process::Command;
use std::time::Duration;
use swoosh::Mode;
use tree::Tree;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", "reference"] => reference::serve_echo(),
        ["serve", "base"] => servers::echo(Mode::Base),
        ["serve", "process"] => servers::echo(Mode::Process),
        ["serve", "tls", "reference", folder] => reference::serve_tls(folder),
        ["serve", "tls", "base", folder] => servers::tls(Mode::Base, folder),
        ["serve", "tls", "process", folder] => servers::tls(Mode::Process, folder),
        ["serve", "hyper"] => reference::serve_http(),
        ["serve", "http", "base"] => servers::http(Mode::Base),
        ["serve", "http", "process"] => servers::http(Mode::Process),
        ["serve", "http", "async", "base"] => servers::http_async(Mode::Base),
        ["serve", "http", "async", "process"] => servers::http_async(Mode::Process),
        ["serve", "hyper", "http2"] => reference::serve_http2(),
        ["serve", "http2", "base"] => servers::http2(Mode::Base),
        ["serve", "http2", "process"] => servers::http2(Mode::Process),
        ["serve", "web", mode, folder] => {
            servers::web(if mode == "base" { Mode::Base } else { Mode::Process }, folder);
        }
        ["serve", "fastwebsockets"] => reference::serve_websocket(),
        ["serve", "broadcast"] => reference::serve_broadcast(),
        ["tasks", in_flight] => servers::tasks(in_flight.parse().expect("a number"), TASK_TIME),
        ["echo"] => echo(""),
        ["tls"] => tls(),
        ["http"] => http(""),
        ["http", only] => http(only),
        ["echo", only] => echo(only),
        ["http2"] => http2::all(),
        ["tasks"] => tasks(),
        ["idle"] => idle(),
        ["ipc"] => ipc(),
        ["timers"] => timers(),
        ["coroutine"] => coroutine(),
        ["hooks"] => hooks(),
        ["rest"] => rest(),
        ["table"] => tables(),
        ["lock"] => locks(),
        ["process"] => processes(),
        ["web"] => web::all(),
        ["web", "echo"] => web::echo(),
        ["web", "broadcast"] => web::broadcast(),
        ["web", "upload"] => web::upload(),
        ["web", "files"] => web::files(),
        ["web", "latency"] => web::latency(),
        ["web", "idle"] => web::idle(),
        [] => {
            let first = [|| echo(""), tls, || http(""), http2::all, web::all, tasks, ipc, idle];
            first.iter().chain(&[timers, coroutine, hooks, rest, tables, locks, processes]).for_each(|part| part());
        }
        ["pipe", "bare"] => println!("{}", pipe::bare()),
        _ => {
            eprintln!(
                "usage: swoosh-bench [echo | tls | http | http2 | web | tasks | ipc | idle | timers | coroutine | hooks | rest | table | lock | process]"
            );
        }
    }
}

/// Messages from one process to another, without a server.
fn ipc() {
    println!("a message from process to process: CPU of both, ring divided by socket pair");
    for (size, bursts) in [(64, 20_000), (1024, 20_000), (65_536, 2_000)] {
        for burst in [1, 16, 64] {
            let (mut ratios, mut ring, mut pair) = (Vec::new(), 0.0, 0.0);
            for _ in 0..ROUNDS {
                pair = ipc::cpu_per_message(&mut ipc::Sockets::new(), burst, size, bursts / burst + 50);
                ring = ipc::cpu_per_message(&mut ipc::Rings::new(), burst, size, bursts / burst + 50);
                ratios.push(ring / pair);
            }
            let ratio = median(&mut ratios);
            println!(
                "  {size:6} bytes, {burst:2} per tick: {ratio:5.2}  (last round {ring:.0} ns, reference {pair:.0} ns)"
            );
        }
    }
}

/// TCP echo over 64 connections.
fn echo(only: &str) {
    println!("TCP echo, 64 connections, 100 bytes: CPU per message over the process tree, ratio to a bare tokio loop");
    let cases: [(&str, f64, Make); 6] = [
        ("Rust, base mode", 1.03, || own(&["serve", "base"])),
        ("Rust, process mode", 1.6, || own(&["serve", "process"])),
        ("PHP, base mode", 1.1, || php("echo.php", &["base"])),
        ("PHP, process mode", 1.6, || php("echo.php", &["process"])),
        ("PHP, Coroutine\\Socket", 1.1, || php("coroutine_echo.php", &[])),
        ("reference", 1.0, || own(&["serve", "reference"])),
    ];
    tree::pin(1);
    for (name, goal, command) in cases.into_iter().filter(|(name, ..)| name.contains(only)) {
        let mut ratios: Vec<f64> = Vec::new();
        let (mut first, mut second) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            first = cpu_per_echo(own(&["serve", "reference"]));
            second = cpu_per_echo(command());
            ratios.push(second / first);
        }
        let ratio = median(&mut ratios);
        println!("  {name:24} {ratio:5.2}  (goal {goal:.2}; last round {second:.0} ns, reference {first:.0} ns)");
    }
}

/// Echo over TLS 1.3 over 64 connections.
fn tls() {
    let folder = tempfile::tempdir().expect("a folder");
    tls::certify(folder.path());
    let at = folder.path().display().to_string();
    for (what, size) in [("100 bytes", 100), ("16 KB", 16_384)] {
        println!("TLS echo, 64 connections, {what}: CPU per message over the process tree, ratio to tokio-rustls");
        let cases = [
            ("Rust, base mode", own(&["serve", "tls", "base", &at])),
            ("Rust, process mode", own(&["serve", "tls", "process", &at])),
            ("PHP, base mode", php("tls_echo.php", &["base", &at])),
            ("PHP, process mode", php("tls_echo.php", &["process", &at])),
            ("reference", own(&["serve", "tls", "reference", &at])),
        ];
        tree::pin(1);
        for (name, mut command) in cases {
            let (mut ratios, mut first, mut second) = (Vec::new(), 0.0, 0.0);
            for _ in 0..ROUNDS {
                first = cpu_per_tls_echo(&mut own(&["serve", "tls", "reference", &at]), size);
                second = cpu_per_tls_echo(&mut command, size);
                ratios.push(second / first);
            }
            let ratio = median(&mut ratios);
            println!("  {name:24} {ratio:5.2}  (last round {second:.0} ns, reference {first:.0} ns)");
        }
    }
}

/// Includes the handshakes: 64 of them, and many thousand messages.
fn cpu_per_tls_echo(command: &mut Command, size: usize) -> f64 {
    let server = Tree::start(command, 0);
    load::echo_tls(server.port, 64, size, Duration::from_millis(300));
    let before = server.cpu_nanos();
    let messages = load::echo_tls(server.port, 64, size, ECHO_TIME);
    (server.cpu_nanos() - before) as f64 / messages as f64
}

/// "Hello, World!" over 64 connections.
fn http(only: &str) {
    println!("HTTP, 64 connections: CPU per request over the process tree, ratio to a plain hyper server");
    const HELLO: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const READING: &str = "GET /?a=1 HTTP/1.1\r\nHost: localhost\r\nCookie: c=2\r\n\r\n";
    let cases: [(&str, f64, usize, &'static str, Make); 12] = [
        ("Rust, base mode", 1.0, 1, HELLO, || own(&["serve", "http", "base"])),
        ("Rust, base mode, 16 at once", 1.0, 16, HELLO, || own(&["serve", "http", "base"])),
        ("Rust, http::Server, base mode", 1.0, 1, HELLO, || own(&["serve", "http", "async", "base"])),
        ("Rust, http::Server, base, 16 at once", 1.0, 16, HELLO, || own(&["serve", "http", "async", "base"])),
        ("Rust, http::Server, process mode", 1.5, 1, HELLO, || own(&["serve", "http", "async", "process"])),
        ("PHP, base mode", 1.12, 1, HELLO, || php("http_hello.php", &["base", "hello"])),
        ("PHP, base mode, coroutines", 1.2, 1, HELLO, || php("http_hello.php", &["base", "hello", "co"])),
        ("PHP, base mode, 16 at once", 2.2, 16, HELLO, || php("http_hello.php", &["base", "hello"])),
        ("PHP, base mode, reading", 1.4, 1, READING, || php("http_hello.php", &["base", "reading"])),
        ("PHP, process mode", 1.5, 1, HELLO, || php("http_hello.php", &["process", "hello"])),
        ("PHP, process mode, 16 at once", 4.0, 16, HELLO, || php("http_hello.php", &["process", "hello"])),
        ("reference", 1.0, 1, HELLO, || own(&["serve", "hyper"])),
    ];
    tree::pin(1);
    for (name, goal, depth, request, command) in cases.into_iter().filter(|(name, ..)| name.contains(only)) {
        let (mut ratios, mut first, mut second) = (Vec::new(), 0.0, 0.0);
        for _ in 0..ROUNDS {
            first = cpu_per_request(own(&["serve", "hyper"]), depth, HELLO);
            second = cpu_per_request(command(), depth, request);
            ratios.push(second / first);
        }
        let ratio = median(&mut ratios);
        println!("  {name:36} {ratio:5.2}  (goal {goal:.2}; last round {second:.0} ns, reference {first:.0} ns)");
    }
}

fn cpu_per_request(mut command: Command, depth: usize, request: &'static str) -> f64 {
    let server = Tree::start(&mut command, 0);
    load::http(server.port, 64, depth, request, Duration::from_millis(300));
    let before = server.cpu_nanos();
    let requests = load::http(server.port, 64, depth, request, ECHO_TIME);
    (server.cpu_nanos() - before) as f64 / requests as f64
}

fn cpu_per_echo(mut command: Command) -> f64 {
    let server = Tree::start(&mut command, 0);
    load::echo(server.port, 64, 100, Duration::from_millis(300));
    let before = server.cpu_nanos();
    let messages = load::echo(server.port, 64, 100, ECHO_TIME);
    (server.cpu_nanos() - before) as f64 / messages as f64
}

/// Round trips of tasks from worker to task worker and back.
fn tasks() {
    println!("Tasks of 100 bytes, worker -> task worker -> finish, one of each on two cores");
    let run = |mut command: Command| -> f64 {
        let out = command.output().expect("run");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let rate = text.lines().find_map(|l| l.strip_prefix("rounds ")?.trim().parse().ok());
        rate.unwrap_or_else(|| panic!("no figure in {text:?} {}", String::from_utf8_lossy(&out.stderr)))
    };
    for (name, goal, command) in [
        ("Rust", 250_000.0, (|n| own(&["tasks", n])) as fn(&str) -> Command),
        ("PHP", 250_000.0, |n| php("tasks.php", &[n])),
    ] {
        let mut rates: Vec<f64> = (0..ROUNDS).map(|_| run(command("32"))).collect();
        println!("  {name}, 32 in flight: {:.0} round trips per second (goal {goal:.0})", median(&mut rates));
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            let bare = reference::ping_pong(TASK_TIME).as_secs_f64();
            ratios.push(1.0 / run(command("1")) / bare);
        }
        println!("  {name}, one in flight: {:.2} of a bare socket-pair round trip (goal 1.30)", median(&mut ratios));
    }
}

/// Memory of idle connections.
fn idle() {
    println!("{IDLE} idle connections, each after one echo: memory of the process tree for each one (goal 2048 bytes)");
    raise_limit();
    let cases: [(&str, Make); 4] = [
        ("Rust, base mode", || own(&["serve", "base"])),
        ("Rust, process mode", || own(&["serve", "process"])),
        ("PHP, base mode", || php("echo.php", &["base"])),
        ("PHP, process mode", || php("echo.php", &["process"])),
    ];
    for (name, command) in cases {
        let server = Tree::start(&mut command(), 0);
        drop(load::idle(server.port, 50));
        std::thread::sleep(Duration::from_millis(300));
        let before = server.memory();
        let open = load::idle(server.port, IDLE);
        std::thread::sleep(Duration::from_millis(300));
        let each = server.memory().saturating_sub(before) / IDLE as u64;
        drop(open);
        println!("  {name:24} {each} bytes");
    }
}

/// Timers from PHP.
fn timers() {
    println!("Timers from PHP");
    let out = php("timers.php", &[]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

/// Switches, creation and channels of coroutines, and the memory of many.
fn coroutine() {
    println!("Coroutines from PHP");
    let out = php("coroutine.php", &[]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

/// PHP's own functions in coroutines, beside the calls without hooks.
fn hooks() {
    println!("PHP's own functions in coroutines");
    let out = php("hooks.php", &[]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

/// Memory of an idle server.
fn rest() {
    println!("An idle server with one worker: proportional set size of the process tree (goal 15 MB)");
    for mode in ["base", "process"] {
        let server = Tree::start(&mut php("echo.php", &[mode]), 0);
        std::thread::sleep(Duration::from_millis(500));
        println!("  PHP, {mode} mode: {:.1} MB", server.memory() as f64 / 1e6);
    }
}

/// A table of 2^20 rows, some of them used, accessed in random order.
fn tables() {
    println!("A table of 2^20 rows: int, text of 48, float; keys in random order; nanoseconds, best round");
    let cases: [(&str, OfTable, &str); 7] = [
        ("one read, a line for each key", table::Subject::line, ""),
        ("one read, a row for each key", table::Subject::row, ""),
        ("row of a map in one process", table::Subject::map, ""),
        ("Rust, get a row", table::Subject::get, " (goal 125)"),
        ("Rust, get a field", table::Subject::field, " (goal 65)"),
        ("Rust, set a row", table::Subject::set, " (goal 150)"),
        ("Rust, incr", table::Subject::incr, " (goal 65)"),
    ];
    for (rows, order) in [(10_000, "as they were set"), (100_000, "as they were set"), (100_000, "in another order")] {
        let mut subject = table::Subject::new(rows);
        if order != "as they were set" {
            subject.shuffle();
        }
        println!(" {rows} keys, {order}");
        for (name, run, goal) in cases {
            let best = (0..3 * ROUNDS).map(|_| run(&subject)).fold(f64::INFINITY, f64::min);
            println!("  {name:28} {best:5.0}{goal}");
        }
    }
    let subject = table::Subject::new(100_000);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let one = subject.together(1, table::Subject::one_incr);
            subject.together(2, table::Subject::one_incr) / one
        })
        .collect();
    println!("  incr from two processes: {:.2} of one (goal 1.80)", median(&mut ratios));
    let out = php("table.php", &[]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

/// Processes and their pipes.
fn processes() {
    println!("Processes: medians of 21; pipes: the best of the rounds, and the median of their ratios");
    let (mut ours, mut bare, mut ratios) = (f64::INFINITY, f64::INFINITY, Vec::new());
    for _ in 0..ROUNDS {
        let (one, other) = (pipe::ours(), pipe::bare());
        ratios.push(one / other);
        (ours, bare) = (ours.min(one), bare.min(other));
    }
    let ratio = median(&mut ratios);
    println!(
        "  Rust, 100 bytes there and back by a pipe {ours:4.1} us, by bare system calls {bare:.1} us: {ratio:.2} (goal 1.1)"
    );
    let own = std::env::current_exe().expect("own path");
    let out = php("process.php", &[&own.display().to_string()]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

/// Uncontended locks between processes.
fn locks() {
    use swoosh::shm::lock::{Access, LockKind};
    println!("An uncontended lock, acquired and released: nanoseconds, best round");
    let cases: [(&str, Nanoseconds); 6] = [
        ("a mutex in one process", lock::of_one_process),
        ("mutex (goal 30)", || lock::uncontended(LockKind::Mutex, Access::Exclusive)),
        ("spin", || lock::uncontended(LockKind::Spin, Access::Exclusive)),
        ("read-write, to read", || lock::uncontended(LockKind::ReadWrite, Access::Shared)),
        ("read-write, to write", || lock::uncontended(LockKind::ReadWrite, Access::Exclusive)),
        ("semaphore", || lock::uncontended(LockKind::Semaphore(8), Access::Exclusive)),
    ];
    for (name, run) in cases {
        let best = (0..ROUNDS).map(|_| run()).fold(f64::INFINITY, f64::min);
        println!("  {name:28} {best:5.0}");
    }
    let out = php("lock.php", &[]).output().expect("run php");
    print!("{}", String::from_utf8_lossy(&out.stdout));
}

fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command.args(arguments);
    command
}

fn php(script: &str, arguments: &[&str]) -> Command {
    let folder = std::env::current_exe().expect("own path");
    let extension = folder.with_file_name("libswoosh_php.so");
    let mut command = Command::new("php");
    command.arg("-d").arg(format!("extension={}", extension.display()));
    command.arg(format!("{}/php/{script}", env!("CARGO_MANIFEST_DIR"))).args(arguments);
    command
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Raises the descriptor limit of this process to its maximum.
fn raise_limit() {
    // SAFETY: both calls read or write one local struct.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
}

/// Starts a server.
type Make = fn() -> Command;
type Nanoseconds = fn() -> f64;
type OfTable = fn(&table::Subject) -> f64;

const ROUNDS: usize = 5;
const ECHO_TIME: Duration = Duration::from_millis(2000);
const TASK_TIME: Duration = Duration::from_millis(1500);
const IDLE: usize = 10_000;
