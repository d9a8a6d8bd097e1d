//! Cuts a connection's bytes into packets.
//!
//! A packet's limits follow from the bytes alone, never from how the network split them; the two kinds without
//! limits of their own ([`Framing::None`], [`Framing::EofCheck`]) take what has arrived.

use super::{PeerFault, http1, mqtt, resp};
use memchr::memmem;
use std::sync::Arc;

/// `package_length_func`: the bytes so far; the packet's whole length, 0 while more bytes are needed, negative for a
/// packet that cannot be right.
pub type LengthFunc = Arc<dyn Fn(&[u8]) -> i64 + Send + Sync>;

/// How a port cuts bytes into packets.
#[derive(Clone, Default)]
pub enum Framing {
    /// What one read gives is one packet.
    #[default]
    None,
    /// `open_eof_check`: wait until the bytes end with `package_eof`; several packets may come at once.
    EofCheck(Vec<u8>),
    /// `open_eof_split`: one packet for each `package_eof`.
    EofSplit(Vec<u8>),
    /// `open_length_check`.
    Length(LengthFraming),
    /// `open_http_protocol`: each packet is one whole request of HTTP/1.
    Http,
    /// `open_redis_protocol`: each packet is one command of Redis.
    Redis,
    /// `open_mqtt_protocol`: each packet is one of MQTT.
    Mqtt,
}

impl Framing {
    /// Whether a packet is a question whose answer the peer waits for before that of its next one.
    pub fn expects_replies(&self) -> bool {
        matches!(self, Framing::Http | Framing::Redis)
    }
}

/// `open_length_check` and its settings.
#[derive(Clone)]
pub struct LengthFraming {
    /// `package_length_type`.
    pub kind: LengthType,
    /// `package_length_offset`: where the length field begins.
    pub offset: u32,
    /// `package_body_offset`: where that begins which the length counts.
    pub body_offset: u32,
    /// `package_length_func`: decides instead of the field.
    pub func: Option<LengthFunc>,
}

/// The length field's form: the letters of PHP's `pack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthType {
    /// `c`: signed, one byte.
    I8,
    /// `C`: one byte.
    U8,
    /// `s`: signed, two bytes, this machine's order.
    I16,
    /// `S`: two bytes, this machine's order.
    U16,
    /// `n`: two bytes, network order.
    U16Be,
    /// `v`: two bytes, little-endian.
    U16Le,
    /// `l`: signed, four bytes, this machine's order.
    I32,
    /// `L`: four bytes, this machine's order.
    U32,
    /// `N`: four bytes, network order.
    U32Be,
    /// `V`: four bytes, little-endian.
    U32Le,
}

/// Where a connection's next packet ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// The first so many bytes of the buffer are one packet (of [`Framing::EofCheck`]: one or more). Never 0.
    Complete(usize),
    /// The packet is not complete. Its whole length in bytes, header and all, where that is known already: a reader
    /// may reserve that much at once.
    Incomplete(Option<u64>),
}

/// What is known of a connection's unfinished packet, so that no byte of it is looked at twice.
#[derive(Debug, Default)]
pub struct Framer {
    /// Bytes at the front of the buffer in which no end of a packet begins.
    searched: usize,
    /// The unfinished packet's whole length.
    length: Option<u64>,
    /// What is known of an unfinished request of HTTP.
    http: http1::request_framer::Framer,
    /// And of an unfinished command of Redis.
    redis: resp::Framer,
}

impl Framer {
    /// A framer at the start of a connection.
    pub fn new() -> Self {
        Framer::default()
    }

