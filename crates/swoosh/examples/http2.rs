//! HTTP/2 and HTTP/1.1 on one port, with one handler.
//!
//! `cargo run --release --example http2 [port] [process|base]`

use swoosh::config::Http2Config;
use swoosh::{Mode, http};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), mode)?
        .workers(2)
        .http2(Http2Config { max_concurrent_streams: 1000, ..Http2Config::default() })
        .handle(async |request, response| -> swoosh::Result<()> {
            match request.path() {
                // A stream of parts, and a sum behind them.
                "/count" => {
                    response.early_hints(&[("Link", "</style.css>; rel=preload")])?;
                    let mut sum = 0;
                    for number in 1..=5 {
                        response.write(format!("{number}\n")).await?;
                        sum += number;
                    }
                    response.trailer("sum", &sum.to_string());
                }
                "/echo" => _ = response.body(request.body()),
                path => _ = response.text(&format!("{path} by {}\n", request.version())),
            }
            Ok(())
        });

    println!("web server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  curl --http2-prior-knowledge http://127.0.0.1:{}/count", server.port(0));
    println!("or, upgraded from HTTP/1.1:  curl --http2 http://127.0.0.1:{}/", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
