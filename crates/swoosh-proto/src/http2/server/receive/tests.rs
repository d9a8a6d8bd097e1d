use super::*;
use crate::http2::server::ServerSettings;
use crate::http2::{goaway, ping};

type Connection = ServerConnection<u32>;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = FrameHead { length: payload.len() as u32, kind, flags, stream };
    [&head.encode()[..], payload].concat()
}

/// A request, which is complete with its head or not.
fn request(stream: u32, is_end: bool) -> Vec<u8> {
    let flags = FrameHead::END_HEADERS | if is_end { FrameHead::END_STREAM } else { 0 };
    frame(FrameHead::HEADERS, flags, stream, b"\x83\x86\x84\x41\x01a")
}

fn data(stream: u32, is_end: bool, payload: &[u8]) -> Vec<u8> {
    frame(FrameHead::DATA, u8::from(is_end), stream, payload)
}

fn rst(stream: u32, code: u32) -> Vec<u8> {
    frame(FrameHead::RST_STREAM, 0, stream, &code.to_be_bytes())
}

fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(FrameHead::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

fn open_with(settings: ServerSettings) -> Connection {
    let mut connection = Connection::new(settings);
    connection.take_output(Vec::new());
    let ack = frame(FrameHead::SETTINGS, FrameHead::ACK, 0, b"");
    let start = [&PREFACE[..], &frame(FrameHead::SETTINGS, 0, 0, b""), &ack].concat();
    assert_eq!(take(&mut connection, &start), Ok(vec![]));
    assert_eq!(output(&mut connection), frame(FrameHead::SETTINGS, FrameHead::ACK, 0, b""));
    connection
}

fn open() -> Connection {
    open_with(ServerSettings::default())
}

fn output(connection: &mut Connection) -> Vec<u8> {
    connection.take_output(Vec::new())
}

/// The events of some bytes, as text; the code of a violation.
fn take(connection: &mut Connection, mut bytes: &[u8]) -> Result<Vec<String>, u32> {
    let (mut events, mut workspace) = (Vec::new(), Workspace::default());
    while let Some(event) = connection.next(&mut bytes, &mut workspace, 1).map_err(|violation| violation.code)? {
        events.push(match event {
            Event::Request { stream, form, is_too_large: false, .. } => {
                connection.set_user_data(stream, stream);
                format!("{stream} {form:?}")
            }
            Event::Request { stream, .. } => format!("{stream} too large"),
            Event::Data { stream, data } => format!("{stream} {}", String::from_utf8_lossy(data)),
            Event::End { stream } => format!("{stream} end {}", String::from_utf8_lossy(&workspace.message).trim()),
            Event::Reset { stream, code, fault, user_data } => {
                format!("{stream} reset {code} {} {user_data:?}", fault.is_some())
            }
        });
    }
    assert_eq!(bytes, b"");
    Ok(events)
}

#[test]
fn frames_give_the_same_events_in_whatever_pieces_they_arrive() {
    let padded = frame(FrameHead::DATA, PADDED, 1, b"\x02ab\0\0");
    let trailers = frame(FrameHead::HEADERS, FrameHead::END_HEADERS | FrameHead::END_STREAM, 1, b"\0\x01x\x011");
    let halves = [frame(FrameHead::HEADERS, 1, 3, b"\x82\x86"), frame(FrameHead::CONTINUATION, 4, 3, b"\x84")].concat();
    let all =
        [request(1, false), padded, ping(*b"12345678").to_vec(), data(1, false, b""), trailers, halves, rst(3, 8)]
            .concat();
    for size in 1..all.len() {
        let mut connection = open();
        let mut events = Vec::new();
        for piece in all.chunks(size) {
            events.extend(take(&mut connection, piece).unwrap());
        }
        let joined = events.join("; ").replace("1 a; 1 b", "1 ab");
        // The request of stream 3 has ended with its head: the reset closes it.
        assert_eq!(joined, "1 Chunked; 1 ab; 1 end x: 1; 3 None; 3 reset 8 false Some(3)", "{size}");
        assert_eq!(output(&mut connection), frame(FrameHead::PING, FrameHead::ACK, 0, b"12345678"));
    }
}

#[test]
fn windows_bound_what_is_sent_and_what_is_received() {
    let mut connection = open();
    take(&mut connection, &request(1, true)).unwrap();
    connection.send_head(1, 200, &[], false);
    assert_eq!(connection.send_capacity(1, 1 << 20), 65_535);
    take(&mut connection, &window_update(1, 1000)).unwrap();
    assert_eq!(connection.send_capacity(1, 1 << 20), 65_535, "the window of the connection");
    take(&mut connection, &window_update(0, 1000)).unwrap();
    assert_eq!(connection.send_capacity(1, 1 << 20), 66_535);
    connection.send_data(1, &[0; 66_535], false);
    assert_eq!(connection.send_capacity(1, 1), 0);
    let sent = output(&mut connection);
    assert_eq!(sent.len(), 10 + 66_535 + 5 * 9, "frames of at most 16,384 bytes");
    // SETTINGS_INITIAL_WINDOW_SIZE of 0 makes the window of the stream smaller, and the one of the connection not.
    take(&mut connection, &frame(FrameHead::SETTINGS, 0, 0, b"\0\x04\0\0\0\0")).unwrap();
    take(&mut connection, &window_update(0, 1000)).unwrap();
    assert_eq!(connection.send_capacity(1, 1 << 20), 0);
    take(&mut connection, &window_update(1, 65_545)).unwrap();
    assert_eq!(connection.send_capacity(1, 1 << 20), 10);

    let mut connection = open_with(ServerSettings { initial_window_size: 100, ..ServerSettings::default() });
    take(&mut connection, &request(1, false)).unwrap();
    assert_eq!(take(&mut connection, &data(1, false, &[b'x'; 100])).unwrap().len(), 1);
    connection.release(1, 100);
    // The window grows while the body is taken.
    assert_eq!(output(&mut connection), window_update(1, 200));
    assert_eq!(take(&mut connection, &data(1, false, &[b'x'; 201])), Ok(vec!["1 reset 3 true Some(1)".into()]));
    assert_eq!(output(&mut connection), rst(1, code::FLOW_CONTROL_ERROR));
    assert_eq!(take(&mut connection, &data(1, true, b"ignored")), Ok(vec![]));
    assert_eq!(take(&mut connection, &data(1, false, b"closed")), Err(code::STREAM_CLOSED));
}

#[test]
fn padding_costs_no_window_for_long() {
    let mut connection = open_with(ServerSettings { initial_window_size: 1000, ..ServerSettings::default() });
    take(&mut connection, &request(1, false)).unwrap();
    let padded = frame(FrameHead::DATA, PADDED, 1, &[&[255][..], b"x", &[0; 255]].concat());
    for _ in 0..50 {
        assert_eq!(take(&mut connection, &padded), Ok(vec!["1 x".into()]));
        connection.release(1, 1);
    }
}

#[test]
fn a_response_that_ends_first_stops_the_request() {
    let mut connection = open();
    take(&mut connection, &request(1, false)).unwrap();
    connection.send_head(1, 200, &[], true);
    output(&mut connection);
    connection.close(1);
    assert_eq!(output(&mut connection), rst(1, code::NO_ERROR));
    assert!(!connection.has_streams());
    assert_eq!(take(&mut connection, &data(1, true, b"rest")), Ok(vec![]));
    connection.close(1);
    assert_eq!(output(&mut connection), b"");
}

#[test]
fn bytes_that_nobody_takes_are_given_back_to_the_connection() {
    let settings =
        ServerSettings { initial_window_size: 65_535, connection_window: 65_535, ..ServerSettings::default() };
    let mut connection = open_with(settings);
    for stream in [1, 3, 5, 7, 9, 11] {
        let frames = [request(stream, false), data(stream, false, &[b'x'; 16_000]), rst(stream, 8)].concat();
        assert_eq!(take(&mut connection, &frames).unwrap().len(), 3);
    }
}

#[test]
fn the_limit_counts_streams_that_are_not_closed() {
    let mut connection = open_with(ServerSettings { max_concurrent_streams: 2, ..ServerSettings::default() });
    assert_eq!(
        take(&mut connection, &[request(1, true), request(3, false), request(5, true)].concat()).unwrap().len(),
        2
    );
    assert_eq!(output(&mut connection), rst(5, code::REFUSED_STREAM));
    // A stream is closed once its response has ended, though the caller is not done with it.
    connection.send_head(1, 204, &[], true);
    assert_eq!(take(&mut connection, &request(7, true)), Ok(vec!["7 None".into()]));
    connection.send_head(3, 204, &[], true);
    take(&mut connection, &request(9, true)).unwrap();
    assert!(output(&mut connection).ends_with(&rst(9, code::REFUSED_STREAM)), "the request of stream 3 goes on");
}

#[test]
fn a_shut_down_accepts_what_is_on_the_way_and_nothing_behind_it() {
    let mut connection = open();
    connection.shut_down();
    let ping_frame = ping(SHUTDOWN_PING);
    assert_eq!(output(&mut connection), [goaway(0x7fff_ffff, 0, b""), ping_frame.clone()].concat());
    assert_eq!(take(&mut connection, &request(1, true)), Ok(vec!["1 None".into()]));
    assert!(connection.awaits_client());
    let answer = frame(FrameHead::PING, FrameHead::ACK, 0, &SHUTDOWN_PING);
    assert_eq!(take(&mut connection, &answer), Ok(vec![]));
    assert_eq!(output(&mut connection), goaway(1, 0, b""));
    assert_eq!(take(&mut connection, &request(3, true)), Ok(vec![]));
    assert_eq!((output(&mut connection), connection.is_done()), (vec![], false));
    connection.send_head(1, 200, &[], true);
    connection.close(1);
    assert!(connection.is_done());
}

#[test]
fn nothing_is_taken_or_sent_behind_an_abort() {
    let mut connection = open();
    take(&mut connection, &request(1, true)).unwrap();
    connection.abort(code::ENHANCE_YOUR_CALM, b"");
    connection.send_head(1, 200, &[], true);
    connection.reset(1, 2);
    assert_eq!(output(&mut connection), goaway(1, code::ENHANCE_YOUR_CALM, b""));
    assert_eq!(take(&mut connection, b"anything"), Ok(vec![]));
}

#[test]
fn long_heads_are_sent_in_several_frames() {
    let mut connection = open();
    take(&mut connection, &request(1, true)).unwrap();
    let long = [b'~'; 20_000];
    connection.send_head(1, 200, &[(b"X-Long", &long)], true);
    let out = output(&mut connection);
    let first = FrameHead::decode(out.first_chunk().unwrap());
    assert_eq!((first.length, first.kind, first.flags), (16_384, FrameHead::HEADERS, FrameHead::END_STREAM));
    let second = FrameHead::decode(out[9 + 16_384..].first_chunk().unwrap());
    assert_eq!((second.kind, second.flags), (FrameHead::CONTINUATION, FrameHead::END_HEADERS));
    assert_eq!(out.len(), 18 + 16_384 + second.length as usize);
}

#[test]
fn streams_that_the_server_has_to_reset_are_counted() {
    // CVE-2025-8671.
    let mut connection = open();
    let overflow = |stream| [request(stream, true), window_update(stream, 0x7fff_ffff)].concat();
    let outcomes: Vec<_> = (0..1000).map(|n| take(&mut connection, &overflow(2 * n + 1))).collect();
    assert_eq!(outcomes.iter().position(|outcome| outcome == &Err(code::ENHANCE_YOUR_CALM)), Some(500));
}

#[test]
fn the_rest_of_a_frame_whose_stream_is_gone_is_given_back() {
    let mut connection = open();
    for n in 0..200 {
        let stream = 2 * n + 1;
        let frame = data(stream, true, &[b'x'; 16_000]);
        let (first, rest) = frame.split_at(1000);
        take(&mut connection, &[&request(stream, false), first].concat()).unwrap();
        connection.send_head(stream, 413, &[], true);
        connection.close(stream);
        assert_eq!(take(&mut connection, rest), Ok(vec![]));
        assert!(!connection.streams.is_receiving(stream), "it has ended");
    }
}

#[test]
fn a_small_window_holds_once_the_client_knows_of_it() {
    let settings = ServerSettings { initial_window_size: 1000, ..ServerSettings::default() };
    let mut connection = Connection::new(settings);
    take(&mut connection, &[&PREFACE[..], &frame(FrameHead::SETTINGS, 0, 0, b"")].concat()).unwrap();
    let early = [request(1, false), data(1, false, &[b'x'; 16_000])].concat();
    assert_eq!(take(&mut connection, &early).unwrap().len(), 2, "within the initial window");
    take(&mut connection, &[frame(FrameHead::SETTINGS, FrameHead::ACK, 0, b""), request(3, false)].concat()).unwrap();
    assert_eq!(take(&mut connection, &data(3, false, &[b'x'; 1001])), Ok(vec!["3 reset 3 true Some(3)".into()]));
    // The window of stream 1 is 15,000 below zero: it opens again once the body is taken.
    assert_eq!(take(&mut connection, &data(1, false, b"x")), Ok(vec!["1 reset 3 true Some(1)".into()]));
}

#[test]
fn no_goaway_names_a_later_stream_than_the_one_before() {
    let last = |frames: &[u8]| number(&frames[frames.len() - 8..]);
    let mut connection = open();
    take(&mut connection, &request(1, true)).unwrap();
    connection.go_away(0, b"");
    assert_eq!(last(&output(&mut connection)), 1);
    take(&mut connection, &request(3, true)).unwrap();
    connection.shut_down();
    assert_eq!(output(&mut connection), goaway(1, 0, b""));
    assert_eq!(take(&mut connection, &request(5, true)), Ok(vec![]));
    connection.abort(code::ENHANCE_YOUR_CALM, b"");
    assert_eq!(output(&mut connection), goaway(1, code::ENHANCE_YOUR_CALM, b""));
}

#[test]
fn a_block_in_many_frames_counts_once() {
    let mut connection = open();
    let before = connection.frames();
    take(&mut connection, &frame(FrameHead::HEADERS, 1, 1, b"\x82")).unwrap();
    take(&mut connection, &frame(FrameHead::CONTINUATION, 0, 1, b"\x86")).unwrap();
    assert_eq!((connection.frames(), connection.is_incomplete()), (before, true));
    take(&mut connection, &frame(FrameHead::CONTINUATION, 4, 1, b"\x84")).unwrap();
    assert_eq!((connection.frames(), connection.is_incomplete()), (before + 1, false));
}
