use super::*;
use crate::PeerFault;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MAX: u64 = 65_536;

/// Feeds `reads` in order: the packets, and the fault that ended it.
fn feed<'a>(
    config: &Framing,
    max: u64,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Option<PeerFault>) {
    let (mut framer, mut buf, mut packets) = (Framer::new(), Vec::new(), Vec::new());
    for read in reads {
        buf.extend_from_slice(read);
        loop {
            match framer.next(config, max, &buf) {
                Ok(FrameStatus::Complete(length)) => packets.push(buf.drain(..length).collect()),
                Ok(FrameStatus::Incomplete(_)) => break,
                Err(fault) => return (packets, Some(fault)),
            }
        }
    }
    (packets, None)
}

fn length(kind: LengthType, offset: u32, body_offset: u32) -> Framing {
    Framing::Length(LengthFraming { kind, offset, body_offset, func: None })
}

fn length_func(func: impl Fn(&[u8]) -> i64 + Send + Sync + 'static) -> Framing {
    let func: LengthFunc = Arc::new(func);
    Framing::Length(LengthFraming { kind: LengthType::U32Be, offset: 0, body_offset: 4, func: Some(func) })
}

fn next_random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn split_at_random<'a>(bytes: &'a [u8], seed: &mut u64) -> Vec<&'a [u8]> {
    let (mut reads, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (read, more) = rest.split_at((next_random(seed) as usize % 9).min(rest.len()));
        reads.push(read);
        rest = more;
    }
    reads
}

#[test]
fn eof_check_waits_until_the_bytes_end_with_the_eof() {
    let config = Framing::EofCheck(b"\r\n".to_vec());
    let filled = [vec![b'x'; 198], b"\r\n".to_vec()].concat();
    let reads: Vec<&[u8]> = vec![
        b"one\r\n",
        b"two\r\nthree\r\n",
        b"fo",
        b"ur\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"half\r",
        b"\n",
        b"a\r\nb",
        b"\r\n",
        &filled,
    ];
    let (packets, fault) = feed(&config, MAX, reads);
    let wanted: Vec<&[u8]> =
        vec![b"one\r\n", b"two\r\nthree\r\n", b"four\r\n", b"\r\n", b"\r\n\r\n", b"half\r\n", b"a\r\nb\r\n", &filled];
    assert_eq!((packets, fault), (wanted.iter().map(|p| p.to_vec()).collect(), None));
}

#[test]
fn eof_split_gives_each_packet_separately() {
    for eof in [&b"|"[..], b"\r\n", b"--EOF---"] {
        let config = Framing::EofSplit(eof.to_vec());
        let wanted: Vec<Vec<u8>> =
            [&b"two"[..], b"three", b"", b"", b"-", b"--EO"].iter().map(|p| [p, eof].concat()).collect();
        let bytes = wanted.concat();
        for split in 0..=bytes.len() {
            let (a, b) = bytes.split_at(split);
            assert_eq!(feed(&config, MAX, [a, b]), (wanted.clone(), None), "split at {split}");
        }
        let mut seed = 7;
        for _ in 0..500 {
            assert_eq!(feed(&config, MAX, split_at_random(&bytes, &mut seed)), (wanted.clone(), None));
        }
    }
}

#[test]
fn a_packet_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() {
    let fits = [vec![b'x'; 98], b"\r\n".to_vec()].concat();
    let longer = [vec![b'x'; 99], b"\r\n".to_vec()].concat();
    for config in [Framing::EofCheck(b"\r\n".to_vec()), Framing::EofSplit(b"\r\n".to_vec())] {
        for split in 0..=100 {
            assert_eq!(feed(&config, 100, [&fits[..split], &fits[split..]]), (vec![fits.clone()], None));
            let (packets, fault) = feed(&config, 100, [&longer[..split], &longer[split..]]);
            assert_eq!((packets.len(), fault), (0, Some(PeerFault::TooLong { length: None, max: 100 })));
        }
    }
    let config = length(LengthType::U8, 0, 1);
    let fits = [vec![99], vec![b'x'; 99]].concat();
    assert_eq!(feed(&config, 100, [&fits[..]]), (vec![fits.clone()], None));
    let (_, fault) = feed(&config, 100, [&[100][..]]);
    assert_eq!(fault, Some(PeerFault::TooLong { length: Some(101), max: 100 }));
    assert_eq!(fault.map(|fault| fault.code()), Some(1201));
}

