//! What waits for a peer: bytes and pieces of files, in order.

use crate::sys::socket;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::RawFd;

/// A connection's output. Empty, it holds no memory beyond itself.
#[derive(Debug, Default)]
pub struct Output {
    queue: VecDeque<Piece>,
    /// Bytes that wait, files included.
    len: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes { data: Vec<u8>, sent: usize },
    File { file: File, offset: u64, end: u64 },
}

impl Output {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait.
    pub fn len(&self) -> u64 {
        self.len
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
        self.queue.push_back(Piece::Bytes { data: data.to_vec(), sent: 0 });
    }

    /// Appends the bytes of `file` from `offset` up to `end`.
    pub fn push_file(&mut self, file: File, offset: u64, end: u64) {
        self.len += end - offset;
        self.queue.push_back(Piece::File { file, offset, end });
    }

    /// Drops what waits; how many bytes that were.
    pub fn clear(&mut self) -> u64 {
        self.queue = VecDeque::new();
        std::mem::take(&mut self.len)
    }

    /// Writes until all is out, or the socket takes no more (`WouldBlock`), or it fails. The number of bytes written is
    /// right in each case.
    pub fn write_to(&mut self, socket: RawFd) -> (u64, io::Result<()>) {
        let mut written = 0;
        while let Some(piece) = self.queue.front_mut() {
            let result = match piece {
                Piece::Bytes { data, sent } => socket::send(socket, &data[*sent..]).inspect(|n| *sent += n),
                Piece::File { file, offset, end } => {
                    let want = (*end - *offset).min(FILE_PIECE) as usize;
                    match socket::send_file(socket, file, offset, want) {
                        // The file was cut short after it was promised.
                        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                        other => other,
                    }
                }
            };
            match result {
                Ok(n) => {
                    written += n as u64;
                    self.len -= n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return (written, Err(e)),
            }
            let done = match piece {
                Piece::Bytes { data, sent } => *sent == data.len(),
                Piece::File { offset, end, .. } => offset == end,
            };
            if done {
                self.queue.pop_front();
            }
        }
        if self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
        (written, Ok(()))
    }
}

/// Small sends that wait are joined up to this size.
const COALESCE: usize = 64 << 10;
/// Bytes of a file handed to the kernel at once, so that one large file does not hold up the others.
const FILE_PIECE: u64 = 1 << 20;
