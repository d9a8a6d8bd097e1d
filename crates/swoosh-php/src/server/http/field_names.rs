//! Names of header fields that most requests and responses have, as interned keys: an array gets them without a new string
//! and without a hash computation.

use std::sync::LazyLock;
use swoosh_zend::InternedKey;

/// The interned key of a lower-case name of a request's field.
pub fn request_field(name: &[u8]) -> Option<&'static InternedKey> {
    static INDEX: LazyLock<ByLength> = LazyLock::new(|| by_length(&REQUEST_FIELDS));
    INDEX.get(name.len())?.iter().find(|key| key.name().as_bytes() == name).copied()
}

/// The interned key of a name of a response's field, which is in any case; the key is written as `Content-Type`.
pub fn response_field(name: &[u8]) -> Option<&'static InternedKey> {
    static INDEX: LazyLock<ByLength> = LazyLock::new(|| by_length(&RESPONSE_FIELDS));
    let keys = INDEX.get(name.len())?;
    // The usual spelling is the fast path.
    let exact = keys.iter().find(|key| key.name().as_bytes() == name);
    exact.or_else(|| keys.iter().find(|key| key.name().as_bytes().eq_ignore_ascii_case(name))).copied()
}

/// Creates the keys. During module startup.
pub fn make() {
    REQUEST_FIELDS.iter().chain(&RESPONSE_FIELDS).for_each(InternedKey::make);
}

/// Keys by the length of their names.
type ByLength = [Vec<&'static InternedKey>; 33];

fn by_length(keys: &'static [InternedKey]) -> ByLength {
    std::array::from_fn(|length| keys.iter().filter(|key| key.name().len() == length).collect())
}

static REQUEST_FIELDS: [InternedKey; 33] = [
    InternedKey::new("host"),
    InternedKey::new("user-agent"),
    InternedKey::new("accept"),
    InternedKey::new("accept-encoding"),
    InternedKey::new("accept-language"),
    InternedKey::new("connection"),
    InternedKey::new("content-type"),
    InternedKey::new("content-length"),
    InternedKey::new("cache-control"),
    InternedKey::new("upgrade"),
    InternedKey::new("origin"),
    InternedKey::new("referer"),
    InternedKey::new("authorization"),
    InternedKey::new("pragma"),
    InternedKey::new("dnt"),
    InternedKey::new("te"),
    InternedKey::new("via"),
    InternedKey::new("forwarded"),
    InternedKey::new("x-forwarded-for"),
    InternedKey::new("x-forwarded-proto"),
    InternedKey::new("x-real-ip"),
    InternedKey::new("x-requested-with"),
    InternedKey::new("upgrade-insecure-requests"),
    InternedKey::new("sec-fetch-site"),
    InternedKey::new("sec-fetch-mode"),
    InternedKey::new("sec-fetch-dest"),
    InternedKey::new("sec-fetch-user"),
    InternedKey::new("if-none-match"),
    InternedKey::new("if-modified-since"),
    InternedKey::new("range"),
    InternedKey::new("transfer-encoding"),
    InternedKey::new("expect"),
    InternedKey::new("cookie"),
];

static RESPONSE_FIELDS: [InternedKey; 39] = [
    InternedKey::new("Content-Type"),
    InternedKey::new("Content-Length"),
    InternedKey::new("Content-Encoding"),
    InternedKey::new("Content-Disposition"),
    InternedKey::new("Content-Language"),
    InternedKey::new("Content-Range"),
    InternedKey::new("Content-Security-Policy"),
    InternedKey::new("Cache-Control"),
    InternedKey::new("Connection"),
    InternedKey::new("Server"),
    InternedKey::new("Date"),
    InternedKey::new("Location"),
    InternedKey::new("Etag"),
    InternedKey::new("Last-Modified"),
    InternedKey::new("Expires"),
    InternedKey::new("Pragma"),
    InternedKey::new("Vary"),
    InternedKey::new("Allow"),
    InternedKey::new("Age"),
    InternedKey::new("Link"),
    InternedKey::new("Retry-After"),
    InternedKey::new("Accept-Ranges"),
    InternedKey::new("Set-Cookie"),
    InternedKey::new("Trailer"),
    InternedKey::new("Upgrade"),
    InternedKey::new("Www-Authenticate"),
    InternedKey::new("Access-Control-Allow-Origin"),
    InternedKey::new("Access-Control-Allow-Methods"),
    InternedKey::new("Access-Control-Allow-Headers"),
    InternedKey::new("Access-Control-Allow-Credentials"),
    InternedKey::new("Access-Control-Expose-Headers"),
    InternedKey::new("Access-Control-Max-Age"),
    InternedKey::new("Strict-Transport-Security"),
    InternedKey::new("Referrer-Policy"),
    InternedKey::new("X-Accel-Buffering"),
    InternedKey::new("X-Content-Type-Options"),
    InternedKey::new("X-Frame-Options"),
    InternedKey::new("X-Powered-By"),
    InternedKey::new("X-Request-Id"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_in_its_form() {
        for key in &REQUEST_FIELDS {
            let name = key.name().as_bytes();
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(request_field(name).is_some_and(|found| found.name() == key.name()), "{}", key.name());
        }
        for key in &RESPONSE_FIELDS {
            let upper = key.name().to_ascii_uppercase();
            assert!(response_field(upper.as_bytes()).is_some_and(|found| found.name() == key.name()), "{upper}");
        }
        assert!(request_field(b"x-own").is_none() && response_field(&[b'x'; 100]).is_none());
    }
}
