//! The chunked transfer coding of requests (RFC 9112 section 7.1): the lines between the data.

use super::header_buffer::MAX_HEADERS;
use super::refusal::Refusal;
use super::token::is_token_byte;
use memchr::memchr;

/// The size of a chunk and the length of its line, bytes; `None` while the line is incomplete.
pub(super) fn chunk_line(bytes: &[u8]) -> Result<Option<(u64, usize)>, Refusal> {
    // The usual line has no extension: it ends right behind the digits.
    let mut size = 0;
    for (at, &byte) in bytes.iter().take(16).enumerate() {
        match HEX[byte as usize] {
            NOT_HEX if at > 0 && bytes[at..].starts_with(b"\r\n") => return Ok(Some((size, at + 2))),
            NOT_HEX => break,
            digit => size = size << 4 | u64::from(digit),
        }
    }
    let Some(lf) = memchr(b'\n', &bytes[..bytes.len().min(MAX_CHUNK_LINE)]) else {
        return if bytes.len() >= MAX_CHUNK_LINE { Err(BAD_CHUNK) } else { Ok(None) };
    };
    let line = bytes[..lf].strip_suffix(b"\r").ok_or(BAD_CHUNK)?;
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);
    if digits.is_empty() || digits.len() > 15 || !is_extension(extension) {
        return Err(BAD_CHUNK);
    }
    let value = |digit: u8| u64::from((digit as char).to_digit(16).unwrap_or(0));
    Ok(Some((digits.iter().fold(0, |size, &digit| size << 4 | value(digit)), lf + 1)))
}

/// The state of a trailer section.
pub(super) enum TrailerStatus {
    /// The section has so many bytes.
    Complete(usize),
    /// The section is incomplete; its incomplete line starts here.
    Incomplete(usize),
}

/// Examines a trailer section (RFC 9112 section 7.1.2). `line`: the start of a line, at which the search begins.
pub(super) fn trailer(bytes: &[u8], mut line: usize) -> Result<TrailerStatus, Refusal> {
    while let Some(lf) = memchr(b'\n', &bytes[line..]) {
        let lf = line + lf;
        if lf == line || bytes[lf - 1] != b'\r' {
            return Err(Refusal::new(400, "a line of the trailer ends with a bare LF"));
        }
        if lf - 1 == line {
            let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
            return match httparse::parse_headers(&bytes[..=lf], &mut fields) {
                Ok(_) => Ok(TrailerStatus::Complete(lf + 1)),
                Err(httparse::Error::TooManyHeaders) => Err(Refusal::new(431, "too many trailer fields")),
                Err(_) => Err(Refusal::new(400, "the trailer is malformed")),
            };
        }
        line = lf + 1;
    }
    if bytes.len() > MAX_TRAILER {
        return Err(Refusal::new(431, "the trailer is too long"));
    }
    Ok(TrailerStatus::Incomplete(line))
}

/// Whether the bytes after a chunk's size are `*( BWS ";" BWS name [ BWS "=" BWS value ] )` (RFC 9112 section 7.1.1), where
/// a value is a token or a quoted string. Extensions are checked and ignored. White space at the end is accepted.
fn is_extension(bytes: &[u8]) -> bool {
    let mut rest = skip_space(bytes);
    if rest.is_empty() {
        return bytes.is_empty();
    }
    while let Some(next) = rest.strip_prefix(b";") {
        let Some(after) = skip_token(skip_space(next)) else { return false };
        rest = skip_space(after);
        if let Some(value) = rest.strip_prefix(b"=") {
            let value = skip_space(value);
            let Some(after) = skip_token(value).or_else(|| skip_quoted(value)) else { return false };
            rest = skip_space(after);
        }
    }
    rest.is_empty()
}

fn skip_space(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    &bytes[length..]
}

/// The bytes after a token; `None` without one.
fn skip_token(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.iter().take_while(|&&b| is_token_byte(b)).count();
    (length > 0).then(|| &bytes[length..])
}

/// The bytes after a quoted string (RFC 9110 section 5.6.4); `None` without one.
fn skip_quoted(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', byte, after @ ..] | [byte, after @ ..] if *byte == b'\t' || *byte >= 32 && *byte != 127 => after,
            _ => return None,
        };
    }
}

/// The value of each hexadecimal digit; [`NOT_HEX`] for other bytes.
const HEX: [u8; 256] = {
    let mut table = [NOT_HEX; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};
const NOT_HEX: u8 = 255;
pub(super) const BAD_CHUNK: Refusal = Refusal::new(400, "a chunk is malformed");
/// Bytes of the line with a chunk's size and extensions, at most.
pub(super) const MAX_CHUNK_LINE: usize = 1024;
/// Bytes of a trailer section, at most.
pub(super) const MAX_TRAILER: usize = 16 << 10;
