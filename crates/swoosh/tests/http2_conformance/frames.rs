//! RFC 9113 section 6: each type of frame.

use super::Case;
use super::peer::*;

/// The server ends the connection after this frame.
fn refused(p: &mut Peer, bytes: &[u8], codes: &[u32]) -> Verdict {
    p.open()?;
    p.send(bytes);
    p.expect_connection_error(codes)
}

/// The server ends the stream or the connection after a HEADERS or DATA frame whose padding or priority does not fit.
fn misfit(p: &mut Peer, bytes: &[u8]) -> Verdict {
    p.open()?;
    p.send(bytes);
    p.expect_connection_error(&[PROTOCOL_ERROR, FRAME_SIZE_ERROR])
}

/// DATA of a response that has arrived so far.
fn next_data(p: &mut Peer, stream: u32) -> Result<usize, String> {
    p.wait("DATA", |f| f.kind == DATA && f.stream == stream).map(|f| f.payload.len())
}

/// The next DATA frame has one octet.
fn expect_one_octet(p: &mut Peer, stream: u32) -> Verdict {
    match next_data(p, stream)? {
        1 => Ok(()),
        n => Err(format!("{n} octets of DATA, not 1")),
    }
}

pub const CASES: &[Case] = &[
    // DATA.
    Case("6.1", "DATA on stream 0 ends the connection", |p| refused(p, &last_data(0, b"x"), &[PROTOCOL_ERROR])),
    Case("6.1", "padding as long as its frame ends the connection", |p| {
        let data = frame(DATA, END_STREAM | PADDED, 1, &[5, 0, 0, 0, 0]);
        misfit(p, &[post(1, &request("POST", &[])), data].concat())
    }),
    Case("6.1", "padding longer than its frame ends the connection", |p| {
        let data = frame(DATA, END_STREAM | PADDED, 1, &[200, b'x']);
        misfit(p, &[post(1, &request("POST", &[])), data].concat())
    }),
    Case("6.1", "a padded DATA frame without its pad length ends the connection", |p| {
        let data = frame(DATA, END_STREAM | PADDED, 1, &[]);
        misfit(p, &[post(1, &request("POST", &[])), data].concat())
    }),
    Case("6.1", "padded DATA is accepted, and its padding is no content", |p| {
        p.open()?;
        let data = frame(DATA, END_STREAM | PADDED, 1, &[3, b'o', b'k', 0, 0, 0]);
        p.send_all(&[post(1, &request("POST", &[("content-length", "2")])), data]);
        p.expect_response(1)
    }),
    Case("6.1", "DATA that is all padding is accepted", |p| {
        p.open()?;
        let padding = frame(DATA, PADDED, 1, &[2, 0, 0]);
        p.send_all(&[post(1, &request("POST", &[("content-length", "1")])), padding, last_data(1, b"x")]);
        p.expect_response(1)
    }),
    Case("6.1", "a pad length of 0 is accepted", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), frame(DATA, END_STREAM | PADDED, 1, &[0, b'x'])]);
        p.expect_response(1)
    }),
    Case("6.1", "an empty DATA frame ends a request", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), frame(DATA, 0, 1, b"x"), last_data(1, b"")]);
        p.expect_response(1)
    }),
    // HEADERS.
    Case("6.2", "HEADERS on stream 0 end the connection", |p| {
        refused(p, &get(0, &request("GET", &[])), &[PROTOCOL_ERROR])
    }),
    Case("6.2", "padding of HEADERS that does not fit ends the connection", |p| {
        let block = request("GET", &[]);
        let payload = [&[block.len() as u8 + 1][..], &block].concat();
        misfit(p, &frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, &payload))
    }),
    Case("6.2", "padded HEADERS without their pad length end the connection", |p| {
        misfit(p, &frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, &[]))
    }),
    Case("6.2", "HEADERS too short for their priority end the connection", |p| {
        misfit(p, &frame(HEADERS, END_STREAM | END_HEADERS | PRIORITIZED, 1, &[0, 0, 0]))
    }),
    Case("6.2", "padded HEADERS are accepted", |p| {
        p.open()?;
        let payload = [&[4][..], &request("GET", &[]), &[0; 4]].concat();
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, &payload));
        p.expect_response(1)
    }),
    Case("6.2", "HEADERS with padding and priority are accepted", |p| {
        p.open()?;
        let payload = [&[4, 0, 0, 0, 0, 15][..], &request("GET", &[]), &[0; 4]].concat();
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS | PADDED | PRIORITIZED, 1, &payload));
        p.expect_response(1)
    }),
    Case("6.2", "a second HEADERS frame before CONTINUATION ends the connection", |p| {
        let block = request("GET", &[]);
        let first = frame(HEADERS, END_STREAM, 1, &block[..8]);
        refused(p, &[first, get(1, &block[8..])].concat(), &[PROTOCOL_ERROR])
    }),
    // PRIORITY.
    Case("6.3", "PRIORITY on stream 0 ends the connection", |p| {
        refused(p, &frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 9]), &[PROTOCOL_ERROR])
    }),
    Case("6.3", "PRIORITY of 4 octets is an error", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), frame(PRIORITY, 0, 1, &[0; 4])]);
        p.expect_stream_error(1, &[FRAME_SIZE_ERROR])
    }),
    Case("6.3", "PRIORITY of 6 octets is an error", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), frame(PRIORITY, 0, 1, &[0; 6])]);
        p.expect_stream_error(1, &[FRAME_SIZE_ERROR])
    }),
    // RST_STREAM.
    Case("6.4", "RST_STREAM on stream 0 ends the connection", |p| {
        refused(p, &rst_stream(0, CANCEL), &[PROTOCOL_ERROR])
    }),
    Case("6.4", "RST_STREAM of 3 octets ends the connection", |p| {
        let short = frame(RST_STREAM, 0, 1, &[0; 3]);
        refused(p, &[post(1, &request("POST", &[])), short].concat(), &[FRAME_SIZE_ERROR])
    }),
    Case("6.4", "RST_STREAM of 5 octets ends the connection", |p| {
        let long = frame(RST_STREAM, 0, 1, &[0; 5]);
        refused(p, &[post(1, &request("POST", &[])), long].concat(), &[FRAME_SIZE_ERROR])
    }),
    Case("6.4", "requests behind RST_STREAM are answered", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), rst_stream(1, CANCEL), get(3, &request("GET", &[]))]);
        p.expect_response(3)
    }),
    // SETTINGS.
    Case("6.5", "SETTINGS with ACK and a payload end the connection", |p| {
        refused(p, &frame(SETTINGS, ACK, 0, &[0; 6]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.5", "SETTINGS on a stream end the connection", |p| {
        refused(p, &frame(SETTINGS, 0, 1, &[]), &[PROTOCOL_ERROR])
    }),
    Case("6.5", "SETTINGS of 3 octets end the connection", |p| {
        refused(p, &frame(SETTINGS, 0, 0, &[0; 3]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.5", "SETTINGS of 11 octets end the connection", |p| {
        refused(p, &frame(SETTINGS, 0, 0, &[0; 11]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.5.2", "SETTINGS_ENABLE_PUSH other than 0 and 1 ends the connection", |p| {
        refused(p, &settings(&[(ENABLE_PUSH, 2)]), &[PROTOCOL_ERROR])
    }),
    Case("6.5.2", "SETTINGS_ENABLE_PUSH of 0 is accepted", |p| {
        p.open_with(&[(ENABLE_PUSH, 0)])?;
        p.expect_alive()
    }),
    Case("6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE beyond 2^31-1 ends the connection", |p| {
        refused(p, &settings(&[(INITIAL_WINDOW_SIZE, 0x8000_0000)]), &[FLOW_CONTROL_ERROR])
    }),
    Case("6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1 is accepted", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)])?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_response(1)
    }),
    Case("6.5.2", "SETTINGS_MAX_FRAME_SIZE below 16,384 ends the connection", |p| {
        refused(p, &settings(&[(MAX_FRAME_SIZE, 16_383)]), &[PROTOCOL_ERROR])
    }),
    Case("6.5.2", "SETTINGS_MAX_FRAME_SIZE beyond 2^24-1 ends the connection", |p| {
        refused(p, &settings(&[(MAX_FRAME_SIZE, 1 << 24)]), &[PROTOCOL_ERROR])
    }),
    Case("6.5.2", "SETTINGS_MAX_FRAME_SIZE of 2^24-1 is accepted", |p| {
        p.open_with(&[(MAX_FRAME_SIZE, (1 << 24) - 1)])?;
        p.expect_alive()
    }),
    Case("6.5.2", "SETTINGS_MAX_CONCURRENT_STREAMS of 0 is accepted", |p| {
        p.open_with(&[(MAX_CONCURRENT_STREAMS, 0)])?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_response(1)
    }),
    Case("6.5.3", "values of one setting are taken in order", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)])?;
        p.send(&get(1, &request("GET", &[])));
        expect_one_octet(p, 1)
    }),
    Case("6.5.3", "each SETTINGS frame is confirmed", |p| {
        p.open()?;
        p.send_all(&[settings(&[]), settings(&[(HEADER_TABLE_SIZE, 100)]), settings(&[(0xbeef, 1)])]);
        for _ in 0..3 {
            p.wait("an ACK of SETTINGS", |f| f.kind == SETTINGS && f.flags == ACK && f.payload.is_empty())?;
        }
        Ok(())
    }),
    // PUSH_PROMISE.
    Case("6.6", "PUSH_PROMISE of a client ends the connection", |p| {
        p.open()?;
        let promise = [&[0, 0, 0, 2][..], &request("GET", &[])].concat();
        p.send_all(&[post(1, &request("POST", &[])), frame(PUSH_PROMISE, END_HEADERS, 1, &promise)]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    // PING.
    Case("6.7", "PING is answered with its payload", |p| {
        p.open()?;
        p.send(&frame(PING, 0, 0, b"\0\xffdata\r\n"));
        p.wait("the answer", |f| f.kind == PING && f.flags == ACK && f.payload == b"\0\xffdata\r\n").map(drop)
    }),
    Case("6.7", "PING with ACK is not answered", |p| {
        p.open()?;
        p.send(&frame(PING, ACK, 0, b"unasked!"));
        p.send(&frame(PING, 0, 0, b"is alive"));
        let first = p.wait("the answer of PING", |f| f.kind == PING)?;
        if first.payload == b"is alive" { Ok(()) } else { Err("it was answered".into()) }
    }),
    Case("6.7", "PING on a stream ends the connection", |p| refused(p, &frame(PING, 0, 1, &[0; 8]), &[PROTOCOL_ERROR])),
    Case("6.7", "PING of 6 octets ends the connection", |p| {
        refused(p, &frame(PING, 0, 0, &[0; 6]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.7", "PING of 9 octets ends the connection", |p| {
        refused(p, &frame(PING, 0, 0, &[0; 9]), &[FRAME_SIZE_ERROR])
    }),
    // GOAWAY.
    Case("6.8", "GOAWAY on a stream ends the connection", |p| {
        refused(p, &frame(GOAWAY, 0, 1, &[0; 8]), &[PROTOCOL_ERROR])
    }),
    Case("6.8", "GOAWAY of 7 octets ends the connection", |p| {
        refused(p, &frame(GOAWAY, 0, 0, &[0; 7]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.8", "a request before the client's GOAWAY is answered", |p| {
        p.open()?;
        p.send_all(&[get(1, &request("GET", &[])), frame(GOAWAY, 0, 0, &[0; 8])]);
        p.expect_response(1)
    }),
    Case("6.8", "GOAWAY may have debug data", |p| {
        p.open()?;
        let goaway = frame(GOAWAY, 0, 0, &[&[0; 8][..], b"good bye"].concat());
        p.send_all(&[get(1, &request("GET", &[])), goaway]);
        p.expect_response(1)
    }),
    // WINDOW_UPDATE.
    Case("6.9", "WINDOW_UPDATE of 0 ends the connection", |p| refused(p, &window_update(0, 0), &[PROTOCOL_ERROR])),
    Case("6.9", "WINDOW_UPDATE of 0 on a stream is an error", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), window_update(1, 0)]);
        p.expect_stream_error(1, &[PROTOCOL_ERROR])
    }),
    Case("6.9", "WINDOW_UPDATE of 3 octets ends the connection", |p| {
        refused(p, &frame(WINDOW_UPDATE, 0, 0, &[0; 3]), &[FRAME_SIZE_ERROR])
    }),
    Case("6.9", "the reserved bit of WINDOW_UPDATE is ignored", |p| {
        p.open()?;
        p.send(&frame(WINDOW_UPDATE, 0, 0, &0x8000_0001_u32.to_be_bytes()));
        p.expect_alive()
    }),
    Case("6.9.1", "the server sends no more DATA than the window of a stream", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 1)])?;
        p.send(&get(1, &request("GET", &[])));
        expect_one_octet(p, 1)?;
        p.send(&window_update(1, 1));
        expect_one_octet(p, 1)
    }),
    Case("6.9.1", "responses without content need no window", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
        p.send(&get(1, &request("HEAD", &[])));
        p.wait("the end of the response", |f| f.stream == 1 && f.flags & END_STREAM != 0).map(drop)
    }),
    Case("6.9.1", "a connection window beyond 2^31-1 ends the connection", |p| {
        p.open()?;
        p.send_all(&[window_update(0, 0x7fff_ffff), window_update(0, 0x7fff_ffff)]);
        p.expect_connection_error(&[FLOW_CONTROL_ERROR])
    }),
    Case("6.9.1", "a stream window beyond 2^31-1 is an error", |p| {
        p.open()?;
        p.send(&post(1, &request("POST", &[])));
        p.send_all(&[window_update(1, 0x7fff_ffff), window_update(1, 0x7fff_ffff)]);
        p.expect_stream_error(1, &[FLOW_CONTROL_ERROR])
    }),
    Case("6.9.1", "a window of 0 holds back one stream, not the others", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
        p.send_all(&[get(1, &request("GET", &[])), get(3, &request("GET", &[])), window_update(3, 100_000)]);
        p.wait("the end of stream 3", |f| f.stream == 3 && f.flags & END_STREAM != 0)?;
        p.send(&window_update(1, 100_000));
        p.wait("the end of stream 1", |f| f.stream == 1 && f.flags & END_STREAM != 0).map(drop)
    }),
    Case("6.9.1", "the server gives back the windows that an upload has used", |p| {
        p.open()?;
        let mut windows = [p.server_setting(INITIAL_WINDOW_SIZE, 65_535) as usize, p.connection_window()];
        p.send(&post(1, &request("POST", &[])));
        // More than both windows hold at first, and not an octet more than they allow.
        let mut rest = 400_000_usize.max(windows[0].max(windows[1]) + 100_000);
        while rest > 0 {
            let size = rest.min(windows[0]).min(windows[1]).min(16_384);
            if size > 0 {
                p.send(&frame(DATA, if size == rest { END_STREAM } else { 0 }, 1, &vec![b'x'; size]));
                rest -= size;
                windows = windows.map(|w| w - size);
                continue;
            }
            let update = p.wait("a WINDOW_UPDATE", |f| f.kind == WINDOW_UPDATE)?;
            let increment = u32::from_be_bytes(update.payload[..4].try_into().unwrap()) as usize;
            windows[usize::from(update.stream == 0)] += increment;
        }
        p.expect_response(1)
    }),
    Case("6.9.2", "a window that SETTINGS open later lets a response go on", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
        p.send(&get(1, &request("GET", &[])));
        p.wait("a response", |f| f.kind == HEADERS && f.stream == 1)?;
        p.send(&settings(&[(INITIAL_WINDOW_SIZE, 1)]));
        expect_one_octet(p, 1)
    }),
    Case("6.9.2", "a window that SETTINGS made negative is kept so", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 3)])?;
        p.send(&get(1, &request("GET", &[])));
        if next_data(p, 1)? != 3 {
            return Err("the window of 3 octets was not used".into());
        }
        // 3 octets sent of 2: the window is -1.
        p.send_all(&[settings(&[(INITIAL_WINDOW_SIZE, 2)]), window_update(1, 2)]);
        expect_one_octet(p, 1)
    }),
    Case("6.9.2", "SETTINGS that raise a window beyond 2^31-1 end the connection", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), window_update(1, 100_000)]);
        p.send(&settings(&[(INITIAL_WINDOW_SIZE, 0x7fff_ffff)]));
        p.expect_connection_error(&[FLOW_CONTROL_ERROR])
    }),
    // CONTINUATION.
    Case("6.10", "several CONTINUATION frames are accepted", |p| {
        p.open()?;
        let block = request("GET", &[]);
        p.send_all(&[
            frame(HEADERS, END_STREAM, 1, &block[..8]),
            frame(CONTINUATION, 0, 1, &block[8..20]),
            frame(CONTINUATION, 0, 1, &[]),
            frame(CONTINUATION, END_HEADERS, 1, &block[20..]),
        ]);
        p.expect_response(1)
    }),
    Case("6.10", "CONTINUATION on stream 0 ends the connection", |p| {
        let block = request("GET", &[]);
        let frames = [frame(HEADERS, END_STREAM, 1, &block[..8]), frame(CONTINUATION, END_HEADERS, 0, &block[8..])];
        refused(p, &frames.concat(), &[PROTOCOL_ERROR])
    }),
    Case("6.10", "DATA before CONTINUATION ends the connection", |p| {
        let block = request("POST", &[]);
        let frames = [frame(HEADERS, 0, 1, &block[..8]), last_data(1, b"x")];
        refused(p, &frames.concat(), &[PROTOCOL_ERROR])
    }),
    Case("6.10", "CONTINUATION behind complete HEADERS ends the connection", |p| {
        let frames = [post(1, &request("POST", &[])), frame(CONTINUATION, END_HEADERS, 1, &field(b"x-a", b"1"))];
        refused(p, &frames.concat(), &[PROTOCOL_ERROR])
    }),
    Case("6.10", "CONTINUATION behind a complete CONTINUATION ends the connection", |p| {
        let block = request("POST", &[]);
        let frames = [
            frame(HEADERS, 0, 1, &block[..8]),
            frame(CONTINUATION, END_HEADERS, 1, &block[8..]),
            frame(CONTINUATION, END_HEADERS, 1, &field(b"x-a", b"1")),
        ];
        refused(p, &frames.concat(), &[PROTOCOL_ERROR])
    }),
    Case("6.10", "CONTINUATION behind DATA ends the connection", |p| {
        let frames =
            [post(1, &request("POST", &[])), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, &[])];
        refused(p, &frames.concat(), &[PROTOCOL_ERROR])
    }),
];
