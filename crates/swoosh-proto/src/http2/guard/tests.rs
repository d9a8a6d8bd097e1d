//! Frames with and without faults, in reads of any length.

use super::*;
use crate::http2::header_block::MARKER;
use crate::http2::{PREFACE, goaway, ping};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = FrameHead { length: payload.len() as u32, kind, flags, stream };
    [&head.encode()[..], payload].concat()
}

fn begun() -> Vec<u8> {
    [&PREFACE[..], &frame(4, 0, 0, &[])].concat()
}

/// The bytes that h2 gets of frames behind a preface, however they arrive, and the violation.
fn outcome(frames: &[Vec<u8>]) -> (Vec<u8>, Checked) {
    let bytes = [begun(), frames.concat()].concat();
    let outcomes = [1, 2, 5, 9, 11, 1000].map(|size| {
        let (mut guard, mut out) = (FrameGuard::new(16_384, 1000), Vec::new());
        let checked = bytes.chunks(size).try_for_each(|piece| guard.take(piece, 0, &mut out));
        (out, checked)
    });
    assert!(outcomes.iter().all(|one| one.1 == outcomes[0].1), "{outcomes:?}");
    if outcomes[0].1.is_ok() {
        assert!(outcomes.iter().all(|one| one.0 == outcomes[0].0), "{outcomes:?}");
    }
    let [.., whole] = outcomes;
    whole
}

impl Default for FrameGuard {
    fn default() -> Self {
        FrameGuard::new(16_384, 1000)
    }
}

#[test]
fn frames_without_a_fault_pass_unchanged() {
    let frames = [
        frame(1, 5, 1, b"block"),
        frame(1, 4, 3, b"block"),
        frame(0, 8, 3, b"\x02data\0\0"),
        frame(0, 1, 3, b""),
        frame(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 2, 0, 0, 0, 1]),
        frame(4, 1, 0, b""),
        frame(8, 0, 0, &[0, 0, 0, 1]),
        ping(*b"12345678"),
        frame(99, 7, 5, b"anything"),
        frame(2, 0, 9, &[0; 5]),
        goaway(0, 0, b"bye"),
    ];
    assert_eq!(outcome(&frames), ([begun(), frames.concat()].concat(), Ok(())));
}

#[test]
fn header_blocks_are_joined_without_padding_and_priority() {
    let frames = [
        frame(1, 1 | 8 | 32, 1, b"\x03\0\0\0\0\x10on\0\0\0"),
        frame(9, 0, 1, b""),
        frame(9, 0, 1, b"e b"),
        frame(9, 4, 1, b"lock"),
    ];
    assert_eq!(outcome(&frames), ([begun(), frame(1, 5, 1, b"one block")].concat(), Ok(())));
    let long = [frame(1, 0, 1, &[b'a'; 800]), frame(9, 4, 1, &[b'b'; 16_384])];
    let joined = [[b'a'; 800].as_slice(), &[b'b'; 16_384]].concat();
    let wanted = [begun(), frame(1, 0, 1, &joined[..16_384]), frame(9, 4, 1, &joined[16_384..])].concat();
    assert_eq!(outcome(&long), (wanted, Ok(())));
    let endless = [vec![frame(1, 0, 1, b"x")], vec![frame(9, 0, 1, &[b'x'; 9000]); 2]].concat();
    assert_eq!(outcome(&endless).1, calm("a header block is too long"));
}

#[test]
fn a_malformed_field_is_an_error_of_its_stream_however_it_arrives() {
    let frames = [
        frame(1, 4 | 8 | 32, 1, b"\x01\0\0\0\0\x10\x82\0\x01X\x01v\0"),
        frame(1, 1, 3, b"\x82\0\x01x"),
        frame(9, 4, 3, b"\x01\n"),
        frame(1, 5, 1, b"\0\x01T\x01v"),
    ];
    let marker = b"\0\x0aconnection\0";
    let wanted = [
        frame(1, 4, 1, &[b"\x82\0\x01x\x01v", &marker[..]].concat()),
        frame(1, 5, 3, &[b"\x82\0\x01x\x01x", &marker[..]].concat()),
        frame(1, 5, 1, &[MARKER, b"\0\x01t\x01v", marker].concat()),
    ];
    assert_eq!(outcome(&frames), ([begun(), wanted.concat()].concat(), Ok(())));
    let mut guard = FrameGuard::default();
    guard.take(&[begun(), frames[..3].concat()].concat(), 0, &mut Vec::new()).unwrap();
    assert_eq!(guard.take_malformed(), Some((3, "a value has a control character or a line break")));
    assert_eq!(guard.take_malformed(), None);
}

#[test]
fn a_field_precedes_those_of_trailers_but_follows_size_updates() {
    let frames = [frame(1, 4, 1, b"head"), frame(1, 5, 1, b"\x3f\xe1\x1f\x20fields")];
    let trailers = [b"\x3f\xe1\x1f\x20", MARKER, b"fields"].concat();
    assert_eq!(outcome(&frames), ([begun(), frame(1, 4, 1, b"head"), frame(1, 5, 1, &trailers)].concat(), Ok(())));
}

