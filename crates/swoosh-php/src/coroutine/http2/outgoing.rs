//! A request to send, and its target.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Uri};

/// A request.
#[derive(Debug)]
pub struct OutgoingRequest<B> {
    /// Method, URI and fields.
    pub head: Request<()>,
    /// The body, or the beginning of it.
    pub body: B,
    /// More of the body follows.
    pub is_open: bool,
    /// How the response is delivered.
    pub parts: Parts,
}

/// How a response is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parts {
    /// As a whole.
    #[default]
    Whole,
    /// As its body arrives. The head comes with the first part of the body.
    Body,
    /// As it arrives. The head may come alone.
    HeadFirst,
}

/// A target. Bytes that a path cannot contain are escaped (RFC 3986 section 2.1).
///
/// # Errors
/// The message for PHP if a part is not valid.
pub fn uri(scheme: &str, authority: &[u8], path: &[u8]) -> Result<Uri, String> {
    if path.iter().any(|&byte| byte < b' ' || byte == 127) {
        return Err("the path contains control characters".to_owned());
    }
    let mut escaped = Vec::with_capacity(path.len() + 1);
    if !path.starts_with(b"/") && path != b"*" {
        escaped.push(b'/');
    }
    for &byte in path {
        match byte {
            b' ' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'|' => {
                escaped.extend_from_slice(format!("%{byte:02X}").as_bytes())
            }
            _ => escaped.push(byte),
        }
    }
    let path = PathAndQuery::try_from(&escaped[..]).map_err(|e| format!("the path is not valid: {e}"))?;
    let authority = Authority::try_from(authority).map_err(|e| format!("the host is not valid: {e}"))?;
    let scheme = if scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP };
    Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build().map_err(|e| e.to_string())
}

/// Fields of HTTP/1.1's connection, which make an HTTP/2 request malformed (RFC 9113 section 8.2.2).
pub const FORBIDDEN: [&[u8]; 5] = [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
