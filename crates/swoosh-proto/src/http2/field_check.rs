//! Fields that make a message malformed (RFC 9113 section 8.2.1): names with upper-case letters, values with line breaks.
//!
//! h2 ends the connection for them, because its HPACK decoder stops in the middle of the block. A malformed message is an
//! error of its stream alone (section 8.1.1). So such a block is repaired: each octet that must not be there is replaced, which
//! keeps the decoder's table in step with the client's, and a field is added for which h2 resets the stream.

use super::hpack::primitive::{Text, integer};
use crate::http1::is_token_byte;

/// A block that h2 decodes to its end, and whose stream it resets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repaired {
    pub(super) block: Vec<u8>,
    /// The first fault.
    pub(super) fault: &'static str,
}

/// Whether h2 decodes the block to its end, as far as its fields decide that. Runs for every request.
pub(super) fn is_well_formed(block: &[u8]) -> bool {
    let mut rest = block;
    while !rest.is_empty() {
        match Item::take(&mut rest) {
            Some(Item::Literal(literal)) if !literal.is_well_formed() => return false,
            Some(_) => {}
            // Its coding is malformed, which is an error of the connection.
            None => return true,
        }
    }
    true
}

/// The block without the octets that must not be there; `None` if it has none, or cannot be repaired.
pub(super) fn repair(block: &[u8]) -> Option<Repaired> {
    let (mut rest, mut out, mut first_fault) = (block, Vec::with_capacity(block.len() + MARKER.len()), None);
    while !rest.is_empty() {
        let before = rest;
        let item = Item::take(&mut rest)?;
        let bytes = &before[..before.len() - rest.len()];
        match item {
            Item::Literal(literal) if !literal.is_well_formed() => {
                first_fault.get_or_insert(literal.repair(bytes, &mut out)?);
            }
            _ => out.extend_from_slice(bytes),
        }
    }
    let fault = first_fault?;
    out.extend_from_slice(MARKER);
    Some(Repaired { block: out, fault })
}

enum Item<'a> {
    /// A literal field (RFC 7541 section 6.2).
    Literal(Literal<'a>),
    /// An indexed field, or an update of the table's size.
    Other,
}

struct Literal<'a> {
    /// The field's name in the table; 0: `name`.
    index: usize,
    name: Option<Text<'a>>,
    value: Text<'a>,
}

impl<'a> Item<'a> {
    #[inline]
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let prefix = match *rest.first()? {
            0x80..=0xfe => {
                *rest = &rest[1..];
                return Some(Item::Other);
            }
            0xff => return integer(rest, 7).map(|_| Item::Other),
            0x40..0x80 => 6,
            0x20..0x40 => return integer(rest, 5).map(|_| Item::Other),
            _ => 4,
        };
        let index = integer(rest, prefix)?;
        let name = if index == 0 { Some(Text::take(rest)?) } else { None };
        Some(Item::Literal(Literal { index, name, value: Text::take(rest)? }))
    }
}