    /// Looks for the end of the packet at the front of `buf`.
    ///
    /// `buf` holds everything received and not yet taken, beginning with the packet. After [`FrameStatus::Complete`] the caller
    /// takes that many bytes off the front before the next call; after [`FrameStatus::Incomplete`] it only appends. A buffer
    /// of `max` bytes is enough: a packet of exactly `max` bytes is cut, and nothing longer is ever waited for.
    ///
    /// Fails where the packet is, or can only become, longer than `max` bytes, or where its length cannot be right.
    /// The connection is to be closed then; what a further call answers is of no use.
    pub fn next(&mut self, config: &Framing, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        let cut = match config {
            Framing::None if buf.is_empty() => FrameStatus::Incomplete(None),
            Framing::None => FrameStatus::Complete(buf.len()),
            Framing::EofCheck(eof) => cut_at_last_eof(eof, max, buf)?,
            Framing::EofSplit(eof) => self.cut_at_first_eof(eof, max, buf)?,
            Framing::Length(length) => self.cut_at_length(length, max, buf)?,
            Framing::Redis => return self.redis.next(max, buf),
            Framing::Mqtt => return mqtt::next(max, buf),
            Framing::Http => return self.http.next(max, buf).map_err(PeerFault::Refused),
        };
        if let FrameStatus::Complete(_) = cut {
            *self = Framer::default();
        }
        Ok(cut)
    }

    /// Whether the peer waits for `100 Continue` before it sends a body; true once for each request.
    pub fn take_expect_continue(&mut self) -> bool {
        self.http.take_expect_continue()
    }

    /// Whether a request of HTTP was cut before, which may not be answered yet.
    pub fn has_framed(&self) -> bool {
        self.http.has_framed()
    }

    /// Whether the request of HTTP that was cut ends its connection: what comes behind it is not to be read.
    pub fn closes_connection(&self) -> bool {
        self.http.closes_connection()
    }

    /// The request of HTTP that has begun is taken another way.
    pub fn skip_request(&mut self) {
        self.http.skip_request();
    }

    /// How much of a request of HTTP is there, where `length` bytes wait.
    pub fn request_progress(&self, length: usize) -> http1::request_framer::Progress {
        self.http.progress(length)
    }

    fn cut_at_first_eof(&mut self, eof: &[u8], max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        let room = &buf[..buf.len().min(usize::try_from(max).unwrap_or(usize::MAX))];
        let from = self.searched.min(room.len());
        if let Some(at) = memmem::find(&room[from..], eof) {
            return Ok(FrameStatus::Complete(from + at + eof.len()));
        }
        if room.len() as u64 >= max {
            return Err(PeerFault::TooLong { length: None, max });
        }
        // An EOF may have begun in the last bytes.
        self.searched = room.len().saturating_sub(eof.len() - 1);
        Ok(FrameStatus::Incomplete(None))
    }

    fn cut_at_length(&mut self, config: &LengthFraming, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        let length = match self.length {
            Some(length) => length,
            None => match announced_length(config, buf)? {
                Some(length) => length,
                None if buf.len() as u64 >= max => return Err(PeerFault::TooLong { length: None, max }),
                None => return Ok(FrameStatus::Incomplete(None)),
            },
        };
        if length > max {
            return Err(PeerFault::TooLong { length: Some(length), max });
        }
        if length <= buf.len() as u64 {
            return Ok(FrameStatus::Complete(length as usize));
        }
        self.length = Some(length);
        Ok(FrameStatus::Incomplete(Some(length)))
    }
}

/// All bytes at once as soon as they end with an EOF. Where a peer sends without a pause, so that none of the
/// reads happens to end with one, a full buffer goes out up to the last EOF in it.
fn cut_at_last_eof(eof: &[u8], max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
    let full = buf.len() as u64 >= max;
    if buf.ends_with(eof) && buf.len() as u64 <= max {
        return Ok(FrameStatus::Complete(buf.len()));
    }
    if !full {
        return Ok(FrameStatus::Incomplete(None));
    }
    let room = &buf[..max as usize];
    match memmem::rfind(room, eof) {
        Some(at) => Ok(FrameStatus::Complete(at + eof.len())),
        None => Err(PeerFault::TooLong { length: None, max }),
    }
}

