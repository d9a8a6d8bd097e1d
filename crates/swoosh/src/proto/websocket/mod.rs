//! WebSocket (RFC 6455): frames, their order, the handshake's key; compression of messages in [`deflate`].

pub mod deflate;

use crate::proto::framing::Cut;

/// A frame's opcode (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What a peer did wrong, and the code of the close frame that tells it (section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// 1002, 1007 or 1009.
    pub code: u16,
    /// In words.
    pub why: &'static str,
}

const fn fault<T>(code: u16, why: &'static str) -> Result<T, Fault> {
    Err(Fault { code, why })
}

/// What a connection's frames may be.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// Bytes of a message, and so of a frame, at most.
    pub max: u64,
    /// A client's frames are masked, a server's are not (section 5.1).
    pub masked: bool,
    /// Messages may be compressed: it was agreed on.
    pub deflate: bool,
}

/// A frame's head.
#[derive(Debug, Clone, Copy)]
struct Head {
    fin: bool,
    opcode: Opcode,
    /// The message is compressed (RFC 7692 section 6).
    compressed: bool,
    mask: [u8; 4],
    /// Bytes of the head.
    head: usize,
    /// Bytes of the payload.
    payload: u64,
}

/// Reads a head; `None`: more is needed.
fn head(bytes: &[u8], expect: Expect) -> Result<Option<Head>, Fault> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    let opcode = match first & 15 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return fault(1002, "the opcode is reserved"),
    };
    let compressed = first & 0x40 != 0;
    if first & 0x30 != 0 || compressed && !(expect.deflate && matches!(opcode, Opcode::Text | Opcode::Binary)) {
        return fault(1002, "a reserved bit is set");
    }
    let (fin, short) = (first & 0x80 != 0, second & 0x7F);
    if opcode as u8 >= 8 && (!fin || short > 125) {
        return fault(1002, "a control frame is in one piece of 125 bytes at most");
    }
    if (second & 0x80 != 0) != expect.masked {
        return fault(1002, "a client masks its frames, and a server does not");
    }
    let (width, least) = match short {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let Some(length) = bytes.get(2..2 + width) else { return Ok(None) };
    let payload = match width {
        0 => u64::from(short),
        _ => length.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)),
    };
    if payload < least || payload >> 63 != 0 {
        return fault(1002, "the length is not written in the shortest way");
    }
    if payload > expect.max {
        return fault(1009, "the frame is longer than package_max_length");
    }
    let head = 2 + width + if expect.masked { 4 } else { 0 };
    let Some(mask) = bytes.get(2 + width..head) else { return Ok(None) };
    let mask = mask.first_chunk().copied().unwrap_or([0; 4]);
    Ok(Some(Head { fin, opcode, compressed, mask, head, payload }))
}

/// Where the frame at the front of `bytes` ends. `Err`: it is none; so many of its bytes tell what is wrong.
pub fn next(expect: Expect, bytes: &[u8]) -> Result<Cut, usize> {
    match head(bytes, expect) {
        Ok(Some(head)) => {
            let whole = head.head as u64 + head.payload;
            Ok(if bytes.len() as u64 >= whole { Cut::Packet(whole as usize) } else { Cut::Need(Some(whole)) })
        }
        Ok(None) => Ok(Cut::Need(None)),
        Err(_) => Err(bytes.len().min(10)),
    }
}

/// What a peer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A whole message: text that is UTF-8, or binary; `true`: it came compressed.
    Message(Opcode, Vec<u8>, bool),
    /// It wants a pong with the same bytes.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// It ends the conversation: code (1005: none was given) and reason.
    Close(u16, Vec<u8>),
}

/// The beginning of a message.
#[derive(Debug)]
struct Open {
    kind: Opcode,
    compressed: bool,
    data: Vec<u8>,
}

/// Joins the fragments of one connection's messages.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<Open>,
}

