//! Decodes header blocks (RFC 7541 sections 3 and 6).

use super::dynamic_table::{DynamicTable, INITIAL_SIZE};
use super::field::{Field, FieldKind, name_fault, value_fault};
use super::primitive::{Text, integer};
use super::static_table::STATIC;

/// The decoder of one direction of a connection: its dynamic table.
#[derive(Debug)]
pub(in crate::http2) struct Decoder {
    table: DynamicTable<Checked>,
    /// The largest size that the peer may choose for the table.
    limit: usize,
    /// The next block has to begin with a smaller size.
    must_shrink: bool,
}

/// What is known of an entry, so that a reference costs no check.
#[derive(Debug)]
struct Checked {
    kind: FieldKind,
    name_fault: Option<&'static str>,
    value_fault: Option<&'static str>,
}

/// A block is invalid HPACK: an error of the connection, because the tables of both sides differ from now on.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http2) struct InvalidBlock;

/// A name, with what is known of it.
struct Name<'a> {
    text: &'a [u8],
    kind: FieldKind,
    fault: Option<&'static str>,
}

impl Decoder {
    /// A decoder for the initial table of 4,096 octets. `limit`: SETTINGS_HEADER_TABLE_SIZE, which the peer has not seen yet.
    pub(in crate::http2) fn new(limit: usize) -> Self {
        Decoder { table: DynamicTable::default(), limit: limit.max(INITIAL_SIZE), must_shrink: false }
    }

    /// The peer has acknowledged SETTINGS_HEADER_TABLE_SIZE.
    pub(in crate::http2) fn acknowledge_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.must_shrink = self.table.max_size() > limit;
    }

    /// Decodes a block; passes its fields in their order. `scratch`: memory for strings, which is overwritten.
    ///
    /// # Errors
    /// If it is malformed. A fault of a single field is no error: it is reported in `Field::fault`.
    pub(in crate::http2) fn decode(
        &mut self,
        block: &[u8],
        scratch: &mut Vec<u8>,
        mut field: impl FnMut(Field<'_>),
    ) -> Result<(), InvalidBlock> {
        let mut rest = block;
        let mut has_fields = false;
        while let Some(&first) = rest.first() {
            if (0x20..0x40).contains(&first) {
                self.resize(integer(&mut rest, 5).filter(|_| !has_fields).ok_or(InvalidBlock)?)?;
                continue;
            }
            if self.must_shrink {
                return Err(InvalidBlock);
            }
            has_fields = true;
            match first {
                0x80.. => {
                    let index = integer(&mut rest, 7).ok_or(InvalidBlock)?;
                    field(self.get(index).ok_or(InvalidBlock)?);
                }
                0x40..0x80 => self.literal(&mut rest, 6, true, scratch, &mut field)?,
                _ => self.literal(&mut rest, 4, false, scratch, &mut field)?,
            }
        }
        Ok(())
    }

    /// A literal field (RFC 7541 section 6.2).
    fn literal(
        &mut self,
        rest: &mut &[u8],
        prefix: u32,
        is_indexed: bool,
        scratch: &mut Vec<u8>,
        field: &mut impl FnMut(Field<'_>),
    ) -> Result<(), InvalidBlock> {
        let index = integer(rest, prefix).ok_or(InvalidBlock)?;
        scratch.clear();
        let coded_name = if index == 0 { Some(put(rest, scratch)?) } else { None };
        let name_end = scratch.len();
        let coded_value = put(rest, scratch)?;
        let value = coded_value.unwrap_or(&scratch[name_end..]);
        let name = match coded_name {
            None => self.name(index).ok_or(InvalidBlock)?,
            Some(coded) => {
                let text = coded.unwrap_or(&scratch[..name_end]);
                let kind = FieldKind::of(text);
                Name { text, kind, fault: name_fault(text, kind) }
            }
        };
        let value_fault = value_fault(value, name.kind);
        field(Field { name: name.text, value, kind: name.kind, fault: name.fault.or(value_fault) });
        if is_indexed {
            // The name may be that of an entry which is evicted now.
            let text = [name.text, value].concat().into();
            let (name_length, kind, name_fault) = (name.text.len(), name.kind, name.fault);
            self.table.insert(text, name_length, Checked { kind, name_fault, value_fault });
        }
        Ok(())
    }

    fn resize(&mut self, size: usize) -> Result<(), InvalidBlock> {
        if size > self.limit {
            return Err(InvalidBlock);
        }
        self.must_shrink = false;
        self.table.resize(size);
        Ok(())
    }

    fn get(&self, index: usize) -> Option<Field<'_>> {
        if let Some((name, value)) = STATIC.get(index.checked_sub(1)?) {
            let kind = STATIC_KINDS[index - 1];
            let fault = name_fault_of_static(index).or_else(|| value_fault(value, kind));
            return Some(Field { name, value, kind, fault });
        }
        let entry = self.table.get(index - 1 - STATIC.len())?;
        let ((name, value), known) = (entry.parts(), &entry.info);
        Some(Field { name, value, kind: known.kind, fault: known.name_fault.or(known.value_fault) })
    }

    fn name(&self, index: usize) -> Option<Name<'_>> {
        if let Some((text, _)) = STATIC.get(index.checked_sub(1)?) {
            return Some(Name { text, kind: STATIC_KINDS[index - 1], fault: name_fault_of_static(index) });
        }
        let entry = self.table.get(index - 1 - STATIC.len())?;
        Some(Name { text: entry.name(), kind: entry.info.kind, fault: entry.info.name_fault })
    }
}

