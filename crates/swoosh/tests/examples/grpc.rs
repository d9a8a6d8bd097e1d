//! The gRPC example, called by HTTP/2 frames of messages.

use crate::client::{Example, connect};
use crate::common::TIMEOUT;
use http_types::{HeaderMap, Request};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A message as gRPC sends it: `Text` with that text.
fn message(text: &str) -> Vec<u8> {
    let field = match text.len() {
        0 => Vec::new(),
        length => [&[10, length as u8], text.as_bytes()].concat(),
    };
    [&[0, 0, 0, 0, field.len() as u8], field.as_slice()].concat()
}

/// The body of the response and its trailers, or the fields of its head if it has nothing else.
fn call(port: u16, method: &str, body: Vec<u8>, timeout: &str) -> (Vec<u8>, HeaderMap) {
    let request = Request::post(format!("http://127.0.0.1:{port}/demo.Words/{method}"))
        .header("content-type", "application/grpc")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap();
    let exchange = async {
        let socket = connect(port).await;
        let (sender, connection) = h2::client::handshake(socket).await.unwrap();
        let driver = tokio::spawn(connection);
        let (response, mut stream) = sender.ready().await.unwrap().send_request(request, false).unwrap();
        stream.send_data(body.into(), true).unwrap();
        let (head, mut body) = response.await.unwrap().into_parts();
        assert_eq!((head.status.as_u16(), head.headers["content-type"].to_str().unwrap()), (200, "application/grpc"));
        let mut bytes = Vec::new();
        while let Some(part) = body.data().await {
            let part = part.unwrap();
            body.flow_control().release_capacity(part.len()).unwrap();
            bytes.extend_from_slice(&part);
        }
        let trailers = body.trailers().await.unwrap().unwrap_or(head.headers);
        driver.abort();
        (bytes, trailers)
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(exchange)
}

#[test]
fn tonic_services_answer_calls_with_messages_and_a_status() {
    for mode in ["process", "base"] {
        let server = Example::start("grpc", &[mode]);
        let status = |fields: &HeaderMap| fields["grpc-status"].to_str().unwrap().to_owned();
        let (bytes, trailers) = call(server.port, "Greet", message("world"), "5S");
        assert_eq!((bytes, status(&trailers)), (message("hello world"), "0".to_owned()), "{mode}");
        let (bytes, trailers) = call(server.port, "Greet", message(""), "5S");
        assert_eq!((bytes.len(), status(&trailers)), (0, "3".to_owned()));
        assert_eq!(trailers["grpc-message"], "a%20name%20is%20needed");
        let (bytes, trailers) = call(server.port, "Count", message("3"), "5S");
        let counted = [message("1"), message("2"), message("3")].concat();
        assert_eq!((bytes, status(&trailers)), (counted, "0".to_owned()));
        let (bytes, trailers) = call(server.port, "Join", [message("a"), message("b")].concat(), "5S");
        assert_eq!((bytes, status(&trailers)), (message("a b"), "0".to_owned()));
        // The deadline passes while the service waits.
        let (bytes, trailers) = call(server.port, "Greet", message("slow"), "50m");
        assert_eq!((bytes.len(), status(&trailers)), (0, "4".to_owned()));
        in_turns(server.port, mode);
        let (_, trailers) = call(server.port, "Nothing", message(""), "5S");
        assert_eq!(status(&trailers), "12");
        server.stop();
    }
}

/// Each message is sent when the reply to the one before has arrived; then the client leaves in the middle of a call.
fn in_turns(port: u16, mode: &str) {
    let exchange = async {
        let socket = connect(port).await;
        let (sender, connection) = h2::client::handshake(socket).await.unwrap();
        let driver = tokio::spawn(connection);
        let request = || {
            let request = Request::post(format!("http://127.0.0.1:{port}/demo.Words/Chat"));
            request.header("content-type", "application/grpc").body(()).unwrap()
        };
        let mut sender = sender.ready().await.unwrap();
        let (response, mut stream) = sender.send_request(request(), false).unwrap();
        // The head of the response arrives before any message was sent.
        let mut body = response.await.unwrap().into_body();
        for n in 0..100 {
            let bytes = message(&n.to_string());
            // In pieces of any length.
            let (start, rest) = bytes.split_at(n % bytes.len());
            stream.send_data(start.to_vec().into(), false).unwrap();
            tokio::task::yield_now().await;
            stream.send_data(rest.to_vec().into(), n == 99).unwrap();
            let reply = body.data().await.unwrap().unwrap();
            body.flow_control().release_capacity(reply.len()).unwrap();
            assert_eq!(reply, message(&format!("you said {n}")), "{mode}");
        }
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");

        let mut sender = sender.ready().await.unwrap();
        let (response, mut left) = sender.send_request(request(), false).unwrap();
        drop(response.await.unwrap());
        left.send_reset(h2::Reason::CANCEL);
        // Messages that are not read are not lost, and not kept without bounds.
        let mut sender = sender.ready().await.unwrap();
        let (response, mut stream) = sender.send_request(request(), false).unwrap();
        let mut body = response.await.unwrap().into_body();
        let text = "x".repeat(100);
        for _ in 0..20_000 {
            stream.send_data(message(&text).into(), false).unwrap();
        }
        stream.send_data(bytes::Bytes::new(), true).unwrap();
        let mut received = 0;
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            received += data.len();
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        assert_eq!(received, 20_000 * message(&format!("you said {text}")).len());
        driver.abort();
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(exchange);
}

/// A HealthCheckRequest or a HealthCheckResponse, as gRPC sends it.
fn status_message(status: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, 2, 8, status]
}

#[test]
fn tonic_health_answers_checks_and_sends_changes_to_clients_that_watch() {
    for mode in ["process", "base"] {
        let server = Example::start("grpc_health", &[mode]);
        let port = server.port;
        let get = move |path: &'static str| async move {
            let mut socket = connect(port).await;
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            answer.rsplit("\r\n").next().unwrap_or_default().to_owned()
        };
        let exchange = async {
            let (sender, connection) = h2::client::handshake(connect(port).await).await.unwrap();
            let driver = tokio::spawn(connection);
            let request = |method: &str| {
                let request = Request::post(format!("http://127.0.0.1:{port}/grpc.health.v1.Health/{method}"));
                request.header("content-type", "application/grpc").body(()).unwrap()
            };
            let everything = bytes::Bytes::from_static(&[0, 0, 0, 0, 0]);
            let mut sender = sender.ready().await.unwrap();
            let (response, mut stream) = sender.send_request(request("Check"), false).unwrap();
            stream.send_data(everything.clone(), true).unwrap();
            let mut body = response.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), status_message(1), "{mode}");
            assert!(body.data().await.is_none());
            assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");

            let mut sender = sender.ready().await.unwrap();
            let (response, mut stream) = sender.send_request(request("Watch"), false).unwrap();
            stream.send_data(everything, true).unwrap();
            let mut body = response.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), status_message(1), "{mode}");
            for (page, status) in [("/stop", 2), ("/start", 1)] {
                assert_eq!(get(page).await, "done\n");
                let change = body.data().await.unwrap().unwrap();
                assert_eq!(change, status_message(status), "{mode} {page}");
            }
            assert_eq!(get("/calls").await, "1 calls are open\n", "{mode}");
            // The server has nothing to send when the client leaves.
            stream.send_reset(h2::Reason::CANCEL);
            drop(body);
            while get("/calls").await != "0 calls are open\n" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            driver.abort();
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(TIMEOUT, exchange).await.unwrap() });
        server.stop();
    }
}