impl Joiner {
    /// Takes one frame as [`next`] cut it; `None` where its message goes on.
    pub fn take(&mut self, frame: &[u8], expect: Expect) -> Result<Option<Said>, Fault> {
        let Some(Head { fin, opcode, compressed, mask, head, .. }) = head(frame, expect)? else {
            return fault(1002, "the frame is not whole");
        };
        let mut data = frame[head..].to_vec();
        if expect.masked {
            unmask(&mut data, mask);
        }
        match opcode {
            Opcode::Ping => return Ok(Some(Said::Ping(data))),
            Opcode::Pong => return Ok(Some(Said::Pong(data))),
            Opcode::Close => return close(data).map(Some),
            _ => {}
        }
        let whole = match (self.open.take(), opcode) {
            (None, Opcode::Continuation) => return fault(1002, "nothing is to be continued"),
            (None, kind) => Open { kind, compressed, data },
            (Some(_), Opcode::Text | Opcode::Binary) => return fault(1002, "the last message is not whole yet"),
            (Some(mut open), _) => {
                if (open.data.len() + data.len()) as u64 > expect.max {
                    return fault(1009, "the message is longer than package_max_length");
                }
                open.data.extend_from_slice(&data);
                open
            }
        };
        if !fin {
            self.open = Some(whole);
            return Ok(None);
        }
        let Open { kind, compressed, mut data } = whole;
        if compressed {
            data = deflate::inflate(&data, expect.max)?;
        }
        if kind == Opcode::Text && simdutf8::basic::from_utf8(&data).is_err() {
            return fault(1007, "the text is not UTF-8");
        }
        Ok(Some(Said::Message(kind, data, compressed)))
    }

    /// Whether nothing waits for its rest.
    pub fn is_empty(&self) -> bool {
        self.open.is_none()
    }
}

fn close(mut data: Vec<u8>) -> Result<Said, Fault> {
    if data.is_empty() {
        return Ok(Said::Close(1005, data));
    }
    let Some(code) = data.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)) else {
        return fault(1002, "a close frame's code has two bytes");
    };
    if !is_close_code(code) {
        return fault(1002, "a close frame's code is none that may be sent");
    }
    data.drain(..2);
    match std::str::from_utf8(&data) {
        Ok(_) => Ok(Said::Close(code, data)),
        Err(_) => fault(1007, "a close frame's reason is not UTF-8"),
    }
}