#[test]
fn a_peer_that_never_pauses_is_not_closed() {
    let config = Framing::EofCheck(b"\n".to_vec());
    let bytes = b"0123456\n".repeat(40);
    let (packets, fault) = feed(&config, 100, bytes[..bytes.len() - 1].chunks(90));
    assert_eq!(fault, None);
    assert!(packets.iter().all(|packet| packet.len() <= 100 && packet.ends_with(b"\n")));
    assert!(packets.concat().len() >= bytes.len() - 100 && bytes.starts_with(&packets.concat()));
}

#[test]
fn each_length_type_is_framed_alike_wherever_the_reads_end() {
    use LengthType::*;
    for kind in [I8, U8, I16, U16, U16Be, U16Le, I32, U32, U32Be, U32Le, U64Be, U64Le] {
        let number = |value: usize| -> Vec<u8> {
            match kind {
                I8 | U8 => vec![value as u8],
                I16 | U16 => (value as u16).to_ne_bytes().to_vec(),
                U16Be => (value as u16).to_be_bytes().to_vec(),
                U16Le => (value as u16).to_le_bytes().to_vec(),
                I32 | U32 => (value as u32).to_ne_bytes().to_vec(),
                U32Be => (value as u32).to_be_bytes().to_vec(),
                U32Le => (value as u32).to_le_bytes().to_vec(),
                U64Be => (value as u64).to_be_bytes().to_vec(),
                U64Le => (value as u64).to_le_bytes().to_vec(),
            }
        };
        for whole in [false, true] {
            let head = 2 + kind.size();
            let config = length(kind, 2, if whole { 0 } else { head as u32 });
            let wanted: Vec<Vec<u8>> = [&b"x"[..], b"yy", b"zzz", b"", b"part"]
                .iter()
                .map(|body| [b"AB", &number(body.len() + if whole { head } else { 0 })[..], body].concat())
                .collect();
            let bytes = wanted.concat();
            for split in 0..=bytes.len() {
                assert_eq!(feed(&config, MAX, [&bytes[..split], &bytes[split..]]), (wanted.clone(), None));
            }
            let mut seed = 11;
            for _ in 0..200 {
                assert_eq!(feed(&config, MAX, split_at_random(&bytes, &mut seed)), (wanted.clone(), None));
            }
        }
    }
}

#[test]
fn a_negative_length_is_a_fault_and_a_large_one_only_above_the_limit() {
    use LengthType::*;
    let negative = Some(PeerFault::Malformed("the length field is negative"));
    for (kind, field, wanted) in [
        (I8, &[0x82][..], negative.clone()),
        (U8, &[0x82], None),
        (I16, &0x8002_u16.to_ne_bytes(), negative.clone()),
        (U16, &0x8002_u16.to_ne_bytes(), None),
        (U16Be, &[0x80, 2], None),
        (U16Le, &[2, 0x80], None),
        (I32, &0x8000_0002_u32.to_ne_bytes(), negative),
        (U32, &0x8000_0002_u32.to_ne_bytes(), Some(too_long(0x8000_0002 + 6))),
        (U32Be, &[0x80, 0, 0, 2], Some(too_long(0x8000_0002 + 6))),
        (U32Le, &[2, 0, 0, 0x80], Some(too_long(0x8000_0002 + 6))),
    ] {
        let config = length(kind, 2, 2 + kind.size() as u32);
        let (packets, fault) = feed(&config, MAX, [&b"AB"[..], field]);
        assert_eq!((packets.len(), fault), (0, wanted), "{kind:?}");
    }
}

fn too_long(length: u64) -> PeerFault {
    PeerFault::TooLong { length: Some(length), max: MAX }
}

#[test]
fn a_packet_shorter_than_its_own_header_is_a_fault() {
    let (_, fault) = feed(&length(LengthType::U16Be, 2, 0), MAX, [&b"AB\0\x03"[..]]);
    assert_eq!(fault, Some(PeerFault::Malformed("the packet ends before its length field")));
    assert_eq!(fault.map(|fault| fault.code()), Some(1204));
}