/// The whole length, in bytes, of the packet that `buf` begins with; `None` while too little of it is there.
fn announced_length(config: &LengthFraming, buf: &[u8]) -> Result<Option<u64>, PeerFault> {
    if let Some(func) = &config.func {
        if buf.is_empty() {
            return Ok(None);
        }
        return match u64::try_from(func(buf)) {
            Ok(0) => Ok(None),
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(PeerFault::Malformed("package_length_func refuses it")),
        };
    }
    let header = u64::from(config.offset) + config.kind.size() as u64;
    if (buf.len() as u64) < header {
        return Ok(None);
    }
    let body = u64::try_from(config.kind.read(&buf[config.offset as usize..]))
        .map_err(|_| PeerFault::Malformed("its length is negative"))?;
    let length = u64::from(config.body_offset) + body;
    if length < header {
        return Err(PeerFault::Malformed("it ends before its length field does"));
    }
    Ok(Some(length))
}

impl LengthType {
    /// Bytes that the field takes: 1, 2 or 4.
    pub fn size(self) -> usize {
        match self {
            LengthType::I8 | LengthType::U8 => 1,
            LengthType::I16 | LengthType::U16 | LengthType::U16Be | LengthType::U16Le => 2,
            LengthType::I32 | LengthType::U32 | LengthType::U32Be | LengthType::U32Le => 4,
        }
    }

    /// The number in the field that `bytes` begins with; `bytes` has at least [`size`](LengthType::size) bytes.
    fn read(self, bytes: &[u8]) -> i64 {
        let two = || [bytes[0], bytes[1]];
        let four = || [bytes[0], bytes[1], bytes[2], bytes[3]];
        match self {
            LengthType::I8 => i64::from(bytes[0] as i8),
            LengthType::U8 => i64::from(bytes[0]),
            LengthType::I16 => i64::from(i16::from_ne_bytes(two())),
            LengthType::U16 => i64::from(u16::from_ne_bytes(two())),
            LengthType::U16Be => i64::from(u16::from_be_bytes(two())),
            LengthType::U16Le => i64::from(u16::from_le_bytes(two())),
            LengthType::I32 => i64::from(i32::from_ne_bytes(four())),
            LengthType::U32 => i64::from(u32::from_ne_bytes(four())),
            LengthType::U32Be => i64::from(u32::from_be_bytes(four())),
            LengthType::U32Le => i64::from(u32::from_le_bytes(four())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const MAX: u64 = 65_536;

    /// Feeds `reads` one after the other: the packets, and the fault that ended it.
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
        let func: crate::framing::LengthFunc = Arc::new(func);
        Framing::Length(LengthFraming { kind: LengthType::U32Be, offset: 0, body_offset: 4, func: Some(func) })
    }

    fn next_random(seed: &mut u64) -> u64 {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed
    }

    fn cut_at_random<'a>(bytes: &'a [u8], seed: &mut u64) -> Vec<&'a [u8]> {
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
        let wanted: Vec<&[u8]> = vec![
            b"one\r\n",
            b"two\r\nthree\r\n",
            b"four\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"half\r\n",
            b"a\r\nb\r\n",
            &filled,
        ];
        assert_eq!((packets, fault), (wanted.iter().map(|p| p.to_vec()).collect(), None));
    }

