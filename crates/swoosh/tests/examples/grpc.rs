//! The gRPC example, called by HTTP/2 frames of messages.

use crate::client::{Example, connect};
use http_types::{HeaderMap, Request};

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
        let (_, trailers) = call(server.port, "Nothing", message(""), "5S");
        assert_eq!(status(&trailers), "12");
        server.stop();
    }
}
