//! A request whose body is too long for memory and is spooled to a file. The caller reads from the connection and replies.

use crate::error::Error;
use crate::proto::http1::Refusal;
use crate::proto::http1::body_decoder::BodyDecoder;
use crate::proto::http1::request::{Request, field_buffer};
use crate::sys::temp_file::TempFile;
use std::path::Path;

/// A request whose body is being spooled to a file.
///
/// ```
/// use swoosh::conn::incoming::SpooledRequest;
///
/// let bytes = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
/// let (mut request, head) = SpooledRequest::begin(bytes, 100, &std::env::temp_dir()).unwrap();
/// assert_eq!(request.take(&bytes[head..]).unwrap(), Some(3));
/// ```
pub struct SpooledRequest {
    head: Vec<u8>,
    body: BodyDecoder,
    file: TempFile,
}

/// The reason why a request cannot be spooled.
#[derive(Debug)]
pub enum SpoolError {
    /// The request is malformed or too long.
    Refused(Refusal),
    /// The disk is full or fails.
    Disk(Error),
}

impl SpooledRequest {
    /// Starts with bytes that begin with a complete head; the body, at most `max_body` bytes, goes to an unnamed file in
    /// `directory`. Returns the length of the head: the bytes after it are for [`take`](SpooledRequest::take).
    ///
    /// # Errors
    /// If the head is malformed, or no file can be made.
    pub fn begin(bytes: &[u8], max_body: u64, directory: &Path) -> Result<(Self, usize), SpoolError> {
        let mut fields = field_buffer();
        let Some((request, headers)) = Request::parse(bytes, &mut fields) else {
            return Err(SpoolError::Refused(Refusal::new(400, "the head is malformed")));
        };
        let body = BodyDecoder::for_request(&request, headers, max_body);
        let file = TempFile::new(directory).map_err(|e| SpoolError::Disk(e.into()))?;
        Ok((SpooledRequest { head: bytes[..request.head].to_vec(), body, file }, request.head))
    }

    /// Writes received bytes of the body. Returns, when the body is complete, how many of these bytes belong to it.
    ///
    /// # Errors
    /// If the body is malformed or too long, or cannot be written.
    pub fn take(&mut self, data: &[u8]) -> Result<Option<usize>, SpoolError> {
        let mut failed = None;
        let taken = self.body.take(data, |piece| {
            self.file.append(piece).map_err(|e| {
                failed = Some(e);
                DISK_ERROR
            })
        });
        taken.map_err(|refusal| failed.map_or(SpoolError::Refused(refusal), |e| SpoolError::Disk(e.into())))
    }

    /// The length of the body so far, bytes.
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Whether nothing of the body has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The head, and the body on disk. Trailers are behind the head, as the end of a body in chunks that has no data.
    pub fn finish(mut self) -> (Vec<u8>, TempFile) {
        if self.body.trailers().len() > EMPTY_LINE {
            self.head.extend_from_slice(b"0\r\n");
            self.head.extend_from_slice(self.body.trailers());
        }
        (self.head, self.file)
    }
}

/// Bytes of a trailer section without fields.
const EMPTY_LINE: usize = 2;
/// The refusal after an error of the disk.
pub const DISK_ERROR: Refusal = Refusal::new(500, "its body cannot be kept");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_before_the_next_request() {
        let bytes = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        let (mut incoming, head) = SpooledRequest::begin(bytes, 100, &std::env::temp_dir()).unwrap();
        assert_eq!(incoming.take(&bytes[head..]).unwrap(), None);
        assert_eq!(incoming.len(), 3);
        assert_eq!(incoming.take(b"2\r\nde\r\n0\r\n\r\nGET").unwrap(), Some(12));
        let (own, stored) = incoming.finish();
        assert_eq!((own.as_slice(), stored.read(0..5).unwrap()), (&bytes[..head], b"abcde".to_vec()));
    }

    #[test]
    fn a_malformed_body_and_a_failing_disk_have_different_errors() {
        let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (mut incoming, _) = SpooledRequest::begin(head, 100, &std::env::temp_dir()).unwrap();
        assert!(matches!(incoming.take(b"nonsense\r\n"), Err(SpoolError::Refused(Refusal { status: 400, .. }))));
        let (mut incoming, _) = SpooledRequest::begin(head, 4, &std::env::temp_dir()).unwrap();
        assert!(matches!(incoming.take(b"5\r\nabcde\r\n"), Err(SpoolError::Refused(Refusal { status: 413, .. }))));
        assert!(matches!(SpooledRequest::begin(head, 4, Path::new("/no/such/folder")), Err(SpoolError::Disk(_))));
        assert!(matches!(SpooledRequest::begin(b"\r\n\r\n", 4, Path::new("/tmp")), Err(SpoolError::Refused(_))));
    }
}
