//! Server-Sent Events: a page that shows them, heartbeats, and clients that reconnect.
//!
//! `cargo run --release --example sse [port] [process|base]`

use std::time::Duration;
use swoosh::config::Http2Config;
use swoosh::http::sse::{self, Event, Events};
use swoosh::{Mode, http};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), mode)?
        .workers(2)
        .http2(Http2Config::default())
        .handle(async |request, response| -> swoosh::Result<()> {
            match request.path() {
                "/" => _ = response.html(include_str!("sse.html")),
                "/events" => {
                    // A browser that has lost its connection goes on behind the last event that it has received.
                    let mut number = sse::last_event_id(&request).and_then(|id| id.parse().ok()).unwrap_or(0);
                    let events = sse::begin(response).await?.heartbeat(Duration::from_millis(50));
                    if tell(events, &mut number).await.is_err() {
                        println!("a client has left after event {number}");
                    }
                }
                _ => _ = response.status(404),
            }
            Ok(())
        });

    println!("events on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  curl -N http://127.0.0.1:{}/events", server.port(0));
    println!("or open http://127.0.0.1:{}/ in a browser; stop it with Ctrl+C", server.port(0));
    server.start()
}

/// Sends events until the client has left.
async fn tell(mut events: Events<'_>, number: &mut u64) -> swoosh::Result<()> {
    loop {
        let event = Event::new(format!("tick {}", *number + 1)).kind("tick").id((*number + 1).to_string());
        events.send(&event).await?;
        *number += 1;
        // Any source of events: a channel, a database, a timer. It has not to be fast: heartbeats are sent meanwhile.
        events.wait(tokio::time::sleep(Duration::from_millis(120))).await?;
    }
}
