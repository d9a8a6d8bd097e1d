//! RFC 9113 sections 3 to 5 for the connection as a whole: its preface, the format of frames, errors, extensions.

use super::Case;
use super::peer::*;

pub const CASES: &[Case] = &[
    Case("3.4", "the server's first frame is SETTINGS", |p| {
        p.send_all(&[PREFACE.to_vec(), settings(&[])]);
        match p.read()? {
            Some(f) if f.kind == SETTINGS && f.flags & ACK == 0 && f.stream == 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }),
    Case("3.4", "a preface in two writes is accepted", |p| {
        p.send(&PREFACE[..10]);
        std::thread::sleep(std::time::Duration::from_millis(20));
        p.send(&PREFACE[10..]);
        p.send(&settings(&[]));
        p.wait("the ACK of SETTINGS", |f| f.kind == SETTINGS && f.flags & ACK != 0).map(drop)
    }),
    Case("3.4", "a preface and a request in one write are accepted", |p| {
        p.send_all(&[PREFACE.to_vec(), settings(&[]), get(1, &request("GET", &[]))]);
        p.expect_response(1)
    }),
    Case("3.4", "a preface octet by octet, with its SETTINGS, is accepted", |p| {
        for byte in [PREFACE, &settings(&[])].concat() {
            p.send(&[byte]);
        }
        p.wait("the ACK of SETTINGS", |f| f.kind == SETTINGS && f.flags & ACK != 0).map(drop)
    }),
    Case("3.4", "a wrong preface closes the connection", |p| {
        p.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
        p.send(&settings(&[]));
        // The octets of the server need not be frames.
        p.expect_close().or(Ok(()))
    }),
    Case("3.4", "a preface without SETTINGS is an error", |p| {
        p.send_all(&[PREFACE.to_vec(), frame(PING, 0, 0, &[0; 8])]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    // The format of frames.
    Case("4.1", "a frame of an unknown type is ignored", |p| {
        p.open()?;
        p.send(&frame(UNKNOWN, 0, 0, &[0; 8]));
        p.expect_alive()
    }),
    Case("4.1", "a frame of an unknown type on an idle stream is ignored", |p| {
        p.open()?;
        p.send_all(&[frame(UNKNOWN, 0xff, 1, &[0; 8]), get(1, &request("GET", &[]))]);
        p.expect_response(1)
    }),
    Case("4.1", "flags without a meaning are ignored", |p| {
        p.open()?;
        p.send(&frame(PING, 0x16, 0, b"is alive"));
        p.wait("the answer of PING", |f| f.kind == PING && f.flags & ACK != 0).map(drop)
    }),
    Case("4.1", "flags of HEADERS without a meaning are ignored", |p| {
        p.open()?;
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS | 0x42, 1, &request("GET", &[])));
        p.expect_response(1)
    }),
    Case("4.1", "the reserved bit of the stream identifier is ignored", |p| {
        p.open()?;
        p.send(&frame(PING, 0, 0x8000_0000, b"is alive"));
        p.wait("the answer of PING", |f| f.kind == PING && f.flags & ACK != 0).map(drop)
    }),
    Case("4.1", "the reserved bit is ignored on a stream, too", |p| {
        p.open()?;
        p.send(&frame(HEADERS, END_STREAM | END_HEADERS, 0x8000_0001, &request("GET", &[])));
        p.expect_response(1)
    }),
    Case("4.2", "a DATA frame of 16,384 octets is accepted", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), last_data(1, &[b'x'; 16_384])]);
        p.expect_response(1)
    }),
    Case("4.2", "a field block of 16,384 octets is accepted", |p| {
        p.open()?;
        let mut block = request("GET", &[]);
        while block.len() < 15_000 {
            block.extend(field(b"x-filler", &[b'v'; 100]));
        }
        let rest = 16_384 - block.len() - (1 + 1 + 1 + 3);
        block.extend(field(b"x", "v".repeat(rest).as_bytes()));
        block.truncate(16_384);
        p.send(&get(1, &block));
        p.wait("a response", |f| f.kind == HEADERS && f.stream == 1).map(drop)
    }),
    Case("4.2", "a DATA frame beyond SETTINGS_MAX_FRAME_SIZE is an error", |p| {
        p.open()?;
        let size = p.server_setting(MAX_FRAME_SIZE, 16_384) as usize + 1;
        p.send_all(&[post(1, &request("POST", &[])), last_data(1, &vec![b'x'; size])]);
        p.expect_stream_error(1, &[FRAME_SIZE_ERROR])
    }),
    Case("4.2", "a HEADERS frame beyond SETTINGS_MAX_FRAME_SIZE ends the connection", |p| {
        p.open()?;
        let size = p.server_setting(MAX_FRAME_SIZE, 16_384) as usize + 1;
        let mut block = request("GET", &[]);
        block.resize(size, 0);
        p.send(&get(1, &block));
        p.expect_connection_error(&[FRAME_SIZE_ERROR])
    }),
    Case("4.2", "an unknown frame beyond SETTINGS_MAX_FRAME_SIZE ends the connection", |p| {
        p.open()?;
        let size = p.server_setting(MAX_FRAME_SIZE, 16_384) as usize + 1;
        p.send(&frame(UNKNOWN, 0, 0, &vec![0; size]));
        p.expect_connection_error(&[FRAME_SIZE_ERROR])
    }),
    // Field blocks.
    Case("4.3", "a field block in a CONTINUATION for each octet is put together", |p| {
        p.open()?;
        let block = request("GET", &[]);
        let mut frames = vec![frame(HEADERS, END_STREAM, 1, &block[..1])];
        let (last, rest) = block[1..].split_last().unwrap();
        // Servers bound how many there may be of them: pieces of 8 octets.
        frames.extend(rest.chunks(8).map(|piece| frame(CONTINUATION, 0, 1, piece)));
        frames.push(frame(CONTINUATION, END_HEADERS, 1, &[*last]));
        p.send_all(&frames);
        p.expect_response(1)
    }),
    Case("4.3", "a field block that cannot be decompressed ends the connection", |p| {
        p.open()?;
        p.send(&get(1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
        p.expect_connection_error(&[COMPRESSION_ERROR])
    }),
    Case("4.3", "PRIORITY between HEADERS and CONTINUATION ends the connection", |p| {
        p.open()?;
        let block = request("GET", &[]);
        p.send_all(&[
            frame(HEADERS, END_STREAM, 1, &block[..8]),
            frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]),
            frame(CONTINUATION, END_HEADERS, 1, &block[8..]),
        ]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("4.3", "HEADERS of another stream before CONTINUATION end the connection", |p| {
        p.open()?;
        let block = request("GET", &[]);
        p.send_all(&[frame(HEADERS, END_STREAM, 1, &block[..8]), get(3, &block)]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("4.3", "CONTINUATION of another stream ends the connection", |p| {
        p.open()?;
        let block = request("GET", &[]);
        p.send_all(&[frame(HEADERS, END_STREAM, 1, &block[..8]), frame(CONTINUATION, END_HEADERS, 3, &block[8..])]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("4.3", "the fields of a malformed request are known to the next one", |p| {
        p.open()?;
        let bad = [block(&[(":method", "GET"), (":scheme", "http")]), literal(0x40, b"x-first", b"1")].concat();
        p.send(&get(1, &bad));
        p.expect_malformed(1)?;
        p.send(&get(3, &[request("GET", &[]), vec![0x80 | 62]].concat()));
        p.expect_response(3)
    }),
    // Errors.
    Case("5.4.1", "GOAWAY names the last stream, and the connection is closed", |p| {
        p.open()?;
        p.send(&get(1, &request("GET", &[])));
        p.expect_response(1)?;
        p.send(&frame(PING, 0, 0, &[0; 6]));
        let goaway = p.wait_for_goaway()?;
        let last = u32::from_be_bytes(goaway.payload[..4].try_into().unwrap());
        if last != 1 {
            return Err(format!("the last stream is {last}"));
        }
        p.expect_close()
    }),
    Case("5.4.1", "a connection error closes the connection for other streams", |p| {
        p.open_with(&[(INITIAL_WINDOW_SIZE, 0)])?;
        p.send_all(&[get(1, &request("GET", &[])), get(3, &request("GET", &[])), frame(DATA, 0, 0, b"x")]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.4.2", "a stream error leaves the connection open", |p| {
        p.open()?;
        p.send(&get(1, &request("GET", &[("connection", "close")])));
        p.expect_malformed(1)?;
        p.send(&get(3, &request("GET", &[])));
        p.expect_response(3)
    }),
    // Extensions.
    Case("5.5", "an unknown setting is ignored", |p| {
        p.open_with(&[(0xbeef, 7)])?;
        p.expect_alive()
    }),
    Case("5.5", "an unknown frame in a field block ends the connection", |p| {
        p.open()?;
        let block = request("GET", &[]);
        p.send_all(&[
            frame(HEADERS, END_STREAM, 1, &block[..8]),
            frame(UNKNOWN, 0, 1, &[0; 4]),
            frame(CONTINUATION, END_HEADERS, 1, &block[8..]),
        ]);
        p.expect_connection_error(&[PROTOCOL_ERROR])
    }),
    Case("5.5", "a long unknown frame is skipped", |p| {
        p.open()?;
        p.send(&frame(UNKNOWN, 0, 0, &[0xff; 16_384]));
        p.expect_alive()
    }),
    Case("7", "an unknown error code of RST_STREAM is no error", |p| {
        p.open()?;
        p.send_all(&[post(1, &request("POST", &[])), rst_stream(1, 0xbeef)]);
        p.expect_alive()
    }),
    Case("7", "an unknown error code of GOAWAY is no error", |p| {
        p.open()?;
        p.send_all(&[get(1, &request("GET", &[])), frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0xbe, 0xef])]);
        p.expect_response(1)
    }),
];
