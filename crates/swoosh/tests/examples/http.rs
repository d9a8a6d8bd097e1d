//! The examples of HTTP and WebSocket servers.

use crate::client::{Example, Lines, connect};
use crate::common::{group, peak};
use std::io::{BufRead, Read, Write};

/// A response: status, head in lower case, body.
type Response = (u16, String, Vec<u8>);

impl Lines {
    fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    fn response_to(&mut self, line: &str) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "the connection was closed after {head:?}");
        }
        let status = head[9..12].parse().unwrap();
        let head = head.to_lowercase();
        let mut body = Vec::new();
        let lengths = head.split_once("content-length: ").filter(|_| !line.starts_with("HEAD"));
        if let Some((_, length)) = lengths {
            body.resize(length.split("\r\n").next().unwrap().parse().unwrap(), 0);
            self.0.read_exact(&mut body).unwrap();
        }
        while head.contains("transfer-encoding: chunked") {
            let mut size = String::new();
            self.0.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
        (status, head, body)
    }

    fn request(&mut self, line: &str, more: &str) -> Response {
        let bytes = format!("{line} HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
        self.response_to(line)
    }

    fn get(&mut self, path: &str) -> (u16, String) {
        let (status, _, body) = self.request(&format!("GET {path}"), "");
        (status, String::from_utf8(body).unwrap())
    }

    fn put(&mut self, line: &str, body: &str) -> (u16, String) {
        let head = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(head.as_bytes()).unwrap();
        let (status, _, body) = self.response();
        (status, String::from_utf8(body).unwrap())
    }

    /// Sends a frame, masked with zeros.
    fn send_frame(&mut self, first: u8, data: &[u8]) {
        let mut out = vec![first, 0x80 | data.len() as u8, 0, 0, 0, 0];
        out.extend_from_slice(data);
        self.0.get_mut().write_all(&out).unwrap();
    }

    /// Receives a short frame.
    fn receive_frame(&mut self) -> (u8, String) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut data = vec![0; head[1].into()];
        self.0.read_exact(&mut data).unwrap();
        (head[0], String::from_utf8_lossy(&data).into_owned())
    }
}

#[test]
fn http_hello_greets_in_both_modes() {
    for mode in ["process", "base"] {
        let server = Example::start("http_hello", &[mode]);
        let mut client = server.connect();
        for (target, wanted) in [("/", "Hello, World!\n"), ("/?name=you+%26+me", "Hello, you & me!\n")] {
            assert_eq!(client.get(target), (200, wanted.to_owned()));
        }
        let (status, head, body) = client.request("HEAD /", "");
        assert_eq!((status, body.len()), (200, 0), "{head}");
        assert!(head.contains("content-length: 14") && head.contains("\r\ndate: "), "{head}");
        server.stop();
    }
}

/// The status, body and `sum` trailer of a request by HTTP/2.
fn over_http2(port: u16, path: &str, body: &'static [u8]) -> (u16, String, Option<String>) {
    let request = http_types::Request::post(format!("http://127.0.0.1:{port}{path}")).body(()).unwrap();
    let exchange = async {
        let socket = connect(port).await;
        let (sender, connection) = h2::client::handshake(socket).await.unwrap();
        let driver = tokio::spawn(connection);
        let (response, mut stream) = sender.ready().await.unwrap().send_request(request, false).unwrap();
        stream.send_data(body.into(), true).unwrap();
        let (head, mut body) = response.await.unwrap().into_parts();
        let mut text = Vec::new();
        while let Some(part) = body.data().await {
            let part = part.unwrap();
            body.flow_control().release_capacity(part.len()).unwrap();
            text.extend_from_slice(&part);
        }
        let trailers = body.trailers().await.unwrap().unwrap_or_default();
        driver.abort();
        let sum = trailers.get("sum").map(|sum| sum.to_str().unwrap().to_owned());
        (head.status.as_u16(), String::from_utf8(text).unwrap(), sum)
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(exchange)
}

#[test]
fn http2_serves_both_versions_on_one_port() {
    for mode in ["process", "base"] {
        let server = Example::start("http2", &[mode]);
        let numbers = "1\n2\n3\n4\n5\n".to_owned();
        assert_eq!(over_http2(server.port, "/count", b""), (200, numbers.clone(), Some("15".to_owned())), "{mode}");
        assert_eq!(over_http2(server.port, "/echo", b"a body"), (200, "a body".to_owned(), None));
        assert_eq!(over_http2(server.port, "/page", b"").1, "/page by HTTP/2\n");
        let mut client = server.connect();
        assert_eq!(client.get("/page"), (200, "/page by HTTP/1.1\n".to_owned()));
        assert_eq!(client.put("POST /echo", "a body"), (200, "a body".to_owned()));
        server.stop();
    }
}

#[test]
fn http_json_responds_in_order_in_parts_and_in_time() {
    let server = Example::start("http_json", &[]);
    let mut client = server.connect();
    assert_eq!(client.put("PUT /notes/b", "two \"2\""), (201, "{\"kept\":true}\n".to_owned()));
    assert_eq!(client.put("PUT /notes/a", "one").0, 201);
    assert_eq!(client.put("PUT /notes/c", &"x".repeat(101)).0, 422);
    let all = "[{\"key\":\"a\",\"text\":\"one\"},{\"key\":\"b\",\"text\":\"two \\\"2\\\"\"}]\n";
    let (status, head, body) = client.request("GET /notes", "");
    assert_eq!((status, std::str::from_utf8(&body).unwrap()), (200, all));
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let gone = client.request("DELETE /notes/a", "");
    assert!(gone.0 == 204 && !gone.1.contains("content-length"), "{gone:?}");
    assert_eq!(client.request("DELETE /notes/a", "").0, 404);
    assert_eq!(client.get("/broken"), (500, String::new()));
    // The second request of a connection waits for the first; other connections do not.
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let bytes = request("/slow?ms=300") + &request("/nowhere") + &request("/slow?ms=1");
    client.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    let mut other = server.connect();
    assert_eq!(other.get("/nowhere").0, 404);
    assert_eq!([client.response().0, client.response().0, client.response().0], [200, 404, 200]);
    // The deadline ends one request and its connection, no other.
    let (status, head, _) = client.request("GET /slow?ms=60000", "");
    assert!(status == 504 && head.contains("connection: close"), "{head}");
    assert_eq!(other.get("/slow?ms=1").0, 200);
    server.stop();
}

#[test]
fn static_files_serves_its_directory_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "0123456789").unwrap();
    std::fs::write(folder.path().join("index.html"), "<h1>here</h1>").unwrap();
    let server = Example::start("static_files", &[folder.path().to_str().unwrap()]);
    let mut client = server.connect();
    assert_eq!(client.get("/"), (200, "<h1>here</h1>".to_owned()));
    let (status, head, body) = client.request("GET /a.txt", "Range: bytes=2-4\r\n");
    assert_eq!((status, body.as_slice()), (206, &b"234"[..]));
    let tag = head.split("etag: ").nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert_eq!(client.request("GET /a.txt", &format!("If-None-Match: {tag}\r\n")).0, 304);
    assert_eq!(client.get("/../../etc/passwd").0, 404);
    let (status, head, body) = client.request("GET /none", "Accept-Encoding: gzip\r\n");
    assert!(status == 404 && head.contains("content-encoding: gzip") && body.starts_with(&[0x1f, 0x8b]), "{head}");
    server.stop();
}

