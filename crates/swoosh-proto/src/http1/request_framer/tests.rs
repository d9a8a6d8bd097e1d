//! Every request of the corpus is fed as a whole and byte by byte, with the same result.

use super::corpus::{BAD, GOOD, UNFINISHED};
use super::*;
use crate::http1::chunked::{MAX_CHUNK_LINE, MAX_TRAILER};
use crate::http1::header_buffer::MAX_HEADERS;

const MAX: u64 = 200_000;

/// The lengths of the requests in a stream of bytes, and the status of the refusal that ends it.
fn feed<'a>(max: u64, reads: impl Iterator<Item = &'a [u8]>) -> (Vec<usize>, Option<u16>) {
    let (mut framer, mut buf, mut cuts) = (Framer::default(), Vec::new(), Vec::new());
    for read in reads {
        buf.extend_from_slice(read);
        while !buf.is_empty() {
            match framer.next(max, &buf) {
                Ok(FrameStatus::Complete(length)) => {
                    cuts.push(length);
                    buf.drain(..length);
                }
                Ok(FrameStatus::Incomplete(_)) => break,
                Err(refusal) => return (cuts, Some(refusal.status)),
            }
        }
    }
    (cuts, None)
}

fn both_ways(name: &str, bytes: &[u8]) -> (Vec<usize>, Option<u16>) {
    let whole = feed(MAX, std::iter::once(bytes));
    let single = feed(MAX, bytes.chunks(1));
    assert_eq!(whole, single, "{name}: whole and byte by byte");
    whole
}

#[test]
fn good_requests_are_framed() {
    for (name, bytes, count) in GOOD {
        let (cuts, status) = both_ways(name, bytes.as_bytes());
        assert_eq!((cuts.len(), status), (*count, None), "{name}");
        assert_eq!(cuts.iter().sum::<usize>(), bytes.len(), "{name}");
    }
}

#[test]
fn bad_requests_are_refused_with_the_right_status() {
    for (name, bytes, status) in BAD {
        assert_eq!(both_ways(name, bytes.as_bytes()), (vec![], Some(*status)), "{name}");
    }
}

#[test]
fn unfinished_requests_are_waited_for() {
    for (name, bytes) in UNFINISHED {
        assert_eq!(both_ways(name, bytes.as_bytes()), (vec![], None), "{name}");
    }
}

#[test]
fn each_exceeded_limit_has_its_status() {
    let long = |n: usize| "a".repeat(n);
    let fields = |n: usize| "X: y\r\n".repeat(n);
    for (name, bytes, status) in [
        ("the longest target", format!("GET /{} HTTP/1.1\r\n\r\n", long(MAX_TARGET - 1)), None),
        ("a longer target", format!("GET /{} HTTP/1.1\r\n\r\n", long(MAX_TARGET)), Some(414)),
        ("a target without end", format!("GET /{}", long(MAX_TARGET + 100)), Some(414)),
        ("the most fields", format!("GET / HTTP/1.1\r\n{}\r\n", fields(MAX_HEADERS)), None),
        ("more fields", format!("GET / HTTP/1.1\r\n{}\r\n", fields(MAX_HEADERS + 1)), Some(431)),
        ("a long head", format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", long(MAX_HEAD)), Some(431)),
        ("a head without end", format!("GET / HTTP/1.1\r\nX: {}", long(MAX_HEAD)), Some(431)),
        ("fields without end", format!("GET / HTTP/1.1\r\n{}", fields(MAX_HEAD / 6)), Some(431)),
        (
            "a chunk's extension without end",
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;{}", long(MAX_CHUNK_LINE)),
            Some(400),
        ),
        (
            "a trailer without end",
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}", fields(MAX_TRAILER / 6 + 1)),
            Some(431),
        ),
        (
            "chunks without end",
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}", "1\r\nx\r\n".repeat(MAX as usize / 6)),
            Some(413),
        ),
    ] {
        assert_eq!(feed(MAX, std::iter::once(bytes.as_bytes())).1, status, "{name}");
        assert_eq!(feed(MAX, bytes.as_bytes().chunks(1000)).1, status, "{name}, in pieces");
    }
}

#[test]
fn a_body_of_exactly_the_limit_is_accepted() {
    let head = "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n";
    let bytes = [head.as_bytes(), &[b'x'; 100]].concat();
    assert_eq!(feed(bytes.len() as u64, std::iter::once(&bytes[..])), (vec![bytes.len()], None));
    assert_eq!(feed(bytes.len() as u64 - 1, std::iter::once(&bytes[..])), (vec![], Some(413)));
}

#[test]
fn continue_is_expected_once_and_only_while_the_body_is_missing() {
    let head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut framer = Framer::default();
    assert_eq!(framer.next(MAX, head), Ok(FrameStatus::Incomplete(Some(head.len() as u64 + 4))));
    assert!(framer.take_expect_continue() && !framer.take_expect_continue());
    let whole = [&head[..], b"body"].concat();
    assert_eq!(framer.next(MAX, &whole), Ok(FrameStatus::Complete(whole.len())));
    assert!(!framer.take_expect_continue() && framer.has_framed());
    assert_eq!(Framer::default().next(MAX, &whole), Ok(FrameStatus::Complete(whole.len())));
    let old = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut framer = Framer::default();
    assert!(framer.next(MAX, old).is_ok() && !framer.take_expect_continue());
}

#[test]
fn the_last_request_of_a_connection_is_known() {
    for (line, connection, last) in [
        ("1.1", "", false),
        ("1.1", "Connection: close\r\n", true),
        ("1.1", "Connection: x, CLOSE\r\n", true),
        ("1.1", "Connection: x\r\nConnection: close\r\n", true),
        ("1.1", "Connection: Upgrade\r\n", false),
        ("1.0", "", true),
        ("1.0", "Connection: keep-alive\r\n", false),
        ("1.0", "Connection: keep-alive, close\r\n", true),
    ] {
        for body in ["\r\n", "Content-Length: 1\r\n\r\nx"] {
            let bytes = format!("POST / HTTP/{line}\r\n{connection}{body}");
            let mut framer = Framer::default();
            assert!(framer.next(MAX, b"GET / HTTP/1.1\r\n\r\n").is_ok() && !framer.closes_connection());
            assert_eq!(framer.next(MAX, bytes.as_bytes()), Ok(FrameStatus::Complete(bytes.len())));
            assert_eq!(framer.closes_connection(), last, "{bytes}");
        }
    }
}

#[test]
fn random_changes_never_panic_and_are_framed_alike_wherever_the_reads_end() {
    let mut seed = 0x5EEDu64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize % below
    };
    let letters = b"\r\n \t:;,0aF/\0\xff";
    let corpus: Vec<&str> = GOOD.iter().map(|(_, b, _)| *b).chain(BAD.iter().map(|(_, b, _)| *b)).collect();
    for _ in 0..20_000 {
        let mut bytes = corpus[random(corpus.len())].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = letters[random(letters.len())],
                1 => bytes.insert(at, letters[random(letters.len())]),
                _ => drop(bytes.drain(at..(at + 1 + random(4)).min(bytes.len()))),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let size = 1 + random(7);
        // The first of several faults depends on the bytes that have arrived.
        let shape = |(cuts, status): (Vec<usize>, Option<u16>)| (cuts, status.is_some());
        assert_eq!(
            shape(feed(MAX, std::iter::once(&bytes[..]))),
            shape(feed(MAX, bytes.chunks(size))),
            "{:?} in pieces of {size}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
