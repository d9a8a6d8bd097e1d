//! Encoders of content codings. Each thread keeps those that it has used: making one costs more than a small body.

use super::coding::Coding;
use super::encoded_cache::EncodedCache;
use libdeflater::{CompressionLvl, Compressor};
use std::cell::RefCell;
use std::io::Write;

thread_local! {
    /// Made with the first body, because it is large.
    static KEPT: RefCell<Option<Box<EncodedCache>>> = const { RefCell::new(None) };
    static DEFLATE: RefCell<Option<(u32, Compressor)>> = const { RefCell::new(None) };
    static ZSTD: RefCell<Option<(u32, zstd::bulk::Compressor<'static>)>> = const { RefCell::new(None) };
}

/// Encodes a body at `level` (1 fastest, 9 and above smallest), unless it is kept from an earlier time; `None` if the encoder
/// fails.
pub(super) fn encode(coding: Coding, level: u32, body: &[u8]) -> Option<Vec<u8>> {
    KEPT.with_borrow_mut(|kept| {
        kept.get_or_insert_default().get_or_encode((coding, level), body, || encode_anew(coding, level, body))
    })
}

fn encode_anew(coding: Coding, level: u32, body: &[u8]) -> Option<Vec<u8>> {
    match coding {
        Coding::Gzip => deflate(level, |encoder| {
            let mut out = vec![0; encoder.gzip_compress_bound(body.len())];
            let length = encoder.gzip_compress(body, &mut out).ok()?;
            out.truncate(length);
            Some(out)
        }),
        Coding::Deflate => deflate(level, |encoder| {
            let mut out = vec![0; encoder.zlib_compress_bound(body.len())];
            let length = encoder.zlib_compress(body, &mut out).ok()?;
            out.truncate(length);
            Some(out)
        }),
        Coding::Brotli => {
            let out = Vec::with_capacity(body.len() / 2 + 64);
            let mut encoder = brotli::CompressorWriter::new(out, BROTLI_BUFFER, level, BROTLI_WINDOW_BITS);
            encoder.write_all(body).ok()?;
            Some(encoder.into_inner())
        }
        Coding::Zstd => ZSTD.with_borrow_mut(|kept| {
            let encoder = match kept {
                Some((kept_level, encoder)) if *kept_level == level => encoder,
                kept => &mut kept.insert((level, zstd::bulk::Compressor::new(level as i32).ok()?)).1,
            };
            encoder.compress(body).ok()
        }),
    }
}

fn deflate(level: u32, run: impl FnOnce(&mut Compressor) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    DEFLATE.with_borrow_mut(|kept| {
        let encoder = match kept {
            Some((kept_level, encoder)) if *kept_level == level => encoder,
            kept => &mut kept.insert((level, Compressor::new(CompressionLvl::new(level as i32).ok()?))).1,
        };
        run(encoder)
    })
}

/// Bytes that the encoder of brotli takes at a time.
const BROTLI_BUFFER: usize = 4096;
/// The window of brotli, 4 MiB (RFC 7932 section 9.1).
const BROTLI_WINDOW_BITS: u32 = 22;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn decoded(coding: Coding, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Gzip => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut out).unwrap()),
            Coding::Deflate => drop(flate2::read::ZlibDecoder::new(body).read_to_end(&mut out).unwrap()),
            Coding::Brotli => drop(brotli::Decompressor::new(body, 4096).read_to_end(&mut out).unwrap()),
            Coding::Zstd => out = zstd::stream::decode_all(body).unwrap(),
        }
        out
    }

    #[test]
    fn every_coding_gives_the_body_back_at_each_level() {
        let bodies =
            [Vec::new(), b"x".to_vec(), b"some text that repeats ".repeat(500), (0..=255).collect(), vec![7; 300_000]];
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            for level in 1..=11 {
                for body in &bodies {
                    let encoded = encode_anew(coding, level, body).unwrap();
                    assert!(decoded(coding, &encoded) == *body, "{coding:?} at {level}, {} bytes", body.len());
                }
            }
        }
    }

    #[test]
    fn a_small_page_takes_fewer_bytes_than_with_zlib() {
        let page = b"<li>some text that repeats</li>".repeat(130);
        let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
        zlib.write_all(&page).unwrap();
        assert!(encode(Coding::Gzip, 1, &page).unwrap().len() < zlib.finish().unwrap().len());
    }
}
