//! Encodes responses.
//!
//! ```
//! use swoosh_proto::http1::response_writer::{date, put_chunk, reason};
//!
//! assert_eq!(reason(404), "Not Found");
//! assert_eq!(&date(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
//! let mut out = Vec::new();
//! put_chunk(&mut out, b"hello");
//! assert_eq!(out, b"5\r\nhello\r\n");
//! ```

use std::io::Write;

/// The reason phrase of a status in IANA's register; `Unknown Status` for another one.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        306 => "(Unused)",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Entity",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        510 => "Not Extended",
        511 => "Network Authentication Required",
        _ => "Unknown Status",
    }
}

/// Whether a response to `method` with `status` may have a body (RFC 9110 section 6.4.1).
pub fn has_body(method: &str, status: u16) -> bool {
    method != "HEAD" && !(100..200).contains(&status) && status != 204 && status != 304
}

/// The interim response that asks for the body (RFC 9110 section 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Appends a number in decimal.
pub fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a chunk (RFC 9112 section 7.1). Empty data appends nothing, because an empty chunk would be the last one.
pub fn put_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let _ = write!(out, "{:x}\r\n", data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Whether bytes are a valid field value (RFC 9110 section 5.5): without CR, LF and NUL.
pub fn is_field_value(value: &[u8]) -> bool {
    !value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0))
}

/// Formats a date (RFC 9110 section 5.6.7) given in seconds since the epoch.
pub fn date(seconds: i64) -> [u8; 29] {
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    let (year, month, day) = civil_date(days);
    let mut out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let week = (days + 4).rem_euclid(7) as usize * 3;
    out[..3].copy_from_slice(&b"SunMonTueWedThuFriSat"[week..week + 3]);
    put_two_digits(&mut out, 5, day);
    let name = (month as usize - 1) * 3;
    out[8..11].copy_from_slice(&b"JanFebMarAprMayJunJulAugSepOctNovDec"[name..name + 3]);
    let year = year.clamp(0, 9999) as u32;
    put_two_digits(&mut out, 12, year / 100);
    put_two_digits(&mut out, 14, year % 100);
    for (at, part) in [(17, of_day / 3600), (20, of_day / 60 % 60), (23, of_day % 60)] {
        put_two_digits(&mut out, at, part as u32);
    }
    out
}

fn put_two_digits(out: &mut [u8], at: usize, number: u32) {
    out[at] = b'0' + (number / 10 % 10) as u8;
    out[at + 1] = b'0' + (number % 10) as u8;
}

/// Year, month and day in the Gregorian calendar of a number of days since the epoch.
fn civil_date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_formatted_as_specified() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(std::str::from_utf8(&date(seconds)), Ok(text));
        }
    }

    #[test]
    fn chunks_start_with_their_size() {
        let mut out = Vec::new();
        put_chunk(&mut out, b"");
        put_chunk(&mut out, &[b'x'; 26]);
        assert_eq!(out, [b"1a\r\n".as_slice(), &[b'x'; 26], b"\r\n"].concat());
    }
}
