//! Compression of responses: negotiation (RFC 9110 section 12.5.3) and the rules of the settings.

use crate::config::CompressionConfig;

pub use super::coding::Coding;

/// The rules of compression: which responses, at which level.
///
/// ```
/// use swoosh::http::compress::{Coding, Rules};
///
/// let rules = Rules::default();
/// # #[cfg(feature = "compression")]
/// assert_eq!(rules.negotiate(b"gzip, br;q=0.5"), Some(Coding::Gzip));
/// assert!(rules.suits(b"text/html; charset=utf-8", 100));
/// assert!(!rules.suits(b"text/html", 10));
/// ```
#[derive(Debug)]
pub struct Rules {
    enabled: bool,
    level: u32,
    min_length: usize,
    /// In lower case; `None`: every type.
    types: Option<Vec<Vec<u8>>>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules::new(&CompressionConfig::default())
    }
}

impl Rules {
    /// Nothing is compressed.
    pub fn off() -> Self {
        Rules::new(&CompressionConfig { enabled: false, ..CompressionConfig::default() })
    }

    /// The rules of those settings.
    pub fn new(config: &CompressionConfig) -> Self {
        Rules {
            enabled: config.enabled,
            level: config.level.clamp(1, 11),
            min_length: config.min_length,
            types: config.types.clone(),
        }
    }

    /// The coding that the client prefers, from the value of its `Accept-Encoding` field.
    pub fn negotiate(&self, accept: &[u8]) -> Option<Coding> {
        if !self.enabled || !cfg!(feature = "compression") {
            return None;
        }
        let mut any = None;
        let mut weights = [None; 4];
        for item in accept.split(|&b| b == b',') {
            let mut parts = item.split(|&b| b == b';').map(<[u8]>::trim_ascii);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|p| p.strip_prefix(b"q=").or(p.strip_prefix(b"Q="))).map_or(1000, quality);
            let place = match name.as_slice() {
                b"br" => &mut weights[0],
                b"zstd" => &mut weights[1],
                b"gzip" | b"x-gzip" => &mut weights[2],
                b"deflate" => &mut weights[3],
                b"*" => &mut any,
                _ => continue,
            };
            *place = Some(quality);
        }
        let weight = |n: usize| weights[n].or(any).unwrap_or(0);
        let best = (0..4).rev().max_by_key(|&n| weight(n)).filter(|&n| weight(n) > 0)?;
        Some([Coding::Brotli, Coding::Zstd, Coding::Gzip, Coding::Deflate][best])
    }

    /// Whether a body of that type and length should be compressed.
    pub fn suits(&self, content_type: &[u8], length: usize) -> bool {
        let Some(types) = &self.types else { return length >= self.min_length };
        let essence = content_type.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
        length >= self.min_length && types.iter().any(|known| known.eq_ignore_ascii_case(essence))
    }

    /// The compressed body; `None` if the encoder fails.
    #[cfg(feature = "compression")]
    pub fn compress(&self, coding: Coding, body: &[u8]) -> Option<Vec<u8>> {
        super::encode::encode(coding, self.level, body)
    }

    /// Without the feature `compression` nothing is compressed.
    #[cfg(not(feature = "compression"))]
    pub fn compress(&self, _: Coding, _: &[u8]) -> Option<Vec<u8>> {
        let _ = self.level;
        None
    }
}

/// A weight (RFC 9110 section 12.4.2) in thousandths; 0 if it is malformed.
fn quality(text: &[u8]) -> u16 {
    let value = std::str::from_utf8(text).ok().and_then(|t| t.trim().parse::<f32>().ok());
    value.filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| (q * 1000.0) as u16)
}
