//! A chat room: each line is sent to all other guests, on connections of any worker.
//!
//! `cargo run --release --example chat [port]`

use swoosh::config::Framing;
use swoosh::{Context, Mode, Server, SessionId};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());

    // In process mode the master owns the connections, so that every worker can send to all of them.
    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(2)
        // One line is one packet.
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        .on_connect(|worker, conn| {
            let others = worker.connection_count(None).saturating_sub(1);
            tell_others(worker, conn, &format!("guest {} has come\n", conn.0));
            let _ = worker.send(conn, format!("you are guest {}, with {others} others\n", conn.0).as_bytes());
        })
        .on_receive(|worker, conn, line| {
            tell_others(worker, conn, &format!("guest {}: {}", conn.0, String::from_utf8_lossy(line)))
        })
        .on_close(|worker, conn| tell_others(worker, conn, &format!("guest {} has gone\n", conn.0)));

    println!("chat room on 127.0.0.1:{}", server.port(0));
    println!("type next, in two other terminals:  nc 127.0.0.1 {}", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

fn tell_others(worker: &Context, from: SessionId, text: &str) {
    for guest in guests(worker) {
        if guest != from {
            // An error means that the guest has just left, or does not read.
            let _ = worker.send(guest, text.as_bytes());
        }
    }
}

/// All connections. The list is read in pages, each starting after the last id of the page before.
fn guests(worker: &Context) -> Vec<SessionId> {
    let mut guests = Vec::new();
    while let Some(page) = worker.client_list(guests.last().copied().unwrap_or(SessionId(0)), PAGE, None) {
        guests.extend_from_slice(&page);
        if page.len() < PAGE {
            break;
        }
    }
    guests
}

const PAGE: usize = 100;
