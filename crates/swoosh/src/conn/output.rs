//! What waits for a peer: bytes and pieces of files, in order.

use super::wire::Wire;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::rc::Rc;

/// A connection's output. Empty, it holds no memory beyond itself.
#[derive(Debug, Default)]
pub struct Output {
    queue: VecDeque<Piece>,
    /// Bytes that wait in memory.
    len: u64,
    /// Pieces of files that wait.
    files: usize,
}

/// Bytes that were written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// All of them.
    pub all: u64,
    /// Those that were not a file's.
    pub from_memory: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes { data: Vec<u8>, sent: usize },
    File { file: Rc<File>, offset: u64, end: u64 },
}

impl Output {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait in memory. A file's are not among them: they cost nothing until the peer takes them.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Pieces of files that wait, each of them an open descriptor.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Appends bytes.
    pub fn push(&mut self, data: &[u8]) {
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
    pub fn push_file(&mut self, file: Rc<File>, offset: u64, end: u64) {
        self.files += 1;
        self.queue.push_back(Piece::File { file, offset, end });
    }

    /// Drops what waits; how many bytes of memory that were.
    pub fn clear(&mut self) -> u64 {
        self.queue = VecDeque::new();
        self.files = 0;
        std::mem::take(&mut self.len)
    }

    /// Writes until all is out, or the wire takes no more (`WouldBlock`), or it fails. The numbers of bytes written, in
    /// all and from memory, are right in each case.
    pub fn write_to(&mut self, wire: &mut Wire<'_>) -> (Written, io::Result<()>) {
        let mut written = Written::default();
        while let Some(piece) = self.queue.front_mut() {
            let result = match piece {
                Piece::Bytes { data, sent } => wire.send(&data[*sent..], false).inspect(|n| *sent += n),
                Piece::File { file, offset, end } => {
                    let want = (*end - *offset).min(FILE_PIECE) as usize;
                    match wire.send_file(file, offset, want) {
                        // The file was cut short after it was promised.
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

/// Small sends that wait are joined up to this size.
const COALESCE: usize = 64 << 10;
/// Room for what first waits: small answers to pipelined requests come one after the other.
const FIRST: usize = 2 << 10;
/// Bytes of a file handed to the kernel at once, so that one large file does not hold up the others.
const FILE_PIECE: u64 = 1 << 20;
