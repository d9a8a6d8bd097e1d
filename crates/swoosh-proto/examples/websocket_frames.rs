//! WebSocket bytes in, events out: a client's frames, as a server parses them.
//!
//! Run: `cargo run -p swoosh-proto --example websocket_frames`

use swoosh_proto::framing::FrameStatus;
use swoosh_proto::websocket::{Event, FrameRules, MessageAssembler, masked_close_frame, next_frame, put_frame};

const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);
const READ_SIZE: usize = 3;

fn main() {
    let rules = FrameRules { max: 1024, masked: true, deflate: false };
    let (mut assembler, mut buffer) = (MessageAssembler::default(), Vec::new());
    for read in client_bytes().chunks(READ_SIZE) {
        buffer.extend_from_slice(read);
        loop {
            let length = match next_frame(rules, &buffer) {
                Ok(FrameStatus::Complete(length)) => length,
                Ok(FrameStatus::Incomplete(_)) => break,
                Err(length) => length,
            };
            let frame: Vec<u8> = buffer.drain(..length).collect();
            match assembler.take(&frame, rules) {
                Ok(None) => println!("fragment"),
                Ok(Some(event)) => print_event(&event),
                Err(error) => {
                    println!("close with {}: {}", error.code, error.reason);
                    return;
                }
            }
        }
    }
}

/// A message in two fragments with a ping between them, a binary message, and a close frame.
fn client_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    put_frame(&mut bytes, 0x01, MASK, b"Hel");
    put_frame(&mut bytes, 0x89, MASK, b"are you there?");
    put_frame(&mut bytes, 0x80, MASK, b"lo");
    put_frame(&mut bytes, 0x82, MASK, &[1, 2, 3]);
    bytes.extend(masked_close_frame(1000, b"done", MASK));
    bytes
}

fn print_event(event: &Event) {
    match event {
        Event::Message(kind, data, _) => println!("{kind:?}: {}", data.escape_ascii()),
        Event::Ping(data) => println!("ping: {}", data.escape_ascii()),
        Event::Pong(data) => println!("pong: {}", data.escape_ascii()),
        Event::Close(code, reason) => println!("close {code}: {}", reason.escape_ascii()),
    }
}
