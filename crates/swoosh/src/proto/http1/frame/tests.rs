//! The corpus: good and bad requests, each with the section that decides it. Every request is fed whole, and then byte
//! by byte, and both must end alike.

use super::*;

const MAX: u64 = 200_000;

/// How a stream of bytes is cut: the lengths of its requests, and the status that ends it.
fn feed<'a>(max: u64, reads: impl Iterator<Item = &'a [u8]>) -> (Vec<usize>, Option<u16>) {
    let (mut framer, mut buf, mut cuts) = (Framer::default(), Vec::new(), Vec::new());
    for read in reads {
        buf.extend_from_slice(read);
        while !buf.is_empty() {
            match framer.next(max, &buf) {
                Ok(Cut::Packet(length)) => {
                    cuts.push(length);
                    buf.drain(..length);
                }
                Ok(Cut::Need(_)) => break,
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

/// Requests that are whole and taken, and how many there are.
const GOOD: &[(&str, &str, usize)] = &[
    ("9112 3: smallest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9112 3: no Host is suffered, as programs send it", "GET / HTTP/1.1\r\n\r\n", 1),
    ("9112 2.2: an empty line before", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9112 2.2: two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9112 9.3.2: pipelined", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n", 2),
    (
        "9112 9.3.2: pipelined with bodies",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        2,
    ),
    ("9112 9.3.2: a CRLF between", "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\nGET / HTTP/1.1\r\n\r\n", 2),
    ("9110 2.5: 1.0", "GET / HTTP/1.0\r\n\r\n", 1),
    ("9110 9.3.2: HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9110 9.3.1: GET with a body", "GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", 1),
    ("9110 9.3.7: asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9110 9.3.6: authority", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 1),
    ("9112 3.2.2: absolute", "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n", 1),
    ("9112 3.2.2: absolute, https", "GET HTTPS://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n", 1),
    ("9112 3.2.1: odd origin", "GET //a//b/../c;d=%zz?e?f=[g] HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9112 3.2.1: fragment is suffered", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ("9110 5.6.2: every letter of a token", "GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~09azAZ: v\r\n\r\n", 1),
    ("9110 5.5: a value in other letters", "GET / HTTP/1.1\r\nX: \u{e9}\t\u{fc}\r\n\r\n", 1),
    ("9110 5.5: no value", "GET / HTTP/1.1\r\nX:\r\nY:  \r\n\r\n", 1),
    ("9112 5.1: no space after the colon", "GET / HTTP/1.1\r\nX:v\r\n\r\n", 1),
    ("9112 5.1: tabs around the value", "GET / HTTP/1.1\r\nX:\t v \t\r\n\r\n", 1),
    ("9110 5.3: one name twice", "GET / HTTP/1.1\r\nX: 1\r\nX: 2\r\n\r\n", 1),
    ("9110 8.6: no bytes", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 1),
    ("9110 8.6: leading zeros", "POST / HTTP/1.1\r\nContent-Length: 003\r\n\r\nabc", 1),
    ("9110 8.6: name in any case", "POST / HTTP/1.1\r\ncONTENT-lENGTH: 3\r\n\r\nabc", 1),
    ("9112 7.1: chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1),
    ("9112 7.1: chunked in capitals", "POST / HTTP/1.1\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n", 1),
    (
        "9112 7.1: many chunks",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0A\r\n0123456789\r\n00f\r\n012345678901234\r\n0\r\n\r\n",
        1,
    ),
    ("9112 7.1: several zeros", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n000\r\n\r\n", 1),
    (
        "9112 7.1: chunk that looks like an end",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        1,
    ),
    (
        "9112 7.1.1: extension",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c=\"d e\"\r\nx\r\n0;e\r\n\r\n",
        1,
    ),
    (
        "9112 7.1.1: space before an extension",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0\r\n\r\n",
        1,
    ),
    ("9112 7.1.2: trailer", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n", 1),
    (
        "9112 7.1: behind a chunked one",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        2,
    ),
    ("9110 10.1.1: expectation", "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 1),
    ("9110 7.8: upgrade", "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 1),
    ("9110 7.2: host and port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1),
    ("9110 7.2: empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 1),
];

/// Requests that are refused, and with which status.
const BAD: &[(&str, &str, u16)] = &[
    ("9112 2.2: bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400),
    ("9112 2.2: one bare LF", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("9112 2.2: bare LF as the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("9112 2.2: bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    ("9112 2.2: bare CR in the line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("9112 2.2: CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
    ("9112 2.2: empty lines without end", "\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400),
    ("9112 2.2: space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("9112 5.2: obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    ("9112 5.2: obs-fold by tab", "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 400),
    ("9112 5.1: space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("9112 5.1: tab before the colon", "GET / HTTP/1.1\r\nContent-Length\t: 1\r\n\r\nx", 400),
    ("9112 5: no colon", "GET / HTTP/1.1\r\nbroken\r\n\r\n", 400),
    ("9112 5: no name", "GET / HTTP/1.1\r\n: v\r\n\r\n", 400),
    ("9110 5.6.2: blank in a name", "GET / HTTP/1.1\r\nX Y: 1\r\n\r\n", 400),
    ("9110 5.6.2: bracket in a name", "GET / HTTP/1.1\r\nX(Y): 1\r\n\r\n", 400),
    ("9110 5.6.2: other letters in a name", "GET / HTTP/1.1\r\nX\u{e9}: 1\r\n\r\n", 400),
    ("9110 5.5: NUL in a value", "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 400),
    ("9110 5.5: bell in a value", "GET / HTTP/1.1\r\nX: \u{7}\r\n\r\n", 400),
    ("9110 5.5: DEL in a value", "GET / HTTP/1.1\r\nX: \u{7f}\r\n\r\n", 400),
    ("9112 3: garbage", "\u{1}\u{2}\u{3}", 400),
    ("9112 3: TLS where there is none", "\u{16}\u{3}\u{1}", 400),
    ("9112 3: no version", "GET /\r\n\r\n", 400),
    ("9112 3: no target", "GET HTTP/1.1\r\n\r\n", 400),
    ("9112 3: two blanks", "GET  /  HTTP/1.1\r\n\r\n", 400),
    ("9112 3: a blank in the target", "GET /a b HTTP/1.1\r\n\r\n", 400),
    ("9112 3: a tab in the line", "GET\t/ HTTP/1.1\r\n\r\n", 400),
    ("9112 3: blank behind the version", "GET / HTTP/1.1 \r\n\r\n", 400),
    ("9112 3: blank before the method", " GET / HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: relative", "GET abc HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: other scheme", "GET ftp://a/ HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: asterisk of GET", "GET * HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: authority of GET", "GET a.test:80 HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: other letters", "GET /\u{e9} HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: NUL in the target", "GET /\0 HTTP/1.1\r\n\r\n", 400),
    ("9112 3.2: two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("9112 3.2: a host that is none", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("9112 3.2: a host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ("9112 2.3: no HTTP", "GET / HTTX/1.1\r\n\r\n", 400),
    ("9112 2.3: small letters", "GET / http/1.1\r\n\r\n", 400),
    ("9112 2.3: version in words", "GET / HTTP/x.y\r\n\r\n", 400),
    ("9112 2.3: long version", "GET / HTTP/1.10\r\n\r\n", 400),
    ("9110 15.6.6: version 2", "GET / HTTP/2.0\r\n\r\n", 505),
    ("9110 15.6.6: version 9", "GET / HTTP/9.9\r\n\r\n", 505),
    ("9110 15.6.6: version 1.2", "GET / HTTP/1.2\r\n\r\n", 505),
    ("9110 15.6.6: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505),
    ("9110 15.6.2: unknown method", "FOO / HTTP/1.1\r\n\r\n", 501),
    ("9110 9.1: methods have a case", "get / HTTP/1.1\r\n\r\n", 501),
    ("9110 8.6: a word as length", "POST / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400),
    ("9110 8.6: negative", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
    ("9110 8.6: signed", "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde", 400),
    ("9110 8.6: hexadecimal", "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\nabcde", 400),
    ("9110 8.6: a fraction", "POST / HTTP/1.1\r\nContent-Length: 5.0\r\n\r\nabcde", 400),
    ("9110 8.6: empty", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400),
    ("9110 8.6: a blank within", "POST / HTTP/1.1\r\nContent-Length: 1 2\r\n\r\n", 400),
    ("9110 8.6: a list", "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nabcde", 400),
    ("9110 8.6: twice alike", "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400),
    ("9110 8.6: twice different", "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 400),
    ("9110 8.6: beyond 64 bits", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
    ("9110 15.5.14: longer than allowed", "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
    (
        "9112 6.3: length and coding",
        "POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 6.3: coding and length",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("9112 6.1: coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 6.1: chunked twice", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    (
        "9112 6.1: chunked in two fields",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("9112 6.3: chunked is not the last", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    ("9112 6.3: identity", "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 400),
    ("9112 6.3: empty coding", "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n", 400),
    (
        "9112 6.3: a coding that looks like chunked",
        "POST / HTTP/1.1\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("9112 6.3: xchunked", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 6.3: quoted", "POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400),
    ("9112 6.1: unknown coding", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("9112 7.1: no size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n", 400),
    ("9112 7.1: a word as size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400),
    ("9112 7.1: 0x", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    ("9112 7.1: signed size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", 400),
    ("9112 7.1: negative size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400),
    (
        "9112 7.1: blank before the size",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: blank behind the size",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: 16 digits",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: 17 digits",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: bare LF behind the size",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: bare CR behind the size",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\rabc\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: no CRLF behind the data",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1: bare LF behind the data",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        400,
    ),
    ("9112 7.1: longer than said", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400),
    (
        "9112 7.1.1: bare CR in an extension",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1.1: bare LF in an extension",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nx\r\n0\r\n\r\n",
        400,
    ),
    (
        "9112 7.1.2: a trailer that is none",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbroken\r\n\r\n",
        400,
    ),
    ("9112 7.1.2: a trailer with bare LF", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", 400),
    (
        "9112 7.1.2: space before a trailer's colon",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA : b\r\n\r\n",
        400,
    ),
    ("9112 7.1: too long a chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
    ("9110 10.1.1: unknown expectation", "POST / HTTP/1.1\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417),
    ("9110 10.1.1: two expectations", "POST / HTTP/1.1\r\nExpect: 100-continue, tea\r\n\r\n", 417),
];

/// Requests that are not whole: more is waited for.
const UNFINISHED: &[(&str, &str)] = &[
    ("9112 3: half a line", "GET / HT"),
    ("9112 2.1: half a head", "GET / HTTP/1.1\r\nHost: a\r\n"),
    ("9112 2.1: all but one byte of the head", "GET / HTTP/1.1\r\nHost: a\r\n\r"),
    ("9112 6.3: half a body", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd"),
    ("9112 7.1: no last chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    ("9112 7.1: half a size", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3"),
    ("9112 7.1: half a chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"),
    ("9112 7.1: half a CRLF", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r"),
    ("9112 7.1.2: half a trailer", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n"),
];

#[test]
fn good_requests_are_taken_whole() {
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
fn each_excess_has_its_status() {
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
fn a_body_of_exactly_the_limit_is_taken() {
    let head = "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n";
    let bytes = [head.as_bytes(), &[b'x'; 100]].concat();
    assert_eq!(feed(bytes.len() as u64, std::iter::once(&bytes[..])), (vec![bytes.len()], None));
    assert_eq!(feed(bytes.len() as u64 - 1, std::iter::once(&bytes[..])), (vec![], Some(413)));
}

#[test]
fn continue_is_wanted_once_and_only_while_the_body_is_missing() {
    let head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut framer = Framer::default();
    assert_eq!(framer.next(MAX, head), Ok(Cut::Need(Some(head.len() as u64 + 4))));
    assert!(framer.take_wish_to_continue() && !framer.take_wish_to_continue());
    let whole = [&head[..], b"body"].concat();
    assert_eq!(framer.next(MAX, &whole), Ok(Cut::Packet(whole.len())));
    assert!(!framer.take_wish_to_continue() && framer.has_begun());
    assert_eq!(Framer::default().next(MAX, &whole), Ok(Cut::Packet(whole.len())));
    let old = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut framer = Framer::default();
    assert!(framer.next(MAX, old).is_ok() && !framer.take_wish_to_continue());
}

#[test]
fn random_changes_never_panic_and_cut_alike_however_they_are_read() {
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
        // Which of several faults is seen first depends on what has come.
        let shape = |(cuts, status): (Vec<usize>, Option<u16>)| (cuts, status.is_some());
        assert_eq!(
            shape(feed(MAX, std::iter::once(&bytes[..]))),
            shape(feed(MAX, bytes.chunks(size))),
            "{:?} in pieces of {size}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
