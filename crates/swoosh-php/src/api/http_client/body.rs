//! Bodies of requests: forms (RFC 7578), whose files are read while they are sent.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use swoosh_zend::{Array, Zval};

/// A part of a body.
pub(super) enum Part {
    /// Bytes.
    Bytes(Vec<u8>),
    /// `length` bytes of a file from `offset` on: path, offset, length.
    File(String, u64, u64),
}

/// A body, part by part.
#[derive(Default)]
pub(super) struct Body {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

impl Body {
    /// A body of bytes only.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Body { parts: vec![Part::Bytes(bytes)] }
    }

    /// How long it is, bytes.
    pub(super) fn length(&self) -> u64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => bytes.len() as u64,
                Part::File(_, _, length) => *length,
            })
            .sum()
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.parts.push(Part::Bytes(bytes.to_vec())),
        }
    }
}

/// A form with files: `fields` as pairs of name and value, `files` as the client's property has them.
pub(super) fn multipart(boundary: &str, fields: &[(Vec<u8>, Vec<u8>)], files: &Array) -> Body {
    let mut body = Body::default();
    for (name, value) in fields {
        body.push(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes());
        body.push(&quoted(name));
        body.push(b"\"\r\n\r\n");
        body.push(value);
        body.push(b"\r\n");
    }
    for (_, file) in files {
        let Some(file) = file.array() else { continue };
        let text = |name: &str| file.get(name).and_then(Zval::bytes).unwrap_or_default();
        let number = |name: &str| u64::try_from(file.get(name).map_or(0, Zval::to_int)).unwrap_or(0);
        body.push(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"").as_bytes());
        body.push(&quoted(text("name")));
        body.push(b"\"; filename=\"");
        body.push(&quoted(text("filename")));
        body.push(b"\"\r\nContent-Type: ");
        body.push(&quoted(text("type")));
        body.push(b"\r\n\r\n");
        match file.get("content").and_then(Zval::bytes) {
            Some(content) => body.push(content),
            None => {
                let path = String::from_utf8_lossy(text("path")).into_owned();
                body.parts.push(Part::File(path, number("offset"), number("size")));
            }
        }
        body.push(b"\r\n");
    }
    body.push(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// Escapes quotes and line ends as browsers do (RFC 7578 section 2; URL standard, multipart encoding).
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"%22"),
            b'\r' => out.extend_from_slice(b"%0D"),
            b'\n' => out.extend_from_slice(b"%0A"),
            _ => out.push(byte),
        }
    }
    out
}

/// Reads a part of a file, so much of it at a time.
pub(super) struct Slice {
    file: File,
    left: u64,
}

impl Slice {
    /// `length` bytes of a file from `offset` on: path, offset, length.
    pub(super) fn open(path: &str, offset: u64, length: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Slice { file, left: length })
    }

    /// The next bytes; empty at the end.
    ///
    /// # Errors
    /// The file cannot be read, or was truncated.
    pub(super) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; self.left.min(PIECE) as usize];
        self.file.read_exact(&mut piece)?;
        self.left -= piece.len() as u64;
        Ok(piece)
    }
}

/// As forms are encoded: letters, digits and `-_.` stay, a space is a plus.
pub(crate) fn encode(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out
}

/// Bytes of a file that are read at once.
const PIECE: u64 = 1 << 18;