#[test]
fn each_violation_has_its_code() {
    use code::*;
    let request = || frame(1, 5, 1, b"block");
    let upload = || frame(1, 4, 1, b"block");
    for (frames, code) in [
        (vec![frame(0, 0, 0, b"")], PROTOCOL_ERROR),
        (vec![frame(0, 0, 1, b"")], PROTOCOL_ERROR),
        (vec![frame(1, 5, 2, b"")], PROTOCOL_ERROR),
        (vec![frame(1, 5, 0, b"")], PROTOCOL_ERROR),
        (vec![frame(5, 4, 1, b"")], PROTOCOL_ERROR),
        (vec![frame(9, 4, 1, b"")], PROTOCOL_ERROR),
        (vec![frame(1, 1, 1, b""), frame(1, 5, 3, b"")], PROTOCOL_ERROR),
        (vec![frame(1, 1, 1, b""), frame(9, 4, 3, b"")], PROTOCOL_ERROR),
        (vec![request(), frame(0, 1, 1, b"x")], STREAM_CLOSED),
        (vec![request(), frame(1, 5, 1, b"x")], STREAM_CLOSED),
        (vec![upload(), frame(3, 0, 1, &[0; 4]), frame(0, 1, 1, b"x")], STREAM_CLOSED),
        (vec![upload(), frame(1, 4, 1, b"x")], PROTOCOL_ERROR),
        (vec![upload(), frame(0, 8, 1, b"\x05data")], PROTOCOL_ERROR),
        (vec![upload(), frame(0, 8, 1, b"")], FRAME_SIZE_ERROR),
        (vec![frame(1, 4 | 8 | 32, 1, b"\x02\0\0\0\0\x10x")], PROTOCOL_ERROR),
        (vec![frame(1, 4 | 32, 1, b"1234")], FRAME_SIZE_ERROR),
        (vec![frame(2, 0, 1, b"1234")], FRAME_SIZE_ERROR),
        (vec![frame(2, 0, 0, b"12345")], PROTOCOL_ERROR),
        (vec![frame(3, 0, 1, b"1234")], PROTOCOL_ERROR),
        (vec![request(), frame(3, 0, 1, b"12345")], FRAME_SIZE_ERROR),
        (vec![frame(4, 0, 1, b"")], PROTOCOL_ERROR),
        (vec![frame(4, 0, 0, b"12345")], FRAME_SIZE_ERROR),
        (vec![frame(4, 1, 0, b"123456")], FRAME_SIZE_ERROR),
        (vec![frame(4, 1, 0, b""), frame(4, 1, 0, b"")], PROTOCOL_ERROR),
        (vec![frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0])], FLOW_CONTROL_ERROR),
        (vec![frame(4, 0, 0, &[0, 5, 0, 0, 0x3f, 0xff])], PROTOCOL_ERROR),
        (vec![frame(4, 0, 0, &[0, 9, 0, 0, 0, 9, 0, 2, 0, 0, 0, 2])], PROTOCOL_ERROR),
        (vec![frame(6, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
        (vec![frame(6, 0, 1, b"12345678")], PROTOCOL_ERROR),
        (vec![frame(7, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
        (vec![goaway(1, 0, b""), goaway(3, 0, b"")], PROTOCOL_ERROR),
        (vec![frame(8, 0, 0, b"123")], FRAME_SIZE_ERROR),
        (vec![frame(8, 0, 0, &[0; 4])], PROTOCOL_ERROR),
        (vec![frame(8, 0, 1, &[0, 0, 0, 1])], PROTOCOL_ERROR),
        (vec![frame(99, 0, 0, &[0; 16_385])], FRAME_SIZE_ERROR),
        (vec![ping([0; 8]); 1000], ENHANCE_YOUR_CALM),
    ] {
        let violation = outcome(&frames).1.expect_err("a violation");
        assert_eq!(violation.code, code, "{}: {frames:?}", violation.reason);
    }
    let mut guard = FrameGuard::default();
    let first = [&PREFACE[..], &frame(4, 1, 0, b"")].concat();
    assert_eq!(guard.take(&first, 0, &mut Vec::new()).unwrap_err().code, PROTOCOL_ERROR);
}

#[test]
fn requests_that_never_end_are_forgotten_and_bodies_are_not_incomplete() {
    let (mut guard, mut out) = (FrameGuard::default(), Vec::new());
    guard.take(&begun(), 0, &mut out).unwrap();
    for n in 0..3 * MAX_RECEIVING as u32 {
        guard.take(&frame(1, 4, 2 * n + 1, b""), 0, &mut out).unwrap();
    }
    assert!(guard.receiving.len() <= MAX_RECEIVING);
    guard.take(&frame(0, 1, 1, b"late"), 0, &mut out).unwrap();
    assert!(!guard.is_incomplete());
    let last = 6 * MAX_RECEIVING as u32 - 1;
    guard.take(&frame(0, 0, last, b"data")[..11], 0, &mut out).unwrap();
    assert!(!guard.is_incomplete());
    guard.take(b"ta", 0, &mut out).unwrap();
    guard.take(&frame(1, 5, last + 2, b"block")[..11], 0, &mut out).unwrap();
    assert!(guard.is_incomplete());
}