impl Literal<'_> {
    fn is_well_formed(&self) -> bool {
        let Some(name) = &self.name else {
            return match self.index {
                METHODS_START..=METHODS_END => self.value_has(METHOD) && !self.value.bytes.is_empty(),
                1..=LAST_PSEUDO => self.is_text(),
                _ => self.value_has(VALUE),
            };
        };
        let (mut classes, mut is_empty) = (NAME, true);
        if !name.each(|octet| (classes, is_empty) = (classes & CLASSES[usize::from(octet)], false)) {
            // A malformed coding is an error of the connection.
            return true;
        }
        if classes & NAME != 0 && !is_empty {
            return self.value_has(VALUE);
        }
        match name.decode().as_deref() {
            Some(b":method") => self.value_has(METHOD) && !self.value.bytes.is_empty(),
            Some(b":scheme" | b":authority" | b":path" | b":protocol" | b":status") => self.is_text(),
            _ => false,
        }
    }

    /// Whether the value is one of a pseudo-header field, which is UTF-8.
    fn is_text(&self) -> bool {
        let is_utf8 = |value: Vec<u8>| std::str::from_utf8(&value).is_ok();
        self.value_has(PSEUDO) || self.value_has(VALUE) && self.value.decode().is_none_or(is_utf8)
    }

    /// Whether all octets of the value belong to the class.
    fn value_has(&self, class: u8) -> bool {
        let mut classes = class;
        !self.value.each(|octet| classes &= CLASSES[usize::from(octet)]) || classes != 0
    }

    /// Appends the field, whose bytes are these, without its faults. `None` if the table could not be kept in step.
    fn repair(&self, bytes: &[u8], out: &mut Vec<u8>) -> Option<&'static str> {
        let mut value = self.value.decode()?;
        let kind = bytes[0] & if bytes[0] & 0x40 != 0 { 0xc0 } else { 0xf0 };
        let Some(name) = &self.name else {
            let is_method = (METHODS_START..=METHODS_END).contains(&self.index);
            let fault = replace(&mut value, if is_method { METHOD } else { VALUE }, self.index <= LAST_PSEUDO);
            if value.is_empty() {
                // An empty method: entry 2 of the static table (`:method: GET`) takes its place, and the table stays as it is.
                if kind == 0x40 {
                    return None;
                }
                out.push(0x82);
                return Some("a method is empty");
            }
            // The index as it was.
            let mut rest = bytes;
            integer(&mut rest, if kind == 0x40 { 6 } else { 4 })?;
            out.extend_from_slice(&bytes[..bytes.len() - rest.len()]);
            put(out, &value);
            return Some(fault);
        };
        let mut name = name.decode()?;
        let mut fault = "a value has a control character or a line break";
        match name.as_slice() {
            b":method" if !value.is_empty() => fault = replace(&mut value, METHOD, true),
            b":scheme" | b":authority" | b":path" | b":protocol" | b":status" => {
                fault = replace(&mut value, VALUE, true)
            }
            [] if kind != 0x40 => return Some("a name is empty"),
            [] if value.is_empty() => return None,
            [] => {
                // An entry of the table counts the octets of both.
                (name, fault) = (vec![b'x'], "a name is empty");
                value.pop();
                replace(&mut value, VALUE, false);
            }
            _ => {
                if name[0] == b':' {
                    (fault, name[0]) = ("a pseudo-header field is not known", b'x');
                } else if name.iter().any(u8::is_ascii_uppercase) {
                    fault = "a name has upper-case letters";
                } else if name.iter().any(|&octet| CLASSES[usize::from(octet)] & NAME == 0) {
                    fault = "a name has a character that is not allowed";
                }
                name.make_ascii_lowercase();
                replace(&mut name, NAME, false);
                replace(&mut value, VALUE, false);
            }
        }
        out.push(kind);
        put(out, &name);
        put(out, &value);
        Some(fault)
    }
}

/// Replaces the octets that are not of the class, and in a pseudo-header field those beyond ASCII if they are not UTF-8.
fn replace(value: &mut [u8], class: u8, is_pseudo: bool) -> &'static str {
    let is_text = !is_pseudo || std::str::from_utf8(value).is_ok();
    let is_wrong = |octet: u8| CLASSES[usize::from(octet)] & class == 0 || !is_text && !octet.is_ascii();
    value.iter_mut().filter(|octet| is_wrong(**octet)).for_each(|octet| *octet = b'x');
    match class {
        METHOD => "a method has a character that is not allowed",
        _ if !is_text => "a pseudo-header field is not UTF-8",
        _ => "a value has a control character or a line break",
    }
}

/// Appends a string without Huffman's code (RFC 7541 section 5.2).
fn put(out: &mut Vec<u8>, text: &[u8]) {
    let Some(mut rest) = text.len().checked_sub(127) else {
        out.push(text.len() as u8);
        return out.extend_from_slice(text);
    };
    out.push(127);
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(text);
}

/// A literal that does not change the table: a field of HTTP/1.1's connection, which makes a message malformed (RFC 9113
/// section 8.2.2).
const MARKER: &[u8] = b"\0\x0aconnection\0";
/// The entries `:method` and those of all pseudo-header fields of the static table (RFC 7541 appendix A).
const METHODS_START: usize = 2;
const METHODS_END: usize = 3;
const LAST_PSEUDO: usize = 14;

