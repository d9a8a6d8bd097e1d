//! The smallest server: it sends back what it receives.
//!
//! `cargo run --release --example echo [port] [process|base]`

use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let server = Server::bind(&format!("127.0.0.1:{port}"), mode)?
        .workers(2)
        .on_receive(|worker, conn, data| worker.send(conn, data));

    println!("echo server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
