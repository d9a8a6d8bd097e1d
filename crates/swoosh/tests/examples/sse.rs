//! The example of Server-Sent Events, over HTTP/1.1 and HTTP/2.

use crate::client::{Example, connect};
use http_types::Request;
use std::io::{BufRead, Write};

#[test]
fn events_arrive_as_they_happen_and_a_client_that_leaves_ends_its_handler() {
    for mode in ["process", "base"] {
        let server = Example::start("sse", &[mode]);
        let mut page = server.connect();
        page.0.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let text: Vec<String> = page.0.lines().map_while(Result::ok).collect();
        assert!(text.iter().any(|line| line.contains("new EventSource('/events')")), "{text:?}");

        let mut client = server.connect();
        client.0.get_mut().write_all(b"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 41\r\n\r\n").unwrap();
        let (mut head, mut events, mut heartbeats) = (Vec::new(), Vec::new(), 0);
        while events.len() < 3 {
            match client.next() {
                line if line.contains("text/event-stream") => head.push(line),
                line if line == ":" => heartbeats += 1,
                line if line.starts_with("id: ") => events.push(line),
                _ => {}
            }
        }
        drop(client);
        assert_eq!((events, head.len()), (["id: 42", "id: 43", "id: 44"].map(str::to_owned).to_vec(), 1));
        assert!(heartbeats >= 2, "{heartbeats}");
        server.wait_for("a client has left after event 4", 1);

        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(http2(server.port));
        server.wait_for("a client has left after event", 2);
        server.stop();
    }
}

/// Reads two events from a stream and resets it.
async fn http2(port: u16) {
    let (sender, connection) = h2::client::handshake(connect(port).await).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::get(format!("http://127.0.0.1:{port}/events")).body(()).unwrap();
    let mut sender = sender.ready().await.unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    let (head, mut body) = response.await.unwrap().into_parts();
    assert_eq!(head.headers["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("event: tick\nid: 2\ndata: tick 2\n\n") {
        let part = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(part.len()).unwrap();
        text.push_str(std::str::from_utf8(&part).unwrap());
    }
    drop(body);
    // The other streams of the connection go on.
    let request = Request::get(format!("http://127.0.0.1:{port}/none")).body(()).unwrap();
    let (response, _) = sender.ready().await.unwrap().send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 404);
    driver.abort();
}