    #[test]
    fn eof_split_gives_each_packet_alone() {
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
                assert_eq!(feed(&config, MAX, cut_at_random(&bytes, &mut seed)), (wanted.clone(), None));
            }
        }
    }

    #[test]
    fn a_packet_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
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
    fn a_peer_that_never_pauses_is_not_closed_for_reads_that_end_within_packets() {
        let config = Framing::EofCheck(b"\n".to_vec());
        let bytes = b"0123456\n".repeat(40);
        let (packets, fault) = feed(&config, 100, bytes[..bytes.len() - 1].chunks(90));
        assert_eq!(fault, None);
        assert!(packets.iter().all(|packet| packet.len() <= 100 && packet.ends_with(b"\n")));
        assert!(packets.concat().len() >= bytes.len() - 100 && bytes.starts_with(&packets.concat()));
    }

    #[test]
    fn each_length_type_is_cut_alike_wherever_the_reads_end() {
        use LengthType::*;
        for kind in [I8, U8, I16, U16, U16Be, U16Le, I32, U32, U32Be, U32Le] {
            let number = |value: usize| -> Vec<u8> {
                match kind {
                    I8 | U8 => vec![value as u8],
                    I16 | U16 => (value as u16).to_ne_bytes().to_vec(),
                    U16Be => (value as u16).to_be_bytes().to_vec(),
                    U16Le => (value as u16).to_le_bytes().to_vec(),
                    I32 | U32 => (value as u32).to_ne_bytes().to_vec(),
                    U32Be => (value as u32).to_be_bytes().to_vec(),
                    U32Le => (value as u32).to_le_bytes().to_vec(),
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
                    assert_eq!(feed(&config, MAX, cut_at_random(&bytes, &mut seed)), (wanted.clone(), None));
                }
            }
        }
    }

    #[test]
    fn a_negative_length_is_a_fault_and_a_large_one_only_above_the_limit() {
        use LengthType::*;
        let negative = Some(PeerFault::Malformed("its length is negative"));
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
        assert_eq!(fault, Some(PeerFault::Malformed("it ends before its length field does")));
        assert_eq!(fault.map(|fault| fault.code()), Some(1204));
    }

    #[test]
    fn the_known_length_is_told_before_the_packet_is_there() {
        let mut framer = Framer::new();
        let config = length(LengthType::U16Be, 0, 2);
        assert_eq!(framer.next(&config, MAX, b"\x10"), Ok(FrameStatus::Incomplete(None)));
        assert_eq!(framer.next(&config, MAX, b"\x10\x00"), Ok(FrameStatus::Incomplete(Some(4098))));
        assert_eq!(framer.next(&config, MAX, b"\x10\x00a"), Ok(FrameStatus::Incomplete(Some(4098))));
    }

    /// The function of the recorded run: `z` waits, `m` refuses, `h` is huge, `t` has three bytes.
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
            (vec![b"mmm"], vec![], Some(PeerFault::Malformed("package_length_func refuses it"))),
            (vec![b"hhh"], vec![], Some(too_long(1 << 20))),
            (vec![b"ttttt"], vec![b"ttt"], None),
        ] {
            let packets = packets.into_iter().map(<[u8]>::to_vec).collect();
            assert_eq!(feed(&config, MAX, reads), (packets, fault));
        }
    }

    #[test]
    fn a_length_function_is_not_asked_again_once_it_has_answered() {
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
    fn a_length_function_that_waits_for_ever_is_stopped_at_the_limit() {
        let (_, fault) = feed(&length_func(recorded), 100, [&[b'z'; 99][..], b"z"]);
        assert_eq!(fault, Some(PeerFault::TooLong { length: None, max: 100 }));
    }

    #[test]
    fn the_search_for_an_eof_is_linear() {
        // Quadratic, this megabyte byte by byte would be half a million million comparisons.
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
        for kind in [I8, U8, I16, U16, U16Be, U16Le, I32, U32, U32Be, U32Le] {
            configs.extend([length(kind, 0, 0), length(kind, 3, 1), length(kind, 0, u32::MAX)]);
        }
        for round in 0..3000 {
            let letters = if round % 2 == 0 { 4 } else { 256 };
            let bytes: Vec<u8> = (0..next_random(&mut seed) % 64)
                .map(|_| (next_random(&mut seed) % letters) as u8 + if letters == 4 { b'a' - 1 } else { 0 })
                .collect();
            for config in &configs {
                let max = 1 + next_random(&mut seed) % 40;
                let (packets, _) = feed(config, max, cut_at_random(&bytes, &mut seed));
                assert!(bytes.starts_with(&packets.concat()));
                if !matches!(config, Framing::None) {
                    assert!(packets.iter().all(|packet| !packet.is_empty() && packet.len() as u64 <= max));
                }
            }
        }
    }
}