/// Takes a string. It is appended to `scratch` if it is in Huffman code, and else returned as it is.
fn put<'a>(rest: &mut &'a [u8], scratch: &mut Vec<u8>) -> Result<Option<&'a [u8]>, InvalidBlock> {
    let text = Text::take(rest).ok_or(InvalidBlock)?;
    if !text.is_huffman {
        return Ok(Some(text.bytes));
    }
    scratch.reserve(text.bytes.len() * 2);
    match text.each(|octet| scratch.push(octet)) {
        true => Ok(None),
        false => Err(InvalidBlock),
    }
}

fn name_fault_of_static(index: usize) -> Option<&'static str> {
    match index {
        8..=14 => Some("a pseudo-header field is not known"),
        57 => Some("it has a field of HTTP/1.1's connection"),
        _ => None,
    }
}

/// The kinds of the static table's names.
static STATIC_KINDS: [FieldKind; STATIC.len()] = static_kinds();

const fn static_kinds() -> [FieldKind; STATIC.len()] {
    let mut kinds = [FieldKind::Regular; STATIC.len()];
    kinds[0] = FieldKind::Authority;
    (kinds[1], kinds[2]) = (FieldKind::Method, FieldKind::Method);
    (kinds[3], kinds[4]) = (FieldKind::Path, FieldKind::Path);
    (kinds[5], kinds[6]) = (FieldKind::Scheme, FieldKind::Scheme);
    let mut status = 7;
    while status < 14 {
        kinds[status] = FieldKind::OtherPseudo;
        status += 1;
    }
    kinds[27] = FieldKind::ContentLength;
    kinds[30] = FieldKind::ContentType;
    kinds[31] = FieldKind::Cookie;
    kinds[37] = FieldKind::Host;
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, InvalidBlock> {
        let mut all = Vec::new();
        decoder.decode(block, &mut Vec::new(), |field| {
            all.push(format!("{}={}", String::from_utf8_lossy(field.name), String::from_utf8_lossy(field.value)));
        })?;
        Ok(all)
    }

    #[test]
    fn requests_are_those_of_the_rfc() {
        // RFC 7541 appendix C.3 and C.4.
        let first = ":method=GET :scheme=http :path=/ :authority=www.example.com";
        let second = &format!("{first} cache-control=no-cache");
        let third = ":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value";
        let plain: [&[u8]; 3] = [
            b"\x82\x86\x84\x41\x0fwww.example.com",
            b"\x82\x86\x84\xbe\x58\x08no-cache",
            b"\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value",
        ];
        let huffman: [&[u8]; 3] = [
            b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
            b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf",
            b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf",
        ];
        for blocks in [plain, huffman] {
            let mut decoder = Decoder::new(4096);
            for (block, wanted) in blocks.into_iter().zip([first, second, third]) {
                assert_eq!(fields(&mut decoder, block).unwrap().join(" "), wanted);
            }
            assert_eq!(decoder.table.usage().1, 164);
        }
    }

    #[test]
    fn the_table_keeps_the_size_that_the_peer_has_chosen() {
        let mut decoder = Decoder::new(4096);
        // Two entries of 34 octets, in a table of 68: the third one evicts the first.
        let blocks: [&[u8]; 2] = [b"\x3f\x25\x40\x01a\x011\x40\x01b\x012", b"\x40\x01c\x013"];
        blocks.iter().for_each(|block| drop(fields(&mut decoder, block).unwrap()));
        assert_eq!(fields(&mut decoder, b"\xbe\xbf").unwrap(), ["c=3", "b=2"]);
        assert_eq!(fields(&mut decoder, b"\xc0"), Err(InvalidBlock));
        // One that does not fit empties it.
        let long = [b"\x40\x01d\x40".as_slice(), &[b'v'; 64]].concat();
        assert_eq!(fields(&mut decoder, &long).unwrap().len(), 1);
        assert_eq!(decoder.table.usage(), (0, 0));
    }

    #[test]
    fn an_entry_may_have_the_name_of_one_that_it_evicts() {
        let mut decoder = Decoder::new(4096);
        assert_eq!(fields(&mut decoder, b"\x3f\x05\x40\x01a\x011").unwrap(), ["a=1"]);
        assert_eq!(fields(&mut decoder, b"\x7e\x012\xbe").unwrap(), ["a=2", "a=2"]);
    }

    #[test]
    fn sizes_beyond_the_limit_and_late_ones_are_refused() {
        assert_eq!(fields(&mut Decoder::new(100), b"\x3f\xe1\x1f\x82").unwrap(), [":method=GET"]);
        assert_eq!(fields(&mut Decoder::new(4096), b"\x3f\xe2\x1f\x82"), Err(InvalidBlock));
        assert_eq!(fields(&mut Decoder::new(4096), b"\x82\x20"), Err(InvalidBlock));
        let mut decoder = Decoder::new(100);
        decoder.acknowledge_limit(100);
        assert_eq!(fields(&mut decoder, b"\x82"), Err(InvalidBlock), "the peer has to shrink its table first");
        assert_eq!(fields(&mut decoder, b"\x3f\x45\x82").unwrap(), [":method=GET"]);
    }

    #[test]
    fn faults_are_told_for_references_too() {
        let mut decoder = Decoder::new(4096);
        let mut faults = Vec::new();
        let block = b"\x40\x01A\x01v\x40\x01b\x01\n\x7e\x01c\xbe\xbf\xc0\x88\x0f\x2a\x01x";
        decoder.decode(block, &mut Vec::new(), |field| faults.push(field.fault.is_some())).unwrap();
        // `A`, `b` with a line break, `b` without; the last two, and the first two again; `:status`, `transfer-encoding`.
        assert_eq!(faults, [true, true, false, false, true, true, true, true]);
    }

    #[test]
    fn malformed_blocks_are_refused_wherever_they_end() {
        let block = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x01v";
        let whole = [3, 17, 30];
        for end in 0..block.len() {
            let is_whole = end < 4 || whole.contains(&end);
            assert_eq!(fields(&mut Decoder::new(4096), &block[..end]).is_ok(), is_whole, "{end}");
        }
        for wrong in [&b"\x80"[..], b"\xbe", b"\xff\x80\x80\x80\x80\x80\x01", b"\x7e\x01v", b"\x00\x81\x00\x00"] {
            assert_eq!(fields(&mut Decoder::new(4096), wrong), Err(InvalidBlock), "{wrong:?}");
        }
    }
}