/// Whether a close frame may carry that code (section 7.4, and IANA's register).
pub fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Masks or unmasks: the same (section 5.3).
pub fn unmask(data: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut chunks = data.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let eight: [u8; 8] = (&*chunk).try_into().expect("eight bytes");
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Appends a frame. `first`: its first byte; `mask`: as a client writes it.
pub fn put(out: &mut Vec<u8>, first: u8, mask: Option<[u8; 4]>, data: &[u8]) {
    out.push(first);
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match data.len() {
        short @ 0..=125 => out.push(bit | short as u8),
        medium @ 126..=65_535 => {
            out.push(bit | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(bit | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else { return out.extend_from_slice(data) };
    out.extend_from_slice(&mask);
    let begin = out.len();
    out.extend_from_slice(data);
    unmask(&mut out[begin..], mask);
}

/// A close frame.
pub fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + reason.len());
    let data = if code == 1005 { Vec::new() } else { [&code.to_be_bytes()[..], reason].concat() };
    put(&mut out, 0x88, None, &data);
    out
}

/// `Sec-WebSocket-Accept` for a client's key; `None` where the key is not 16 bytes in Base64 (section 4.2.1).
pub fn accept(key: &[u8]) -> Option<String> {
    let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let good = key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(letters);
    good.then(|| {
        let mut hash = sha1_smol::Sha1::new();
        hash.update(key);
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        base64(&hash.digest().bytes())
    })
}

/// RFC 4648 section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * n)) as usize & 63];
            out.push(if n <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Expect = Expect { max: 100_000, masked: true, deflate: false };

    fn frame(first: u8, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, first, Some([1, 2, 3, 4]), data);
        out
    }

    /// What is heard of these bytes, and how it ends.
    fn hear(bytes: &[u8], size: usize) -> (Vec<Said>, Option<u16>) {
        hear_as(CLIENT, bytes, size)
    }

    fn hear_as(expect: Expect, bytes: &[u8], size: usize) -> (Vec<Said>, Option<u16>) {
        let (mut joiner, mut said, mut buf) = (Joiner::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            buf.extend_from_slice(piece);
            loop {
                let length = match next(expect, &buf) {
                    Ok(Cut::Packet(length)) => length,
                    Ok(Cut::Need(_)) => break,
                    Err(length) => length,
                };
                let packet: Vec<u8> = buf.drain(..length).collect();
                match joiner.take(&packet, expect) {
                    Ok(heard) => said.extend(heard),
                    Err(fault) => return (said, Some(fault.code)),
                }
            }
        }
        (said, None)
    }

    #[test]
    fn messages_of_every_length_are_heard_however_they_come() {
        for length in [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 99_999] {
            let data: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let bytes = frame(0x82, &data);
            for size in [1, 3, 1000, usize::MAX] {
                if size > 3 || length < 200 {
                    assert_eq!(hear(&bytes, size), (vec![Said::Message(Opcode::Binary, data.clone(), false)], None));
                }
            }
        }
    }

    #[test]
    fn masking_is_as_the_rfc_shows_it() {
        let mut out = Vec::new();
        put(&mut out, 0x81, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
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
            Said::Ping(b"ping".to_vec()),
            Said::Pong(b"pong".to_vec()),
            Said::Message(Opcode::Text, "gr\u{fc}n".as_bytes().to_vec(), false),
        ];
        assert_eq!(hear(&bytes.concat(), 5), (wanted, None));
    }

    #[test]
    fn a_server_s_frames_are_not_masked() {
        let server = Expect { masked: false, ..CLIENT };
        let mut plain = Vec::new();
        put(&mut plain, 0x82, None, b"data");
        put(&mut plain, 0x8A, None, b"");
        let wanted = vec![Said::Message(Opcode::Binary, b"data".to_vec(), false), Said::Pong(Vec::new())];
        assert_eq!(hear_as(server, &plain, 1), (wanted, None));
        assert_eq!(hear_as(server, &frame(0x82, b"data"), 9), (vec![], Some(1002)));
    }

    #[test]
    fn compressed_messages_are_unpacked_where_that_was_agreed_on() {
        let agreed = Expect { deflate: true, ..CLIENT };
        let short = deflate::deflate(b"squeeze squeeze squeeze", deflate::Agreed { narrow: false });
        let (one, two) = short.split_at(4);
        let bytes = [frame(0x41, one), frame(0x89, b"p"), frame(0x80, two), frame(0x81, b"plain")].concat();
        let wanted = vec![
            Said::Ping(b"p".to_vec()),
            Said::Message(Opcode::Text, b"squeeze squeeze squeeze".to_vec(), true),
            Said::Message(Opcode::Text, b"plain".to_vec(), false),
        ];
        assert_eq!(hear_as(agreed, &bytes, 3), (wanted, None));
        assert_eq!(hear(&frame(0xC1, &short), 99), (vec![], Some(1002)));
        let bomb = deflate::deflate(&vec![b'a'; 100_001], deflate::Agreed { narrow: false });
        assert_eq!(hear_as(agreed, &frame(0xC1, &bomb), 1 << 20), (vec![], Some(1009)));
        let not_text = deflate::deflate(b"\xff", deflate::Agreed { narrow: false });
        assert_eq!(hear_as(agreed, &frame(0xC1, &not_text), 99), (vec![], Some(1007)));
        // RFC 7692 section 6: only a message's first frame says that it is compressed.
        for bad in [frame(0xC9, b""), frame(0xC8, b""), [frame(1, b"a"), frame(0xC0, b"b")].concat()] {
            assert_eq!(hear_as(agreed, &bad, 99), (vec![], Some(1002)));
        }
    }

    #[test]
    fn what_breaks_the_protocol_has_its_code() {
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
            assert_eq!(hear(&bytes, 1 << 20), (vec![], Some(code)), "{name}");
            assert_eq!(hear(&bytes, 1000), (vec![], Some(code)), "{name}, in pieces");
        }
    }

    #[test]
    fn a_close_frame_is_read_and_written() {
        assert_eq!(hear(&frame(0x88, b""), 9), (vec![Said::Close(1005, vec![])], None));
        assert_eq!(hear(&frame(0x88, b"\x03\xe9bye"), 9), (vec![Said::Close(1001, b"bye".to_vec())], None));
        assert_eq!(close_frame(1001, b"bye"), b"\x88\x05\x03\xe9bye");
        assert_eq!(close_frame(1005, b""), b"\x88\x00");
    }

    #[test]
    fn the_key_of_the_rfc_is_accepted_and_no_other_form() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for bad in ["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ=!", "dGhlIHNhbXBsZSBub25jZQAAAA=="] {
            assert_eq!(accept(bad.as_bytes()), None);
        }
    }
}
