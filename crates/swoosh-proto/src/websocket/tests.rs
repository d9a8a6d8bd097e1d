//! Frames and messages, whole and in pieces.

use super::*;
use crate::framing::FrameStatus;

const CLIENT: FrameRules = FrameRules { max: 100_000, masked: true, deflate: false };

fn frame(first: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, first, Some([1, 2, 3, 4]), data);
    out
}

/// The events in these bytes, fed in pieces of `size`, and the code of the error that ends them.
fn events(bytes: &[u8], size: usize) -> (Vec<Event>, Option<u16>) {
    events_under(CLIENT, bytes, size)
}

fn events_under(rules: FrameRules, bytes: &[u8], size: usize) -> (Vec<Event>, Option<u16>) {
    let (mut assembler, mut events, mut buf) = (MessageAssembler::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(size) {
        buf.extend_from_slice(piece);
        loop {
            let length = match next_frame(rules, &buf) {
                Ok(FrameStatus::Complete(length)) => length,
                Ok(FrameStatus::Incomplete(_)) => break,
                Err(length) => length,
            };
            let packet: Vec<u8> = buf.drain(..length).collect();
            match assembler.take(&packet, rules) {
                Ok(event) => events.extend(event),
                Err(error) => return (events, Some(error.code)),
            }
        }
    }
    (events, None)
}

#[test]
fn messages_of_every_length_arrive_however_they_are_read() {
    for length in [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 99_999] {
        let data: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let bytes = frame(0x82, &data);
        for size in [1, 3, 1000, usize::MAX] {
            if size > 3 || length < 200 {
                assert_eq!(events(&bytes, size), (vec![Event::Message(Opcode::Binary, data.clone(), false)], None));
            }
        }
    }
}

#[test]
fn masking_matches_the_examples_of_the_rfc() {
    let mut out = Vec::new();
    put_frame(&mut out, 0x81, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
    assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    for length in 0..40 {
        let mut data = vec![0; length];
        unmask(&mut data, [1, 2, 3, 4]);
        assert!(data.iter().enumerate().all(|(n, b)| *b == (n % 4) as u8 + 1));
    }
}

#[test]
fn fragments_are_joined_with_control_frames_in_between() {
    let bytes = [
        frame(1, "gr\u{fc}".as_bytes().split_last().unwrap().1),
        frame(0x89, b"ping"),
        frame(0, &"gr\u{fc}".as_bytes()[3..]),
        frame(0x8A, b"pong"),
        frame(0x80, b"n"),
    ];
    let wanted = vec![
        Event::Ping(b"ping".to_vec()),
        Event::Pong(b"pong".to_vec()),
        Event::Message(Opcode::Text, "gr\u{fc}n".as_bytes().to_vec(), false),
    ];
    assert_eq!(events(&bytes.concat(), 5), (wanted, None));
}

#[test]
fn a_server_s_frames_are_not_masked() {
    let server = FrameRules { masked: false, ..CLIENT };
    let mut plain = Vec::new();
    put_frame(&mut plain, 0x82, None, b"data");
    put_frame(&mut plain, 0x8A, None, b"");
    let wanted = vec![Event::Message(Opcode::Binary, b"data".to_vec(), false), Event::Pong(Vec::new())];
    assert_eq!(events_under(server, &plain, 1), (wanted, None));
    assert_eq!(events_under(server, &frame(0x82, b"data"), 9), (vec![], Some(1002)));
}

#[test]
fn compressed_messages_are_accepted_if_negotiated() {
    let agreed = FrameRules { deflate: true, ..CLIENT };
    let short = deflate::deflate(b"squeeze squeeze squeeze", deflate::DeflateParams { small_window: false });
    let (one, two) = short.split_at(4);
    let bytes = [frame(0x41, one), frame(0x89, b"p"), frame(0x80, two), frame(0x81, b"plain")].concat();
    let wanted = vec![
        Event::Ping(b"p".to_vec()),
        Event::Message(Opcode::Text, b"squeeze squeeze squeeze".to_vec(), true),
        Event::Message(Opcode::Text, b"plain".to_vec(), false),
    ];
    assert_eq!(events_under(agreed, &bytes, 3), (wanted, None));
    assert_eq!(events(&frame(0xC1, &short), 99), (vec![], Some(1002)));
    let bomb = deflate::deflate(&vec![b'a'; 100_001], deflate::DeflateParams { small_window: false });
    assert_eq!(events_under(agreed, &frame(0xC1, &bomb), 1 << 20), (vec![], Some(1009)));
    let not_text = deflate::deflate(b"\xff", deflate::DeflateParams { small_window: false });
    assert_eq!(events_under(agreed, &frame(0xC1, &not_text), 99), (vec![], Some(1007)));
    // RFC 7692 section 6: only a message's first frame says that it is compressed.
    for bad in [frame(0xC9, b""), frame(0xC8, b""), [frame(1, b"a"), frame(0xC0, b"b")].concat()] {
        assert_eq!(events_under(agreed, &bad, 99), (vec![], Some(1002)));
    }
}

#[test]
fn violations_of_the_protocol_have_their_code() {
    let unmasked = b"\x81\x02hi".to_vec();
    let long = [&[0x82, 0xFF][..], &(1u64 << 40).to_be_bytes(), b"mask"].concat();
    let wide = [&[0x82, 0xFE, 0, 5][..], b"maskhello"].concat();
    let two = [frame(1, b"a"), frame(0x81, b"b")].concat();
    let large = [frame(2, &vec![0; 60_000]), frame(0x80, &vec![0; 60_000])].concat();
    for (name, bytes, code) in [
        ("5.1 unmasked", unmasked, 1002),
        ("5.2 RSV1", frame(0xC1, b"x"), 1002),
        ("5.2 RSV2", frame(0xA1, b"x"), 1002),
        ("5.2 RSV3", frame(0x91, b"x"), 1002),
        ("5.2 opcode 3", frame(0x83, b"x"), 1002),
        ("5.2 opcode 11", frame(0x8B, b"x"), 1002),
        ("5.2 a length in more bytes than it needs", wide, 1002),
        ("5.4 lone continuation", frame(0x80, b"x"), 1002),
        ("5.4 a message within another", two, 1002),
        ("5.5 long ping", frame(0x89, &[0; 126]), 1002),
        ("5.5 split ping", frame(9, b"x"), 1002),
        ("5.5.1 close of one byte", frame(0x88, b"x"), 1002),
        ("7.4.1 close 999", frame(0x88, &999u16.to_be_bytes()), 1002),
        ("7.4.1 close 1005", frame(0x88, &1005u16.to_be_bytes()), 1002),
        ("7.4.2 close 5000", frame(0x88, &5000u16.to_be_bytes()), 1002),
        ("5.5.1 reason", frame(0x88, b"\x03\xe8\xff"), 1007),
        ("8.1 text", frame(0x81, b"\xff\xfe"), 1007),
        ("7.4.1 too long", long, 1009),
        ("7.4.1 too long in all", large, 1009),
        ("no frame at all", b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
    ] {
        assert_eq!(events(&bytes, 1 << 20), (vec![], Some(code)), "{name}");
        assert_eq!(events(&bytes, 1000), (vec![], Some(code)), "{name}, in pieces");
    }
}

#[test]
fn close_frames_are_parsed_and_encoded() {
    assert_eq!(events(&frame(0x88, b""), 9), (vec![Event::Close(1005, vec![])], None));
    assert_eq!(events(&frame(0x88, b"\x03\xe9bye"), 9), (vec![Event::Close(1001, b"bye".to_vec())], None));
    assert_eq!(close_frame(1001, b"bye"), b"\x88\x05\x03\xe9bye");
    assert_eq!(close_frame(1005, b""), b"\x88\x00");
}

#[test]
fn the_key_of_the_rfc_is_accepted_and_malformed_keys_are_not() {
    assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for bad in ["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ=!", "dGhlIHNhbXBsZSBub25jZQAAAA=="] {
        assert_eq!(accept_key(bad.as_bytes()), None);
    }
}

#[test]
fn close_codes_are_checked() {
    for code in 0..=u16::MAX {
        let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let received = events(&frame(0x88, &code.to_be_bytes()), 9);
        match allowed {
            true => assert_eq!(received, (vec![Event::Close(code, vec![])], None), "{code}"),
            false => assert_eq!(received, (vec![], Some(1002)), "{code}"),
        }
    }
}

#[test]
fn the_reason_of_a_close_frame_is_text_of_at_most_123_bytes() {
    let with = |reason: &[u8]| frame(0x88, &[&[3, 0xE8], reason].concat());
    let longest = "\u{20ac}".repeat(41).into_bytes();
    assert_eq!(events(&with(&longest), 9), (vec![Event::Close(1000, longest.clone())], None));
    assert_eq!(events(&with(&[b'x'; 124]), 9), (vec![], Some(1002)));
    for text in NOT_TEXT {
        assert_eq!(events(&with(text), 9), (vec![], Some(1007)), "{text:x?}");
    }
}

#[test]
fn text_is_checked_alike_wherever_its_fragments_end() {
    let good: &[&[u8]] = &[
        "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes(),
        b"\0\x01\x7f",
        "\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}".as_bytes(),
        "\u{d7ff}\u{e000}\u{fffd}\u{fffe}\u{1fffe}".as_bytes(),
    ];
    let texts = good.iter().map(|text| (*text, true)).chain(NOT_TEXT.iter().map(|text| (*text, false)));
    for (text, is_good) in texts {
        let whole = [b"before ", text, b" behind"].concat();
        let wanted = match is_good {
            true => (vec![Event::Message(Opcode::Text, whole.clone(), false)], None),
            false => (vec![], Some(1007)),
        };
        assert_eq!(events(&frame(0x81, &whole), 99), wanted, "{text:x?}");
        for at in 0..=whole.len() {
            let (one, two) = whole.split_at(at);
            let bytes = [frame(1, one), frame(0, b""), frame(0x80, two)].concat();
            assert_eq!(events(&bytes, 3), wanted, "{text:x?} in two fragments, the first of {at} bytes");
        }
        let bytes: Vec<u8> = whole.iter().flat_map(|byte| frame(0, &[*byte])).chain(frame(0x80, b"")).collect();
        assert_eq!(events(&[frame(1, b""), bytes].concat(), 1), wanted, "{text:x?} in fragments of one byte");
    }
}

#[test]
fn invalid_utf_8_is_accepted_as_binary() {
    for data in NOT_TEXT {
        assert_eq!(events(&frame(0x82, data), 1), (vec![Event::Message(Opcode::Binary, data.to_vec(), false)], None));
    }
}

#[test]
fn pings_within_a_message_arrive_in_order() {
    let pings: Vec<Vec<u8>> = (0..1000).map(|n: u32| vec![n as u8; n as usize % 126]).collect();
    let flood: Vec<u8> = pings.iter().flat_map(|data| frame(0x89, data)).collect();
    let mut wanted: Vec<Event> = pings.into_iter().map(Event::Ping).collect();
    for size in [1, 7, 1 << 20] {
        assert_eq!(events(&flood, size), (wanted.clone(), None));
    }
    wanted.push(Event::Message(Opcode::Text, b"split".to_vec(), false));
    let within = [frame(1, b"sp"), flood, frame(0x80, b"lit")].concat();
    assert_eq!(events(&within, 1000), (wanted, None));
}

#[test]
fn a_message_may_have_one_frame_per_byte() {
    let data: Vec<u8> = (0..99_999).map(|n: u32| (n % 251) as u8).collect();
    let mut bytes = frame(2, b"");
    data.iter().for_each(|byte| put_frame(&mut bytes, 0, Some([byte ^ 1, 2, 3, 4]), &[*byte]));
    bytes.extend(frame(0x80, b""));
    assert_eq!(events(&bytes, 1000), (vec![Event::Message(Opcode::Binary, data, false)], None));
}

#[test]
fn lengths_are_encoded_in_the_shortest_form() {
    let head = |length: usize| {
        let mut out = Vec::new();
        put_frame(&mut out, 0x82, None, &vec![0; length]);
        out.len() - length
    };
    for (length, bytes) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
        assert_eq!(head(length), bytes, "{length}");
    }
    for (length, taken) in [(0, false), (125, false), (126, true), (65_535, true)] {
        let bytes = [&[0x82, 0xFE][..], &(length as u16).to_be_bytes(), &[0; 4], &vec![0; length]].concat();
        assert_eq!(events(&bytes, 1 << 20).1.is_none(), taken, "{length} in two bytes");
    }
    for (length, code) in [(0, 1002), (65_535, 1002), (1 << 63, 1002), (u64::MAX, 1002), (1 << 62, 1009)] {
        let bytes = [&[0x82, 0xFF][..], &u64::to_be_bytes(length), &[0; 4]].concat();
        assert_eq!(events(&bytes, 99), (vec![], Some(code)), "{length} in eight bytes");
    }
}

#[test]
fn reserved_opcodes_and_bits_are_refused_anywhere() {
    for first in 0..=u8::MAX {
        let (opcode, reserved) = (first & 15, first & 0x70);
        let known = matches!(opcode, 0..=2 | 8..=10);
        let split_control = opcode >= 8 && first & 0x80 == 0;
        if known && reserved == 0 && !split_control {
            continue;
        }
        for before in [vec![], frame(0x81, b"whole"), frame(1, b"open")] {
            let said = usize::from(before.first() == Some(&0x81));
            let received = events(&[before, frame(first, b""), frame(0x81, b"never")].concat(), 4);
            assert_eq!((received.0.len(), received.1), (said, Some(1002)), "{first:x}");
        }
    }
}

/// Invalid UTF-8 (RFC 3629 section 3).
const NOT_TEXT: &[&[u8]] = &[
    b"\x80",
    b"\xbf",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xc2",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xe0\x80\xaf",
    b"\xe0\x9f\xbf",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf0\x9f\x98",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
];
