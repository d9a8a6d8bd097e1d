//! The client: connections that each send a message, wait for its echo, and send the next.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Messages echoed over `connections` connections within `time`.
pub fn echo(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let until = Instant::now() + time;
        let mut all = Vec::new();
        for _ in 0..connections {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            all.push(tokio::spawn(async move {
                let message = vec![b'x'; size];
                let mut back = vec![0; size];
                let mut count = 0u64;
                while Instant::now() < until {
                    stream.write_all(&message).await.expect("send");
                    stream.read_exact(&mut back).await.expect("an echo");
                    count += 1;
                }
                count
            }));
        }
        let mut sum = 0;
        for one in all {
            sum += one.await.expect("the client goes on");
        }
        sum
    })
}

/// Opens that many connections and keeps them, each having sent and got back one message.
pub fn idle(port: u16, connections: usize) -> Vec<std::net::TcpStream> {
    use std::io::{Read, Write};
    (0..connections)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connect");
            stream.write_all(b"hello").expect("send");
            stream.read_exact(&mut [0; 5]).expect("an echo");
            stream
        })
        .collect()
}
