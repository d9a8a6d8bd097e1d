//! The client: connections that each send a message, wait for its echo, and send the next.

use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The number of messages echoed over `connections` connections within `time`.
pub fn echo(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let until = Instant::now() + time;
    together(port, connections, move |stream| echoes(stream, size, until))
}

/// Like the plain variant, over TLS; the time starts after the handshakes.
pub fn echo_tls(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let connector = crate::tls::connector();
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

/// Opens the connections one after the other, runs a client on each as soon as it is open, and returns the sum of their
/// counts.
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
            sum += one.await.expect("the client task ends");
        }
        sum
    })
}

/// Opens that many connections and keeps them open after one echoed message each.
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

/// The number of HTTP requests answered over `connections` connections within `time`, `depth` of them pipelined on each.
pub fn http(port: u16, connections: usize, depth: usize, request: &'static str, time: Duration) -> u64 {
    let until = Instant::now() + time;
    together(port, connections, move |mut stream| async move {
        // Every response has the length of the first.
        stream.write_all(request.as_bytes()).await.expect("send");
        let length = answer(&mut stream).await;
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

/// Reads one response with a `Content-Length`; returns its total length with the head.
async fn answer(stream: &mut TcpStream) -> usize {
    let mut all = Vec::new();
    loop {
        let read = stream.read_buf(&mut all).await.expect("an answer");
        assert!(read > 0, "the server closes: {}", String::from_utf8_lossy(&all));
        let Some(head) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&all[..head]).to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 200") || text.starts_with("http/1.1 101"), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let whole = head + 4 + length.unwrap_or(0);
        if all.len() >= whole {
            return whole;
        }
    }
}

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn frame(size: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    swoosh::proto::websocket::put_frame(&mut frame, 0x82, Some([1, 2, 3, 4]), &vec![b'x'; size]);
    frame
}

/// The number of messages echoed over that many WebSocket connections.
pub fn websocket_echo(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let message = frame(size);
    together(port, connections, move |mut stream| {
        let message = message.clone();
        async move {
            stream.write_all(HANDSHAKE.as_bytes()).await.expect("send");
            answer(&mut stream).await;
            let until = Instant::now() + time;
            // The unmasked echo is shorter.
            let mut back = vec![0; message.len() - 4];
            let mut count = 0;
            while Instant::now() < until {
                stream.write_all(&message).await.expect("send");
                stream.read_exact(&mut back).await.expect("an echo");
                count += 1;
            }
            count
        }
    })
}

/// The cost (`spent`) of each delivery when one of `connections` connections sends a message to all of them:
/// one value for each round.
pub fn broadcasts(port: u16, connections: usize, size: usize, rounds: usize, spent: impl Fn() -> u64) -> Vec<f64> {
    let message = frame(size);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
            stream.write_all(HANDSHAKE.as_bytes()).await.expect("send");
            answer(&mut stream).await;
            streams.push(stream);
        }
        let mut figures = Vec::new();
        let mut back = vec![0; message.len() - 4];
        // The first round is a warm-up.
        for round in 0..=rounds {
            let before = spent();
            streams[0].write_all(&message).await.expect("send");
            for stream in &mut streams {
                stream.read_exact(&mut back).await.expect("a message");
            }
            if round > 0 {
                figures.push((spent() - before) as f64 / connections as f64);
            }
        }
        figures
    })
}

/// The number of bytes sent in bodies of that size, one after the other on each of the connections.
pub fn uploads(port: u16, connections: usize, size: usize, time: Duration) -> u64 {
    let until = Instant::now() + time;
    together(port, connections, move |mut stream| async move {
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n");
        let piece = vec![b'x'; 1 << 20];
        let mut sent = 0;
        while Instant::now() < until {
            stream.write_all(head.as_bytes()).await.expect("send");
            for _ in 0..size >> 20 {
                stream.write_all(&piece).await.expect("send");
            }
            answer(&mut stream).await;
            sent += size as u64;
        }
        sent
    })
}

/// Median and 99th percentile of the latency in microseconds at a given rate (requests per second), sent
/// whether or not responses keep up: the latency of a late request counts from its scheduled time.
pub fn latency(port: u16, connections: usize, request: &str, rate: f64, time: Duration) -> [f64; 2] {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    let mut streams: Vec<std::net::TcpStream> = (0..connections)
        .map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).expect("connect"))
        .inspect(|stream| stream.set_nonblocking(true).and(stream.set_nodelay(true)).expect("a socket"))
        .collect();
    // Connections with a pending request, and its scheduled time: few, so that scanning them is cheap.
    let (mut polled, mut due_at) = (Vec::<libc::pollfd>::new(), Vec::<(usize, Instant)>::new());
    let begin = Instant::now();
    let (mut sent, mut took) = (0u64, Vec::new());
    let mut back = [0; 4096];
    let mut free: std::collections::VecDeque<usize> = (0..connections).collect();
    while begin.elapsed() < time || free.len() < connections {
        let due = begin + Duration::from_secs_f64(sent as f64 / rate);
        if begin.elapsed() < time
            && Instant::now() >= due
            && let Some(one) = free.pop_front()
        {
            streams[one].write_all(request.as_bytes()).expect("send");
            polled.push(libc::pollfd { fd: streams[one].as_raw_fd(), events: libc::POLLIN, revents: 0 });
            due_at.push((one, due));
            sent += 1;
            continue;
        }
        // SAFETY: the pointer and length describe `polled`, which outlives the call.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, 0) };
        for n in (0..polled.len()).rev().filter(|&n| polled[n].revents != 0).collect::<Vec<_>>() {
            let (one, due) = due_at.swap_remove(n);
            polled.swap_remove(n);
            let length = streams[one].read(&mut back).expect("an answer");
            assert!(back[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&back[..length]));
            took.push(due.elapsed().as_secs_f64() * 1e6);
            free.push_back(one);
        }
    }
    took.sort_by(f64::total_cmp);
    [took[took.len() / 2], took[took.len() * 99 / 100]]
}

/// Opens that many connections and keeps them open after one request each.
pub fn idle_http(port: u16, connections: usize) -> Vec<std::net::TcpStream> {
    use std::io::{Read, Write};
    (0..connections)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connect");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("send");
            let mut back = [0; 4096];
            let length = stream.read(&mut back).expect("an answer");
            assert!(back[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&back[..length]));
            stream
        })
        .collect()
}
