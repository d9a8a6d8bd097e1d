//! Integers and strings (RFC 7541 section 5), with the Huffman code of strings.

/// An integer behind a prefix of so many bits (RFC 7541 section 5.1), of at most five octets; `None` if it is malformed.
#[inline]
pub(in crate::http2) fn integer(rest: &mut &[u8], prefix: u32) -> Option<usize> {
    let (&first, mut bytes) = rest.split_first()?;
    let mask = (1usize << prefix) - 1;
    let mut number = usize::from(first) & mask;
    if number == mask {
        for shift in [0, 7, 14, 21, 28] {
            let (&byte, behind) = bytes.split_first()?;
            bytes = behind;
            if shift == 28 {
                return None;
            }
            number += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = bytes;
    Some(number)
}

/// A string (RFC 7541 section 5.2).
#[derive(Debug, Clone, Copy)]
pub(in crate::http2) struct Text<'a> {
    pub(in crate::http2) bytes: &'a [u8],
    pub(in crate::http2) is_huffman: bool,
}

impl<'a> Text<'a> {
    /// The string that `rest` begins with; `None` if it is incomplete.
    #[inline]
    pub(in crate::http2) fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let is_huffman = rest.first()? & 0x80 != 0;
        let length = integer(rest, 7)?;
        let (bytes, behind) = rest.split_at_checked(length)?;
        *rest = behind;
        Some(Text { bytes, is_huffman })
    }

    /// Passes the octets of the string; false if its coding is malformed.
    #[inline]
    pub(in crate::http2) fn each(&self, mut octet: impl FnMut(u8)) -> bool {
        if self.is_huffman {
            return huffman(self.bytes, octet);
        }
        self.bytes.iter().for_each(|&byte| octet(byte));
        true
    }
}

/// Decodes a string, four bits at a time; false if it contains EOS, or its padding is not the beginning of EOS or longer than
/// seven bits.
fn huffman(text: &[u8], mut octet: impl FnMut(u8)) -> bool {
    let mut node = 0u8;
    for byte in text {
        for nibble in [byte >> 4, byte & 15] {
            let step = STEPS[usize::from(node)][usize::from(nibble)];
            match step.found {
                Found::Nothing => {}
                Found::Symbol => octet(step.symbol),
                Found::EndOfString => return false,
            }
            node = step.node;
        }
    }
    PADDING[usize::from(node)]
}

/// The effect of four bits behind those that lead to a node of the code's tree. The shortest code has five bits, so that at
/// most one symbol ends.
#[derive(Clone, Copy)]
struct Step {
    node: u8,
    symbol: u8,
    found: Found,
}

#[derive(Clone, Copy)]
enum Found {
    Nothing,
    Symbol,
    EndOfString,
}

/// The children of the inner nodes: a node, or a symbol from [`LEAF`] on. A full tree with 257 leaves has 256 inner nodes.
const TREE: [[u16; 2]; 256] = tree();
static STEPS: [[Step; 16]; 256] = steps();
/// Nodes that a padding may end at.
static PADDING: [bool; 256] = padding();
const LEAF: u16 = 256;
const END_OF_STRING: u16 = 256;

