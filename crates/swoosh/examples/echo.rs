//! The smallest server: what comes in goes out again.
//!
//! `cargo run --release --example echo [process|base] [address]`

use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = if arguments.next().as_deref() == Some("base") { Mode::Base } else { Mode::Process };
    let address = arguments.next().unwrap_or("127.0.0.1:9501".into());
    let server = Server::bind(&address, mode)?.workers(2).on_receive(|worker, conn, data| worker.send(conn, data));
    println!("listening on port {}: try  nc 127.0.0.1 {}  and stop with Ctrl-C", server.port(0), server.port(0));
    server.start()
}