/// Classes of octets.
const NAME: u8 = 1;
const VALUE: u8 = 2;
const METHOD: u8 = 4;
/// Bytes of ASCII in the value of a pseudo-header field; other bytes are checked as UTF-8 afterwards.
const PSEUDO: u8 = 8;
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let byte = octet as u8;
        if is_token_byte(byte) {
            classes[octet] |= METHOD | if byte.is_ascii_uppercase() { 0 } else { NAME };
        }
        if byte >= b' ' && byte != 0x7f || byte == b'\t' {
            classes[octet] |= VALUE | if byte.is_ascii() { PSEUDO } else { 0 };
        }
        octet += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_a_fault_are_not_touched() {
        for block in [
            &b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"[..],
            b"\0\x01x\x03a\tb\x10\x02x-\x02\xc3\xa4",
            b"\x02\x04POST\x44\x02/a\0\x05:path\x01/\0\x09:protocol\x09websocket",
            b"\0\x07:method\x03GET",
            b"\x3f\xe1\x1f\xff\0\xbe\0\x01x\0",
            b"",
        ] {
            assert!(is_well_formed(block), "{block:?}");
            assert_eq!(repair(block), None, "{block:?}");
        }
    }

    #[test]
    fn a_malformed_coding_is_left_to_the_decoder() {
        for block in [&b"\0\x7fname"[..], b"\0\x81\x64\x01v", b"\0\x01X", b"\xff\x80\x80\x80\x80\x01", b"\0"] {
            assert!(is_well_formed(block) || repair(block).is_none(), "{block:?}");
        }
    }

    #[test]
    fn each_fault_is_repaired_to_the_same_length() {
        for (block, wanted, part) in [
            (&b"\x82\0\x05Upper\x01v\x84"[..], &b"\x82\0\x05upper\x01v\x84"[..], "upper-case"),
            (b"\x40\x02x \x01v", b"\x40\x02xx\x01v", "not allowed"),
            (b"\x40\x01x\x03a\r\n", b"\x40\x01x\x03axx", "line break"),
            (b"\x10\x04:new\x01v", b"\x10\x04xnew\x01v", "pseudo"),
            (b"\x02\x03G T", b"\x02\x03GxT", "method"),
            (b"\0\x07:method\x03G T", b"\0\x07:method\x03GxT", "method"),
            (b"\x02\0", b"\x82", "empty"),
            (b"\x44\x02/\xff", b"\x44\x02/x", "UTF-8"),
            (b"\0\x05:path\x02/\n", b"\0\x05:path\x02/x", "line break"),
            (b"\0\0\x01v", b"", "empty"),
            (b"\x40\0\x02vw", b"\x40\x01x\x01v", "empty"),
            (b"\x7e\x01\n", b"\x7e\x01x", "line break"),
            // `X` and a line feed in Huffman's code.
            (b"\0\x81\xfc\x01v", b"\0\x01x\x01v", "upper-case"),
            (b"\0\x01x\x84\xff\xff\xff\xf3", b"\0\x01x\x01x", "line break"),
        ] {
            assert!(!is_well_formed(block), "{block:?}");
            let repaired = repair(block).unwrap_or_else(|| panic!("{block:?}"));
            assert_eq!(repaired.block, [wanted, MARKER].concat(), "{block:?}");
            assert!(repaired.fault.contains(part), "{}", repaired.fault);
            assert!(is_well_formed(&repaired.block));
        }
        let long = [&b"\0\x01X\x7f\xa9\x01"[..], &[b'v'; 296]].concat();
        let wanted = [&b"\0\x01x\x7f\xa9\x01"[..], &[b'v'; 296], MARKER].concat();
        assert_eq!(repair(&long).unwrap().block, wanted);
        // Text in UTF-8 is no fault.
        assert_eq!(repair("\0\u{5}:path\u{3}/ä".as_bytes()), None);
        for lost in [&b"\x40\0\0"[..], b"\x42\0"] {
            assert_eq!(repair(lost), None, "{lost:?}");
        }
    }

    #[test]
    fn any_block_is_well_formed_repaired_or_left_alone() {
        let (mut state, mut repaired_count) = (0x2545_f491_4f6c_dd1du64, 0);
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        const PIECES: [&[u8]; 14] = [
            b"\x82",
            b"\0",
            b"\x40",
            b"\x10",
            b"\x02",
            b"\x44",
            b"\x01x",
            b"\x01X",
            b"\x03a\r\n",
            b"\0",
            b"\x05:path",
            b"\x7f\x01",
            b"\x84\xff\xff\xff\xf3",
            b"\x3f\xe1\x1f",
        ];
        for _ in 0..100_000 {
            let mut block = Vec::new();
            for _ in 0..random(9) {
                match random(5) {
                    0 => block.push(random(256) as u8),
                    _ => block.extend_from_slice(PIECES[random(PIECES.len())]),
                }
            }
            if is_well_formed(&block) {
                continue;
            }
            if let Some(repaired) = repair(&block) {
                repaired_count += 1;
                assert!(is_well_formed(&repaired.block), "{block:?}: {repaired:?}");
                assert_eq!(entry_sizes(&repaired.block[..repaired.block.len() - MARKER.len()]), entry_sizes(&block));
            }
        }
        assert!(repaired_count > 1000, "{repaired_count}");
    }

    /// Octets of the fields that change the table (RFC 7541 section 4.1).
    fn entry_sizes(block: &[u8]) -> Vec<usize> {
        let (mut rest, mut sizes) = (block, Vec::new());
        while let Some(&first) = rest.first() {
            let Some(item) = Item::take(&mut rest) else { break };
            if let (0x40..0x80, Item::Literal(literal)) = (first, item) {
                let length = |text: &Text<'_>| text.decode().map_or(0, |octets| octets.len());
                sizes.push(literal.name.as_ref().map_or(0, length) + length(&literal.value));
            }
        }
        sizes
    }
}
