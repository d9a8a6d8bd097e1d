//! A JSON interface: a list that workers share, a streamed response, a handler that waits, a deadline, and errors.
//!
//! `cargo run --release --example http_json [port]`

use std::time::Duration;
use swoosh::http::{self, Request, Response};
use swoosh::shm::table::{Column, ColumnKind, Table, Value};
use swoosh::{Mode, Result};

fn main() -> Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    // Made before the server forks, so that all workers share it.
    let mut columns = Table::builder(1024);
    let text = columns.column("text", ColumnKind::Text(100));
    let notes = Notes { table: columns.build()?, text };

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(2)
        .compress()
        .deadline(Duration::from_secs(1))
        .handle(async move |request, response| answer(&notes, request, response).await);

    println!("interface on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  curl http://127.0.0.1:{0}/notes   or  nc 127.0.0.1 {0}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

struct Notes {
    table: Table,
    text: Column,
}

/// An error is logged, and the client gets 500.
async fn answer(notes: &Notes, request: Request, response: &mut Response) -> std::result::Result<(), String> {
    match (request.method(), request.path()) {
        ("GET", "/notes") => {
            // Streamed: the client reads the first part while the others are generated.
            response.header("Content-Type", "application/json");
            response.write("[").await.map_err(|e| e.to_string())?;
            for (n, (key, text)) in notes.all().into_iter().enumerate() {
                let comma = if n > 0 { "," } else { "" };
                let item = format!("{comma}{{\"key\":{},\"text\":{}}}", quoted(&key), quoted(&text));
                response.write(item).await.map_err(|e| e.to_string())?;
            }
            response.body("]\n");
        }
        ("PUT", path) if path.starts_with("/notes/") => {
            let text = String::from_utf8_lossy(request.body()).into_owned();
            match notes.table.set(&path.as_bytes()[7..], &[(notes.text, Value::Text(text.as_bytes()))]) {
                Ok(()) => response.status(201).json("{\"kept\":true}\n"),
                Err(why) => response.status(422).json(&format!("{{\"error\":{}}}\n", quoted(&why.to_string()))),
            };
        }
        ("DELETE", path) if path.starts_with("/notes/") => {
            let gone = notes.table.remove(&path.as_bytes()[7..]);
            response.status(if gone { 204 } else { 404 });
        }
        // Other requests are handled meanwhile; after a second the client gets 504.
        ("GET", "/slow") => {
            let ms = request.query().into_iter().find(|(name, _)| name == "ms");
            let ms = ms.and_then(|(_, value)| value.parse().ok()).unwrap_or(100);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response.json("{\"slept\":true}\n");
        }
        ("GET", "/broken") => return Err("this page is broken".to_owned()),
        _ => {
            response.status(404).json("{\"error\":\"nothing is here\"}\n");
        }
    }
    Ok(())
}

impl Notes {
    fn all(&self) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all: Vec<_> = self
            .table
            .iter()
            .filter_map(|row| match row.get(self.text) {
                Some(Value::Text(value)) => Some((text(row.key()), text(value))),
                _ => None,
            })
            .collect();
        all.sort();
        all
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter < ' ' => out.push_str(&format!("\\u{:04x}", letter as u32)),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
