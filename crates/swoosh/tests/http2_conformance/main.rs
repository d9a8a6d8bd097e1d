//! Conformance with RFC 9113 (HTTP/2) and RFC 7541 (HPACK), section by section, frame by frame.
//!
//! Each case has a connection of its own, in both modes. `HTTP2_TARGET=ADDRESS` runs the cases against another server, whose page `/`
//! answers GET, HEAD and POST with a body; `HTTP2_CASES=TEXT` runs those whose section or title contains the text.

#[path = "../common/mod.rs"]
mod common;
mod connection;
mod fields;
mod frames;
mod hpack;
#[allow(dead_code)]
mod peer;
mod streams;

use common::{MODES, Server};
use peer::{Peer, Verdict};
use std::net::SocketAddr;

/// Section of the RFC, what holds, and the program of the client that shows it.
#[derive(Clone)]
struct Case(&'static str, &'static str, fn(&mut Peer) -> Verdict);

/// Runs every case; the messages of those that failed.
fn failures(server: SocketAddr) -> Vec<String> {
    let wanted = std::env::var("HTTP2_CASES").unwrap_or_default();
    let all = [connection::CASES, streams::CASES, frames::CASES, fields::CASES, hpack::CASES].concat();
    assert!(all.len() >= 150, "{} cases", all.len());
    let mut failures = Vec::new();
    for Case(section, title, play) in all {
        if !section.contains(&wanted) && !title.contains(&wanted) {
            continue;
        }
        let verdict = Peer::connect(server).map_err(|e| e.to_string()).and_then(|mut peer| play(&mut peer));
        if let Err(why) = verdict {
            failures.push(format!("{section}: {title}: {why}"));
        }
    }
    failures
}

#[test]
fn the_server_behaves_as_the_rfcs_say() {
    if let Ok(target) = std::env::var("HTTP2_TARGET") {
        return check("another server", target.parse().unwrap());
    }
    for mode in MODES {
        let server = Server::start(&[mode, "framing=http", "http2=1"]);
        check(mode, SocketAddr::from(([127, 0, 0, 1], server.ports[0])));
    }
}

fn check(name: &str, server: SocketAddr) {
    let failures = failures(server);
    assert!(failures.is_empty(), "{name}: {} failed:\n{}", failures.len(), failures.join("\n"));
}
