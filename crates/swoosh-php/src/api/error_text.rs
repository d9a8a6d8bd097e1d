//! The texts of error codes: the system's, and from 501 on the module's own.

use super::constants::CONSTANTS;
use swoosh::sys::error_text;
use swoosh_zend::module::Constant;

/// The text of a code of any kind that `errCode` and `swoole_last_error()` have.
pub fn of_code(code: i64) -> String {
    match i32::try_from(code) {
        Ok(system) if code <= LAST_OF_SYSTEM => error_text(system),
        _ => of_module(code),
    }
}

/// The text of a code of the module's own. Those of name resolution are Swoole's, since programs show them.
pub fn of_module(code: i64) -> String {
    match code {
        DNS_RESOLVE_FAILED => "DNS Lookup resolve failed".to_owned(),
        DNS_RESOLVE_TIMEOUT => "DNS Lookup resolve timeout".to_owned(),
        _ => CONSTANTS
            .iter()
            .find_map(|(name, value)| match value {
                Constant::Int(n) if *n == code => name.strip_prefix("SWOOLE_ERROR_"),
                _ => None,
            })
            .map_or_else(|| format!("Unknown error {code}"), |name| name.to_lowercase().replace('_', " ")),
    }
}

/// The text of a code of getaddrinfo(3), as the C library has it.
pub fn of_address_lookup(code: i64) -> String {
    let text = match code {
        -1 => "Bad value for ai_flags",
        -2 => "Name or service not known",
        -3 => "Temporary failure in name resolution",
        -4 => "Non-recoverable failure in name resolution",
        -5 => "No address associated with hostname",
        -6 => "ai_family not supported",
        -7 => "ai_socktype not supported",
        -8 => "Servname not supported for ai_socktype",
        -10 => "Memory allocation failure",
        -11 => "System error",
        _ => "Unknown error",
    };
    text.to_owned()
}

/// The text of a code of gethostbyname(3), as the C library's hstrerror(3) has it.
pub fn of_host_lookup(code: i64) -> String {
    let text = match code {
        0 => "Resolver Error 0 (no error)",
        1 => "Unknown host",
        2 => "Host name lookup failure",
        3 => "Unknown server error",
        4 => "No address associated with name",
        ..0 => "Resolver internal error",
        _ => "Unknown resolver error",
    };
    text.to_owned()
}

const LAST_OF_SYSTEM: i64 = 500;
const DNS_RESOLVE_FAILED: i64 = 711;
const DNS_RESOLVE_TIMEOUT: i64 = 712;
