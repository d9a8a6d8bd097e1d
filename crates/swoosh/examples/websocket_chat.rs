//! A chat room for browsers: a page, and WebSocket. A message is encoded and compressed once for all guests.
//!
//! `cargo run --release --example websocket_chat [port]`

use swoosh::http::{self, Frame, Message, Request, Response, websockets};
use swoosh::{Context, Mode, Result};

fn main() -> Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());

    // In process mode every worker can send to every connection.
    let server = http::Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(2)
        .handle(async |request, response| answer(request, response).await);

    println!("chat room on 127.0.0.1:{}", server.port(0));
    println!("type next, in a browser:  http://127.0.0.1:{0}/   or  nc 127.0.0.1 {0}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

async fn answer(request: Request, response: &mut Response) -> Result<()> {
    if request.path() != "/chat" {
        response.html(PAGE);
        return Ok(());
    }
    let node = response.node().clone();
    // If the request is no handshake, the response is 400 or 426.
    let Ok(mut socket) = response.upgrade(&request) else { return Ok(()) };
    let guest = socket.conn();
    tell_all(&node, &format!("guest {} has come, {} are here", guest.0, websockets(&node).len()));
    while let Some(message) = socket.recv().await {
        match message {
            Message::Text(text) if text == "/bye" => {
                socket.close(1000, "bye")?;
                break;
            }
            Message::Text(text) => tell_all(&node, &format!("guest {}: {text}", guest.0)),
            Message::Binary(bytes) => socket.text(&format!("{} bytes are no words", bytes.len()))?,
        }
    }
    tell_all(&node, &format!("guest {} has gone", guest.0));
    Ok(())
}

fn tell_all(node: &Context, text: &str) {
    let frame = Frame::text(text);
    for conn in websockets(node) {
        // An error means that the guest has just left, or does not read.
        let _ = frame.send(node, conn);
    }
}

const PAGE: &str = r#"<!doctype html>
<meta charset=utf-8>
<title>Chat</title>
<h1>Chat</h1>
<form><input autofocus size=60><button>Send</button></form>
<ul></ul>
<script>
const socket = new WebSocket(`ws://${location.host}/chat`), input = document.querySelector('input');
socket.onmessage = event => {
    const line = document.createElement('li');
    line.textContent = event.data;
    document.querySelector('ul').prepend(line);
};
document.querySelector('form').onsubmit = event => {
    event.preventDefault();
    socket.send(input.value);
    input.value = '';
};
</script>
"#;
