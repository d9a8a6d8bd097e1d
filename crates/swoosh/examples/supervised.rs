//! A worker that crashes is replaced, while the server and its connections stay.
//!
//! Commands: `who` (the process of the worker), `panic`, `abort` (like a fault in a C library), `exit`.
//!
//! `cargo run --release --example supervised [port]`

use swoosh::config::Framing;
use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());

    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(1)
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        .on_worker_start(|worker| {
            let id = worker.worker_id().map_or(0, |id| id.0);
            println!("worker {id} runs as process {}", std::process::id());
        })
        .on_receive(|worker, conn, line| match line.trim_ascii() {
            b"who" => worker.send(conn, format!("process {}\n", std::process::id()).as_bytes()),
            b"panic" => panic!("asked to panic"),
            b"abort" => std::process::abort(),
            b"exit" => swoosh::sys::process::exit_now(7),
            _ => worker.send(conn, b"commands: who, panic, abort, exit\n"),
        })
        // In the manager, which starts the replacement.
        .on_worker_error(|_, error| {
            let (id, pid) = (error.worker.0, error.pid);
            match error.signal {
                0 => println!("worker {id}, process {pid}, ended with status {}", error.exit_code),
                signal => println!("worker {id}, process {pid}, was ended by signal {signal}"),
            }
        });

    println!("supervised server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   and  who, panic, who", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
