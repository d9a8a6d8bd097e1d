//! Local time: calendar fields and strftime(3).

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment in the machine's time zone.
///
/// ```
/// use std::time::SystemTime;
/// use swoosh_os::local_time::LocalTime;
///
/// let [year, ..] = LocalTime::at(SystemTime::now()).to_minute();
/// assert!(year >= 2025);
/// ```
#[derive(Clone, Copy)]
pub struct LocalTime {
    parts: libc::tm,
    /// Microseconds within the second, 0 to 999,999.
    pub micros: u32,
}

impl LocalTime {
    /// Converts `moment`. A moment before 1970 counts as the beginning of 1970.
    pub fn at(moment: SystemTime) -> Self {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = libc::time_t::try_from(since.as_secs()).unwrap_or(libc::time_t::MAX);
        let mut parts = MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: both pointers are to live values of the right types. A moment out of range leaves `parts` zeroed,
        // and all-zero is a valid `tm` (its zone name, a null pointer, is passed to strftime only).
        let parts = unsafe {
            libc::localtime_r(&seconds, parts.as_mut_ptr());
            parts.assume_init()
        };
        LocalTime { parts, micros: since.subsec_micros() }
    }

    /// Year (2026), month (1 to 12), day (1 to 31), hour (0 to 23) and minute (0 to 59).
    pub fn to_minute(&self) -> [u32; 5] {
        let parts = &self.parts;
        [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min].map(|n| n.max(0) as u32)
    }

    /// Formats the moment by strftime(3). The result is empty if the format contains a NUL byte or produces more than
    /// 255 bytes.
    pub fn format(&self, format: &str) -> String {
        let Ok(format) = CString::new(format) else {
            return String::new();
        };
        let mut text = [0_u8; 256];
        // SAFETY: strftime writes at most `text.len()` bytes, `format` ends with NUL, and localtime_r has filled
        // `parts`, whose zone name points to memory that the C library never frees.
        let length = unsafe { libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &self.parts) };
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_moment_is_formatted_as_strftime_does() {
        let moment = UNIX_EPOCH + Duration::from_micros(1_769_860_800_000_042);
        let time = LocalTime::at(moment);
        assert_eq!(time.format("%s|%%"), "1769860800|%");
        assert_eq!(time.micros, 42);
        let [year, month, day, hour, minute] = time.to_minute();
        assert_eq!(time.format("%Y%m%d%H%M"), format!("{year}{month:02}{day:02}{hour:02}{minute:02}"));
    }

    #[test]
    fn an_invalid_format_gives_an_empty_text() {
        let time = LocalTime::at(UNIX_EPOCH);
        assert_eq!(time.format(""), "");
        assert_eq!(time.format("a\0b"), "");
        assert_eq!(time.format(&"x".repeat(300)), "");
        assert!(!LocalTime::at(UNIX_EPOCH - Duration::from_secs(5)).format("%Y").is_empty());
    }
}
