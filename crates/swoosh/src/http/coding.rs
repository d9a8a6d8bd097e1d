//! Content codings.

/// A content coding (RFC 9110 section 8.4.1).
///
/// ```
/// assert_eq!(swoosh::http::compress::Coding::Brotli.name(), "br");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `br`, RFC 7932.
    Brotli,
    /// `zstd`, RFC 8878.
    Zstd,
    /// `gzip`, RFC 1952.
    Gzip,
    /// `deflate`: zlib's format, RFC 1950.
    Deflate,
}

impl Coding {
    /// The name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }
}
