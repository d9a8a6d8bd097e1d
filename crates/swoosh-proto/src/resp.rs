//! The Redis serialization protocol, for servers: framing of commands and encoding of replies.
//!
//! Commands are arrays of bulk strings, or inline commands. Source: the specification of RESP, "Sending commands to a
//! Redis server".

use crate::PeerFault;
use crate::frame_status::FrameStatus;
use std::borrow::Cow;

/// Finds the commands of one connection. It remembers the arguments it has seen, so that none is examined twice.
///
/// ```
/// use swoosh_proto::framing::FrameStatus;
/// use swoosh_proto::resp::{self, Framer};
///
/// let command = b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
/// assert_eq!(Framer::default().next(1024, command), Ok(FrameStatus::Complete(command.len())));
/// assert_eq!(resp::arguments(command), [&b"GET"[..], b"key"]);
/// ```
#[derive(Debug, Default)]
pub struct Framer {
    /// Bytes of the complete part of the command: its count and complete arguments.
    at: usize,
    /// Arguments that follow; `None` before the count is known.
    left: Option<usize>,
}

impl Framer {
    /// Examines the command at the front of `buf`; called like
    /// [`framing::Framer::next`](super::framing::Framer::next).
    ///
    /// # Errors
    /// If the command is longer than `max` bytes, or is neither an array of bulk strings nor an inline command.
    pub fn next(&mut self, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        let Some(&first) = buf.first() else { return Ok(FrameStatus::Incomplete(None)) };
        if first != b'*' {
            return inline(max, buf);
        }
        if self.left.is_none() {
            let Some((count, at)) = number(buf, 1)? else { return self.incomplete(None, max, buf) };
            if count > MAX_ARGUMENTS {
                return Err(PeerFault::Malformed("invalid multibulk length"));
            }
            // Redis skips a command without arguments.
            (self.left, self.at) = (Some(count.max(0) as usize), at);
        }
        while let Some(left @ 1..) = self.left {
            match buf.get(self.at) {
                None => return self.incomplete(None, max, buf),
                Some(b'$') => {}
                Some(_) => return Err(PeerFault::Malformed("expected '$'")),
            }
            let Some((length, at)) = number(buf, self.at + 1)? else { return self.incomplete(None, max, buf) };
            let Ok(length) = usize::try_from(length) else {
                return Err(PeerFault::Malformed("invalid bulk length"));
            };
            let end = at.saturating_add(length).saturating_add(2);
            if end as u64 > max || end > buf.len() {
                return self.incomplete(Some(end as u64), max, buf);
            }
            if &buf[end - 2..end] != b"\r\n" {
                return Err(PeerFault::Malformed("an argument does not end where its length says"));
            }
            (self.left, self.at) = (Some(left - 1), end);
        }
        let length = self.at;
        *self = Framer::default();
        Ok(FrameStatus::Complete(length))
    }

    /// More bytes are needed, `length` in total if known, unless that exceeds `max`.
    fn incomplete(&self, length: Option<u64>, max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
        if length.is_some_and(|length| length > max) || buf.len() as u64 >= max {
            return Err(PeerFault::TooLong { length, max });
        }
        Ok(FrameStatus::Incomplete(length))
    }
}

/// Whether a complete command has arguments. Redis skips one without, and does not reply to it.
///
/// ```
/// use swoosh_proto::resp::has_arguments;
///
/// assert!(has_arguments(b"*1\r\n$4\r\nPING\r\n") && has_arguments(b"PING\r\n"));
/// assert!(!has_arguments(b"*0\r\n") && !has_arguments(b"\r\n"));
/// ```
pub fn has_arguments(command: &[u8]) -> bool {
    match command.first() {
        Some(b'*') => matches!(number(command, 1), Ok(Some((1.., _)))),
        _ => !command.trim_ascii().is_empty(),
    }
}

