//! The measured servers in Rust.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::{Mode, Server};

/// An echo server with one worker and one reactor.
pub fn echo(mode: Mode) {
    let server = Server::bind("127.0.0.1:0", mode).expect("bind").workers(1).reactors(1);
    println!("port {}", server.port(0));
    server.on_receive(|worker, conn, data| worker.send(conn, data)).start().expect("serve");
}

/// The echo server over TLS.
pub fn tls(mode: Mode, folder: &str) {
    let tls = swoosh::config::TlsConfig::new(format!("{folder}/cert.pem"), format!("{folder}/key.pem"));
    let server = Server::bind("127.0.0.1:0", mode).expect("bind").workers(1).reactors(1);
    println!("port {}", server.port(0));
    let server = server.ports(|port| port.tls = Some(tls));
    server.on_receive(|worker, conn, data| worker.send(conn, data)).start().expect("serve");
}

/// A web server with one worker and one reactor: each packet is a request, which is parsed and answered.
pub fn http(mode: Mode) {
    use swoosh::proto::http1::{request, response_writer};
    let server = Server::bind("127.0.0.1:0", mode).expect("bind").workers(1).reactors(1);
    println!("port {}", server.port(0));
    let server = server.ports(|port| port.framing = swoosh::config::Framing::Http);
    server
        .on_receive(|worker, conn, data| {
            let mut room = request::field_buffer();
            let Some((request, headers)) = request::Request::parse(data, &mut room) else { return Ok(()) };
            let keep = request.keeps_alive(headers);
            let mut out = Vec::with_capacity(256);
            out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ");
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |t| t.as_secs());
            out.extend_from_slice(&response_writer::date(now as i64));
            out.extend_from_slice(b"\r\nContent-Length: 13\r\n\r\nHello, World!");
            worker.send_answer(conn, out.as_slice())?;
            if keep { Ok(()) } else { worker.close(conn, false) }
        })
        .start()
        .expect("serve");
}

/// The web server as an `http::Server` with an async handler.
pub fn http_async(mode: Mode) {
    let server = swoosh::http::Server::bind("127.0.0.1:0", mode).expect("bind").workers(1);
    let server = server.with(|server| server.reactors(1));
    println!("port {}", server.port(0));
    let hello = async |_: swoosh::http::Request, response: &mut swoosh::http::Response| {
        response.header("Content-Type", "text/plain").body("Hello, World!");
    };
    server.handle(hello).start().expect("serve");
}

/// A web server for HTTP/2 with the same answers as the reference.
pub fn http2(mode: Mode) {
    use swoosh::http::{Request, Response, Server};
    let server = Server::bind("127.0.0.1:0", mode).expect("bind").workers(1).http2(Default::default());
    let server = server.with(|server| server.reactors(1));
    let server = server.ports(|port| port.package_max_length = 200 << 20);
    println!("port {}", server.port(0));
    let answer = async |request: Request, response: &mut Response| {
        response.header("Content-Type", "text/plain");
        match request.path() {
            "/download" => {
                let piece = vec![b'x'; 64 << 10];
                for _ in 0..16 << 10 {
                    response.write(&piece).await?;
                }
            }
            _ => _ = response.body("Hello, World!"),
        }
        Ok::<(), swoosh::Error>(())
    };
    server.handle(answer).start().expect("serve");
}

/// The server of the `web` group: files, ignored bodies, a WebSocket echo, and broadcasts.
pub fn web(mode: Mode, folder: &str) {
    use swoosh::http::{Frame, Message, websockets};
    let server = swoosh::http::Server::bind("127.0.0.1:0", mode).expect("bind").workers(1);
    let server = server.with(|server| server.reactors(1)).configure(|config| config.max_conn = 20_000);
    let server = server.ports(|port| port.package_max_length = 64 << 20).compress_messages(false);
    let server = server.files(folder).expect("the folder");
    println!("port {}", server.port(0));
    let answer = async |request: swoosh::http::Request, response: &mut swoosh::http::Response| {
        if request.header("upgrade").is_none() {
            response.body("done");
            return Ok(());
        }
        let node = response.node().clone();
        let Ok(mut socket) = response.upgrade(&request) else { return Ok(()) };
        while let Some(message) = socket.recv().await {
            match message {
                Message::Binary(bytes) if bytes.len() < 1000 => socket.binary(&bytes)?,
                Message::Binary(bytes) => {
                    // A long message is broadcast.
                    let frame = Frame::binary(&bytes);
                    for conn in websockets(&node) {
                        let _ = frame.send(&node, conn);
                    }
                }
                Message::Text(text) => socket.text(&text)?,
            }
        }
        Ok::<(), swoosh::Error>(())
    };
    server.handle(answer).start().expect("serve");
}

/// Task round trips: `in_flight` tasks of 100 bytes at a time, from one worker to one task worker and back, for `time`. Prints
/// round trips per second.
pub fn tasks(in_flight: u32, time: Duration) {
    let begin = Rc::new(Cell::new(Instant::now()));
    let count = Rc::new(Cell::new(0u64));
    let (b, c) = (begin.clone(), count.clone());
    let payload = [b't'; 100];
    let done = Rc::new(RefCell::new(false));
    Server::bind("127.0.0.1:0", Mode::Process)
        .expect("bind")
        .workers(1)
        .reactors(1)
        .task_workers(1)
        .on_worker_start(move |node| {
            crate::tree::pin(usize::from(node.worker_id() != Some(swoosh::WorkerId(0))));
            if node.worker_id() == Some(swoosh::WorkerId(0)) {
                b.set(Instant::now());
                for _ in 0..in_flight {
                    node.task(&payload, None, 0).expect("a task");
                }
            }
        })
        .on_task(|node, event, data| node.finish_task(event, data, 0))
        .on_finish(move |node, _, data| {
            c.set(c.get() + 1);
            let took = begin.get().elapsed();
            if took > time {
                if !done.replace(true) {
                    println!("rounds {}", c.get() as f64 / took.as_secs_f64());
                    let _ = node.shutdown();
                }
            } else {
                node.task(data, None, 0).expect("a task");
            }
        })
        .start()
        .expect("serve");
}
