//! RFC 9113 section 5: states of streams, their identifiers, concurrency, priority.

use super::Case;
use super::peer::*;

/// Stream 1 has a request that is complete and a response that cannot be: half-closed (remote).
fn half_closed(p: &mut Peer) -> Verdict {
    p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
    p.send(&get(1, &request("GET", &[])));
    p.wait("a response", |f| f.kind == HEADERS && f.stream == 1).map(drop)
}

/// Stream 1 is closed: both sides have ended it.
fn ended(p: &mut Peer) -> Verdict {
    p.open()?;
    p.send(&get(1, &request("GET", &[])));
    p.expect_response(1)
}

/// Stream 1 was reset by the client.
fn reset(p: &mut Peer) -> Verdict {
    p.open()?;
    p.send_all(&[post(1, &request("POST", &[])), rst_stream(1, CANCEL)]);
    p.expect_alive()
}

pub const CASES: &[Case] = &[
    // Idle.
    Case("5.1", "DATA on an idle stream ends the connection", |p| {
        p.open()?;
        p.send(&last_data(1, b"x"));
        p.expect_connection_error(&[PROTOCOL_ERROR, STREAM_CLOSED])
    }),
    Case("5.1", "RST_STREAM on an idle stream ends the connection", |p| {
        p.open()?;
        p.send(&rst_stream(1, CANCEL));
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.1", "WINDOW_UPDATE on an idle stream ends the connection", |p| {
        p.open()?;
        p.send(&window_update(1, 100));
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.1", "CONTINUATION on an idle stream ends the connection", |p| {
        p.open()?;
        p.send(&frame(CONTINUATION, END_HEADERS, 1, &request("GET", &[])));
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.1", "PRIORITY on an idle stream is accepted", |p| {
        p.open()?;
        p.send_all(&[frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]), get(1, &request("GET", &[]))]);
        p.expect_response(1)
    }),
    // Half-closed (remote).
    Case("5.1", "DATA behind the end of a request is an error", |p| {
        half_closed(p)?;
        p.send(&last_data(1, b"x"));
        p.expect_stream_error(1, &[STREAM_CLOSED])
    }),
    Case("5.1", "HEADERS behind the end of a request are an error", |p| {
        half_closed(p)?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED])
    }),
    Case("5.1", "CONTINUATION behind the end of a request is an error", |p| {
        half_closed(p)?;
        p.send(&frame(CONTINUATION, END_HEADERS, 1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    Case("5.1", "WINDOW_UPDATE behind the end of a request lets the response go on", |p| {
        half_closed(p)?;
        p.send(&window_update(1, 100_000));
        p.wait("the end of the response", |f| f.kind == DATA && f.flags & END_STREAM != 0).map(drop)
    }),
    Case("5.1", "PRIORITY behind the end of a request is accepted", |p| {
        half_closed(p)?;
        p.send(&frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]));
        p.expect_alive()
    }),
    Case("5.1", "RST_STREAM behind the end of a request is accepted", |p| {
        half_closed(p)?;
        p.send(&rst_stream(1, CANCEL));
        p.expect_alive()
    }),
    // Closed.
    Case("5.1", "DATA behind RST_STREAM is an error", |p| {
        reset(p)?;
        p.send(&last_data(1, b"x"));
        p.expect_stream_error(1, &[STREAM_CLOSED])
    }),
    Case("5.1", "HEADERS behind RST_STREAM are an error", |p| {
        reset(p)?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    Case("5.1", "CONTINUATION behind RST_STREAM is an error", |p| {
        reset(p)?;
        p.send(&frame(CONTINUATION, END_HEADERS, 1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    Case("5.1", "a second RST_STREAM is no error", |p| {
        reset(p)?;
        p.send(&rst_stream(1, CANCEL));
        p.expect_alive()
    }),
    Case("5.1", "DATA on a closed stream is an error", |p| {
        ended(p)?;
        p.send(&last_data(1, b"x"));
        p.expect_stream_error(1, &[STREAM_CLOSED])
    }),
    Case("5.1", "HEADERS on a closed stream are an error", |p| {
        ended(p)?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    Case("5.1", "CONTINUATION on a closed stream is an error", |p| {
        ended(p)?;
        p.send(&frame(CONTINUATION, END_HEADERS, 1, &request("GET", &[])));
        p.expect_stream_error(1, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    Case("5.1", "PRIORITY on a closed stream is accepted", |p| {
        ended(p)?;
        p.send(&frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]));
        p.expect_alive()
    }),
    Case("5.1", "WINDOW_UPDATE on a stream that was just closed is accepted", |p| {
        ended(p)?;
        p.send(&window_update(1, 10));
        p.expect_alive()
    }),
    Case("5.1", "RST_STREAM on a stream that was just closed is accepted", |p| {
        ended(p)?;
        p.send(&rst_stream(1, CANCEL));
        p.expect_alive()
    }),
    // Identifiers.
    Case("5.1.1", "an even stream identifier ends the connection", |p| {
        p.open()?;
        p.send(&get(2, &request("GET", &[])));
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.1.1", "a stream identifier lower than an earlier one ends the connection", |p| {
        p.open()?;
        p.send(&get(5, &request("GET", &[])));
        p.expect_response(5)?;
        p.send(&get(3, &request("GET", &[])));
        p.expect_connection_error(&[PROTOCOL_ERROR, STREAM_CLOSED])
    }),
    Case("5.1.1", "stream identifiers may be left out", |p| {
        p.open()?;
        for stream in [1, 5, 101, 0x7fff_fffd] {
            p.send(&get(stream, &request("GET", &[])));
            p.expect_response(stream)?;
        }
        Ok(())
    }),
    Case("5.1.1", "a frame of a stream that was left out is an error", |p| {
        p.open()?;
        p.send(&get(7, &request("GET", &[])));
        p.expect_response(7)?;
        p.send(&last_data(3, b"x"));
        p.expect_stream_error(3, &[STREAM_CLOSED, PROTOCOL_ERROR])
    }),
    // Concurrency.
    Case("5.1.2", "a request beyond SETTINGS_MAX_CONCURRENT_STREAMS is refused", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
        let limit = p.server_setting(MAX_CONCURRENT_STREAMS, u32::MAX);
        if limit > 10_000 {
            return Err(format!("the limit is {limit}"));
        }
        let block = request("GET", &[]);
        for at in 0..limit + 1 {
            p.send(&get(at * 2 + 1, &block));
        }
        p.expect_stream_error(limit * 2 + 1, &[REFUSED_STREAM, PROTOCOL_ERROR])
    }),
    Case("5.1.2", "many requests at once are all answered", |p| {
        p.open()?;
        let block = request("GET", &[]);
        let frames: Vec<_> = (0..50).map(|at| get(at * 2 + 1, &block)).collect();
        p.send_all(&frames);
        let mut open: std::collections::HashSet<u32> = (0..50).map(|at| at * 2 + 1).collect();
        while !open.is_empty() {
            let last =
                p.wait("the end of a response", |f| matches!(f.kind, DATA | HEADERS) && f.flags & END_STREAM != 0)?;
            if !open.remove(&last.stream) {
                return Err(format!("stream {} ended twice", last.stream));
            }
        }
        Ok(())
    }),
    // Priority, which is deprecated.
    Case("5.3.2", "a HEADERS frame with priority fields is accepted", |p| {
        p.open()?;
        let payload = [vec![0, 0, 0, 0, 200], request("GET", &[])].concat();
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS | PRIORITIZED, 1, &payload));
        p.expect_response(1)
    }),
    Case("5.3.2", "a priority on a stream that does not exist is accepted", |p| {
        p.open()?;
        let payload = [vec![0x80, 0, 0, 99, 200], request("GET", &[])].concat();
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS | PRIORITIZED, 1, &payload));
        p.expect_response(1)
    }),
    Case("5.3.2", "a priority can be changed at any time", |p| {
        p.open()?;
        p.send_all(&[
            post(1, &request("POST", &[])),
            frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]),
            frame(DATA, 0, 1, b"x"),
            frame(PRIORITY, 0, 1, &[0x80, 0, 0, 5, 255]),
            last_data(1, b"y"),
        ]);
        p.expect_response(1)
    }),
];
