//! The body of an answer without its content coding (RFC 9110 section 8.4).

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::{self, Write};

/// Unpacks a body piece by piece.
pub(crate) enum Decoder {
    /// Identity, or decompression is off.
    Plain,
    /// `gzip`.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// `deflate` before its first byte, which tells zlib from raw.
    Unknown,
    /// `deflate` in zlib format (RFC 9110 section 8.4.1.2).
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    /// Raw `deflate`, which some servers send.
    Raw(Box<DeflateDecoder<Vec<u8>>>),
    /// `br`.
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
    /// `zstd`.
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
}

impl Decoder {
    /// For a `Content-Encoding`; what is not known is left as it is.
    pub(crate) fn new(coding: &[u8]) -> Decoder {
        match coding.trim_ascii().to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            b"deflate" => Decoder::Unknown,
            b"br" => Decoder::Brotli(Box::new(brotli::DecompressorWriter::new(Vec::new(), CHUNK))),
            b"zstd" => match zstd::stream::write::Decoder::new(Vec::new()) {
                Ok(decoder) => Decoder::Zstd(Box::new(decoder)),
                Err(_) => Decoder::Plain,
            },
            _ => Decoder::Plain,
        }
    }

    /// Decompresses at most [`STEP`] bytes, which bounds the output of a decompression bomb per call.
    ///
    /// # Errors
    /// The bytes are not valid in this coding.
    pub(crate) fn take(&mut self, step: &[u8]) -> io::Result<Vec<u8>> {
        if let (Decoder::Unknown, Some(&first)) = (&self, step.first()) {
            // RFC 1950 section 2.2: the method of a zlib header is 8.
            *self = match first & 15 {
                8 => Decoder::Zlib(Box::new(ZlibDecoder::new(Vec::new()))),
                _ => Decoder::Raw(Box::new(DeflateDecoder::new(Vec::new()))),
            };
        }
        Ok(std::mem::take(match self {
            Decoder::Plain => return Ok(step.to_vec()),
            Decoder::Unknown => return Ok(Vec::new()),
            Decoder::Gzip(to) => to.write_all(step).map(|()| to.get_mut())?,
            Decoder::Zlib(to) => to.write_all(step).map(|()| to.get_mut())?,
            Decoder::Raw(to) => to.write_all(step).map(|()| to.get_mut())?,
            Decoder::Brotli(to) => to.write_all(step).map(|()| to.get_mut())?,
            Decoder::Zstd(to) => to.write_all(step).map(|()| to.get_mut())?,
        }))
    }

    /// The end of the body: what is left of it.
    ///
    /// # Errors
    /// The compressed stream is truncated.
    pub(crate) fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Decoder::Plain | Decoder::Unknown => Ok(Vec::new()),
            Decoder::Gzip(to) => to.try_finish().map(|()| std::mem::take(to.get_mut())),
            Decoder::Zlib(to) => to.try_finish().map(|()| std::mem::take(to.get_mut())),
            Decoder::Raw(to) => to.try_finish().map(|()| std::mem::take(to.get_mut())),
            Decoder::Brotli(to) => {
                to.close()?;
                Ok(std::mem::take(to.get_mut()))
            }
            Decoder::Zstd(to) => to.flush().map(|()| std::mem::take(to.get_mut())),
        }
    }
}

/// Compressed bytes per step; the expansion factor is about 1000 at most.
pub(crate) const STEP: usize = 16384;
const CHUNK: usize = 4096;
