//! Conditional requests (RFC 9110 section 13), ranges (section 14) and dates (section 5.6.7).

use super::request::Field;
use super::request::field;

/// The properties of a file that conditions refer to: the selected representation of RFC 9110 section 3.2.
///
/// ```
/// use swoosh_proto::http1::conditional::Representation;
///
/// let file = Representation { size: 1000, modified: 784_111_777, tag: "\"v1\"" };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Representation<'a> {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change, seconds since the epoch.
    pub modified: i64,
    /// The strong entity tag, including its quotes.
    pub tag: &'a str,
}

/// The response that conditions and ranges call for.
///
/// ```
/// use swoosh_proto::http1::conditional::{Representation, Selection, evaluate};
/// use swoosh_proto::http1::request::Field;
///
/// let file = Representation { size: 1000, modified: 784_111_777, tag: "\"v1\"" };
/// let range = [Field { name: b"Range", value: b"bytes=-100" }];
/// assert_eq!(evaluate(&range, file), Selection::Ranges(vec![(900, 1000)]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// 200 with the whole file.
    Whole,
    /// 206 with these parts: the first byte, and the one after the last.
    Ranges(Vec<(u64, u64)>),
    /// 304 Not Modified.
    NotModified,
    /// 412 Precondition Failed.
    PreconditionFailed,
    /// 416 Range Not Satisfiable.
    Unsatisfiable,
}