#[test]
fn upload_stores_files_under_their_names_and_serves_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Example::start("upload", &[folder.path().to_str().unwrap()]);
    let mut client = server.connect();
    let large = "x".repeat(3_000_000);
    let part = |name: &str, data: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=f; filename=\"{name}\"\r\n\r\n{data}\r\n")
    };
    let body = part("a.txt", "hello") + &part("../escape", "no") + &part("big", &large) + "--b--\r\n";
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ";
    client.0.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let (status, _, report) = client.response();
    let wanted = "a.txt: 5 bytes\na file without a name that can be kept\nbig: 3000000 bytes\n";
    assert_eq!((status, String::from_utf8(report).unwrap()), (200, wanted.to_owned()));
    assert_eq!(client.get("/a.txt"), (200, "hello".to_owned()));
    assert_eq!(client.get("/big").1.len(), 3_000_000);
    assert!(client.get("/").1.contains("<form"));
    // A large upload is never in memory.
    let processes = group(server.child.id() as i32).into_iter().map(|(pid, _)| pid);
    let before: Vec<(i32, u64)> = processes.map(|pid| (pid, peak(pid))).collect();
    let body = part("huge", &"y".repeat(60 << 20)) + "--b--\r\n";
    client.0.get_mut().write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    assert_eq!(client.response().2, b"huge: 62914560 bytes\n");
    for (pid, before) in before {
        assert!(peak(pid) < before + (8 << 20), "process {pid} grew from {before} to {}", peak(pid));
    }
    assert!(std::fs::read(folder.path().join("huge")).unwrap().iter().all(|byte| *byte == b'y'));
    server.stop();
}

#[test]
fn websocket_chat_sends_messages_to_all_guests() {
    let server = Example::start("websocket_chat", &[]);
    let key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut page = server.connect();
    assert!(page.get("/").1.contains("new WebSocket"));
    assert_eq!(page.request("GET /chat", "").0, 400);
    assert_eq!(server.connect().request("GET /chat", &format!("{key}Sec-WebSocket-Version: 8\r\n")).0, 426);
    let mut guests = Vec::new();
    for n in 0..4 {
        let mut guest = server.connect();
        let (status, head, _) = guest.request("GET /chat", &format!("{key}Sec-WebSocket-Version: 13\r\n"));
        assert!(status == 101 && head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(guest.receive_frame().1.ends_with(&format!("has come, {} are here", n + 1)));
        for other in &mut guests {
            let other: &mut Lines = other;
            assert!(other.receive_frame().1.contains("has come"));
        }
        guests.push(guest);
    }
    // A message in two fragments, with a ping between.
    guests[0].send_frame(0x01, b"hel");
    guests[0].send_frame(0x89, b"p");
    guests[0].send_frame(0x80, b"lo");
    assert_eq!(guests[0].receive_frame(), (0x8A, "p".to_owned()));
    for guest in &mut guests {
        let (first, text) = guest.receive_frame();
        assert!(first == 0x81 && text.ends_with(": hello"), "{text}");
    }
    guests[1].send_frame(0x82, b"\x00\x01");
    assert_eq!(guests[1].receive_frame().1, "2 bytes are no words");
    guests[1].send_frame(0x81, b"/bye");
    assert_eq!(guests[1].receive_frame(), (0x88, "\x03\u{fffd}bye".to_owned()));
    let mut broken = guests.remove(2);
    broken.0.get_mut().write_all(b"\x81\x02hi").unwrap();
    for guest in [0, 2] {
        let gone = [guests[guest].receive_frame().1, guests[guest].receive_frame().1];
        assert!(gone.iter().all(|text| text.contains("has gone")), "{gone:?}");
    }
    server.stop();
}
