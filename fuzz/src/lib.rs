//! The fuzz targets. `crates/swoosh/tests/random.rs` runs these functions for a short time with random bytes from fixed
//! seeds. None of them may panic, and bytes that arrive in pieces must give the same result
//! as in one piece.

use std::collections::HashMap;
use swoosh::config::{Framing, LengthFraming, LengthType};
use swoosh::http::form;
use swoosh::proto::framing::{FrameStatus, Framer};
use swoosh::proto::http1::request::{self, Request};
use swoosh::proto::http1::response_parser::{self, ResponseEvent, ResponseHead, ResponseParser};
use swoosh::proto::http2::frames::FrameScanner;
use swoosh::proto::http2::response::{Fields, ResponseSink, ResponseTranslator};
use swoosh::proto::http2::server::{self, BodyForm, ServerConnection, ServerSettings, Workspace};
use swoosh::proto::http2::{self, FrameTracker};
use swoosh::proto::websocket::{self, Event, FrameRules, MessageAssembler, deflate};
use swoosh::proto::{PeerFault, resp};

/// A target: its name and function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("http1_frame", http1_frame),
    ("http1_answer", http1_answer),
    ("http2_frames", http2_frames),
    ("http2_server", http2_server),
    ("http2_response", http2_response),
    ("websocket_frames", websocket_frames),
    ("websocket_deflate", websocket_deflate),
    ("resp", resp_commands),
    ("mqtt", mqtt),
    ("length", length),
    ("eof", eof),
    ("multipart", multipart),
];

/// HTTP/1 requests; each framed request can be parsed.
pub fn http1_frame(data: &[u8]) {
    for packet in packets(&Framing::Http, data) {
        let mut room = request::field_buffer();
        if let Some((parsed, headers)) = Request::parse(packet, &mut room) {
            let body = parsed.body(headers);
            assert!(body.len() <= packet.len());
            let _ = (parsed.path_and_query(), parsed.keeps_alive(headers));
            let _ = form::parts(request::field(headers, "content-type").unwrap_or_default(), form::Body::Memory(&body));
        }
    }
}

/// HTTP/1 responses, as a client parses them.
pub fn http1_answer(data: &[u8]) {
    let read = |size: usize| {
        let (mut reader, mut buf, mut body) = (ResponseParser::new(b"GET"), Vec::new(), Vec::new());
        for piece in data.chunks(size) {
            buf.extend_from_slice(piece);
            loop {
                match reader.next(&buf) {
                    Ok(ResponseEvent::Incomplete) => break,
                    Ok(ResponseEvent::Head(length)) => {
                        let mut room = response_parser::header_buffer();
                        let _ = ResponseHead::parse(&buf[..length], &mut room);
                        buf.drain(..length);
                    }
                    Ok(ResponseEvent::Trailer(length)) => {
                        body.extend_from_slice(b"trailer");
                        buf.drain(..length);
                    }
                    Ok(ResponseEvent::Data(form, length)) => {
                        body.extend_from_slice(&buf[form..form + length]);
                        buf.drain(..form + length);
                        if length == 0 && form == 0 {
                            break;
                        }
                    }
                    Ok(ResponseEvent::End(_)) => return (body, true, false),
                    Err(_) => return (body, false, true),
                }
            }
        }
        (body, false, false)
    };
    assert_eq!(read(data.len().max(1)), read(1 + data.len() % 7));
}

/// The frames of a server, as a client finds the control frames among them; requests that ask for HTTP/2.
pub fn http2_frames(data: &[u8]) {
    let track = |size: usize| {
        let (mut tracker, mut frames) = (FrameTracker::new(0), Vec::new());
        for mut piece in data.chunks(size) {
            while !piece.is_empty() {
                let (used, frame) = tracker.next(piece);
                piece = &piece[used..];
                frames.extend(frame);
            }
        }
        (frames, tracker.is_between_frames())
    };
    assert_eq!(track(data.len().max(1)), track(1 + data.len() % 7));
    let _ = http2::upgrade::first_stream(data);
}

