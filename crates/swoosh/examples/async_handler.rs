//! A handler that waits without blocking its worker: for a timer, and for another server.
//!
//! Commands: `sleep 500 hello` replies `hello` after 500 ms; `ask 127.0.0.1:9000 hello` sends `hello` to that address and
//! replies with the response. One worker handles all of them concurrently.
//!
//! `cargo run --release --example async_handler [port]`

use std::time::Duration;
use swoosh::config::Framing;
use swoosh::{Mode, Server};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());

    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(1)
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        // The future owns the worker handle, the connection's id and a copy of the data.
        .on_receive_async(|worker, conn, line| async move {
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            let answer = match answer(&line).await {
                Ok(answer) => answer,
                Err(e) => format!("cannot: {e}"),
            };
            worker.send(conn, format!("{answer}\n").as_bytes())
        });

    println!("async server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   and  sleep 500 hello", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

async fn answer(line: &str) -> std::io::Result<String> {
    let mut words = line.splitn(3, ' ');
    match (words.next(), words.next(), words.next().unwrap_or("")) {
        (Some("sleep"), Some(ms), text) => {
            tokio::time::sleep(Duration::from_millis(ms.parse().unwrap_or(0))).await;
            Ok(text.to_owned())
        }
        (Some("ask"), Some(address), text) => {
            let mut other = TcpStream::connect(address).await?;
            other.write_all(format!("{text}\n").as_bytes()).await?;
            let mut answer = String::new();
            BufReader::new(other).read_line(&mut answer).await?;
            Ok(format!("{address} says {}", answer.trim_end()))
        }
        _ => Ok("commands: sleep MS TEXT, ask HOST:PORT TEXT".to_owned()),
    }
}