/// Codes of one length are consecutive, and those of the next length follow them (RFC 7541 appendix B).
const fn tree() -> [[u16; 2]; 256] {
    let mut tree = [[0u16; 2]; 256];
    let (mut nodes, mut code, mut length) = (1u16, 0u32, 1);
    while length <= 30 {
        let mut symbol = 0;
        while symbol <= END_OF_STRING {
            let own = if symbol == END_OF_STRING { 30 } else { LENGTHS[symbol as usize] };
            if own as u32 == length {
                let (mut node, mut bits) = (0usize, length);
                while bits > 1 {
                    bits -= 1;
                    let side = (code >> bits & 1) as usize;
                    if tree[node][side] == 0 {
                        tree[node][side] = nodes;
                        nodes += 1;
                    }
                    node = tree[node][side] as usize;
                }
                tree[node][(code & 1) as usize] = LEAF + symbol;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    assert!(nodes == 256);
    tree
}

const fn steps() -> [[Step; 16]; 256] {
    let mut steps = [[Step { node: 0, symbol: 0, found: Found::Nothing }; 16]; 256];
    let mut from = 0;
    while from < 256 {
        let mut nibble = 0;
        while nibble < 16 {
            let mut step = Step { node: 0, symbol: 0, found: Found::Nothing };
            let (mut node, mut bits) = (from, 4);
            while bits > 0 {
                bits -= 1;
                let child = TREE[node][nibble >> bits & 1];
                if child < LEAF {
                    node = child as usize;
                    continue;
                }
                node = 0;
                if child - LEAF == END_OF_STRING {
                    step.found = Found::EndOfString;
                } else if !matches!(step.found, Found::EndOfString) {
                    (step.symbol, step.found) = ((child - LEAF) as u8, Found::Symbol);
                }
            }
            step.node = node as u8;
            steps[from][nibble] = step;
            nibble += 1;
        }
        from += 1;
    }
    steps
}

const fn padding() -> [bool; 256] {
    let mut may_end = [false; 256];
    let (mut node, mut bits) = (0, 0);
    while bits < 8 {
        may_end[node] = true;
        node = TREE[node][1] as usize;
        bits += 1;
    }
    may_end
}

/// Appends an integer behind a prefix of so many bits (RFC 7541 section 5.1). `pattern`: the other bits of its first octet.
#[inline]
pub(in crate::http2) fn put_integer(out: &mut Vec<u8>, pattern: u8, prefix: u32, number: usize) {
    let mask = (1usize << prefix) - 1;
    if number < mask {
        return out.push(pattern | number as u8);
    }
    out.push(pattern | mask as u8);
    let mut rest = number - mask;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends a string (RFC 7541 section 5.2), in Huffman code where that is shorter.
pub(in crate::http2) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let bits: usize = text.iter().map(|octet| usize::from(LENGTHS[usize::from(*octet)])).sum();
    let coded = bits.div_ceil(8);
    if coded >= text.len() {
        put_integer(out, 0, 7, text.len());
        return out.extend_from_slice(text);
    }
    put_integer(out, 0x80, 7, coded);
    let (mut pending, mut count) = (0u64, 0);
    for &octet in text {
        let length = u32::from(LENGTHS[usize::from(octet)]);
        pending = pending << length | u64::from(CODES[usize::from(octet)]);
        count += length;
        while count >= 8 {
            count -= 8;
            out.push((pending >> count) as u8);
        }
    }
    if count > 0 {
        // The padding is the beginning of EOS, all ones.
        out.push((pending << (8 - count)) as u8 | 0xff >> count);
    }
}

/// The code of each symbol.
static CODES: [u32; 256] = codes();

const fn codes() -> [u32; 256] {
    let mut codes = [0; 256];
    let (mut code, mut length) = (0u32, 1);
    while length <= 30 {
        let mut symbol = 0;
        while symbol < 256 {
            if LENGTHS[symbol] as u32 == length {
                codes[symbol] = code;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    codes
}

/// Bits of each symbol's code (RFC 7541 appendix B). EOS is the last code of 30 bits.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

#[cfg(test)]
mod tests {
    use super::*;

    impl Text<'_> {
        /// The octets of the string; `None` if its coding is malformed.
        fn decode(&self) -> Option<Vec<u8>> {
            let mut octets = Vec::new();
            self.each(|octet| octets.push(octet)).then_some(octets)
        }
    }

    #[test]
    fn strings_in_huffman_code_are_those_of_the_rfc() {
        // RFC 7541 appendix C.4 and C.6.
        let cases: [(&[u8], &[u8]); 4] = [
            (&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff], b"www.example.com"),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], b"no-cache"),
            (&[0x64, 0x02], b"302"),
            (&[0xae, 0xc3, 0x77, 0x1a, 0x4b], b"private"),
        ];
        for (coded, text) in cases {
            assert_eq!(Text { bytes: coded, is_huffman: true }.decode().as_deref(), Some(text));
        }
        for wrong in [&[0xff, 0xff, 0xff, 0xff][..], &[0xff], &[0x60], &[0x64, 0x02, 0xff]] {
            assert_eq!(Text { bytes: wrong, is_huffman: true }.decode(), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_symbol_is_decoded_wherever_its_code_begins() {
        for symbol in 0..=255u8 {
            for before in 0..8 {
                // `0` has a code of five bits, all zero.
                let (mut bits, mut node) = (vec![0; 5 * before], 0usize);
                bits.extend(code_of(symbol, &mut node));
                while bits.len() % 8 != 0 {
                    bits.push(1);
                }
                let bytes: Vec<u8> =
                    bits.chunks(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
                let wanted = [vec![b'0'; before], vec![symbol]].concat();
                assert_eq!(Text { bytes: &bytes, is_huffman: true }.decode(), Some(wanted), "{symbol}");
            }
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let all: Vec<u8> = (0..=255).collect();
        for text in [&b""[..], b"www.example.com", b"no-cache", b"302", b"\x00\xff", &all] {
            let mut out = Vec::new();
            put_text(&mut out, text);
            assert!(out.len() <= text.len() + 3);
            let mut rest = &out[..];
            assert_eq!(Text::take(&mut rest).unwrap().decode().as_deref(), Some(text));
            assert_eq!(rest, b"");
        }
        let mut out = Vec::new();
        put_text(&mut out, b"www.example.com");
        assert_eq!(out, [0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff]);
        for (number, prefix) in [(0, 5), (10, 5), (30, 5), (31, 5), (32, 5), (1337, 5), (127, 7), (1 << 28, 4)] {
            let mut out = Vec::new();
            put_integer(&mut out, 0, prefix, number);
            assert_eq!(integer(&mut &out[..], prefix), Some(number));
        }
    }

    /// The bits that lead to a symbol.
    fn code_of(symbol: u8, node: &mut usize) -> Vec<u8> {
        for side in [0u8, 1] {
            let child = TREE[*node][usize::from(side)];
            if child == LEAF + u16::from(symbol) {
                return vec![side];
            }
            if child < LEAF {
                let found = code_of(symbol, &mut usize::from(child));
                if !found.is_empty() {
                    return [vec![side], found].concat();
                }
            }
        }
        Vec::new()
    }
}