/// The frames of an HTTP/2 client behind its preface, as the server takes them, with responses of some bytes: events do not
/// depend on the pieces in which the frames arrive, and output is whole frames.
pub fn http2_server(data: &[u8]) {
    let take = |size: usize| {
        let settings = ServerSettings { max_header_list_size: 1000, max_concurrent_streams: 4, ..Default::default() };
        let mut connection = ServerConnection::<()>::new(settings);
        let (mut workspace, mut events, mut bodies) =
            (Workspace::default(), Vec::new(), HashMap::<u32, Vec<u8>>::new());
        let all = [&http2::PREFACE[..], b"\0\0\0\x04\0\0\0\0\0", data].concat();
        for mut piece in all.chunks(size) {
            loop {
                match connection.next(&mut piece, &mut workspace, 0) {
                    Err(violation) => {
                        connection.abort(violation.code, b"");
                        events.push(format!("{violation:?}"));
                        break;
                    }
                    Ok(None) => break,
                    Ok(Some(server::Event::Data { stream, data })) => {
                        bodies.entry(stream).or_default().extend_from_slice(data);
                        connection.release(stream, data.len());
                    }
                    Ok(Some(event)) => {
                        events.push(format!("{event:?} {}", String::from_utf8_lossy(&workspace.message)));
                        if let server::Event::Request { stream, form: BodyForm::None, .. } = event {
                            connection.send_head(stream, 200, &[(b"Server", b"swoosh")], false);
                            let room = connection.send_capacity(stream, 10);
                            connection.send_data(stream, &b"0123456789"[..room], true);
                            connection.close(stream);
                        }
                    }
                }
            }
        }
        let mut scanner = FrameScanner::default();
        scanner.scan(&connection.take_output(Vec::new()), |_| ());
        assert!(scanner.is_between_frames());
        let mut bodies: Vec<_> = bodies.into_iter().collect();
        bodies.sort();
        (events, bodies)
    };
    assert_eq!(take(data.len() + 33), take(1 + data.len() % 7));
}

/// HTTP/1 responses, as they are translated for a stream of HTTP/2 with a window of some bytes.
pub fn http2_response(data: &[u8]) {
    #[derive(Default)]
    struct Sink {
        parts: Vec<String>,
        body: Vec<u8>,
        room: usize,
    }
    impl ResponseSink for Sink {
        fn interim(&mut self, status: u16, fields: &Fields<'_>) {
            self.parts.push(format!("interim {status} {}", fields.len()));
        }
        fn head(&mut self, status: u16, fields: &Fields<'_>, is_end: bool) {
            self.parts.push(format!("{status} {} {is_end}", fields.len()));
        }
        fn send_capacity(&mut self, wanted: usize) -> usize {
            wanted.min(self.room)
        }
        fn data(&mut self, data: &[u8], is_end: bool) {
            self.room = self.room.checked_sub(data.len()).expect("no more than there was room for");
            self.body.extend_from_slice(data);
            if is_end {
                self.parts.push("end".to_owned());
            }
        }
        fn trailers(&mut self, fields: &Fields<'_>) {
            self.parts.push(format!("trailers {}", fields.len()));
        }
    }
    let translate = |size: usize, room: usize| {
        let (mut sink, mut translator) = (Sink::default(), ResponseTranslator::new(b"GET", size.is_multiple_of(2)));
        for piece in data.chunks(size) {
            let mut rest = piece;
            while !rest.is_empty() {
                sink.room = room;
                match translator.take(rest, &mut sink) {
                    Ok(taken) => rest = &rest[taken..],
                    Err(_) => return (sink.parts, sink.body, false),
                }
            }
        }
        sink.room = room;
        let _ = translator.close(&mut sink);
        (sink.parts, sink.body, true)
    };
    let whole = data.len().max(1) | 1;
    let (parts, body, is_valid) = translate(whole, usize::MAX);
    let in_pieces = translate(1 + 2 * (data.len() % 4), 1 + data.len() % 5);
    assert_eq!(is_valid, in_pieces.2);
    if is_valid {
        assert_eq!((parts, body), (in_pieces.0, in_pieces.1));
    }
}

/// WebSocket frames, and the messages joined from them.
pub fn websocket_frames(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let expect = FrameRules { max: MAX, masked: kind & 1 == 0, deflate: kind & 2 == 0 };
    let parse = |size: usize| -> (Vec<Event>, bool) {
        let (mut joiner, mut said, mut buf) = (MessageAssembler::default(), Vec::new(), Vec::new());
        for piece in data.chunks(size) {
            buf.extend_from_slice(piece);
            loop {
                let (length, broken) = match websocket::next_frame(expect, &buf) {
                    Ok(FrameStatus::Complete(length)) => (length, false),
                    Ok(FrameStatus::Incomplete(_)) => break,
                    Err(length) => (length, true),
                };
                let packet: Vec<u8> = buf.drain(..length).collect();
                match joiner.take(&packet, expect) {
                    Ok(messages) => said.extend(messages),
                    Err(_) => return (said, true),
                }
                assert!(!broken, "a malformed frame was accepted");
            }
        }
        (said, false)
    };
    assert_eq!(parse(data.len().max(1)), parse(1 + data.len() % 7));
}

