//! The reference programs: the work of the measured servers in bare loops.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Listens on a free port and prints it.
async fn listen() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    println!("port {}", listener.local_addr().expect("an address").port());
    listener
}

/// Accepts the next connection.
async fn accepted(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().await.expect("accept");
    let _ = stream.set_nodelay(true);
    stream
}

/// A minimal echo server on tokio's current-thread runtime.
pub fn serve_echo() {
    runtime().block_on(async {
        let listener = listen().await;
        loop {
            let mut stream = accepted(&listener).await;
            tokio::spawn(async move {
                let mut buffer = vec![0; 8192];
                while let Ok(n) = stream.read(&mut buffer).await {
                    if n == 0 || stream.write_all(&buffer[..n]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// The echo server over TLS, on tokio-rustls.
pub fn serve_tls(folder: &str) {
    let acceptor = crate::tls::acceptor(folder);
    runtime().block_on(async {
        let listener = listen().await;
        loop {
            let stream = accepted(&listener).await;
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = vec![0; 8192];
                while let Ok(n) = stream.read(&mut buffer).await {
                    let sent = n > 0 && stream.write_all(&buffer[..n]).await.is_ok() && stream.flush().await.is_ok();
                    if !sent {
                        return;
                    }
                }
            });
        }
    });
}

/// A minimal web server on hyper.
pub fn serve_http() {
    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::header::CONTENT_TYPE;
    use hyper::{Request, Response};
    let hello = |_: Request<Incoming>| async {
        let body = Full::new(Bytes::from_static(b"Hello, World!"));
        Response::builder().header(CONTENT_TYPE, "text/plain").body(body)
    };
    runtime().block_on(async {
        let listener = listen().await;
        loop {
            let stream = accepted(&listener).await;
            tokio::spawn(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let service = hyper::service::service_fn(hello);
                let _ =
                    hyper::server::conn::http1::Builder::new().pipeline_flush(true).serve_connection(io, service).await;
            });
        }
    });
}

/// A web server for HTTP/2 on hyper: `/` answers a greeting behind the body, which it drops, `/download` 1 GB.
pub fn serve_http2() {
    use http_body_util::{BodyExt, Either, Full};
    use hyper::body::{Body, Bytes, Frame, Incoming};
    use hyper::header::CONTENT_TYPE;
    use hyper::{Request, Response};
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// The pieces of the download.
    struct Pieces(usize);
    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            static PIECE: [u8; 64 << 10] = [b'x'; 64 << 10];
            let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
            self.0 = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
        }
    }

    let answer = async |mut request: Request<Incoming>| {
        let body = match request.uri().path() {
            "/download" => Either::Right(Pieces(16 << 10)),
            _ => {
                while let Some(Ok(_)) = request.body_mut().frame().await {}
                Either::Left(Full::new(Bytes::from_static(b"Hello, World!")))
            }
        };
        Response::builder().header(CONTENT_TYPE, "text/plain").body(body)
    };
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime(), async {
        let listener = listen().await;
        loop {
            let stream = accepted(&listener).await;
            tokio::task::spawn_local(async move {
                let io = hyper_util::rt::TokioIo::new(stream);
                let service = hyper::service::service_fn(answer);
                let _ = hyper::server::conn::http2::Builder::new(LocalExecutor).serve_connection(io, service).await;
            });
        }
    });
}

/// Runs the streams of a connection in its thread.
#[derive(Clone)]
struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async { drop(future.await) });
    }
}

/// A WebSocket echo server on fastwebsockets.
pub fn serve_websocket() {
    use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
    runtime().block_on(async {
        let listener = listen().await;
        loop {
            let mut stream = accepted(&listener).await;
            tokio::spawn(async move {
                if !shake_hands(&mut stream).await {
                    return;
                }
                let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
                while let Ok(frame) = socket.read_frame().await {
                    let done = match frame.opcode {
                        OpCode::Close => true,
                        OpCode::Text | OpCode::Binary => socket.write_frame(frame).await.is_err(),
                        _ => false,
                    };
                    if done {
                        return;
                    }
                }
            });
        }
    });
}

/// Answers a WebSocket handshake. The benchmark's client sends it in one piece, and nothing else before the response.
async fn shake_hands(stream: &mut TcpStream) -> bool {
    let mut head = [0; 1024];
    let length = stream.read(&mut head).await.unwrap_or(0);
    let text = String::from_utf8_lossy(&head[..length]);
    let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
    let Some(accept) = swoosh::proto::websocket::accept_key(key.as_bytes()) else { return false };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.is_ok()
}

/// Sends each message to all connections, by a bare send(2) for each.
pub fn serve_broadcast() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let all: Rc<RefCell<Vec<Rc<TcpStream>>>> = Rc::default();
    tokio::task::LocalSet::new().block_on(&runtime(), async {
        let listener = listen().await;
        loop {
            let mut stream = accepted(&listener).await;
            let all = all.clone();
            tokio::task::spawn_local(async move {
                if !shake_hands(&mut stream).await {
                    return;
                }
                let own = Rc::new(stream);
                all.borrow_mut().push(own.clone());
                let mut said = vec![0; 4096];
                while own.readable().await.is_ok() {
                    // The frame without the client's mask.
                    let Ok(length @ 5..) = own.try_read(&mut said) else { continue };
                    all.borrow().iter().for_each(|stream| drop(stream.try_write(&said[..length - 4])));
                }
            });
        }
    });
}

/// The time of one round trip of 100 bytes over a socket pair between two processes.
pub fn ping_pong(time: Duration) -> Duration {
    let mut pair = [0; 2];
    let mut buffer = [0u8; 100];
    // SAFETY: plain system calls on local memory; the child does nothing but read and write until the pair is closed.
    unsafe {
        assert_eq!(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()), 0);
        let child = libc::fork();
        if child == 0 {
            crate::tree::pin(1);
            libc::close(pair[0]);
            while libc::read(pair[1], buffer.as_mut_ptr().cast(), 100) > 0 {
                libc::write(pair[1], buffer.as_ptr().cast(), 100);
            }
            libc::_exit(0);
        }
        crate::tree::pin(0);
        libc::close(pair[1]);
        let begin = Instant::now();
        let mut rounds = 0;
        while begin.elapsed() < time {
            for _ in 0..100 {
                libc::write(pair[0], buffer.as_ptr().cast(), 100);
                libc::read(pair[0], buffer.as_mut_ptr().cast(), 100);
            }
            rounds += 100;
        }
        let took = begin.elapsed() / rounds;
        libc::close(pair[0]);
        libc::waitpid(child, std::ptr::null_mut(), 0);
        took
    }
}
