//! Queued output of a connection: bytes and ranges of files, in order.

use super::parts::Parts;
use super::wire::Wire;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::rc::Rc;

/// A queue of output. Empty, it holds no memory beyond itself.
#[derive(Debug, Default)]
pub(super) struct Output {
    queue: VecDeque<Piece>,
    /// Bytes queued in memory.
    len: u64,
    /// Ranges of files that are queued.
    files: usize,
}

/// Numbers of bytes that were written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    /// All bytes.
    pub(super) all: u64,
    /// Without the bytes of files.
    pub(super) from_memory: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes { data: Vec<u8>, sent: usize },
    File { file: Rc<File>, offset: u64, end: u64 },
}

impl Output {
    /// Whether nothing is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes queued in memory. Bytes of files do not count: they use no memory until they are sent.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Ranges of files that are queued, each an open descriptor.
    pub(super) fn files(&self) -> usize {
        self.files
    }

    /// Appends bytes.
    pub(super) fn push(&mut self, parts: Parts<'_>) {
        parts.slices().into_iter().filter(|part| !part.is_empty()).for_each(|part| self.push_part(part));
    }

    fn push_part(&mut self, data: &[u8]) {
        self.len += data.len() as u64;
        if let Some(Piece::Bytes { data: last, .. }) = self.queue.back_mut()
            && last.len() + data.len() <= COALESCE
        {
            last.extend_from_slice(data);
            return;
        }
        let mut first = Vec::with_capacity(data.len().max(FIRST));
        first.extend_from_slice(data);
        self.queue.push_back(Piece::Bytes { data: first, sent: 0 });
    }

    /// Appends the bytes of `file` from `offset` up to `end`.
    pub(super) fn push_file(&mut self, file: Rc<File>, offset: u64, end: u64) {
        self.files += 1;
        self.queue.push_back(Piece::File { file, offset, end });
    }

    /// Drops the queue; the number of bytes in memory that were dropped.
    pub(super) fn clear(&mut self) -> u64 {
        self.queue = VecDeque::new();
        self.files = 0;
        std::mem::take(&mut self.len)
    }

    /// Writes until the queue is empty, the wire takes no more (`WouldBlock`), or it fails. The numbers of bytes written are
    /// valid in each case.
    pub(super) fn write_to(&mut self, wire: &mut Wire<'_>) -> (Written, io::Result<()>) {
        let mut written = Written::default();
        while let Some(piece) = self.queue.front_mut() {
            let result = match piece {
                Piece::Bytes { data, sent } => wire.send(Parts::from(&data[*sent..]), false).inspect(|n| *sent += n),
                Piece::File { file, offset, end } => {
                    let length = (*end - *offset).min(FILE_PIECE) as usize;
                    match wire.send_file(file, offset, length) {
                        // The file became shorter after its length was announced.
                        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                        other => other,
                    }
                }
            };
            match result {
                Ok(n) => {
                    written.all += n as u64;
                    if matches!(piece, Piece::Bytes { .. }) {
                        written.from_memory += n as u64;
                        self.len -= n as u64;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return (written, Err(e)),
            }
            let done = match piece {
                Piece::Bytes { data, sent } => *sent == data.len(),
                Piece::File { offset, end, .. } => offset == end,
            };
            if done && let Some(Piece::File { .. }) = self.queue.pop_front() {
                self.files -= 1;
            }
        }
        if self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
        (written, wire.flush())
    }
}

/// Small writes are joined up to this size.
const COALESCE: usize = 64 << 10;
/// Capacity of the first piece: small replies to pipelined requests follow one another.
const FIRST: usize = 2 << 10;
/// Bytes of a file sent at once, so that one large file does not delay the other connections.
const FILE_PIECE: u64 = 1 << 20;
