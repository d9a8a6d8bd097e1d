//! TLS on a connection to a server.

use crate::api::socket::protocol;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::coroutine::tls::CONTEXT_FAILED;
use crate::runtime::last_error;
use std::time::Duration;
use swoosh::sys::error_text;
use swoosh_zend::{Array, PhpResult};

/// Performs the handshake as the settings say, and offers `protocols` (ALPN, RFC 7301). A failure is an error code and its
/// message.
pub fn encrypt(
    link: &CoroutineSocket,
    settings: &Array,
    host: &[u8],
    protocols: &[&[u8]],
    limit: Option<Duration>,
) -> PhpResult<Result<(), (ErrorCode, String)>> {
    let refused = || (CONTEXT_FAILED, "invalid TLS settings".to_owned());
    let Some((_, wanted)) = protocol(settings) else { return Ok(Err(refused())) };
    match wanted.begin_with(host, protocols) {
        Ok(session) => link.start_tls(session),
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            return Ok(Err(refused()));
        }
    }
    let why = |code| link.tls_error().unwrap_or_else(|| error_text(code));
    Ok(link.handshake(limit)?.map_err(|code| (code, why(code))))
}
