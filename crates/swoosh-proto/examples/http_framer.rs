//! HTTP bytes in, requests out: a stream of pipelined requests, fed in small reads.
//!
//! Run: `cargo run -p swoosh-proto --example http_framer`, or with a file: `... -- requests.txt`

use swoosh_proto::framing::FrameStatus;
use swoosh_proto::http1::Refusal;
use swoosh_proto::http1::request::{Request, field, field_buffer};
use swoosh_proto::http1::request_framer::Framer;

const STREAM: &[u8] = b"GET /one?x=1 HTTP/1.1\r\nHost: example.com\r\n\r\n\
    POST /two HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
    GET /three HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";

const MAX_REQUEST: u64 = 1 << 20;
const READ_SIZE: usize = 7;

fn main() -> std::io::Result<()> {
    let stream = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => STREAM.to_vec(),
    };
    let (mut framer, mut buffer) = (Framer::default(), Vec::new());
    for read in stream.chunks(READ_SIZE) {
        buffer.extend_from_slice(read);
        loop {
            match framer.next(MAX_REQUEST, &buffer) {
                Ok(FrameStatus::Complete(length)) => {
                    print_request(&buffer[..length]);
                    buffer.drain(..length);
                }
                Ok(FrameStatus::Incomplete(_)) => break,
                Err(Refusal { status, reason }) => {
                    println!("refused with {status}: {reason}");
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn print_request(bytes: &[u8]) {
    let mut memory = field_buffer();
    let Some((request, headers)) = Request::parse(bytes, &mut memory) else { return };
    let host = field(headers, "host").unwrap_or_default();
    let body = request.body(headers);
    println!(
        "{} {} for {}, body {:?}",
        request.method,
        request.target,
        String::from_utf8_lossy(host),
        String::from_utf8_lossy(&body)
    );
}
