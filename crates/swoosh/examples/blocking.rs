//! Work that blocks: in another thread, so that the only worker goes on; and in the worker itself, which is logged.
//!
//! Commands: `read PATH` reads a file, which may be a named pipe that nobody has written to yet, with `spawn_blocking`;
//! `ping` answers at once; `hold MS` holds the worker, which the log names after 50 ms.
//!
//! `cargo run --release --example blocking [port] [log file]`

use std::time::Duration;
use swoosh::config::Framing;
use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(1)
        .configure(|config| {
            config.blocking_detection = Some(Duration::from_millis(50));
            config.log_file = std::env::args().nth(2).map(Into::into);
        })
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        .on_receive_async(move |worker, conn, line| async move {
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            let answer = match line.split_once(' ').unwrap_or((&line, "")) {
                ("read", path) => {
                    let path = path.to_owned();
                    match worker.spawn_blocking(move || std::fs::read_to_string(path)).await? {
                        Ok(text) => format!("read {}", text.trim()),
                        Err(e) => format!("cannot: {e}"),
                    }
                }
                ("hold", ms) => {
                    std::thread::sleep(Duration::from_millis(ms.parse().unwrap_or(100)));
                    "held".to_owned()
                }
                ("ping", _) => "pong".to_owned(),
                _ => "commands: read PATH, ping, hold MS".to_owned(),
            };
            worker.send(conn, format!("{answer}\n").as_bytes())
        });

    println!("blocking server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   and  ping", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
