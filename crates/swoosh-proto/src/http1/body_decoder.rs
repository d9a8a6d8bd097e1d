//! Decodes a request body as it arrives, for bodies that are not kept in memory.

use super::chunked::{BAD_CHUNK, TrailerStatus, chunk_line, trailer};
use super::refusal::Refusal;
use super::request::{Field, Request, field};
use super::request_head::TOO_LARGE;

/// Decodes the body of one request whose head was checked. It rejects what [`request_framer`](super::request_framer)
/// rejects.
///
/// ```
/// use swoosh_proto::http1::body_decoder::BodyDecoder;
/// use swoosh_proto::http1::request::{Field, Request, field_buffer};
///
/// let mut buffer = field_buffer();
/// let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
/// let (request, headers) = Request::parse(head, &mut buffer).unwrap();
/// let mut decoder = BodyDecoder::for_request(&request, headers, 1 << 20);
///
/// let mut body = Vec::new();
/// let end = decoder.take(b"5\r\nhello\r\n0\r\n\r\n", |data| Ok(body.extend_from_slice(data)));
/// assert_eq!((end, body.as_slice()), (Ok(Some(15)), &b"hello"[..]));
/// ```
#[derive(Debug)]
pub struct BodyDecoder {
    stage: Stage,
    /// The beginning of an incomplete line: the size of a chunk, the end of its data, or the trailer.
    line: Vec<u8>,
    /// The trailer section, with the empty line at its end.
    trailers: Vec<u8>,
    /// Bytes that the request may still have.
    remaining: u64,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// A body of known length: so many bytes follow.
    Fixed(u64),
    Size,
    Data(u64),
    /// The CRLF after the data of a chunk.
    DataEnd,
    Trailer,
    End,
}

impl BodyDecoder {
    /// A decoder for the body that a head announces. `max`: bytes of the longest request, head included.
    pub fn for_request(request: &Request<'_>, headers: &[Field<'_>], max: u64) -> Self {
        let length = field(headers, "content-length");
        let length = length.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        BodyDecoder::new(length, request.head as u64, max)
    }

    /// A body of `length` bytes; `None`: in chunks. `head`: bytes of the request's head.
    fn new(length: Option<u64>, head: u64, max: u64) -> Self {
        BodyDecoder {
            stage: length.map_or(Stage::Size, Stage::Fixed),
            line: Vec::new(),
            trailers: Vec::new(),
            remaining: max.saturating_sub(head),
        }
    }

    /// The trailer section of a body in chunks, once it is complete, with the empty line at its end.
    pub fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    /// Decodes the bytes of one read and passes the data in them to `keep`, piece by piece. When the body is complete,
    /// returns how many of the bytes belong to it; `None`: more bytes follow.
    ///
    /// # Errors
    /// If the body is malformed or too long, or `keep` fails.
    pub fn take(
        &mut self,
        bytes: &[u8],
        mut keep: impl FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<Option<usize>, Refusal> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.stage {
                Stage::End | Stage::Fixed(0) => {
                    self.stage = Stage::End;
                    return Ok(Some(at));
                }
                _ if rest.is_empty() => return Ok(None),
                Stage::Fixed(left) | Stage::Data(left) => {
                    let take = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    keep(&rest[..take])?;
                    at += take;
                    let left = left - take as u64;
                    self.stage = match self.stage {
                        Stage::Fixed(_) => Stage::Fixed(left),
                        _ if left == 0 => Stage::DataEnd,
                        _ => Stage::Data(left),
                    };
                }
                Stage::Size | Stage::DataEnd | Stage::Trailer => at += self.framing(rest)?,
            }
        }
    }

    /// Consumes bytes that are not data and returns their number.
    fn framing(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let before = self.line.len();
        // As much as a line may have.
        self.line.extend_from_slice(&bytes[..bytes.len().min(MAX_LINE_BYTES)]);
        let (next, end) = match self.stage {
            Stage::DataEnd => match &self.line[..] {
                [b'\r'] => return Ok(1),
                [b'\r', b'\n', ..] => (Stage::Size, 2),
                _ => return Err(BAD_CHUNK),
            },
            Stage::Size => match chunk_line(&self.line)? {
                None => return Ok(self.line.len() - before),
                Some((0, length)) => (Stage::Trailer, length),
                Some((size, length)) => {
                    self.spend(size)?;
                    (Stage::Data(size), length)
                }
            },
            _ => match trailer(&self.line, 0)? {
                TrailerStatus::Incomplete(_) => return Ok(self.line.len() - before),
                TrailerStatus::Complete(length) => {
                    self.trailers.extend_from_slice(&self.line[..length]);
                    (Stage::End, length)
                }
            },
        };
        self.spend(end as u64)?;
        self.line.clear();
        self.stage = next;
        Ok(end - before)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.remaining = self.remaining.checked_sub(bytes).ok_or(TOO_LARGE)?;
        Ok(())
    }
}

/// Bytes that are added to an incomplete line at a time.
const MAX_LINE_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `bytes` in pieces of `size`: the data, and the bytes that belong to the request.
    fn read(mut reader: BodyDecoder, bytes: &[u8], size: usize) -> Result<(Vec<u8>, Option<usize>), Refusal> {
        let (mut data, mut taken) = (Vec::new(), 0);
        for piece in bytes.chunks(size) {
            let end = reader.take(piece, |part| {
                data.extend_from_slice(part);
                Ok(())
            })?;
            if let Some(end) = end {
                return Ok((data, Some(taken + end)));
            }
            taken += piece.len();
        }
        Ok((data, None))
    }

    #[test]
    fn a_body_is_decoded_alike_wherever_the_reads_end() {
        let chunked = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nGET";
        for size in 1..chunked.len() {
            let wanted = (b"abc0123456789".to_vec(), Some(chunked.len() - 3));
            assert_eq!(read(BodyDecoder::new(None, 10, 1000), chunked, size), Ok(wanted), "{size}");
            let wanted = (b"3\r\nab".to_vec(), Some(5));
            assert_eq!(read(BodyDecoder::new(Some(5), 10, 1000), chunked, size), Ok(wanted), "{size}");
            assert_eq!(
                read(BodyDecoder::new(Some(500), 10, 1000), chunked, size),
                Ok((chunked.to_vec(), None)),
                "{size}"
            );
        }
        assert_eq!(read(BodyDecoder::new(Some(0), 0, 9), b"GET", 3), Ok((Vec::new(), Some(0))));
    }

    #[test]
    fn malformed_bodies_are_refused() {
        for (bytes, status) in [
            (&b"3\nabc"[..], 400),
            (b"x\r\n", 400),
            (b"3\r\nabcd\r\n", 400),
            (b"3\r\nabc\n", 400),
            (b"0\r\nbad\n\r\n", 400),
            (b"FFFFFFFF\r\n", 413),
            (b"3\r\nabc\r\n50\r\n", 413),
        ] {
            for size in 1..=bytes.len() {
                let refused = read(BodyDecoder::new(None, 10, 60), bytes, size).unwrap_err();
                assert_eq!(refused.status, status, "{:?} by {size}", String::from_utf8_lossy(bytes));
            }
        }
        let endless = [b"0\r\n".to_vec(), b"T: 1\r\n".repeat(4000)].concat();
        assert_eq!(read(BodyDecoder::new(None, 0, 1 << 30), &endless, 100).unwrap_err().status, 431);
        let full = Refusal::new(500, "full");
        let mut reader = BodyDecoder::new(Some(3), 0, 10);
        assert_eq!(reader.take(b"abc", |_| Err(full)), Err(full));
    }
}
