//! A body while it comes, for whoever does not keep it: what of each read is data, and where the request ends.

use super::request::{Request, field};
use super::request_framer::{BAD_CHUNK, Found, TOO_LARGE, chunk_line, trailer_line};
use httparse::Header;

/// Reads the body of one request whose head is known to be good. It refuses what [`request_framer`](super::request_framer) refuses.
#[derive(Debug)]
pub struct BodyDecoder {
    stage: Stage,
    /// The beginning of a line that is not whole: of a chunk's size, of the end of its data, of the trailer.
    line: Vec<u8>,
    /// Bytes that the request may have still.
    room: u64,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// So many bytes are left.
    Rest(u64),
    Size,
    Data(u64),
    /// The CRLF behind a chunk's data.
    Gap,
    Trailer,
    End,
}

impl BodyDecoder {
    /// The body that a head announces. `max`: the longest request, head and all.
    pub fn for_request(request: &Request<'_>, headers: &[Header<'_>], max: u64) -> Self {
        let length = field(headers, "content-length");
        let length = length.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        BodyDecoder::new(length, request.head as u64, max)
    }

    /// A body of so many bytes; `None`: in chunks. `max`: the longest request; `head`: bytes of its head.
    fn new(length: Option<u64>, head: u64, max: u64) -> Self {
        BodyDecoder { stage: length.map_or(Stage::Size, Stage::Rest), line: Vec::new(), room: max.saturating_sub(head) }
    }

    /// Takes what has come, and gives the data in it to `keep`, piece by piece. How many of the bytes belong to the
    /// request, once all of it is there; `None`: more is to come.
    ///
    /// # Errors
    /// What the request is refused with: the body is no body, or too long; or `keep` says so.
    pub fn take(&mut self, bytes: &[u8], mut keep: impl FnMut(&[u8]) -> Found<()>) -> Found<Option<usize>> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.stage {
                Stage::End | Stage::Rest(0) => {
                    self.stage = Stage::End;
                    return Ok(Some(at));
                }
                _ if rest.is_empty() => return Ok(None),
                Stage::Rest(left) | Stage::Data(left) => {
                    let take = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    keep(&rest[..take])?;
                    at += take;
                    let left = left - take as u64;
                    self.stage = match self.stage {
                        Stage::Rest(_) => Stage::Rest(left),
                        _ if left == 0 => Stage::Gap,
                        _ => Stage::Data(left),
                    };
                }
                Stage::Size | Stage::Gap | Stage::Trailer => at += self.lines(rest)?,
            }
        }
    }

    /// Takes bytes that are no data; how many.
    fn lines(&mut self, bytes: &[u8]) -> Found<usize> {
        let before = self.line.len();
        // All that a line may have, whatever comes behind it.
        self.line.extend_from_slice(&bytes[..bytes.len().min(MOST_AT_ONCE)]);
        let (next, end) = match self.stage {
            Stage::Gap => match &self.line[..] {
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
            _ => match trailer_line(&self.line, 0)? {
                Err(_) => return Ok(self.line.len() - before),
                Ok(length) => (Stage::End, length),
            },
        };
        self.spend(end as u64)?;
        self.line.clear();
        self.stage = next;
        Ok(end - before)
    }

    fn spend(&mut self, bytes: u64) -> Found<()> {
        self.room = self.room.checked_sub(bytes).ok_or(TOO_LARGE)?;
        Ok(())
    }
}

/// Bytes of lines that are looked at together.
const MOST_AT_ONCE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::Refusal;
    use super::*;

    /// What is read of `bytes` in pieces of `size`: the data, and how much was the request's.
    fn read(mut reader: BodyDecoder, bytes: &[u8], size: usize) -> Found<(Vec<u8>, Option<usize>)> {
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
    fn a_body_is_read_alike_wherever_the_reads_end() {
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
    fn what_is_no_body_is_refused() {
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
