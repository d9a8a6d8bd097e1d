//! An echo server over TLS: handlers see plaintext only.
//!
//! `cargo run --release --example tls_echo [port] [process|base] [certificate] [key]`

use swoosh::config::TlsConfig;
use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let argument = |n: usize, default: &str| std::env::args().nth(n).unwrap_or(default.into());
    let port = argument(1, "9501");
    let mode = if argument(2, "process") == "base" { Mode::Base } else { Mode::Process };
    let tls = TlsConfig::new(argument(3, "cert.pem"), argument(4, "key.pem"));

    let server = Server::bind(&format!("127.0.0.1:{port}"), mode)?
        .workers(2)
        .ports(|port| port.tls = Some(tls))
        .on_receive(|worker, conn, data| worker.send(conn, data));

    println!("echo server over TLS on 127.0.0.1:{}", server.port(0));
    println!("a certificate to try it with:    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost \\");
    println!("                                     -keyout key.pem -out cert.pem");
    println!("type next, in another terminal:  openssl s_client -quiet -connect 127.0.0.1:{}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
