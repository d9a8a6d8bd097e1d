//! A request whose body is too long for memory, on its way to a file: cut by the caller, who reads and answers.

use crate::error::Error;
use crate::proto::http1::Refusal;
use crate::proto::http1::body_decoder::BodyDecoder;
use crate::proto::http1::request::{Request, header_buffer};
use crate::sys::temp_file::TempFile;
use std::path::Path;

/// One request, of which the head is here.
pub struct Incoming {
    head: Vec<u8>,
    body: BodyDecoder,
    file: TempFile,
}

/// Why it is not taken.
#[derive(Debug)]
pub enum Fault {
    /// It is no request that may be.
    Refused(Refusal),
    /// The disk has no room, or fails.
    Disk(Error),
}

impl Incoming {
    /// Begins with bytes that begin with a whole head; its body, of `longest` bytes at most, goes to a file in `folder`. Of
    /// the bytes so many are the head's: the others are for [`take`](Incoming::take).
    ///
    /// # Errors
    /// Where the head is malformed, or no file can be made.
    pub fn begin(bytes: &[u8], longest: u64, folder: &Path) -> Result<(Self, usize), Fault> {
        let mut fields = header_buffer();
        let Some((request, headers)) = Request::parse(bytes, &mut fields) else {
            return Err(Fault::Refused(Refusal::new(400, "the head is malformed")));
        };
        let body = BodyDecoder::for_request(&request, headers, longest);
        let file = TempFile::new(folder).map_err(|e| Fault::Disk(e.into()))?;
        Ok((Incoming { head: bytes[..request.head].to_vec(), body, file }, request.head))
    }

    /// Writes what has come of the body. `Some`: it is whole, and ends behind so many of these bytes.
    ///
    /// # Errors
    /// Where what comes is no body, or cannot be written.
    pub fn take(&mut self, data: &[u8]) -> Result<Option<usize>, Fault> {
        let mut failed = None;
        let taken = self.body.take(data, |piece| {
            self.file.append(piece).map_err(|e| {
                failed = Some(e);
                CANNOT
            })
        });
        taken.map_err(|refusal| failed.map_or(Fault::Refused(refusal), |e| Fault::Disk(e.into())))
    }

    /// Bytes of the body that have come.
    pub fn len(&self) -> u64 {
        self.file.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The head and the body.
    pub fn finish(self) -> (Vec<u8>, TempFile) {
        (self.head, self.file)
    }
}

/// The answer where the disk fails.
pub const CANNOT: Refusal = Refusal::new(500, "its body cannot be kept");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_from_what_comes_behind_it() {
        let bytes = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        let (mut incoming, head) = Incoming::begin(bytes, 100, &std::env::temp_dir()).unwrap();
        assert_eq!(incoming.take(&bytes[head..]).unwrap(), None);
        assert_eq!(incoming.len(), 3);
        assert_eq!(incoming.take(b"2\r\nde\r\n0\r\n\r\nGET").unwrap(), Some(12));
        let (own, stored) = incoming.finish();
        assert_eq!((own.as_slice(), stored.read(0..5).unwrap()), (&bytes[..head], b"abcde".to_vec()));
    }

    #[test]
    fn what_is_no_body_is_refused_and_what_cannot_be_kept_told() {
        let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (mut incoming, _) = Incoming::begin(head, 100, &std::env::temp_dir()).unwrap();
        assert!(matches!(incoming.take(b"nonsense\r\n"), Err(Fault::Refused(Refusal { status: 400, .. }))));
        let (mut incoming, _) = Incoming::begin(head, 4, &std::env::temp_dir()).unwrap();
        assert!(matches!(incoming.take(b"5\r\nabcde\r\n"), Err(Fault::Refused(Refusal { status: 413, .. }))));
        assert!(matches!(Incoming::begin(head, 4, Path::new("/no/such/folder")), Err(Fault::Disk(_))));
        assert!(matches!(Incoming::begin(b"\r\n\r\n", 4, Path::new("/tmp")), Err(Fault::Refused(_))));
    }
}
