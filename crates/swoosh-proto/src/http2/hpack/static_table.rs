//! The static table (RFC 7541 appendix A).

/// Its entries; the first one has index 1.
pub(super) const STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// The index of the first entry with that name, `None` for an unknown name. Pseudo-header fields are not looked up.
pub(super) fn index_of(name: &[u8]) -> Option<usize> {
    let position = NAMES.binary_search_by(|(known, _)| known.len().cmp(&name.len()).then_with(|| (*known).cmp(name)));
    position.ok().map(|at| usize::from(NAMES[at].1))
}

/// The names from index 15 on, by length and then by text, each with its index.
static NAMES: [(&[u8], u8); STATIC.len() - FIRST] = names();
/// Entries before the first regular field.
const FIRST: usize = 14;

const fn names() -> [(&'static [u8], u8); STATIC.len() - FIRST] {
    let mut names: [(&[u8], u8); STATIC.len() - FIRST] = [(b"", 0); STATIC.len() - FIRST];
    let mut count = 0;
    while count < names.len() {
        let name = STATIC[FIRST + count].0;
        let mut at = count;
        while at > 0 && is_before(name, names[at - 1].0) {
            names[at] = names[at - 1];
            at -= 1;
        }
        names[at] = (name, (FIRST + count + 1) as u8);
        count += 1;
    }
    names
}

const fn is_before(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return one.len() < other.len();
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_regular_name_is_found_by_its_index() {
        for (at, (name, _)) in STATIC.iter().enumerate().skip(FIRST) {
            assert_eq!(index_of(name), Some(at + 1), "{}", String::from_utf8_lossy(name));
        }
        for unknown in [&b"x-unknown"[..], b"", b":path", b"dates", b"Date"] {
            assert_eq!(index_of(unknown), None);
        }
    }
}
