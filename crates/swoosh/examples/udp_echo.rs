//! Datagrams: each one is sent back to its sender.
//!
//! `cargo run --release --example udp_echo [port]`

use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9502".into());

    let server = Server::bind(&format!("udp://127.0.0.1:{port}"), Mode::Process)?.workers(2).on_packet(
        // There is no connection: the event carries the sender's address and the receiving socket.
        |worker, packet, data| {
            worker.send_to(&packet.address, packet.peer_port.unwrap_or(0).into(), data, packet.server_socket)
        },
    );

    println!("UDP echo server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc -u 127.0.0.1 {}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
