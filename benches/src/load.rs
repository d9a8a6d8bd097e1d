//! The client: connections that each send a message, wait for its echo, and send the next.

use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Messages echoed over `connections` connections within `time`.
pub fn echo(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let until = Instant::now() + time;
    together(port, connections, move |stream| echoes(stream, size, until))
}

/// The same over TLS; the time begins when hands are shaken.
pub fn echo_tls(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let connector = crate::seal::connector();
    together(port, connections, move |stream| {
        let connector = connector.clone();
        async move {
            let name = "localhost".try_into().expect("a name");
            let sealed = connector.connect(name, stream).await.expect("a handshake");
            echoes(sealed, size, Instant::now() + time).await
        }
    })
}

async fn echoes(mut stream: impl AsyncRead + AsyncWrite + Unpin, size: usize, until: Instant) -> u64 {
    let message = vec![b'x'; size];
    let mut back = vec![0; size];
    let mut count = 0u64;
    while Instant::now() < until {
        stream.write_all(&message).await.expect("send");
        stream.flush().await.expect("send");
        stream.read_exact(&mut back).await.expect("an echo");
        count += 1;
    }
    count
}

/// Opens the connections one after the other, lets a client go on with each as soon as it is open, and adds up what they
/// counted.
fn together<F>(port: u16, connections: usize, client: impl Fn(TcpStream) -> F) -> u64
where
    F: Future<Output = u64> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            all.push(tokio::spawn(client(stream)));
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

/// Requests of HTTP answered over `connections` connections within `time`, `depth` of them at once on each.
pub fn http(port: u16, connections: usize, depth: usize, request: &'static str, time: Duration) -> u64 {
    let until = Instant::now() + time;
    together(port, connections, move |mut stream| async move {
        // Every answer is as long as the first.
        stream.write_all(request.as_bytes()).await.expect("send");
        let mut first = vec![0; 4096];
        let length = stream.read(&mut first).await.expect("an answer");
        assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first[..length]));
        let batch = request.repeat(depth).into_bytes();
        let mut back = vec![0; length * depth];
        let mut count = 0u64;
        while Instant::now() < until {
            stream.write_all(&batch).await.expect("send");
            stream.read_exact(&mut back).await.expect("answers");
            count += depth as u64;
        }
        count
    })
}
