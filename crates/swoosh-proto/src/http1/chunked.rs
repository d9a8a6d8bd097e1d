//! The chunked transfer coding of requests (RFC 9112 section 7.1): the lines between the data.

use super::header_buffer::MAX_HEADERS;
use super::refusal::Refusal;
use memchr::memchr;

/// The size of a chunk and the length of its line, bytes; `None` while the line is incomplete.
pub(super) fn chunk_line(bytes: &[u8]) -> Result<Option<(u64, usize)>, Refusal> {
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

/// Whether the bytes after a chunk's size are empty or extensions, which are ignored (RFC 9112 section 7.1.1).
fn is_extension(bytes: &[u8]) -> bool {
    let begins = bytes.trim_ascii_start().first().is_none_or(|&b| b == b';');
    begins && (bytes.is_empty() || bytes.contains(&b';')) && bytes.iter().all(|&b| b == b'\t' || b >= 32 && b != 127)
}

pub(super) const BAD_CHUNK: Refusal = Refusal::new(400, "a chunk is malformed");
/// Bytes of the line with a chunk's size and extensions, at most.
pub(super) const MAX_CHUNK_LINE: usize = 1024;
/// Bytes of a trailer section, at most.
pub(super) const MAX_TRAILER: usize = 16 << 10;