/// Compressed messages: output stays within the limit, and compression is reversible.
pub fn websocket_deflate(data: &[u8]) {
    if let Ok(message) = deflate::inflate(data, MAX) {
        assert!(message.len() as u64 <= MAX);
    }
    for small_window in [false, true] {
        let packed = deflate::deflate(data, deflate::DeflateParams { small_window });
        assert_eq!(deflate::inflate(&packed, data.len() as u64).as_deref(), Ok(data));
    }
    let _ = deflate::negotiate([data].into_iter());
}

/// Redis commands.
pub fn resp_commands(data: &[u8]) {
    for packet in packets(&Framing::Redis, data) {
        assert!(resp::arguments(packet).iter().map(|word| word.len()).sum::<usize>() <= packet.len());
    }
}

/// MQTT packets.
pub fn mqtt(data: &[u8]) {
    packets(&Framing::Mqtt, data);
}

/// Packets with a length field, of each type.
pub fn length(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else { return };
    let kinds =
        [LengthType::I8, LengthType::U8, LengthType::I16, LengthType::U16Be, LengthType::U16Le, LengthType::U32Be];
    let config = LengthFraming {
        kind: kinds[usize::from(kind) % kinds.len()],
        offset: u32::from(kind >> 6),
        body_offset: u32::from(kind >> 4 & 7),
        func: None,
    };
    packets(&Framing::Length(config), data);
}

/// Packets that end with a separator.
pub fn eof(data: &[u8]) {
    for packet in packets(&Framing::EofSplit(b"\r\n".to_vec()), data) {
        assert!(packet.ends_with(b"\r\n"));
        assert!(!packet[..packet.len() - 1].windows(2).any(|two| two == b"\r\n"));
    }
}

/// Multipart forms: every part lies within the body.
pub fn multipart(data: &[u8]) {
    let parts =
        form::parts(b"multipart/form-data; boundary=b", form::Body::Memory(data)).expect("memory does not fail");
    for part in parts.unwrap_or_default() {
        let form::BodySlice::Memory(piece) = part.data else { panic!("{part:?} is not in memory") };
        assert!(data.as_ptr_range().contains(&piece.as_ptr()) || piece.is_empty());
        assert!(piece.len() + part.name.len() <= data.len());
    }
    assert!(form::percent_decode(data).len() <= data.len());
    let pairs = form::pairs(data);
    assert!(pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= data.len());
    let _ = form::parameter(data, "name");
}

/// The packets of these bytes; asserts that they do not depend on how the bytes are split.
fn packets<'d>(framing: &Framing, data: &'d [u8]) -> Vec<&'d [u8]> {
    let cut = |size: usize| -> (Vec<usize>, bool) {
        let (mut framer, mut buf, mut cuts) = (Framer::new(), Vec::new(), Vec::new());
        for piece in data.chunks(size) {
            buf.extend_from_slice(piece);
            loop {
                match framer.next(framing, MAX, &buf) {
                    Ok(FrameStatus::Complete(length)) => {
                        assert!(length > 0 && length <= buf.len() && length as u64 <= MAX);
                        cuts.push(length);
                        buf.drain(..length);
                    }
                    Ok(FrameStatus::Incomplete(whole)) => {
                        assert!(whole.is_none_or(|whole| whole > buf.len() as u64 && whole <= MAX));
                        break;
                    }
                    Err(PeerFault::TooLong { .. } | PeerFault::Malformed(_) | PeerFault::Refused(_)) => {
                        return (cuts, true);
                    }
                }
            }
        }
        (cuts, false)
    };
    let whole = cut(data.len().max(1));
    assert_eq!(whole, cut(1 + data.len() % 7));
    let mut at = 0;
    let next = |length: &usize| {
        at += length;
        &data[at - length..at]
    };
    whole.0.iter().map(next).collect()
}

/// The maximum length of a packet or message, in bytes.
const MAX: u64 = 4096;