/// The arguments of a framed command, the first of which is its name. Empty for an empty line and for bytes that are not
/// a command.
///
/// ```
/// assert_eq!(swoosh_proto::resp::arguments(b"SET key 'a value'\r\n"), [&b"SET"[..], b"key", b"a value"]);
/// ```
pub fn arguments(command: &[u8]) -> Vec<Cow<'_, [u8]>> {
    if command.first() != Some(&b'*') {
        return words(command).unwrap_or_default();
    }
    bulks(command).unwrap_or_default()
}

/// The words of an inline command. They may be quoted: within `"` there are escapes as in C, `\xHH` and `\"` among them,
/// within `'` only `\'`. `None` where a quote is not closed, or a closed one is followed by anything but a space.
fn words(mut rest: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some(&first) = rest.first() else { return Some(found) };
        if matches!(first, b'"' | b'\'') {
            let (word, after) = quoted(rest)?;
            found.push(Cow::Owned(word));
            rest = after;
            continue;
        }
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        found.push(Cow::Borrowed(&rest[..end]));
        rest = &rest[end..];
    }
}

/// The word in quotes at the front, and the bytes after it.
fn quoted(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&quote, mut rest) = bytes.split_first()?;
    let mut word = Vec::new();
    let hex = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    loop {
        rest = match (quote, rest) {
            (b'"', [b'\\', b'x', high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                word.push(hex(*high)? << 4 | hex(*low)?);
                after
            }
            (b'"', [b'\\', escaped, after @ ..]) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                after
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                word.push(b'\'');
                after
            }
            (_, [byte, after @ ..]) if *byte == quote => {
                return after.first().is_none_or(u8::is_ascii_whitespace).then_some((word, after));
            }
            (_, [byte, after @ ..]) => {
                word.push(*byte);
                after
            }
            (_, []) => return None,
        };
    }
}

/// Appends a simple reply. Line ends within the text become spaces, as in Redis.
fn put_line(out: &mut Vec<u8>, first: u8, text: &[u8]) {
    out.push(first);
    out.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// Appends a simple string, such as `OK`. Line ends within become spaces.
///
/// ```
/// let mut out = Vec::new();
/// swoosh_proto::resp::put_status(&mut out, b"OK");
/// assert_eq!(out, b"+OK\r\n");
/// ```
pub fn put_status(out: &mut Vec<u8>, text: &[u8]) {
    put_line(out, b'+', text);
}

/// Appends an error, which by convention starts with a word in capitals (`ERR`). Line ends within become spaces.
pub fn put_error(out: &mut Vec<u8>, text: &[u8]) {
    put_line(out, b'-', text);
}

/// Appends an integer.
pub fn put_int(out: &mut Vec<u8>, value: i64) {
    put_head(out, b':', value);
}

/// Appends a bulk string, which may contain any bytes.
pub fn put_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, b'$', bytes.len() as i64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Appends a null bulk string, the value of a key that does not exist.
pub fn put_nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"$-1\r\n");
}

/// Appends the head of an array; its `count` items follow.
pub fn put_array(out: &mut Vec<u8>, count: usize) {
    put_head(out, b'*', count as i64);
}

fn put_head(out: &mut Vec<u8>, first: u8, number: i64) {
    out.push(first);
    out.extend_from_slice(itoa(number, &mut [0; 20]));
    out.extend_from_slice(b"\r\n");
}

