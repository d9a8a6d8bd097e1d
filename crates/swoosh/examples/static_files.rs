//! A directory on the web: media types, ranges, conditional requests, compression of generated pages.
//!
//! `cargo run --release --example static_files [port] [directory]`

use swoosh::{Mode, http};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let directory = std::env::args().nth(2).unwrap_or(".".into());

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(2)
        .files(&directory)?
        .compress()
        // Requests without a file.
        .handle(async |request, response| {
            let page = format!("<!doctype html><title>404</title><h1>there is no {}</h1>\n", request.path());
            response.status(404).html(&page.replace('&', "&amp;"));
        });

    println!("{directory} on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  curl -I http://127.0.0.1:{0}/   or  nc 127.0.0.1 {0}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}
