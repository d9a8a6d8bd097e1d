//! The smallest web server.
//!
//! `cargo run --release --example http_hello [port] [process|base]`

use swoosh::{Mode, http};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let server =
        http::Server::bind(&format!("127.0.0.1:{port}"), mode)?.workers(2).handle(async |request, response| {
            let query = request.query();
            let name = query.iter().find(|(name, _)| name == "name").map_or("World", |(_, value)| value);
            response.text(&format!("Hello, {name}!\n"));
        });

    println!("web server on 127.0.0.1:{}", server.port(0));
    println!(
        "type next, in another terminal:  curl 'http://127.0.0.1:{0}/?name=you'   or  nc 127.0.0.1 {0}",
        server.port(0)
    );
    println!("stop it with Ctrl+C");
    server.start()
}