/// The decimal digits of a number. Faster than the formatter.
fn itoa(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let (mut left, mut at) = (number.unsigned_abs(), buffer.len());
    loop {
        at -= 1;
        buffer[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

fn bulks(command: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let (count, mut at) = number(command, 1).ok()??;
    let mut words = Vec::with_capacity(usize::try_from(count).ok()?.min(command.len() / 5 + 1));
    for _ in 0..count {
        let (length, from) = number(command, at + 1).ok()??;
        let end = from.checked_add(usize::try_from(length).ok()?)?;
        words.push(Cow::Borrowed(command.get(from..end)?));
        at = end + 2;
    }
    Some(words)
}

/// Frames an inline command: a line of words, possibly empty.
fn inline(max: u64, buf: &[u8]) -> Result<FrameStatus, PeerFault> {
    let max = max.min(MAX_LINE);
    let within = &buf[..buf.len().min(max as usize)];
    let end = memchr::memchr(b'\n', within);
    if within[..end.unwrap_or(within.len())].iter().any(|byte| *byte < b'\t') {
        return Err(PeerFault::Malformed("the bytes are not a command of Redis"));
    }
    match end {
        Some(at) if words(&within[..at]).is_none() => Err(PeerFault::Malformed("unbalanced quotes in request")),
        Some(at) => Ok(FrameStatus::Complete(at + 1)),
        None if buf.len() as u64 >= max => Err(PeerFault::TooLong { length: None, max }),
        None => Ok(FrameStatus::Incomplete(None)),
    }
}

/// The number at `from`, and the position after its line; `None` while the line is incomplete.
fn number(buf: &[u8], from: usize) -> Result<Option<(i64, usize)>, PeerFault> {
    let rest = buf.get(from..).unwrap_or_default();
    let line = &rest[..rest.len().min(MAX_NUMBER)];
    let Some(end) = memchr::memchr(b'\n', line) else {
        return if rest.len() < MAX_NUMBER { Ok(None) } else { Err(INVALID_NUMBER) };
    };
    let digits = line[..end].strip_suffix(b"\r").ok_or(INVALID_NUMBER)?;
    // Rust accepts a plus sign, Redis does not.
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
    let value = text.and_then(|text| text.parse().ok()).ok_or(INVALID_NUMBER)?;
    Ok(Some((value, from + end + 1)))
}

const INVALID_NUMBER: PeerFault = PeerFault::Malformed("a count or a length is not a number");
/// The limit of Redis.
const MAX_ARGUMENTS: i64 = 1 << 20;
/// Bytes of an inline command, at most: the limit of Redis.
const MAX_LINE: u64 = 64 << 10;
/// Bytes of a number's line, at most.
const MAX_NUMBER: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&[u8]]) -> Vec<u8> {
        let mut out = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// Feeds `bytes`, `step` at a time: the packets, and the fault that ended it.
    fn feed(bytes: &[u8], step: usize, max: u64) -> (Vec<Vec<u8>>, Option<PeerFault>) {
        let (mut framer, mut buf, mut packets) = (Framer::default(), Vec::new(), Vec::new());
        for read in bytes.chunks(step) {
            buf.extend_from_slice(read);
            loop {
                match framer.next(max, &buf) {
                    Ok(FrameStatus::Complete(length)) => packets.push(buf.drain(..length).collect()),
                    Ok(FrameStatus::Incomplete(_)) => break,
                    Err(fault) => return (packets, Some(fault)),
                }
            }
        }
        (packets, None)
    }

    #[test]
    fn commands_are_framed_alike_wherever_the_reads_end() {
        let wanted: Vec<Vec<u8>> = vec![
            command(&[b"GET", b"k"]),
            b"PING\r\n".to_vec(),
            command(&[b"SET", b"a\r\nb", b"", &[b'x'; 300]]),
            b"\r\n".to_vec(),
            b"set  key value\n".to_vec(),
            command(&[b"*1\r\n"]),
        ];
        let bytes = wanted.concat();
        for step in 1..bytes.len() {
            assert_eq!(feed(&bytes, step, 65_536), (wanted.clone(), None), "reads of {step}");
        }
    }

    #[test]
    fn the_arguments_of_a_command_are_as_sent() {
        let sent: [&[u8]; 4] = [b"SET", b"a\r\nb", b"", b"$3\r\n"];
        assert_eq!(arguments(&command(&sent)), sent);
        assert_eq!(arguments(b"set  key\tvalue\r\n"), [&b"set"[..], b"key", b"value"]);
        assert!(arguments(b"\r\n").is_empty());
        assert!(arguments(b"*2\r\n$3\r\nGET\r\n").is_empty(), "half a command has no words");
    }

    #[test]
    fn replies_are_encoded_as_specified() {
        let mut out = Vec::new();
        put_array(&mut out, 5);
        put_status(&mut out, b"OK");
        put_error(&mut out, b"ERR two\r\nlines");
        put_int(&mut out, i64::MIN);
        put_bulk(&mut out, b"a\r\nb");
        put_nil(&mut out);
        let wanted = b"*5\r\n+OK\r\n-ERR two  lines\r\n:-9223372036854775808\r\n$4\r\na\r\nb\r\n$-1\r\n";
        assert_eq!(out, wanted, "{}", out.escape_ascii());
    }

    #[test]
    fn malformed_commands_are_refused() {
        for bad in [
            &b"*x\r\n"[..],
            b"*+1\r\n",
            b"*1\n",
            b"*1048577\r\n",
            b"*99999999999999999999999\r\n",
            b"*2\r\n$3\r\nGET\r\n$-1\r\n",
            b"*2\r\n$3\r\nGET\r\n:5\r\n",
            b"*1\r\n$x\r\nGET\r\n",
            b"*1\r\n$3\r\nGETx\r\n",
            b"\x16\x03\x01\x02",
            b"SET a 'b\r\n",
            b"SET a \"b\"c\r\n",
        ] {
            let (packets, fault) = feed(bad, 1, 65_536);
            assert_eq!(packets.len(), 0);
            assert!(matches!(fault, Some(PeerFault::Malformed(_))), "{}: {fault:?}", bad.escape_ascii());
        }
    }

    #[test]
    fn commands_without_arguments_are_skipped_and_words_may_be_quoted() {
        let (packets, fault) = feed(b"*0\r\n*-1\r\nPING\r\n", 1, 65_536);
        assert_eq!((packets.len(), fault), (3, None));
        assert!(packets[..2].iter().all(|packet| arguments(packet).is_empty()));
        assert!(packets.iter().all(|packet| has_arguments(packet) != arguments(packet).is_empty()));
        let found = arguments(b"SET \"a\\x41\\n\\\" b\" 'it\\'s' \"\" c\r\n");
        assert_eq!(found, [&b"SET"[..], b"aA\n\" b", b"it's", b"", b"c"]);
    }

    #[test]
    fn a_command_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() {
        let fits = command(&[b"SET", &[b'x'; 70]]);
        let max = fits.len() as u64;
        assert_eq!(feed(&fits, 7, max), (vec![fits.clone()], None));
        assert_eq!(feed(&fits, 7, max - 1).1, Some(PeerFault::TooLong { length: Some(max), max: max - 1 }));
        let many = command(&[&b"x"[..]; 40]);
        assert!(matches!(feed(&many, 7, 100).1, Some(PeerFault::TooLong { .. })));
        assert!(matches!(feed(&[b'x'; 70_000], 500, 1 << 20).1, Some(PeerFault::TooLong { max: 65_536, .. })));
    }

    #[test]
    fn a_malformed_line_is_refused_with_or_without_its_end() {
        for bytes in [&b"a\x01"[..], b"a\x01b\n", b"\0\n", b"\x08"] {
            assert!(matches!(Framer::default().next(100, bytes), Err(PeerFault::Malformed(_))), "{bytes:?}");
        }
        assert_eq!(Framer::default().next(100, b"PING\n\x01"), Ok(FrameStatus::Complete(5)));
    }

    #[test]
    fn the_length_of_a_long_argument_is_reported() {
        let mut framer = Framer::default();
        assert_eq!(framer.next(1 << 20, b"*1\r\n$100000\r\nxx"), Ok(FrameStatus::Incomplete(Some(100_015))));
    }
}