#[test]
fn a_known_length_is_reported_before_the_packet_is_complete() {
    let mut framer = Framer::new();
    let config = length(LengthType::U16Be, 0, 2);
    assert_eq!(framer.next(&config, MAX, b"\x10"), Ok(FrameStatus::Incomplete(None)));
    assert_eq!(framer.next(&config, MAX, b"\x10\x00"), Ok(FrameStatus::Incomplete(Some(4098))));
    assert_eq!(framer.next(&config, MAX, b"\x10\x00a"), Ok(FrameStatus::Incomplete(Some(4098))));
}

/// The length function of a recorded run: `z` waits, `m` refuses, `h` is huge, `t` has three bytes.
fn recorded(data: &[u8]) -> i64 {
    match data[0] {
        b'z' => 0,
        b'm' => -1,
        b'h' => 1 << 20,
        b't' => 3,
        _ if data.len() < 2 => 0,
        _ => 2 + i64::from(data[1] - b'0'),
    }
}

#[test]
fn a_length_function_decides() {
    let config = length_func(recorded);
    for (reads, packets, fault) in [
        (vec![&b"a1x"[..]], vec![&b"a1x"[..]], None),
        (vec![b"a", b"2xy"], vec![b"a2xy"], None),
        (vec![b"a1xb2yyc0"], vec![b"a1x", b"b2yy", b"c0"], None),
        (vec![b"zzz"], vec![], None),
        (vec![b"mmm"], vec![], Some(PeerFault::Malformed("package_length_func returned a negative length"))),
        (vec![b"hhh"], vec![], Some(too_long(1 << 20))),
        (vec![b"ttttt"], vec![b"ttt"], None),
    ] {
        let packets = packets.into_iter().map(<[u8]>::to_vec).collect();
        assert_eq!(feed(&config, MAX, reads), (packets, fault));
    }
}

#[test]
fn a_length_function_is_not_called_again_once_it_has_returned_a_length() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let config = length_func(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        5
    });
    let (packets, _) = feed(&config, MAX, b"abcde".chunks(1));
    assert_eq!((packets, calls.load(Ordering::Relaxed)), (vec![b"abcde".to_vec()], 1));
}

#[test]
fn a_length_function_that_never_returns_a_length_stops_at_the_limit() {
    let (_, fault) = feed(&length_func(recorded), 100, [&[b'z'; 99][..], b"z"]);
    assert_eq!(fault, Some(PeerFault::TooLong { length: None, max: 100 }));
}

#[test]
fn the_search_for_an_eof_is_linear() {
    // A quadratic search would compare half a million million bytes here.
    let config = Framing::EofSplit(b"\r\n".to_vec());
    let bytes = vec![b'\r'; 1 << 20];
    let mut framer = Framer::new();
    for end in 0..bytes.len() {
        assert_eq!(framer.next(&config, u64::MAX, &bytes[..end]), Ok(FrameStatus::Incomplete(None)));
    }
}

#[test]
fn random_bytes_never_panic_and_no_byte_is_lost_or_reordered() {
    use LengthType::*;
    let mut seed = 0x5EED;
    let mut configs = vec![
        Framing::None,
        Framing::EofCheck(b"ab".to_vec()),
        Framing::EofSplit(b"a".to_vec()),
        Framing::EofSplit(b"aba".to_vec()),
        length_func(|data| i64::from(data[0]) - 3),
    ];
    for kind in [I8, U8, I16, U16, U16Be, U16Le, I32, U32, U32Be, U32Le, U64Be, U64Le] {
        configs.extend([length(kind, 0, 0), length(kind, 3, 1), length(kind, 0, u32::MAX)]);
    }
    for round in 0..3000 {
        let letters = if round % 2 == 0 { 4 } else { 256 };
        let bytes: Vec<u8> = (0..next_random(&mut seed) % 64)
            .map(|_| (next_random(&mut seed) % letters) as u8 + if letters == 4 { b'a' - 1 } else { 0 })
            .collect();
        for config in &configs {
            let max = 1 + next_random(&mut seed) % 40;
            let (packets, _) = feed(config, max, split_at_random(&bytes, &mut seed));
            assert!(bytes.starts_with(&packets.concat()));
            if !matches!(config, Framing::None) {
                assert!(packets.iter().all(|packet| !packet.is_empty() && packet.len() as u64 <= max));
            }
        }
    }
}
