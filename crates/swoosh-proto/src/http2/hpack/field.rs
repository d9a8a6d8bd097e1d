//! Kinds of fields of a request, and the faults that a field has by itself (RFC 9113 section 8.2).

use crate::http1::is_token_byte;

/// A field of a decoded block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) struct Field<'a> {
    pub(in crate::http2) name: &'a [u8],
    pub(in crate::http2) value: &'a [u8],
    pub(in crate::http2) kind: FieldKind,
    /// Why it makes its message malformed.
    pub(in crate::http2) fault: Option<&'static str>,
}

/// The meaning of a name within a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) enum FieldKind {
    Method,
    Scheme,
    Authority,
    Path,
    /// RFC 8441 section 4.
    Protocol,
    /// A pseudo-header field that no request has.
    OtherPseudo,
    ContentLength,
    ContentType,
    Cookie,
    Host,
    Te,
    WebSocketKey,
    Regular,
}

impl FieldKind {
    /// The kind of a field with that name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b":method" => FieldKind::Method,
            b":scheme" => FieldKind::Scheme,
            b":authority" => FieldKind::Authority,
            b":path" => FieldKind::Path,
            b":protocol" => FieldKind::Protocol,
            [b':', ..] => FieldKind::OtherPseudo,
            b"content-length" => FieldKind::ContentLength,
            b"content-type" => FieldKind::ContentType,
            b"cookie" => FieldKind::Cookie,
            b"host" => FieldKind::Host,
            b"te" => FieldKind::Te,
            b"sec-websocket-key" => FieldKind::WebSocketKey,
            _ => FieldKind::Regular,
        }
    }

    /// Whether it is a pseudo-header field.
    pub(in crate::http2) fn is_pseudo(self) -> bool {
        self as u8 <= FieldKind::OtherPseudo as u8
    }
}

/// The fault of a name; `None` if it has none.
pub(super) fn name_fault(name: &[u8], kind: FieldKind) -> Option<&'static str> {
    if kind.is_pseudo() {
        return (kind == FieldKind::OtherPseudo).then_some("a pseudo-header field is not known");
    }
    if name.is_empty() {
        return Some("a name is empty");
    }
    if !has_class(name, NAME) {
        return Some(match name.iter().any(u8::is_ascii_uppercase) {
            true => "a name has upper-case letters",
            false => "a name has a character that is not allowed",
        });
    }
    match name {
        b"connection" | b"transfer-encoding" | b"keep-alive" | b"upgrade" | b"proxy-connection" => {
            Some("it has a field of HTTP/1.1's connection")
        }
        _ => None,
    }
}

/// The fault of a value; `None` if it has none.
pub(super) fn value_fault(value: &[u8], kind: FieldKind) -> Option<&'static str> {
    if !has_class(value, VALUE) {
        return Some("a value has a control character or a line break");
    }
    if let [b' ' | b'\t', ..] | [.., b' ' | b'\t'] = value {
        return Some("a value begins or ends with a space or a tab");
    }
    match kind {
        FieldKind::Method if value.is_empty() => Some("a method is empty"),
        FieldKind::Method if !has_class(value, TOKEN) => Some("a method has a character that is not allowed"),
        FieldKind::Te if !value.eq_ignore_ascii_case(b"trailers") => Some("`te` is not `trailers`"),
        _ if kind.is_pseudo() && simdutf8::basic::from_utf8(value).is_err() => {
            Some("a pseudo-header field is not UTF-8")
        }
        _ => None,
    }
}

/// Whether it is the name of a field that a response may have.
pub(in crate::http2) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && has_class(name, NAME)
}

/// Whether it is a value.
pub(in crate::http2) fn is_value(value: &[u8]) -> bool {
    has_class(value, VALUE)
}

fn has_class(octets: &[u8], class: u8) -> bool {
    octets.iter().fold(class, |classes, octet| classes & CLASSES[usize::from(*octet)]) != 0
}

/// Classes of octets.
const NAME: u8 = 1;
const VALUE: u8 = 2;
const TOKEN: u8 = 4;
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let byte = octet as u8;
        if is_token_byte(byte) {
            classes[octet] |= TOKEN | if byte.is_ascii_uppercase() { 0 } else { NAME };
        }
        if byte >= b' ' && byte != 0x7f || byte == b'\t' {
            classes[octet] |= VALUE;
        }
        octet += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_names_and_values() {
        let name = |name: &[u8]| name_fault(name, FieldKind::of(name));
        for valid in [&b"x-a"[..], b":path", b"te", b"a!#$%&'*+.^_`|~9"] {
            assert_eq!(name(valid), None);
        }
        for wrong in
            [&b"X-a"[..], b"", b"x a", b"x:a", b"x\0", b"\xff", b":status", b":other", b"connection", b"upgrade"]
        {
            assert!(name(wrong).is_some(), "{wrong:?}");
        }
        let value = |name: &[u8], value: &[u8]| value_fault(value, FieldKind::of(name));
        for (name, valid) in
            [(&b"x"[..], &b""[..]), (b"x", b"a\tb \xff"), (b":method", b"M-SEARCH"), (b"te", b"Trailers")]
        {
            assert_eq!(value(name, valid), None);
        }
        for (name, wrong) in [
            (&b"x"[..], &b"a\n"[..]),
            (b"x", b" a"),
            (b"x", b"\x7f"),
            (b":method", b""),
            (b":method", b"G T"),
            (b":path", b"/\xff"),
            (b"te", b"gzip"),
        ] {
            assert!(value(name, wrong).is_some(), "{name:?} {wrong:?}");
        }
    }
}