/// Evaluates the conditions and ranges of a GET or HEAD request in the order of RFC 9110 section 13.2.2.
pub fn evaluate(headers: &[Field<'_>], version: Representation<'_>) -> Selection {
    let date = |name: &str| field(headers, name).and_then(parse_date);
    match (field(headers, "if-match"), date("if-unmodified-since")) {
        (Some(tags), _) if !has_tag(tags, version.tag, true) => return Selection::PreconditionFailed,
        (None, Some(since)) if version.modified > since => return Selection::PreconditionFailed,
        _ => {}
    }
    match (field(headers, "if-none-match"), date("if-modified-since")) {
        (Some(tags), _) if has_tag(tags, version.tag, false) => return Selection::NotModified,
        (None, Some(since)) if version.modified <= since => return Selection::NotModified,
        _ => {}
    }
    let Some(wanted) = field(headers, "range") else { return Selection::Whole };
    if let Some(condition) = field(headers, "if-range") {
        let holds = match parse_date(condition) {
            Some(date) => date == version.modified,
            None => condition == version.tag.as_bytes(),
        };
        if !holds {
            return Selection::Whole;
        }
    }
    ranges(wanted, version.size)
}

/// Whether a list of entity tags is `*` or contains `tag`. A weak tag never matches strongly.
fn has_tag(list: &[u8], tag: &str, strong: bool) -> bool {
    list.split(|&b| b == b',').map(<[u8]>::trim_ascii).any(|item| {
        let weak = item.strip_prefix(b"W/");
        item == b"*" || item == tag.as_bytes() || !strong && weak == Some(tag.as_bytes())
    })
}

/// The ranges of a `Range` field. A malformed field, one with too many ranges, and one whose ranges exceed the file in total
/// are ignored.
fn ranges(value: &[u8], size: u64) -> Selection {
    let unit = value.get(..6).is_some_and(|unit| unit.eq_ignore_ascii_case(b"bytes="));
    let Some(list) = value.get(6..).filter(|_| unit).and_then(|list| std::str::from_utf8(list).ok()) else {
        return Selection::Whole;
    };
    let mut parts = Vec::new();
    for (count, item) in list.split(',').enumerate() {
        let Some((first, last)) = item.trim().split_once('-') else { return Selection::Whole };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if !digits(first) || !digits(last) || first.len() + last.len() == 0 || count >= MAX_RANGES {
            return Selection::Whole;
        }
        // A number beyond 64 bits is beyond the end of every file.
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        let (from, to) = match (first, last) {
            ("", last) => (size.saturating_sub(number(last)), size),
            (first, "") => (number(first), size),
            (first, last) if number(first) > number(last) => return Selection::Whole,
            (first, last) => (number(first), number(last).saturating_add(1).min(size)),
        };
        if from < to {
            parts.push((from, to));
        }
    }
    if parts.is_empty() {
        return Selection::Unsatisfiable;
    }
    let sum = parts.iter().fold(0u64, |sum, (from, to)| sum.saturating_add(to - from));
    if parts.len() > 1 && sum > size { Selection::Whole } else { Selection::Ranges(parts) }
}

/// Parses a date in any of the three formats of RFC 9110 section 5.6.7, in seconds since the epoch; `None` if it is invalid.
///
/// ```
/// let date = swoosh_proto::http1::conditional::parse_date(b"Sun, 06 Nov 1994 08:49:37 GMT");
/// assert_eq!(date, Some(784_111_777));
/// ```
pub fn parse_date(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let words: Vec<&str> = text.split([' ', '-', ',']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [_, month, day, time, year] => (day, month, year, time),
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let (day, mut year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    if year < 100 {
        year += if year < 70 { 2000 } else { 1900 };
    }
    ((1..=31).contains(&day) && hour < 24 && parts.next().is_none() && (1..=9999).contains(&year))
        .then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since the epoch of a date in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Ranges of one response, at most.
const MAX_RANGES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::response_writer::date;

    #[test]
    fn dates_are_parsed_as_formatted() {
        for seconds in [0, 784_111_777, 951_782_400, 1_709_164_800, 4_102_444_799, 253_402_300_799] {
            assert_eq!(parse_date(&date(seconds)), Some(seconds));
        }
        assert_eq!(parse_date(b"Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_date(b"Sun Nov  6 08:49:37 1994"), Some(784_111_777));
        for bad in
            ["", "nonsense", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 25:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET"]
        {
            assert_eq!(parse_date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn ranges_are_parsed_as_in_rfc_9110_section_14() {
        use Selection::{Ranges, Unsatisfiable, Whole};
        for (value, wanted) in [
            ("bytes=0-3", Ranges(vec![(0, 4)])),
            ("bytes=4-", Ranges(vec![(4, 10)])),
            ("bytes=-3", Ranges(vec![(7, 10)])),
            ("bytes=5-100", Ranges(vec![(5, 10)])),
            ("bytes=-100", Ranges(vec![(0, 10)])),
            ("bytes=0-99999999999999999999", Ranges(vec![(0, 10)])),
            ("BYTES=0-0, 2-2,-1", Ranges(vec![(0, 1), (2, 3), (9, 10)])),
            ("bytes=0-1,20-30", Ranges(vec![(0, 2)])),
            ("bytes=10-", Unsatisfiable),
            ("bytes=20-30", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-2", Whole),
            ("bytes=abc", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=1--2", Whole),
            ("bytes=+1-2", Whole),
            ("lines=0-1", Whole),
            ("bytes=0-,0-,0-", Whole),
            ("bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", Whole),
        ] {
            assert_eq!(ranges(value.as_bytes(), 10), wanted, "{value}");
        }
        assert_eq!(ranges(b"bytes=0-", 0), Unsatisfiable);
    }

    #[test]
    fn conditions_are_evaluated_in_order() {
        let version = Representation { size: 10, modified: 784_111_777, tag: "\"a\"" };
        let (same, before, after) =
            ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT");
        for (fields, wanted) in [
            (vec![], Selection::Whole),
            (vec![("If-Modified-Since", same)], Selection::NotModified),
            (vec![("If-Modified-Since", after)], Selection::NotModified),
            (vec![("If-Modified-Since", before)], Selection::Whole),
            (vec![("If-Modified-Since", "nonsense")], Selection::Whole),
            (vec![("If-None-Match", "\"x\", W/\"a\"")], Selection::NotModified),
            (vec![("If-None-Match", "*")], Selection::NotModified),
            (vec![("If-None-Match", "\"x\""), ("If-Modified-Since", same)], Selection::Whole),
            (vec![("If-Match", "\"a\"")], Selection::Whole),
            (vec![("If-Match", "W/\"a\"")], Selection::PreconditionFailed),
            (vec![("If-Unmodified-Since", before)], Selection::PreconditionFailed),
            (vec![("If-Unmodified-Since", same)], Selection::Whole),
            (vec![("Range", "bytes=0-0"), ("If-Range", same)], Selection::Ranges(vec![(0, 1)])),
            (vec![("Range", "bytes=0-0"), ("If-Range", before)], Selection::Whole),
            (vec![("Range", "bytes=0-0"), ("If-Range", "\"a\"")], Selection::Ranges(vec![(0, 1)])),
            (vec![("Range", "bytes=0-0"), ("If-Range", "W/\"a\"")], Selection::Whole),
            (vec![("Range", "bytes=0-0"), ("If-None-Match", "\"a\"")], Selection::NotModified),
        ] {
            let headers: Vec<Field<'_>> =
                fields.iter().map(|(name, value)| Field { name: name.as_bytes(), value: value.as_bytes() }).collect();
            assert_eq!(evaluate(&headers, version), wanted, "{fields:?}");
        }
    }
}
